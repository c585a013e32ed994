/* engine_state.c: what the engine remembers from turn to turn: its rules, when to look
 * again, the brake; and what it tells the guards of all that. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/holds/place.h"
#include "agent/model/scheduler.h"
#include "agent/rules/engine_internal.h"

enum { RECONSIDER_MS = 1000 };

/* --- the rules in force ------------------------------------------------------------- */

struct sweep {
	const struct ruleset *set;
	char **ids;
	size_t n, room;
};

/* Is a rule's hold still one that its rule would place? One that fired goes on. */
static bool stands(const struct ruleset *set, const struct hold *h, const struct moment *now)
{
	const struct ruleset_rule *rule = ruleset_named(set, h->holder);
	uint32_t service = layout_find_service(set->layout, h->service), realserver;
	struct rule_slot *slot;

	if (!rule || service == LAYOUT_NONE || rule->first[service] == LAYOUT_NONE ||
	    rule->conf->enforce != ENFORCE_ON)
		return false;
	if (!strcmp(h->realserver, HOLD_SERVICE))
		return rule->fallback;
	realserver = layout_find_realserver(set->layout, service, h->realserver);
	slot = realserver == LAYOUT_NONE ? NULL : ruleset_slot(set, rule, realserver);
	if (!slot || rule->effect == EFFECT_NONE || rule->conf->alert)
		return false;
	/* From before a restart: it fires, until its signals say otherwise. */
	if (slot->run.state == RULE_INACTIVE && !slot->resolved_ms && !slot->held_ms) {
		eval_resume(&slot->run, rule->conf->for_ms, now->mono_ms);
		slot->run.frozen = true;
		slot->run.frozen_ms = now->mono_ms;
		slot->held_ms = now->mono_ms;
	}
	return true;
}

struct sweep_arg {
	struct engine *engine;
	struct sweep *sweep;
	const struct moment *now;
};

static bool of_rules(struct sweep_arg *a, const struct hold *h)
{
	switch (h->hold_class) {
	case HOLD_RULE:
		return !stands(a->sweep->set, h, a->now);
	case HOLD_ALERT:
		return !engine_lease_stands(a->engine, h, a->now) && !*h->origin;
	case HOLD_AGENT:
		return !engine_wish_stands(a->engine, h);
	default:
		return false;
	}
}

static void sweep_one(void *arg, const struct hold *h)
{
	struct sweep_arg *a = arg;

	if (of_rules(a, h) && a->sweep->n < a->sweep->room)
		a->sweep->ids[a->sweep->n++] = strdup(h->id);
}

static void sweep(struct engine *e, const struct moment *now)
{
	struct sweep w = { .set = e->set, .room = holds_count(e->env.holds) };
	struct sweep_arg arg = { e, &w, now };
	size_t i;

	w.ids = calloc(w.room + 1, sizeof(*w.ids));
	if (!w.ids)
		return;
	holds_each(e->env.holds, sweep_one, &arg);
	for (i = 0; i < w.n; i++) {
		if (w.ids[i])
			placer_lift(e->env.placer, w.ids[i]);
		free(w.ids[i]);
	}
	free(w.ids);
}

void engine_adopt(struct engine *e, struct ruleset *rules, const struct moment *now)
{
	ruleset_free(e->set);
	e->set = rules;
	sweep(e, now);
}

/* --- time ---------------------------------------------------------------------------- */

void engine_wait(struct engine *e, int64_t at_ms)
{
	due_by(&e->set->due, e->service, at_ms);
}

void engine_again(struct engine *e, uint32_t service, int64_t at_ms)
{
	due_by(&e->set->due, service, at_ms);
}

int64_t engine_due_at(const struct engine *e, uint32_t service)
{
	return due_at(&e->set->due, service);
}

int64_t engine_cooldown(const struct ruleset_rule *rule)
{
	if (rule->verdict || rule->conf->cooldown > RECONSIDER_MS)
		return rule->conf->cooldown;
	return RECONSIDER_MS;
}

