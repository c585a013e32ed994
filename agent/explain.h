/* explain.h: why a weight is what it is. */
#ifndef AGENT_EXPLAIN_H
#define AGENT_EXPLAIN_H

#include "agent/command.h"
#include "agent/rules/guard.h"
#include "agent/sync/desired.h"

struct agent;
struct ruleset_rule;

/* Why the weights of a target are what they are, as JSON; or a message for people. */
enum command_status explain_target(const struct agent *a, const char *target, struct buf *out);

/* --- its words: each appends a sentence, or nothing --- */

/* Of a step: what did it, and how that came. */
void explain_step(const struct realserver_conf *c, const char *file, const struct desired_step *s,
		  struct buf *why, struct buf *text);
/* What a rule is about to do there, or is kept from doing; nothing where it rests. */
void explain_rule(const struct agent *a, const struct ruleset_rule *rule, uint32_t realserver,
		  struct buf *out);
/* How its answers to a probe compare with those of others; nothing where nobody
 * compares. */
void explain_compared(const struct agent *a, uint32_t realserver, const struct probe_conf *probe,
		      struct buf *out);
/* Of an alert's hold that waits: for whom. */
void explain_waiting(const struct agent *a, const struct hold *h, uint32_t realserver,
		     struct buf *out);
/* Of a target that is asked for advice: that it is refused, that it has not spoken yet or
 * speaks no more. */
void explain_advice(const struct agent *a, uint32_t realserver, uint32_t target, struct buf *out);
/* The guard that keeps an alert's hold waiting; GUARD_ADMIT = none does, or none was
 * asked yet. */
enum guard explain_refused(const struct agent *a, const struct hold *h, uint32_t realserver);
void explain_freeze(const struct agent *a, struct buf *out);

#endif
