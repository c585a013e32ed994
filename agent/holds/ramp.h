/* ramp.h: PURE: slow start: what returns gets its weight back in steps, linear over
 * `ramp`, each at least 1 s and a twentieth of it long, each at least 1 of weight.
 * mh and sh take four writes at most, for each of them moves clients; rr, lc, dh and
 * fo none: they return at once. Whoever calls begins none at the start of the process:
 * what served before we came is not to be starved. */
#ifndef HOLDS_RAMP_H
#define HOLDS_RAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/scheduler.h"

/* All zero: not ramping, full weight. */
struct ramp {
	int64_t begin_ms : 56;
	uint64_t kind : 8; /* enum scheduler_ramp */
	int64_t length_ms; /* 0 = not ramping */
};

/* From now on for length_ms. False, and it is not ramping, where the scheduler has no
 * use for it or it is shorter than a step. */
bool ramp_begin(struct ramp *r, enum scheduler_ramp kind, int64_t length_ms, int64_t now_ms);

/* True when it has passed, or was none. */
bool ramp_over(const struct ramp *r, int64_t now_ms);

/* Of `full`, the weight that the holds leave: at least 1 from the first moment on,
 * never more than full; 0 and absent (-1) stay as they are, and 1 can't be less. */
int32_t ramp_weight(const struct ramp *r, int32_t full, int64_t now_ms);

/* When ramp_weight() is next to change; INT64_MAX = not any more. */
int64_t ramp_next(const struct ramp *r, int32_t full, int64_t now_ms);

#endif
