/* model_check.c: what holds after each step, whatever happened: counted anew, from the
 * weights and the holds alone. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"
#include "tests/unit/model.h"

void model_break(struct model *m, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (m->broken)
		return;
	m->broken = name;
	va_start(ap, fmt);
	vsnprintf(m->detail, sizeof(m->detail), fmt, ap);
	va_end(ap);
}

/* --- looking ------------------------------------------------------------------------- */

static const struct layout_realserver *row(const struct model *m, uint32_t realserver)
{
	return &m->w->state->layout->realservers[realserver];
}

static const struct service_conf *conf_of(const struct model *m, uint32_t service)
{
	return m->w->state->layout->services[service].conf;
}

static const struct hold *holds_on(const struct model *m, uint32_t realserver)
{
	const struct layout_realserver *r = row(m, realserver);

	return holds_of(m->w->holds, conf_of(m, r->service)->head.name, r->conf->name);
}

static const char *name(const struct model *m, uint32_t realserver)
{
	return row(m, realserver)->conf->name;
}

/* As the kernel has it: 0 up, or below 0 = it is not there. */
static int32_t seen(const struct model *m, uint32_t realserver)
{
	const struct layout_realserver *r = row(m, realserver);

	if (!r->n_dest_links)
		return SEEN_ABSENT;
	return m->w->state->dests[m->w->state->layout->dest_links[r->first_dest_link]].seen;
}

static bool takes_part(const struct realserver_conf *c)
{
	return c->enabled && c->weight && !c->backup;
}

static bool rule_holds(const struct model *m, uint32_t realserver, const struct hold *but)
{
	const struct hold *h;

	for (h = holds_on(m, realserver); h; h = h->next)
		if (h != but && h->hold_class == HOLD_RULE && h->effect <= HOLD_ZERO)
			return true;
	return false;
}

/* Above 0 once every hold is in force, but for one. */
static int64_t weight_without(const struct model *m, uint32_t realserver, const struct hold *but)
{
	const struct layout_realserver *r = row(m, realserver);
	const struct hold *h;
	int64_t weight = 0;
	uint32_t i;

	for (i = r->first_dest_link; i < r->first_dest_link + r->n_dest_links; i++) {
		int32_t want = m->w->state->dests[m->w->state->layout->dest_links[i]].want;

		weight = want > weight ? want : weight;
	}
	for (h = holds_on(m, realserver); h; h = h->next) {
		int32_t w = hold_weight(h->effect, r->conf->weight);

		if (h != but && w < weight)
			weight = w;
	}
	return weight > 0 ? weight : 0;
}

static const struct ruleset_rule *rule_of(const struct model *m, const char *holder)
{
	const struct ruleset *set = engine_rules(m->w->engine);
	uint32_t i;

	for (i = 0; i < set->n_rules; i++)
		if (!strcmp(set->rules[i].conf->head.name, holder))
			return &set->rules[i];
	return NULL;
}

static const struct rule_slot *slot_of(const struct model *m, const struct ruleset_rule *rule,
				       uint32_t realserver)
{
	return ruleset_slot(engine_rules(m->w->engine), rule, realserver);
}

/* --- of one decision -------------------------------------------------------------------- */

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
		int32_t then = hold_weight(s->effect, row(m, realserver)->conf->weight);

		if (!strcmp(s->holder, h->holder) && then < weight)
			weight = then > 0 ? then : 0;
	}
	return weight;
}

