/* guard.h: PURE: may this rule's hold be placed? Judged after the proposed action,
 * in integers, in a fixed order; each refusal has a slug for logs, metrics and
 * explain. */
#ifndef RULES_GUARD_H
#define RULES_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/service_conf.h"

/* In the order in which they are asked. */
enum guard { GUARD_ADMIT = 0, GUARD_SETTLING, GUARD_MIN_AVAILABLE, N_GUARDS };
extern const char *const guard_names[N_GUARDS]; /* "", "settling", "min_available" */

struct guard_input {
	bool has_verdict;  /* of this realserver */
	bool kernel_known; /* one complete reading was made */
	struct min_available min;
	/* Realservers above 0 by the file, without backups; the sum of their weights. */
	uint32_t configured;
	uint64_t configured_weight;
	/* After the action: realservers with an effective weight above 0, backups
	 * included, and the sum of their weights. */
	uint32_t available;
	uint64_t available_weight;
	bool harmless;      /* it takes nothing away: the realserver is at 0 already */
	bool backups_serve; /* panic, and at least one backup is up: they are the floor */
};

enum guard guard_judge(const struct guard_input *in);

/* How many realservers (or how much weight) `min` asks for: shares rounded up. */
uint64_t guard_floor(const struct guard_input *in);

#endif
