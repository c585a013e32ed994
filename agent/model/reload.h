/* reload.h: PURE: what of an old layout lives on in a new one. Identity is by name
 * and address: what stayed keeps its probe state, its place in the kernel and its
 * proof. Who is who is found out once, by whoever has the time; whatever lives on is
 * then moved by copying rows. */
#ifndef MODEL_RELOAD_H
#define MODEL_RELOAD_H

#include "agent/model/state.h"

/* What of an old realserver is true of the new one of its name. */
enum reload_kept {
	KEPT_MACHINE = 1, /* it is at the same address */
	KEPT_PROOF = 2,   /* … and took part: what it has proven stands */
	KEPT_VERDICT = 4, /* … and is probed as before: so does what its probes say */
};

/* By new id: the old one, or LAYOUT_NONE. */
struct reload_map {
	uint32_t *services;    /* by name … */
	bool *changed;         /* … and whether anything of it is not as it was */
	uint32_t *vips;        /* by what the kernel knows them by */
	uint32_t *realservers; /* by name … */
	uint8_t *kept;         /* … and what of that one is kept: enum reload_kept */
	uint32_t *dests;       /* by address, behind the same VIP … */
	bool *caps;            /* … and whether its cap stands: it is the same realserver's */
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
 * rest, but for the targets' own, which the scheduler moves; who has not KEPT_VERDICT is
 * to be judged then. What was decided stands until it is decided anew. */
void reload_carry(const struct state *old, struct state *now, const struct reload_map *map);

#endif
