/* rate.h: PURE: how often rules may act: `rate = 10/m`. A sliding window over the last
 * n admissions rather than a bucket that fills up: a bucket lets up to twice as many
 * through in the minute after a quiet one. In no window [t, t + per) are there more
 * than n. */
#ifndef RULES_RATE_H
#define RULES_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate;

/* n in each per_ms (at least 1); n = 0 never lets anything through. Takes 8 bytes
 * times n. -EINVAL, -ENOMEM. */
int rate_new(uint32_t n, int64_t per_ms, struct rate **ret_rate);
void rate_free(struct rate *r);

/* May one more pass now? Changes nothing. */
bool rate_ok(const struct rate *r, int64_t now_ms);
/* One more passes: false, and nothing is taken, where it may not. A clock that goes
 * back is taken to stand. */
bool rate_take(struct rate *r, int64_t now_ms);

/* From when on the next one may pass; INT64_MAX = never, a time that is over = now. */
int64_t rate_next(const struct rate *r);

/* After a reload: what passed before counts under the new figures too. */
void rate_carry(struct rate *to, const struct rate *from);

#endif
