/* model_decision.c: what must hold of each decision of the model test, at the moment in
 * which it is told: counted anew, from the weights and the holds alone. */
#include "tests/unit/model_look.h"

struct left {
	uint32_t configured, available, held;
	int64_t configured_weight, weight;
	bool backups_serve;
};

static struct left count_left(const struct model *m, uint32_t service)
{
	const struct layout_service *svc = &m->w->state->layout->services[service];
	struct left n = { 0 };
	uint32_t i;

	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		const struct realserver_conf *c = row(m, i)->conf;
		int64_t weight = weight_without(m, i, NULL);

		n.configured += takes_part(c);
		n.configured_weight += takes_part(c) ? c->weight : 0;
		n.available += weight > 0;
		n.weight += weight;
		n.held += takes_part(c) && rule_holds(m, i, NULL);
		n.backups_serve |= c->backup && weight && m->w->state->services[service].panic;
	}
	return n;
}

static bool below_floor(const struct min_available *min, const struct left *n, bool takes_out)
{
	if (takes_out && !n->available)
		return true;
	switch (min->kind) {
	case MIN_COUNT:
		return takes_out && n->available < min->n;
	case MIN_SHARE:
		return takes_out && n->available * 100ull < (uint64_t)n->configured * min->n;
	case MIN_WEIGHT:
		break;
	}
	return (uint64_t)n->weight * 100 < (uint64_t)n->configured_weight * min->n;
}

/* What it would take without the rule's new hold, but with the one that this replaced. */
static int64_t weight_before(const struct model *m, uint32_t realserver, const struct hold *h)
{
	int64_t weight = weight_without(m, realserver, h);
	uint32_t i;

	for (i = 0; i < MODEL_RULES; i++) {
		const struct model_stood *s = &m->stood[realserver][i];
		int32_t then = hold_weight(s->effect, base(m, realserver));

		if (!strcmp(s->holder, h->holder) && then < weight)
			weight = then > 0 ? then : 0;
	}
	return weight;
}

/* What it leaves. */
static int64_t lowered(const struct model *m, uint32_t realserver, const struct hold *h)
{
	int32_t weight = hold_weight(h->effect, base(m, realserver));

	return weight > 0 ? weight : 0;
}

/* A rule's new hold never leaves its service with fewer than min_available, nor with
 * none: it is refused, unless it takes nothing away, or the backups serve in a panic.
 * What an operator, an alert or a reload brought under the floor stays there as far as
 * holds reach that stand; but no rule takes anything more. */
static void check_floor(struct model *m, const struct decision *d, const struct hold *h)
{
	struct left n = count_left(m, d->service);

	if (weight_before(m, d->realserver, h) > lowered(m, d->realserver, h) && !n.backups_serve &&
	    below_floor(&conf_of(m, d->service)->min_available, &n, h->effect <= HOLD_ZERO))
		model_break(m, "min_available", "%s holds s%u/%s: %u available of %u", h->holder,
			    d->service, name(m, d->realserver), n.available, n.configured);
}

/* A rule's new hold never makes the held more than max_held. */
static void check_max_held(struct model *m, const struct decision *d, const struct hold *h)
{
	struct left n = count_left(m, d->service);
	uint32_t most = conf_of(m, d->service)->max_held;

	if (h->effect > HOLD_ZERO || m->held[d->realserver] || rule_holds(m, d->realserver, h) ||
	    !takes_part(row(m, d->realserver)->conf))
		return;
	if (n.held * 100ull > (uint64_t)n.configured * most)
		model_break(m, "max_held", "%s: %u of %u held", h->holder, n.held, n.configured);
}

/* With domain_guard, a rule's new hold never makes it two failure domains. */
static void check_domain(struct model *m, const struct decision *d, const struct hold *h)
{
	const struct layout_service *svc = &m->w->state->layout->services[d->service];
	const struct realserver_conf *c = row(m, d->realserver)->conf;
	const struct hold *other;
	uint32_t i;

	if (!svc->conf->domain_guard || !c->terms->domain || h->effect > HOLD_ZERO ||
	    m->held[d->realserver])
		return;
	for (other = holds_on(m, d->realserver); other; other = other->next)
		if (other != h && other->effect <= HOLD_ZERO)
			return;
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++)
		for (other = holds_on(m, i); other; other = other->next)
			if (other->effect <= HOLD_ZERO && row(m, i)->conf->terms->domain &&
			    strcmp(row(m, i)->conf->terms->domain, c->terms->domain))
				model_break(m, "domain", "%s holds %s beside %s", h->holder,
					    c->name, name(m, i));
}

/* In no window of the rate's length do rules place more holds than it says. */
static void check_rate(struct model *m, const struct ruleset_rule *rule)
{
	uint32_t n = m->rate_n;

	if (rule->exempt || !n || n > MODEL_PASSED)
		return;
	if (m->n_passed >= n &&
	    m->now.mono_ms - m->passed[(m->n_passed - n) % MODEL_PASSED] < m->rate_ms)
		model_break(m, "rate", "%s places more than %u", rule->conf->head.name, n);
	m->passed[m->n_passed++ % MODEL_PASSED] = m->now.mono_ms;
}

