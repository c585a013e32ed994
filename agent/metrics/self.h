/* self.h: the families about the collectors themselves: one more collector, which
 * is in no registry, for its values are what the others did. */
#ifndef METRICS_SELF_H
#define METRICS_SELF_H

#include "agent/collector.h"

/* The values of metric_self's families, borrowed. */
struct metric_self_values {
	const struct collector *const *collectors;
	const bool *chosen; /* NULL = all */
	uint32_t n;
};

extern const struct collector metric_self;

#endif
