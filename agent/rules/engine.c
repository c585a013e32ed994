/* engine.c: rules at work. A rule whose hold is refused stays firing and is judged
 * again whenever its service is; simultaneous candidates are admitted by evidence
 * (refused, timeout, bad answer), then by how long they are down, then by name, so
 * that the outcome does not depend on the order in which probes end. */
#include "agent/rules/engine.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/holds/effect.h"
#include "agent/holds/place.h"
#include "agent/rules/engine_internal.h"
#include "agent/rules/evidence.h"

int engine_new(const struct engine_env *env, struct engine **ret_engine)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->env = *env;
	*ret_engine = e;
	return 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	ruleset_free(e->set);
	free(e->candidates);
	free(e);
}

const struct ruleset *engine_rules(const struct engine *e)
{
	return e->set;
}

struct samples *engine_samples(const struct engine *e)
{
	return e->set->samples;
}

/* --- telling ---------------------------------------------------------------------- */

void engine_tell(const struct engine *e, struct decision *d)
{
	if (!d->reason)
		d->reason = "";
	if (e->env.tell)
		e->env.tell(e->env.arg, d);
}

struct decision engine_decision(const struct engine *e, enum decision_kind kind,
				const struct ruleset_rule *rule, uint32_t realserver)
{
	return (struct decision){
		.kind = kind,
		.at = e->now,
		.state = e->state,
		.rule = rule ? rule->conf : NULL,
		.service = realserver == LAYOUT_NONE
				   ? e->service
				   : e->state->layout->realservers[realserver].service,
		.realserver = realserver,
		.value = NAN,
	};
}

static const char *service_name(const struct engine *e)
{
	return e->state->layout->services[e->service].conf->head.name;
}

/* The rule's hold on a realserver (or "*", on the service), or NULL. */
struct hold *engine_hold(const struct engine *e, const struct ruleset_rule *rule, const char *name)
{
	struct hold *h = holds_at(e->holds, name);

	for (; h; h = h->next)
		if (h->hold_class == HOLD_RULE && !strcmp(h->holder, rule->conf->head.name))
			return h;
	return NULL;
}

static const char *name_of(const struct engine *e, uint32_t realserver)
{
	return e->state->layout->realservers[realserver].conf->name;
}

void engine_describe(const struct state *s, const struct ruleset_rule *rule,
		     const struct rule_slot *slot, uint32_t realserver, struct buf *out)
{
	if (rule->verdict && evidence_witness(s, realserver)) {
		evidence_describe(s, realserver, out);
		return;
	}
	buf_puts(out, rule->conf->says);
	if (!isnan(slot->value))
		buf_printf(out, ", %.6g", slot->value);
	if (rule->conf->for_ms) {
		buf_puts(out, ", for ");
		format_duration(out, rule->conf->for_ms);
	}
}

void engine_lift(struct engine *e, const struct hold *h)
{
	placer_lift(e->env.placer, h->id);
	e->holds = holds_in(e->env.holds, service_name(e));
	e->is_short = ANSWER_UNKNOWN;
}

/* --- states ------------------------------------------------------------------------- */

static void state_changed(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
			  uint32_t realserver, enum rule_state from)
{
	struct decision d = engine_decision(e, DECISION_RULE, rule, realserver);

	d.from = from;
	d.to = (enum rule_state)slot->run.state;
	d.on = slot->run.frozen;
	d.value = slot->value;
	if (d.to == RULE_FIRING && from != RULE_RECOVERING && from != RULE_FIRING) {
		rule->detected++;
		/* One that only tells has told. */
		rule->enforced += rule->effect == EFFECT_NONE && !rule->fallback &&
				  rule->conf->enforce == ENFORCE_ON;
	}
	engine_tell(e, &d);
}

/* One evaluation of one rule for one realserver. */
void engine_evaluate(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
		     uint32_t realserver, enum truth truth)
{
	enum rule_state from = (enum rule_state)slot->run.state;
	bool frozen = slot->run.frozen;

	(void)eval_step(&slot->run, truth, rule->conf->for_ms, rule->conf->keep_ms, e->now.mono_ms);
	if (slot->run.state != from || slot->run.frozen != frozen) {
		e->wanted = ANSWER_UNKNOWN;
		state_changed(e, rule, slot, realserver, from);
	}
	if (slot->run.state == RULE_INACTIVE || slot->run.state == RULE_PENDING)
		slot->refused = GUARD_ADMIT;
	engine_wait(e, eval_next(&slot->run, rule->conf->for_ms, rule->conf->keep_ms));
}

