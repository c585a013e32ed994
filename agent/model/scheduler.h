/* scheduler.h: what a weight means to each of the kernel's schedulers: a static table
 * (net/netfilter/ipvs/ip_vs_*.c), for the guards, slow start and lint. */
#ifndef MODEL_SCHEDULER_H
#define MODEL_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is weight 0 skipped, or are the clients that hash to it refused? */
enum scheduler_quiesce {
	QUIESCE_SAFE = 0,
	QUIESCE_WITH_FALLBACK, /* skipped only with the scheduler's fallback flag */
	QUIESCE_UNSAFE,
};

/* What slow start can do with it. */
enum scheduler_ramp {
	RAMP_NONE = 0, /* weights above 0 are all alike, or mean something else */
	RAMP_COARSE,   /* each change moves clients, or rebuilds a table: few steps */
	RAMP_FINE,
};

enum scheduler_reweight {
	REWEIGHT_NONE = 0,    /* weights above 0 are all alike */
	REWEIGHT_SHARE,       /* a share of the traffic, or of the capacity */
	REWEIGHT_IS_FAILOVER, /* the highest weight takes everything */
};

struct scheduler {
	const char *name;
	enum scheduler_quiesce quiesce;
	enum scheduler_ramp ramp;
	enum scheduler_reweight reweight;
	const char *fallback; /* what scheduler_flags calls the flag; NULL = has none */
};

extern const struct scheduler scheduler_table[];
extern const size_t scheduler_count;

/* By the kernel's name. Never NULL: a module that we don't know is taken to skip
 * weight 0, as all but the hashing ones do, and to be moved in few steps. Its name
 * in what is returned is "". */
const struct scheduler *scheduler_find(const char *name);

/* True where weight 0 refuses clients under these flags (IPVS_SVC_SCHED1 …). */
bool guard_scheduler_unsafe(const char *scheduler, uint32_t flags);

enum scheduler_ramp scheduler_ramps(const char *scheduler);

#endif
