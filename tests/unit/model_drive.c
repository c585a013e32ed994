/* model_drive.c: what happens to a director, for the model test. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/holds/effect.h"
#include "agent/probe.h"
#include "agent/rules/engine.h"
#include "agent/settings.h"
#include "tests/unit/model.h"

/* --- events ----------------------------------------------------------------------- */

static const struct {
	enum model_kind kind;
	uint32_t of_100;
} frequency[] = {
	{ MODEL_VERDICT, 26 }, { MODEL_STORM, 5 },  { MODEL_UNKNOWN, 3 }, { MODEL_SAMPLE, 13 },
	{ MODEL_TIME, 14 },    { MODEL_DUE, 14 },   { MODEL_HOLD, 4 },    { MODEL_LIFT, 5 },
	{ MODEL_RELOAD, 3 },   { MODEL_KERNEL, 2 }, { MODEL_RESTART, 1 }, { MODEL_HAND, 5 },
	{ MODEL_ADVICE, 5 },
};

static const char *const kind_names[MODEL_N_KINDS] = { "verdict", "storm",  "unknown", "sample",
						       "time",    "due",    "hold",    "lift",
						       "reload",  "kernel", "restart", "hand",
						       "advice" };

struct model_event model_event(struct model_rng *r)
{
	uint32_t n = model_pick(r, 100), i = 0;

	while (n >= frequency[i].of_100)
		n -= frequency[i++].of_100;
	return (struct model_event){ frequency[i].kind, model_pick(r, 1u << 30),
				     model_pick(r, 1u << 30), model_pick(r, 1u << 30) };
}

void model_print_event(const struct model_event *e, struct buf *out)
{
	buf_printf(out, "{ %s, %u, %u, %u }", kind_names[e->kind], e->a, e->b, e->c);
}

/* --- what they do ----------------------------------------------------------------- */

static uint32_t some_realserver(const struct model *m, uint32_t a)
{
	return a % m->w->state->layout->n_realservers;
}

static void end_probes(struct model *m, uint32_t realserver, uint32_t b, uint32_t c)
{
	enum probe_reason reason = PROBE_OK;

	if (b == VERDICT_DOWN)
		reason = PROBE_CONNECT_REFUSED + c % PROBE_ANSWER_BODY;
	if (b == VERDICT_NONE)
		reason = PROBE_LOCAL_ROUTE;
	world_verdict(m->w, realserver, (enum verdict)b, reason);
}

static void on_verdict(struct model *m, const struct model_event *e)
{
	static const uint32_t verdicts[] = { VERDICT_UP,   VERDICT_UP,   VERDICT_UP,  VERDICT_DOWN,
					     VERDICT_DOWN, VERDICT_DOWN, VERDICT_NONE };

	end_probes(m, some_realserver(m, e->a), verdicts[e->b % 7], e->c);
}

static void on_storm(struct model *m, const struct model_event *e)
{
	const struct layout *l = m->w->state->layout;
	uint32_t service = e->a % (l->n_services + 1), i;

	for (i = 0; i < l->n_realservers; i++)
		if (service == l->n_services || l->realservers[i].service == service)
			end_probes(m, i, e->b % 2 ? VERDICT_UP : VERDICT_DOWN, e->c);
}

/* Its verdict stays; the last outcome was none. */
static void on_unknown(struct model *m, const struct model_event *e)
{
	struct state *s = m->w->state;
	uint32_t realserver = some_realserver(m, e->a), i;
	const struct layout_realserver *r = &s->layout->realservers[realserver];

	for (i = r->first_link; i < r->first_link + r->n_links; i++) {
		s->targets[s->layout->links[i]].health.unknown = true;
		s->targets[s->layout->links[i]].attempts++;
	}
	state_judge(s, realserver, m->now.mono_ms);
	state_dirty(s, r->service);
}

static void on_sample(struct model *m, const struct model_event *e)
{
	static const enum signal_id signals[] = { SIGNAL_ACTIVE_CONNECTIONS,
						  SIGNAL_ACTIVE_CONNECTIONS,
						  SIGNAL_CONNECTIONS_TOTAL };

	world_sample(m->w, signals[e->b % 3], some_realserver(m, e->a),
		     e->c % 6 ? e->c / 6 % 128 : NAN);
}

static void pass(struct model *m, int64_t ms)
{
	m->now.mono_ms += ms;
	m->now.wall_ms += ms;
	m->w->now = m->now;
}

static void on_time(struct model *m, const struct model_event *e)
{
	static const int64_t lengths[] = { 0, 1, 500, 2000, 2000, 2000, 10000, 60000, 700000 };

	pass(m, lengths[e->a % 9] + e->b % 100);
}

static void on_due(struct model *m, const struct model_event *e)
{
	int64_t next = decide_next(&m->w->decider, m->now.mono_ms);

	(void)e;
	pass(m, next == INT64_MAX || next <= m->now.mono_ms ? 2000 : next - m->now.mono_ms);
}

