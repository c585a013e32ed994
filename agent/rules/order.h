/* order.h: PURE: may an operator lower these realservers of a service? All of them are
 * one decision: judged is what would be left after the last. Of the guards those are
 * asked that are about the clients; an operator is not bound by the ones that doubt
 * rules. */
#ifndef RULES_ORDER_H
#define RULES_ORDER_H

#include "agent/rules/survey.h"

struct guard_input;

struct order {
	uint32_t service;
	const uint32_t *realservers; /* of that service, each once */
	uint32_t n;
	/* As a hold's: of HOLD_REPLACE… `weight` stands for the configured one. What takes
	 * nothing is refused by none. */
	int effect;
	uint32_t weight;
};

/* Bits 1 << GUARD_… of the guards that refuse it; 0 = none. Their sentences name what
 * was counted: order_describe(). */
unsigned int order_judge(const struct state *s, const struct holds *holds,
			 const struct order *order, struct guard_input *ret_in);
/* Appends why that guard refuses it, with figures. */
void order_describe(const struct state *s, const struct order *order, int guard,
		    const struct guard_input *in, struct buf *out);

#endif
