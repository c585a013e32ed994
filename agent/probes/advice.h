/* advice.h: PURE: what a realserver, or who watches it, said last of itself, of each kind
 * apart: a share, what its administrator wants, and whether it is up. */
#ifndef PROBES_ADVICE_H
#define PROBES_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/buf.h"

struct probe_report;

/* What a realserver, or who watches it, says of itself: it becomes a hold of class agent.
 * A kind that gives verdicts too tells all of it whenever it passes: advice_take(). */
enum probe_claim { PROBE_CLAIM_NONE = 0, PROBE_CLAIM_UP, PROBE_CLAIM_DOWN };
enum probe_admin { PROBE_ADMIN_NONE = 0, PROBE_ADMIN_READY, PROBE_ADMIN_DRAIN, PROBE_ADMIN_MAINT };
struct probe_advice {
	bool has_share; /* share says something */
	uint32_t share; /* percent of the configured weight; above 100 counts as 100 */
	enum probe_admin admin;
};

/* All zero: it asks for nothing. */
struct advice {
	uint8_t less;      /* percent of the weight that it does not want */
	uint8_t admin : 2; /* enum probe_admin */
	bool down : 1;
	bool silent : 1; /* it was told that nothing could be learned last time */
};

/* Takes a report in, of a kind that advises or not; true when it asks for something else
 * now. Of a kind that advises a word stands until the next one of its kind; any other one
 * tells the whole whenever it passes: what it does not say then is taken back. */
bool advice_take(struct advice *a, const struct probe_report *report, bool advises);
/* What it asks for, in percent of the configured weight: 0 to 100; 100 = nothing. */
int advice_share(const struct advice *a);
/* Appends "down, maint, 50%". */
void advice_format(struct buf *out, const struct advice *a);

#endif
