/* attempt.h: attempts under way, for the scheduler only: their memory, a place for each,
 * and the heap of their deadlines. */
#ifndef PROBES_ATTEMPT_H
#define PROBES_ATTEMPT_H

#include <stddef.h>

#include "agent/base/heap.h"
#include "agent/probe.h"
#include "agent/probes/sched.h"

struct attempt {
	struct probe_run run; /* first: probe_done() gets it */
	struct sched *sched;
	uint32_t target, place;
	int64_t start_us, start_ms;
	struct sched_asked asked;
	struct attempt *next; /* in the pool */
	size_t room;
	max_align_t state[];
};

/* All zero: none yet. The arrays go by place, and have as many as there ever were under
 * way at once. */
struct attempts {
	struct heap watches;  /* ids are places; the key is the deadline, ms */
	struct attempt **all; /* NULL = the place is free … */
	uint32_t *free;       /* … and stands here */
	uint32_t n_free, n_places;
	struct attempt *pool;
	uint32_t n_pool;
};

/* An attempt with `room` zeroed bytes of state, watched until `deadline_ms`; NULL = no
 * memory. */
struct attempt *attempts_take(struct attempts *s, size_t room, int64_t deadline_ms);
void attempts_give(struct attempts *s, struct attempt *a);
/* The one whose deadline is first; there must be one. */
struct attempt *attempts_first(const struct attempts *s);
/* When none is under way any more. */
void attempts_fini(struct attempts *s);

#endif
