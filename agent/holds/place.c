/* place.c: a hold on its way from a decision to its effect. What waits for the disk
 * is known by its id: it may be lifted before the answer comes. */
#include "agent/holds/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "agent/base/buf.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/holds/effect.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place_internal.h"

enum { PATIENCE_MS = 200 };

/* One hold that waits for the ledger. */
struct waiting {
	struct placer *placer;
	struct loop_timer *timer;
	char *id;
	bool counted; /* it took effect unrecorded */
	LIST_ENTRY(waiting) link;
};

static void waiting_free(struct waiting *w)
{
	if (!w)
		return;
	loop_timer_free(w->timer);
	free(w->id);
	free(w);
}

void placer_asked_free(struct asked *q)
{
	if (!q)
		return;
	hold_free(q->hold);
	free(q);
}

int placer_new(struct loop *loop, struct ledger *ledger, struct holds *holds, placer_fn *fn,
	       void *arg, struct placer **ret_placer)
{
	struct placer *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = (struct placer){
		.loop = loop, .ledger = ledger, .holds = holds, .fn = fn, .arg = arg
	};
	*ret_placer = p;
	return 0;
}

void placer_free(struct placer *p)
{
	struct waiting *w;
	struct asked *q;

	if (!p)
		return;
	while ((w = LIST_FIRST(&p->waiting))) {
		LIST_REMOVE(w, link);
		waiting_free(w);
	}
	while ((q = p->asked)) {
		p->asked = q->next;
		q->fn(q->arg, -ESHUTDOWN, NULL);
		placer_asked_free(q);
	}
	free(p);
}

static void activate(struct placer *p, struct hold *h)
{
	if (h->active)
		return;
	h->active = true;
	p->fn(p->arg, h->service, h->realserver);
}

static void on_impatient(void *arg)
{
	struct waiting *w = arg;
	struct hold *h = holds_find(w->placer->holds, w->id);

	if (!h)
		return;
	log_event(LOG_WARN, "the ledger is slow, a rule's hold takes effect unrecorded",
		  LOG_STR("service", h->service), LOG_STR("realserver", h->realserver));
	w->counted = true;
	w->placer->unrecorded++;
	activate(w->placer, h);
}

static void on_recorded(void *arg, int error)
{
	struct waiting *w = arg;
	struct placer *p = w->placer;
	struct hold *h = holds_find(p->holds, w->id);

	LIST_REMOVE(w, link);
	if (h && error)
		log_event(LOG_WARN,
			  "a rule's hold could not be recorded, it takes effect all the same",
			  LOG_STR("service", h->service), LOG_STR("realserver", h->realserver),
			  LOG_ERR(error));
	if (h) {
		h->recorded = !error;
		p->unrecorded += error && !w->counted;
		activate(p, h);
	}
	waiting_free(w);
}

/* Begins to record; what cannot even be begun takes effect at once. */
static void record(struct placer *p, struct hold *h)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (w) {
		w->placer = p;
		w->id = strdup(h->id);
	}
	if (!p->ledger || !w || !w->id ||
	    loop_timer_new(p->loop, "hold-patience", on_impatient, w, &w->timer) ||
	    ledger_place(p->ledger, h, on_recorded, w)) {
		waiting_free(w);
		p->unrecorded++;
		activate(p, h);
		return;
	}
	LIST_INSERT_HEAD(&p->waiting, w, link);
	loop_timer_start(w->timer, PATIENCE_MS);
}

static bool same(const struct hold *h, const struct hold *like)
{
	return h->hold_class == like->hold_class && h->effect == like->effect &&
	       !strcmp(h->holder, like->holder);
}

static bool is_held(const struct placer *p, const struct hold *h)
{
	const struct hold *old = holds_same(p->holds, h);

	return old && old->active;
}

struct hold *placer_make(struct placer *p, const struct hold *like, int64_t now_wall_ms)
{
	static const char prefix[HOLD_N_CLASSES] = {
		[HOLD_RULE] = 'r', [HOLD_AGENT] = 's', [HOLD_ALERT] = 'a', [HOLD_OPERATOR] = 'o'
	};
	struct buf id = BUF_INIT;
	struct hold *h = NULL;

