/* drains.c: every hold that drains has an entry, by its id. While one is under way the
 * kernel is asked each second about the realservers concerned, and every ten seconds when
 * all are drained: connections may come back, for weight 0 keeps none of them away that
 * persistence sends. One poll at a time, and never more than a twentieth of the time. */
#include "agent/drains.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) (oom = true)
#include <uthash.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/drains_poll.h"

enum {
	FIRST_MS = 100, /* after a hold: its weight is written first */
	POLL_MS = 1000,
	DONE_MS = 10000,
	SHARE = 20, /* of the time a poll may take one part */
};

struct entry {
	char *id;
	struct drain drain;
	uint32_t realserver; /* of the layout in force; LAYOUT_NONE = it has none such */
	int64_t due_ms;      /* the next look */
	bool old_news;       /* drained before the start, as far as anybody can know */
	UT_hash_handle hh;
};

struct drains {
	struct agent *agent;
	struct entry *entries;
	struct loop_timer *timer;
	struct drains_poll *poll; /* under way */
	bool outdated;            /* … and its ids are another layout's */
};

bool hold_drains(const struct hold *h)
{
	return h->effect == HOLD_ZERO && h->active && h->hold_class != HOLD_RULE &&
	       strcmp(h->realserver, HOLD_SERVICE) != 0;
}

static void entry_free(struct entry *e)
{
	if (!e)
		return;
	free(e->id);
	free(e);
}

static struct entry *find(const struct drains *d, const char *id)
{
	struct entry *e;

	HASH_FIND_STR(d->entries, id, e);
	return e;
}

const struct drain *drains_find(const struct drains *d, const struct hold *hold)
{
	const struct entry *e = d && hold_drains(hold) ? find(d, hold->id) : NULL;

	return e ? &e->drain : NULL;
}

uint32_t drains_count(const struct drains *d)
{
	return d ? HASH_COUNT(d->entries) : 0;
}

/* --- entries ------------------------------------------------------------------ */

/* The deadline that it names, else its service's. */
static int64_t deadline_of(const struct drains *d, const struct hold *h)
{
	const struct layout *l = d->agent->state->layout;
	uint32_t service = layout_find_service(l, h->service);
	int64_t ms = h->drain_ms;

	if (!ms && service != LAYOUT_NONE)
		ms = l->services[service].conf->drain_timeout;
	return ms ? h->since_wall_ms + ms : 0;
}

/* What changes while it goes on: its deadline, and which realserver has its names. */
static void settle(const struct drains *d, struct entry *e, const struct hold *h)
{
	e->realserver = layout_find(d->agent->state->layout, h->service, h->realserver);
	drain_until(&e->drain, deadline_of(d, h), clock_wall_ms());
}

static struct entry *add(struct drains *d, const struct hold *h)
{
	struct entry *e = calloc(1, sizeof(*e));
	bool oom = false;

	if (e)
		e->id = strdup(h->id);
	if (!e || !e->id) {
		entry_free(e);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, d->entries, e->id, strlen(e->id), e);
	if (oom) {
		entry_free(e);
		return NULL;
	}
	drain_begin(&e->drain, h->since_wall_ms, 0);
	return e;
}

/* Without memory for it the hold still holds; only its progress is not shown. */
static void note_hold(struct drains *d, const struct hold *h)
{
	struct entry *e;

	if (!hold_drains(h))
		return;
	e = find(d, h->id);
	if (!e)
		e = add(d, h);
	if (!e)
		return;
	settle(d, e, h);
	e->due_ms = clock_mono_ms() + FIRST_MS;
}

/* Those whose hold has ended, or drains no longer. */
static void sweep(struct drains *d)
{
	struct entry *e, *next;

	HASH_ITER (hh, d->entries, e, next) {
		const struct hold *h = holds_find(d->agent->holds, e->id);

		if (h && hold_drains(h))
			continue;
		HASH_DEL(d->entries, e);
		entry_free(e);
	}
}

/* --- looking ------------------------------------------------------------------- */

/* Waits for what is due next; nothing is while a poll is under way. */
static void wait(struct drains *d)
{
	int64_t next = INT64_MAX, now = clock_mono_ms();
	const struct entry *e;

	if (d->poll)
		return;
	for (e = d->entries; e; e = e->hh.next)
		if (e->due_ms < next)
			next = e->due_ms;
	if (next == INT64_MAX)
		loop_timer_stop(d->timer);
	else
		loop_timer_start(d->timer, next > now ? next - now : 0);
}

static void tell(struct drains *d, const struct entry *e)
{
	const struct hold *h = holds_find(d->agent->holds, e->id);

	if (h)
		drains_tell(d->agent, h, &e->drain);
}

