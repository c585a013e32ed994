/* notifier.h: tells the outside what rules did: a bounded queue for each receiver,
 * attempts with growing pauses, order kept. Nothing here blocks the loop. */
#ifndef RULES_NOTIFIER_H
#define RULES_NOTIFIER_H

#include "agent/rules/notice.h"

struct action;
struct fetch_multi;
struct loop;
struct notifier;
struct rule_conf;

struct notifier_params {
	struct loop *loop;
	struct fetch_multi *fetches;
	const struct action *notify; /* the action that [notify] sections belong to */
	const char *host;            /* the director's name, borrowed; NULL = this machine's */
	int64_t backoff_ms;          /* before the second attempt; 0 = 1 s */
};

int notifier_new(const struct notifier_params *params, struct notifier **ret_notifier);
/* Ends what is under way, programs included, and drops what waits. NULL is fine. */
void notifier_free(struct notifier *n);

/* The [notify] sections in force (struct notify_conf, as config_sections() gives them):
 * they must stay until the next call or notifier_free(). A receiver is its name: one
 * that stays keeps its queue and its counters, one that went loses them. -ENOMEM: the
 * new ones are not all there; nothing refers to the old sections in any case. */
int notifier_reload(struct notifier *n, void *const *confs, size_t n_confs);

/* Tells those that `rule` names in its actions; `rule` NULL (panic, freeze): every
 * [notify]. A [notify] gets only what its `events` ask for. Where a queue is full the
 * notice is dropped there, counted and logged: the newest, because those that wait tell
 * how it began, and the order that a receiver sees has one gap, at its end. */
void notifier_tell(struct notifier *n, const struct notice *notice, const struct rule_conf *rule);

/* A standby tells nobody: what it would have told is counted, for the master tells it. */
void notifier_standby(struct notifier *n, bool standby);

/* From now on nothing is taken; what waits gets one attempt more, at once. fn(arg)
 * comes once, on the loop, never from within: when all is told or `deadline_ms` has
 * passed; what is left is dropped then. Once. */
void notifier_stop(struct notifier *n, int64_t deadline_ms, void (*fn)(void *arg), void *arg);

/* One row a receiver, for metrics; exec's programs share one, whose name is "". */
struct notifier_row {
	const char *action, *name; /* "notify", "ops" */
	uint64_t sent, failed;     /* failed: given up, or refused by the receiver */
	uint64_t dropped;          /* queue full, receiver gone, or stopped */
	uint64_t retried;          /* attempts beyond the first */
	uint64_t standby;          /* left to the master */
	uint32_t waiting, running;
};
/* Row i; false when there are no more. Strings are borrowed until the next reload. */
bool notifier_row(const struct notifier *n, size_t i, struct notifier_row *ret_row);

#endif
