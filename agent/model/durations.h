/* durations.h: how long the attempts of a probe took that passed, counted by buckets, for
 * a Prometheus histogram. 80 bytes; only where [probe] histogram asks for it. */
#ifndef MODEL_DURATIONS_H
#define MODEL_DURATIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { DURATION_N_BUCKETS = 13 };

struct duration_bucket {
	uint32_t us;    /* its upper bound, which belongs to it */
	const char *le; /* the same in seconds, as OpenMetrics spells it */
};
extern const struct duration_bucket duration_buckets[DURATION_N_BUCKETS];

struct durations {
	uint64_t sum_us;
	/* By bucket, none counted twice; the last one is of what took longer. */
	uint32_t counts[DURATION_N_BUCKETS + 1];
	bool on; /* of a view's row: the probe counts */
};

void durations_note(struct durations *d, uint32_t us);
void durations_add(struct durations *d, const struct durations *more);

#endif
