/* round.h: runs the collectors over one view, with a success flag and a duration
 * for each. */
#ifndef METRICS_ROUND_H
#define METRICS_ROUND_H

#include "agent/collector.h"

struct round;

struct round_result {
	bool success; /* false also where it found nothing */
	bool nodata;  /* found nothing: no failure, but nothing to show */
	int error;    /* 0, or what collect() returned: who logs tells it once */
	int64_t duration_us;
	void *values; /* NULL = it has none, or failed */
};

/* Runs every collector of the registry (NULL-terminated); on the work queue. NULL
 * when memory is out. */
struct round *round_run(const struct collector *const *collectors, const struct collect_env *env);
/* Result i, in the registry's order. */
const struct round_result *round_result(const struct round *r, size_t i);
size_t round_count(const struct round *r);
/* For view.rounds_free; NULL is fine. */
void round_free(void *round);

#endif
