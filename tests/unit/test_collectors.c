/* test_collectors.c: the collectors that read /proc, on files as a kernel writes
 * them and as nobody should: directories made for the case. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/metrics/expose.h"
#include "agent/metrics/round.h"
#include "collectors/table.h"
#include "tests/unit/view_fixture.h"

/* --- a directory of its own for each test --- */

static int make_dir(void **state)
{
	char template[] = "/tmp/ipvs-agent-test-XXXXXX";

	if (!mkdtemp(template))
		return -1;
	*state = strdup(template);
	return *state ? 0 : -1;
}

static int remove_dir(void **state)
{
	struct buf command = BUF_INIT;
	int r;

	buf_printf(&command, "rm -rf '%s'", (char *)*state);
	r = system(buf_str(&command));
	buf_fini(&command);
	free(*state);
	return r;
}

/* Writes dir/path with the directories that it needs. */
static void put_file(const char *dir, const char *path, const char *text, size_t len)
{
	struct buf whole = BUF_INIT;
	char *slash;
	FILE *f;

	buf_puts(&whole, dir);
	buf_putc(&whole, '/');
	buf_puts(&whole, path);
	slash = whole.data + strlen(dir);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		assert_true(mkdir(whole.data, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	f = fopen(buf_str(&whole), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	buf_fini(&whole);
}

static void put_text(const char *dir, const char *path, const char *text)
{
	put_file(dir, path, text, strlen(text));
}

/* One round of one collector, and what a scrape then shows of its families. */
static int look(const struct collector *c, const char *procfs, struct buf *out)
{
	const struct collector *const collectors[] = { c, NULL };
	struct expose_request req = { .collectors = collectors };
	struct collect_env env = { .procfs = procfs };
	struct view v = view_fixture();
	struct expose *e;
	int error;

	v.rounds = round_run(collectors, &env);
	assert_non_null(v.rounds);
	assert_int_equal(expose_new(&v, &req, &e), 0);
	buf_reset(out);
	assert_false(expose_next(e, out, SIZE_MAX));
	assert_true(buf_ok(out));
	expose_free(e);
	error = round_result(v.rounds, 0)->error;
	assert_int_equal(round_result(v.rounds, 0)->success, error == 0);
	assert_int_equal(round_result(v.rounds, 0)->nodata, error == -ENODATA);
	round_free(v.rounds);
	return error;
}

static bool has_line(const struct buf *text, const char *line)
{
	const char *at = buf_str(text);
	size_t len = strlen(line);

	while ((at = strstr(at, line))) {
		if ((at == text->data || at[-1] == '\n') && at[len] == '\n')
			return true;
		at += len;
	}
	return false;
}

#define HEADS                                                                                      \
	"   Total Incoming Outgoing         Incoming         Outgoing\n"                           \
	"   Conns  Packets  Packets            Bytes            Bytes\n"

static void test_ip_vs_stats(void **state)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{ HEADS "       1        a       FF               10 ffffffffffffffff\n\n", 0 },
		{ HEADS "1 a FF 10 ffffffffffffffff\n", 0 },
		{ "", -EBADMSG },
		{ "\n\n\n", -EBADMSG },
		{ HEADS, -EBADMSG },
		{ HEADS "1 2 3 4\n", -EBADMSG },
		{ HEADS "1 2 3 4 5 6\n", -EBADMSG },
		{ HEADS "1 2 3 4 5", -EBADMSG }, /* cut off */
		{ HEADS "1 2 3 4 10000000000000000\n", -EBADMSG },
		{ HEADS "1 2 3 4 -5\n", -EBADMSG },
		{ HEADS "1 2 3 4 0x5\n", -EBADMSG },
		{ HEADS "1 2 3 4 5g\n", -EBADMSG },
		{ HEADS "1 2 3\n4 5\n", -EBADMSG },
	};
	struct buf text = BUF_INIT;
	size_t i;

	assert_int_equal(look(&collector_ip_vs_proc, *state, &text), -ENODATA);
	assert_true(has_line(&text, "ipvs_agent_collector_success{collector=\"ip_vs_proc\"} 0"));
	for (i = 0; i < countof(cases); i++) {
		put_text(*state, "net/ip_vs_stats", cases[i].text);
		assert_int_equal(look(&collector_ip_vs_proc, *state, &text), cases[i].error);
		assert_int_equal(has_line(&text, "ipvs_connections_total 1"), !cases[i].error);
		assert_int_equal(has_line(&text, "ipvs_outgoing_bytes_total 18446744073709551615"),
				 !cases[i].error);
	}
	put_file(*state, "net/ip_vs_stats", HEADS "1 2 3 4 5\0\n", strlen(HEADS) + 11);
	assert_int_equal(look(&collector_ip_vs_proc, *state, &text), -EBADMSG);
	buf_fini(&text);
}

/* A file without an end, such as a device put in its place. */
static void test_endless(void **state)
{
	struct buf path = BUF_INIT, text = BUF_INIT;

	put_text(*state, "net/x", "");
	put_text(*state, "self/x", "");
	buf_printf(&path, "%s/net/ip_vs_stats", (char *)*state);
	assert_int_equal(symlink("/dev/zero", buf_str(&path)), 0);
	buf_reset(&path);
	buf_printf(&path, "%s/self/stat", (char *)*state);
	assert_int_equal(symlink("/dev/zero", buf_str(&path)), 0);
	assert_int_equal(look(&collector_ip_vs_proc, *state, &text), -EFBIG);
	assert_int_equal(look(&collector_process, *state, &text), -EFBIG);
	buf_fini(&path);
	buf_fini(&text);
}

#define VS "sys/net/ipv4/vs/"

static void test_sysctl(void **state)
{
	struct buf text = BUF_INIT;
	char *from;

	assert_int_equal(look(&collector_sysctl, *state, &text), -ENODATA);
	put_text(*state, VS "drop_entry", "2\n");
	put_text(*state, VS "est_nice", "-20\n");
	put_text(*state, VS "sync_threshold", "3\t50\n");
	put_text(*state, VS "est_cpulist", "2\n");
	put_text(*state, VS "new_in_some_kernel", "9223372036854775807\n");
	put_text(*state, VS "too_large", "9223372036854775808\n");
	put_text(*state, VS "words", "1 some\n");
	put_text(*state, VS "blank", " \n");
	put_text(*state, VS "binary", "\xff\xfe");
	put_text(*state, VS "a\"b", "7\n");
	put_text(*state, VS ".hidden", "7\n");
	put_text(*state, VS "folder/x", "7\n");
	assert_int_equal(look(&collector_sysctl, *state, &text), 0);
	from = strstr(buf_str(&text), "# TYPE ipvs_sysctl");
	assert_non_null(from);
	*strstr(from, "# HELP") = '\0';
	assert_string_equal(from, "# TYPE ipvs_sysctl gauge\n"
				  "ipvs_sysctl{name=\"a\\\"b\"} 7\n"
				  "ipvs_sysctl{name=\"drop_entry\"} 2\n"
				  "ipvs_sysctl{name=\"est_nice\"} -20\n"
				  "ipvs_sysctl{name=\"new_in_some_kernel\"} 9223372036854775807\n"
				  "ipvs_sysctl{name=\"sync_threshold\"} 3\n"
				  "ipvs_sysctl{name=\"sync_threshold[1]\"} 50\n");
	buf_fini(&text);
}

/* Both stop the counters, whichever of the two is read first. */
static void test_estimation(void **state)
{
	static const struct {
		const char *run, *cpus, *line;
	} cases[] = {
		{ "1\n", NULL, "ipvs_run_estimation 1" },
		{ "0\n", NULL, "ipvs_run_estimation 0" },
		{ "1\n", "0-3\n", "ipvs_run_estimation 1" },
		{ "1\n", "\n", "ipvs_run_estimation 0" },
		{ "0\n", "0-3\n", "ipvs_run_estimation 0" },
	};
	struct buf text = BUF_INIT;
	size_t i;

	put_text(*state, VS "drop_entry", "0\n");
	assert_int_equal(look(&collector_sysctl, *state, &text), 0);
	assert_null(strstr(buf_str(&text), "ipvs_run_estimation"));
	for (i = 0; i < countof(cases); i++) {
		put_text(*state, VS "run_estimation", cases[i].run);
		if (cases[i].cpus)
			put_text(*state, VS "est_cpulist", cases[i].cpus);
		assert_int_equal(look(&collector_sysctl, *state, &text), 0);
		assert_true(has_line(&text, cases[i].line));
	}
	buf_fini(&text);
}

#define STAT_HEAD "77 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 "

static void test_process(void **state)
{
	static const struct {
		const char *text;
		int error;
	} cases[] = {
		{ STAT_HEAD "150 75 0 0 20 0 5 0 100 1048576 2 9\n", 0 },
		{ STAT_HEAD "150 75 0 0 20 0 5 0 100 1048576 2\n", 0 },
		{ STAT_HEAD "150 75 0 0 20 0 5 0 100 1048576\n", -EBADMSG },
		{ "77 a R 1\n", -EBADMSG },
		{ "", -EBADMSG },
		{ ")", -EBADMSG },
	};
	struct buf text = BUF_INIT;
	size_t i;

	assert_int_equal(look(&collector_process, *state, &text), -ENOENT);
	for (i = 0; i < countof(cases); i++) {
		put_text(*state, "self/stat", cases[i].text);
		assert_int_equal(look(&collector_process, *state, &text), cases[i].error);
		assert_int_equal(has_line(&text, "process_threads 5"), !cases[i].error);
		assert_int_equal(has_line(&text, "process_virtual_memory_bytes 1048576"),
				 !cases[i].error);
	}
	put_text(*state, "self/stat", cases[0].text);
	/* What else is not there is left out. */
	assert_int_equal(look(&collector_process, *state, &text), 0);
	assert_null(strstr(buf_str(&text), "process_start_time_seconds"));
	assert_null(strstr(buf_str(&text), "process_max_fds"));
	assert_null(strstr(buf_str(&text), "process_open_fds"));
	put_text(*state, "stat", "cpu 1\nbtime x\nbtime 1000\n");
	put_text(*state, "self/limits",
		 "Max open files   12  13  files\nMax open files\nMax address space  4096 1 b\n");
	assert_int_equal(look(&collector_process, *state, &text), 0);
	assert_true(has_line(&text, "process_max_fds 12"));
	assert_true(has_line(&text, "process_virtual_memory_max_bytes 4096"));
	assert_non_null(strstr(buf_str(&text), "\nprocess_start_time_seconds 100"));
	buf_fini(&text);
}

/* This very process: every family is there. */
static void test_real_process(void **state ATTR_UNUSED)
{
	struct buf text = BUF_INIT;
	int fd = dup(0);

	assert_true(fd >= 0);
	assert_int_equal(look(&collector_process, "/proc", &text), 0);
	assert_non_null(strstr(buf_str(&text), "\nprocess_cpu_seconds_total "));
	assert_non_null(strstr(buf_str(&text), "\nprocess_open_fds "));
	assert_non_null(strstr(buf_str(&text), "\nprocess_resident_memory_bytes "));
	assert_non_null(strstr(buf_str(&text), "\nprocess_start_time_seconds "));
	close(fd);
	buf_fini(&text);
}

/* --- rounds --- */

struct counted {
	char *memory;
};

static int collect_half(const struct collect_env *env ATTR_UNUSED, void *values)
{
	((struct counted *)values)->memory = malloc(10);
	return -EIO;
}

static int collect_whole(const struct collect_env *env ATTR_UNUSED, void *values)
{
	((struct counted *)values)->memory = malloc(10);
	return 0;
}

static void fini(void *values)
{
	free(((struct counted *)values)->memory);
}

static bool get_one(const struct view *v ATTR_UNUSED, const void *values, uint32_t row ATTR_UNUSED,
		    uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	*ret_value = metric_u64(((const struct counted *)values)->memory != NULL);
	return true;
}

static const struct metric half_metrics[] = {
	{ .name = "half", .help = "Half.", .rows = &metric_one, .get = get_one },
};
static const struct metric whole_metrics[] = {
	{ .name = "whole", .help = "Whole.", .rows = &metric_one, .get = get_one },
};

static const struct collector half = {
	.name = "half",
	.metrics = half_metrics,
	.n_metrics = 1,
	.values_size = sizeof(struct counted),
	.collect = collect_half,
	.fini = fini,
};
static const struct collector whole = {
	.name = "whole",
	.metrics = whole_metrics,
	.n_metrics = 1,
	.values_size = sizeof(struct counted),
	.collect = collect_whole,
	.fini = fini,
};

/* One that fails shows nothing, frees what it had, and hinders no other. */
static void test_round(void **state ATTR_UNUSED)
{
	const struct collector *const collectors[] = { &half, &whole, NULL };
	struct expose_request req = { .collectors = collectors };
	struct collect_env env = { .procfs = "/nowhere" };
	struct view v = view_fixture();
	struct buf text = BUF_INIT;
	struct round *r = round_run(collectors, &env);
	struct expose *e;

	assert_non_null(r);
	assert_int_equal(round_count(r), 2);
	assert_int_equal(round_result(r, 0)->error, -EIO);
	assert_false(round_result(r, 0)->success);
	assert_false(round_result(r, 0)->nodata);
	assert_null(round_result(r, 0)->values);
	assert_true(round_result(r, 1)->success);
	assert_true(round_result(r, 1)->duration_us >= 0);
	v.rounds = r;
	assert_int_equal(expose_new(&v, &req, &e), 0);
	assert_false(expose_next(e, &text, SIZE_MAX));
	expose_free(e);
	assert_null(strstr(buf_str(&text), "half 1"));
	assert_true(has_line(&text, "whole 1"));
	assert_true(has_line(&text, "ipvs_agent_collector_success{collector=\"half\"} 0"));
	assert_true(has_line(&text, "ipvs_agent_collector_success{collector=\"whole\"} 1"));
	round_free(r);
	round_free(NULL);
	buf_fini(&text);
}

/* Before the first round there is nothing of those that collect. */
static void test_no_round(void **state ATTR_UNUSED)
{
	const struct collector *const collectors[] = { &whole, &collector_agent, NULL };
	struct expose_request req = { .collectors = collectors };
	struct view v = view_fixture();
	struct buf text = BUF_INIT;
	struct expose *e;

	assert_int_equal(expose_new(&v, &req, &e), 0);
	assert_false(expose_next(e, &text, SIZE_MAX));
	expose_free(e);
	assert_null(strstr(buf_str(&text), "whole 1"));
	assert_true(has_line(&text, "ipvs_agent_drift_total 2"));
	assert_true(has_line(&text, "ipvs_agent_collector_success{collector=\"whole\"} 0"));
	assert_true(has_line(&text, "ipvs_agent_collector_success{collector=\"agent\"} 1"));
	buf_fini(&text);
}

#define IN_DIR(fn) cmocka_unit_test_setup_teardown(fn, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(test_ip_vs_stats),     IN_DIR(test_endless),
		IN_DIR(test_sysctl),          IN_DIR(test_estimation),
		IN_DIR(test_process),         cmocka_unit_test(test_real_process),
		cmocka_unit_test(test_round), cmocka_unit_test(test_no_round),
	};

	return cmocka_run_group_tests_name("collectors", tests, NULL, NULL);
}
