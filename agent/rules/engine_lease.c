/* engine_lease.c: rules that go by alerts. The truth of such a rule on a realserver is
 * that a lease of it stands there: an alert's hold, which waits until the guards let it
 * act. Leases come by request and go with their alert, or with their time; what is asked
 * here is only whether they may count. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/holds/place.h"
#include "agent/rules/engine_internal.h"

static bool is_lease(const struct hold *h, const struct ruleset_rule *rule)
{
	return h->hold_class == HOLD_ALERT && !strcmp(h->rule, rule->conf->head.name);
}

const struct hold *engine_lease(const struct engine *e, const struct ruleset_rule *rule,
				const char *name, const struct hold **ret_acting)
{
	const struct hold *h, *any = NULL;

	*ret_acting = NULL;
	for (h = holds_at(e->holds, name); h; h = h->next) {
		if (!is_lease(h, rule))
			continue;
		any = any ? any : h;
		if (!h->waiting && !*ret_acting)
			*ret_acting = h;
	}
	return any;
}

int engine_act(struct engine *e, const struct ruleset_rule *rule, const char *name)
{
	const struct hold *h;
	int error = 0;

	for (h = holds_at(e->holds, name); h && !error; h = h->next)
		if (is_lease(h, rule) && h->waiting)
			error = placer_act(e->env.placer, h->id, true);
	return error;
}

static const char *name_of(const struct engine *e, uint32_t realserver)
{
	return e->state->layout->realservers[realserver].conf->name;
}

/* Another alert about what is held already changes nothing. The holds end with their
 * alerts: nothing is released here. Admitted by an operator only this rule is not. */
void engine_step_lease(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
		       uint32_t realserver)
{
	const char *name = name_of(e, realserver);
	const struct hold *acting;
	const struct hold *lease = engine_lease(e, rule, name, &acting);

	engine_evaluate(e, rule, slot, realserver, lease ? TRUTH_TRUE : TRUTH_FALSE);
	if (!engine_fires(e, rule, slot))
		return;
	if (!acting)
		engine_candidate(e, rule, slot, realserver);
	else if (engine_act(e, rule, name))
		engine_wait(e, e->now.mono_ms + 1000);
}

void engine_words(const struct engine *e, const struct ruleset_rule *rule,
		  const struct rule_slot *slot, uint32_t realserver, struct buf *out)
{
	const struct hold *acting, *lease = NULL;

	if (rule->conf->alert)
		lease = engine_lease(e, rule, name_of(e, realserver), &acting);
	if (lease)
		buf_puts(out, lease->reason);
	else
		engine_describe(e->state, rule, slot, realserver, out);
}

/* --- over changes of the rules ------------------------------------------------------- */

/* Whether a lease is still one that its rule would have. What its rule asks for may have
 * changed: then it asks for that. */
bool engine_lease_stands(struct engine *e, const struct hold *h, const struct moment *now)
{
	const struct ruleset *set = e->set;
	const struct ruleset_rule *rule = ruleset_named(set, h->rule);
	uint32_t realserver = layout_find(set->layout, h->service, h->realserver);
	struct rule_slot *slot;
	int effect;

	slot = rule && rule->conf->alert && realserver != LAYOUT_NONE
		       ? ruleset_slot(set, rule, realserver)
		       : NULL;
	if (!slot) {
		/* A peer's ends there; here it does nothing any more. */
		if (*h->origin)
			(void)placer_act(e->env.placer, h->id, false);
		return false;
	}
	effect = rule_conf_lease_effect(rule->conf);
	if (h->effect != effect)
		(void)placer_effect(e->env.placer, h->id, effect);
	if (rule->conf->enforce != ENFORCE_ON || rule->effect == EFFECT_NONE)
		(void)placer_act(e->env.placer, h->id, false);
	/* From before a restart. */
	if (slot->run.state == RULE_INACTIVE && !slot->held_ms && !h->waiting) {
		eval_resume(&slot->run, 0, now->mono_ms);
		slot->held_ms = now->mono_ms;
	}
	return true;
}

/* --- the end --------------------------------------------------------------------------- */

void engine_lease_ended(struct engine *e, struct state *s, const struct hold *h,
			const struct moment *now)
{
	const struct ruleset *set = e->set;
	const struct ruleset_rule *rule = set ? ruleset_named(set, h->rule) : NULL;
	uint32_t realserver =
		rule ? layout_find(s->layout, h->service, h->realserver) : LAYOUT_NONE;
	const struct hold *acting;
	struct rule_slot *slot;
	struct decision d;

	if (h->hold_class != HOLD_ALERT || h->waiting || realserver == LAYOUT_NONE ||
	    s->layout != set->layout)
		return;
	slot = ruleset_slot(set, rule, realserver);
	if (!slot || !rule->conf->alert)
		return;
	e->state = s;
	e->now = *now;
	e->holds = holds_in(e->env.holds, h->service);
	(void)engine_lease(e, rule, h->realserver, &acting);
	if (acting)
		return;
	flap_released(&e->set->flaps[realserver], now->mono_ms, now->mono_ms);
	slot->released_ms = now->mono_ms;
	d = engine_decision(e, DECISION_RELEASE, rule, realserver);
	d.effect = h->effect;
	d.reason = "the alert is over";
	engine_tell(e, &d);
}
