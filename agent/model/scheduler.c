/* scheduler.c: the table (net/netfilter/ipvs/ip_vs_*.c): sh and mh build theirs from
 * the last weight above 0, dh knows none, rr and lc only ask whether it is 0. */
#include "agent/model/scheduler.h"

#include <stddef.h>
#include <string.h>

#include "agent/base/attr.h"

static const struct scheduler_facts table[] = {
	{ "rr", QUIESCE_SAFE, RAMP_NONE, REWEIGHT_NO },
	{ "wrr", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_YES },
	{ "lc", QUIESCE_SAFE, RAMP_NONE, REWEIGHT_NO },
	{ "wlc", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_YES },
	{ "sed", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_YES },
	{ "nq", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_YES },
	{ "lblc", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_YES },
	{ "lblcr", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_YES },
	{ "twos", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_YES },
	{ "ovf", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_YES },
	{ "fo", QUIESCE_SAFE, RAMP_NONE, REWEIGHT_FAILOVER },
	{ "sh", QUIESCE_FALLBACK, RAMP_COARSE, REWEIGHT_YES },
	{ "mh", QUIESCE_FALLBACK, RAMP_COARSE, REWEIGHT_YES },
	{ "dh", QUIESCE_UNSAFE, RAMP_NONE, REWEIGHT_NO },
};

const struct scheduler_facts *scheduler_facts(const char *name)
{
	size_t i;

	for (i = 0; i < countof(table); i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}
