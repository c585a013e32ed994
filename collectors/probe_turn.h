/* probe_turn.h: for kinds of which only so many may run at once: the others wait, the
 * first one first. */
#ifndef COLLECTORS_PROBE_TURN_H
#define COLLECTORS_PROBE_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

typedef void turn_fn(void *arg);

/* One who wants a place; all zero at first. */
struct turn {
	turn_fn *fn;
	void *arg;
	uint32_t max;
	enum { TURN_NONE = 0, TURN_WAITS, TURN_HAS } state;
	TAILQ_ENTRY(turn) entry;
};

struct turns {
	uint32_t used;
	bool serving;
	TAILQ_HEAD(, turn) waiting;
};

void turns_init(struct turns *ts);

/* Calls fn(arg), now or later, when it is its turn and fewer than `max` have a place. */
void turn_ask(struct turns *ts, struct turn *t, uint32_t max, turn_fn *fn, void *arg);
/* Waits no more, or gives its place to the next; nothing when it has none. May be called
 * from within a turn_fn; `t` may be freed then. */
void turn_give(struct turns *ts, struct turn *t);

#endif
