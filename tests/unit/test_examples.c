/* test_examples.c: each example loads without an error or a warning (advice is what no
 * file can settle); its tests pass; and when a rule is changed, they fail. */
#include <glob.h>
#include <unistd.h>

#include "agent/sections.h"
#include "agent/simulate.h"
#include "tests/unit/golden.h"
#include "tests/unit/t.h"

#define DIR  "conf/examples/"
#define TEST ".test.ini"

static bool is_test(const char *path)
{
	size_t len = strlen(path);

	return len > strlen(TEST) && !strcmp(path + len - strlen(TEST), TEST);
}

static void loads(void **state)
{
	struct buf out = BUF_INIT;
	struct config *c;

	assert_int_equal(agent_config_load(*state, &c), 0);
	config_format_problems(c, &out);
	if (config_errors(c) || config_warnings(c))
		fail_msg("%s", buf_str(&out));
	buf_fini(&out);
	config_unref(c);
}

/* Runs its tests; what is told of them. */
static enum sim_status run(const char *path, struct buf *out)
{
	enum sim_status worst = SIM_OK;
	struct sim_file f;
	size_t i;

	assert_int_equal(sim_file_run(path, &(struct sim_options){ 0 }, &f), 0);
	buf_puts(out, buf_str(&f.problems));
	sim_report_text(&f, 1, out);
	if (f.problems.len || !f.n_results)
		worst = SIM_ERROR;
	for (i = 0; i < f.n_results; i++)
		worst = f.results[i].status > worst ? f.results[i].status : worst;
	sim_file_fini(&f);
	return worst;
}

static void passes(void **state)
{
	struct buf out = BUF_INIT;

	if (run(*state, &out) != SIM_OK)
		fail_msg("%s", buf_str(&out));
	buf_fini(&out);
}

/* --- changed rules ---------------------------------------------------------------------- */

static const struct change {
	const char *example, *from, *to;
} changes[] = {
	{ "slow", "> 3 * peers_median(probe", "> 30 * peers_median(probe" },
	{ "slow", "duration_seconds > 0.2", "duration_seconds > 0.1" },
	{ "slow", "duration_seconds > 0.2", "duration_seconds > 1" },
	{ "slow", "for = 30s", "for = 32s" },
	{ "slow", "for = 30s", "for = 28s" },
	{ "slow", "keep_firing_for = 1m", "keep_firing_for = 58s" },
	{ "slow", "reweight 50%", "reweight 51%" },
	{ "slow", "action = reweight 50%", "action = quiesce" },
	{ "slow", "enforce = dry-run", "enforce = on" },
	{ "slow", "service = shop", "service = shop\nrealserver = shop2" },
	{ "slow", "ramp = 1m", "ramp = 2m" },
	{ "reweight", "< 0.9", "< 0.8" },
	{ "reweight", "for = 20s", "for = 30s" },
	{ "reweight", "reweight 30%", "reweight 20%" },
	{ "reweight", "changes(probe_up[10m]) > 6", "changes(probe_up[10m]) > 8" },
	{ "reweight", "keep_firing_for = 10m", "keep_firing_for = 1m" },
	{ "reweight", "min_available = 2", "min_available = 1" },
	{ "fallback", "service_available_ratio < 0.5", "service_available_ratio < 0.3" },
	{ "fallback", "for = 10s", "for = 8s" },
	{ "fallback", "keep_firing_for = 1m", "keep_firing_for = 10m" },
	{ "fallback", "on_panic = backup", "on_panic = none" },
	{ "fallback", "action = remove", "action = reweight 10%" },
	{ "stale-content", "probe_stale == 1", "probe_stale == 0" },
	{ "stale-content", "for = 15m", "for = 14m" },
	{ "stale-content", "for = 15m", "for = 16m" },
	{ "stale-content", "for = 15m", "for = 4m" },
	{ "stale-content", "action = quiesce", "action = reweight 50%" },
	{ "stale-content", "min_available = 50%", "min_available = 1" },
	{ "alert", "action = reweight 50%", "action = reweight 60%" },
	{ "alert", "min_available = 2", "min_available = 1" },
	{ "alert", "alert = IPVSRealserverDiskFull\naction = quiesce",
	  "alert = IPVSRealserverDiskFull\naction = remove" },
	{ "load", "> 1.5 *", "> 2.5 *" },
	{ "load", "1.5 * configured_weight", "1.5 * weight" },
	{ "load", "connections > 50", "connections > 40" },
	{ "load", "for = 1m", "for = 62s" },
	{ "load", "keep_firing_for = 2m", "keep_firing_for = 1m" },
	{ "load", "reweight 50%", "reweight 60%" },
	{ "masq", "min_available = 50%", "min_available = 0" },
	{ "masq", "min_available = 50%", "min_available = 3" },
	{ "masq", "on_panic = backup", "on_panic = none" },
	{ "masq", "web3 192.168.10.13:8080 weight=50", "web3 192.168.10.13:8080 weight=60" },
};

static void write_file(const char *path, const char *a, size_t len, const char *b, const char *c)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fwrite(a, 1, len, f);
	fputs(b, f);
	fputs(c, f);
	assert_int_equal(fclose(f), 0);
}

static void breaks(void **state)
{
	const struct change *c = *state;
	char dir[] = "/tmp/examples-XXXXXX", path[200];
	struct buf rules = BUF_INIT, tests = BUF_INIT, out = BUF_INIT;
	const char *at;
	enum sim_status status;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), DIR "%s.ini", c->example);
	golden_read(path, &rules);
	snprintf(path, sizeof(path), DIR "%s" TEST, c->example);
	golden_read(path, &tests);
	at = strstr(buf_str(&rules), c->from);
	assert_non_null(at);
	snprintf(path, sizeof(path), "%s/%s.ini", dir, c->example);
	write_file(path, rules.data, (size_t)(at - rules.data), c->to, at + strlen(c->from));
	snprintf(path, sizeof(path), "%s/t" TEST, dir);
	write_file(path, tests.data, tests.len, "", "");
	status = run(path, &out);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s.ini", dir, c->example);
	unlink(path);
	rmdir(dir);
	/* A rule that is no longer about a realserver is an error of the test. */
	if (status != (strstr(c->to, "realserver = ") ? SIM_ERROR : SIM_FAILED))
		fail_msg("%s → %s:\n%s", c->from, c->to, buf_str(&out));
	buf_fini(&rules);
	buf_fini(&tests);
	buf_fini(&out);
}

int main(void)
{
	struct CMUnitTest *tests;
	glob_t found;
	size_t n = 0, i;
	int r;

	if (glob(DIR "*.ini", 0, NULL, &found) ||
	    glob("conf/ipvs-agent.ini", GLOB_APPEND, NULL, &found)) {
		fprintf(stderr, "run me in the root of the source\n");
		return 1;
	}
	tests = calloc(found.gl_pathc + countof(changes), sizeof(*tests));
	for (i = 0; tests && i < found.gl_pathc; i++)
		tests[n++] = (struct CMUnitTest){ .name = found.gl_pathv[i],
						  .test_func = is_test(found.gl_pathv[i]) ? passes
											  : loads,
						  .initial_state = found.gl_pathv[i] };
	for (i = 0; tests && i < countof(changes); i++)
		tests[n++] = (struct CMUnitTest){ .name = changes[i].from,
						  .test_func = breaks,
						  .initial_state = (void *)(uintptr_t)&changes[i] };
	r = tests ? _cmocka_run_group_tests("examples", tests, n, NULL, NULL) : 1;
	free(tests);
	globfree(&found);
	return r;
}