	buf_printf(&id, "%c%llx-%x", prefix[like->hold_class], (unsigned long long)now_wall_ms,
		   p->serial++);
	if (buf_ok(&id))
		h = hold_new(&(struct hold){ .id = id.data,
					     .hold_class = like->hold_class,
					     .service = like->service,
					     .realserver = like->realserver,
					     .holder = like->holder,
					     .rule = like->rule,
					     .effect = like->effect,
					     .weight = like->weight,
					     .reason = like->reason,
					     .since_wall_ms = now_wall_ms,
					     .until_wall_ms = like->until_wall_ms,
					     .starts_wall_ms = like->starts_wall_ms,
					     .drain_ms = like->drain_ms,
					     .origin = like->origin,
					     .number = like->number,
					     .revision = like->revision,
					     .forced = like->forced,
					     .refused = like->refused,
					     .waiting = like->waiting });
	buf_fini(&id);
	return h;
}

int placer_rule(struct placer *p, const struct hold *like, int64_t now_wall_ms)
{
	struct hold *h;
	bool instead;
	int r;

	if (like->hold_class != HOLD_RULE)
		return -EINVAL;
	for (h = holds_of(p->holds, like->service, like->realserver); h; h = h->next)
		if (same(h, like))
			return 0;
	h = placer_make(p, like, now_wall_ms);
	if (!h)
		return -ENOMEM;
	/* Between what was in force and what comes in its place the realserver must not
	 * be free for as long as the disk takes. */
	instead = is_held(p, h);
	h->active = instead;
	r = holds_place(p->holds, h, NULL);
	if (r) {
		hold_free(h);
		return r;
	}
	record(p, h);
	if (instead)
		p->fn(p->arg, h->service, h->realserver);
	return 0;
}

/* Said anew it may have other words. */
static int renew(struct hold *h, const char *reason)
{
	char *copy;

	if (!strcmp(h->reason, reason))
		return 0;
	copy = strdup(reason);
	if (!copy)
		return -ENOMEM;
	free(h->reason);
	h->reason = copy;
	return 0;
}

int placer_told(struct placer *p, const struct hold *like, int64_t now_wall_ms)
{
	struct hold *old = holds_same(p->holds, like), *h;
	int r;

	if (like->hold_class != HOLD_AGENT)
		return -EINVAL;
	if (old && old->effect == like->effect)
		return renew(old, like->reason);
	h = placer_make(p, like, now_wall_ms);
	if (!h)
		return -ENOMEM;
	h->active = true;
	r = holds_place(p->holds, h, NULL);
	if (r) {
		hold_free(h);
		return r;
	}
	if (p->watch)
		p->watch(p->watch_arg, h, false);
	p->fn(p->arg, h->service, h->realserver);
	return 0;
}

/* --- the end ------------------------------------------------------------------ */

void placer_record_end(struct placer *p, const struct hold *h)
{
	if (p->ledger && ledger_lift(p->ledger, h->id, NULL, NULL))
		log_event(LOG_WARN, "the end of a hold could not be recorded",
			  LOG_STR("service", h->service), LOG_STR("realserver", h->realserver));
}

void placer_lift(struct placer *p, const char *id)
{
	struct hold *h = holds_take(p->holds, id);
	struct asked *q;

	if (!h)
		return;
	/* It is being said anew: that is answered before this end is recorded. */
	for (q = p->asked; q; q = q->next)
		q->lifted |= !strcmp(q->hold->id, id);
	if (h->hold_class != HOLD_AGENT)
		placer_record_end(p, h);
	if (p->watch && h->hold_class != HOLD_RULE)
		p->watch(p->watch_arg, h, true);
	p->fn(p->arg, h->service, h->realserver);
	hold_free(h);
}

void placer_watch(struct placer *p, placer_watch_fn *fn, void *arg)
{
	p->watch = fn;
	p->watch_arg = arg;
}

void placer_lift_asked(struct placer *p, const struct hold *like)
{
	const struct hold *h = holds_same(p->holds, like);
	struct asked *q;

	for (q = p->asked; q; q = q->next) {
		if (q->lifted || !hold_alike(q->hold, like))
			continue;
		q->lifted = true;
		placer_record_end(p, q->hold);
	}
	if (h)
		placer_lift(p, h->id);
}

uint64_t placer_unrecorded(const struct placer *p)
{
	return p->unrecorded;
}
