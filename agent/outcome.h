/* outcome.h: what an attempt's outcome makes of the state, and who is told of it. One
 * target may have 1,000 users: it turns for all of them in one moment, but log and
 * journal are told of them in turns (turn.h). Nothing is decided before all is told, so
 * that the journal has each verdict above what follows from it. */
#ifndef AGENT_OUTCOME_H
#define AGENT_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

struct agent;
struct decision;
struct probe_report;
struct telling;

/* What waits to be told, the oldest first; zeroes at the beginning. */
struct outcomes {
	struct telling *first, *last;
};

/* The scheduler's to call, with the agent as `arg`. */
void agent_on_outcome(void *arg, uint32_t target, bool changed, const struct probe_report *report);

/* Tells of what waits, a user after the other, until enough(arg), which is asked after
 * each; NULL = all of it. True when nothing waits any more. Ids are the state's: all of it
 * must be told before that becomes another one. */
bool outcome_tell(struct agent *a, bool (*enough)(void *arg));

/* Takes a copy of a decision that belongs behind what waits to be told, and names nothing
 * that goes away before. False = nothing waits (or memory is out): tell it now. */
bool outcome_tell_after(struct agent *a, const struct decision *d);

#endif
