/* probe_turn.c: a queue. Who gets a place may give it back at once: the next one is served
 * in a loop, and no deeper. */
#include "collectors/probe_turn.h"

void turns_init(struct turns *ts)
{
	*ts = (struct turns){ 0 };
	TAILQ_INIT(&ts->waiting);
}

static void serve(struct turns *ts)
{
	struct turn *t;

	if (ts->serving)
		return;
	ts->serving = true;
	while ((t = TAILQ_FIRST(&ts->waiting)) && ts->used < t->max) {
		TAILQ_REMOVE(&ts->waiting, t, entry);
		t->state = TURN_HAS;
		ts->used++;
		t->fn(t->arg); /* `t` may be gone */
	}
	ts->serving = false;
}

void turn_ask(struct turns *ts, struct turn *t, uint32_t max, turn_fn *fn, void *arg)
{
	t->fn = fn;
	t->arg = arg;
	t->max = max;
	t->state = TURN_WAITS;
	TAILQ_INSERT_TAIL(&ts->waiting, t, entry);
	serve(ts);
}

void turn_give(struct turns *ts, struct turn *t)
{
	if (t->state == TURN_WAITS)
		TAILQ_REMOVE(&ts->waiting, t, entry);
	else if (t->state == TURN_HAS)
		ts->used--;
	t->state = TURN_NONE;
	serve(ts);
}
