/* sched_internal.h: inside of the scheduler, for its own files. */
#ifndef PROBES_SCHED_INTERNAL_H
#define PROBES_SCHED_INTERNAL_H

#include "agent/base/worst.h"
#include "agent/probes/attempt.h"
#include "agent/probes/commons.h"
#include "agent/probes/sched.h"

#define NOT_ARMED   INT64_MAX
#define NOT_PLANNED INT64_MAX /* the key of a target with an attempt under way */

struct sched {
	struct loop *loop;
	struct fetch_multi *fetches;
	struct loop_timer *timer;
	sched_fn *fn;
	sched_way_fn *way; /* NULL = there are no lanes */
	void *arg;
	sched_doubt_fn *doubt; /* NULL = none */
	void *doubt_arg;
	struct sched_limits limits;
	const struct layout_target *asked; /* n */
	struct target *targets;            /* n */
	uint32_t n;
	struct heap plans; /* ids are targets'; the key is the next start, ms */
	struct attempts under_way;
	struct commons *commons;
	int64_t armed_ms;
	bool busy; /* in the timer, which arms at its end */
	struct worst late;
};

/* When the timer is due next. */
void sched_arm(struct sched *s);
/* Ends an attempt that has not reported; who asked for it is told so. */
void sched_cancel(struct sched *s, struct attempt *a);
/* The interval at the pace that its health asks for, without jitter. */
int64_t sched_interval_ms(const struct layout_target *asked, const struct health *h);
/* Until the first attempt of one of n_new. */
int64_t sched_first_delay_ms(const struct layout_target *t, uint32_t n_new);
int sched_plans_new(struct heap *plans, uint32_t n);
void sched_plans_free(struct heap *plans);

#endif
