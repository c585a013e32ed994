/* model_look.h: how the checks of the model test look at the world. */
#ifndef TESTS_MODEL_LOOK_H
#define TESTS_MODEL_LOOK_H

#include <string.h>

#include "agent/holds/effect.h"
#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"
#include "tests/unit/model.h"

static ATTR_UNUSED const struct layout_realserver *row(const struct model *m, uint32_t realserver)
{
	return &m->w->state->layout->realservers[realserver];
}

static ATTR_UNUSED const struct service_conf *conf_of(const struct model *m, uint32_t service)
{
	return m->w->state->layout->services[service].conf;
}

static ATTR_UNUSED const struct hold *holds_on(const struct model *m, uint32_t realserver)
{
	const struct layout_realserver *r = row(m, realserver);

	return holds_of(m->w->holds, conf_of(m, r->service)->head.name, r->conf->name);
}

static ATTR_UNUSED const char *name(const struct model *m, uint32_t realserver)
{
	return row(m, realserver)->conf->name;
}

/* As the kernel has it: 0 up, or below 0 = it is not there. */
static ATTR_UNUSED int32_t seen(const struct model *m, uint32_t realserver)
{
	const struct layout_realserver *r = row(m, realserver);

	if (!r->n_dest_links)
		return SEEN_ABSENT;
	return m->w->state->dests[m->w->state->layout->dest_links[r->first_dest_link]].seen;
}

static ATTR_UNUSED bool takes_part(const struct realserver_conf *c)
{
	return c->enabled && c->weight && !c->backup;
}

/* By a rule, or by an alert that a rule goes by. */
static ATTR_UNUSED bool rule_holds(const struct model *m, uint32_t realserver,
				   const struct hold *but)
{
	const struct hold *h;

	for (h = holds_on(m, realserver); h; h = h->next)
		if (h != but && h->hold_class != HOLD_OPERATOR && h->effect <= HOLD_ZERO)
			return true;
	return false;
}

/* What holds lower: the file's weight, or what an operator put in its place. */
static ATTR_UNUSED uint32_t base(const struct model *m, uint32_t realserver)
{
	return hold_base(holds_on(m, realserver), row(m, realserver)->conf->weight);
}

static ATTR_UNUSED const struct hold *admitted(const struct model *m, uint32_t realserver)
{
	return hold_last(holds_on(m, realserver), HOLD_ADMITS);
}

/* Above 0 once every hold is in force, but for one. */
static ATTR_UNUSED int64_t weight_without(const struct model *m, uint32_t realserver,
					  const struct hold *but)
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
		int32_t w = hold_weight(h->effect, base(m, realserver));

		if (h != but && h->effect < HOLD_FALLBACK && w < weight)
			weight = w;
	}
	return weight > 0 ? weight : 0;
}

static ATTR_UNUSED const struct ruleset_rule *rule_of(const struct model *m, const char *holder)
{
	const struct ruleset *set = engine_rules(m->w->engine);
	uint32_t i;

	for (i = 0; i < set->n_rules; i++)
		if (!strcmp(set->rules[i].conf->head.name, holder))
			return &set->rules[i];
	return NULL;
}

static ATTR_UNUSED const struct rule_slot *slot_of(const struct model *m,
						   const struct ruleset_rule *rule,
						   uint32_t realserver)
{
	return ruleset_slot(engine_rules(m->w->engine), rule, realserver);
}

#endif
