/* test_probe_exec.c: the exec kind with programs that judge, shout, hang, die and are not
 * there. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "collectors/probe_path.h"
#include "collectors/table.h"
#include "tests/unit/kind_case.h"

enum { SHORT_MS = 1000 };

static char dir[] = "/tmp/probe_exec.XXXXXX", path[64];

static void write_program(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void read_text(const char *name, char *to, size_t room)
{
	char file[96];
	FILE *f;
	size_t n;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	f = fopen(file, "re");
	n = f ? fread(to, 1, room - 1, f) : 0;

	to[n] = '\0';
	if (f)
		fclose(f);
}

static void program(struct kind_case *k, const char *text)
{
	write_program(text, 0755);
	kind_init_at(k, &probe_exec, "exec://", path);
}

/* Runs it as the case says: one that holds may be run again. */
static struct target run_program(struct kind_case *k, int64_t timeout_ms)
{
	struct addr to;

	assert_int_equal(addr_parse("192.0.2.7:8080", &to), 0);
	k->conf.timeout = timeout_ms;
	return kind_probe(k, &to);
}

/* --- what it says ------------------------------------------------------------- */

static const struct status_case {
	const char *text;
	enum probe_reason reason;
	int status;
	const char *said;
} statuses[] = {
	{ "#!/bin/sh\nexit 0\n", PROBE_OK, 0, "exit status 0" },
	{ "#!/bin/sh\necho fine; exit 0\n", PROBE_OK, 0, "exit status 0: fine" },
	{ "#!/bin/sh\necho WARNING; exit 1\n", PROBE_OK, 1, "exit status 1: WARNING" },
	{ "#!/bin/sh\nprintf 'CRITICAL - no\\nmore'; exit 2\n", PROBE_EXEC_FAILED, 2,
	  "exit status 2: CRITICAL - no" },
	{ "#!/bin/sh\necho lost >&2; exit 2\n", PROBE_EXEC_FAILED, 2, "exit status 2: lost" },
	{ "#!/bin/sh\necho UNKNOWN; exit 3\n", PROBE_LOCAL_ERROR, 3, "exit status 3: UNKNOWN" },
	{ "#!/bin/sh\nexit 4\n", PROBE_LOCAL_ERROR, 4, "exit status 4" },
	{ "#!/bin/sh\nexit 127\n", PROBE_LOCAL_ERROR, 127, "exit status 127" },
	{ "#!/bin/sh\nkill -TERM $$\n", PROBE_LOCAL_ERROR, 0, "ended by signal 15 (TERM)" },
	{ "#!/bin/sh\necho a; kill -KILL $$\n", PROBE_LOCAL_ERROR, 0,
	  "ended by signal 9 (KILL): a" },
	/* 10 MB of garbage, and a verdict */
	{ "#!/bin/sh\nhead -c 10000000 /dev/zero; exit 2\n", PROBE_EXEC_FAILED, 2,
	  "exit status 2" },
	{ "#!/bin/sh\nprintf '\\033[31m\\377red'; exit 2\n", PROBE_EXEC_FAILED, 2,
	  "exit status 2:  [31m?red" },
	/* a program that goes on behind it is not waited for */
	{ "#!/bin/sh\nsleep 1000 &\nexit 2\n", PROBE_EXEC_FAILED, 2, "exit status 2" },
	{ "#!/nonexistent/interpreter\n", PROBE_LOCAL_CONFIG, 0,
	  "cannot start: No such file or directory" },
	{ "no program at all", PROBE_LOCAL_CONFIG, 0, "cannot start: Exec format error" },
};

static void test_statuses(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;
	size_t i;

	for (i = 0; i < countof(statuses); i++) {
		program(&k, statuses[i].text);
		t = run_program(&k, 20000);
		kind_reason(&t, statuses[i].reason, statuses[i].text);
		assert_int_equal(t.last_status, statuses[i].status);
		assert_string_equal(k.said, statuses[i].said);
		kind_fini(&k);
	}
}

/* A line without an end is cut. */
static void test_long_line(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;

	program(&k, "#!/bin/sh\nhead -c 10000000 /dev/zero | tr '\\0' x; exit 2\n");
	t = run_program(&k, 20000);
	kind_reason(&t, PROBE_EXEC_FAILED, "long line");
	assert_int_equal(strlen(k.said), strlen("exit status 2: ") + 200);
	kind_fini(&k);
}

static void test_warning_failed(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse("192.0.2.7", &to), 0);
	program(&k, "#!/bin/sh\nexit 1\n");
	assert_int_equal(kind_set(&k, "warning", "failed"), 0);
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_EXEC_FAILED, "warning");
	assert_int_equal(t.health.verdict, VERDICT_DOWN);
	kind_fini(&k);
}

