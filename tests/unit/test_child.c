/* test_child.c: real processes: how they end, what they are given and what they leave. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "tests/unit/child_world.h"

/* A process that is no child of ours is gone, or a zombie that waits for init. */
static bool is_gone(pid_t pid)
{
	char path[64], stat[256] = "", *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	(void)!fread(stat, 1, sizeof(stat) - 1, f);
	fclose(f);
	state = strrchr(stat, ')');
	return !state || state[2] == 'Z' || state[2] == 'X';
}

/* The kernel kills in its own time: the end is awaited, its lack ends in a failure. */
static void await_gone(pid_t pid)
{
	int64_t until = clock_mono_ms() + 30000;

	assert_true(pid > 1);
	while (!is_gone(pid) && clock_mono_ms() < until)
		sched_yield();
	assert_true(is_gone(pid));
}

static void test_ends(void **state ATTR_UNUSED)
{
	struct world w;

	world_init(&w, 1);
	run_shell(&w, "echo out; echo err >&2; exit 3");
	assert_int_equal(w.end, CHILD_EXITED);
	assert_int_equal(w.code, 3);
	assert_string_equal(w.output, "out\nerr\n");
	assert_false(w.truncated);
	run_shell(&w, "kill -USR1 $$");
	assert_int_equal(w.end, CHILD_SIGNALED);
	assert_int_equal(w.code, SIGUSR1);
	assert_string_equal(w.output, "");
	world_fini(&w);
}

static void test_argv_is_no_shell(void **state ATTR_UNUSED)
{
	struct world w;

	world_init(&w, 1);
	w.argv[0] = "/bin/echo";
	w.argv[1] = "$HOME; `id` *";
	w.argv[2] = "";
	w.argv[3] = "b";
	run(&w);
	assert_string_equal(w.output, "$HOME; `id` *  b\n");
	world_fini(&w);
}

static void test_input(void **state ATTR_UNUSED)
{
	size_t n = 1 << 20;
	char *big = malloc(n);
	struct world w;

	assert_non_null(big);
	memset(big, 'x', n);
	world_init(&w, 1);
	run_shell(&w, "wc -c");
	assert_string_equal(w.output, "0\n");
	w.req.input = "hello";
	w.req.input_len = 5;
	run_shell(&w, "cat");
	assert_string_equal(w.output, "hello");
	w.req.input = big;
	w.req.input_len = n;
	run_shell(&w, "wc -c");
	assert_string_equal(w.output, "1048576\n");
	run_shell(&w, "exit 0"); /* which reads nothing of it */
	assert_int_equal(w.end, CHILD_EXITED);
	world_fini(&w);
	free(big);
}

static void test_environment(void **state ATTR_UNUSED)
{
	static const char *const env[] = { "A=1", "B=two words", NULL };
	struct world w;

	setenv("SECRET", "leaks", 1);
	world_init(&w, 1);
	w.argv[0] = "/usr/bin/env";
	w.req.env = env;
	run(&w);
	assert_string_equal(w.output, "A=1\nB=two words\n");
	w.req.env = NULL;
	run(&w);
	assert_string_equal(w.output, "");
	world_fini(&w);
}

/* More than a pipe holds: who did not drain it would wait for the deadline. */
static void test_output_cap(void **state ATTR_UNUSED)
{
	struct world w;

	world_init(&w, 1);
	w.req.max_output = 10;
	run_shell(&w, "i=0; while [ $i -lt 30000 ]; do echo 0123456789; i=$((i+1)); done");
	assert_int_equal(w.end, CHILD_EXITED);
	assert_string_equal(w.output, "0123456789");
	assert_true(w.truncated);
	run_shell(&w, "printf 0123456789");
	assert_string_equal(w.output, "0123456789");
	assert_false(w.truncated);
	world_fini(&w);
}

