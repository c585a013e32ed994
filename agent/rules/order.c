/* order.c: an operator who drains a host or a service asks one thing, and is answered
 * for all of it: four drains that are fine one by one may be an outage together. */
#include "agent/rules/order.h"

#include <inttypes.h>

#include "agent/holds/effect.h"
#include "agent/model/scheduler.h"
#include "agent/rules/guard.h"

static const char *service_name(const struct state *s, uint32_t service)
{
	return s->layout->services[service].conf->head.name;
}

/* Another weight takes nothing but what it is lower: then as a share does. */
static void replace(struct survey *v, const struct state *s, const struct holds *holds,
		    uint32_t realserver, const struct order *order, uint32_t weight)
{
	const struct realserver_conf *c = s->layout->realservers[realserver].conf;
	const struct hold h = { .effect = order->effect, .weight = order->weight };
	const struct hold *at = holds_of(holds, service_name(s, order->service), c->name);
	int64_t after = hold_replaced(&h, c->weight);
	uint32_t base = (uint32_t)after;

	for (; at; at = at->next)
		if (!at->waiting && hold_kind(at->effect) == HOLD_LOWERS &&
		    hold_weight(at->effect, base) < after)
			after = hold_weight(at->effect, base);
	if (after >= 0 && after < weight)
		v->available_weight -= weight - (uint64_t)after;
}

static void take_all(struct survey *v, const struct state *s, const struct holds *holds,
		     const struct order *order, struct guard_input *in)
{
	uint32_t i;

	in->harmless = true;
	for (i = 0; i < order->n; i++) {
		uint32_t id = order->realservers[i];
		uint32_t weight = survey_weight(s, holds, id);

		in->harmless &= !weight;
		in->domain_on |= order->effect <= HOLD_ZERO &&
				 s->layout->realservers[id].conf->terms->domain &&
				 !survey_held(s, holds, id, true);
		if (hold_kind(order->effect) == HOLD_LOWERS)
			survey_take(v, s, holds, id, order->effect, weight);
		else
			replace(v, s, holds, id, order, weight);
	}
}

unsigned int order_judge(const struct state *s, const struct holds *holds,
			 const struct order *order, struct guard_input *ret_in)
{
	static const enum guard asked[] = { GUARD_SCHEDULER, GUARD_MIN_AVAILABLE, GUARD_DOMAIN };
	const struct service_conf *c = s->layout->services[order->service].conf;
	/* Whatever replaces leaves at least 1: as a share does. */
	bool lowers = hold_kind(order->effect) == HOLD_LOWERS;
	struct guard_input in = { .effect = lowers ? order->effect : 100, .min = c->min_available };
	unsigned int refused = 0, i;
	struct survey v;

	if (!lowers && hold_kind(order->effect) != HOLD_REPLACES) {
		*ret_in = in;
		return 0;
	}
	survey_service(s, holds, order->service, &v);
	in.configured = v.configured;
	in.configured_weight = v.configured_weight;
	take_all(&v, s, holds, order, &in);
	in.available = v.available;
	in.available_weight = v.available_weight;
	in.backups_serve = v.backups > 0;
	in.domains = v.domains;
	in.domain_on &= c->domain_guard;
	in.scheduler_unsafe = guard_scheduler_unsafe(c->scheduler, c->scheduler_flags);
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (guard_refuses(asked[i], &in))
			refused |= 1u << asked[i];
	*ret_in = in;
	return refused;
}

static void describe_floor(const struct guard_input *in, struct buf *out)
{
	if (in->min.kind == MIN_WEIGHT && in->available)
		buf_printf(out,
			   " would have a weight of %" PRIu64 " of %" PRIu64
			   ", and min_available asks for %" PRIu64,
			   in->available_weight, in->configured_weight, guard_floor(in));
	else
		buf_printf(out,
			   " would have %u of %u realservers available, and min_available asks "
			   "for %" PRIu64,
			   (unsigned int)in->available, (unsigned int)in->configured,
			   guard_floor(in) && in->min.kind != MIN_WEIGHT ? guard_floor(in) : 1);
}

void order_describe(const struct state *s, const struct order *order, int guard,
		    const struct guard_input *in, struct buf *out)
{
	const struct service_conf *c = s->layout->services[order->service].conf;

	buf_printf(out, "service %s", c->head.name);
	if (guard == GUARD_SCHEDULER)
		buf_printf(out,
			   ": its scheduler '%s' refuses the clients of a realserver at weight 0 "
			   "instead of giving them another one",
			   c->scheduler);
	else if (guard == GUARD_MIN_AVAILABLE)
		describe_floor(in, out);
	else
		buf_puts(out, " would have realservers of more than one failure domain taken out");
}