/* Hangs, and hangs on: the group is killed. Whose fault it was is not known here. */
static void test_deadline(void **state ATTR_UNUSED)
{
	static const char *const programs[] = {
		"#!/bin/sh\nsleep 1000\n",
		"#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1000; done\n",
		"#!/bin/sh\nwhile :; do printf .; done\n", /* drips for ever */
		"#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.01; done\n",
	};
	struct kind_case k;
	struct target t;
	size_t i;

	for (i = 0; i < 2 * countof(programs); i++) {
		program(&k, programs[i / 2]);
		if (i & 1)
			assert_int_equal(kind_set(&k, "overrun", "failed"), 0);
		t = run_program(&k, SHORT_MS);
		kind_reason(&t, i & 1 ? PROBE_ANSWER_TIMEOUT : PROBE_ANSWER_SILENCE,
			    programs[i / 2]);
		assert_int_equal(t.health.verdict, i & 1 ? VERDICT_DOWN : VERDICT_NONE);
		assert_in_range(t.last_us, 1000 * SHORT_MS - 20000, 10000000);
		assert_int_equal(strncmp(k.said, "killed at the deadline", 22), 0);
		kind_fini(&k);
	}
}

/* Nothing of the group is left, and it had no capability. */
static void test_group(void **state ATTR_UNUSED)
{
	char text[256], seen[256];
	struct kind_case k;
	struct target t;
	struct pollfd p = { .events = POLLIN };
	int left;

	snprintf(text, sizeof(text),
		 "#!/bin/sh\nsleep 1000 &\necho $! >%s/left\ngrep CapEff /proc/self/status "
		 ">%s/caps\nsleep 1000\n",
		 dir, dir);
	program(&k, text);
	t = run_program(&k, SHORT_MS);
	kind_reason(&t, PROBE_ANSWER_SILENCE, "group");
	kind_fini(&k);
	read_text("caps", seen, sizeof(seen));
	assert_string_equal(seen, "CapEff:\t0000000000000000\n");
	read_text("left", seen, sizeof(seen));
	left = atoi(seen);
	assert_true(left > 1);
	/* an orphan: reaped by whoever adopted it, or about to be */
	p.fd = (int)syscall(SYS_pidfd_open, left, 0);
	assert_true(p.fd != -1 || errno == ESRCH);
	if (p.fd != -1)
		assert_int_equal(poll(&p, 1, 10000), 1);
	close(p.fd);
}

static void test_not_there(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse("192.0.2.7", &to), 0);
	kind_init_at(&k, &probe_exec, "exec://", "/nonexistent/check");
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_LOCAL_CONFIG, "no program");
	assert_int_equal(t.last_errno, ENOENT);
	assert_int_equal(t.health.verdict, VERDICT_NONE);
	kind_fini(&k);
	program(&k, "#!/bin/sh\nexit 0\n");
	assert_int_equal(chmod(path, 0644), 0);
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_LOCAL_CONFIG, "not to be executed");
	assert_int_equal(t.last_errno, EACCES);
	kind_fini(&k);
}

/* --- what it gets ------------------------------------------------------------- */

static void test_arguments(void **state ATTR_UNUSED)
{
	char seen[4096], text[256];
	struct kind_case k;
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse("[2001:db8::7]:8080", &to), 0);
	snprintf(text, sizeof(text),
		 "#!/bin/sh\n{ for a in \"$@\"; do echo \"<$a>\"; done; env; } >%s/seen\n", dir);
	program(&k, text);
	assert_int_equal(kind_set(&k, "arg", "-H"), 0);
	assert_int_equal(kind_set(&k, "arg", "{address}"), 0);
	assert_int_equal(kind_set(&k, "arg", "port={port}; rm -rf $HOME *"), 0);
	assert_int_equal(kind_set(&k, "env", "LANG=de_DE"), 0);
	assert_int_equal(kind_set(&k, "env", "WHERE=[{address}]:{port}"), 0);
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_OK, "arguments");
	kind_fini(&k);
	read_text("seen", seen, sizeof(seen));
	assert_non_null(strstr(seen, "<-H>\n<2001:db8::7>\n<port=8080; rm -rf $HOME *>\n"));
	assert_non_null(strstr(seen, "IPVS_ADDRESS=2001:db8::7\n"));
	assert_non_null(strstr(seen, "IPVS_PORT=8080\n"));
	assert_non_null(strstr(seen, "IPVS_PROBE=t\n"));
	assert_non_null(strstr(seen, "WHERE=[2001:db8::7]:8080\n"));
	assert_non_null(strstr(seen, "LANG=de_DE\n"));
	assert_null(strstr(seen, "LANG=C"));
	assert_non_null(strstr(seen, "PATH=/"));
	assert_null(strstr(seen, "HOME="));
}

