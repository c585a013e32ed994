/* test_playback.c: a replay comes to the recorded decisions, shows where other rules
 * would not, and takes no harm from what is no journal. The recorder below writes what
 * the agent writes, and is late as it is. Golden: tests/golden/replay. */
#include <errno.h>
#include <glob.h>

#include "agent/playback.h"
#include "tests/unit/golden.h"
#include "tests/unit/model_fixture.h"
#include "tests/unit/recorder.h"

#define PROBE "[probe p]\nurl = http://x/\n"
#define POOL                                                                                       \
	"realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n"                                     \
	"realserver = c 10.1.2.23\nrealserver = d 10.1.2.24\n"
#define WEB                                                                                        \
	"[service web]\naddress = tcp://10.1.2.15:80\nscheduler = wlc\nprobe = p\n"                \
	"flap_max = 4s\nramp = 3s\n" POOL
#define BUSY                                                                                       \
	"[rule busy]\nexpr = rate(connections_total[6s]) > 5 and probe_up == 1\n"                  \
	"for = 1900ms\nkeep_firing_for = 3s\naction = reweight 50%\n"

/* Deaths, a flap, an operator, a busy time, kill -9. */
static void record_incident(struct recorder *r, const char *ini, int64_t late)
{
	uint32_t i;

	*r = (struct recorder){ .conf = load_conf(ini) };
	record_start(r);
	r->ms = 200;
	for (i = 0; i < 4; i++) {
		record_verdict(r, i, VERDICT_UP);
		record_turn(r, false);
	}
	record_until(r, 20000, late, 1);
	for (i = 0; i < 3; i++) {
		record_verdict(r, 0, VERDICT_DOWN);
		record_turn(r, false);
		record_until(r, 25000 + 10000 * i, late, 1);
		record_verdict(r, 0, VERDICT_UP);
		record_turn(r, false);
		record_until(r, 30000 + 10000 * i, late, 1);
	}
	record_until(r, 60000, late, 1);
	record_hold(r, "b", false);
	record_until(r, 80000, late, 30);
	record_verdict(r, 2, VERDICT_DOWN);
	record_verdict(r, 3, VERDICT_DOWN);
	record_turn(r, false);
	record_until(r, 90000, late, 1);
	record_hold(r, "b", true);
	record_until(r, 95000, late, 1);
	record_verdict(r, 2, VERDICT_UP);
	record_turn(r, false);
	record_hold(r, "b", false);
	record_until(r, 96000, late, 1);
	/* Killed: d is held, and so is b; c dies meanwhile. */
	record_start(r);
	r->ms += 150;
	record_verdict(r, 0, VERDICT_UP);
	record_turn(r, false);
	record_verdict(r, 2, VERDICT_DOWN);
	record_turn(r, false);
	record_verdict(r, 3, VERDICT_UP);
	record_verdict(r, 1, VERDICT_UP);
	record_turn(r, false);
	record_until(r, 115000, late, 1);
}

/* --- replaying ---------------------------------------------------------------------------- */

static int replay_text(const struct buf *text, struct config *conf, struct playback *ret_playback)
{
	char path[] = "/tmp/journal-XXXXXX";
	struct buf why = BUF_INIT;
	int fd = mkstemp(path), e;

	assert_true(fd != -1);
	assert_int_equal(write(fd, buf_str(text), text->len), text->len);
	close(fd);
	e = playback_run(path, conf, &why, ret_playback);
	unlink(path);
	buf_fini(&why);
	return e;
}

static void tell(const struct playback *p)
{
	struct buf out = BUF_INIT;

	playback_print(p, true, &out);
	fprintf(stderr, "%s", buf_str(&out));
	buf_fini(&out);
}

static bool has(const struct buf *text, const char *words)
{
	return strstr(buf_str(text), words) != NULL;
}

static void assert_same(const struct recorder *r)
{
	struct playback p;

	assert_int_equal(replay_text(&r->out, r->conf, &p), 0);
	if (p.figures.differing)
		tell(&p);
	assert_int_equal(p.figures.differing, 0);
	assert_int_equal(p.figures.recorded, p.figures.replayed - p.figures.cut);
	assert_int_equal(p.figures.wild + p.figures.bad + p.figures.missing, 0);
	assert_int_equal(p.figures.changed, 0);
	assert_int_equal(p.figures.strange + p.figures.other, 0);
	playback_fini(&p);
}

