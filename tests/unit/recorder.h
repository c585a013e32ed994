/* recorder.h: a director in memory whose journal is written as the agent writes its own,
 * and which is as late as a loop is. Its service is "web", its probe "p". */
#ifndef TESTS_RECORDER_H
#define TESTS_RECORDER_H

#include <inttypes.h>

#include "agent/holds/journal_line.h"
#include "agent/note.h"
#include "agent/rules/engine.h"
#include "agent/world.h"
#include "conf/config.h"
#include "tests/unit/model_fixture.h"

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

static void restore_one(void *arg, const struct hold *h)
{
	struct recorder *r = arg;
	struct hold like = *h;

	begin(r, JOURNAL_RESTORED);
	journal_line_text(&r->line, "id", h->id);
	journal_line_text(&r->line, "class", hold_class_names[h->hold_class]);
	journal_line_text(&r->line, "holder", h->holder);
	journal_line_text(&r->line, "service", h->service);
	journal_line_text(&r->line, "realserver", h->realserver);
	journal_line_int(&r->line, "effect", h->effect);
	journal_line_text(&r->line, "reason", h->reason);
	end(r);
	like.restored = true;
	assert_int_equal(world_hold(r->w, &like), 0);
}

/* What the ledger of the world before keeps. */
static void restore(struct recorder *r, struct world *kept)
{
	struct buf why = BUF_INIT;

	if (!kept)
		return;
	r->ms += 2;
	r->w->now = moment(r);
	holds_each(kept->holds, restore_one, r);
	assert_int_equal(world_reload(r->w, r->conf, &why), 0);
	world_free(kept);
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

/* At first, and again after a kill -9: with the holds of before. */
static ATTR_UNUSED void record_start(struct recorder *r)
{
	struct world *kept = r->w;

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
	r->w = NULL;
	r->read_ms = 0;
	assert_int_equal(world_new(r->conf, &now, &why, &r->w), 0);
	r->w->tell = on_decision;
	r->w->arg = r;
	restore(r, kept);
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
	/* That reading began before the first turn, and comes after it. */
	record_reading(r, 1);
	now = moment(r);
	world_step(r->w, &now);
}

static ATTR_UNUSED void record_verdict(struct recorder *r, uint32_t realserver, enum verdict v)
{
	enum probe_reason why = v == VERDICT_UP ? PROBE_OK : PROBE_CONNECT_REFUSED;
	const struct state *s = r->w->state;
	const struct layout_realserver *rs = &s->layout->realservers[realserver];
	uint32_t target = s->layout->links[rs->first_link];
	const struct target *t = &s->targets[target];
	struct buf address = BUF_INIT;

	r->w->now = moment(r);
	world_verdict(r->w, realserver, v, why);
	addr_format(&address, &s->layout->targets[target].addr);
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

/* The loop comes round to what is dirty; or to what was due. */
static ATTR_UNUSED void record_turn(struct recorder *r, bool due)
{
	struct moment now = moment(r);

	(due ? world_step : world_decide)(r->w, &now);
	r->ms++;
}

/* A reading every two seconds; what is due is judged `late` ms after its time. */
static ATTR_UNUSED void record_until(struct recorder *r, int64_t ms, int64_t late, double rate)
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

static ATTR_UNUSED void record_hold(struct recorder *r, const char *name, bool ended)
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

static ATTR_UNUSED void record_finish(struct recorder *r)
{
	world_free(r->w);
	config_unref(r->conf);
	journal_line_fini(&r->line);
	buf_fini(&r->out);
}

#endif
