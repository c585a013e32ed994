/* expire.h: holds that have an end of their own end then. */
#ifndef HOLDS_EXPIRE_H
#define HOLDS_EXPIRE_H

#include "agent/holds/hold.h"

struct expirer;
struct loop;
struct placer;

/* PURE: the earliest end of any hold, wall ms; INT64_MAX = none has one. */
int64_t holds_next_end(const struct holds *h);

/* Borrows all; lifts through the placer. */
int expirer_new(struct loop *loop, struct holds *holds, struct placer *placer,
		struct expirer **ret_expirer);
/* NULL is fine. */
void expirer_free(struct expirer *x);

/* Lifts what is over now, and waits for the next. For the start. */
void expirer_run(struct expirer *x);
/* The holds of a realserver changed: an end may be nearer now. */
void expirer_note(struct expirer *x, const char *service, const char *realserver);

#endif
