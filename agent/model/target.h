/* target.h: what is probed, and what its probes found: one address, asked in one way,
 * for as many realservers as share it. */
#ifndef MODEL_TARGET_H
#define MODEL_TARGET_H

#include "agent/base/addr.h"
#include "agent/probes/health.h"
#include "agent/probes/probe_conf.h"

struct target_reason_count {
	uint32_t reason, count; /* enum probe_reason */
};

/* Flat array, indexed by id; what follows `conf` is written by the scheduler alone, and
 * moves with the target on a reload. */
struct target {
	struct addr addr; /* where to connect, with port */
	const struct probe_conf *conf;
	struct health health;
	uint64_t attempts;
	struct target_reason_count *failures; /* reasons seen so far, unknown ones too */
	uint32_t n_failures;
	int32_t last_status, last_errno;
	int64_t last_us, connect_us, tls_us, first_byte_us; /* durations of the last attempt */
	int64_t last_wall_ms;                               /* its end; 0 = none yet */
};

/* Frees what a target owns (its failures): of the last array, and of an array that was
 * replaced, from which the kept ones' have been moved away. */
void target_fini(struct target *t);

#endif
