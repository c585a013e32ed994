/* top_rows.h: PURE: what top shows: a row a realserver, with rates from two readings. */
#ifndef CLI_TOP_ROWS_H
#define CLI_TOP_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum top_rate { TOP_CONNECTIONS_RATE = 0, TOP_BYTES_IN, TOP_BYTES_OUT, TOP_N_RATES };

struct top_row {
	char *name;  /* "web/web2" */
	json_t *row; /* of status_rows(): a reference */
	int64_t active, inactive;
	int64_t weight;              /* -1 = absent */
	int64_t totals[TOP_N_RATES]; /* -1 = not in the kernel */
	double rates[TOP_N_RATES];   /* a second; < 0 = not known (yet) */
	double latency;              /* seconds: of the slowest probe; < 0 = none */
	unsigned int badness;        /* of its state */
};

struct top_reading {
	struct top_row *rows; /* by name */
	size_t n, services;
	int64_t wall_ms;           /* when the kernel was read; 0 = not said */
	double rates[TOP_N_RATES]; /* of all; < 0 = not known */
	json_t *json;              /* a reference: troubles, frozen */
};

/* From GET /api/v1/services, or one of them, with "holds" and "frozen" put in. NULL when
 * memory is out, or it is of another shape. */
struct top_reading *top_reading_new(json_t *json);
void top_reading_free(struct top_reading *r);

/* Fills the rates in. Where both are of one reading of the kernel, those of `before` stand.
 * NULL = there is none before. */
void top_reading_compare(struct top_reading *r, const struct top_reading *before);

enum top_key {
	TOP_CONNECTIONS = 0,
	TOP_RATE,
	TOP_LATENCY,
	TOP_WEIGHT,
	TOP_NAME,
	TOP_STATE,
	TOP_N_KEYS,
};
extern const char *const top_key_names[TOP_N_KEYS]; /* their first letter is the key */

/* Rows in that order (most first; names from a on; states from bad on), those only in whose
 * name or state `filter` stands. An array for free(), borrowing; NULL when memory is out. */
const struct top_row **top_sort(const struct top_reading *r, enum top_key key, bool reverse,
				const char *filter, size_t *ret_n);

#endif