static void test_same(void **state)
{
	static const int64_t late[] = { 0, 1, 13, 340 };
	struct recorder r;
	size_t i;

	(void)state;
	for (i = 0; i < countof(late); i++) {
		record_incident(&r, "[agent]\nsample_interval = 2s\n" WEB PROBE BUSY, late[i]);
		/* It is worth something. */
		assert_true(
			has(&r.out, "\"what\":\"hold\",\"class\":\"rule\",\"holder\":\"busy\""));
		assert_true(has(&r.out, "\"guard\":\"flapping\""));
		assert_true(has(&r.out, "\"what\":\"release\""));
		assert_true(has(&r.out, "\"what\":\"restored\""));
		assert_true(has(&r.out, "\"to\":\"recovering\""));
		assert_same(&r);
		record_finish(&r);
		record_incident(&r, WEB PROBE, late[i]);
		assert_same(&r);
		record_finish(&r);
	}
}

/* With other rules it says what they would have done, and that they are others. */
static void test_other_rules(void **state)
{
	struct config *other = load_conf(WEB "min_available = 4\n" PROBE);
	struct buf out = BUF_INIT;
	struct recorder r;
	struct playback p;

	(void)state;
	record_incident(&r, WEB PROBE, 5);
	assert_int_equal(replay_text(&r.out, other, &p), 0);
	assert_true(p.figures.differing > 0);
	assert_int_equal(p.figures.changed, 2); /* at both starts */
	playback_print(&p, false, &out);
	assert_true(has(&out, "\n- 2023-11-14T22:13:40.000Z  web/a             "
			      "{\"what\":\"hold\""));
	assert_true(has(&out, "\n+ 2023-11-14T22:13:40.000Z  web/a             "
			      "{\"what\":\"refused\""));
	assert_true(has(&out, "\"guard\":\"min_available\""));
	playback_fini(&p);
	config_unref(other);
	buf_fini(&out);
	record_finish(&r);
}

/* A rule that only the new configuration has: on verdicts it acts at its own time, and
 * of signals that nobody recorded it knows nothing. */
static void test_new_rule(void **state)
{
	struct config *other =
		load_conf(WEB PROBE "[rule probe-down]\nexpr = probe_up == 0\nfor = 1500ms\n"
				    "action = quiesce\n"
				    "[rule slow]\nexpr = probe_duration_seconds > 0\n"
				    "action = quiesce\n");
	struct buf out = BUF_INIT;
	struct recorder r;
	struct playback p;

	(void)state;
	record_incident(&r, WEB PROBE, 5);
	assert_int_equal(replay_text(&r.out, other, &p), 0);
	playback_print(&p, true, &out);
	assert_true(has(&out, "2023-11-14T22:13:40.000Z  web/a             "
			      "probe-down: inactive → pending"));
	assert_true(has(&out, "2023-11-14T22:13:41.500Z  web/a             "
			      "probe-down: pending → firing"));
	assert_false(has(&out, "rule slow holds it"));
	assert_true(has(&out, "the journal has no samples of: probe_duration_seconds"));
	playback_fini(&p);
	config_unref(other);
	buf_fini(&out);
	record_finish(&r);
}

/* --- golden ------------------------------------------------------------------------------------
 */

/* NAME.journal with NAME.ini gives NAME.txt and NAME.json. */
static void golden(void **state)
{
	const char *journal = *state;
	size_t stem = strlen(journal) - strlen(".journal");
	struct buf path = BUF_INIT, out = BUF_INIT, why = BUF_INIT;
	struct config *conf;
	struct playback p;

	buf_printf(&path, "%.*s.ini", (int)stem, journal);
	assert_int_equal(agent_config_load(buf_str(&path), &conf), 0);
	assert_int_equal(config_errors(conf), 0);
	assert_int_equal(playback_run(journal, conf, &why, &p), 0);
	playback_print(&p, true, &out);
	buf_reset(&path);
	buf_printf(&path, "%.*s.txt", (int)stem, journal);
	assert_true(golden_same(buf_str(&path), &out));
	buf_reset(&out);
	assert_int_equal(playback_print_json(&p, &out), 0);
	buf_reset(&path);
	buf_printf(&path, "%.*s.json", (int)stem, journal);
	assert_true(golden_same(buf_str(&path), &out));
	playback_fini(&p);
	config_unref(conf);
	buf_fini(&path);
	buf_fini(&out);
	buf_fini(&why);
}

