/* place.h: placing and lifting holds with the ledger's discipline: a rule's hold
 * waits 200 ms for the disk, then takes effect unrecorded and is counted as such; an
 * operator's or an alert's takes effect once it is recorded, or not at all. */
#ifndef HOLDS_PLACE_H
#define HOLDS_PLACE_H

#include "agent/holds/hold.h"

struct ledger;
struct loop;
struct placer;
struct seen_set;

/* What changed for a realserver, by its names: decide it anew. */
typedef void placer_fn(void *arg, const char *service, const char *realserver);

/* `ledger` may be NULL: nothing is recorded then. Borrows all. */
/* On the loop, once: 0 and the hold, recorded and active (still the table's); or why it
 * is not placed (-ENOSPC, -EIO, …; -ECANCELED: lifted meanwhile; -ESHUTDOWN: the agent
 * stops) and NULL. What stood there before stands then as it did. */
typedef void placer_asked_fn(void *arg, int error, const struct hold *hold);

/* Told of each operator's, alert's and agent's hold that comes into force (or waits, or acts now),
 * and that ends. */
typedef void placer_watch_fn(void *arg, const struct hold *hold, bool ended);

/* Free the ledger before the placer: it still calls back. */
int placer_new(struct loop *loop, struct ledger *ledger, struct holds *holds, placer_fn *fn,
	       void *arg, struct placer **ret_placer);
void placer_free(struct placer *p);
void placer_watch(struct placer *p, placer_watch_fn *fn, void *arg);
/* From now on what peers may know has a number (holds/seen.h), also what stands already;
 * `seen` is raised when that is on disk. Borrows it. -ENOMEM: some have none yet. */
int placer_share(struct placer *p, struct seen_set *seen);

/* Places a rule's hold with copies of the strings of `like` (id and times are made
 * here): not active yet on return, but where it takes the place of one that is. Nothing
 * happens where the same one stands. */
int placer_rule(struct placer *p, const struct hold *like, int64_t now_wall_ms);
/* Places an agent's hold, which is active at once and never recorded: it is said anew
 * within an interval. Where one of the same effect stands only its words change. -EINVAL for
 * other classes, -ENOMEM. */
int placer_told(struct placer *p, const struct hold *like, int64_t now_wall_ms);
/* Places an operator's or an alert's hold like `like` (but for id and since; of a peer's,
 * whose origin is set, since, number and revision are as given): recorded first, then
 * active unless it is `waiting`, then fn. One that is hold_alike() is replaced then; where
 * it asks for the same (effect, weight, episode), id and since stay and this is its
 * renewal, which never makes one that acts wait again; a drain's deadline is from now on.
 * -EINVAL for a rule's, -EROFS without a ledger, -ENOMEM: fn is not called and nothing has
 * changed. */
int placer_asked(struct placer *p, const struct hold *like, int64_t now_wall_ms,
		 placer_asked_fn *fn, void *arg);
/* An alert's, or an operator's that peers know: whether it acts (true: a guard has let it)
 * or waits. At once; the ledger follows, and one that could not be recorded acts until the
 * next start. 0 where it is so already; -ENOENT for what is no such hold, -ENOMEM: nothing
 * has changed. */
int placer_act(struct placer *p, const char *id, bool acts);
/* The same of what an alert's hold asks for, when its rule has changed: of that kind of
 * effect. -ENOENT; else it is so, and why it could not be recorded. */
int placer_effect(struct placer *p, const char *id, int effect);
/* An operator's or an alert's hold goes on at a realserver of other names, under another
 * id: at once, and the ledger follows. -ENOENT for what is no such hold; -EEXIST: one
 * alike stands there, and this one stays; -ENOMEM. */
int placer_move(struct placer *p, const char *id, const char *service, const char *realserver,
		int64_t now_wall_ms);
/* Whether one that is hold_alike() is on its way. */
bool placer_is_asked(const struct placer *p, const struct hold *like);

/* Ends a hold of any class at once; the ledger follows (an end is true whether recorded
 * or not). */
void placer_lift(struct placer *p, const char *id);
/* The same for what is hold_alike(), in force or still on its way. */
void placer_lift_asked(struct placer *p, const struct hold *like);

/* Rules' holds that took effect before they were recorded. */
uint64_t placer_unrecorded(const struct placer *p);

#endif