static struct hold asked(const struct model *m, const struct model_event *e, const char *id)
{
	static const int effects[] = { HOLD_ABSENT, HOLD_ZERO, HOLD_ZERO, 1, 50, 100 };
	/* An alert's acts already: whether it may is the guards' business elsewhere. */
	static const struct {
		const char *name;
		int effect;
	} rules[] = { { "alert-absent", HOLD_ABSENT },
		      { "alert-0", HOLD_ZERO },
		      { "alert-0", HOLD_ZERO },
		      { "alert-1", 1 },
		      { "alert-50", 50 },
		      { "alert-50", 50 } };
	bool operator= e->b % 2;
	const struct layout *l = m->w->state->layout;
	const struct layout_realserver *r = &l->realservers[some_realserver(m, e->a)];

	return (struct hold){ .id = (char *)(uintptr_t)id,
			      .hold_class = operator? HOLD_OPERATOR : HOLD_ALERT,
			      .service = (char *)(uintptr_t)l->services[r->service].conf->head.name,
			      .realserver = (char *)(uintptr_t)r->conf->name,
			      .holder = (char *)(uintptr_t)(e->b / 2 % 2 ? "one" : "two"),
			      .reason = (char *)(uintptr_t) "deploy",
			      .rule = (char *)(uintptr_t)(operator? "" : rules[e->c % 6].name),
			      .effect = operator? effects[e->c % 6] : rules[e->c % 6].effect,
			      .since_wall_ms = m->now.wall_ms };
}

static void on_hold(struct model *m, const struct model_event *e)
{
	char id[32];
	struct hold like;

	snprintf(id, sizeof(id), "m%u", m->serial++);
	like = asked(m, e, id);
	assert_int_equal(world_hold(m->w, &like), 0);
}

static void on_lift(struct model *m, const struct model_event *e)
{
	struct hold like = asked(m, e, "");

	world_lift(m->w, &like);
}

/* What operators do besides; a freeze is lifted more often than it is placed. */
static void on_hand(struct model *m, const struct model_event *e)
{
	static const int effects[] = { HOLD_FREEZE, HOLD_ADMIT, HOLD_REPLACE, HOLD_REPLACE_SHARE };
	static const uint32_t weights[] = { 0, 0, 30, 150 };
	struct model_event by = { .a = e->a, .b = 1 | e->b / 4 % 2 << 1, .c = 0 };
	struct hold like;
	char id[32];

	snprintf(id, sizeof(id), "h%u", m->serial++);
	like = asked(m, &by, id);
	like.effect = effects[e->c % 4];
	like.weight = weights[e->c % 4];
	if (like.effect == HOLD_FREEZE)
		like.service = like.realserver = (char *)(uintptr_t)HOLD_SERVICE;
	if (e->b % 4 < (like.effect == HOLD_FREEZE ? 3 : 2))
		world_lift(m->w, &like);
	else
		assert_int_equal(world_hold(m->w, &like), 0);
}

/* What it says of itself, of each kind sometimes nothing. */
static void on_advice(struct model *m, const struct model_event *e)
{
	static const uint32_t shares[] = { 0, 1, 40, 75, 99, 100, 100, 200 };
	const struct probe_advice advice = { .has_share = e->c % 3 == 0,
					     .share = shares[e->c / 3 % 8],
					     .admin = (enum probe_admin)(e->b / 3 % 4) };
	/* What it does not say again stands where it failed, and is taken back else. */
	const struct probe_report report = { .reason = e->b / 12 % 2 ? PROBE_CONNECT_REFUSED
								     : PROBE_OK,
					     .claim = (enum probe_claim)(e->b % 3),
					     .advice = &advice };
	const struct layout *l = m->w->state->layout;
	const struct layout_realserver *r = &l->realservers[some_realserver(m, e->a)];

	if (r->n_links)
		world_advice(m->w, l->links[r->first_link], &report);
}

static struct config *load(struct model *m)
{
	struct buf text = BUF_INIT;
	struct config *c;

	if (m->texts)
		buf_puts(&text, m->texts[m->variation % 2]);
	else
		model_conf(m->shape, m->variation, &text);
	c = m->load(buf_str(&text));
	buf_fini(&text);
	return c;
}

static void note_rate(struct model *m)
{
	const struct agent_conf *c = config_section(m->w->conf, &agent_section);

	if (c->rate.n == m->rate_n && c->rate.per_ms == m->rate_ms)
		return;
	m->rate_n = c->rate.n;
	m->rate_ms = c->rate.per_ms;
	m->n_passed = 0;
}

