/* diff_item.h: one write that a difference asks for. */
#ifndef SYNC_DIFF_ITEM_H
#define SYNC_DIFF_ITEM_H

#include "agent/ipvs/kernel.h"

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
	/* Of a lane (model/lane.h), then of no VIP; its rows are the table's all the same. */
	bool of_lane;
	bool last;     /* of what its lane lacks */
	uint32_t lane; /* of the layout; DIFF_NONE = one that nobody wants any more */
};

#endif
