/* parted.h: PURE: what two directors' operators asked for while the two were parted, as
 * one. Each was within the guards on its own; together they may not be. Judged is by the
 * configuration and by those holds alone, so that both directors, whatever their probes
 * say, let the same ones act: in the order of number, then node (holds/merge.h). */
#ifndef RULES_PARTED_H
#define RULES_PARTED_H

#include "agent/model/layout.h"
#include "agent/rules/guard.h"

struct hold;
struct holds;

/* Whether it is judged at all: an operator's that lowers a weight, of those that peers
 * know, and not forced. */
bool parted_judged(const struct hold *h);

/* What is asked of a service. */
struct parted {
	const struct layout *layout;
	const struct holds *holds;
	const char *node; /* ours */
	uint32_t service;
};

/* The guard that refuses it beside those that act there and were before it in that order,
 * or (`all`) beside all that act; GUARD_ADMIT = none. What is in the table under its own
 * origin and number is not counted. */
enum guard parted_judge(const struct parted *p, const struct hold *h, bool all);

#endif
