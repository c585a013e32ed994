/* parted.c: see parted.h. */
#include "agent/rules/parted.h"

#include <string.h>

#include "agent/holds/effect.h"
#include "agent/holds/hold.h"
#include "agent/holds/merge.h"
#include "agent/model/scheduler.h"

static bool lowers(const struct hold *h)
{
	return h->hold_class == HOLD_OPERATOR && hold_kind(h->effect) == HOLD_LOWERS && h->number;
}

bool parted_judged(const struct hold *h)
{
	return lowers(h) && !h->forced;
}

/* Of those at a realserver that count: the least effect; above 100 = nothing. */
static int least_of(const struct parted *p, const struct hold *at, const struct hold *h, bool all)
{
	int least = 101;

	for (; at; at = at->next) {
		int order = merge_order(at, h, p->node);

		if (!lowers(at) || at->waiting || !order || (!all && order > 0))
			continue;
		least = at->effect < least ? at->effect : least;
	}
	return least;
}

struct left {
	uint32_t available;
	uint64_t weight;
	const char *domain; /* of one that is out */
	uint32_t domains;
};

static void count(struct left *left, const struct realserver_conf *c, int effect)
{
	int32_t weight = hold_weight(effect > 100 ? 100 : effect, c->weight);

	left->available += weight > 0;
	left->weight += weight > 0 ? (uint64_t)weight : 0;
	if (effect > HOLD_ZERO || !c->terms->domain ||
	    (left->domain && !strcmp(left->domain, c->terms->domain)))
		return;
	left->domain = left->domain ? left->domain : c->terms->domain;
	left->domains += left->domains < 2;
}

enum guard parted_judge(const struct parted *p, const struct hold *h, bool all)
{
	static const enum guard asked[] = { GUARD_SCHEDULER, GUARD_MIN_AVAILABLE, GUARD_DOMAIN };
	const struct layout_service *svc = &p->layout->services[p->service];
	const struct service_conf *s = svc->conf;
	struct guard_input in = { .effect = h->effect, .min = s->min_available };
	struct left left = { 0 };
	unsigned int i;
	uint32_t r;

	in.harmless = true;
	for (r = svc->first_realserver; r < svc->first_realserver + svc->n_realservers; r++) {
		const struct realserver_conf *c = p->layout->realservers[r].conf;
		int before, after;

		if (!c->enabled || !c->weight || c->backup)
			continue;
		before = least_of(p, holds_of(p->holds, s->head.name, c->name), h, all);
		after = before;
		if (!strcmp(c->name, h->realserver) && h->effect < before) {
			after = h->effect;
			in.harmless = before <= HOLD_ZERO;
			in.domain_on = s->domain_guard && after <= HOLD_ZERO &&
				       before > HOLD_ZERO && c->terms->domain;
		}
		in.configured++;
		in.configured_weight += c->weight;
		count(&left, c, after);
	}
	in.available = left.available;
	in.available_weight = left.weight;
	in.domains = left.domains;
	in.scheduler_unsafe = guard_scheduler_unsafe(s->scheduler, s->scheduler_flags);
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (guard_refuses(asked[i], &in))
			return asked[i];
	return GUARD_ADMIT;
}
