/* leases.c: what follows from an alert. Deliveries are doubled, late and out of order, and
 * the end of an alert may never be told: so an alert is known by its fingerprint, its
 * episode by when it started, and each episode ends once.
 *
 * What is remembered of episodes that are over lives in memory alone: after a restart a
 * copy that is later still would be taken for news, and would last until its ttl. */
#include "agent/leases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) (oom = true)
#include <uthash.h>

#include "agent/rules/alert_target.h"
#include "agent/rules/rule_conf.h"

/* The last that is known of an alert. */
struct episode {
	char *fingerprint;
	int64_t starts_wall_ms;
	int64_t resolved_wall_ms; /* 0 = it has not been */
	int64_t touched_wall_ms;
	char **ids; /* of its holds; one may be of a hold that has gone */
	uint32_t n, room;
	UT_hash_handle hh;
};

struct leases {
	struct episode *by_fingerprint; /* oldest first */
};

/* --- memory ------------------------------------------------------------------------- */

static void episode_free(struct episode *e)
{
	if (!e)
		return;
	while (e->n)
		free(e->ids[--e->n]);
	free(e->ids);
	free(e->fingerprint);
	free(e);
}

int leases_new(struct leases **ret_leases)
{
	struct leases *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return -ENOMEM;
	*ret_leases = ls;
	return 0;
}

static void forget(struct leases *ls, struct episode *e)
{
	HASH_DEL(ls->by_fingerprint, e);
	episode_free(e);
}

void leases_free(struct leases *ls)
{
	if (!ls)
		return;
	while (ls->by_fingerprint)
		forget(ls, ls->by_fingerprint);
	free(ls);
}

static struct episode *episode_of(const struct leases *ls, const char *fingerprint)
{
	struct episode *e;

	HASH_FIND_STR(ls->by_fingerprint, fingerprint, e);
	return e;
}

/* Old ones without a hold go, and where there are too many the oldest of those. */
static void make_room(struct leases *ls, int64_t now_wall_ms)
{
	struct episode *e = ls->by_fingerprint, *next;

	for (; e; e = next) {
		bool many = HASH_COUNT(ls->by_fingerprint) >= LEASE_MEMORY_MAX;

		next = e->hh.next;
		if (!many && now_wall_ms - e->touched_wall_ms < LEASE_MEMORY_MS)
			return;
		if (!e->n)
			forget(ls, e);
	}
}

/* Without memory for it an alert is as if it had never been heard of. */
static struct episode *remember(struct leases *ls, const char *fingerprint, int64_t now_wall_ms)
{
	struct episode *e = episode_of(ls, fingerprint);
	bool oom = false;

	if (e) {
		HASH_DEL(ls->by_fingerprint, e);
	} else {
		make_room(ls, now_wall_ms);
		e = calloc(1, sizeof(*e));
		if (e)
			e->fingerprint = strdup(fingerprint);
		if (!e || !e->fingerprint) {
			episode_free(e);
			return NULL;
		}
	}
	e->touched_wall_ms = now_wall_ms;
	HASH_ADD_KEYPTR(hh, ls->by_fingerprint, e->fingerprint, strlen(e->fingerprint), e);
	if (oom) {
		episode_free(e);
		return NULL;
	}
	return e;
}

static void add_id(struct episode *e, const char *id)
{
	uint32_t room = e->room ? 2 * e->room : 2, i;
	char **grown;

	for (i = 0; i < e->n; i++)
		if (!strcmp(e->ids[i], id))
			return;
	if (e->n == e->room) {
		grown = reallocarray(e->ids, room, sizeof(*grown));
		if (!grown)
			return;
		e->ids = grown;
		e->room = room;
	}
	e->ids[e->n] = strdup(id);
	e->n += e->ids[e->n] != NULL;
}

static void drop_id(struct episode *e, const char *id)
{
	uint32_t i;

	for (i = 0; i < e->n; i++) {
		if (strcmp(e->ids[i], id) != 0)
			continue;
		free(e->ids[i]);
		e->ids[i] = e->ids[--e->n];
		return;
	}
}

void leases_note(struct leases *ls, const struct hold *h, bool ended, int64_t now_wall_ms)
{
	struct episode *e;

	if (h->hold_class != HOLD_ALERT)
		return;
	e = remember(ls, h->holder, now_wall_ms);
	if (!e)
		return;
	if (ended) {
		drop_id(e, h->id);
		return;
	}
	add_id(e, h->id);
	if (h->starts_wall_ms > e->starts_wall_ms) {
		e->starts_wall_ms = h->starts_wall_ms;
		e->resolved_wall_ms = 0;
	}
}

/* --- what fires ----------------------------------------------------------------------- */

static void conclude(struct lease_alert *a, enum alert_outcome outcome, const char *why)
{
	a->outcome = outcome;
	buf_reset(&a->why);
	buf_puts(&a->why, why);
}

/* The hold that one match comes to, in the words of the alert. */
static struct hold like_of(const struct lease_request *rq, const struct lease_alert *a,
			   const struct lease_match *m, const struct buf *reason,
			   int64_t now_wall_ms)
{
	const struct layout *l = rq->layout;
	const struct layout_realserver *r = &l->realservers[m->realserver];

	return (struct hold){
		.hold_class = HOLD_ALERT,
		.service = (char *)(uintptr_t)l->services[r->service].conf->head.name,
		.realserver = (char *)(uintptr_t)r->conf->name,
		.holder = (char *)(uintptr_t)a->alert->fingerprint,
		.rule = (char *)(uintptr_t)m->rule->head.name,
		.effect = rule_conf_lease_effect(m->rule),
		.reason = (char *)(uintptr_t)buf_str(reason),
		.until_wall_ms = now_wall_ms + m->rule->ttl,
		.starts_wall_ms = a->alert->starts_wall_ms,
		.waiting = true,
	};
}