/* A rule without data, without a verdict or before the kernel is known neither places
 * nor lifts; one whose brake is on does not place. */
static void check_knowledge(struct model *m, const struct decision *d,
			    const struct ruleset_rule *rule)
{
	const struct rule_slot *slot = slot_of(m, rule, d->realserver);
	struct samples *samples = engine_samples(m->w->engine);
	const struct layout_realserver *r = row(m, d->realserver);
	bool places = d->kind == DECISION_HOLD;
	uint32_t i;

	if (!slot || slot->run.frozen ||
	    expr_eval(rule->expr, samples, d->realserver, m->now.mono_ms, NULL) == TRUTH_NO_DATA)
		model_break(m, "unknown", "%s acts on %s and knows nothing", d->rule->head.name,
			    name(m, d->realserver));
	if (!places)
		return;
	if (m->w->state->realservers[d->realserver].verdict == VERDICT_NONE ||
	    !m->w->decider.kernel_known)
		model_break(m, "settling", "%s holds %s", d->rule->head.name,
			    name(m, d->realserver));
	for (i = r->first_link; i < r->first_link + r->n_links; i++)
		if (engine_rules(m->w->engine)->brake &&
		    brake_on(engine_rules(m->w->engine)->brake, m->w->state->layout->links[i],
			     m->now.mono_ms))
			model_break(m, "correlated", "%s holds %s", d->rule->head.name,
				    name(m, d->realserver));
}

/* Weight 0 is never asked for where it would refuse clients. */
static void check_scheduler(struct model *m, const struct decision *d, const struct hold *h)
{
	const struct service_conf *c = conf_of(m, d->service);

	if (h->effect == HOLD_ZERO && guard_scheduler_unsafe(c->scheduler, c->scheduler_flags))
		model_break(m, "scheduler", "%s quiesces %s under %s", h->holder,
			    name(m, d->realserver), c->scheduler);
}

/* A rule that only tries writes nothing. */
static void check_dry_run(struct model *m, const struct decision *d)
{
	if (d->rule->enforce != ENFORCE_ON)
		model_break(m, "dry-run", "%s acts", d->rule->head.name);
}

static void check_hold(struct model *m, const struct decision *d)
{
	const struct ruleset_rule *rule = rule_of(m, d->rule->head.name);
	const struct hold *h;

	check_dry_run(m, d);
	if (d->realserver == LAYOUT_NONE)
		return;
	for (h = holds_on(m, d->realserver); h; h = h->next)
		if (h->hold_class == HOLD_RULE && !strcmp(h->holder, d->rule->head.name))
			break;
	if (!h || !rule) {
		model_break(m, "told", "a hold of %s was told and is not there",
			    d->rule->head.name);
		return;
	}
	check_floor(m, d, h);
	check_max_held(m, d, h);
	check_domain(m, d, h);
	check_rate(m, rule);
	check_knowledge(m, d, rule);
	check_scheduler(m, d, h);
}

/* No rule's hold comes or goes while an operator has frozen everything, but where one
 * says that rules are wrong. */
static void check_freeze(struct model *m, const struct decision *d)
{
	if ((d->kind != DECISION_HOLD && d->kind != DECISION_RELEASE) || !holds_freeze(m->w->holds))
		return;
	/* An alert's hold is ended by the driver, who is no rule. */
	if (d->kind == DECISION_RELEASE && d->rule->alert)
		return;
	if (d->kind == DECISION_HOLD || d->realserver == LAYOUT_NONE || !admitted(m, d->realserver))
		model_break(m, "frozen", "rule %s acts", d->rule->head.name);
}

void model_check_decision(struct model *m, const struct decision *d)
{
	uint32_t i;

	m->holds_placed += d->kind == DECISION_HOLD;
	m->released += d->kind == DECISION_RELEASE;
	m->ended |= d->kind == DECISION_RELEASE;
	m->panics += d->kind == DECISION_PANIC && d->on;
	m->brakes += d->kind == DECISION_BRAKE && d->on;
	if (d->kind == DECISION_REFUSAL)
		m->refused[d->guard]++;
	check_freeze(m, d);
	if (d->kind == DECISION_HOLD)
		check_hold(m, d);
	if (d->kind != DECISION_RELEASE || d->realserver == LAYOUT_NONE)
		return;
	if (!admitted(m, d->realserver) && !d->rule->alert)
		check_knowledge(m, d, rule_of(m, d->rule->head.name));
	m->held[d->realserver] = false;
	for (i = 0; i < MODEL_RULES; i++)
		if (!strcmp(m->stood[d->realserver][i].holder, d->rule->head.name))
			m->stood[d->realserver][i].holder[0] = 0;
}