static void on_reload(struct model *m, const struct model_event *e)
{
	struct buf why = BUF_INIT;
	struct config *c;

	m->variation = e->a % 16;
	c = load(m);
	if (world_reload(m->w, c, &why))
		model_break(m, "reload", "%s", buf_str(&why));
	config_unref(c);
	buf_fini(&why);
	m->reloaded = true;
	note_rate(m);
}

static void on_kernel(struct model *m, const struct model_event *e)
{
	m->w->decider.kernel_known = e->a % 3 != 0;
	state_dirty_all(m->w->state);
}

static void told(void *arg, const struct decision *d)
{
	struct model *m = arg;

	/* What another service spent, or where too much failed, a service hears of when
	 * it is judged next. */
	if (!m->again || d->kind != DECISION_REFUSAL ||
	    (d->guard != GUARD_RATE && d->guard != GUARD_CORRELATED)) {
		m->told++;
		m->last = *d;
	}
	model_check_decision(m, d);
}

static struct world *new_world(struct model *m, struct config *c)
{
	struct buf why = BUF_INIT;
	struct world *w = NULL;

	if (world_new(c, &m->now, &why, &w))
		fail_msg("%s", buf_str(&why));
	w->tell = told;
	w->arg = m;
	return w;
}

static void carry_hold(void *arg, const struct hold *h)
{
	struct world *w = arg;
	struct hold *copy;

	/* Not in the ledger. */
	if (h->hold_class == HOLD_AGENT)
		return;
	copy = hold_new(h);

	assert_non_null(copy);
	copy->recorded = copy->restored = true;
	copy->active = !copy->waiting;
	assert_int_equal(holds_place(w->holds, copy, NULL), 0);
}

/* Another process, that finds what the first one left: the kernel and the ledger. */
static void on_restart(struct model *m, const struct model_event *e)
{
	struct world *old = m->w, *w;
	struct buf why = BUF_INIT;
	uint32_t i;

	(void)e;
	pass(m, 1000);
	w = new_world(m, old->conf);
	for (i = 0; i < w->state->layout->n_dests; i++) {
		struct dest_state *d = &w->state->dests[i];
		const struct layout_realserver *r =
			&w->state->layout->realservers[w->state->layout->dests[i].realserver];

		d->seen = old->state->dests[i].seen;
		d->cap = d->seen < 0 ? CAP_ABSENT : d->seen;
		if (w->state->layout->services[r->service].conf->initial == INITIAL_DOWN &&
		    d->cap > 0)
			d->cap = 0;
	}
	holds_each(old->holds, carry_hold, w);
	m->w = w;
	if (world_reload(w, old->conf, &why))
		fail_msg("%s", buf_str(&why));
	world_free(old);
	m->restarted = true;
	m->n_passed = 0;
}

static void (*const does[MODEL_N_KINDS])(struct model *m, const struct model_event *e) = {
	[MODEL_VERDICT] = on_verdict, [MODEL_STORM] = on_storm,     [MODEL_UNKNOWN] = on_unknown,
	[MODEL_SAMPLE] = on_sample,   [MODEL_TIME] = on_time,       [MODEL_DUE] = on_due,
	[MODEL_HOLD] = on_hold,       [MODEL_LIFT] = on_lift,       [MODEL_RELOAD] = on_reload,
	[MODEL_KERNEL] = on_kernel,   [MODEL_RESTART] = on_restart, [MODEL_HAND] = on_hand,
	[MODEL_ADVICE] = on_advice,
};

enum { TURNS = 8 };

/* --- a run -------------------------------------------------------------------------- */

void model_begin(struct model *m, uint64_t shape, const char *const *texts,
		 struct config *(*load_conf)(const char *text))
{
	struct config *c;
	int i;

	memset(m, 0, sizeof(*m));
	m->load = load_conf;
	m->shape = shape;
	m->texts = texts;
	m->now = (struct moment){ .mono_ms = 1000, .wall_ms = 1700000000000 };
	c = load(m);
	m->w = new_world(m, c);
	config_unref(c);
	m->rate_ms = -1;
	note_rate(m);
	model_check_begin(m);
	for (i = 0; i < TURNS && (!i || m->w->state->n_dirty); i++)
		world_step(m->w, &m->now);
	model_check(m);
}

void model_end(struct model *m)
{
	world_free(m->w);
	m->w = NULL;
}

bool model_step(struct model *m, const struct model_event *e)
{
	int i;

	m->restarted = m->reloaded = m->ended = false;
	m->told = 0;
	m->frozen =
		holds_freeze(m->w->holds) && (e->kind <= MODEL_SAMPLE || e->kind == MODEL_ADVICE);
	does[e->kind](m, e);
	world_sampled(m->w);
	model_check_begin(m);
	/* Rules at odds with themselves take several turns. */
	for (i = 0; i < TURNS && (!i || m->w->state->n_dirty); i++)
		world_step(m->w, &m->now);
	m->steps++;
	model_check(m);
	return !m->broken;
}
