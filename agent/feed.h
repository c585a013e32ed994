/* feed.h: what the agent knows, as the samples that rules read. */
#ifndef AGENT_FEED_H
#define AGENT_FEED_H

#include "agent/model/match.h"
#include "agent/model/state.h"
#include "agent/rules/ruleset.h"

/* What probes and decisions say of a service and its realservers now. */
void feed_service(const struct ruleset *set, const struct state *s, uint32_t service,
		  int64_t now_ms);

/* What the kernel's figures are of all services, as of the reading: of the realservers
 * the sums over their destinations, of the services over their addresses. A reading
 * of another layout says nothing. */
void feed_reading(const struct ruleset *set, const struct reading *reading);

#endif
