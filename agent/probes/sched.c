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
#include "agent/base/heap.h"
#include "agent/base/loop.h"
#include "agent/base/rows.h"
#include "agent/base/worst.h"
#include "agent/probes/attempt.h"

enum {
	SLICE_US = 5000,       /* of starts at a time, then others get their turn */
	SPREAD_MS = 900,       /* for the first attempts of 1,000 new targets */
	MIN_SPREAD_MS = 200,   /* for those of a few */
	MIN_INTERVAL_MS = 10,  /* a guard against nonsense; the key's bound is higher */
	WATCH_GRACE_MS = 1000, /* for kinds that watch their deadline themselves */
	MIN_STALL_MS = 50,
	ERRNO_MAX = 2047,
};

#define NOT_ARMED   INT64_MAX
#define NOT_PLANNED INT64_MAX /* the key of a target with an attempt under way */

struct sched {
	struct loop *loop;
	struct fetch_multi *fetches;
	struct loop_timer *timer;
	sched_fn *fn;
	void *arg;
	struct sched_limits limits;
	const struct layout_target *asked; /* n */
	struct target *targets;            /* n */
	uint32_t n;
	struct heap plans; /* ids are targets'; the key is the next start, ms */
	struct attempts under_way;
	int64_t armed_ms;
	bool busy; /* in the timer, which arms at its end */
	struct worst late;
};

/* --- when ------------------------------------------------------------------- */

/* FNV-1a with a finish that makes near inputs far: the same on every start. */
static uint32_t target_hash(const struct layout_target *t, uint64_t salt)
{
	const char *name = t->conf->head.name ? t->conf->head.name : "";
	const unsigned char *p = (const unsigned char *)&t->addr;
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < sizeof(t->addr); i++)
		hash = (hash ^ p[i]) * 16777619u;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	for (; salt; salt >>= 8)
		hash = (hash ^ (salt & 0xff)) * 16777619u;
	hash = (hash ^ (hash >> 16)) * 0x85ebca6bu;
	hash = (hash ^ (hash >> 13)) * 0xc2b2ae35u;
	return hash ^ (hash >> 16);
}

static int64_t share_of(int64_t whole, uint32_t hash)
{
	return whole * (hash >> 16) >> 16;
}

/* Jitter only shortens, so that `fall` failures never take longer than fall ×
 * interval + timeout. */
static int64_t next_interval_ms(const struct layout_target *t, uint32_t attempts)
{
	int64_t interval = t->conf->interval;
	uint32_t jitter = t->conf->jitter > 100 ? 100 : t->conf->jitter;

	interval -= share_of(interval * jitter / 100, target_hash(t, (uint64_t)attempts + 1));
	return interval < MIN_INTERVAL_MS ? MIN_INTERVAL_MS : interval;
}

/* 1,000 new ones in SPREAD_MS, but never slower than their interval asks for. */
static int64_t first_delay_ms(const struct layout_target *t, uint32_t n_new)
{
	int64_t spread = (int64_t)n_new * SPREAD_MS / 1000;

	spread = spread < t->conf->interval ? spread : t->conf->interval;
	return share_of(spread > MIN_SPREAD_MS ? spread : MIN_SPREAD_MS, target_hash(t, 0));
}

static void arm(struct sched *s)
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

static void attempt_cancel(struct sched *s, struct attempt *a)
{
	a->run.conf->type->cancel(&a->run);
	attempts_give(&s->under_way, a);
}

/* A clock does not go back, but a kind's report may say anything. */
static uint32_t at_most(int64_t n, uint32_t most)
{
	return n < 0 ? 0 : n > most ? most : (uint32_t)n;
}