/* What it leaves. */
static int64_t lowered(const struct model *m, uint32_t realserver, const struct hold *h)
{
	int32_t weight = hold_weight(h->effect, row(m, realserver)->conf->weight);

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

	if (!svc->conf->domain_guard || !c->domain || h->effect > HOLD_ZERO ||
	    m->held[d->realserver])
		return;
	for (other = holds_on(m, d->realserver); other; other = other->next)
		if (other != h && other->effect <= HOLD_ZERO)
			return;
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++)
		for (other = holds_on(m, i); other; other = other->next)
			if (other->effect <= HOLD_ZERO && row(m, i)->conf->domain &&
			    strcmp(row(m, i)->conf->domain, c->domain))
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
	if (d->kind == DECISION_HOLD)
		check_hold(m, d);
	if (d->kind != DECISION_RELEASE || d->realserver == LAYOUT_NONE)
		return;
	check_knowledge(m, d, rule_of(m, d->rule->head.name));
	m->held[d->realserver] = false;
	for (i = 0; i < MODEL_RULES; i++)
		if (!strcmp(m->stood[d->realserver][i].holder, d->rule->head.name))
			m->stood[d->realserver][i].holder[0] = 0;
}

/* --- of a step ---------------------------------------------------------------------------- */

void model_check_begin(struct model *m)
{
	const struct hold *h;
	uint32_t i, n;

	for (i = 0; i < m->w->state->layout->n_realservers; i++) {
		m->held[i] = rule_holds(m, i, NULL);
		m->seen[i] = seen(m, i);
		memset(m->stood[i], 0, sizeof(m->stood[i]));
		for (h = holds_on(m, i), n = 0; h && n < MODEL_RULES; h = h->next) {
			if (h->hold_class != HOLD_RULE)
				continue;
			snprintf(m->stood[i][n].holder, sizeof(m->stood[i][n].holder), "%s",
				 h->holder);
			m->stood[i][n++].effect = h->effect;
		}
	}
}

/* What was told is over, and nothing is due that is not done. */
static void check_settled(struct model *m)
{
	int64_t next = decide_next(&m->w->decider, m->now.mono_ms);

	if (m->w->state->n_dirty)
		model_break(m, "settled", "decisions did not come to an end");
	if (next <= m->now.mono_ms)
		model_break(m, "due", "%lld ms overdue", (long long)(m->now.mono_ms - next));
}

/* The kernel has what decide_desired() derives, which is what explain prints. */
static void check_kernel(struct model *m, uint32_t realserver, const struct desired *want)
{
	const struct layout_realserver *r = row(m, realserver);
	int32_t weight = want->weight < 0 ? SEEN_ABSENT : want->weight;
	uint32_t i;

	for (i = r->first_dest_link; i < r->first_dest_link + r->n_dest_links; i++) {
		int32_t has = m->w->state->dests[m->w->state->layout->dest_links[i]].seen;

		if (has != weight)
			model_break(m, "kernel", "s%u/%s has %d, explained is %d", r->service,
				    r->conf->name, has, weight);
	}
}

/* Each step of an explanation leads to the next one: none raises, and the last one is
 * the weight. */
static void check_steps(struct model *m, uint32_t realserver, const struct desired *want)
{
	unsigned int i;

	if (!want->n_steps || want->steps[0].why != WHY_CONFIGURED ||
	    (want->n_steps < DESIRED_MAX_STEPS &&
	     want->steps[want->n_steps - 1].weight != want->weight))
		model_break(m, "steps", "%s: the steps do not end at the weight",
			    name(m, realserver));
	for (i = 1; i < want->n_steps; i++)
		if (want->steps[i].weight > want->steps[i - 1].weight)
			model_break(m, "steps", "%s: step %u raises", name(m, realserver), i);
}

/* The same holds in another order give the same weight. */
static void check_order(struct model *m, uint32_t realserver, const struct desired_input *in)
{
	struct model_rng rng = { m->steps };
	struct hold shuffled[DESIRED_MAX_STEPS];
	struct desired_input other = *in;
	struct desired before, after;
	const struct hold *h;
	uint32_t n = 0, i;

	for (h = in->holds; h && n < DESIRED_MAX_STEPS; h = h->next)
		shuffled[n++] = *h;
	if (n < 2)
		return;
	for (i = n - 1; i > 0; i--) {
		uint32_t j = model_pick(&rng, i + 1);
		struct hold t = shuffled[i];

		shuffled[i] = shuffled[j];
		shuffled[j] = t;
	}
	for (i = 0; i < n; i++)
		shuffled[i].next = i + 1 < n ? &shuffled[i + 1] : NULL;
	other.holds = shuffled;
	desired_realserver(in, &before);
	desired_realserver(&other, &after);
	if (before.weight != after.weight)
		model_break(m, "order", "%s: %d or %d", name(m, realserver), before.weight,
			    after.weight);
}

