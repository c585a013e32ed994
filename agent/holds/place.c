/* place.c: a hold on its way from a decision to its effect. What waits for the disk
 * is known by its id: it may be lifted before the answer comes. */
#include "agent/holds/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/buf.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/holds/ledger.h"

enum { PATIENCE_MS = 200 };

/* One hold that waits for the ledger. */
struct waiting {
	struct placer *placer;
	struct loop_timer *timer;
	char *id;
	bool counted; /* it took effect unrecorded */
	struct waiting *next;
};

struct placer {
	struct loop *loop;
	struct ledger *ledger;
	struct holds *holds;
	placer_fn *fn;
	void *arg;
	struct waiting *waiting;
	uint64_t unrecorded;
	uint32_t serial; /* of the ids of this process */
};

static void waiting_free(struct waiting *w)
{
	if (!w)
		return;
	loop_timer_free(w->timer);
	free(w->id);
	free(w);
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
	struct waiting *w, *next;

	if (!p)
		return;
	for (w = p->waiting; w; w = next) {
		next = w->next;
		waiting_free(w);
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
	struct waiting *w = arg, **at;
	struct placer *p = w->placer;
	struct hold *h = holds_find(p->holds, w->id);

	for (at = &p->waiting; *at; at = &(*at)->next) {
		if (*at == w) {
			*at = w->next;
			break;
		}
	}
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
	w->next = p->waiting;
	p->waiting = w;
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

int placer_rule(struct placer *p, const struct hold *like, int64_t now_wall_ms)
{
	struct buf id = BUF_INIT;
	struct hold *h;
	bool instead;
	int r;

	for (h = holds_of(p->holds, like->service, like->realserver); h; h = h->next)
		if (same(h, like))
			return 0;
	buf_printf(&id, "r%llx-%x", (unsigned long long)now_wall_ms, p->serial++);
	if (!buf_ok(&id))
		return -ENOMEM;
	h = hold_new(&(struct hold){ .id = id.data,
				     .hold_class = HOLD_RULE,
				     .service = like->service,
				     .realserver = like->realserver,
				     .holder = like->holder,
				     .effect = like->effect,
				     .reason = like->reason,
				     .since_wall_ms = now_wall_ms });
	buf_fini(&id);
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

void placer_lift(struct placer *p, const char *id)
{
	struct hold *h = holds_take(p->holds, id);

	if (!h)
		return;
	if (p->ledger && ledger_lift(p->ledger, h->id, NULL, NULL))
		log_event(LOG_WARN, "the end of a hold could not be recorded",
			  LOG_STR("service", h->service), LOG_STR("realserver", h->realserver));
	p->fn(p->arg, h->service, h->realserver);
	hold_free(h);
}

uint64_t placer_unrecorded(const struct placer *p)
{
	return p->unrecorded;
}