/* Whether it asks for a hold. Of probe-down the guards don't ask when it let go last. */
bool engine_fires(struct engine *e, const struct ruleset_rule *rule, const struct rule_slot *slot)
{
	if (!eval_asks(&slot->run) || slot->run.frozen || rule->effect == EFFECT_NONE)
		return false;
	if (!rule->exempt || rule->verdict || slot->released_ms != e->now.mono_ms)
		return true;
	engine_wait(e, e->now.mono_ms + engine_cooldown(rule));
	return false;
}

/* --- releasing ------------------------------------------------------------------------ */

/* When a hold may end whose rule has resolved. */
static int64_t release_at(const struct engine *e, const struct ruleset_rule *rule,
			  const struct rule_slot *slot, uint32_t realserver, enum guard *ret_guard)
{
	const struct service_conf *c = e->state->layout->services[e->service].conf;
	int64_t calm = flap_release_at(&e->set->flaps[realserver], slot->resolved_ms, c->flap_max);
	int64_t latest = slot->resolved_ms + c->flap_max;
	int64_t cool = rule->exempt && rule->conf->cooldown ? slot->held_ms + rule->conf->cooldown
							    : slot->resolved_ms;

	cool = cool > latest ? latest : cool;
	*ret_guard = cool > calm ? GUARD_COOLDOWN : GUARD_FLAPPING;
	return cool > calm ? cool : calm;
}

static void delay(struct engine *e, const struct ruleset_rule *rule, struct rule_slot *slot,
		  uint32_t realserver, enum guard guard, int64_t at_ms)
{
	struct decision d = engine_decision(e, DECISION_DELAY, rule, realserver);

	engine_wait(e, at_ms);
	if (slot->delayed == guard)
		return;
	slot->delayed = guard & 7;
	d.guard = guard;
	engine_tell(e, &d);
}

/* An operator says that rules are wrong there: no guard is asked, nothing is remembered. */
static void let_in(struct engine *e, const struct ruleset_rule *rule, struct rule_slot *slot,
		   uint32_t realserver, const struct hold *h, const struct hold *admit)
{
	struct decision d = engine_decision(e, DECISION_RELEASE, rule, realserver);
	struct buf reason = BUF_INIT;

	slot->resolved_ms = 0;
	slot->delayed = GUARD_ADMIT;
	slot->refused = GUARD_ADMIT;
	buf_printf(&reason, "admitted by %s", admit->holder);
	d.effect = h->effect;
	d.reason = buf_str(&reason);
	engine_tell(e, &d);
	engine_lift(e, h);
	buf_fini(&reason);
}

/* Ends a hold whose rule has resolved, unless it is to wait; true when it ended. */
static bool release(struct engine *e, const struct ruleset_rule *rule, struct rule_slot *slot,
		    uint32_t realserver, const struct hold *h)
{
	struct decision d = engine_decision(e, DECISION_RELEASE, rule, realserver);
	enum guard guard;
	int64_t at;

	if (!slot->resolved_ms)
		slot->resolved_ms = e->now.mono_ms;
	if (e->frozen) {
		delay(e, rule, slot, realserver, GUARD_FROZEN, INT64_MAX);
		return false;
	}
	at = release_at(e, rule, slot, realserver, &guard);
	if (at > e->now.mono_ms && !engine_short(e) && !engine_wanted(e)) {
		delay(e, rule, slot, realserver, guard, at);
		return false;
	}
	flap_released(&e->set->flaps[realserver], slot->resolved_ms, e->now.mono_ms);
	slot->resolved_ms = 0;
	slot->delayed = GUARD_ADMIT;
	slot->released_ms = e->now.mono_ms;
	d.effect = h->effect;
	d.reason = rule->verdict ? "probes pass again" : "the rule's condition is over";
	engine_tell(e, &d);
	engine_lift(e, h);
	return true;
}

/* --- placing -------------------------------------------------------------------------- */