/* Nothing is ever above what an operator's or an alert's hold lowered it to. */
static void check_asked(struct model *m, uint32_t realserver)
{
	const struct hold *h;

	for (h = holds_on(m, realserver); h; h = h->next)
		if (h->hold_class != HOLD_RULE && h->active &&
		    seen(m, realserver) > hold_weight(h->effect, row(m, realserver)->conf->weight))
			model_break(m, "asked", "%s has %d, %s holds it lower", name(m, realserver),
				    seen(m, realserver), hold_class_names[h->hold_class]);
}

/* Before its first good verdict nothing is raised above what the kernel had when it came
 * to us, but in a panic that keeps all. */
static void check_unproven(struct model *m, uint32_t realserver, const struct desired_input *in)
{
	const struct layout_realserver *r = row(m, realserver);
	int32_t cap = CAP_NONE;
	uint32_t i;

	for (i = r->first_dest_link; i < r->first_dest_link + r->n_dest_links; i++) {
		const struct dest_state *d =
			&m->w->state->dests[m->w->state->layout->dest_links[i]];

		cap = d->cap < cap ? d->cap : cap;
	}
	if (m->w->state->realservers[realserver].proven || cap == CAP_NONE ||
	    (in->panic && in->on_panic == PANIC_KEEP))
		return;
	if (seen(m, realserver) > (cap < 0 ? 0 : cap))
		model_break(m, "unproven", "%s raised to %d, above %d", r->conf->name,
			    seen(m, realserver), cap);
}

/* In a panic that keeps all, rules' holds and slow starts count for nothing. */
static void check_panic(struct model *m, uint32_t realserver, const struct desired_input *in)
{
	const struct realserver_conf *c = row(m, realserver)->conf;
	int32_t asked = (int32_t)c->weight;
	const struct hold *h;

	if (!in->panic || in->on_panic != PANIC_KEEP || !c->enabled || c->backup)
		return;
	for (h = holds_on(m, realserver); h; h = h->next)
		if (h->hold_class != HOLD_RULE && hold_weight(h->effect, c->weight) < asked)
			asked = hold_weight(h->effect, c->weight);
	if (seen(m, realserver) != asked)
		model_break(m, "panic", "%s serves with %d, not %d", c->name, seen(m, realserver),
			    asked);
}

/* A restart changes no weight: what the first process left, the second keeps, until
 * signals tell more. (Where the file says `initial = keep`; those of a service itself
 * may end a rule's hold at once.) */
static void check_restart(struct model *m, uint32_t realserver)
{
	if (m->restarted && !m->ended &&
	    conf_of(m, row(m, realserver)->service)->initial == INITIAL_KEEP &&
	    seen(m, realserver) != m->seen[realserver])
		model_break(m, "restart", "%s had %d, and has %d", name(m, realserver),
			    m->seen[realserver], seen(m, realserver));
}

/* --- the end of holds --------------------------------------------------------------------- */

/* Whether the rule asks for it, or cannot tell. */
static bool is_asked(const struct rule_slot *slot)
{
	return slot->run.frozen || slot->run.state != RULE_INACTIVE;
}

static bool service_is_asked(const struct model *m, const struct ruleset_rule *rule,
			     uint32_t service)
{
	const struct layout_service *svc = &m->w->state->layout->services[service];
	uint32_t i;

	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		const struct rule_slot *slot = slot_of(m, rule, i);

		if (slot && is_asked(slot))
			return true;
	}
	return false;
}