static void look(struct drains *d, struct entry *e, const struct drain_look *at)
{
	int64_t now_ms = clock_mono_ms();
	bool first = !e->drain.memory.looked;
	bool changed = drain_look(&e->drain, at, now_ms, clock_wall_ms());

	if (changed && !(first && e->old_news))
		tell(d, e);
	e->due_ms = now_ms + (e->drain.state == DRAIN_DRAINED ? DONE_MS : POLL_MS);
}

/* The kernel did not answer. */
static void look_blind(struct drains *d, struct entry *e, int64_t now_ms)
{
	if (drain_blind(&e->drain, clock_wall_ms()))
		tell(d, e);
	e->due_ms = now_ms + POLL_MS;
}

static int cmp_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void on_poll(void *arg, const struct drains_found *found)
{
	struct drains *d = arg;
	int64_t pause_ms = found->took_ms * SHARE, now_ms = clock_mono_ms();
	struct entry *e, *next;

	d->poll = NULL;
	sweep(d);
	HASH_ITER (hh, d->entries, e, next) {
		const uint32_t *at = NULL;

		if (!d->outdated)
			at = bsearch(&e->realserver, found->realservers, found->n, sizeof(*at),
				     cmp_id);
		if (at && found->looks)
			look(d, e, &found->looks[at - found->realservers]);
		else if (at)
			look_blind(d, e, now_ms);
		if (e->due_ms < now_ms + pause_ms)
			e->due_ms = now_ms + pause_ms;
	}
	d->outdated = false;
	wait(d);
}

/* The realservers that are due, each once. */
static uint32_t gather(struct drains *d, uint32_t *realservers, int64_t now_ms)
{
	static const struct drain_look unnamed = { .unnamed = true };
	uint32_t n = 0, kept = 0, i;
	struct entry *e;

	for (e = d->entries; e; e = e->hh.next) {
		if (e->due_ms > now_ms)
			continue;
		if (e->realserver == LAYOUT_NONE)
			look(d, e, &unnamed);
		else
			realservers[n++] = e->realserver;
	}
	if (n)
		qsort(realservers, n, sizeof(*realservers), cmp_id);
	for (i = 0; i < n; i++)
		if (!i || realservers[kept - 1] != realservers[i])
			realservers[kept++] = realservers[i];
	return kept;
}

static void on_time(void *arg)
{
	struct drains *d = arg;
	int64_t now_ms = clock_mono_ms();
	uint32_t *realservers, n;
	struct entry *e;

	sweep(d);
	if (d->poll || !d->entries || d->agent->stopping)
		return;
	realservers = malloc(HASH_COUNT(d->entries) * sizeof(*realservers));
	n = realservers ? gather(d, realservers, now_ms) : 0;
	if (n && drains_poll(d->agent, realservers, n, on_poll, d, &d->poll))
		d->poll = NULL;
	free(realservers);
	/* Not now: then later. */
	for (e = d->entries; e && !d->poll; e = e->hh.next)
		if (e->due_ms <= now_ms)
			look_blind(d, e, now_ms);
	wait(d);
}

/* --- life ----------------------------------------------------------------------- */

static void restore(void *arg, const struct hold *h)
{
	struct drains *d = arg;
	struct entry *e;

	note_hold(d, h);
	e = find(d, h->id);
	/* What was drained for long is no news; of a drain that may have come to its end
	 * while nobody looked it is better told twice. */
	if (e)
		e->old_news = clock_wall_ms() >= e->drain.deadline_wall_ms;
}

int drains_new(struct agent *a, struct drains **ret_drains)
{
	struct drains *d = calloc(1, sizeof(*d));
	int e;

	if (!d)
		return -ENOMEM;
	d->agent = a;
	e = loop_timer_new(a->loop, "drains", on_time, d, &d->timer);
	if (e) {
		free(d);
		return e;
	}
	holds_each(a->holds, restore, d);
	wait(d);
	*ret_drains = d;
	return 0;
}

void drains_free(struct drains *d)
{
	struct entry *e, *next;

	if (!d)
		return;
	drains_poll_drop(d->poll);
	loop_timer_free(d->timer);
	HASH_ITER (hh, d->entries, e, next) {
		HASH_DEL(d->entries, e);
		entry_free(e);
	}
	free(d);
}

void drains_note(struct drains *d, const char *service, const char *realserver)
{
	const struct hold *h;

	if (!d)
		return;
	for (h = holds_of(d->agent->holds, service, realserver); h; h = h->next)
		note_hold(d, h);
	wait(d);
}

void drains_reload(struct drains *d)
{
	struct entry *e, *next;

	if (!d)
		return;
	d->outdated = d->poll != NULL;
	sweep(d);
	HASH_ITER (hh, d->entries, e, next)
		settle(d, e, holds_find(d->agent->holds, e->id));
	wait(d);
}
