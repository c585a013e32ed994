/* place_internal.h: what the files of the placer share. */
#ifndef HOLDS_PLACE_INTERNAL_H
#define HOLDS_PLACE_INTERNAL_H

#include <sys/queue.h>

#include "agent/holds/place.h"

struct waiting;

/* One of an operator or an alert: nobody's hold until the ledger has it. */
struct asked {
	struct placer *placer;
	struct hold *hold; /* in no table yet */
	placer_asked_fn *fn;
	void *arg;
	bool lifted; /* meanwhile */
	struct asked *next;
};

struct placer {
	struct loop *loop;
	struct ledger *ledger;
	struct holds *holds;
	placer_fn *fn;
	void *arg;
	LIST_HEAD(, waiting) waiting; /* 1,000 at once, each of which may be the next to go */
	struct asked *asked;
	placer_watch_fn *watch; /* NULL = nobody */
	void *watch_arg;
	uint64_t unrecorded;
	uint32_t serial;       /* of the ids of this process */
	struct seen_set *seen; /* NULL = nothing is shared */
	uint64_t number;       /* the last that was given */
};

/* A hold like that under a new id; NULL = memory is out. */
struct hold *placer_make(struct placer *p, const struct hold *like, int64_t now_wall_ms);
void placer_asked_free(struct asked *q);
/* That it ended is true whether recorded or not. */
void placer_record_end(struct placer *p, const struct hold *h);

#endif
