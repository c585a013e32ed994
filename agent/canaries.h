/* canaries.h: self-doubt: when no canary behind an interface answers, the way there is
 * broken, and that realservers behind it are silent says nothing of them. */
#ifndef AGENT_CANARIES_H
#define AGENT_CANARIES_H

#include "agent/model/view.h"

struct agent;
struct canaries;

/* Begins to probe what the configuration in force names, and to doubt the scheduler's
 * outcomes. -ENOMEM and other -errno. */
int canaries_new(struct agent *a, struct canaries **ret_canaries);
/* After the scheduler whose outcomes are doubted. NULL is fine. */
void canaries_free(struct canaries *c);

/* Another configuration is in force: what stayed keeps what it has said. -ENOMEM: those of
 * before go on. */
int canaries_reload(struct canaries *c);

/* Of target `target` of the agent's, whose attempt ended so: the reason that is to be taken.
 * It is another one where nothing came back, by an interface of which all canaries have
 * failed that are heeded: that have answered, and since then were not silent while something
 * else behind it answered. */
enum probe_reason canaries_doubt(void *canaries, uint32_t target, enum probe_reason reason);

/* Rows for a view, names in its arena. -ENOMEM. */
int canaries_show(const struct canaries *c, struct view *v);

#endif
