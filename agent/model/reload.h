/* reload.h: PURE: what of an old layout lives on in a new one. Identity is by name
 * and address: what stayed keeps its probe state, its place in the kernel and its
 * proof. */
#ifndef MODEL_RELOAD_H
#define MODEL_RELOAD_H

#include "agent/model/state.h"

struct reload {
	uint32_t *targets; /* by new target: its old id, or LAYOUT_NONE */
	/* For people: what changes. */
	uint32_t services_added, services_removed;
	uint32_t realservers_added, realservers_removed;
	uint32_t targets_added, targets_removed, targets_kept;
};

/* Fills ret_old, by new target: its old id, or LAYOUT_NONE. -ENOMEM. */
int reload_targets(const struct layout *old, const struct layout *now, uint32_t *ret_old);

/* Maps `now` onto `old` and carries VIP, destination and realserver state over into
 * `now`, but for the targets' own, which the scheduler moves. -ENOMEM leaves `now`
 * unfinished: free it. */
int reload_carry(const struct state *old, struct state *now, struct reload *ret_reload);
void reload_fini(struct reload *r);

#endif
