/* samples_naive.h: what samples must say, told from the whole list of all puts: slow,
 * plain, without rings, caches or 32-bit times. */
#ifndef TESTS_SAMPLES_NAIVE_H
#define TESTS_SAMPLES_NAIVE_H

#include <math.h>
#include <string.h>

#include "agent/rules/samples.h"

enum { NAIVE_MAX_PUTS = 4096, NAIVE_MAX_ROWS = 8 };

struct naive_put {
	int64_t at_ms;
	double value;
	bool entered; /* far enough from the last one entered */
};

/* One signal of a few realservers, all of one service. */
struct naive {
	struct naive_put puts[NAIVE_MAX_ROWS][NAIVE_MAX_PUTS];
	unsigned int n_puts[NAIVE_MAX_ROWS], n_rows;
	bool takes_part[NAIVE_MAX_ROWS];
	int64_t interval_ms;
};

static inline void naive_put(struct naive *n, unsigned int row, int64_t at_ms, double value)
{
	struct naive_put *put = &n->puts[row][n->n_puts[row]];
	unsigned int i;

	*put = (struct naive_put){ at_ms, value, !isnan(value) };
	for (i = 0; i < n->n_puts[row]; i++) {
		if (n->puts[row][i].entered && (at_ms - n->puts[row][i].at_ms) * 2 < n->interval_ms)
			put->entered = false;
	}
	n->n_puts[row]++;
}

static inline double naive_newest(const struct naive *n, unsigned int row, int64_t now_ms)
{
	const struct naive_put *last;

	if (!n->n_puts[row])
		return NAN;
	last = &n->puts[row][n->n_puts[row] - 1];
	return now_ms - last->at_ms > 3 * n->interval_ms ? NAN : last->value;
}

static inline double naive_over(const struct naive *n, unsigned int row, enum samples_over what,
				int64_t window_ms, int64_t now_ms)
{
	double sum = 0, min = INFINITY, max = -INFINITY, grown = 0, changes = 0, count = 0;
	const struct naive_put *first = NULL, *before = NULL;
	unsigned int i;

	if (!n->n_puts[row] || now_ms - n->puts[row][n->n_puts[row] - 1].at_ms > 3 * n->interval_ms)
		return NAN;
	for (i = 0; i < n->n_puts[row]; i++) {
		const struct naive_put *p = &n->puts[row][i];

		if (!p->entered || now_ms - p->at_ms > window_ms)
			continue;
		count++;
		sum += p->value;
		min = fmin(min, p->value);
		max = fmax(max, p->value);
		if (before) {
			changes += p->value != before->value;
			grown += p->value < before->value ? p->value : p->value - before->value;
		} else {
			first = p;
		}
		before = p;
	}
	switch (what) {
	case SAMPLES_RATE:
		if (!before || before == first || (before->at_ms - first->at_ms) * 2 < window_ms)
			return NAN;
		return grown / ((double)(before->at_ms - first->at_ms) / 1000);
	case SAMPLES_AVG:
		return count > 0 ? sum / count : NAN;
	case SAMPLES_MIN:
		return count > 0 ? min : NAN;
	case SAMPLES_MAX:
		return count > 0 ? max : NAN;
	default:
		return count > 1 ? changes : NAN;
	}
}

/* The values of the others in order; returns how many. */
static inline unsigned int naive_others(const struct naive *n, unsigned int row, int64_t now_ms,
					double *values)
{
	unsigned int count = 0, i, j;

	for (i = 0; i < n->n_rows; i++) {
		double value = naive_newest(n, i, now_ms);

		if (i == row || !n->takes_part[i] || isnan(value))
			continue;
		for (j = count++; j && values[j - 1] > value; j--)
			values[j] = values[j - 1];
		values[j] = value;
	}
	return count;
}

static inline double naive_median(const struct naive *n, unsigned int row, int64_t now_ms)
{
	double values[NAIVE_MAX_ROWS];
	unsigned int count = naive_others(n, row, now_ms, values);

	if (!count)
		return NAN;
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

static inline double naive_avg(const struct naive *n, unsigned int row, int64_t now_ms)
{
	double values[NAIVE_MAX_ROWS], sum = 0;
	unsigned int count = naive_others(n, row, now_ms, values), i;

	for (i = 0; i < count; i++)
		sum += values[i];
	return count ? sum / count : NAN;
}

#endif
