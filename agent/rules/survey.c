/* survey.c: counts what would be left. A hold that was placed in this turn is not in
 * force yet: it counts as if it were, or two candidates would be admitted where there
 * is room for one. */
#include "agent/rules/survey.h"

#include <string.h>

#include "agent/holds/effect.h"

static bool takes_part(const struct realserver_conf *c)
{
	return c->enabled && c->weight && !c->backup;
}

static const struct hold *holds_on(const struct state *s, const struct holds *holds, uint32_t r)
{
	const struct layout_realserver *l = &s->layout->realservers[r];

	return holds_of(holds, s->layout->services[l->service].conf->head.name, l->conf->name);
}

/* One that waits for a guard lowers nothing yet; one that waits for the disk will. */
static bool lowers(const struct hold *h)
{
	return !h->waiting && hold_kind(h->effect) == HOLD_LOWERS;
}

static uint32_t weight_with(const struct state *s, const struct hold *h, uint32_t realserver)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	int32_t most = 0;
	uint32_t base, i;

	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++)
		if (s->dests[s->layout->dest_links[i]].want > most)
			most = s->dests[s->layout->dest_links[i]].want;
	base = hold_base(h, l->conf->weight);
	for (; h; h = h->next) {
		int32_t weight = hold_weight(h->effect, base);

		if (lowers(h) && weight < most)
			most = weight;
	}
	return most > 0 ? (uint32_t)most : 0;
}

uint32_t survey_weight(const struct state *s, const struct holds *holds, uint32_t realserver)
{
	return weight_with(s, holds_on(s, holds, realserver), realserver);
}

uint32_t survey_base(const struct state *s, const struct holds *holds, uint32_t realserver)
{
	return hold_base(holds_on(s, holds, realserver),
			 s->layout->realservers[realserver].conf->weight);
}

static bool takes_out(const struct hold *h, bool by_anybody)
{
	for (; h; h = h->next)
		if (lowers(h) && h->effect <= HOLD_ZERO &&
		    (by_anybody || h->hold_class != HOLD_OPERATOR))
			return true;
	return false;
}

bool survey_held(const struct state *s, const struct holds *holds, uint32_t realserver,
		 bool by_anybody)
{
	return takes_out(holds_on(s, holds, realserver), by_anybody);
}

static void count_domain(struct survey *v, const struct realserver_conf *c)
{
	if (!c->terms->domain || (v->domain && !strcmp(v->domain, c->terms->domain)))
		return;
	if (!v->domain)
		v->domain = c->terms->domain;
	v->domains += v->domains < 2;
}

void survey_service(const struct state *s, const struct holds *holds, uint32_t service,
		    struct survey *ret_survey)
{
	const struct layout_service *svc = &s->layout->services[service];
	const struct holds_service *here = holds_in(holds, svc->conf->head.name);
	struct survey v = { 0 };
	uint32_t i;

	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		const struct realserver_conf *c = s->layout->realservers[i].conf;
		const struct hold *h = holds_at(here, c->name);
		uint32_t weight = weight_with(s, h, i);

		if (takes_part(c)) {
			v.configured++;
			v.configured_weight += c->weight;
		}
		v.available += weight > 0;
		v.available_weight += weight;
		v.backups += c->backup && weight && s->services[service].panic;
		v.held += takes_part(c) && takes_out(h, false);
		if (takes_out(h, true))
			count_domain(&v, c);
	}
	*ret_survey = v;
}

void survey_take(struct survey *v, const struct state *s, const struct holds *holds,
		 uint32_t realserver, int effect, uint32_t weight)
{
	const struct realserver_conf *c = s->layout->realservers[realserver].conf;
	int32_t after = hold_weight(effect, survey_base(s, holds, realserver));

	if (after > (int32_t)weight)
		after = (int32_t)weight;
	v->available_weight -= weight - (after > 0 ? (uint32_t)after : 0);
	v->available -= weight && after <= 0;
	v->backups -= v->backups && c->backup && weight && after <= 0;
	if (effect > HOLD_ZERO)
		return;
	v->held += takes_part(c) && !survey_held(s, holds, realserver, false);
	count_domain(v, c);
}
