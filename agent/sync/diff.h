/* diff.h: PURE: what must be written so that the kernel has what is wanted: an
 * ordered list, with the reason of each. Services that the configuration does not
 * name and the ledger does not own are not looked at. */
#ifndef SYNC_DIFF_H
#define SYNC_DIFF_H

#include "agent/ipvs/port.h"
#include "agent/model/match.h"
#include "agent/model/state.h"

#define DIFF_NONE UINT32_MAX

/* What differs, as bits. */
enum {
	DIFF_WEIGHT = 1,
	DIFF_FORWARD = 2,
	DIFF_TUNNEL = 4,
	DIFF_THRESHOLDS = 8,
	DIFF_SCHEDULER = 16,
	DIFF_FLAGS = 32,
	DIFF_PERSISTENCE = 64,
	DIFF_ENGINE = 128,
};

/* In this order the writes go out. */
enum diff_phase {
	DIFF_PHASE_ADD = 0, /* or put a service right */
	DIFF_PHASE_RAISE,
	DIFF_PHASE_LOWER, /* from here on something is taken away */
	DIFF_PHASE_DEL_DEST,
	DIFF_PHASE_DEL_SERVICE,
	DIFF_N_PHASES,
};

/* One write. Of a VIP of the layout, or (vip = DIFF_NONE) of a service that left the
 * file; of a destination of the layout, or (dest = DIFF_NONE) one that left it. */
struct diff_item {
	uint32_t vip, dest;
	uint32_t service_row, dest_row; /* of the table; DIFF_NONE = not there yet */
	int32_t weight;                 /* to write; destinations only */
	uint8_t kind;                   /* enum ipvs_op_kind */
	uint8_t phase;                  /* enum diff_phase */
	uint8_t changes;                /* DIFF_…; 0 for additions and deletions */
	uint8_t verdict;                /* enum drift_verdict, once drift was judged */
	bool drift;                     /* somebody else changed what was ours and settled */
	bool again;                     /* it was found before, and left alone */
	bool left;                      /* not to be written: it is left alone */
};

/* Something that left the file and is on its way out. */
struct diff_leaving {
	struct ipvs_key service;
	struct addr dest; /* family 0 = the service itself */
	int64_t since_ms; /* monotonic; while nobody else serves: the last look */
	bool left;        /* somebody else's, and left alone */
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
	/* By row of table->services: ours to remove if the file does not name it. */
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
