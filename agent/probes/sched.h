/* sched.h: when which target is probed: spread start, jitter, a cap on attempts
 * under way, one total deadline each; and the one funnel of outcomes. */
#ifndef PROBES_SCHED_H
#define PROBES_SCHED_H

#include "agent/model/layout.h"
#include "agent/model/target.h"
#include "agent/probe.h"

struct sched;

/* Called on the loop after each outcome, by that report; `changed` = the verdict is
 * another one. May call sched_replace(), but not sched_free(). */
typedef void sched_fn(void *arg, uint32_t target, bool changed, const struct probe_report *report);

struct sched_limits {
	uint32_t max_running; /* attempts under way at once */
};

struct sched_stats {
	uint32_t running, waiting; /* waiting = due, but over the cap */
	int64_t late_us;           /* the latest start of the last 10 s against its plan */
};

int sched_new(struct loop *loop, struct fetch_multi *fetches, const struct sched_limits *limits,
	      sched_fn *fn, void *arg, struct sched **ret_sched);
/* By which way an attempt at a target with a lane goes out, as far as its section leaves
 * that open; with the `arg` of sched_new(). PROBE_OK; SCHED_LATER: not known yet, to be
 * asked again in a moment; or why there can be none. Without it there can be none. */
#define SCHED_LATER PROBE_N_REASONS
typedef enum probe_reason sched_way_fn(void *arg, uint32_t target, struct way_out *way);
void sched_set_way(struct sched *s, sched_way_fn *way);
/* Cancels all under way. NULL is fine. */
void sched_free(struct sched *s);

/* The reason that is to be taken for the one that an attempt of that target ended with,
 * before it counts; who asked is told what it was. From it the scheduler must not be
 * called. */
typedef enum probe_reason sched_doubt_fn(void *arg, uint32_t target, enum probe_reason reason);
void sched_doubt(struct sched *s, sched_doubt_fn *fn, void *arg);

/* How an attempt ended that somebody asked for; NULL = it was given up: its target left, or
 * became another question, or all ends. Borrowed for the call, from which the scheduler
 * must not be called. */
typedef void sched_asked_fn(void *arg, uint32_t target, const struct probe_report *report,
			    int64_t took_us);

struct sched_asked {
	sched_asked_fn *fn; /* NULL = nobody asked: it was planned */
	void *arg;
	bool counts; /* towards rise and fall, as any other */
};

/* One attempt more, now, whatever is planned or under way, also over the cap; it is told,
 * once, later or from within. -EINVAL for a target that there is not, -ENOMEM or another
 * -errno of ours: then fn is not called. */
int sched_ask(struct sched *s, uint32_t target, const struct sched_asked *by);

/* Replaces the targets: flat arrays of n, what is asked and what was found, borrowed
 * until the next call. from[i] is the id that target i had before, or SCHED_NEW: a kept
 * one's state is moved over by this call, keeps its plan and its attempt under way (whose conf and
 * addr are then the new ones); what no from[] names is cancelled. New ones are probed soon, spread.
 * An attempt whose address, way out or kind became another one is cancelled too, and begun anew: it
 * would judge the wrong server. -ENOMEM, and -EINVAL for a from[] that is out of range or names one
 * twice, leave everything as it was. */
#define SCHED_NEW UINT32_MAX
struct sched_change;
int sched_replace(struct sched *s, const struct layout_target *asked, struct target *targets,
		  uint32_t n, const uint32_t *from, const struct sched_limits *limits);

/* The same in two steps: the first, from any thread, has the errors and takes the time;
 * n_old is how many targets there are, and all that is given is borrowed until the change
 * is freed, which is after the second step or instead of it. */
int sched_prepare(const struct layout_target *asked, struct target *targets, uint32_t n,
		  uint32_t n_old, const uint32_t *from, struct sched_change **ret_change);
void sched_change(struct sched *s, struct sched_change *c, const struct sched_limits *limits);
/* NULL is fine. */
void sched_change_free(struct sched_change *c);

void sched_stats(const struct sched *s, struct sched_stats *ret_stats);

#endif