int engine_place(struct engine *e, const struct ruleset_rule *rule, const char *name, int effect,
		 const char *reason)
{
	int error = placer_rule(e->env.placer,
				&(struct hold){ .hold_class = HOLD_RULE,
						.service = (char *)service_name(e),
						.realserver = (char *)name,
						.holder = (char *)rule->conf->head.name,
						.effect = effect,
						.reason = (char *)reason },
				e->now.wall_ms);

	e->holds = holds_in(e->env.holds, service_name(e));
	return error;
}

static void admit(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
		  uint32_t realserver, const struct survey *after)
{
	struct decision d = engine_decision(e, DECISION_HOLD, rule, realserver);
	struct buf reason = BUF_INIT;

	engine_words(e, rule, slot, realserver, &reason);
	/* What cannot even be placed for want of memory is tried again when its service
	 * is judged anew. */
	if (!(rule->conf->alert ? engine_act(e, rule, name_of(e, realserver))
				: engine_place(e, rule, name_of(e, realserver), rule->effect,
					       buf_str(&reason)))) {
		slot->refused = GUARD_ADMIT;
		slot->resolved_ms = 0;
		slot->held_ms = e->now.mono_ms;
		flap_add(&e->set->flaps[realserver], e->now.mono_ms);
		if (!rule->exempt && e->set->rate)
			(void)rate_take(e->set->rate, e->now.mono_ms);
		rule->enforced++;
		d.effect = rule->effect;
		d.value = slot->value;
		d.available = after->available;
		d.reason = buf_str(&reason);
		engine_tell(e, &d);
	} else {
		engine_wait(e, e->now.mono_ms + 1000);
	}
	buf_fini(&reason);
}

static void refuse(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
		   uint32_t realserver, enum guard guard, const struct guard_input *in)
{
	struct decision d = engine_decision(e, DECISION_REFUSAL, rule, realserver);
	struct buf reason = BUF_INIT;

	/* Told once, and again only when another guard refuses. */
	if (slot->refused == guard)
		return;
	slot->refused = guard & 15;
	rule->refused[guard]++;
	engine_words(e, rule, slot, realserver, &reason);
	d.guard = guard;
	d.effect = rule->effect;
	d.value = slot->value;
	d.available = in->available;
	d.floor = (uint32_t)guard_floor(in);
	d.reason = buf_str(&reason);
	engine_tell(e, &d);
	buf_fini(&reason);
}

/* When a refusal that only time lifts is to be tried again. */
static int64_t retry_at(const struct engine *e, const struct ruleset_rule *rule,
			const struct rule_slot *slot, enum guard guard)
{
	switch (guard) {
	case GUARD_COOLDOWN:
		return slot->released_ms + engine_cooldown(rule);
	case GUARD_FLAPPING:
	case GUARD_CORRELATED:
		return e->now.mono_ms + 1000;
	case GUARD_RATE:
		return rate_next(e->set->rate);
	default:
		return INT64_MAX;
	}
}

/* Judges one candidate; `v` is the service before, and after where it is admitted. */
static void judge(struct engine *e, const struct candidate *c, struct survey *v)
{
	uint32_t weight = survey_weight(e->state, e->env.holds, c->realserver);
	struct survey after = *v;
	struct guard_input in;
	enum guard guard;

	survey_take(&after, e->state, e->env.holds, c->realserver, c->rule->effect, weight);
	engine_guard_input(e, &after, &in);
	engine_guard_candidate(e, c, weight, &in);
	guard = guard_judge(&in);
	/* No refusal yet: most often the witness is there before anybody has read of it. */
	if (guard == GUARD_ADMIT && engine_awaits(e, c->realserver))
		return;
	if (guard == GUARD_ADMIT) {
		*v = after;
		admit(e, c->rule, c->slot, c->realserver, &after);
		return;
	}
	/* Whoever waits to come back would make room for it: without delay, then. */
	if (guard == GUARD_MIN_AVAILABLE && engine_delays(e))
		state_dirty(e->state, e->service);
	engine_wait(e, retry_at(e, c->rule, c->slot, guard));
	refuse(e, c->rule, c->slot, c->realserver, guard, &in);
}

static int order(const void *a, const void *b)
{
	const struct candidate *ca = a, *cb = b;

	return guard_order(&ca->order, &cb->order);
}

