/* reload.h: PURE: what of an old layout lives on in a new one. Identity is by name
 * and address: what stayed keeps its probe state, its place in the kernel and its
 * proof. Who is who is found out once, by whoever has the time; whatever lives on is
 * then moved by copying rows. */
#ifndef MODEL_RELOAD_H
#define MODEL_RELOAD_H

#include "agent/model/state.h"

/* By new id: the old one, or LAYOUT_NONE. */
struct reload_map {
	uint32_t *services;    /* by name */
	uint32_t *vips;        /* by what the kernel knows them by */
	uint32_t *realservers; /* by name; and … */
	bool *same;            /* … by address: a name may have moved to another machine */
	uint32_t *dests;       /* by address, behind the same VIP */
	uint32_t *targets;     /* by address, probe and what it asks */
	/* For people: what changes. */
	uint32_t services_added, services_removed;
	uint32_t realservers_added, realservers_removed;
	uint32_t targets_added, targets_removed, targets_kept;
};

/* Maps `now` onto `old`; takes no reference on either. From every thread. -ENOMEM. */
int reload_map_new(const struct layout *old, const struct layout *now, struct reload_map **ret_map);
/* NULL is fine. */
void reload_map_free(struct reload_map *m);

/* Carries VIP, destination, realserver and service state over into `now`, which is at
 * rest, but for the targets' own, which the scheduler moves. */
void reload_carry(const struct state *old, struct state *now, const struct reload_map *map);

#endif
