/* samples.c: making, filling and carrying over the values that rules read. Everything
 * lies in one block, laid out twice by the same function: first to count the bytes,
 * then to set the pointers, so what is said to be needed is what is taken. */
#include "agent/rules/samples.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"
#include "agent/rules/samples_layout.h"

/* --- making ------------------------------------------------------------------- */

struct needs {
	const struct samples_need *items;
	size_t n;
	int64_t interval_ms;
};

struct carve {
	char *base; /* NULL: only count */
	uint64_t used;
};

static void *carve(struct carve *c, uint64_t n, uint64_t size)
{
	uint64_t at = c->used, bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > UINT64_MAX - 7 ||
	    __builtin_add_overflow(at, (bytes + 7) & ~UINT64_C(7), &c->used))
		c->used = UINT64_MAX;
	return c->base ? c->base + at : NULL;
}

/* The longest window that a rule needs of the signal in this service. */
static int64_t window_of(const struct needs *needs, enum signal_id signal, uint32_t service)
{
	int64_t longest = 0;
	size_t i;

	for (i = 0; i < needs->n; i++) {
		const struct samples_need *n = &needs->items[i];

		if (n->signal == signal && n->window_ms > longest &&
		    (!n->services || n->services[service]))
			longest = n->window_ms;
	}
	return longest;
}

/* Samples that a ring has room for: those of the window, both ends, and a quarter more
 * for what is put between the regular times. */
static uint32_t ring_size(int64_t window_ms, int64_t interval_ms)
{
	int64_t n = window_ms / interval_ms;

	return window_ms ? (uint32_t)(n + n / 4 + 3) : 0;
}

static void add_columns(struct samples *s, const struct needs *needs)
{
	size_t i;

	memset(s->column_of, SAMPLES_NO_COLUMN, sizeof(s->column_of));
	for (i = 0; i < needs->n; i++) {
		const struct samples_need *n = &needs->items[i];
		struct samples_column *c = samples_column(s, n->signal);

		if (!c) {
			s->column_of[n->signal] = (uint8_t)s->n_columns;
			c = &s->columns[s->n_columns++];
			c->signal = n->signal;
			c->n_rows = samples_by_service(c) ? s->n_services : s->n_realservers;
		}
		c->windows |= n->window_ms > 0;
		c->peers |= n->peers && !samples_by_service(c);
		if (n->window_ms > c->window_ms)
			c->window_ms = n->window_ms;
	}
}

static void count_rings(struct samples *s, struct samples_column *c,
			const struct samples_shape *shape, const struct needs *needs)
{
	uint32_t i;

	c->n_ring = 0;
	for (i = 0; i < s->n_services; i++) {
		uint32_t size = ring_size(window_of(needs, c->signal, i), needs->interval_ms);

		if (c->ring_size) {
			c->ring_first[i] = c->n_ring;
			c->ring_size[i] = size;
		}
		c->n_ring += (uint64_t)size * (samples_by_service(c) ? 1 : shape->n_of[i]);
	}
}

static void lay_column(struct samples *s, struct samples_column *c,
		       const struct samples_shape *shape, const struct needs *needs,
		       struct carve *at)
{
	c->cells = carve(at, c->n_rows, sizeof(*c->cells));
	if (c->windows) {
		c->heads = carve(at, c->n_rows, sizeof(*c->heads));
		c->ring_first = carve(at, s->n_services, sizeof(*c->ring_first));
		c->ring_size = carve(at, s->n_services, sizeof(*c->ring_size));
		count_rings(s, c, shape, needs);
		c->values = carve(at, c->n_ring, sizeof(*c->values));
		c->times = carve(at, c->n_ring, sizeof(*c->times));
	}
	if (c->peers) {
		c->peers_of = carve(at, s->n_services, sizeof(*c->peers_of));
		c->sorted = carve(at, s->n_realservers, sizeof(*c->sorted));
		c->before = carve(at, s->n_realservers, sizeof(*c->before));
		c->behind = carve(at, s->n_realservers, sizeof(*c->behind));
	}
}

static uint64_t lay_out(struct samples *s, const struct samples_shape *shape,
			const struct needs *needs, char *base)
{
	struct carve at = { .base = base };
	uint32_t i;

	carve(&at, 1, sizeof(*s));
	s->service_of = carve(&at, s->n_realservers, sizeof(*s->service_of));
	s->first_realserver = carve(&at, s->n_services, sizeof(*s->first_realserver));
	s->n_of = carve(&at, s->n_services, sizeof(*s->n_of));
	s->takes_part = carve(&at, s->n_realservers, sizeof(*s->takes_part));
	for (i = 0; i < s->n_columns; i++)
		lay_column(s, &s->columns[i], shape, needs, &at);
	return at.used;
}

