/* diff.h: PURE: what must be written so that the kernel has what is wanted: an
 * ordered list, with the reason of each. Services that the configuration does not
 * name and the ledger does not own are not looked at. */
#ifndef SYNC_DIFF_H
#define SYNC_DIFF_H

#include "agent/holds/drain.h"
#include "agent/model/match.h"
#include "agent/model/state.h"
#include "agent/sync/diff_item.h"

/* Something that left the file and is on its way out. */
struct diff_leaving {
	struct ipvs_key service;
	struct addr dest;          /* family 0 = the service itself */
	int64_t since_ms;          /* monotonic; while nobody else serves: the last look */
	bool left;                 /* somebody else's, and left alone */
	struct drain_memory drain; /* of the destination, since it has weight 0 */
};

/* How what leaves is let go. */
struct diff_policy {
	enum on_remove on_remove;
	int64_t drain_timeout;
};

struct diff_input {
	const struct layout *layout;
	const struct ipvs_table *table; /* complete */
	const struct match *match;
	const struct dest_state *dests; /* by the layout's ids */
	const struct vip_state *vips;
	const struct service_state *services;
	const struct diff_leaving *leaving; /* as the last diff left it: sorted */
	uint32_t n_leaving;
	uint32_t n_lanes; /* rows of lanes behind table->services (match.h) */
	/* By row of table->services, and of lanes: ours to remove if the file does not name
	 * it. */
	const bool *owned;
	struct diff_policy gone; /* of services that left the file: [defaults] */
	int64_t now_ms;
};

struct diff {
	struct diff_item *items; /* in the order in which to write */
	uint32_t n_items;
	struct diff_leaving *leaving; /* for the next diff */
	uint32_t n_leaving;
	bool skipped; /* a VIP was not looked at: our own writes overlapped the reading */
};

int diff_tables(const struct diff_input *in, struct diff *ret_diff);
void diff_fini(struct diff *d);

/* Notes with what leaves whether it is somebody else's and left alone. */
void diff_leave_alone(struct diff *d, const struct ipvs_key *service, const struct addr *dest,
		      bool left);

/* What differs between two, as bits; counters, rows and keys do not count. */
uint32_t diff_service(const struct ipvs_service *want, const struct ipvs_service *found);
uint32_t diff_dest(const struct ipvs_dest *want, const struct ipvs_dest *found);

#endif
