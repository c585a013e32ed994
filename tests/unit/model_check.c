/* model_check.c: what holds after each step, whatever happened: counted anew, from the
 * weights and the holds alone. */
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/model_look.h"

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

/* Each step of an explanation leads to the next one: none raises but an operator's other
 * weight, and the last one is the weight. */
static void check_steps(struct model *m, uint32_t realserver, const struct desired *want)
{
	unsigned int i;

	if (!want->n_steps || want->steps[0].why != WHY_CONFIGURED ||
	    (want->n_steps < DESIRED_MAX_STEPS &&
	     want->steps[want->n_steps - 1].weight != want->weight))
		model_break(m, "steps", "%s: the steps do not end at the weight",
			    name(m, realserver));
	for (i = 1; i < want->n_steps; i++)
		if (want->steps[i].weight > want->steps[i - 1].weight &&
		    want->steps[i].why != WHY_REPLACED)
			model_break(m, "steps", "%s: step %u raises", name(m, realserver), i);
}

/* The same holds in another order give the same weight; of several that replace it the
 * last one is it. */
static void check_order(struct model *m, uint32_t realserver, const struct desired_input *in)
{
	struct model_rng rng = { m->steps };
	struct hold shuffled[DESIRED_MAX_STEPS];
	struct desired_input other = *in;
	struct desired before, after;
	const struct hold *h;
	uint32_t n = 0, replaced = 0, i;

	for (h = in->holds; h && n < DESIRED_MAX_STEPS; h = h->next) {
		shuffled[n++] = *h;
		replaced += hold_kind(h->effect) == HOLD_REPLACES;
	}
	if (n < 2 || replaced > 1)
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

/* Asked for by an operator, an alert, or itself where nobody admits it. */
static bool is_asked_for(const struct model *m, uint32_t realserver, const struct hold *h)
{
	return h->hold_class > HOLD_AGENT ||
	       (h->hold_class == HOLD_AGENT && !admitted(m, realserver));
}

/* Nothing is ever above what such a hold lowered it to. */
static void check_asked(struct model *m, uint32_t realserver)
{
	const struct hold *h;

	for (h = holds_on(m, realserver); h; h = h->next)
		if (is_asked_for(m, realserver, h) && h->active && h->effect < HOLD_FALLBACK &&
		    seen(m, realserver) > hold_weight(h->effect, base(m, realserver)))
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
	    admitted(m, realserver) || (in->panic && in->on_panic == PANIC_KEEP))
		return;
	if (seen(m, realserver) > (cap < 0 ? 0 : cap))
		model_break(m, "unproven", "%s raised to %d, above %d", r->conf->name,
			    seen(m, realserver), cap);
}

/* In a panic that keeps all, rules' holds and slow starts count for nothing. */
static void check_panic(struct model *m, uint32_t realserver, const struct desired_input *in)
{
	const struct realserver_conf *c = row(m, realserver)->conf;
	int32_t asked = (int32_t)base(m, realserver);
	const struct hold *h;

	if (!in->panic || in->on_panic != PANIC_KEEP || !c->enabled || c->backup)
		return;
	for (h = holds_on(m, realserver); h; h = h->next)
		if (is_asked_for(m, realserver, h) && h->effect < HOLD_FALLBACK &&
		    hold_weight(h->effect, base(m, realserver)) < asked)
			asked = hold_weight(h->effect, base(m, realserver));
	if (seen(m, realserver) != asked)
		model_break(m, "panic", "%s serves with %d, not %d", c->name, seen(m, realserver),
			    asked);
}

/* A restart changes no weight: what the first process left, the second keeps, until
 * signals tell more. (Where the file says `initial = keep`; those of a service itself
 * may end a rule's hold at once; one that an operator admits waits for no proof, so what
 * was left of its slow start is over.) */
static void check_restart(struct model *m, uint32_t realserver)
{
	if (m->restarted && !m->ended && !admitted(m, realserver) &&
	    conf_of(m, row(m, realserver)->service)->initial == INITIAL_KEEP &&
	    seen(m, realserver) != m->seen[realserver])
		model_break(m, "restart", "%s had %d, and has %d", name(m, realserver),
			    m->seen[realserver], seen(m, realserver));
}

/* --- hands -------------------------------------------------------------------------------- */

/* While everything is frozen, what probes and signals say changes no weight. */
static void check_frozen(struct model *m, uint32_t realserver)
{
	if (m->frozen && seen(m, realserver) != m->seen[realserver])
		model_break(m, "frozen", "%s had %d, and has %d", name(m, realserver),
			    m->seen[realserver], seen(m, realserver));
}

/* Where an operator says that rules are wrong, none holds. */
static void check_admitted(struct model *m, uint32_t realserver)
{
	const struct hold *h;

	for (h = holds_on(m, realserver); h; h = h->next)
		if (h->hold_class == HOLD_RULE && admitted(m, realserver) &&
		    conf_of(m, row(m, realserver)->service)->enabled)
			model_break(m, "admit", "%s is held by %s", name(m, realserver), h->holder);
}

/* Another weight changes nothing of whether it is held. */
static void check_replaced(struct model *m, uint32_t realserver, const struct desired_input *in)
{
	struct hold others[DESIRED_MAX_STEPS];
	struct desired_input other = *in;
	struct desired with, without;
	const struct hold *h;
	uint32_t n = 0, i;

	for (h = in->holds; h && n < DESIRED_MAX_STEPS; h = h->next)
		if (hold_kind(h->effect) != HOLD_REPLACES)
			others[n++] = *h;
	for (i = 0; i < n; i++)
		others[i].next = i + 1 < n ? &others[i + 1] : NULL;
	other.holds = n ? others : NULL;
	desired_realserver(in, &with);
	desired_realserver(&other, &without);
	if (row(m, realserver)->conf->weight && desired_held(&with) != desired_held(&without))
		model_break(m, "replace", "%s is held otherwise with another weight",
			    name(m, realserver));
}

/* --- advice ------------------------------------------------------------------------------- */

/* It is held no lower than it asks itself, but while an operator's freeze keeps it. */
static void check_advice(struct model *m, uint32_t realserver)
{
	const struct layout_realserver *r = row(m, realserver);
	const struct state *s = m->w->state;
	const struct hold *h = holds_on(m, realserver);
	int asks = 100;

	while (h && h->hold_class != HOLD_AGENT)
		h = h->next;
	if (!h)
		return;
	if (r->n_links)
		asks = advice_share(&s->targets[s->layout->links[r->first_link]].advice);
	if (h->effect < asks && !s->realservers[realserver].wish_refused)
		model_break(m, "advice", "%s is held at %d%%, and asks for %d%%",
			    name(m, realserver), h->effect, asks);
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
	/* Nothing ends then. */
	if (holds_freeze(m->w->holds))
		over->since_ms = m->now.mono_ms;
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

/* A penalty falls all the time, and is looked at once a second. */
static bool any_flapping(const struct model *m)
{
	const struct ruleset *set = engine_rules(m->w->engine);
	uint32_t r, i;

	for (r = 0; r < set->n_rules; r++)
		for (i = 0; i < set->rules[r].n_slots; i++)
			if (set->rules[r].slots[i].refused == GUARD_FLAPPING)
				return true;
	return false;
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
	if (!any_flapping(m))
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
		check_frozen(m, i);
		check_admitted(m, i);
		check_replaced(m, i, &in);
		check_advice(m, i);
	}
	check_ends(m);
	check_again(m);
}
