/* test_playback.c: a replay comes to the recorded decisions, shows where other rules
 * would not, and takes no harm from what is no journal. The recorder below writes what
 * the agent writes, and is late as it is. Golden: tests/golden/replay. */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <math.h>

#include "agent/holds/journal_line.h"
#include "agent/note.h"
#include "agent/playback.h"
#include "agent/rules/engine.h"
#include "agent/world.h"
#include "conf/config.h"
#include "tests/unit/golden.h"
#include "tests/unit/model_fixture.h"

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

/* --- a recorder ------------------------------------------------------------------------ */

struct recorder {
	struct world *w;
	struct config *conf;
	struct buf out;
	struct journal_line line;
	int64_t ms;
	uint64_t seq;
	double connections;
	int64_t read_ms, noted_ms;
	void (*feed)(void *arg, uint32_t service, const struct moment *now);
};

static void begin(struct recorder *r, enum journal_kind kind)
{
	journal_line_begin(&r->line, kind, 1700000000000 + r->ms, 5000 + r->ms, ++r->seq);
}

static void end(struct recorder *r)
{
	assert_int_equal(journal_line_end(&r->line), 0);
	buf_put(&r->out, r->line.text.data, r->line.text.len);
}

static void on_decision(void *arg, const struct decision *d)
{
	struct recorder *r = arg;

	begin(r, decision_line(d, NULL));
	(void)decision_line(d, &r->line);
	end(r);
}

static struct moment moment(const struct recorder *r)
{
	return (struct moment){ .mono_ms = 5000 + r->ms, .wall_ms = 1700000000000 + r->ms };
}

/* What the agent notes of every turn of a service whose rules look at samples. */
static void on_feed(void *arg, uint32_t service, const struct moment *now)
{
	struct world *w = arg;
	struct recorder *r = w->arg;
	const struct ruleset *set = engine_rules(w->engine);
	uint32_t i;

	r->feed(arg, service, now);
	if (!set->sampled[service] || r->noted_ms == now->mono_ms)
		return;
	r->noted_ms = now->mono_ms;
	for (i = 0; i < w->state->layout->n_realservers; i++) {
		begin(r, JOURNAL_SAMPLE);
		journal_line_text(&r->line, "service", "web");
		journal_line_text(&r->line, "realserver",
				  w->state->layout->realservers[i].conf->name);
		if (r->read_ms)
			journal_line_int(&r->line, "at", r->read_ms);
		journal_line_values(&r->line, "values");
		journal_line_value(&r->line, "probe_up",
				   samples_newest(set->samples, SIGNAL_PROBE_UP, i, now->mono_ms));
		journal_line_value(
			&r->line, "connections_total",
			samples_newest(set->samples, SIGNAL_CONNECTIONS_TOTAL, i, now->mono_ms));
		end(r);
	}
}

static void record_start(struct recorder *r)
{
	struct moment now = moment(r);
	struct buf why = BUF_INIT;
	char hash[24];
	uint32_t i;

	r->seq = 0;
	begin(r, JOURNAL_START);
	journal_line_text(&r->line, "version", "1");
	end(r);
	begin(r, JOURNAL_CONFIG);
	snprintf(hash, sizeof(hash), "%016" PRIx64, config_hash(r->conf));
	journal_line_text(&r->line, "hash", hash);
	end(r);
	assert_int_equal(world_new(r->conf, &now, &why, &r->w), 0);
	r->w->tell = on_decision;
	r->w->arg = r;
	r->feed = r->w->decider.feed;
	r->w->decider.feed = on_feed;
	world_blind(r->w);
	world_step(r->w, &now);
	r->ms += 3;
	for (i = 0; i < r->w->state->layout->n_realservers; i++) {
		world_seen(r->w, i, 100);
		begin(r, JOURNAL_SAMPLE);
		journal_line_text(&r->line, "service", "web");
		journal_line_text(&r->line, "realserver",
				  r->w->state->layout->realservers[i].conf->name);
		journal_line_values(&r->line, "values");
		journal_line_value(&r->line, "weight", 100);
		end(r);
	}
	begin(r, JOURNAL_KERNEL);
	journal_line_bool(&r->line, "complete", true);
	end(r);
	world_kernel(r->w);
	now = moment(r);
	world_step(r->w, &now);
}