int64_t engine_next(const struct engine *e, int64_t now_ms)
{
	int64_t next = e->set->brake && !e->forced ? brake_next(e->set->brake, now_ms) : INT64_MAX;
	int64_t due = due_first(&e->set->due);

	return due < next ? due : next;
}

void engine_due(struct engine *e, int64_t now_ms, void (*fn)(void *arg, uint32_t service),
		void *arg)
{
	uint32_t service;

	while (due_take(&e->set->due, now_ms, &service))
		fn(arg, service);
}

/* --- the brake ------------------------------------------------------------------------- */

static void tell_brake(struct engine *e, const struct state *s, bool on, const struct moment *now)
{
	struct decision d = { .kind = DECISION_BRAKE,
			      .at = *now,
			      .state = s,
			      .service = LAYOUT_NONE,
			      .realserver = LAYOUT_NONE,
			      .on = on };

	e->braked = on;
	engine_tell(e, &d);
}

/* Something succeeded, or the brake came on: those who waited are judged again. */
static void witness(struct engine *e, struct state *s)
{
	struct ruleset *set = e->set;

	while (set->n_awaiting) {
		uint32_t service = set->awaiting[--set->n_awaiting];

		set->awaits[service] = false;
		state_dirty(s, service);
	}
}

void engine_tick(struct engine *e, struct state *s, const struct moment *now)
{
	bool on = e->set->brake && brake_next(e->set->brake, now->mono_ms) != INT64_MAX;

	if (on == e->braked || e->forced)
		return;
	tell_brake(e, s, on, now);
	if (on)
		witness(e, s);
	else
		state_dirty_all(s); /* what it refused may be asked again */
}

void engine_force_brake(struct engine *e, const struct state *s, bool on, const struct moment *now)
{
	e->forced = true;
	if (e->set->brake && on != e->braked)
		tell_brake(e, s, on, now);
}

static void dirty_users(struct state *s, uint32_t target)
{
	const struct layout_target *t = &s->layout->targets[target];
	uint32_t i;

	for (i = t->first_user; i < t[1].first_user; i++)
		state_dirty(s, s->layout->realservers[s->layout->users[i]].service);
}

void engine_outcome(struct engine *e, struct state *s, uint32_t target, uint32_t way,
		    const struct moment *now)
{
	const struct health *h = &s->targets[target].health;
	int64_t began_ms = now->mono_ms - s->targets[target].last_us / 1000;

	if (!e->set->brake || h->unknown)
		return;
	if (h->success) {
		brake_success(e->set->brake, target, way, began_ms, now->mono_ms);
		witness(e, s);
	} else if (brake_bad(e->set->brake, target, way, began_ms, now->mono_ms)) {
		dirty_users(s, target);
	}
	if (h->success && h->verdict == VERDICT_UP)
		brake_trust(e->set->brake, target);
	engine_tick(e, s, now);
}

bool engine_braked(const struct engine *e)
{
	return e->braked;
}

static bool correlated(const struct engine *e, uint32_t realserver)
{
	const struct layout *l = e->set->layout;
	const struct layout_realserver *r = &l->realservers[realserver];
	uint32_t i;

	if (e->forced)
		return e->braked;
	if (!e->set->brake)
		return false;
	for (i = r->first_link; i < r->first_link + r->n_links; i++)
		if (brake_on(e->set->brake, l->links[i], e->now.mono_ms))
			return true;
	return false;
}

bool engine_awaits(struct engine *e, uint32_t realserver)
{
	const struct layout *l = e->set->layout;
	const struct layout_realserver *r = &l->realservers[realserver];
	int64_t until = INT64_MIN;
	uint32_t i;

	if (e->forced || !e->set->brake)
		return false;
	for (i = r->first_link; until == INT64_MIN && i < r->first_link + r->n_links; i++)
		until = brake_awaits(e->set->brake, l->links[i], e->now.mono_ms);
	if (until == INT64_MIN)
		return false;
	engine_wait(e, until);
	if (!e->set->awaits[e->service])
		e->set->awaiting[e->set->n_awaiting++] = e->service;
	e->set->awaits[e->service] = true;
	return true;
}

