/* target.h: what the probes of a target found. What is probed stands in the layout, by
 * the same id: one address, asked in one way, for as many realservers as share it. */
#ifndef MODEL_TARGET_H
#define MODEL_TARGET_H

#include "agent/probes/health.h"

struct target_reason_count {
	uint32_t reason, count; /* enum probe_reason */
};

/* Flat array, indexed by id, a cache line each; written by the scheduler alone, and
 * moves with the target on a reload. */
struct target {
	struct health health;
	/* Reasons seen so far, unknown ones too: target_failures(). Most have one at most. */
	union {
		struct target_reason_count one;
		struct target_reason_count *many;
	} failures;
	int64_t last_wall_ms; /* the end of the last attempt; 0 = none yet */
	/* Its durations; an hour and more is told as the most that there is room for. */
	uint32_t last_us, connect_us, tls_us, first_byte_us;
	uint32_t attempts;
	uint16_t last_status;     /* of HTTP; 0 = none */
	uint16_t last_errno : 11; /* 0 = none */
	uint16_t n_failures : 5;  /* there are fewer reasons */
};

/* n_failures of them. */
const struct target_reason_count *target_failures(const struct target *t);
/* A count that finds no memory is lost. */
void target_count_failure(struct target *t, enum probe_reason reason);

/* Frees what a target owns (its failures): of the last array, and of an array that was
 * replaced, from which the kept ones' have been moved away. */
void target_fini(struct target *t);

#endif
