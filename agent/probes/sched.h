/* sched.h: when which target is probed: spread start, jitter, a cap on attempts
 * under way, one total deadline each; and the one funnel of outcomes. */
#ifndef PROBES_SCHED_H
#define PROBES_SCHED_H

#include "agent/probe.h"
#include "agent/probes/health.h"

struct sched;

/* One thing to probe. Flat array, indexed by id; what follows `conf` is written by
 * the scheduler alone, and moves with the target on a reload. */
struct sched_reason_count {
	uint32_t reason, count;
};
struct sched_target {
	struct addr addr; /* where to connect, with port */
	const struct probe_conf *conf;
	struct health health;
	uint64_t attempts;
	struct sched_reason_count *failures; /* reasons seen so far, unknown ones too */
	uint32_t n_failures;
	int32_t last_status, last_errno;
	int64_t last_us, connect_us, tls_us, first_byte_us; /* durations of the last attempt */
	int64_t last_wall_ms;                               /* its end; 0 = none yet */
};

/* Called on the loop after each outcome; `changed` = the verdict is another one. May
 * call sched_replace(), but not sched_free(). */
typedef void sched_fn(void *arg, uint32_t target, bool changed);

struct sched_limits {
	uint32_t max_running; /* attempts under way at once */
};

struct sched_stats {
	uint32_t running, waiting; /* waiting = due, but over the cap */
	int64_t late_us;           /* the latest start of the last 10 s against its plan */
};

int sched_new(struct loop *loop, struct fetch_multi *fetches, const struct sched_limits *limits,
	      sched_fn *fn, void *arg, struct sched **ret_sched);
/* Cancels all under way. NULL is fine. */
void sched_free(struct sched *s);

/* Replaces the targets: a flat array of n, borrowed until the next call. from[i] is
 * the id that target i had before, or SCHED_NEW: a kept one's state is moved over
 * by this call, keeps its plan and its attempt under way (whose conf and addr are
 * then the new ones); what no from[] names is cancelled. New ones are probed soon,
 * spread. An attempt whose address or kind became another one is cancelled too, and
 * begun anew: it would judge the wrong server. -ENOMEM, and -EINVAL for a from[] that
 * is out of range or names one twice, leave everything as it was. */
#define SCHED_NEW UINT32_MAX
int sched_replace(struct sched *s, struct sched_target *targets, uint32_t n, const uint32_t *from,
		  const struct sched_limits *limits);

void sched_stats(const struct sched *s, struct sched_stats *ret_stats);

/* Frees what a target owns (its failures): of the last array, and of an array that was
 * replaced, from which the kept ones' have been moved away. */
void sched_target_fini(struct sched_target *t);

#endif