/* Whether the one that stands says all that this one would. */
static bool is_said(const struct hold *old, const struct hold *like, int64_t ttl_ms)
{
	int64_t moved = like->until_wall_ms - old->until_wall_ms;
	int64_t hardly = ttl_ms / 4 < LEASE_RENEW_MS ? ttl_ms / 4 : LEASE_RENEW_MS;

	return old->starts_wall_ms == like->starts_wall_ms && old->effect == like->effect &&
	       moved <= hardly && moved >= -hardly;
}

static void describe(const struct alert *a, struct buf *out)
{
	buf_printf(out, "alert %s", a->name);
	if (*a->summary)
		buf_printf(out, ": %s", a->summary);
}

static const char *stale(const struct leases *ls, const struct alert *a, int64_t now_wall_ms)
{
	const struct episode *e = episode_of(ls, a->fingerprint);

	if (a->starts_wall_ms > now_wall_ms + LEASE_SKEW_MS)
		return "it starts more than an hour from now: do the clocks differ?";
	if (e && a->starts_wall_ms < e->starts_wall_ms)
		return "a later episode of it is known";
	if (e && a->starts_wall_ms == e->starts_wall_ms && e->resolved_wall_ms &&
	    now_wall_ms - e->resolved_wall_ms < LEASE_LATE_MS)
		return "it has just been resolved";
	return NULL;
}

static uint32_t count_new(const struct lease_request *rq, const struct lease_alert *a,
			  const struct holds *holds)
{
	const struct buf none = BUF_INIT;
	uint32_t i, n = 0;

	for (i = a->first; i < a->first + a->n; i++) {
		struct hold like = like_of(rq, a, &rq->matches[i], &none, 0);

		n += !holds_same(holds, &like);
	}
	return n;
}

static void judge_firing(struct leases *ls, struct lease_request *rq, struct lease_alert *a,
			 const struct holds *holds, int64_t now_wall_ms,
			 const struct lease_do *todo)
{
	const char *why = stale(ls, a->alert, now_wall_ms);
	uint32_t n_new = count_new(rq, a, holds), i;
	struct buf reason = BUF_INIT;

	if (why) {
		conclude(a, ALERT_IGNORED, why);
		return;
	}
	if (n_new && rq->n_new + n_new > REQUEST_TARGETS_MAX) {
		conclude(a, ALERT_REFUSED, "the request asks for more than 100 realservers anew");
		return;
	}
	rq->n_new += n_new;
	describe(a->alert, &reason);
	for (i = a->first; i < a->first + a->n; i++) {
		const struct lease_match *m = &rq->matches[i];
		struct hold like = like_of(rq, a, m, &reason, now_wall_ms);
		const struct hold *old = holds_same(holds, &like);

		/* What acts goes on acting: it is the same alert. */
		if (old)
			like.waiting = old->waiting;
		if (!old || !is_said(old, &like, m->rule->ttl))
			todo->place(todo->arg, &like);
	}
	buf_fini(&reason);
}

/* --- what is over ----------------------------------------------------------------------- */

/* Ends one of its holds, unless that is of a later episode. */
static bool end_one(const struct alert *a, const struct hold *h, bool frozen, int64_t now_wall_ms,
		    const struct lease_do *todo)
{
	struct hold over = *h;

	if (a->starts_wall_ms < h->starts_wall_ms)
		return false;
	if (frozen && !h->waiting) {
		over.until_wall_ms = now_wall_ms;
		todo->place(todo->arg, &over);
	} else {
		todo->lift(todo->arg, h->id);
	}
	return true;
}

static void judge_resolved(struct leases *ls, struct lease_alert *a, const struct holds *holds,
			   bool frozen, int64_t now_wall_ms, const struct lease_do *todo)
{
	struct episode *e = episode_of(ls, a->alert->fingerprint);
	bool ended = false, later = false;
	uint32_t i;

	if (!e && !a->known)
		return;
	e = remember(ls, a->alert->fingerprint, now_wall_ms);
	for (i = e ? e->n : 0; i > 0 && i <= e->n; i--) {
		const struct hold *h = holds_find(holds, e->ids[i - 1]);

		if (!h)
			drop_id(e, e->ids[i - 1]);
		else if (end_one(a->alert, h, frozen, now_wall_ms, todo))
			ended = true;
		else
			later = true;
	}
	if (e && a->alert->starts_wall_ms >= e->starts_wall_ms &&
	    a->alert->starts_wall_ms <= now_wall_ms + LEASE_SKEW_MS) {
		e->starts_wall_ms = a->alert->starts_wall_ms;
		e->resolved_wall_ms = now_wall_ms;
	}
	if (ended)
		conclude(a, ALERT_RESOLVED, "");
	else
		conclude(a, ALERT_IGNORED,
			 later ? "a later episode of it is known" : "nothing is held for it");
}

void leases_judge(struct leases *ls, struct lease_request *rq, uint32_t alert,
		  const struct holds *holds, bool frozen, int64_t now_wall_ms,
		  const struct lease_do *todo)
{
	struct lease_alert *a = &rq->list[alert];

	if (a->alert->wrong)
		return;
	if (a->alert->resolved)
		judge_resolved(ls, a, holds, frozen, now_wall_ms, todo);
	else if (a->n)
		judge_firing(ls, rq, a, holds, now_wall_ms, todo);
}
