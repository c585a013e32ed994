/* test_notifier_exec.c: programs that are told: what they get, in which order they run
 * and what becomes of those that fail. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/golden.h"
#include "tests/unit/notify_world.h"

struct exec_world {
	struct notify_world w;
	char dir[64], script[96], out[96];
	char action[256]; /* "SCRIPT OUT" */
};

static void exec_init(struct exec_world *x, const char *script)
{
	struct buf text = BUF_INIT;
	int fd;

	world_init(&x->w, 1);
	snprintf(x->dir, sizeof(x->dir), "/tmp/ipvs-agent-test-XXXXXX");
	assert_non_null(mkdtemp(x->dir));
	snprintf(x->script, sizeof(x->script), "%s/script", x->dir);
	snprintf(x->out, sizeof(x->out), "%s/out", x->dir);
	snprintf(x->action, sizeof(x->action), "%s  %s two", x->script, x->out);
	buf_printf(&text, "#!/bin/sh\n%s\n", script);
	fd = open(x->script, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text.data, text.len), text.len);
	close(fd);
	buf_fini(&text);
	x->w.actions[0] = (struct rule_action){ .action = &action_exec, .argument = x->action };
	x->w.rule.n_actions = 1;
}

static void exec_fini(struct exec_world *x)
{
	char fifo[96];

	world_fini(&x->w);
	snprintf(fifo, sizeof(fifo), "%s/fifo", x->dir);
	unlink(fifo);
	unlink(x->out);
	unlink(x->script);
	assert_int_equal(rmdir(x->dir), 0);
}

static void await_ends(struct exec_world *x, uint64_t n)
{
	x->w.want = n;
	world_await(&x->w, settled);
}

static void assert_out(struct exec_world *x, const char *want)
{
	struct buf out = BUF_INIT;

	golden_read(x->out, &out);
	assert_string_equal(buf_str(&out), want);
	buf_fini(&out);
}

static void test_facts(void **state ATTR_UNUSED)
{
	struct buf out = BUF_INIT;
	struct exec_world x;

	exec_init(&x, "{ echo \"$# $2\"; echo \"$IPVS_AGENT_EVENT $IPVS_AGENT_RULE "
		      "$IPVS_AGENT_SERVICE $IPVS_AGENT_REALSERVER ($IPVS_AGENT_WEIGHT)\"; "
		      "echo \"$IPVS_AGENT_REASON\"; cat; } >$1");
	world_tell(&x.w, NOTICE_HOLD, "web1");
	await_ends(&x, 1);
	golden_read(x.out, &out);
	assert_memory_equal(buf_str(&out),
			    "2 two\nhold probe-down web web1 ()\n"
			    "http connection refused, 3 of 3 probes failed\n{\"version\":1,",
			    80);
	assert_string_equal(world_row(&x.w, 0).action, "exec");
	assert_string_equal(world_row(&x.w, 0).name, "");
	assert_int_equal(world_row(&x.w, 0).sent, 1);
	buf_fini(&out);
	exec_fini(&x);
}

static void test_fails(void **state ATTR_UNUSED)
{
	struct exec_world x;

	exec_init(&x, "echo no such pager >&2; echo more; exit 3");
	world_tell(&x.w, NOTICE_HOLD, "web1");
	await_ends(&x, 1);
	snprintf(x.action, sizeof(x.action), "/nonexistent/program");
	world_tell(&x.w, NOTICE_HOLD, "web1");
	await_ends(&x, 2);
	assert_int_equal(world_row(&x.w, 0).failed, 2);
	assert_int_equal(world_row(&x.w, 0).retried, 0);
	exec_fini(&x);
}

/* web1's hold waits for web2's: side by side. web1's release waits for its hold. */
static void test_order(void **state ATTR_UNUSED)
{
	char fifo[96];
	struct exec_world x;

	exec_init(&x, "case $IPVS_AGENT_EVENT-$IPVS_AGENT_REALSERVER in\n"
		      "hold-web1) read go <${0%/*}/fifo ;;\n"
		      "hold-web2) echo go >${0%/*}/fifo; exit ;;\n"
		      "esac\n"
		      "echo $IPVS_AGENT_EVENT >>$1");
	snprintf(fifo, sizeof(fifo), "%s/fifo", x.dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	world_tell(&x.w, NOTICE_HOLD, "web1");
	world_tell(&x.w, NOTICE_RELEASE, "web1");
	assert_int_equal(world_row(&x.w, 0).running, 1);
	world_tell(&x.w, NOTICE_HOLD, "web2");
	assert_int_equal(world_row(&x.w, 0).running, 2);
	await_ends(&x, 3);
	assert_out(&x, "hold\nrelease\n");
	exec_fini(&x);
}

/* Sixteen at once, 256 wait, the rest is refused. */
static void test_bounds(void **state ATTR_UNUSED)
{
	char fifo[96], name[16];
	struct exec_world x;
	int fd, i;

	exec_init(&x, "read go <${0%/*}/fifo");
	snprintf(fifo, sizeof(fifo), "%s/fifo", x.dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	for (i = 0; i < 16 + 256 + 5; i++) {
		snprintf(name, sizeof(name), "r%d", i);
		world_tell(&x.w, NOTICE_HOLD, name);
	}
	assert_int_equal(world_row(&x.w, 0).running, 16);
	assert_int_equal(world_row(&x.w, 0).waiting, 256);
	assert_int_equal(world_row(&x.w, 0).dropped, 5);
	/* one that has both ends: nobody blocks, and each reads a line or the end */
	fd = open(fifo, O_RDWR | O_CLOEXEC);
	assert_int_not_equal(fd, -1);
	notifier_stop(x.w.n, 0, world_on_stop, &x.w);
	world_await(&x.w, stopped);
	assert_int_equal(world_row(&x.w, 0).dropped, 5 + 16 + 256);
	close(fd);
	exec_fini(&x);
}

/* A whole queue that ends within its start(): no depth, no loss. */
static void test_all_fail_at_once(void **state ATTR_UNUSED)
{
	char fifo[96];
	struct exec_world x;
	int fd, i;

	exec_init(&x, "read go <${0%/*}/fifo");
	snprintf(fifo, sizeof(fifo), "%s/fifo", x.dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	for (i = 0; i < 201; i++)
		world_tell(&x.w, NOTICE_HOLD, "web1");
	assert_int_equal(world_row(&x.w, 0).waiting, 200);
	fd = open(fifo, O_WRONLY | O_CLOEXEC); /* returns when the script reads */
	assert_int_not_equal(fd, -1);
	unlink(x.script);
	assert_int_equal(write(fd, "go\n", 3), 3);
	close(fd);
	await_ends(&x, 201);
	assert_int_equal(world_row(&x.w, 0).sent, 1);
	assert_int_equal(world_row(&x.w, 0).failed, 200);
	exec_fini(&x);
}

static void test_argument(void **state ATTR_UNUSED)
{
	static const char *const wrong[] = { "", "script", "./script", "/bin/" };
	struct buf why = BUF_INIT;
	int effect = 7;
	size_t i;

	for (i = 0; i < countof(wrong); i++) {
		buf_reset(&why);
		assert_int_not_equal(action_exec.effect(wrong[i], &why, &effect), 0);
		assert_true(why.len > 0);
		assert_int_equal(effect, 7);
	}
	assert_int_equal(action_exec.effect("/bin/true a", &why, &effect), 0);
	assert_int_equal(effect, 0);
	buf_fini(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_fails),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_all_fail_at_once),
		cmocka_unit_test(test_argument),
	};

	return cmocka_run_group_tests_name("notifier_exec", tests, NULL, NULL);
}
