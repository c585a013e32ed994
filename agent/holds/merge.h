/* merge.h: PURE: what one director makes of all that another one says it holds. Each hold
 * has one origin, which alone says it anew, and every director may end it. A hold that one
 * side has and the other has not is either new to that side, or has ended there: which of
 * the two the numbers tell that each has seen (seen.h). No clock is asked; whoever is told
 * first, and how often, both sides come to the same. */
#ifndef HOLDS_MERGE_H
#define HOLDS_MERGE_H

#include "agent/holds/hold.h"
#include "agent/holds/seen.h"

/* One side. Origin "" and node "" are `node` itself. */
struct merge_side {
	const char *node;
	const struct seen_set *seen;
	const struct hold *const *holds; /* those with a number */
	size_t n;
};

enum merge_kind {
	MERGE_TAKE = 0, /* theirs is new: place it */
	MERGE_RENEW,    /* theirs was said anew: place it in the place of ours */
	MERGE_END,      /* ours has ended there: lift it */
};
struct merge_step {
	enum merge_kind kind;
	const struct hold *ours, *theirs; /* NULL where there is none */
};

/* In the order of number, then node: so a take that fails leaves a beginning. */
struct merge {
	struct merge_step *steps;
	size_t n;
	struct seen_set seen; /* once all of it is done; of others than ourselves */
};
void merge_fini(struct merge *m);

/* -ENOMEM; -E2BIG: more nodes than there may be; -ESTALE: they have seen more of us than
 * there is: our state is an older copy of itself, and nothing may follow from it. */
int merge(const struct merge_side *ours, const struct merge_side *theirs, struct merge *ret_merge);

/* The order in which holds of two directors are admitted: by number (who knew of another
 * has the higher one), then node. Below 0: `a` is before `b`. */
int merge_order(const struct hold *a, const struct hold *b, const char *node);

#endif
