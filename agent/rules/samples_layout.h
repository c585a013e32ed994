/* samples_layout.h: how samples lie in memory; for rules/samples*.c only. One block:
 * a column for each signal that is needed, rows by realserver (or by service). */
#ifndef RULES_SAMPLES_LAYOUT_H
#define RULES_SAMPLES_LAYOUT_H

#include "agent/rules/samples.h"

/* Before any time, and still far from what subtraction could not bear. */
#define SAMPLES_NEVER_MS (INT64_MIN / 4)

enum { SAMPLES_NO_COLUMN = UINT8_MAX };

struct samples_cell {
	double value;
	int64_t at_ms; /* of the last put, NAN or not */
};

/* The place of the next sample, and how many there are. */
struct samples_head {
	uint32_t next, count;
};

/* The realservers of a service that take part and have data, by value: sorted[],
 * and the sums of what stands before and behind each. A realserver's own value is
 * left out of a sum by adding the two, which loses no digits as subtracting would. */
struct samples_peers {
	int64_t built_ms, good_until_ms; /* built_ms = NEVER: a value changed */
	uint32_t n;
};

struct samples_column {
	enum signal_id signal;
	bool windows, peers;
	int64_t window_ms; /* the longest */
	uint32_t n_rows;
	struct samples_cell *cells; /* by row */
	struct samples_head *heads; /* by row */
	uint64_t *ring_first;       /* by service: of values[] and times[] */
	uint32_t *ring_size;        /* by service: of each of its rings; 0 = none */
	uint64_t n_ring;            /* places, all together */
	double *values;
	uint32_t *times; /* the low 32 bits of milliseconds: see samples_expire() */
	struct samples_peers *peers_of;
	double *sorted, *before, *behind; /* by realserver: as services lie */
};

struct samples {
	uint64_t bytes;
	int64_t interval_ms;
	uint32_t n_services, n_realservers, n_columns;
	uint8_t column_of[N_SIGNALS];
	struct samples_column columns[N_SIGNALS];
	uint32_t *service_of;
	uint32_t *first_realserver, *n_of;
	bool *takes_part;
};

/* The column of a signal; NULL where nobody needs it. */
static inline struct samples_column *samples_column(struct samples *s, enum signal_id signal)
{
	uint8_t at = (unsigned int)signal < N_SIGNALS ? s->column_of[signal] : SAMPLES_NO_COLUMN;

	return at == SAMPLES_NO_COLUMN ? NULL : &s->columns[at];
}

static inline bool samples_by_service(const struct samples_column *c)
{
	return signal_table[c->signal].scope == SIGNAL_OF_SERVICE;
}

/* Which service a row belongs to. */
static inline uint32_t samples_service(const struct samples *s, const struct samples_column *c,
				       uint32_t row)
{
	return samples_by_service(c) ? row : s->service_of[row];
}

/* Where a row's ring begins; its size is ring_size[service]. */
static inline uint64_t samples_ring(const struct samples *s, const struct samples_column *c,
				    uint32_t service, uint32_t row)
{
	uint32_t nth = samples_by_service(c) ? 0 : row - s->first_realserver[service];

	return c->ring_first[service] + (uint64_t)nth * c->ring_size[service];
}

/* Whether the last put is young enough to be believed. */
static inline bool samples_fresh(const struct samples *s, const struct samples_cell *cell,
				 int64_t now_ms)
{
	return cell->at_ms <= now_ms &&
	       now_ms - cell->at_ms <= SAMPLES_STALE_INTERVALS * s->interval_ms;
}

#endif