/* --- enemies -------------------------------------------------------------------------------------
 */

static void test_hostile(void **state)
{
	static const char *const lines[] = {
		"{\"t\":1,\"m\":9223372036854775807,\"seq\":1,\"what\":\"start\"}",
		"{\"t\":-1,\"m\":5,\"seq\":1,\"what\":\"start\"}",
		"{\"t\":1,\"m\":9007199254740992,\"seq\":2,\"what\":\"kernel\",\"complete\":true}",
		"{\"t\":1,\"m\":3,\"seq\":3,\"what\":\"verdict\",\"service\":\"web\","
		"\"realserver\":\"a\",\"probe\":\"p\",\"address\":\"10.1.2.21:80\","
		"\"verdict\":\"sideways\",\"reason\":\"ok\"}",
		"{\"t\":1,\"m\":3,\"seq\":4,\"what\":\"verdict\",\"service\":\"web\","
		"\"realserver\":\"a\",\"probe\":\"q\",\"address\":\"10.1.2.21:80\","
		"\"verdict\":\"down\",\"reason\":\"ok\",\"failures\":-7,\"passes\":1e99}",
		"{\"t\":1,\"m\":3,\"seq\":5,\"what\":\"verdict\",\"service\":\"no\","
		"\"realserver\":\"a\",\"verdict\":\"down\",\"reason\":\"ok\"}",
		"{\"t\":1,\"m\":3,\"seq\":6,\"what\":\"verdict\",\"verdict\":\"down\","
		"\"reason\":\"ok\"}",
		"{\"t\":1,\"m\":4,\"seq\":7,\"what\":\"sample\",\"service\":\"web\","
		"\"realserver\":\"*\",\"values\":{\"weight\":1,\"nonsense\":2}}",
		"{\"t\":1,\"m\":4,\"seq\":8,\"what\":\"sample\",\"service\":\"web\","
		"\"realserver\":\"a\",\"values\":[1]}",
		"{\"t\":1,\"m\":4,\"seq\":8,\"what\":\"sample\",\"service\":\"web\","
		"\"realserver\":\"a\",\"values\":{\"weight\":-1e300}}",
		"{\"t\":1,\"m\":4,\"seq\":9,\"what\":\"asked\",\"id\":\"x\",\"class\":\"rule\","
		"\"service\":\"web\",\"realserver\":\"a\",\"effect\":0}",
		"{\"t\":1,\"m\":4,\"seq\":10,\"what\":\"asked\",\"id\":\"x\",\"class\":"
		"\"operator\",\"service\":\"web\",\"realserver\":\"a\",\"effect\":4711}",
		"{\"t\":1,\"m\":4,\"seq\":11,\"what\":\"asked\",\"id\":\"x\",\"class\":"
		"\"operator\",\"service\":\"web\",\"realserver\":\"a\",\"effect\":0}",
		"{\"t\":1,\"m\":4,\"seq\":12,\"what\":\"asked\",\"id\":\"x\",\"class\":"
		"\"operator\",\"service\":\"web\",\"realserver\":\"b\",\"effect\":0}",
		"{\"t\":1,\"m\":4,\"seq\":13,\"what\":\"restored\",\"id\":\"y\",\"class\":"
		"\"rule\",\"service\":\"web\",\"realserver\":\"b\",\"effect\":0}",
		"{\"t\":1,\"m\":2,\"seq\":14,\"what\":\"freeze\",\"on\":true,"
		"\"brake\":\"correlated\"}",
		"{\"t\":1,\"m\":2,\"seq\":15,\"what\":\"freeze\",\"on\":true,"
		"\"brake\":\"operator\"}",
		"{\"t\":1,\"m\":2,\"seq\":16,\"what\":\"order\",\"order\":\"freeze\"}",
		"{\"t\":1,\"m\":2,\"seq\":17,\"what\":\"of the future\"}",
		"{\"t\":1,\"m\":2,\"seq\":18,\"x\":{\"what\":1},\"what\":\"hold\","
		"\"service\":\"web\",\"realserver\":\"a\\u001b[2J\"}",
		"{\"t\":1,\"m\":2,\"seq\":19,\"what\":\"config\",\"hash\":\"\"}",
		"{\"t\":1,\"m\":1,\"seq\":1,\"what\":\"start\"}",
		"{\"t\":1,\"m\":1,\"seq\":2,\"what\":\"start\"}",
		"{\"t\":1,\"m\":9007199254740000,\"seq\":3,\"what\":\"kernel\"}",
	};
	struct config *conf = load_conf(WEB PROBE BUSY);
	struct buf text = BUF_INIT, out = BUF_INIT;
	struct playback p;
	size_t i, from;

	(void)state;
	for (from = 0; from < countof(lines); from++) {
		buf_reset(&text);
		for (i = 0; i < countof(lines); i++)
			buf_printf(&text, "%s\n", lines[(from + i) % countof(lines)]);
		assert_int_equal(replay_text(&text, conf, &p), 0);
		assert_true(p.figures.wild >= 5);
		assert_true(p.figures.strange >= 1);
		assert_true(p.figures.other >= 2);
		buf_reset(&out);
		playback_print(&p, true, &out);
		assert_false(has(&out, "\x1b"));
		buf_reset(&out);
		assert_int_equal(playback_print_json(&p, &out), 0);
		playback_fini(&p);
	}
	config_unref(conf);
	buf_fini(&text);
	buf_fini(&out);
}

