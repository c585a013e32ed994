/* evidence.h: PURE: what the probes of a realserver say against it: for the reason of
 * a hold, and for the order in which simultaneous holds are admitted. */
#ifndef RULES_EVIDENCE_H
#define RULES_EVIDENCE_H

#include "agent/base/buf.h"
#include "agent/model/state.h"

/* The failed target that tells most, the worst evidence first; NULL = none is down. */
const struct target *evidence_witness(const struct state *s, uint32_t realserver);

/* Appends why a realserver's probes say down: "http connection refused, 3 probes
 * failed". */
void evidence_describe(const struct state *s, uint32_t realserver, struct buf *out);

/* How good that is: of refused, timeout and bad answer the first is least; none is most. */
unsigned int evidence_of(const struct state *s, uint32_t realserver);

#endif
