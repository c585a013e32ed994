/* sched.c: one loop timer serves all targets. A target waits in the heap of plans (by
 * its next start); an attempt under way has a place in the heap of watches (by its
 * deadline), so that 100,000 targets cost 16 bytes each and no handles. What is
 * due but over the cap stays on top of the plans: the oldest start is served next,
 * nobody starves, and nothing is queued twice.
 *
 * All outcomes pass probe_done(). There a timeout during which this process stood
 * still becomes unknown: nobody listened when the answer may have come. */
#include "agent/probes/sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/base/rows.h"
#include "agent/probes/sched_internal.h"
#include "agent/probes/spread.h"

enum {
	SLICE_US = 5000,       /* of starts at a time, then others get their turn */
	SPREAD_MS = 900,       /* for the first attempts of 1,000 new targets */
	MIN_SPREAD_MS = 200,   /* for those of a few */
	MIN_INTERVAL_MS = 10,  /* a guard against nonsense; the key's bound is higher */
	WATCH_GRACE_MS = 1000, /* for kinds that watch their deadline themselves */
	MIN_STALL_MS = 50,
	LANE_MS = 50, /* until a lane that is being made is asked for again */
	ERRNO_MAX = 1023,
};

/* --- when ------------------------------------------------------------------- */

int64_t sched_interval_ms(const struct layout_target *asked, const struct health *h)
{
	return probe_conf_interval(asked->conf, health_pace(h));
}

/* Jitter only shortens, so that `fall` failures never take longer than fall ×
 * interval + timeout. */
static int64_t next_interval_ms(const struct layout_target *t, const struct health *h,
				uint32_t attempts)
{
	int64_t interval = sched_interval_ms(t, h);
	uint32_t jitter = t->conf->jitter > 100 ? 100 : t->conf->jitter;

	interval -= spread_share(interval * jitter / 100, spread_hash(t, (uint64_t)attempts + 1));
	return interval < MIN_INTERVAL_MS ? MIN_INTERVAL_MS : interval;
}

/* 1,000 new ones in SPREAD_MS, but never slower than their interval asks for. */
int64_t sched_first_delay_ms(const struct layout_target *t, uint32_t n_new)
{
	int64_t spread = (int64_t)n_new * SPREAD_MS / 1000;

	spread = spread < t->conf->interval ? spread : t->conf->interval;
	return spread_share(spread > MIN_SPREAD_MS ? spread : MIN_SPREAD_MS, spread_hash(t, 0));
}

void sched_arm(struct sched *s)
{
	int64_t at = heap_first(&s->under_way.watches), now;

	if (s->busy)
		return;
	if (s->under_way.watches.n < s->limits.max_running && heap_first(&s->plans) < at)
		at = heap_first(&s->plans);
	if (at == s->armed_ms)
		return;
	s->armed_ms = at;
	if (at == NOT_ARMED) {
		loop_timer_stop(s->timer);
		return;
	}
	now = clock_mono_ms();
	loop_timer_start(s->timer, at > now ? at - now : 0);
}

/* --- attempts --------------------------------------------------------------- */

void sched_cancel(struct sched *s, struct attempt *a)
{
	struct sched_asked asked = a->asked;
	uint32_t id = a->target;

	a->run.conf->type->cancel(&a->run);
	attempts_give(&s->under_way, a);
	if (asked.fn)
		asked.fn(asked.arg, id, NULL, 0);
}

/* A clock does not go back, but a kind's report may say anything. */
static uint32_t at_most(int64_t n, uint32_t most)
{
	return n < 0 ? 0 : n > most ? most : (uint32_t)n;
}

/* Takes an outcome in, its reason as it is taken; true when the verdict changed. */
static bool take_outcome(struct sched *s, uint32_t id, struct probe_report *report, int64_t took_us)
{
	const struct probe_conf *conf = s->asked[id].conf;
	struct target *t = &s->targets[id];
	int64_t wall = clock_wall_ms();

	if (s->doubt)
		report->reason = s->doubt(s->doubt_arg, id, report->reason);
	t->attempts++;
	t->last_status = (uint16_t)at_most(report->status, UINT16_MAX);
	t->last_errno = at_most(report->os_errno, ERRNO_MAX) & ERRNO_MAX;
	t->last_us = at_most(took_us, UINT32_MAX);
	t->connect_us = at_most(report->connect_us, UINT32_MAX);
	t->tls_us = at_most(report->tls_us, UINT32_MAX);
	t->first_byte_us = at_most(report->first_byte_us, UINT32_MAX);
	if (report->tls_not_after)
		t->tls_not_after = at_most(report->tls_not_after, UINT32_MAX);
	t->last_wall_ms = wall;
	target_set_text(t, report->text);
	if (probe_reasons[report->reason].outcome != PROBE_PASSED)
		target_count_failure(t, report->reason);
	else if (conf->histogram)
		target_count_duration(t, t->last_us);
	return health_take(&t->health, report->reason, conf->rise, conf->fall, wall);
}

