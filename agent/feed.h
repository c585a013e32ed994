/* feed.h: what the agent knows, as the samples that rules read. */
#ifndef AGENT_FEED_H
#define AGENT_FEED_H

#include "agent/model/match.h"
#include "agent/model/state.h"
#include "agent/rules/ruleset.h"

/* What probes and decisions say of a service and its realservers now. */
void feed_service(const struct ruleset *set, const struct state *s, uint32_t service,
		  int64_t now_ms);

/* The same, but leaves alone what somebody else gives: given(arg, signal, id) says which
 * values those are; id is a service's where that is the signal's scope. */
void feed_service_beside(const struct ruleset *set, const struct state *s, uint32_t service,
			 int64_t now_ms,
			 bool (*given)(const void *arg, enum signal_id signal, uint32_t id),
			 const void *arg);

/* What the kernel's figures are of a service, as of the reading: of its realservers the
 * sums over their destinations, of itself over its addresses. A reading of another layout
 * says nothing. */
void feed_reading(const struct ruleset *set, const struct reading *reading, uint32_t service);

#endif
