/* clock.h: the only place where clocks are read. Judgement takes `now` as a
 * value; shells ask here. Units are in the names. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "agent/base/buf.h"

/* Milliseconds of CLOCK_MONOTONIC: for every duration and deadline. */
int64_t clock_mono_ms(void);

/* Microseconds of CLOCK_MONOTONIC: for what is measured. */
int64_t clock_mono_us(void);

/* Milliseconds since the epoch of CLOCK_REALTIME: for what is shown or kept. */
int64_t clock_wall_ms(void);

/* Appends a wall time as RFC 3339 in UTC with milliseconds,
 * 2026-03-04T05:06:07.891Z. */
void clock_format_wall(struct buf *out, int64_t wall_ms);

#endif