/* Of the attempt that began at start_ms, as it was planned: plans the next. */
static void take_planned(struct sched *s, uint32_t id, struct probe_report *report,
			 int64_t start_ms, int64_t took_us)
{
	bool changed = take_outcome(s, id, report, took_us);
	const struct target *t = &s->targets[id];
	int64_t now = clock_mono_ms();
	int64_t due = start_ms + next_interval_ms(&s->asked[id], &t->health, t->attempts);

	heap_add(&s->plans, id, due > now ? due : now);
	s->fn(s->arg, id, changed, report);
}

/* Of one that somebody asked for; the plan is as it was. */
static void take_asked(struct sched *s, uint32_t id, const struct sched_asked *by,
		       const struct probe_report *report, int64_t took_us)
{
	struct probe_report counted = *report;
	bool changed;

	/* Kinds look at it for who asks, too; then nobody would see it change later. */
	counted.tls_not_after = 0;
	changed = by->counts && take_outcome(s, id, &counted, took_us);
	by->fn(by->arg, id, report, took_us);
	if (by->counts)
		s->fn(s->arg, id, changed, &counted); /* which may give the targets other ids */
}

static bool is_timeout(enum probe_reason reason)
{
	return reason == PROBE_CONNECT_TIMEOUT || reason == PROBE_TLS_TIMEOUT ||
	       reason == PROBE_ANSWER_TIMEOUT;
}

/* Stood this process still for a good part of the attempt? */
static bool stalled(const struct sched *s, const struct attempt *a)
{
	int64_t limit = a->run.timeout_ms / 4;

	if (limit < MIN_STALL_MS)
		limit = MIN_STALL_MS;
	return loop_lag_us(s->loop, a->start_ms) >= limit * 1000;
}

void probe_done(struct probe_run *run, const struct probe_report *report)
{
	struct attempt *a = (struct attempt *)(void *)run;
	struct sched *s = a->sched;
	struct probe_report r = *report;
	struct sched_asked asked = a->asked;
	int64_t start_ms = a->start_ms, took_us = clock_mono_us() - a->start_us;
	uint32_t id = a->target;

	if (is_timeout(r.reason) && stalled(s, a))
		r.reason = PROBE_LOCAL_STALL;
	attempts_give(&s->under_way, a);
	if (asked.fn)
		take_asked(s, id, &asked, &r, took_us);
	else
		take_planned(s, id, &r, start_ms, took_us);
	sched_arm(s);
}

/* By which way it goes out: PROBE_OK, SCHED_LATER, or why there can be no attempt. */
static enum probe_reason find_way(struct sched *s, uint32_t id, struct way_out *way)
{
	const struct layout_target *t = &s->asked[id];

	*way = probe_conf_way(t->conf, &t->addr);
	if (!t->lane)
		return PROBE_OK;
	return s->way ? s->way(s->arg, id, way) : PROBE_LOCAL_FORWARD;
}

/* `by` NULL: it was planned. The attempt may be over when this returns. */
static int launch(struct sched *s, uint32_t id, int64_t now_us, const struct way_out *way,
		  const struct sched_asked *by)
{
	const struct layout_target *t = &s->asked[id];
	const struct probe_type *type = t->conf->type;
	int64_t now_ms = now_us / 1000, grace = WATCH_GRACE_MS;
	struct attempt *a;
	void *commons = NULL;
	int r;

	if (type->on_timeout || type->expire)
		grace = 0;
	/* never early */
	a = attempts_take(&s->under_way, type->run_size, now_ms + 1 + t->conf->timeout + grace);
	if (!a)
		return -ENOMEM;
	r = commons_get(&s->commons, type, s->loop, &commons);
	if (r) {
		attempts_give(&s->under_way, a);
		return r;
	}
	a->run = (struct probe_run){ .conf = t->conf,
				     .addr = t->addr,
				     .from = *way,
				     .shown = by != NULL,
				     .timeout_ms = t->conf->timeout,
				     .loop = s->loop,
				     .fetches = s->fetches,
				     .commons = commons,
				     .state = a->state };
	a->sched = s;
	a->target = id;
	a->start_us = now_us;
	a->start_ms = now_ms;
	a->asked = by ? *by : (struct sched_asked){ 0 };
	type->start(&a->run); /* may be done, and `a` gone */
	return 0;
}

