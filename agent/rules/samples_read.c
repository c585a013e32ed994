/* samples_read.c: what rules read: the newest value, a window's, the peers'. A window is
 * walked as it is asked for; the peers of a service are sorted once for all of its
 * realservers, until a value changes or grows stale. */
#include <math.h>

#include "agent/base/attr.h"
#include "agent/rules/samples.h"
#include "agent/rules/samples_layout.h"

static uint32_t row_of(const struct samples *s, const struct samples_column *c, uint32_t realserver)
{
	return samples_by_service(c) ? s->service_of[realserver] : realserver;
}

/* The column to read this realserver from; NULL where there is none. */
static const struct samples_column *column_for(const struct samples *s, enum signal_id signal,
					       uint32_t realserver)
{
	uint8_t at = (unsigned int)signal < N_SIGNALS ? s->column_of[signal] : SAMPLES_NO_COLUMN;

	if (at == SAMPLES_NO_COLUMN || realserver >= s->n_realservers)
		return NULL;
	return &s->columns[at];
}

double samples_newest(const struct samples *s, enum signal_id signal, uint32_t realserver,
		      int64_t now_ms)
{
	const struct samples_column *c = column_for(s, signal, realserver);
	const struct samples_cell *cell;

	if (!c)
		return NAN;
	cell = &c->cells[row_of(s, c, realserver)];
	return samples_fresh(s, cell, now_ms) ? cell->value : NAN;
}

/* --- windows ------------------------------------------------------------------ */

/* The samples of a ring that are within the window, oldest first. */
struct span {
	const double *values;
	const uint32_t *times;
	uint32_t size, first, n;
};

static uint32_t nth(const struct span *w, uint32_t i)
{
	return w->first + i < w->size ? w->first + i : w->first + i - w->size;
}

static double over_rate(const struct span *w, int64_t window_ms)
{
	uint32_t covered, i;
	double sum = 0, last;

	if (w->n < 2)
		return NAN;
	covered = w->times[nth(w, w->n - 1)] - w->times[w->first];
	if (covered < (window_ms + 1) / 2 || !covered)
		return NAN;
	last = w->values[w->first];
	for (i = 1; i < w->n; i++) {
		double value = w->values[nth(w, i)];

		sum += value < last ? value : value - last;
		last = value;
	}
	return sum * 1000 / covered;
}

static double over_avg(const struct span *w, int64_t window_ms ATTR_UNUSED)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < w->n; i++)
		sum += w->values[nth(w, i)];
	return sum / w->n;
}

static double over_min(const struct span *w, int64_t window_ms ATTR_UNUSED)
{
	double least = w->values[w->first];
	uint32_t i;

	for (i = 1; i < w->n; i++)
		least = fmin(least, w->values[nth(w, i)]);
	return least;
}

static double over_max(const struct span *w, int64_t window_ms ATTR_UNUSED)
{
	double most = w->values[w->first];
	uint32_t i;

	for (i = 1; i < w->n; i++)
		most = fmax(most, w->values[nth(w, i)]);
	return most;
}

static double over_changes(const struct span *w, int64_t window_ms ATTR_UNUSED)
{
	uint32_t changes = 0, i;

	if (w->n < 2)
		return NAN;
	for (i = 1; i < w->n; i++)
		changes += w->values[nth(w, i)] != w->values[nth(w, i - 1)];
	return changes;
}

typedef double over_fn(const struct span *w, int64_t window_ms);

static over_fn *const overs[N_SAMPLES_OVER] = {
	[SAMPLES_RATE] = over_rate, [SAMPLES_AVG] = over_avg,         [SAMPLES_MIN] = over_min,
	[SAMPLES_MAX] = over_max,   [SAMPLES_CHANGES] = over_changes,
};

double samples_over(const struct samples *s, enum signal_id signal, uint32_t realserver,
		    enum samples_over what, int64_t window_ms, int64_t now_ms)
{
	const struct samples_column *c = column_for(s, signal, realserver);
	struct span w = { 0 };
	uint32_t row, service;
	double value;

	if (!c || !c->windows)
		return NAN;
	row = row_of(s, c, realserver);
	service = s->service_of[realserver];
	if (!c->ring_size[service] || !samples_fresh(s, &c->cells[row], now_ms))
		return NAN;
	w.values = c->values + samples_ring(s, c, service, row);
	w.times = c->times + samples_ring(s, c, service, row);
	w.size = c->ring_size[service];
	w.n = c->heads[row].count;
	w.first = c->heads[row].next + (c->heads[row].next < w.n ? w.size : 0) - w.n;
	while (w.n && (uint32_t)now_ms - w.times[w.first] > window_ms) {
		w.first = nth(&w, 1);
		w.n--;
	}
	if (!w.n)
		return NAN;
	value = overs[what](&w, window_ms);
	return isfinite(value) ? value : NAN;
}

