/* diff_lanes.h: PURE: what must be written so that the lanes are as they should be; for
 * diff.c only. */
#ifndef SYNC_DIFF_LANES_H
#define SYNC_DIFF_LANES_H

#include "agent/sync/diff.h"

/* Calls fn(arg, item) for each write that is due, those of one lane in their order. No
 * client's connection is in a lane: what is not wanted goes at once. */
void diff_lanes(const struct diff_input *in, void (*fn)(void *arg, const struct diff_item *item),
		void *arg);

#endif
