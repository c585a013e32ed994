/* simulate_check.c: what a test asserts, against what came: states, weights and panic
 * as they are at that moment, actions and refusals as they were told since the `at`
 * before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"
#include "agent/simulate_internal.h"

/* --- names ---------------------------------------------------------------------------- */

int sim_find(struct sim_run *r, const struct sim_target *target, unsigned int line,
	     uint32_t *ret_service, uint32_t *ret_realserver)
{
	const struct layout *l = r->world->state->layout;
	uint32_t service = layout_find_service(l, target->service), realserver = LAYOUT_NONE;

	if (service == LAYOUT_NONE)
		return sim_say(r->result, SIM_ERROR, line, "%s: there is no service '%s'",
			       r->test->rules, target->service)
			       ?: -EINVAL;
	if (target->realserver) {
		realserver = layout_find_realserver(l, service, target->realserver);
		if (realserver == LAYOUT_NONE)
			return sim_say(r->result, SIM_ERROR, line,
				       "%s: service '%s' has no realserver '%s'", r->test->rules,
				       target->service, target->realserver)
				       ?: -EINVAL;
	}
	*ret_service = service;
	*ret_realserver = realserver;
	return 0;
}

static int find_rule(struct sim_run *r, const struct sim_assertion *a, struct sim_check *check)
{
	const struct ruleset *set = engine_rules(r->world->engine);
	uint32_t i;

	for (i = 0; i < set->n_rules; i++)
		if (!strcmp(set->rules[i].conf->head.name, a->rule))
			break;
	if (i == set->n_rules)
		return sim_say(r->result, SIM_ERROR, a->at.line, "%s: there is no rule '%s'",
			       r->test->rules, a->rule)
			       ?: -EINVAL;
	if (check->realserver != LAYOUT_NONE &&
	    !ruleset_slot(set, &set->rules[i], check->realserver))
		return sim_say(r->result, SIM_ERROR, a->at.line,
			       "%s: rule '%s' is off, or not about %s/%s", r->test->rules, a->rule,
			       a->target.service, a->target.realserver)
			       ?: -EINVAL;
	check->rule = i;
	return 0;
}

int sim_bind(struct sim_run *r, const struct sim_assertion *a, struct sim_check *ret_check)
{
	struct sim_check check = { .assertion = a, .rule = LAYOUT_NONE };
	int e = sim_find(r, &a->target, a->at.line, &check.service, &check.realserver);

	if (!e && a->rule)
		e = find_rule(r, a, &check);
	if (!e)
		*ret_check = check;
	return e;
}

/* --- what is ------------------------------------------------------------------------------ */

static const struct rule_slot *slot_of(const struct sim_run *r, const struct sim_check *c)
{
	const struct ruleset *set = engine_rules(r->world->engine);

	return ruleset_slot(set, &set->rules[c->rule], c->realserver);
}

/* What the kernel has: where addresses differ, the highest; -1 = absent. */
static int32_t weight_of(const struct sim_run *r, const struct sim_check *c)
{
	const struct state *s = r->world->state;
	const struct layout_realserver *l = &s->layout->realservers[c->realserver];
	int32_t weight = SEEN_ABSENT;
	uint32_t i;

	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++)
		if (s->dests[s->layout->dest_links[i]].seen > weight)
			weight = s->dests[s->layout->dest_links[i]].seen;
	return weight;
}

static void put_weight(struct buf *out, int32_t weight)
{
	if (weight < 0)
		buf_puts(out, "absent");
	else
		buf_put_i64(out, weight);
}

static bool is_event(const struct sim_check *c)
{
	return c->assertion->kind == SIM_ACTION || c->assertion->kind == SIM_REFUSED ||
	       c->assertion->kind == SIM_DELAYED;
}

/* Whether it is as the assertion says, its "not" left aside. */
static bool is_so(const struct sim_run *r, const struct sim_check *c)
{
	const struct sim_assertion *a = c->assertion;

	switch (a->kind) {
	case SIM_RULE:
		return a->value == SIM_FROZEN ? slot_of(r, c)->run.frozen
					      : slot_of(r, c)->run.state == a->value;
	case SIM_WEIGHT:
		return weight_of(r, c) == a->value;
	case SIM_PANIC:
		return r->world->state->services[c->service].panic;
	default:
		return c->seen;
	}
}

/* --- events --------------------------------------------------------------------------------- */

static enum sim_action action_of(const struct decision *d)
{
	if (d->kind == DECISION_RELEASE)
		return SIM_RELEASE;
	switch (d->effect) {
	case HOLD_ZERO:
		return SIM_QUIESCE;
	case HOLD_ABSENT:
		return SIM_REMOVE;
	case HOLD_FALLBACK:
		return SIM_FALLBACK;
	default:
		return SIM_REWEIGHT;
	}
}

/* False where assertions have no word for it. */
static bool event_of(const struct sim_run *r, const struct decision *d, struct sim_event *ret_event)
{
	*ret_event = (struct sim_event){ .ms = r->now_ms };
	switch (d->kind) {
	case DECISION_HOLD:
	case DECISION_RELEASE:
		ret_event->kind = SIM_ACTION;
		ret_event->value = action_of(d);
		return true;
	case DECISION_REFUSAL:
		ret_event->kind = SIM_REFUSED;
		ret_event->value = d->guard;
		return true;
	case DECISION_DELAY:
		ret_event->kind = SIM_DELAYED;
		ret_event->value = d->guard;
		return true;
	default:
		return false;
	}
}

