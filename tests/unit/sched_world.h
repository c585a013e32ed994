/* sched_world.h: for tests of the scheduler: a real loop, and kinds of probes that end
 * when the test wants. */
#ifndef TESTS_SCHED_WORLD_H
#define TESTS_SCHED_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/probes/sched.h"

enum { MAX = 2000 };

/* One test's world; the kinds reach it by run->conf->url. */
struct world {
	struct loop *loop;
	struct sched *sched;
	struct sched_limits limits;
	struct layout_target *asked;
	struct target *targets;
	uint32_t n;
	struct probe_conf conf;
	struct probe_run *running[MAX]; /* by the address's last bytes */
	int64_t first_ms[MAX], last_ms[MAX], gap_ms[MAX];
	uint32_t starts[MAX], short_gaps; /* below the interval */
	uint32_t now_running, max_running, outcomes, cancels, stop_after, max_waiting;
	bool overlapped, changed;
	uint32_t last_target, order[MAX]; /* of the first outcomes */
	struct way_out from;              /* of the last start */
	enum probe_reason answer, way_says;
	uint32_t ways_asked;
	const char *text; /* beside it */
	struct loop_timer *timer;
	int64_t delay_ms;
};

struct fake_state {
	struct world *w;
	struct loop_timer *timer;
	uint32_t key;
	char zero; /* must be 0 at start */
};

static inline uint32_t key_of(const struct addr *a)
{
	return (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

static inline void fake_start(struct probe_run *run)
{
	struct fake_state *st = run->state;
	struct world *w = (struct world *)(void *)run->conf->url;
	uint32_t key = key_of(&run->addr);

	assert_int_equal(st->zero, 0);
	st->zero = 1;
	st->w = w;
	st->key = key;
	w->overlapped |= w->running[key] != NULL;
	w->running[key] = run;
	w->from = run->from;
	if (!w->starts[key]++)
		w->first_ms[key] = clock_mono_ms();
	else if (!w->gap_ms[key] || clock_mono_ms() - w->last_ms[key] < w->gap_ms[key])
		w->gap_ms[key] = clock_mono_ms() - w->last_ms[key];
	/* Two readings in whole ms. */
	w->short_gaps +=
		w->starts[key] > 1 && clock_mono_ms() - w->last_ms[key] < w->conf.interval - 1;
	w->last_ms[key] = clock_mono_ms();
	if (++w->now_running > w->max_running)
		w->max_running = w->now_running;
}

static inline void fake_end(struct probe_run *run)
{
	struct fake_state *st = run->state;

	st->w->running[st->key] = NULL;
	st->w->now_running--;
	loop_timer_free(st->timer);
}

static inline void fake_cancel(struct probe_run *run)
{
	((struct fake_state *)run->state)->w->cancels++;
	fake_end(run);
}

static inline void finish(struct probe_run *run, enum probe_reason reason)
{
	const char *text = ((struct fake_state *)run->state)->w->text;

	fake_end(run);
	probe_done(run, &(struct probe_report){
				.reason = reason, .status = 7, .os_errno = 8, .text = text });
}

static inline void at_once_start(struct probe_run *run)
{
	fake_start(run);
	finish(run, ((struct fake_state *)run->state)->w->answer);
}

static inline void on_delay(void *arg)
{
	struct probe_run *run = arg;

	finish(run, ((struct fake_state *)run->state)->w->answer);
}

static inline void delayed_start(struct probe_run *run)
{
	struct fake_state *st = run->state;

	fake_start(run);
	assert_int_equal(loop_timer_new(run->loop, "delay", on_delay, run, &st->timer), 0);
	loop_timer_start(st->timer, st->w->delay_ms);
}

static const struct probe_type ATTR_UNUSED at_once = { .name = "at_once",
						       .run_size = sizeof(struct fake_state),
						       .start = at_once_start,
						       .cancel = fake_cancel };
static const struct probe_type ATTR_UNUSED delayed = { .name = "delayed",
						       .run_size = sizeof(struct fake_state) + 100,
						       .start = delayed_start,
						       .cancel = fake_cancel };
static const struct probe_type ATTR_UNUSED silent = { .name = "silent",
						      .run_size = sizeof(struct fake_state),
						      .on_timeout = PROBE_CONNECT_TIMEOUT,
						      .start = fake_start,
						      .cancel = fake_cancel };
static const struct probe_type ATTR_UNUSED broken = { .name = "broken",
						      .run_size = sizeof(struct fake_state),
						      .start = fake_start,
						      .cancel = fake_cancel };

static inline void on_outcome(void *arg, uint32_t target, bool changed,
			      const struct probe_report *report ATTR_UNUSED)
{
	struct world *w = arg;
	struct sched_stats stats;

	sched_stats(w->sched, &stats);
	if (stats.waiting > w->max_waiting)
		w->max_waiting = stats.waiting;
	w->last_target = target;
	w->changed = changed;
	if (w->outcomes < MAX)
		w->order[w->outcomes] = target;
	if (++w->outcomes == w->stop_after)
		loop_stop(w->loop);
}

static inline void fill(struct layout_target *t, const struct probe_conf *conf, uint32_t key)
{
	*t = (struct layout_target){ .conf = conf };
	t->addr.family = AF_INET;
	t->addr.port = 80;
	t->addr.bytes[0] = 10;
	t->addr.bytes[2] = (uint8_t)(key >> 8);
	t->addr.bytes[3] = (uint8_t)key;
}

static inline struct world *world_new(const struct probe_type *type, uint32_t n, int64_t interval)
{
	struct world *w = calloc(1, sizeof(*w));
	uint32_t *from = malloc((n + 1) * sizeof(*from)), i;

	w->limits.max_running = MAX;
	w->conf = (struct probe_conf){ .head.name = "fake",
				       .url = (const char *)w,
				       .type = type,
				       .interval = interval,
				       .timeout = 100000,
				       .rise = 2,
				       .fall = 3 };
	w->n = n;
	w->targets = calloc(n + 1, sizeof(*w->targets));
	w->asked = calloc(n + 1, sizeof(*w->asked));
	for (i = 0; i < n; i++) {
		fill(&w->asked[i], &w->conf, i);
		from[i] = SCHED_NEW;
	}
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(sched_new(w->loop, NULL, &w->limits, on_outcome, w, &w->sched), 0);
	assert_int_equal(sched_replace(w->sched, w->asked, w->targets, n, from, &w->limits), 0);
	free(from);
	return w;
}

static inline void targets_free(struct target *targets, uint32_t n)
{
	while (n--)
		target_fini(&targets[n]);
	free(targets);
}

/* Others have taken their place. */
static inline void put_targets(struct world *w, struct layout_target *asked, struct target *targets)
{
	targets_free(w->targets, w->n);
	free(w->asked);
	w->targets = targets;
	w->asked = asked;
}

static inline void world_free(struct world *w)
{
	sched_free(w->sched);
	assert_int_equal(w->now_running, 0);
	assert_false(w->overlapped);
	loop_free(w->loop);
	targets_free(w->targets, w->n);
	free(w->asked);
	free(w);
}

static inline void run_until(struct world *w, uint32_t outcomes)
{
	w->stop_after = w->outcomes + outcomes;
	loop_run(w->loop);
}

static inline void on_stop(void *arg)
{
	loop_stop(((struct world *)arg)->loop);
}

static inline void run_for(struct world *w, int64_t ms)
{
	assert_int_equal(loop_timer_new(w->loop, "stop", on_stop, w, &w->timer), 0);
	loop_timer_start(w->timer, ms);
	loop_run(w->loop);
	loop_timer_free(w->timer);
}

#endif
