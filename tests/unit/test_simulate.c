/* test_simulate.c: tests of rules: their notation, every kind of assertion as it passes
 * and as it fails, to the word, and what is told of it all. The golden files are made
 * anew with UPDATE_GOLDEN=1. */
#include "tests/unit/t.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "agent/cli/cli.h"
#include "agent/simulate.h"
#include "tests/unit/fake_probes.h"
#include "tests/unit/golden.h"

#define DIR "tests/golden/simulate/"

/* --- the notation ------------------------------------------------------------------------ */

static void put_values(struct buf *out, const struct sim_values *v)
{
	uint32_t i;

	for (i = 0; i <= v->n && i < 12; i++) {
		double value = sim_values_at(v, i);

		if (i == v->n)
			buf_puts(out, isnan(value) ? " end" : " NOT ENDED");
		else if (isnan(value))
			buf_puts(out, " _");
		else
			buf_printf(out, " %.10g", value);
	}
	if (v->n >= 12)
		buf_printf(out, " … (%u, the last %.10g)", v->n, sim_values_at(v, v->n - 1));
}

static void test_notation(void **state)
{
	static const char *const cases[] = {
		"1",
		"1 2 3",
		"1x3",
		"1x0",
		"1+1x3",
		"10-2x3",
		"-2+4x3",
		"-2-.5x2",
		"_",
		"_x3",
		"1 _x2 5",
		"0x6",
		"+1",
		"1e3+1e-1x2",
		"1E2",
		".5",
		"5.",
		"1+-1x2",
		"0x999999",
		"0+1x999999",
		"_x1000000",
		"1 0x999999",
		"1\t2  3",
		"",
		"x3",
		"1x",
		"1x-1",
		"1x3x3",
		"1+1",
		"1+x3",
		"nan",
		"inf",
		"0x1f",
		"1e",
		"1e999",
		"1e308+1e308x9",
		"__",
		"_x",
		"_+1x3",
		"stale",
		"1,2",
		"1x1000001",
		"1x99999999999999999999",
		"1x999999 1",
		".",
		"-",
		"1..2",
		"11111111111111111111111111111111111111111111111111111111111111111111111111",
	};
	struct buf out = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < countof(cases); i++) {
		struct arena arena = ARENA_INIT;
		struct sim_values v = { 0 };
		struct buf why = BUF_INIT;

		buf_printf(&out, "%s:", cases[i]);
		if (sim_values_parse(cases[i], &arena, &why, &v))
			buf_printf(&out, " error: %s", buf_str(&why));
		else
			put_values(&out, &v);
		buf_putc(&out, '\n');
		buf_fini(&why);
		arena_fini(&arena);
	}
	assert_true(golden_same(DIR "series.txt", &out));
	buf_fini(&out);
}

/* --- what is told -------------------------------------------------------------------------- */

static void run(const char *path, const struct sim_options *options, struct sim_file *ret_file)
{
	assert_int_equal(sim_file_run(path, options, ret_file), 0);
}

static const struct sim_result *result(const struct sim_file *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n_results; i++)
		if (!strcmp(f->results[i].name, name))
			return &f->results[i];
	fail_msg("no test %s", name);
	return NULL;
}

static void test_assertions(void **state)
{
	static const struct {
		const char *name;
		enum sim_status status;
	} cases[] = {
		{ "passes", SIM_OK },      { "fails", SIM_FAILED },      { "panics", SIM_FAILED },
		{ "holds", SIM_OK },       { "flaps", SIM_OK },          { "exact", SIM_OK },
		{ "ends", SIM_OK },        { "wrong-names", SIM_ERROR }, { "no-rules", SIM_ERROR },
		{ "too-long", SIM_ERROR },
	};
	struct buf out = BUF_INIT;
	struct sim_file f;
	size_t i;

	(void)state;
	run(DIR "assertions.test.ini", &(struct sim_options){ .timeline = true }, &f);
	sim_report_text(&f, 1, &out);
	assert_true(golden_same(DIR "assertions.txt", &out));
	assert_int_equal(f.n_results, countof(cases));
	for (i = 0; i < countof(cases); i++)
		assert_int_equal(result(&f, cases[i].name)->status, cases[i].status);
	/* Each assertion that can fail there does. */
	assert_int_equal(result(&f, "fails")->failed, result(&f, "fails")->assertions - 2);
	assert_int_equal(sim_report_status(&f, 1), CLI_ERROR);
	sim_file_fini(&f);
	buf_fini(&out);
}

static void test_errors(void **state)
{
	struct sim_file f;

	(void)state;
	run(DIR "errors.test.ini", &(struct sim_options){ 0 }, &f);
	assert_true(golden_same(DIR "errors.txt", &f.problems));
	assert_int_equal(f.n_results, 0);
	assert_int_equal(sim_report_status(&f, 1), CLI_ERROR);
	sim_file_fini(&f);
}

/* The '>' of a tag, its attributes passed over; NULL = it has none. */
static const char *tag_end(const char *p)
{
	for (; *p && *p != '>'; p++)
		if (*p == '"' && !(p = strchr(p + 1, '"')))
			return NULL;
	return *p ? p : NULL;
}

