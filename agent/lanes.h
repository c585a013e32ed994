/* lanes.h: by which way probes with via = forward go out. */
#ifndef AGENT_LANES_H
#define AGENT_LANES_H

#include "agent/probes/sched.h"

/* For sched_set_way(), with the agent as `arg`: the lane's mark, and a source address that
 * answers come back to. SCHED_LATER while the lane is being made; PROBE_LOCAL_FORWARD where
 * the kernel does not have it, or would drop the answers; PROBE_LOCAL_ROUTE without a
 * source. */
enum probe_reason agent_lane_way(void *arg, uint32_t target, struct way_out *way);

/* Appends what sysctls keep the answers to such probes from coming in, each once. */
void agent_lanes_lack(const struct layout *l, const char *procfs, struct buf *out);

#endif