/* --- what the guards are told ------------------------------------------------------------ */

void engine_guard_input(const struct engine *e, const struct survey *v, struct guard_input *ret_in)
{
	const struct service_conf *c = e->state->layout->services[e->service].conf;

	*ret_in = (struct guard_input){
		.frozen = e->frozen,
		.has_verdict = true,
		.kernel_known = e->kernel_known,
		.min = c->min_available,
		.configured = v->configured,
		.configured_weight = v->configured_weight,
		.available = v->available,
		.available_weight = v->available_weight,
		.held = v->held,
		.max_held = c->max_held,
		.domains = v->domains,
		.backups_serve = v->backups > 0,
		.now_ms = e->now.mono_ms,
	};
}

static bool is_short(const struct engine *e)
{
	struct survey v;
	struct guard_input in;

	survey_service(e->state, e->env.holds, e->service, &v);
	engine_guard_input(e, &v, &in);
	return !in.backups_serve &&
	       (!in.available || (in.min.kind == MIN_WEIGHT ? in.available_weight : in.available) <
					 guard_floor(&in));
}

static bool any_slot(const struct engine *e, bool (*is)(const struct rule_slot *slot))
{
	const struct layout_service *svc = &e->state->layout->services[e->service];
	uint32_t r, i;

	for (r = 0; r < e->set->n_rules; r++) {
		for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers;
		     i++) {
			const struct rule_slot *slot = ruleset_slot(e->set, &e->set->rules[r], i);

			if (slot && is(slot))
				return true;
		}
	}
	return false;
}

static bool kept_in(const struct rule_slot *slot)
{
	return slot->refused == GUARD_MIN_AVAILABLE && eval_asks(&slot->run) && !slot->run.frozen;
}

static bool waits(const struct rule_slot *slot)
{
	return slot->resolved_ms && slot->delayed && !slot->run.frozen;
}

static bool keep(enum answer *answer, bool is)
{
	*answer = is ? ANSWER_YES : ANSWER_NO;
	return is;
}

bool engine_short(struct engine *e)
{
	return e->is_short ? e->is_short == ANSWER_YES : keep(&e->is_short, is_short(e));
}

bool engine_wanted(struct engine *e)
{
	return e->wanted ? e->wanted == ANSWER_YES : keep(&e->wanted, any_slot(e, kept_in));
}

bool engine_delays(struct engine *e)
{
	return e->delays ? e->delays == ANSWER_YES : keep(&e->delays, any_slot(e, waits));
}

void engine_guard_candidate(const struct engine *e, const struct candidate *c, uint32_t weight,
			    struct guard_input *in)
{
	const struct service_conf *conf = e->state->layout->services[e->service].conf;
	const struct realserver_conf *rs = e->state->layout->realservers[c->realserver].conf;
	bool held = survey_held(e->state, e->env.holds, c->realserver, false);

	in->effect = c->rule->effect;
	in->has_verdict = e->state->realservers[c->realserver].verdict != VERDICT_NONE;
	in->probe_down = c->rule->exempt;
	in->was_released = c->slot->released_ms != 0;
	in->released_ms = c->slot->released_ms;
	in->cooldown_ms = engine_cooldown(c->rule);
	in->penalty = flap_at(&e->set->flaps[c->realserver], e->now.mono_ms);
	in->harmless = !weight;
	in->scheduler_unsafe = guard_scheduler_unsafe(conf->scheduler, conf->scheduler_flags);
	in->adds_held =
		c->rule->effect <= HOLD_ZERO && !held && rs->enabled && rs->weight && !rs->backup;
	in->domain_on = conf->domain_guard && rs->terms->domain &&
			!survey_held(e->state, e->env.holds, c->realserver, true);
	in->rate_spent = e->set->rate && !rate_ok(e->set->rate, e->now.mono_ms);
	in->correlated = correlated(e, c->realserver);
	in->dry_run = c->rule->conf->enforce == ENFORCE_DRY_RUN;
}