static void test_deadline(void **state ATTR_UNUSED)
{
	struct world w;

	world_init(&w, 1);
	w.req.timeout_ms = 50;
	run_shell(&w, "trap 'echo asked; exit 0' TERM; while :; do sleep 1000; done");
	assert_int_equal(w.end, CHILD_DEADLINE);
	assert_true(w.took_ms >= 50);
	/* one that is stopped hears it, too */
	run_shell(&w, "kill -STOP $$");
	assert_int_equal(w.end, CHILD_DEADLINE);
	assert_true(w.took_ms < 30000);
	/* one that does not listen gets SIGKILL after the grace */
	w.req.grace_ms = 50;
	run_shell(&w, "trap '' TERM; while :; do sleep 1000; done");
	assert_int_equal(w.end, CHILD_DEADLINE);
	assert_true(w.took_ms >= 100);
	world_fini(&w);
}

/* Grandchildren end with it, whether it ends itself, by the deadline or is cancelled. */
static void test_group(void **state ATTR_UNUSED)
{
	struct world w;

	world_init(&w, 1);
	run_shell(&w, "sleep 1000 & echo $!");
	assert_int_equal(w.end, CHILD_EXITED);
	await_gone(atoi(w.output));
	w.req.timeout_ms = 200;
	w.req.grace_ms = 50;
	run_shell(&w, "(trap '' TERM; while :; do sleep 1000; done) & echo $!; wait");
	assert_int_equal(w.end, CHILD_DEADLINE);
	await_gone(atoi(w.output));
	world_fini(&w);
}

static void test_session_of_its_own(void **state ATTR_UNUSED)
{
	struct world w;
	int pid, group, session;

	world_init(&w, 1);
	run_shell(&w, "cut -d' ' -f4-6 /proc/self/stat; pwd");
	/* of cut: its parent is the shell, which leads group and session */
	assert_int_equal(sscanf(w.output, "%d %d %d", &pid, &group, &session), 3);
	assert_int_equal(pid, group);
	assert_int_equal(pid, session);
	assert_non_null(strstr(w.output, "\n/\n"));
	world_fini(&w);
}

/* A descriptor that nobody marked close-on-exec does not reach it, nor one at 0 to 2. */
static void test_descriptors(void **state ATTR_UNUSED)
{
	int fd = open("/dev/null", O_RDONLY), far = fcntl(fd, F_DUPFD, 900);
	int saved = dup(0);
	struct world w;

	assert_int_not_equal(far, -1);
	world_init(&w, 1);
	run_shell(&w, "ls /proc/$$/fd; :");
	assert_string_equal(w.output, "0\n1\n2\n");
	close(0); /* what is opened next is 0 */
	run_shell(&w, "cat; ls /proc/$$/fd; :");
	assert_string_equal(w.output, "0\n1\n2\n");
	assert_int_equal(dup2(saved, 0), 0);
	world_fini(&w);
	close(fd);
	close(far);
	close(saved);
}

static uint64_t status_field(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, 16);
}

static void test_signals_and_capabilities(void **state ATTR_UNUSED)
{
	sigset_t block, before;
	struct world w;

	world_init(&w, 1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &block, &before);
	w.argv[0] = "/bin/cat";
	w.argv[1] = "/proc/self/status";
	run(&w);
	sigprocmask(SIG_SETMASK, &before, NULL);
	signal(SIGUSR2, SIG_DFL);
	assert_int_equal(status_field(w.output, "SigBlk:"), 0);
	assert_int_equal(status_field(w.output, "SigIgn:"), 0);
	assert_int_equal(status_field(w.output, "CapInh:"), 0);
	assert_int_equal(status_field(w.output, "CapPrm:"), 0);
	assert_int_equal(status_field(w.output, "CapEff:"), 0);
	assert_int_equal(status_field(w.output, "CapAmb:"), 0);
	assert_int_equal(status_field(w.output, "NoNewPrivs:"), 1);
	/* ours are what they were: signals, and what a child gave up */
	assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	assert_int_equal(raise(SIGPIPE), 0);
	world_fini(&w);
}

static void test_cannot_start(void **state ATTR_UNUSED)
{
	char path[] = "/tmp/ipvs-agent-test-XXXXXX";
	int fd = mkstemp(path);
	struct rlimit before, none;
	bool ours = true;
	struct world w;

	world_init(&w, 1);
	w.argv[0] = "/nonexistent/program";
	assert_int_equal(start(&w, &ours), -ENOENT);
	assert_false(ours);
	w.argv[0] = "/etc/passwd";
	ours = true;
	assert_int_equal(start(&w, &ours), -EACCES);
	assert_false(ours);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	w.argv[0] = path; /* empty */
	assert_int_equal(start(&w, &ours), -ENOEXEC);
	assert_int_equal(children_count(w.children), 0);
	/* no descriptor is left: ours */
	fd = dup(0);
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)fd;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	ours = false;
	w.argv[0] = "/bin/true";
	assert_int_equal(start(&w, &ours), -EMFILE);
	assert_true(ours);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	run(&w);
	unlink(path);
	world_fini(&w);
}

