/* expire.c: one timer for the nearest end. Ends are wall time, which may be set while
 * the timer runs, so it never sleeps for longer than a minute. */
#include "agent/holds/expire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/holds/effect.h"
#include "agent/holds/place.h"

enum { LOOK_MS = 60000, RETRY_MS = 1000 };

struct expirer {
	struct holds *holds;
	struct placer *placer;
	struct loop_timer *timer;
	int64_t next_wall_ms; /* what it waits for */
};

struct next {
	int64_t wall_ms;
	bool frozen;
};

/* While everything is frozen, an alert that acts goes on acting. */
static bool stays(const struct hold *h, bool frozen)
{
	return frozen && h->hold_class == HOLD_ALERT && !h->waiting;
}

static void find_next(void *arg, const struct hold *h)
{
	struct next *next = arg;

	if (h->until_wall_ms && h->until_wall_ms < next->wall_ms && !stays(h, next->frozen))
		next->wall_ms = h->until_wall_ms;
}

int64_t holds_next_end(const struct holds *h)
{
	struct next next = { INT64_MAX, holds_freeze(h) != NULL };

	holds_each(h, find_next, &next);
	return next.wall_ms;
}

/* Those that are over, by id: lifting changes the table that is walked. */
struct over {
	int64_t now;
	char **ids;
	size_t n, room;
	bool frozen, failed;
};

static void find_over(void *arg, const struct hold *h)
{
	struct over *o = arg;

	if (!h->until_wall_ms || h->until_wall_ms > o->now || o->n == o->room ||
	    stays(h, o->frozen))
		return;
	o->ids[o->n] = strdup(h->id);
	o->failed |= !o->ids[o->n];
	o->n += o->ids[o->n] != NULL;
}

static void lift(struct expirer *x, const char *id)
{
	const struct hold *h = holds_find(x->holds, id);

	/* With the end of a freeze others ended, perhaps this one. */
	if (!h)
		return;
	log_event(LOG_INFO, "hold released", LOG_STR("service", h->service),
		  LOG_STR("realserver", h->realserver),
		  LOG_STR("class", hold_class_names[h->hold_class]), LOG_STR("holder", h->holder),
		  LOG_STR("reason", "its time is over"));
	placer_lift(x->placer, id);
}

/* False: not all could be lifted for want of memory. */
static bool lift_over(struct expirer *x, int64_t now)
{
	struct over o = { .now = now,
			  .room = holds_count(x->holds),
			  .frozen = holds_freeze(x->holds) != NULL };
	size_t i;

	o.ids = calloc(o.room + 1, sizeof(*o.ids));
	if (!o.ids)
		return false;
	holds_each(x->holds, find_over, &o);
	for (i = 0; i < o.n; i++) {
		lift(x, o.ids[i]);
		free(o.ids[i]);
	}
	free(o.ids);
	return !o.failed;
}

static void arm(struct expirer *x, int64_t now)
{
	int64_t delay = x->next_wall_ms - now;

	if (x->next_wall_ms == INT64_MAX)
		loop_timer_stop(x->timer);
	else
		loop_timer_start(x->timer, delay < 0 ? 0 : delay > LOOK_MS ? LOOK_MS : delay);
}

void expirer_run(struct expirer *x)
{
	int64_t now = clock_wall_ms();

	x->next_wall_ms = holds_next_end(x->holds);
	if (x->next_wall_ms > now) {
		arm(x, now);
	} else if (!lift_over(x, now)) {
		loop_timer_start(x->timer, RETRY_MS);
	} else {
		x->next_wall_ms = holds_next_end(x->holds);
		arm(x, now);
	}
}

static void on_timer(void *arg)
{
	expirer_run(arg);
}

void expirer_note(struct expirer *x, const char *service, const char *realserver)
{
	const struct hold *h = holds_of(x->holds, service, realserver);
	struct next next = { x->next_wall_ms, holds_freeze(x->holds) != NULL };

	for (; h; h = h->next)
		find_next(&next, h);
	if (next.wall_ms == x->next_wall_ms)
		return;
	x->next_wall_ms = next.wall_ms;
	arm(x, clock_wall_ms());
}

int expirer_new(struct loop *loop, struct holds *holds, struct placer *placer,
		struct expirer **ret_expirer)
{
	struct expirer *x = calloc(1, sizeof(*x));
	int e;

	if (!x)
		return -ENOMEM;
	*x = (struct expirer){ .holds = holds, .placer = placer, .next_wall_ms = INT64_MAX };
	e = loop_timer_new(loop, "hold-end", on_timer, x, &x->timer);
	if (e) {
		free(x);
		return e;
	}
	*ret_expirer = x;
	return 0;
}

void expirer_free(struct expirer *x)
{
	if (!x)
		return;
	loop_timer_free(x->timer);
	free(x);
}
