/* lane.h: PURE: lanes: private services by fwmark, each of which leads to one realserver
 * by the way that clients' packets take there. Probes with via = forward go through them;
 * they are wanted as services are, and shown nowhere. */
#ifndef MODEL_LANE_H
#define MODEL_LANE_H

#include "agent/ipvs/ipvs.h"

/* The marks that are theirs: no service of the file may have one. */
#define LANE_FIRST_MARK 0x49500000u
#define LANE_N_MARKS    0x100000u

struct lane {
	struct ipvs_key key;   /* a mark, and the family of what is asked through it */
	struct ipvs_dest dest; /* where it leads */
};

/* What is known of one; beside a layout, in struct state. */
struct lane_state {
	bool ready;    /* the kernel has it as it should be */
	bool told;     /* that answers cannot come back by it */
	int16_t error; /* errno of the last write, 0 = it went well */
	/* By when it is to be looked at again whether answers come back, … */
	int64_t fit_until_ms;
	struct addr fit_for; /* … that bear this address */
};

/* Has it one of the marks? */
bool lane_is_key(const struct ipvs_key *key);

/* Do both lead to the same place by the same way? NULL = no lane. */
bool lane_same(const struct lane *a, const struct lane *b);

/* Order by where they lead, whatever the mark. NULL, no lane, comes first. */
int lane_cmp(const struct lane *a, const struct lane *b);

/* Gives drafts (n, keys with a family alone) their marks: equal ones share a lane. A mark
 * follows from where the lane leads, and so is the same after a restart; where two lanes
 * want one mark, the later one gets the next. ret_lanes is malloc'd, in the order of
 * ipvs_key_cmp(); ret_index (n) says which of them each draft became. -ENOMEM; -E2BIG for
 * more than half as many as there are marks. */
int lanes_assign(const struct lane *drafts, uint32_t n, uint32_t *ret_index,
		 struct lane **ret_lanes, uint32_t *ret_n);

/* Which of n lanes it is; n = none. */
uint32_t lanes_find(const struct lane *lanes, uint32_t n, const struct ipvs_key *key);

/* The kernel form (no stats, no rows). */
void lane_kernel(const struct lane *lane, struct ipvs_service *ret_service);

/* Moves the rows of services that have such a mark behind the others and takes them out
 * of table->n_services; *ret_n says how many there are. Dests stay where they are.
 * -ENOMEM: nothing was moved. */
int lanes_split(struct ipvs_table *table, uint32_t *ret_n);

/* Has it the shape of a lane, whoever made it: then it may have been left by a crash. */
bool lane_is_left(const struct ipvs_table *table, const struct ipvs_service *service);

#endif
