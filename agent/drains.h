/* drains.h: the drains under way: which holds are drains, and how far each is. Nothing of
 * it is kept over a restart: it follows from the holds and from the kernel. */
#ifndef AGENT_DRAINS_H
#define AGENT_DRAINS_H

#include "agent/holds/drain.h"
#include "agent/holds/hold.h"

struct agent;
struct drains;
struct json_t;

/* A drain is an operator's hold at 0, or an alert's that acts. */
bool hold_drains(const struct hold *hold);

/* Of the holds that stand now. Borrows the agent. -ENOMEM. */
int drains_new(struct agent *a, struct drains **ret_drains);
/* After the port, before the loop. NULL is fine. */
void drains_free(struct drains *d);

/* The holds of a realserver changed. NULL is fine. */
void drains_note(struct drains *d, const char *service, const char *realserver);
/* Another configuration is in force. */
void drains_reload(struct drains *d);

/* How far it is; NULL where the hold is no drain. Good until the loop sleeps. */
const struct drain *drains_find(const struct drains *d, const struct hold *hold);

/* Drains that there are at most. NULL is fine. */
uint32_t drains_count(const struct drains *d);

/* drains_json.c: the same as {"state", "deadline", "active", "inactive", "persistent",
 * "begun_with", "elapsed_seconds", "rate", "eta_seconds", "why"}, a new reference for
 * json_object_set_new(); NULL where the hold is no drain, or memory is out. */
struct json_t *drains_json(const struct drains *d, const struct hold *hold);

/* drains_tell.c: tells log, journal and receivers that the state changed. */
void drains_tell(struct agent *a, const struct hold *hold, const struct drain *drain);

#endif
