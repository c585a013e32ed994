/* flap.h: PURE: a realserver's penalty for coming and going: each hold that a rule
 * places there adds FLAP_HOLD, and time takes it away again, half in two minutes. In
 * integers (a thousandth of a point), the same on every machine; 8 bytes each.
 *
 * It never keeps a dead server in: it delays the return. A release waits until the
 * penalty is at or under FLAP_REUSE: the first is immediate. That wait is not counted
 * as time served (flap_released()): if it were, each would end with the same penalty
 * and no return would come later than the one before. */
#ifndef RULES_FLAP_H
#define RULES_FLAP_H

#include <stdint.h>

enum {
	FLAP_HOLD = 1000,     /* what a hold adds */
	FLAP_REUSE = 1000,    /* it may return at this or under */
	FLAP_SUPPRESS = 3000, /* above, guard `flapping` refuses all but probe-down */
	FLAP_MOST = 64000,    /* adds no more beyond */
	FLAP_HALF_LIFE_MS = 120000,
};

/* All zero: nothing happened. The time has room for 4 years: on a machine that is up
 * for longer no penalty is remembered. */
struct flap {
	int64_t at_ms : 38;
	uint64_t milli : 26; /* thousandths of a point, at at_ms */
};
_Static_assert(FLAP_MOST * 1000 < 1 << 26, "no room for it");

/* A rule placed a hold. */
void flap_add(struct flap *f, int64_t now_ms);

/* Points, rounded up: what is above a limit by a thousandth is above it. */
uint32_t flap_at(const struct flap *f, int64_t now_ms);

/* When what resolved at `resolved_ms` may return: resolved_ms at the earliest,
 * resolved_ms + flap_max_ms at the latest. The caller returns it sooner where
 * min_available needs the server, and later, up to the same latest, for a cooldown. */
int64_t flap_release_at(const struct flap *f, int64_t resolved_ms, int64_t flap_max_ms);

/* It returned: what it waited since it resolved takes nothing off the penalty. */
void flap_released(struct flap *f, int64_t resolved_ms, int64_t now_ms);

#endif