static struct model_over *over_of(struct model *m, const char *id)
{
	uint32_t i;

	for (i = 0; i < m->n_over; i++)
		if (!strcmp(m->over[i].id, id))
			return &m->over[i];
	if (m->n_over == MODEL_HOLDS)
		return NULL;
	snprintf(m->over[m->n_over].id, sizeof(m->over[0].id), "%s", id);
	m->over[m->n_over].since_ms = m->now.mono_ms;
	m->over[m->n_over].seen = true;
	return &m->over[m->n_over++];
}

/* Every rule's hold has a rule that asks for it, or is at its end within flap_max. */
static void check_end(void *arg, const struct hold *h)
{
	struct model *m = arg;
	const struct ruleset_rule *rule;
	const struct layout *l = m->w->state->layout;
	uint32_t service = layout_find_service(l, h->service), realserver;
	const struct rule_slot *slot;
	struct model_over *over;

	if (h->hold_class != HOLD_RULE)
		return;
	rule = rule_of(m, h->holder);
	if (!rule || service == LAYOUT_NONE || rule->conf->enforce != ENFORCE_ON) {
		model_break(m, "ends", "a hold of %s, which is not", h->holder);
		return;
	}
	if (!strcmp(h->realserver, HOLD_SERVICE)) {
		if (service_is_asked(m, rule, service))
			return;
	} else {
		realserver = layout_find_realserver(l, service, h->realserver);
		slot = realserver == LAYOUT_NONE ? NULL : slot_of(m, rule, realserver);
		if (!slot) {
			model_break(m, "ends", "%s holds %s, which it is not about", h->holder,
				    h->realserver);
			return;
		}
		if (is_asked(slot))
			return;
	}
	over = over_of(m, h->id);
	if (!over)
		return;
	over->seen = true;
	if (m->now.mono_ms - over->since_ms > conf_of(m, service)->flap_max)
		model_break(m, "ends", "%s holds %s for %lld ms longer than it asks", h->holder,
			    h->realserver, (long long)(m->now.mono_ms - over->since_ms));
}

static void check_ends(struct model *m)
{
	uint32_t i, n = 0;

	for (i = 0; i < m->n_over; i++)
		m->over[i].seen = false;
	holds_each(m->w->holds, check_end, m);
	for (i = 0; i < m->n_over; i++)
		if (m->over[i].seen)
			m->over[n++] = m->over[i];
	m->n_over = n;
}

/* Nothing is decided twice: the same moment again changes nothing and tells nothing. */
static void check_again(struct model *m)
{
	const struct layout *l = m->w->state->layout;
	int32_t was[MODEL_MAX];
	uint32_t i;

	for (i = 0; i < l->n_realservers; i++)
		was[i] = seen(m, i);
	m->told = 0;
	world_step(m->w, &m->now);
	m->again = true;
	state_dirty_all(m->w->state);
	world_step(m->w, &m->now);
	m->again = false;
	if (m->told)
		model_break(
			m, "again", "%llu decisions were told for nothing, such as kind %d %s %s",
			(unsigned long long)m->told, (int)m->last.kind,
			m->last.rule ? m->last.rule->head.name : "", guard_names[m->last.guard]);
	for (i = 0; i < l->n_realservers; i++)
		if (was[i] != seen(m, i))
			model_break(m, "again", "%s went from %d to %d", name(m, i), was[i],
				    seen(m, i));
}

void model_check(struct model *m)
{
	struct desired_input in;
	struct desired want;
	uint32_t i;

	check_settled(m);
	for (i = 0; i < m->w->state->layout->n_realservers; i++) {
		decide_desired(&m->w->decider, i, m->now.mono_ms, &in, &want);
		check_kernel(m, i, &want);
		check_steps(m, i, &want);
		check_order(m, i, &in);
		check_asked(m, i);
		check_unproven(m, i, &in);
		check_panic(m, i, &in);
		check_restart(m, i);
	}
	check_ends(m);
	check_again(m);
}