/* --- fallback ------------------------------------------------------------------------------ */

static bool wants_fallback(const struct engine *e, const struct ruleset_rule *rule, bool *ret_over)
{
	const struct layout_service *svc = &e->state->layout->services[e->service];
	bool wants = false;
	uint32_t i;

	*ret_over = true;
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		const struct rule_slot *slot = ruleset_slot(e->set, rule, i);

		if (!slot)
			continue;
		wants |= slot->run.state >= RULE_FIRING && !slot->run.frozen;
		/* Who cannot tell keeps what is. */
		*ret_over &= slot->run.state == RULE_INACTIVE && !slot->run.frozen;
	}
	return wants;
}

static void begin_fallback(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot)
{
	struct decision d = engine_decision(e, DECISION_HOLD, rule, LAYOUT_NONE);

	d.effect = HOLD_FALLBACK;
	d.reason = rule->conf->says;
	if (rule->conf->enforce == ENFORCE_DRY_RUN || !e->kernel_known || e->frozen)
		return;
	if (slot->released_ms && e->now.mono_ms - slot->released_ms < engine_cooldown(rule)) {
		engine_wait(e, slot->released_ms + engine_cooldown(rule));
		return;
	}
	if (engine_place(e, rule, HOLD_SERVICE, HOLD_FALLBACK, rule->conf->says)) {
		engine_wait(e, e->now.mono_ms + 1000);
		return;
	}
	flap_add(&e->set->service_flaps[e->service], e->now.mono_ms);
	rule->enforced++;
	engine_tell(e, &d);
}

/* Backups that come and go stay longer each time, as realservers stay out. */
static bool may_end(struct engine *e, const struct ruleset_rule *rule, struct rule_slot *slot)
{
	const struct service_conf *c = e->state->layout->services[e->service].conf;
	struct flap *flap = &e->set->service_flaps[e->service];
	struct decision d = engine_decision(e, DECISION_DELAY, rule, LAYOUT_NONE);
	int64_t at;

	if (!slot->resolved_ms)
		slot->resolved_ms = e->now.mono_ms;
	at = e->frozen ? INT64_MAX : flap_release_at(flap, slot->resolved_ms, c->flap_max);
	if (at > e->now.mono_ms) {
		engine_wait(e, at);
		d.guard = e->frozen ? GUARD_FROZEN : GUARD_FLAPPING;
		if (slot->delayed != d.guard)
			engine_tell(e, &d);
		slot->delayed = d.guard & 7;
		return false;
	}
	flap_released(flap, slot->resolved_ms, e->now.mono_ms);
	slot->released_ms = e->now.mono_ms;
	return true;
}

bool engine_step_fallback(struct engine *e, struct ruleset_rule *rule)
{
	struct decision d = engine_decision(e, DECISION_RELEASE, rule, LAYOUT_NONE);
	struct rule_slot *slot;
	const struct hold *h;
	bool over;

	if (!rule->fallback || rule->first[e->service] == LAYOUT_NONE)
		return false;
	slot = &rule->services[e->service];
	h = engine_hold(e, rule, HOLD_SERVICE);
	if (wants_fallback(e, rule, &over) && !h)
		begin_fallback(e, rule, slot);
	if (!h || !over) {
		slot->resolved_ms = 0;
		slot->delayed = GUARD_ADMIT;
		return false;
	}
	if (!may_end(e, rule, slot))
		return false;
	slot->resolved_ms = 0;
	slot->delayed = GUARD_ADMIT;
	d.effect = HOLD_FALLBACK;
	d.reason = "the rule's condition is over";
	engine_tell(e, &d);
	engine_lift(e, h);
	return true;
}