static void start(struct sched *s, uint32_t id, int64_t now_us)
{
	struct probe_report none = { .reason = PROBE_LOCAL_RESOURCES };
	int64_t now_ms = now_us / 1000;
	enum probe_reason way_is;
	struct way_out way;

	worst_note(&s->late, now_ms, now_us - s->plans.slots[id].key * 1000);
	heap_remove(&s->plans, id);
	s->plans.slots[id].key = NOT_PLANNED;
	way_is = find_way(s, id, &way);
	if (way_is == SCHED_LATER) {
		heap_add(&s->plans, id, now_ms + LANE_MS);
		return;
	}
	if (way_is != PROBE_OK)
		none.reason = way_is;
	else
		none.os_errno = -launch(s, id, now_us, &way, NULL);
	if (way_is != PROBE_OK || none.os_errno)
		take_planned(s, id, &none, now_ms, 0);
}

void sched_set_way(struct sched *s, sched_way_fn *way)
{
	s->way = way;
}

void sched_doubt(struct sched *s, sched_doubt_fn *fn, void *arg)
{
	s->doubt = fn;
	s->doubt_arg = arg;
}

int sched_ask(struct sched *s, uint32_t target, const struct sched_asked *by)
{
	enum probe_reason way_is;
	struct way_out way;
	int e = 0;

	if (target >= s->n)
		return -EINVAL;
	way_is = find_way(s, target, &way);
	if (way_is == PROBE_OK)
		e = launch(s, target, clock_mono_us(), &way, by);
	else /* a lane that is being made is none yet */
		take_asked(s, target, by,
			   &(struct probe_report){
				   .reason = way_is == SCHED_LATER ? PROBE_LOCAL_FORWARD : way_is },
			   0);
	sched_arm(s);
	return e;
}

static void expire(struct attempt *a)
{
	const struct probe_type *type = a->run.conf->type;
	enum probe_reason reason = type->on_timeout ? type->on_timeout : PROBE_LOCAL_ERROR;

	if (type->expire) {
		type->expire(&a->run);
		return;
	}
	type->cancel(&a->run);
	probe_done(&a->run, &(struct probe_report){ .reason = reason });
}

static void on_timer(void *arg)
{
	struct sched *s = arg;
	int64_t begin = clock_mono_us(), now = begin;

	s->busy = true;
	s->armed_ms = NOT_ARMED;
	while (now - begin < SLICE_US) {
		if (heap_first(&s->under_way.watches) <= now / 1000)
			expire(attempts_first(&s->under_way));
		else if (s->under_way.watches.n < s->limits.max_running &&
			 heap_first(&s->plans) <= now / 1000)
			start(s, s->plans.ids[0], now);
		else
			break;
		now = clock_mono_us();
	}
	s->busy = false;
	sched_arm(s);
}

/* --- life ------------------------------------------------------------------- */

int sched_plans_new(struct heap *plans, uint32_t n)
{
	*plans = (struct heap){ .ids = rows_new(n + 1ul, sizeof(*plans->ids)),
				.slots = rows_new(n + 1ul, sizeof(*plans->slots)) };
	return plans->ids && plans->slots ? 0 : -ENOMEM;
}

void sched_plans_free(struct heap *plans)
{
	free(plans->ids);
	free(plans->slots);
}

int sched_new(struct loop *loop, struct fetch_multi *fetches, const struct sched_limits *limits,
	      sched_fn *fn, void *arg, struct sched **ret_sched)
{
	struct sched *s = malloc(sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct sched){ .loop = loop,
			     .fetches = fetches,
			     .limits = *limits,
			     .fn = fn,
			     .arg = arg,
			     .armed_ms = NOT_ARMED };
	r = sched_plans_new(&s->plans, 0);
	if (!r)
		r = loop_timer_new(loop, "sched", on_timer, s, &s->timer);
	if (r) {
		sched_plans_free(&s->plans);
		free(s);
		return r;
	}
	*ret_sched = s;
	return 0;
}

void sched_free(struct sched *s)
{
	if (!s)
		return;
	while (s->under_way.watches.n)
		sched_cancel(s, attempts_first(&s->under_way));
	attempts_fini(&s->under_way);
	commons_free(&s->commons);
	loop_timer_free(s->timer);
	sched_plans_free(&s->plans);
	free(s);
}

void sched_stats(const struct sched *s, struct sched_stats *ret_stats)
{
	int64_t now = clock_mono_ms();
	uint32_t due = heap_count(&s->plans, now), used = s->under_way.watches.n;
	uint32_t room = used < s->limits.max_running ? s->limits.max_running - used : 0;

	ret_stats->running = used;
	ret_stats->waiting = due > room ? due - room : 0;
	ret_stats->late_us = worst_since(&s->late, now, 0);
}