/* --- how many ----------------------------------------------------------------- */

/* Runs `n` attempts of the section at once. */
static void run_many(struct kind_case *k, struct target *targets, uint32_t n)
{
	const struct sched_limits limits = { .max_running = 100 };
	struct layout_target *asked = calloc(n, sizeof(*asked));
	uint32_t *from = malloc(n * sizeof(*from)), i;
	struct probe_case c;

	assert_true(asked && from);
	memset(from, 0xff, n * sizeof(*from));
	for (i = 0; i < n; i++) {
		asked[i].conf = &k->conf;
		assert_int_equal(addr_parse("192.0.2.7", &asked[i].addr), 0);
		asked[i].addr.port = (uint16_t)(i + 1);
	}
	assert_int_equal(kind_finish(k), 0);
	case_init(&c, false);
	assert_int_equal(sched_replace(c.sched, asked, targets, n, from, &limits), 0);
	c.stop_after = n;
	loop_run(c.loop);
	case_fini(&c);
	free(asked);
	free(from);
}

/* Eight that take their time, two at once: each finds no more than one other there. */
static void test_at_once(void **state ATTR_UNUSED)
{
	struct target targets[8] = { 0 };
	char text[512], seen[256];
	struct kind_case k;
	size_t i;

	snprintf(text, sizeof(text),
		 "#!/bin/sh\ncd %s\n: >run.$$\nset -- run.*\n[ $# -le 2 ] || echo $# >>toomany\n"
		 "echo $# >>counts\nsleep 0.2\nrm run.$$\n",
		 dir);
	program(&k, text);
	k.conf.timeout = 30000;
	assert_int_equal(kind_set(&k, "at_once", "2"), 0);
	run_many(&k, targets, 8);
	for (i = 0; i < 8; i++) {
		kind_reason(&targets[i], PROBE_OK, "one of eight");
		target_fini(&targets[i]);
	}
	kind_fini(&k);
	read_text("toomany", seen, sizeof(seen));
	assert_string_equal(seen, "");
	read_text("counts", seen, sizeof(seen));
	assert_int_equal(strlen(seen), 16);
	assert_non_null(strchr(seen, '2'));
}

/* Who waits in vain learns nothing of the server; the one that hangs does. */
static void test_waits_in_vain(void **state ATTR_UNUSED)
{
	struct target targets[2] = { 0 };
	struct kind_case k;
	int late, i;

	program(&k, "#!/bin/sh\nexec sleep 1000\n");
	k.conf.timeout = SHORT_MS;
	assert_int_equal(kind_set(&k, "overrun", "failed"), 0);
	assert_int_equal(kind_set(&k, "at_once", "1"), 0);
	run_many(&k, targets, 2);
	late = targets[0].health.reason == PROBE_ANSWER_TIMEOUT;
	kind_reason(&targets[!late], PROBE_ANSWER_TIMEOUT, "the first");
	kind_reason(&targets[late], PROBE_LOCAL_RESOURCES, "the second");
	for (i = 0; i < 2; i++)
		target_fini(&targets[i]);
	kind_fini(&k);
}

static void test_no_descriptors(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct probe_case c;
	struct rlimit before;
	struct target t;
	struct addr to;

	assert_int_equal(addr_parse("192.0.2.7", &to), 0);
	program(&k, "#!/bin/sh\nexit 0\n");
	assert_int_equal(kind_finish(&k), 0);
	case_init(&c, false);
	case_no_descriptors(&before);
	t = case_probe(&c, &k.conf, &to, 1);
	case_descriptors(&before);
	kind_reason(&t, PROBE_LOCAL_RESOURCES, "no descriptor");
	assert_int_equal(t.last_errno, EMFILE);
	t = case_probe(&c, &k.conf, &to, 1);
	kind_reason(&t, PROBE_OK, "a descriptor");
	case_fini(&c);
	kind_fini(&k);
}

/* --- life --------------------------------------------------------------------- */

static void stop(void *arg)
{
	loop_stop(arg);
}