static void put_event(struct buf *out, const struct sim_event *e)
{
	static const char *const verbs[] = {
		[SIM_ACTION] = "action", [SIM_REFUSED] = "refused", [SIM_DELAYED] = "delayed"
	};

	buf_printf(out, "%s %s at ", verbs[e->kind],
		   e->kind == SIM_ACTION ? sim_action_names[e->value] : guard_names[e->value]);
	format_duration(out, e->ms);
}

static void note_event(struct sim_check *c, const struct decision *d, const struct sim_event *e)
{
	if (!is_event(c) || c->service != d->service || c->realserver != d->realserver)
		return;
	if (c->assertion->rule && strcmp(c->assertion->rule, d->rule->head.name))
		return;
	if (e->kind == c->assertion->kind && e->value == c->assertion->value) {
		if (!c->seen)
			c->seen_event = *e;
		c->seen = true;
	} else {
		c->other = true;
		c->other_event = *e;
	}
}

/* --- judging ---------------------------------------------------------------------------------- */

static void put_expected(const struct sim_run *r, const struct sim_check *c, bool never,
			 struct buf *out)
{
	const struct sim_assertion *a = c->assertion;

	if (never) {
		buf_puts(out, a->negated ? "always" : "never");
		return;
	}
	buf_puts(out, a->negated ? "not " : "");
	switch (a->kind) {
	case SIM_RULE:
		buf_puts(out, a->value == SIM_FROZEN ? "frozen" : rule_state_names[a->value]);
		return;
	case SIM_WEIGHT:
		put_weight(out, a->value);
		return;
	case SIM_PANIC:
		buf_puts(out, "panic");
		return;
	default:
		buf_puts(out, "since ");
		format_duration(out, r->since_ms);
	}
}

static void put_got(const struct sim_run *r, const struct sim_check *c, struct buf *out)
{
	switch (c->assertion->kind) {
	case SIM_RULE:
		buf_printf(out, "%s%s", rule_state_names[slot_of(r, c)->run.state],
			   slot_of(r, c)->run.frozen ? ", frozen" : "");
		return;
	case SIM_WEIGHT:
		put_weight(out, weight_of(r, c));
		return;
	case SIM_PANIC:
		buf_puts(out, is_so(r, c) ? "panic" : "none");
		return;
	default:
		if (c->seen)
			put_event(out, &c->seen_event);
		else if (c->other)
			put_event(out, &c->other_event);
		else
			buf_puts(out, "nothing");
	}
}

static int complain(struct sim_run *r, const struct sim_check *c, bool never)
{
	struct buf text = BUF_INIT;
	int e;

	buf_puts(&text, "at ");
	format_duration(&text, r->now_ms);
	buf_printf(&text, ": %s: expected ", c->assertion->at.text);
	put_expected(r, c, never, &text);
	buf_puts(&text, ", got ");
	put_got(r, c, &text);
	r->result->failed++;
	e = buf_ok(&text)
		    ? sim_say(r->result, SIM_FAILED, c->assertion->at.line, "%s", buf_str(&text))
		    : -ENOMEM;
	buf_fini(&text);
	return e;
}

static int judge_step(struct sim_run *r, const struct sim_step *s)
{
	uint32_t i;
	int e = 0;

	for (i = 0; !e && i < s->at->n; i++)
		if (is_so(r, &s->checks[i]) == s->checks[i].assertion->negated)
			e = complain(r, &s->checks[i], false);
	return e;
}

static int judge_nevers(struct sim_run *r)
{
	size_t i;
	int e = 0;

	for (i = 0; !e && i < r->test->nevers.n; i++) {
		struct sim_check *c = &r->nevers[i];

		if (c->failed || is_so(r, c) == c->assertion->negated)
			continue;
		c->failed = true;
		e = complain(r, c, true);
	}
	return e;
}

int sim_judge(struct sim_run *r)
{
	size_t first = r->next_step;
	int e = judge_nevers(r);

	while (!e && r->next_step < r->n_steps && r->steps[r->next_step].at->ms <= r->now_ms)
		e = judge_step(r, &r->steps[r->next_step++]);
	if (r->next_step != first)
		r->since_ms = r->now_ms;
	return e;
}

void sim_observe(struct sim_run *r, const struct decision *d)
{
	struct sim_event event;
	size_t i;
	uint32_t j;

	if (r->timeline)
		sim_timeline(r, d);
	if (!event_of(r, d, &event))
		return;
	for (i = 0; i < r->test->nevers.n; i++)
		note_event(&r->nevers[i], d, &event);
	/* Those that are judged next, together. */
	for (i = r->next_step;
	     i < r->n_steps && r->steps[i].at->ms == r->steps[r->next_step].at->ms; i++)
		for (j = 0; j < r->steps[i].at->n; j++)
			note_event(&r->steps[i].checks[j], d, &event);
}