/* The outcome of the attempt that began at start_ms; plans the next. */
static void take_outcome(struct sched *s, uint32_t id, const struct probe_report *report,
			 int64_t start_ms, int64_t took_us)
{
	const struct layout_target *asked = &s->asked[id];
	struct target *t = &s->targets[id];
	int64_t now = clock_mono_ms(), wall = clock_wall_ms(), due;
	bool changed;

	t->attempts++;
	t->last_status = (uint16_t)at_most(report->status, UINT16_MAX);
	t->last_errno = at_most(report->os_errno, ERRNO_MAX) & ERRNO_MAX;
	t->last_us = at_most(took_us, UINT32_MAX);
	t->connect_us = at_most(report->connect_us, UINT32_MAX);
	t->tls_us = at_most(report->tls_us, UINT32_MAX);
	t->first_byte_us = at_most(report->first_byte_us, UINT32_MAX);
	t->last_wall_ms = wall;
	if (probe_reasons[report->reason].outcome != PROBE_PASSED)
		target_count_failure(t, report->reason);
	changed =
		health_take(&t->health, report->reason, asked->conf->rise, asked->conf->fall, wall);
	due = start_ms + next_interval_ms(asked, t->attempts);
	heap_add(&s->plans, id, due > now ? due : now);
	s->fn(s->arg, id, changed);
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
	int64_t start_ms = a->start_ms, took_us = clock_mono_us() - a->start_us;
	uint32_t id = a->target;

	if (is_timeout(r.reason) && stalled(s, a))
		r.reason = PROBE_LOCAL_STALL;
	attempts_give(&s->under_way, a);
	take_outcome(s, id, &r, start_ms, took_us);
	arm(s);
}

static void start(struct sched *s, uint32_t id, int64_t now_us)
{
	static const struct probe_report no_memory = { .reason = PROBE_LOCAL_RESOURCES,
						       .os_errno = ENOMEM };
	const struct layout_target *t = &s->asked[id];
	const struct probe_type *type = t->conf->type;
	int64_t now_ms = now_us / 1000, grace = type->on_timeout ? 0 : WATCH_GRACE_MS;
	/* never early */
	struct attempt *a =
		attempts_take(&s->under_way, type->run_size, now_ms + 1 + t->conf->timeout + grace);

	worst_note(&s->late, now_ms, now_us - s->plans.slots[id].key * 1000);
	heap_remove(&s->plans, id);
	s->plans.slots[id].key = NOT_PLANNED;
	if (!a) {
		take_outcome(s, id, &no_memory, now_ms, 0);
		return;
	}
	a->run = (struct probe_run){ .conf = t->conf,
				     .addr = t->addr,
				     .timeout_ms = t->conf->timeout,
				     .loop = s->loop,
				     .fetches = s->fetches,
				     .state = a->state };
	a->sched = s;
	a->target = id;
	a->start_us = now_us;
	a->start_ms = now_ms;
	type->start(&a->run); /* may be done, and `a` gone */
}

static void expire(struct attempt *a)
{
	const struct probe_type *type = a->run.conf->type;
	enum probe_reason reason = type->on_timeout ? type->on_timeout : PROBE_LOCAL_ERROR;

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
	arm(s);
}

/* --- life ------------------------------------------------------------------- */

static int plans_new(struct heap *plans, uint32_t n)
{
	*plans = (struct heap){ .ids = rows_new(n + 1ul, sizeof(*plans->ids)),
				.slots = rows_new(n + 1ul, sizeof(*plans->slots)) };
	return plans->ids && plans->slots ? 0 : -ENOMEM;
}