/* The end of it all while one runs and one waits: both are gone, and the program is. */
static void test_ends_under_way(void **state ATTR_UNUSED)
{
	const struct sched_limits limits = { .max_running = 100 };
	static const uint32_t fresh[2] = { SCHED_NEW, SCHED_NEW };
	struct layout_target asked[2] = { 0 };
	struct target targets[2] = { 0 };
	struct loop_timer *timer;
	struct probe_case c;
	struct kind_case k;
	char text[256], pid[64] = "";

	snprintf(text, sizeof(text),
		 "#!/bin/sh\necho $$ >%s/pid.new\nmv %s/pid.new %s/pid\n"
		 "exec sleep 1000\n",
		 dir, dir, dir);
	program(&k, text);
	assert_int_equal(kind_set(&k, "at_once", "1"), 0);
	assert_int_equal(kind_finish(&k), 0);
	asked[0].conf = asked[1].conf = &k.conf;
	assert_int_equal(addr_parse("192.0.2.7:1", &asked[0].addr), 0);
	assert_int_equal(addr_parse("192.0.2.7:2", &asked[1].addr), 0);
	case_init(&c, false);
	assert_int_equal(loop_timer_new(c.loop, "stop", stop, c.loop, &timer), 0);
	assert_int_equal(sched_replace(c.sched, asked, targets, 2, fresh, &limits), 0);
	while (!*pid) {
		loop_timer_start(timer, 20);
		loop_run(c.loop);
		read_text("pid", pid, sizeof(pid));
	}
	assert_int_equal(kill((pid_t)atoi(pid), 0), 0);
	case_fini(&c);
	assert_int_equal(kill((pid_t)atoi(pid), 0), -1);
	assert_int_equal(errno, ESRCH);
	kind_fini(&k);
}

/* --- advice ------------------------------------------------------------------- */

static void test_shares(void **state ATTR_UNUSED)
{
	static const struct {
		const char *text;
		int share; /* -1 = none */
	} cases[] = {
		{ "75%", 75 },          { "75%\n", 75 },     { " 0% of it", 0 }, { "256%", 256 },
		{ "257%", -1 },         { "", -1 },          { "75", -1 },       { "OK 75%", -1 },
		{ "-1%", -1 },          { "7.5%", -1 },      { "75%|x", -1 },    { "%", -1 },
		{ "99999999999%", -1 }, { "75%\r\nup", 75 },
	};
	struct probe_advice advice;
	uint32_t share;
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		share = 1000;
		advice = probe_share_advice(cases[i].text);
		assert_true(advice.has_share);
		assert_int_equal(advice.share, cases[i].share >= 0 ? cases[i].share : 100);
		assert_int_equal(advice.admin, PROBE_ADMIN_NONE);
		assert_int_equal(probe_share(cases[i].text, &share), cases[i].share >= 0);
		assert_int_equal(share, cases[i].share >= 0 ? cases[i].share : 1000);
	}
}

static void test_keys(void **state ATTR_UNUSED)
{
	static const struct {
		const char *path, *env, *why;
	} cases[] = {
		{ "/bin/true", "A=", NULL },
		{ "/a%20b%25", NULL, NULL },
		{ "", NULL, "it needs the path of a file, as in exec:///PATH" },
		{ "/", NULL, "it needs the path" },
		{ "/bin/", NULL, "it needs the path" },
		{ "/bin/true?x", NULL, "written %3F" },
		{ "/bin/50%", NULL, "written %25" },
		{ "/bin/%00", NULL, "written %25" },
		{ "/bin/true", "A", "env: 'A' is not NAME=VALUE" },
		{ "/bin/true", "=A", "env: '=A' is not NAME=VALUE" },
	};
	struct kind_case k;
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		kind_init_at(&k, &probe_exec, "exec://", cases[i].path);
		if (cases[i].env)
			assert_int_equal(kind_set(&k, "env", cases[i].env), 0);
		assert_int_equal(kind_finish(&k), cases[i].why ? -EINVAL : 0);
		if (cases[i].why)
			assert_non_null(strstr(buf_str(&k.why), cases[i].why));
		kind_fini(&k);
	}
	kind_init_at(&k, &probe_exec, "exec://", "/bin/true");
	k.conf.host = "www.example.net";
	assert_int_equal(kind_finish(&k), -EINVAL);
	assert_non_null(strstr(buf_str(&k.why), "has no host"));
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),       cmocka_unit_test(test_warning_failed),
		cmocka_unit_test(test_long_line),      cmocka_unit_test(test_group),
		cmocka_unit_test(test_deadline),       cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_arguments),      cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_waits_in_vain),  cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_ends_under_way), cmocka_unit_test(test_shares),
		cmocka_unit_test(test_keys),
	};
	char rm[64];
	int r;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/check", dir);
	r = cmocka_run_group_tests_name("probe_exec", tests, NULL, NULL);
	snprintf(rm, sizeof(rm), "rm -rf %s", dir);
	return system(rm) ? 1 : r;
}
