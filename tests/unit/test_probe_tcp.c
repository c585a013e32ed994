/* test_probe_tcp.c: the tcp kind against real listeners on loopback, where it asks for
 * nothing but a connection. */
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/wait.h>

#include "collectors/table.h"
#include "tests/unit/probe_case.h"

/* None of the kind's own keys is given. */
static max_align_t no_keys[32];

static struct probe_conf conf_of(int64_t timeout)
{
	assert_true(probe_tcp.part.size <= sizeof(no_keys));
	return (struct probe_conf){ .head.name = "tcp",
				    .head.part_conf = no_keys,
				    .url = "tcp://{address}",
				    .type = &probe_tcp,
				    .interval = 3600000,
				    .timeout = timeout,
				    .rise = 1,
				    .fall = 1 };
}

static struct target probe_once(const struct addr *to, int64_t timeout)
{
	struct probe_conf conf = conf_of(timeout);
	struct probe_case c;
	struct target t;

	case_init(&c, false);
	t = case_probe(&c, &conf, to, 1);
	case_fini(&c);
	return t;
}

/* Accepted, and given up by a reset: the server's end has no orderly close, and ours
 * stays in no TIME_WAIT. */
static void test_accepted(void **state ATTR_UNUSED)
{
	struct addr to;
	int l = case_listen(8, &to), fd;
	struct target t = probe_once(&to, 10000);
	char byte;

	assert_int_equal(t.health.verdict, VERDICT_UP);
	assert_int_equal(t.health.reason, PROBE_OK);
	assert_int_equal(t.last_errno, 0);
	assert_true(t.connect_us > 0 && t.connect_us <= t.last_us);
	fd = accept(l, NULL, NULL);
	if (fd != -1) { /* the kernel may have dropped the dead one from the queue */
		assert_int_equal(read(fd, &byte, 1), -1);
		assert_int_equal(errno, ECONNRESET);
		close(fd);
	}
	close(l);
}

static void test_refused(void **state ATTR_UNUSED)
{
	struct addr to;
	int fd = case_listen(-1, &to); /* bound, not listening */
	struct target t = probe_once(&to, 10000);

	assert_int_equal(t.health.verdict, VERDICT_DOWN);
	assert_int_equal(t.health.reason, PROBE_CONNECT_REFUSED);
	assert_int_equal(t.last_errno, ECONNREFUSED);
	close(fd);
}

static void test_refused_v6(void **state ATTR_UNUSED)
{
	struct addr to;
	struct target t;

	assert_int_equal(addr_parse("[::1]:1", &to), 0);
	t = probe_once(&to, 10000);
	if (t.last_errno == EADDRNOTAVAIL || t.last_errno == ENETUNREACH ||
	    t.last_errno == EAFNOSUPPORT)
		skip(); /* no IPv6 on loopback here */
	assert_int_equal(t.health.reason, PROBE_CONNECT_REFUSED);
}

static void test_black_hole(void **state ATTR_UNUSED)
{
	struct addr to;
	int l = case_listen(0, &to), fds[4], i;
	struct target t;

	case_fill(&to, fds);
	t = probe_once(&to, 100);
	assert_int_equal(t.health.reason, PROBE_CONNECT_TIMEOUT);
	assert_int_equal(t.health.verdict, VERDICT_DOWN);
	assert_true(t.last_us >= 100000);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(l);
}

static void test_no_port(void **state ATTR_UNUSED)
{
	struct addr to;

	assert_int_equal(addr_parse("127.0.0.1", &to), 0);
	assert_int_equal(probe_once(&to, 1000).health.reason, PROBE_LOCAL_CONFIG);
}

/* Our own want of descriptors says nothing of the server, and passes. */
static void test_no_descriptors(void **state ATTR_UNUSED)
{
	struct probe_conf conf = conf_of(10000);
	struct probe_case c;
	struct rlimit before;
	struct target t;
	struct addr to;
	int l = case_listen(8, &to);

	case_init(&c, false);
	case_no_descriptors(&before);
	t = case_probe(&c, &conf, &to, 1);
	case_descriptors(&before);
	assert_int_equal(t.health.verdict, VERDICT_NONE);
	assert_true(t.health.unknown);
	assert_int_equal(t.health.reason, PROBE_LOCAL_RESOURCES);
	assert_int_equal(t.last_errno, EMFILE);
	t = case_probe(&c, &conf, &to, 1);
	assert_int_equal(t.health.reason, PROBE_OK);
	case_fini(&c);
	close(l);
}

/* In a network namespace of its own there is no route to anywhere. */
static void test_no_route(void **state ATTR_UNUSED)
{
	pid_t pid = fork();
	struct target t;
	struct addr to;
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1 && unshare(CLONE_NEWNET) == -1)
			_exit(77);
		addr_parse("192.0.2.1:80", &to);
		t = probe_once(&to, 10000);
		_exit(t.health.reason == PROBE_LOCAL_ROUTE && t.last_errno == ENETUNREACH ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Hundreds of attempts leave no descriptor behind, nor does the end of it all while
 * one is under way. */
static void test_leaves_nothing(void **state ATTR_UNUSED)
{
	struct probe_conf conf = conf_of(5000);
	struct probe_case c;
	struct addr up, hole;
	int l = case_listen(64, &up), h = case_listen(0, &hole), fds[4], i, before, after;
	struct layout_target asked = { .conf = &conf };
	struct target t = { 0 };
	static const uint32_t from[1] = { SCHED_NEW };
	struct sched_stats stats = { 0 };

	case_fill(&hole, fds);
	before = dup(0);
	close(before);
	conf.interval = 10;
	case_init(&c, false);
	case_probe(&c, &conf, &up, 50);
	asked.addr = hole;
	assert_int_equal(sched_replace(c.sched, &asked, &t, 1, from, &(struct sched_limits){ 1 }),
			 0);
	for (i = 0; i < 20 && !stats.running; i++) {
		struct loop_timer *timer;

		assert_int_equal(loop_timer_new(c.loop, "stop", stop, c.loop, &timer), 0);
		loop_timer_start(timer, 100);
		loop_run(c.loop);
		loop_timer_free(timer);
		sched_stats(c.sched, &stats);
	}
	assert_int_equal(stats.running, 1);
	case_fini(&c);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(h);
	close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_v6), cmocka_unit_test(test_black_hole),
		cmocka_unit_test(test_no_port),    cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_no_route),   cmocka_unit_test(test_leaves_nothing),
	};

	return cmocka_run_group_tests_name("probe_tcp", tests, NULL, NULL);
}
