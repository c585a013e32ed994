/* place_asked.c: operators' and alerts' holds: nobody's until the ledger has them. */
#include "agent/holds/place_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/holds/effect.h"
#include "agent/holds/ledger.h"
#include "agent/holds/seen.h"

/* --- numbers --------------------------------------------------------------------- */

/* Above all that is known of anybody: who knew of another has the higher number. */
static void give_number(struct placer *p, struct hold *h)
{
	uint64_t top;

	if (!p->seen || !hold_is_shared(h))
		return;
	top = seen_top(p->seen);
	p->number = (top > p->number ? top : p->number) + 1;
	h->number = p->number;
}

/* One from before anything was shared. */
struct numbering {
	struct placer *placer;
	char *id;
	uint64_t number;
};

static void on_numbered(void *arg, int error)
{
	struct numbering *n = arg;
	struct hold *h = holds_find(n->placer->holds, n->id);

	if (error)
		log_event(LOG_WARN, "a hold could not be recorded anew: peers are not told of it",
			  LOG_STR("hold", n->id), LOG_ERR(error));
	if (!error && !seen_raise(n->placer->seen, "", n->number) && h && !h->number)
		h->number = n->number;
	free(n->id);
	free(n);
}

struct sharing {
	struct placer *placer;
	int error;
};

static void share_one(void *arg, const struct hold *h)
{
	struct sharing *s = arg;
	struct hold numbered = *h;
	struct numbering *n;

	if (h->number || !hold_is_shared(h))
		return;
	n = calloc(1, sizeof(*n));
	if (n) {
		n->placer = s->placer;
		n->id = strdup(h->id);
	}
	give_number(s->placer, &numbered);
	if (n)
		n->number = numbered.number;
	if (n && n->id && !ledger_place(s->placer->ledger, &numbered, on_numbered, n))
		return;
	s->error = -ENOMEM;
	if (n)
		free(n->id);
	free(n);
}

int placer_share(struct placer *p, struct seen_set *seen)
{
	struct sharing s = { p, 0 };

	if (!p->ledger)
		return -EROFS;
	s.error = seen_raise(seen, "", 0);
	p->seen = s.error ? NULL : seen;
	if (!s.error)
		holds_each(p->holds, share_one, &s);
	return s.error;
}

/* --- recorded --------------------------------------------------------------------- */

static void on_asked_recorded(void *arg, int error)
{
	struct asked *q = arg, **at;
	struct placer *p = q->placer;
	struct hold *h = q->hold;

	for (at = &p->asked; *at; at = &(*at)->next) {
		if (*at == q) {
			*at = q->next;
			break;
		}
	}
	if (q->lifted && !error)
		error = -ECANCELED;
	if (!error) {
		h->active = !h->waiting;
		h->recorded = true;
		error = holds_place(p->holds, h, NULL);
		/* What is not in force must not come back with the next start; but that a
		 * peer's has ended would be told to that. */
		if (error && !*h->origin)
			(void)ledger_lift(p->ledger, h->id, NULL, NULL);
	}
	if (!error) {
		q->hold = NULL;
		/* There is a row for its origin: nothing can fail. */
		if (p->seen && h->number)
			(void)seen_raise(p->seen, h->origin, h->number);
		else if (p->seen)
			share_one(&(struct sharing){ p, 0 }, h);
		if (p->watch)
			p->watch(p->watch_arg, h, false);
		p->fn(p->arg, h->service, h->realserver);
	}
	q->fn(q->arg, error, error ? NULL : h);
	placer_asked_free(q);
}

/* --- placing ---------------------------------------------------------------------- */

/* A peer's is what it is there; said anew it keeps its id. */
static struct hold *make_carried(struct placer *p, const struct hold *like, int64_t now_wall_ms)
{
	const struct hold *old = holds_same(p->holds, like);
	struct hold as = *like, *h;

	if (old && old->number == like->number) {
		as.id = old->id;
		return hold_new(&as);
	}
	h = placer_make(p, like, now_wall_ms);
	if (h)
		h->since_wall_ms = like->since_wall_ms;
	return h;
}

/* The new one; said anew, one of the same effect stays what it is for longer. */
static struct hold *make_asked(struct placer *p, const struct hold *like, int64_t now_wall_ms)
{
	const struct hold *old = holds_same(p->holds, like);
	struct hold renewed = *like, *h;

	if (!old || old->effect != like->effect || old->weight != like->weight ||
	    old->starts_wall_ms != like->starts_wall_ms) {
		renewed.number = 0;
		renewed.revision = 0;
		h = placer_make(p, &renewed, now_wall_ms);
		if (h)
			give_number(p, h);
		return h;
	}
	renewed.number = old->number;
	renewed.revision = old->revision + 1;
	renewed.forced = like->forced || old->forced;
	renewed.id = old->id;
	renewed.since_wall_ms = old->since_wall_ms;
	renewed.waiting = like->waiting && old->waiting;
	/* Its deadline is counted from when it began, and meant from now on. */
	if (like->drain_ms && now_wall_ms > old->since_wall_ms)
		renewed.drain_ms = like->drain_ms + (now_wall_ms - old->since_wall_ms);
	return hold_new(&renewed);
}

