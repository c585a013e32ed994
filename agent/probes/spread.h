/* spread.h: PURE: how attempts are spread over time, the same on every start. */
#ifndef PROBES_SPREAD_H
#define PROBES_SPREAD_H

#include "agent/model/layout.h"

/* A number of the target's own, another one for each `salt`. */
uint32_t spread_hash(const struct layout_target *t, uint64_t salt);

/* As much of `whole` as the number is of all numbers. */
int64_t spread_share(int64_t whole, uint32_t hash);

#endif