static int check_needs(const struct needs *needs, struct buf *why)
{
	size_t i;

	if (needs->interval_ms < 1) {
		buf_puts(why, "the interval of samples must be at least 1ms");
		return -EINVAL;
	}
	for (i = 0; i < needs->n; i++) {
		if (needs->items[i].window_ms <= SAMPLES_WINDOW_MAX_MS)
			continue;
		buf_printf(why, "the window of %s must be at most ",
			   signal_table[needs->items[i].signal].name);
		format_duration(why, SAMPLES_WINDOW_MAX_MS);
		return -EINVAL;
	}
	return 0;
}

/* Rounded up, so that the figure is enough when it is written into the file. */
static void put_size(struct buf *out, uint64_t bytes)
{
	uint64_t mb = bytes / (1024 * 1024) + (bytes % (1024 * 1024) != 0);
	uint64_t kb = bytes / 1024 + (bytes % 1024 != 0);

	if (kb < 1024)
		buf_printf(out, "%lluKB", (unsigned long long)kb);
	else
		buf_printf(out, "%lluMB", (unsigned long long)mb);
}

static int tell_too_big(const struct samples *s, uint64_t memory_max, struct buf *why)
{
	const struct samples_column *largest = NULL;
	uint32_t i;

	for (i = 0; i < s->n_columns; i++) {
		if (s->columns[i].n_ring && (!largest || s->columns[i].n_ring > largest->n_ring))
			largest = &s->columns[i];
	}
	buf_puts(why, "the values and windows that the rules read need ");
	put_size(why, s->bytes);
	buf_puts(why, ", window_memory allows ");
	put_size(why, memory_max);
	if (largest) {
		buf_printf(why, "; the most is for %s over ", signal_table[largest->signal].name);
		format_duration(why, largest->window_ms);
	}
	buf_puts(why, ": shorten windows, match fewer services, or set window_memory = ");
	put_size(why, s->bytes);
	buf_puts(why, " in [agent]");
	return -E2BIG;
}

static void start_values(struct samples *s, const struct samples_shape *shape)
{
	uint32_t i, j;

	if (s->n_realservers)
		memcpy(s->service_of, shape->service_of, s->n_realservers * sizeof(*s->service_of));
	if (s->n_services) {
		memcpy(s->first_realserver, shape->first_realserver,
		       s->n_services * sizeof(*s->first_realserver));
		memcpy(s->n_of, shape->n_of, s->n_services * sizeof(*s->n_of));
	}
	for (i = 0; i < s->n_columns; i++) {
		struct samples_column *c = &s->columns[i];

		for (j = 0; j < c->n_rows; j++)
			c->cells[j] = (struct samples_cell){ NAN, SAMPLES_NEVER_MS };
		for (j = 0; c->peers && j < s->n_services; j++)
			c->peers_of[j].built_ms = SAMPLES_NEVER_MS;
	}
}

int samples_new(const struct samples_shape *shape, const struct samples_need *needs, size_t n,
		int64_t interval_ms, uint64_t memory_max, struct buf *why,
		struct samples **ret_samples)
{
	struct needs all = { .items = needs, .n = n, .interval_ms = interval_ms };
	struct samples draft = { .interval_ms = interval_ms,
				 .n_services = shape->n_services,
				 .n_realservers = shape->n_realservers };
	struct samples *s;
	int r = check_needs(&all, why);

	if (r)
		return r;
	add_columns(&draft, &all);
	draft.bytes = lay_out(&draft, shape, &all, NULL);
	if (draft.bytes > memory_max)
		return tell_too_big(&draft, memory_max, why);
	s = draft.bytes < SIZE_MAX ? calloc(1, (size_t)draft.bytes) : NULL;
	if (!s)
		return -ENOMEM;
	*s = draft;
	lay_out(s, shape, &all, (char *)s);
	start_values(s, shape);
	*ret_samples = s;
	return 0;
}

void samples_free(struct samples *s)
{
	free(s);
}

uint64_t samples_memory(const struct samples *s)
{
	return s->bytes;
}

/* --- filling ------------------------------------------------------------------ */

static uint64_t place(uint64_t ring, uint32_t size, const struct samples_head *head, uint32_t nth)
{
	uint32_t oldest = head->next >= head->count ? head->next - head->count
						    : head->next + size - head->count;

	return ring + (oldest + nth < size ? oldest + nth : oldest + nth - size);
}

/* Forgets what no window can hold any more. This is why 32 bits of a time suffice:
 * as it is done at each put, and all is forgotten after a long pause, what is left is
 * younger than two of the longest windows. */