/* Every element that is opened is closed in its turn; text holds no bare '<' or '&'. */
static void assert_well_formed(const char *xml)
{
	const char *open[16] = { NULL }, *p = xml, *end;
	size_t lens[16] = { 0 }, n = 0;

	assert_int_equal(strncmp(p, "<?xml ", 6), 0);
	p = strstr(p, "?>");
	if (!p)
		abort();
	p += 2;
	for (; *p; p++) {
		if (*p == '&')
			assert_true(!strncmp(p, "&amp;", 5) || !strncmp(p, "&lt;", 4) ||
				    !strncmp(p, "&gt;", 4) || !strncmp(p, "&quot;", 6) ||
				    !strncmp(p, "&#10;", 5));
		assert_true((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t');
		if (*p != '<')
			continue;
		end = tag_end(p);
		if (!end) {
			fail_msg("a tag without an end: %s", p);
			break;
		}
		if (p[1] == '/') {
			assert_true(n > 0);
			n--;
			assert_true(open[n] && !strncmp(p + 2, open[n], lens[n]));
			assert_int_equal(p[2 + lens[n]], '>');
		} else if (end[-1] != '/') {
			assert_true(n < countof(open));
			open[n] = p + 1;
			lens[n++] = strcspn(p + 1, " >");
		}
		p = end;
	}
	assert_int_equal(n, 0);
}

static void test_junit(void **state)
{
	struct buf out = BUF_INIT;
	struct sim_file files[3];
	size_t i;

	(void)state;
	run(DIR "assertions.test.ini", &(struct sim_options){ 0 }, &files[0]);
	run(DIR "errors.test.ini", &(struct sim_options){ 0 }, &files[1]);
	run("no\x01such \"<&>\xff\xc3\xa9.ini", &(struct sim_options){ 0 }, &files[2]);
	sim_report_junit(files, 3, &out);
	assert_true(buf_ok(&out));
	assert_well_formed(buf_str(&out));
	assert_true(golden_same(DIR "junit.xml", &out));
	for (i = 0; i < 3; i++)
		sim_file_fini(&files[i]);
	buf_fini(&out);
}

static void test_json(void **state)
{
	struct buf out = BUF_INIT;
	struct sim_file f;

	(void)state;
	run(DIR "assertions.test.ini", &(struct sim_options){ .pattern = "pa*", .timeline = true },
	    &f);
	assert_int_equal(sim_report_json(&f, 1, &out), 0);
	assert_true(golden_same(DIR "json.txt", &out));
	sim_file_fini(&f);
	buf_fini(&out);
}

static void test_pattern(void **state)
{
	struct sim_file f;

	(void)state;
	run(DIR "assertions.test.ini", &(struct sim_options){ .pattern = "p*s" }, &f);
	assert_int_equal(f.n_results, 2);
	assert_int_equal(f.results[0].timeline.len, 0);
	assert_non_null(result(&f, "passes"));
	assert_non_null(result(&f, "panics"));
	sim_file_fini(&f);
}

/* --- the subcommand --------------------------------------------------------------------------- */

static const struct cli_command commands[] = {
	{ .name = "test",
	  .run = cmd_test,
	  .rest = "FILE …",
	  .min_rest = 1,
	  .max_rest = 10,
	  .options = CLI_JSON | CLI_TEST | CLI_VERBOSE,
	  .help = "Test" },
	{ .name = NULL },
};

/* Its exit code; what it prints is not looked at. */
static int call(const char *a, const char *b, const char *c, const char *d)
{
	const char *argv[] = { "ipvs-agent", "test", a, b, c, d, NULL };
	int kept[] = { dup(STDOUT_FILENO), dup(STDERR_FILENO) };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), argc = 0, code;

	while (argv[argc])
		argc++;
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	code = cli_main(commands, argc, (char **)(uintptr_t)argv);
	fflush(stdout);
	dup2(kept[0], STDOUT_FILENO);
	dup2(kept[1], STDERR_FILENO);
	close(kept[0]);
	close(kept[1]);
	close(null);
	return code;
}

static void test_exit(void **state)
{
	static const char file[] = DIR "assertions.test.ini";
	char junit[] = "/tmp/junit-XXXXXX";
	struct buf text = BUF_INIT;
	int fd = mkstemp(junit);

	(void)state;
	assert_true(fd != -1);
	close(fd);
	assert_int_equal(call("--run", "passes", file, NULL), CLI_OK);
	assert_int_equal(call("--run=holds", "--verbose", "--json", file), CLI_OK);
	assert_int_equal(call(file, NULL, NULL, NULL), CLI_ERROR);
	assert_int_equal(call("--run", "fails", file, NULL), CLI_ERROR);
	assert_int_equal(call("--run", "nobody", file, NULL), CLI_ERROR);
	assert_int_equal(call("no-such.ini", NULL, NULL, NULL), CLI_ERROR);
	assert_int_equal(call("/dev/null", NULL, NULL, NULL), CLI_ERROR);
	assert_int_equal(call("--run", "passes", "--junit=/no/such/dir/x", file), CLI_ERROR);
	assert_int_equal(call(NULL, NULL, NULL, NULL), CLI_USAGE);
	assert_int_equal(call("--strict", file, NULL, NULL), CLI_USAGE);
	assert_int_equal(call("--run", NULL, NULL, NULL), CLI_USAGE);
	assert_int_equal(call("--junit", junit, "--run=passes", file), CLI_OK);
	golden_read(junit, &text);
	assert_well_formed(buf_str(&text));
	assert_non_null(strstr(buf_str(&text), "tests=\"1\" failures=\"0\" errors=\"0\""));
	unlink(junit);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notation), cmocka_unit_test(test_assertions),
		cmocka_unit_test(test_errors),   cmocka_unit_test(test_junit),
		cmocka_unit_test(test_json),     cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_exit),
	};

	return cmocka_run_group_tests_name("simulate", tests, NULL, NULL);
}
