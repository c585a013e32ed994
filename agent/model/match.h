/* match.h: PURE: which row of a kernel reading is which VIP and destination of the
 * layout. Used by the reconciler and by the snapshot alike. */
#ifndef MODEL_MATCH_H
#define MODEL_MATCH_H

#include "agent/ipvs/ipvs.h"
#include "agent/model/layout.h"

#define MATCH_NONE UINT32_MAX

struct match {
	uint32_t *row_of_vip;     /* by VIP id: row of table->services, or MATCH_NONE */
	uint32_t *vip_of_service; /* by row of table->services: VIP id, or MATCH_NONE: foreign */
	uint32_t *row_of_dest;    /* by dest id: row of table->dests, or MATCH_NONE */
	uint32_t *dest_of_row;    /* by row of table->dests: dest id, or MATCH_NONE */
};

/* A reading with its match, shared by the snapshot and the pass that writes. */
struct reading {
	struct layout *layout; /* a reference */
	struct ipvs_table table;
	/* Once it is matched: so many rows of lanes stand behind table.services, in the order
	 * of their keys, and are none of its services. */
	uint32_t n_lanes;
	struct match match;
	_Atomic unsigned int refs;
};
struct reading *reading_ref(struct reading *r);
/* NULL is fine; from every thread. */
void reading_unref(struct reading *r);
/* Takes the table over, also on failure; the match is made by reading_match(), on
 * any thread. */
int reading_new(struct layout *layout, struct ipvs_table *table, struct reading **ret_reading);
int reading_match(struct reading *r);
/* The row of a lane, or MATCH_NONE. */
uint32_t reading_lane(const struct reading *r, const struct ipvs_key *key);

/* One walk over both, which must be in order, as every reading is. -ENOMEM. */
int match_table(const struct layout *l, const struct ipvs_table *table, struct match *ret_match);
void match_fini(struct match *m);

#endif
