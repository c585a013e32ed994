/* targets.h: PURE: which realservers a TARGET means: SERVICE/REALSERVER, SERVICE, a
 * realserver's name or its address (wherever it serves). "SERVICE/" and "/NAME" say which
 * of the two a name is. */
#ifndef AGENT_TARGETS_H
#define AGENT_TARGETS_H

#include "agent/model/layout.h"

struct targets {
	uint32_t *ids; /* of realservers, in the layout's order */
	uint32_t n;
	bool ambiguous; /* the name is a service's, and a realserver's of another service */
};

/* -ENOENT: nothing is meant by it, and `why` names the nearest; -ENOMEM. */
int targets_find(const struct layout *l, const char *target, struct buf *why,
		 struct targets *ret_targets);
void targets_fini(struct targets *t);
/* Appends what an ambiguous one may mean, and how to say it. */
void targets_describe_both(const char *target, struct buf *out);

#endif
