/* table.c: putting a reading together. The kernel's order is that of its hash
 * buckets and means nothing; in order of keys, rows read twice lie side by side,
 * and who compares two tables walks them once. */
#include "agent/ipvs/table.h"
#include "agent/ipvs/ipvs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 64 };

/* One more row of `size` bytes; doubles the room. */
static void *add_row(void **rows, uint32_t *n, uint32_t *room, size_t size)
{
	uint32_t more;
	void *grown;

	if (*n == *room) {
		if (*room > UINT32_MAX / 2)
			return NULL;
		more = *room ? *room * 2 : FIRST_ROOM;
		grown = reallocarray(*rows, more, size);
		if (!grown)
			return NULL;
		*rows = grown;
		*room = more;
	}
	return (char *)*rows + (size_t)(*n)++ * size;
}

struct ipvs_service *table_add_service(struct table_draft *d)
{
	struct ipvs_table *t = d->table;
	void *rows = t->services;
	struct ipvs_service *row;

	row = add_row(&rows, &t->n_services, &d->room_services, sizeof(*row));
	t->services = rows;
	return row;
}

struct ipvs_dest *table_add_dest(struct table_draft *d)
{
	struct ipvs_table *t = d->table;
	void *rows = t->dests;
	struct ipvs_dest *row;

	row = add_row(&rows, &t->n_dests, &d->room_dests, sizeof(*row));
	t->dests = rows;
	return row;
}

static int compare_services(const void *a, const void *b)
{
	return ipvs_key_cmp(&((const struct ipvs_service *)a)->key,
			    &((const struct ipvs_service *)b)->key);
}

static int compare_dests(const void *a, const void *b)
{
	return addr_cmp(&((const struct ipvs_dest *)a)->addr, &((const struct ipvs_dest *)b)->addr);
}

/* Of sorted rows keeps the first of its kind; returns how many are left. */
static uint32_t drop_twins(void *rows, uint32_t n, size_t size,
			   int (*compare)(const void *, const void *))
{
	char *base = rows;
	uint32_t kept = n ? 1 : 0;

	for (uint32_t i = 1; i < n; i++) {
		if (compare(base + (size_t)(kept - 1) * size, base + (size_t)i * size) == 0)
			continue;
		if (kept != i)
			memcpy(base + (size_t)kept * size, base + (size_t)i * size, size);
		kept++;
	}
	return kept;
}

void table_sort_services(struct ipvs_table *t)
{
	if (!t->n_services)
		return;
	qsort(t->services, t->n_services, sizeof(*t->services), compare_services);
	t->n_services =
		drop_twins(t->services, t->n_services, sizeof(*t->services), compare_services);
}

/* The kernel lists what was added last first, so dests that were added in order come in
 * exactly the reverse; that is found out in one walk, and is most of what there is. */
static bool in_order(const struct ipvs_dest *rows, uint32_t n, int direction)
{
	for (uint32_t i = 1; i < n; i++)
		if (compare_dests(&rows[i - 1], &rows[i]) * direction >= 0)
			return false;
	return true;
}

static void reverse(struct ipvs_dest *rows, uint32_t n)
{
	struct ipvs_dest kept;

	for (uint32_t i = 0; i < n / 2; i++) {
		kept = rows[i];
		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = kept;
	}
}

void table_close_service(struct ipvs_table *t, struct ipvs_service *s, uint32_t first)
{
	struct ipvs_dest *rows;
	uint32_t n = t->n_dests - first;

	if (n > 1) {
		rows = t->dests + first;
		if (in_order(rows, n, -1)) {
			reverse(rows, n);
		} else if (!in_order(rows, n, 1)) {
			qsort(rows, n, sizeof(*rows), compare_dests);
			n = drop_twins(rows, n, sizeof(*rows), compare_dests);
		}
	}
	t->n_dests = first + n;
	s->first_dest = first;
	s->n_dests = n;
}

int table_sort(struct ipvs_table *t)
{
	struct ipvs_dest *moved;
	uint32_t n = 0;

	table_sort_services(t);
	if (!t->n_dests)
		return 0;
	moved = reallocarray(NULL, t->n_dests, sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n_services; i++) {
		struct ipvs_service *s = &t->services[i];

		memcpy(moved + n, t->dests + s->first_dest, s->n_dests * sizeof(*moved));
		s->first_dest = n;
		n += s->n_dests;
	}
	free(t->dests);
	t->dests = moved;
	t->n_dests = n;
	return 0;
}

static void *trimmed(void *rows, uint32_t n, uint32_t room, size_t size)
{
	void *less;

	if (!n) {
		free(rows);
		return NULL;
	}
	if (n == room)
		return rows;
	less = reallocarray(rows, n, size);
	if (!less)
		return rows;
	return less;
}

void table_trim(struct table_draft *d)
{
	struct ipvs_table *t = d->table;

	t->services = trimmed(t->services, t->n_services, d->room_services, sizeof(*t->services));
	t->dests = trimmed(t->dests, t->n_dests, d->room_dests, sizeof(*t->dests));
	d->room_services = t->n_services;
	d->room_dests = t->n_dests;
}