/* --- a service ------------------------------------------------------------------------ */

static bool make_room(struct engine *e)
{
	uint32_t room = e->room ? 2 * e->room : 16;
	struct candidate *grown;

	if (e->n_candidates < e->room)
		return true;
	grown = reallocarray(e->candidates, room, sizeof(*grown));
	if (!grown)
		return false;
	e->candidates = grown;
	e->room = room;
	return true;
}

void engine_candidate(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
		      uint32_t realserver)
{
	if (!make_room(e)) {
		engine_wait(e, e->now.mono_ms + 1000);
		return;
	}
	e->candidates[e->n_candidates++] = (struct candidate){
		.order = { .evidence = evidence_of(e->state, realserver),
			   .down_since_ms = e->state->realservers[realserver].down_since_ms,
			   .service = service_name(e),
			   .realserver = name_of(e, realserver),
			   .rule = (uint32_t)(rule - e->set->rules) },
		.rule = rule,
		.slot = slot,
		.realserver = realserver,
	};
}

/* Steps one rule for one realserver; true when a hold ended. */
static bool step_one(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
		     uint32_t i)
{
	const struct hold *admit = hold_last(holds_at(e->holds, name_of(e, i)), HOLD_ADMITS);
	const struct hold *h;
	bool ended = false;

	engine_evaluate(e, rule, slot, i,
			expr_eval(rule->expr, e->set->samples, i, e->now.mono_ms, &slot->value));
	h = rule->effect == EFFECT_NONE ? NULL : engine_hold(e, rule, name_of(e, i));
	if (admit) {
		slot->refused = GUARD_ADMIT;
		ended = h != NULL;
		if (h)
			let_in(e, rule, slot, i, h, admit);
		return ended;
	}
	/* Pending with a hold: its rule fired before a reload or a restart. Its hold may
	 * have gone otherwise: then nothing waits. */
	if (slot->run.state != RULE_INACTIVE || !h) {
		slot->resolved_ms = 0;
		slot->delayed = GUARD_ADMIT;
	} else if (h && !slot->run.frozen) {
		ended = release(e, rule, slot, i, h);
	}
	/* What was released is gone; then it does not fire. */
	if (engine_fires(e, rule, slot) && (!h || h->effect != rule->effect))
		engine_candidate(e, rule, slot, i);
	return ended;
}

/* … for the realservers of the service. */
static bool step_rule(struct engine *e, struct ruleset_rule *rule)
{
	const struct layout_service *svc = &e->state->layout->services[e->service];
	bool ended = false;
	uint32_t i;

	if (rule->first[e->service] == LAYOUT_NONE)
		return false;
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		struct rule_slot *slot = ruleset_slot(e->set, rule, i);

		if (slot && rule->conf->alert)
			engine_step_lease(e, rule, slot, i);
		else if (slot)
			ended |= step_one(e, rule, slot, i);
	}
	return ended;
}

void engine_service(struct engine *e, struct state *s, uint32_t service, bool kernel_known,
		    const struct moment *now)
{
	uint32_t i, n_rules = e->set->n_rules;
	bool ended = false;
	struct survey v;

	e->state = s;
	e->service = service;
	e->now = *now;
	e->kernel_known = kernel_known;
	e->frozen = holds_freeze(e->env.holds);
	e->holds = holds_in(e->env.holds, service_name(e));
	due_set(&e->set->due, service, INT64_MAX);
	e->n_candidates = 0;
	e->is_short = ANSWER_UNKNOWN;
	e->wanted = ANSWER_UNKNOWN;
	e->delays = ANSWER_UNKNOWN;
	if (!s->layout->services[service].conf->enabled)
		return;
	for (i = 0; i < n_rules; i++)
		ended |= step_rule(e, &e->set->rules[i]);
	for (i = 0; i < n_rules; i++)
		ended |= engine_step_fallback(e, &e->set->rules[i]);
	/* What ended changes the weights that the guards count: decided anew first. */
	if (ended || !e->n_candidates)
		return;
	survey_service(s, e->env.holds, service, &v);
	qsort(e->candidates, e->n_candidates, sizeof(*e->candidates), order);
	for (i = 0; i < e->n_candidates; i++)
		judge(e, &e->candidates[i], &v);
}