int placer_asked(struct placer *p, const struct hold *like, int64_t now_wall_ms,
		 placer_asked_fn *fn, void *arg)
{
	struct asked *q;
	int r;

	if (like->hold_class != HOLD_ALERT && like->hold_class != HOLD_OPERATOR)
		return -EINVAL;
	if (!p->ledger)
		return -EROFS;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct asked){ .placer = p, .fn = fn, .arg = arg };
	q->hold = like->origin && *like->origin ? make_carried(p, like, now_wall_ms)
						: make_asked(p, like, now_wall_ms);
	if (q->hold && p->seen && q->hold->number && seen_raise(p->seen, q->hold->origin, 0)) {
		placer_asked_free(q);
		return -ENOMEM;
	}
	r = q->hold ? ledger_place(p->ledger, q->hold, on_asked_recorded, q) : -ENOMEM;
	if (r) {
		placer_asked_free(q);
		return r;
	}
	q->next = p->asked;
	p->asked = q;
	return 0;
}

/* --- another name ---------------------------------------------------------------- */

static void on_moved(void *arg, int error)
{
	struct placer *p = arg;

	if (!error)
		return;
	p->unrecorded++;
	log_event(LOG_WARN, "that a hold follows a new name could not be recorded", LOG_ERR(error));
}

int placer_move(struct placer *p, const char *id, const char *service, const char *realserver,
		int64_t now_wall_ms)
{
	struct hold *old = holds_find(p->holds, id), *h, like;
	int e;

	if (!old || (old->hold_class != HOLD_ALERT && old->hold_class != HOLD_OPERATOR))
		return -ENOENT;
	like = *old;
	like.service = (char *)(uintptr_t)service;
	like.realserver = (char *)(uintptr_t)realserver;
	/* Its names are its origin's to change, for all. */
	like.revision += like.number && !*like.origin;
	if (holds_same(p->holds, &like))
		return -EEXIST;
	/* Its id is of now: one of an earlier process may be that of another hold. */
	h = placer_make(p, &like, now_wall_ms);
	if (!h)
		return -ENOMEM;
	h->since_wall_ms = old->since_wall_ms;
	h->active = old->active;
	h->recorded = old->recorded;
	e = holds_place(p->holds, h, NULL);
	if (e) {
		hold_free(h);
		return e;
	}
	if (!p->ledger || ledger_place(p->ledger, h, on_moved, p))
		p->unrecorded++;
	placer_record_end(p, old);
	if (p->watch) {
		p->watch(p->watch_arg, old, true);
		p->watch(p->watch_arg, h, false);
	}
	hold_free(holds_take(p->holds, old->id));
	p->fn(p->arg, service, realserver);
	return 0;
}

static void on_act_recorded(void *arg, int error)
{
	struct placer *p = arg;

	if (!error)
		return;
	p->unrecorded++;
	log_event(LOG_WARN, "that a guard let an alert act could not be recorded", LOG_ERR(error));
}

/* One that is being renewed is recorded as it will be. */
static int record_act(struct placer *p, const struct hold *h)
{
	const struct asked *q;

	for (q = p->asked; q; q = q->next)
		if (!q->lifted && !strcmp(q->hold->id, h->id))
			h = q->hold;
	return ledger_place(p->ledger, h, on_act_recorded, p);
}

int placer_effect(struct placer *p, const char *id, int effect)
{
	struct hold *h = holds_find(p->holds, id);
	struct asked *q;

	if (!h || h->hold_class != HOLD_ALERT)
		return -ENOENT;
	h->effect = effect;
	for (q = p->asked; q; q = q->next)
		if (!strcmp(q->hold->id, h->id))
			q->hold->effect = effect;
	p->fn(p->arg, h->service, h->realserver);
	return p->ledger ? record_act(p, h) : 0;
}

static void set_waiting(struct placer *p, struct hold *h, bool waiting)
{
	struct asked *q;

	h->waiting = waiting;
	for (q = p->asked; q; q = q->next)
		if (!strcmp(q->hold->id, h->id))
			q->hold->waiting = waiting;
}

int placer_act(struct placer *p, const char *id, bool acts)
{
	struct hold *h = holds_find(p->holds, id);
	int e;

	if (!h || (h->hold_class != HOLD_ALERT && !(h->hold_class == HOLD_OPERATOR && h->number)))
		return -ENOENT;
	if (h->waiting == !acts)
		return 0;
	set_waiting(p, h, !acts);
	e = p->ledger ? record_act(p, h) : 0;
	if (e) {
		set_waiting(p, h, acts);
		return e;
	}
	h->active = acts;
	if (p->watch)
		p->watch(p->watch_arg, h, false);
	p->fn(p->arg, h->service, h->realserver);
	return 0;
}

bool placer_is_asked(const struct placer *p, const struct hold *like)
{
	const struct asked *q;

	for (q = p->asked; q; q = q->next)
		if (!q->lifted && hold_alike(q->hold, like))
			return true;
	return false;
}
