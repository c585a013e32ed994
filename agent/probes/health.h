/* health.h: PURE: outcomes → up, down, or no verdict yet; rise and fall. */
#ifndef PROBES_HEALTH_H
#define PROBES_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/probes/reason.h"

/* How soon it is asked again. */
enum pace { PACE_STEADY = 0, PACE_DOWN, PACE_FAST };

enum verdict { VERDICT_NONE = 0, VERDICT_UP, VERDICT_DOWN };

/* One a target: as small as it can be. */
struct health {
	int64_t since_wall_ms : 48; /* of the verdict */
	uint64_t verdict : 2;       /* enum verdict; stays while outcomes are unknown */
	uint64_t reason : 8;        /* enum probe_reason, of the last outcome */
	bool unknown : 1;           /* the last outcome was unknown */
	bool success : 1;           /* the last outcome passed */
	bool cautious : 1;          /* the first verdict takes `rise` passes too to be up */
	uint32_t passes, failures;  /* consecutive ones; an unknown leaves both as they are */
};

/* Takes an outcome in; true when the verdict changed. The first verdict takes one
 * pass to be up (`rise` of them where it is cautious), and `fall` failures to be down. */
bool health_take(struct health *h, enum probe_reason reason, uint32_t rise, uint32_t fall,
		 int64_t now_wall_ms);

/* Fast while its state is in question: no verdict yet, or outcomes against the verdict are
 * being counted. An unknown one hastens nothing: asking more does not mend what is wrong
 * here. */
enum pace health_pace(const struct health *h);

/* "none", "up", "down". */
const char *verdict_name(enum verdict v);

#endif
