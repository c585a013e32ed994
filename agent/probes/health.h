/* health.h: PURE: outcomes → up, down, or no verdict yet; rise and fall. */
#ifndef PROBES_HEALTH_H
#define PROBES_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/probes/reason.h"

enum verdict { VERDICT_NONE = 0, VERDICT_UP, VERDICT_DOWN };

/* One a target: as small as it can be. */
struct health {
	int64_t since_wall_ms;     /* of the verdict */
	uint32_t passes, failures; /* consecutive ones; an unknown leaves both as they are */
	uint8_t verdict;           /* enum verdict; stays while outcomes are unknown */
	uint8_t reason;            /* enum probe_reason, of the last outcome */
	bool unknown;              /* the last outcome was unknown */
	bool success;              /* the last outcome passed */
	bool cautious;             /* the first verdict takes `rise` passes too to be up */
};

/* Takes an outcome in; true when the verdict changed. The first verdict takes one
 * pass to be up (`rise` of them where it is cautious), and `fall` failures to be down. */
bool health_take(struct health *h, enum probe_reason reason, uint32_t rise, uint32_t fall,
		 int64_t now_wall_ms);

/* "none", "up", "down". */
const char *verdict_name(enum verdict v);

#endif