static void record_verdict(struct recorder *r, uint32_t realserver, enum verdict v)
{
	enum probe_reason why = v == VERDICT_UP ? PROBE_OK : PROBE_CONNECT_REFUSED;
	const struct state *s = r->w->state;
	const struct layout_realserver *rs = &s->layout->realservers[realserver];
	const struct target *t = &s->targets[s->layout->links[rs->first_link]];
	struct buf address = BUF_INIT;

	r->w->now = moment(r);
	world_verdict(r->w, realserver, v, why);
	addr_format(&address, &t->addr);
	begin(r, JOURNAL_VERDICT);
	journal_line_text(&r->line, "service", "web");
	journal_line_text(&r->line, "realserver", rs->conf->name);
	journal_line_text(&r->line, "probe", "p");
	journal_line_text(&r->line, "address", buf_str(&address));
	journal_line_text(&r->line, "verdict", verdict_name(v));
	journal_line_bool(&r->line, "unknown", false);
	journal_line_text(&r->line, "reason", probe_reasons[why].slug);
	journal_line_int(&r->line, "failures", t->health.failures);
	journal_line_int(&r->line, "passes", t->health.passes);
	end(r);
	buf_fini(&address);
}

/* A reading of the kernel, some time old when rules see it. */
static void record_reading(struct recorder *r, double rate)
{
	const struct layout *l = r->w->state->layout;
	uint32_t i;

	if (!engine_rules(r->w->engine)->any_sampled)
		return;
	r->connections += rate * 2;
	r->read_ms = 5000 + r->ms - 7 - r->ms / 2000 * 37 % 200;
	for (i = 0; i < l->n_realservers; i++)
		samples_put(engine_samples(r->w->engine), SIGNAL_CONNECTIONS_TOTAL, i, r->read_ms,
			    r->connections / (i + 1));
	world_sampled(r->w);
}

/* The loop comes round to what is dirty; or to what was due. */
static void record_turn(struct recorder *r, bool due)
{
	struct moment now = moment(r);

	(due ? world_step : world_decide)(r->w, &now);
	r->ms++;
}

/* A reading every two seconds; what is due is judged `late` ms after its time. */
static void record_until(struct recorder *r, int64_t ms, int64_t late, double rate)
{
	while (r->ms < ms) {
		int64_t sample = (r->ms / 2000 + 1) * 2000;
		int64_t due = decide_next(&r->w->decider, 5000 + r->ms);
		int64_t at = due == INT64_MAX ? INT64_MAX : due - 5000 + late;

		if (at < r->ms)
			at = r->ms;
		if (sample <= at)
			at = sample;
		if (at >= ms) {
			r->ms = ms;
			return;
		}
		r->ms = at;
		if (at == sample)
			record_reading(r, rate);
		record_turn(r, at != sample);
	}
}

static void record_hold(struct recorder *r, const char *name, bool ended)
{
	struct hold like = { .id = (char *)"o1-0",
			     .hold_class = HOLD_OPERATOR,
			     .service = (char *)"web",
			     .realserver = (char *)name,
			     .holder = (char *)"ipvsadm",
			     .effect = HOLD_ZERO,
			     .reason = (char *)"somebody" };

	begin(r, ended ? JOURNAL_ENDED : JOURNAL_ASKED);
	journal_line_text(&r->line, "id", like.id);
	journal_line_text(&r->line, "class", "operator");
	journal_line_text(&r->line, "holder", like.holder);
	journal_line_text(&r->line, "service", like.service);
	journal_line_text(&r->line, "realserver", like.realserver);
	if (!ended) {
		journal_line_int(&r->line, "effect", like.effect);
		journal_line_text(&r->line, "reason", like.reason);
	}
	end(r);
	if (ended)
		world_lift(r->w, &like);
	else
		assert_int_equal(world_hold(r->w, &like), 0);
	record_turn(r, false);
}

static void kill_it(struct recorder *r)
{
	world_free(r->w);
	r->w = NULL;
}

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
	kill_it(r);
}

static void finish(struct recorder *r)
{
	world_free(r->w);
	config_unref(r->conf);
	journal_line_fini(&r->line);
	buf_fini(&r->out);
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
		assert_true(has(&r.out, "\"to\":\"recovering\""));
		assert_same(&r);
		finish(&r);
		record_incident(&r, WEB PROBE, late[i]);
		assert_same(&r);
		finish(&r);
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
	assert_int_equal(p.figures.changed, 1);
	playback_print(&p, false, &out);
	assert_true(has(&out, "\n- 2023-11-14T22:13:40.000Z  web/a             "
			      "{\"what\":\"hold\""));
	assert_true(has(&out, "\n+ 2023-11-14T22:13:40.000Z  web/a             "
			      "{\"what\":\"refused\""));
	assert_true(has(&out, "\"guard\":\"min_available\""));
	playback_fini(&p);
	config_unref(other);
	buf_fini(&out);
	finish(&r);
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
	finish(&r);
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
	finish(&r);
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
