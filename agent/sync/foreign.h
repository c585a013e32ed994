/* foreign.h: somebody else's hand in what is ours: has each change judged (drift.h),
 * and carries out what is not a write: holds that are made of weights, their end, and
 * what is left alone. */
#ifndef SYNC_FOREIGN_H
#define SYNC_FOREIGN_H

#include "agent/sync/drift.h"
#include "agent/sync/pass.h"

struct holds;
struct owned;
struct placer;

/* The holder of what is adopted. */
extern const char foreign_holder[];

struct foreign {
	struct holds *holds;   /* borrowed, with … */
	struct placer *placer; /* NULL = nothing is adopted, but put right */
	struct state *state;   /* the one in force */
	struct drift_memory memory;
	uint64_t drift, adopted;
	uint32_t stopped; /* objects, as of the last pass */
};

void foreign_fini(struct foreign *f);

/* On the first reading after the start, before anything of it is owned anew: a 0 in a
 * service that was ours before, which neither the configuration nor a hold explains, was
 * set by somebody else while we did not look. */
void foreign_first(struct foreign *f, const struct pass *p, const struct owned *owned);

/* After pass_take_in(): judges what is drift, and marks the items that are not to be
 * written. */
void foreign_judge(struct foreign *f, struct pass *p);

#endif