/* In a process of its own: the limit counts a user's processes, and never root's. */
static int refused_process(void)
{
	const struct rlimit none = { 0, 0 };
	bool ours = false;
	struct world w;
	int r;

	world_init(&w, 1);
	if (setrlimit(RLIMIT_NPROC, &none) == -1 || (geteuid() == 0 && setuid(65534) == -1))
		return 2;
	w.argv[0] = "/bin/true";
	r = start(&w, &ours);
	children_free(w.children);
	loop_free(w.loop);
	return r == -EAGAIN && ours ? 0 : 1;
}

static void test_no_process_left(void **state ATTR_UNUSED)
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(refused_process());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_at_most(void **state ATTR_UNUSED)
{
	bool ours = false;
	struct world w;

	world_init(&w, 2);
	start_shell(&w, "echo a");
	start_shell(&w, "echo b");
	assert_int_equal(children_count(w.children), 2);
	assert_int_equal(start(&w, &ours), -EBUSY);
	assert_true(ours);
	w.expected = 2;
	loop_run(w.loop);
	assert_int_equal(w.calls, 2);
	w.expected = 1;
	run_shell(&w, "echo c");
	assert_string_equal(w.output, "c\n");
	world_fini(&w);
}

/* Tells the world that a cancelled one's place is free. */
static void on_output_of_next(void *arg)
{
	struct world *w = arg;

	if (children_count(w->children) == 0)
		loop_stop(w->loop);
}

static void test_cancel(void **state ATTR_UNUSED)
{
	struct world w;

	world_init(&w, 1);
	start_shell(&w, "trap '' TERM; sleep 1000");
	child_cancel(w.child);
	child_cancel(NULL);
	assert_int_equal(children_count(w.children), 1);
	loop_before_sleep(w.loop, "free", on_output_of_next, &w);
	loop_run(w.loop);
	assert_int_equal(w.calls, 0);
	world_fini(&w);
}

static void test_free_kills(void **state ATTR_UNUSED)
{
	struct world w;
	int fds[2], byte;

	assert_int_equal(pipe(fds), 0);
	world_init(&w, 4);
	start_shell(&w, "trap '' TERM; while :; do sleep 1000; done");
	start_shell(&w, "sleep 1000 & sleep 1000");
	world_fini(&w);
	assert_int_equal(w.calls, 0);
	/* nobody has the writing end but us: a leaked one would keep this from ending */
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	children_free(NULL);
}

/* Started from within the end of another, again and again: nothing piles up. */
struct chain {
	struct world w;
	int left;
};

static void on_chain(void *arg, const struct child_result *r)
{
	struct chain *c = arg;

	assert_int_equal(r->end, CHILD_EXITED);
	if (c->left-- == 0)
		loop_stop(c->w.loop);
	else
		assert_int_equal(
			child_start(c->w.children, &c->w.req, on_chain, c, &c->w.child, NULL), 0);
}

static void test_chain(void **state ATTR_UNUSED)
{
	struct chain c = { .left = 50 };
	int before = dup(0), after;

	close(before);
	world_init(&c.w, 1);
	c.w.argv[0] = "/bin/true";
	c.w.req.argv = c.w.argv;
	assert_int_equal(child_start(c.w.children, &c.w.req, on_chain, &c, &c.w.child, NULL), 0);
	loop_run(c.w.loop);
	world_fini(&c.w);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_argv_is_no_shell),
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_output_cap),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_session_of_its_own),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_signals_and_capabilities),
		cmocka_unit_test(test_cannot_start),
		cmocka_unit_test(test_no_process_left),
		cmocka_unit_test(test_at_most),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_free_kills),
		cmocka_unit_test(test_chain),
	};

	return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
