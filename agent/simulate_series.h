/* simulate_series.h: PURE: the values of a series in promtool's notation, one each
 * interval: "1 0.5 _ 1x3 2+0.5x10". Kept as runs, so that a long one costs nothing. */
#ifndef AGENT_SIMULATE_SERIES_H
#define AGENT_SIMULATE_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "agent/base/arena.h"
#include "agent/base/buf.h"

enum { SIM_VALUES_MAX = 1000000 };

/* `n` values: first, first + step, …; NAN = no data. */
struct sim_span {
	double first, step;
	uint32_t start, n; /* start: the place of its first value in the series */
};

struct sim_values {
	struct sim_span *spans;
	size_t n_spans;
	uint32_t n; /* of all values */
};

/* Reads values parted by blanks. As in promtool, a+bxn is a and n more, each b above
 * the one before; axn is a and n more; _xn is n times nothing. -EINVAL with a reason
 * ("'1+x3' is no value …"), -ENOMEM. */
int sim_values_parse(const char *text, struct arena *arena, struct buf *why,
		     struct sim_values *ret_values);

/* The value at a place; NAN where there is none, and behind the end. */
double sim_values_at(const struct sim_values *v, uint64_t place);

#endif