/* A journal torn anywhere, or with a line gone, is read as far as it goes. */
static void test_torn(void **state)
{
	struct buf part = BUF_INIT;
	struct recorder r;
	struct playback p;
	size_t len;

	(void)state;
	record_incident(&r, WEB PROBE, 5);
	for (len = 0; len < r.out.len; len += 131) {
		buf_reset(&part);
		buf_put(&part, r.out.data, len);
		assert_int_equal(replay_text(&part, r.conf, &p), 0);
		/* What was cut off is no difference: nobody knows what it was. */
		if (p.figures.differing)
			tell(&p);
		assert_int_equal(p.figures.differing, 0);
		playback_fini(&p);
		buf_reset(&part);
		buf_put(&part, r.out.data + len, r.out.len - len);
		assert_int_equal(replay_text(&part, r.conf, &p), 0);
		playback_fini(&p);
	}
	buf_fini(&part);
	record_finish(&r);
}

static void test_no_file(void **state)
{
	struct config *conf = load_conf(WEB PROBE);
	struct buf why = BUF_INIT;
	struct playback p;

	(void)state;
	assert_int_equal(playback_run("/nonexistent/journal", conf, &why, &p), -ENOENT);
	playback_fini(&p);
	assert_int_equal(playback_run("/tmp", conf, &why, &p), -EISDIR);
	playback_fini(&p);
	config_unref(conf);
}

int main(void)
{
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_same),     cmocka_unit_test(test_other_rules),
		cmocka_unit_test(test_new_rule), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_torn),     cmocka_unit_test(test_no_file),
	};
	struct CMUnitTest *tests;
	size_t n = countof(own), i;
	glob_t found;
	int r;

	if (glob("tests/golden/replay/*.journal", 0, NULL, &found)) {
		fprintf(stderr, "run me in the root of the source\n");
		return 1;
	}
	tests = calloc(n + found.gl_pathc, sizeof(*tests));
	for (i = 0; tests && i < n; i++)
		tests[i] = own[i];
	for (i = 0; tests && i < found.gl_pathc; i++)
		tests[n + i] = (struct CMUnitTest){ .name = found.gl_pathv[i],
						    .test_func = golden,
						    .initial_state = found.gl_pathv[i] };
	r = tests ? _cmocka_run_group_tests("playback", tests, n + found.gl_pathc, NULL, NULL) : 1;
	free(tests);
	globfree(&found);
	return r;
}