static void heap_free(struct heap *h)
{
	free(h->ids);
	free(h->slots);
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
	r = plans_new(&s->plans, 0);
	if (!r)
		r = loop_timer_new(loop, "sched", on_timer, s, &s->timer);
	if (r) {
		heap_free(&s->plans);
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
		attempt_cancel(s, attempts_first(&s->under_way));
	attempts_fini(&s->under_way);
	loop_timer_free(s->timer);
	heap_free(&s->plans);
	free(s);
}

/* --- other targets -------------------------------------------------------------- */

struct sched_change {
	const struct layout_target *asked;
	struct target *targets;
	uint32_t n, n_old, n_new;
	const uint32_t *from; /* n */
	uint32_t *to;         /* by old id */
	struct heap plans;
};

/* to[old id] = new id or SCHED_NEW; counts the new ones. */
static int map_targets(struct sched_change *c)
{
	uint32_t i;

	memset(c->to, 0xff, c->n_old * sizeof(*c->to));
	for (i = 0; i < c->n; i++) {
		if (c->from[i] == SCHED_NEW) {
			c->n_new++;
			continue;
		}
		if (c->from[i] >= c->n_old || c->to[c->from[i]] != SCHED_NEW)
			return -EINVAL;
		c->to[c->from[i]] = i;
	}
	return 0;
}

int sched_prepare(const struct layout_target *asked, struct target *targets, uint32_t n,
		  uint32_t n_old, const uint32_t *from, struct sched_change **ret_change)
{
	struct sched_change *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct sched_change){ asked, targets, n, n_old, .from = from };
	r = plans_new(&c->plans, n);
	c->to = rows_new(n_old, sizeof(*c->to));
	if (!r)
		r = c->to ? map_targets(c) : -ENOMEM;
	if (r)
		sched_change_free(c);
	else
		*ret_change = c;
	return r;
}

void sched_change_free(struct sched_change *c)
{
	if (!c)
		return;
	heap_free(&c->plans);
	free(c->to);
	free(c);
}

/* May the attempt of a kept target go on? */
static bool same_question(const struct layout_target *a, const struct layout_target *b)
{
	return !addr_cmp(&a->addr, &b->addr) && a->conf->type == b->conf->type;
}

/* One kept target: its state, and its plan if it waits. */
static int64_t move_one(struct sched *s, const struct sched_change *c, uint32_t i, int64_t now)
{
	struct target *old = &s->targets[c->from[i]];
	int64_t key = s->plans.slots[c->from[i]].key;

	c->targets[i] = *old;
	if (old->n_failures)
		old->n_failures = 0; /* they are the new one's */
	/* the interval became shorter */
	if (key != NOT_PLANNED && key > now + c->asked[i].conf->interval)
		key = now + first_delay_ms(&c->asked[i], c->n);
	return key;
}

/* The old confs still stand: cancel() may look at them. */
static void move_attempts(struct sched *s, struct sched_change *c, int64_t now)
{
	uint32_t place;

	for (place = 0; place < s->under_way.n_places; place++) {
		struct attempt *a = s->under_way.all[place];
		uint32_t id = a ? c->to[a->target] : SCHED_NEW;

		if (!a)
			continue;
		if (id != SCHED_NEW && same_question(&s->asked[a->target], &c->asked[id])) {
			a->target = id;
			a->run.conf = c->asked[id].conf;
			continue;
		}
		if (id != SCHED_NEW)
			c->plans.slots[id].key = now;
		attempt_cancel(s, a);
	}
}

static void move_all(struct sched *s, struct sched_change *c)
{
	int64_t now = clock_mono_ms();
	uint32_t i;

	for (i = 0; i < c->n; i++)
		c->plans.slots[i].key = c->from[i] != SCHED_NEW
						? move_one(s, c, i, now)
						: now + first_delay_ms(&c->asked[i], c->n_new);
	move_attempts(s, c, now);
	for (i = 0; i < c->n; i++)
		if (c->plans.slots[i].key != NOT_PLANNED)
			c->plans.ids[c->plans.n++] = i;
	heap_order(&c->plans);
}

void sched_change(struct sched *s, struct sched_change *c, const struct sched_limits *limits)
{
	struct heap plans = s->plans;

	move_all(s, c);
	s->plans = c->plans;
	c->plans = plans;
	s->asked = c->asked;
	s->targets = c->targets;
	s->n = c->n;
	s->limits = *limits;
	arm(s);
}

int sched_replace(struct sched *s, const struct layout_target *asked, struct target *targets,
		  uint32_t n, const uint32_t *from, const struct sched_limits *limits)
{
	struct sched_change *c;
	int r = sched_prepare(asked, targets, n, s->n, from, &c);

	if (r)
		return r;
	sched_change(s, c, limits);
	sched_change_free(c);
	return 0;
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
