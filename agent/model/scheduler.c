/* scheduler.c: the table. The hashing schedulers build theirs from the last weight
 * above 0, so weight 0 leaves a realserver its slots: without the fallback flag the
 * clients of those slots get no destination, and dh has no such flag at all. */
#include "agent/model/scheduler.h"

#include <string.h>

#include "agent/base/attr.h"
#include "agent/ipvs/values.h"

const struct scheduler scheduler_table[] = {
	{ "rr", QUIESCE_SAFE, RAMP_NONE, REWEIGHT_NONE, NULL },
	{ "wrr", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_SHARE, NULL },
	{ "lc", QUIESCE_SAFE, RAMP_NONE, REWEIGHT_NONE, NULL },
	{ "wlc", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_SHARE, NULL },
	{ "lblc", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_SHARE, NULL },
	{ "lblcr", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_SHARE, NULL },
	{ "dh", QUIESCE_UNSAFE, RAMP_NONE, REWEIGHT_NONE, NULL },
	{ "sh", QUIESCE_WITH_FALLBACK, RAMP_COARSE, REWEIGHT_SHARE, "sh-fallback" },
	{ "mh", QUIESCE_WITH_FALLBACK, RAMP_COARSE, REWEIGHT_SHARE, "mh-fallback" },
	{ "sed", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_SHARE, NULL },
	{ "nq", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_SHARE, NULL },
	{ "fo", QUIESCE_SAFE, RAMP_NONE, REWEIGHT_IS_FAILOVER, NULL },
	{ "ovf", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_SHARE, NULL },
	{ "twos", QUIESCE_SAFE, RAMP_FINE, REWEIGHT_SHARE, NULL },
	/* "none": the service schedules nothing by itself. */
	{ "none", QUIESCE_SAFE, RAMP_NONE, REWEIGHT_NONE, NULL },
};
const size_t scheduler_count = countof(scheduler_table);

static const struct scheduler unknown = { "", QUIESCE_SAFE, RAMP_COARSE, REWEIGHT_SHARE, NULL };

const struct scheduler *scheduler_find(const char *name)
{
	size_t i;

	for (i = 0; i < scheduler_count; i++)
		if (!strcmp(scheduler_table[i].name, name))
			return &scheduler_table[i];
	return &unknown;
}

bool guard_scheduler_unsafe(const char *scheduler, uint32_t flags)
{
	switch (scheduler_find(scheduler)->quiesce) {
	case QUIESCE_SAFE:
		return false;
	case QUIESCE_WITH_FALLBACK:
		return !(flags & IPVS_SVC_SCHED1);
	case QUIESCE_UNSAFE:
		break;
	}
	return true;
}

enum scheduler_ramp scheduler_ramps(const char *scheduler)
{
	return scheduler_find(scheduler)->ramp;
}