/* --- peers -------------------------------------------------------------------- */

/* Shell's sort: in place, without recursion or memory; services are small. */
static void sort(double *values, uint32_t n)
{
	uint32_t gap, i, j;

	for (gap = n / 2; gap; gap = gap == 2 ? 1 : gap * 5 / 11) {
		for (i = gap; i < n; i++) {
			double value = values[i];

			for (j = i; j >= gap && values[j - gap] > value; j -= gap)
				values[j] = values[j - gap];
			values[j] = value;
		}
	}
}

static void sum_up(struct samples_column *c, uint32_t first, uint32_t n)
{
	double sum = 0;
	uint32_t i;

	for (i = first; i < first + n; i++) {
		c->before[i] = sum;
		sum += c->sorted[i];
	}
	sum = 0;
	for (i = first + n; i-- > first;) {
		c->behind[i] = sum;
		sum += c->sorted[i];
	}
}

static bool counts(const struct samples *s, const struct samples_column *c, uint32_t realserver,
		   int64_t now_ms)
{
	const struct samples_cell *cell = &c->cells[realserver];

	return s->takes_part[realserver] && samples_fresh(s, cell, now_ms) && !isnan(cell->value);
}

static void build_peers(const struct samples *s, struct samples_column *c, uint32_t service,
			int64_t now_ms)
{
	struct samples_peers *p = &c->peers_of[service];
	uint32_t first = s->first_realserver[service], i;

	p->n = 0;
	p->built_ms = now_ms;
	p->good_until_ms = INT64_MAX;
	for (i = first; i < first + s->n_of[service]; i++) {
		int64_t until = c->cells[i].at_ms + SAMPLES_STALE_INTERVALS * s->interval_ms;

		if (c->cells[i].at_ms > now_ms)
			until = c->cells[i].at_ms - 1;
		else if (!counts(s, c, i, now_ms))
			continue;
		if (until < p->good_until_ms)
			p->good_until_ms = until;
		if (c->cells[i].at_ms > now_ms)
			continue;
		c->sorted[first + p->n++] = c->cells[i].value;
	}
	sort(c->sorted + first, p->n);
	sum_up(c, first, p->n);
}

/* The peers in order, with the place of the realserver's own value among them, which
 * is n where it does not count. */
struct others {
	const double *sorted, *before, *behind;
	uint32_t n, own;
};

static bool find_others(struct samples *s, enum signal_id signal, uint32_t realserver,
			int64_t now_ms, struct others *ret_others)
{
	struct samples_column *c = samples_column(s, signal);
	uint32_t service, first, low, high;
	const struct samples_peers *p;

	if (!c || !c->peers || realserver >= s->n_realservers)
		return false;
	service = s->service_of[realserver];
	first = s->first_realserver[service];
	p = &c->peers_of[service];
	if (now_ms < p->built_ms || now_ms > p->good_until_ms || p->built_ms == SAMPLES_NEVER_MS)
		build_peers(s, c, service, now_ms);
	low = high = p->n;
	if (counts(s, c, realserver, now_ms)) {
		double own = c->cells[realserver].value;

		for (low = 0; low < high;) {
			uint32_t middle = low + (high - low) / 2;

			if (c->sorted[first + middle] < own)
				low = middle + 1;
			else
				high = middle;
		}
	}
	*ret_others = (struct others){ .sorted = c->sorted + first,
				       .before = c->before + first,
				       .behind = c->behind + first,
				       .n = p->n,
				       .own = low };
	return p->n > (low < p->n);
}

/* The i-th of the others. */
static double other(const struct others *o, uint32_t i)
{
	return o->sorted[i < o->own ? i : i + 1];
}

double samples_peers_median(struct samples *s, enum signal_id signal, uint32_t realserver,
			    int64_t now_ms)
{
	struct others o;
	uint32_t n;

	if (!find_others(s, signal, realserver, now_ms, &o))
		return NAN;
	n = o.n - (o.own < o.n);
	if (n % 2)
		return other(&o, n / 2);
	/* halves first: the sum of two could be too large */
	return other(&o, n / 2 - 1) / 2 + other(&o, n / 2) / 2;
}

double samples_peers_avg(struct samples *s, enum signal_id signal, uint32_t realserver,
			 int64_t now_ms)
{
	struct others o;
	double avg;

	if (!find_others(s, signal, realserver, now_ms, &o))
		return NAN;
	if (o.own < o.n)
		avg = (o.before[o.own] + o.behind[o.own]) / (o.n - 1);
	else
		avg = o.behind[0] / o.n + o.sorted[0] / o.n;
	return isfinite(avg) ? avg : NAN;
}
