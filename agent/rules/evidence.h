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

/* Two realservers of one service, in the order of admission: by evidence (refused,
 * timeout, bad answer, none), then by how long they are down, then by name. */
int evidence_order(const struct state *s, uint32_t a, uint32_t b);

#endif