static void samples_expire(struct samples_column *c, uint32_t row, uint64_t ring, uint32_t size,
			   int64_t now_ms)
{
	struct samples_head *head = &c->heads[row];

	if (now_ms - c->cells[row].at_ms > c->window_ms)
		head->count = 0;
	while (head->count &&
	       (uint32_t)now_ms - c->times[place(ring, size, head, 0)] > c->window_ms)
		head->count--;
}

static void enter(struct samples *s, struct samples_column *c, uint32_t row, int64_t now_ms,
		  double value)
{
	uint32_t service = samples_service(s, c, row), size = c->ring_size[service];
	uint64_t ring = samples_ring(s, c, service, row);
	struct samples_head *head = &c->heads[row];

	if (!size)
		return;
	samples_expire(c, row, ring, size, now_ms);
	if (isnan(value))
		return;
	if (head->count) {
		uint32_t last = c->times[place(ring, size, head, head->count - 1)];

		if (((uint32_t)now_ms - last) < (s->interval_ms + 1) / 2)
			return;
	}
	c->values[ring + head->next] = value;
	c->times[ring + head->next] = (uint32_t)now_ms;
	head->next = head->next + 1 < size ? head->next + 1 : 0;
	if (head->count < size)
		head->count++;
}

/* A value that stays the same, and was believed, leaves the peers as they are. */
static bool stirs_peers(const struct samples *s, const struct samples_cell *cell, int64_t now_ms,
			double value)
{
	if (isnan(value) && isnan(cell->value))
		return false;
	return value != cell->value || !samples_fresh(s, cell, now_ms);
}

void samples_put(struct samples *s, enum signal_id signal, uint32_t realserver_or_service,
		 int64_t now_ms, double value)
{
	struct samples_column *c = samples_column(s, signal);
	uint32_t row = realserver_or_service;
	struct samples_cell *cell;

	if (!c || row >= c->n_rows || now_ms < c->cells[row].at_ms)
		return;
	cell = &c->cells[row];
	if (!isfinite(value))
		value = NAN;
	if (c->windows)
		enter(s, c, row, now_ms, value);
	if (c->peers && stirs_peers(s, cell, now_ms, value))
		c->peers_of[s->service_of[row]].built_ms = SAMPLES_NEVER_MS;
	cell->value = value;
	cell->at_ms = now_ms;
}

void samples_peer(struct samples *s, uint32_t realserver, bool takes_part)
{
	uint32_t i;

	if (realserver >= s->n_realservers || s->takes_part[realserver] == takes_part)
		return;
	s->takes_part[realserver] = takes_part;
	for (i = 0; i < s->n_columns; i++) {
		struct samples_column *c = &s->columns[i];

		if (c->peers)
			c->peers_of[s->service_of[realserver]].built_ms = SAMPLES_NEVER_MS;
	}
}

/* --- carrying over ------------------------------------------------------------ */

/* A full time again, from its low 32 bits and a time less than 2^31 ms after it. */
static int64_t whole_time(uint32_t low, int64_t after_ms)
{
	return after_ms - (int64_t)((uint32_t)after_ms - low);
}

static void carry_row(struct samples *to, struct samples_column *c, uint32_t row,
		      const struct samples *from, const struct samples_column *old,
		      uint32_t old_row)
{
	uint32_t service = samples_service(from, old, old_row), i;
	const struct samples_cell *cell = &old->cells[old_row];

	if (c->windows && old->windows && old->ring_size[service]) {
		uint32_t size = old->ring_size[service];
		uint64_t ring = samples_ring(from, old, service, old_row);

		for (i = 0; i < old->heads[old_row].count; i++) {
			uint64_t at = place(ring, size, &old->heads[old_row], i);
			int64_t ms = whole_time(old->times[at], cell->at_ms);

			enter(to, c, row, ms, old->values[at]);
			c->cells[row].at_ms = ms;
		}
	}
	c->cells[row] = *cell;
}

void samples_carry(struct samples *to, const struct samples *from, const uint32_t *old_realserver,
		   const uint32_t *old_service)
{
	uint32_t i, row;

	for (i = 0; i < to->n_columns; i++) {
		struct samples_column *c = &to->columns[i];
		uint8_t at = from->column_of[c->signal];
		const uint32_t *old_rows = samples_by_service(c) ? old_service : old_realserver;

		for (row = 0; at != SAMPLES_NO_COLUMN && row < c->n_rows; row++) {
			const struct samples_column *old = &from->columns[at];

			if (old_rows[row] < old->n_rows)
				carry_row(to, c, row, from, old, old_rows[row]);
		}
		for (row = 0; c->peers && row < to->n_services; row++)
			c->peers_of[row].built_ms = SAMPLES_NEVER_MS;
	}
	for (row = 0; row < to->n_realservers; row++) {
		if (old_realserver[row] < from->n_realservers)
			to->takes_part[row] = from->takes_part[old_realserver[row]];
	}
}
