/* place.h: placing and lifting holds with the ledger's discipline: a rule's hold
 * waits 200 ms for the disk, then takes effect unrecorded and is counted as such. */
#ifndef HOLDS_PLACE_H
#define HOLDS_PLACE_H

#include "agent/holds/hold.h"

struct ledger;
struct loop;
struct placer;

/* What changed for a realserver, by its names: decide it anew. */
typedef void placer_fn(void *arg, const char *service, const char *realserver);

/* `ledger` may be NULL: nothing is recorded then. Borrows all. */
int placer_new(struct loop *loop, struct ledger *ledger, struct holds *holds, placer_fn *fn,
	       void *arg, struct placer **ret_placer);
void placer_free(struct placer *p);

/* Places a rule's hold with copies of the strings of `like` (id and times are made
 * here): not active yet on return, but where it takes the place of one that is. Nothing
 * happens where the same one stands. */
int placer_rule(struct placer *p, const struct hold *like, int64_t now_wall_ms);
/* Ends a hold at once; the ledger follows. */
void placer_lift(struct placer *p, const char *id);

/* Rules' holds that took effect before they were recorded. */
uint64_t placer_unrecorded(const struct placer *p);

#endif
