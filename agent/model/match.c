/* match.c: merge walks over sorted lists: the layout's VIPs beside a reading's services,
 * and the destinations of each pair. */
#include "agent/model/match.h"
#include "agent/ipvs/ipvs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static uint32_t *none(uint32_t n)
{
	uint32_t *a = malloc((n ? n : 1) * sizeof(*a));

	if (a)
		memset(a, 0xff, (n ? n : 1) * sizeof(*a));
	return a;
}

/* Pairs the destinations of a VIP with those of its service. */
static void match_dests(const struct layout *l, const struct ipvs_table *t, uint32_t vip,
			uint32_t service, struct match *m)
{
	const struct layout_vip *v = &l->vips[vip];
	const struct ipvs_service *s = &t->services[service];
	uint32_t d = v->first_dest, end = v->first_dest + v->n_dests;
	uint32_t row = s->first_dest, rows_end = s->first_dest + s->n_dests;
	struct addr addr;
	int c;

	while (row < rows_end && d < end) {
		addr = layout_dest_addr(l, d);
		c = addr_cmp(&addr, &t->dests[row].addr);
		if (!c) {
			m->row_of_dest[d] = row;
			m->dest_of_row[row] = d;
		}
		d += c <= 0;
		row += c >= 0;
	}
}

static void match_services(const struct layout *l, const struct ipvs_table *t, struct match *m)
{
	uint32_t v = 0, row = 0, vip;
	int c;

	while (v < l->n_vips && row < t->n_services) {
		vip = l->vips_by_key[v];
		c = ipvs_key_cmp(&l->vips[vip].key, &t->services[row].key);
		if (!c) {
			m->vip_of_service[row] = vip;
			m->row_of_vip[vip] = row;
			match_dests(l, t, vip, row, m);
		}
		v += c <= 0;
		row += c >= 0;
	}
}

int match_table(const struct layout *l, const struct ipvs_table *table, struct match *ret_match)
{
	struct match m = {
		.row_of_vip = none(l->n_vips),
		.vip_of_service = none(table->n_services),
		.row_of_dest = none(l->n_dests),
		.dest_of_row = none(table->n_dests),
	};

	if (!m.row_of_vip || !m.vip_of_service || !m.row_of_dest || !m.dest_of_row) {
		match_fini(&m);
		return -ENOMEM;
	}
	match_services(l, table, &m);
	*ret_match = m;
	return 0;
}

void match_fini(struct match *m)
{
	free(m->row_of_vip);
	free(m->vip_of_service);
	free(m->row_of_dest);
	free(m->dest_of_row);
	memset(m, 0, sizeof(*m));
}

int reading_new(struct layout *layout, struct ipvs_table *table, struct reading **ret_reading)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (!r) {
		ipvs_table_fini(table);
		return -ENOMEM;
	}
	atomic_init(&r->refs, 1);
	r->layout = layout_ref(layout);
	r->table = *table;
	memset(table, 0, sizeof(*table));
	*ret_reading = r;
	return 0;
}

int reading_match(struct reading *r)
{
	int e = lanes_split(&r->table, &r->n_lanes);

	return e ? e : match_table(r->layout, &r->table, &r->match);
}

uint32_t reading_lane(const struct reading *r, const struct ipvs_key *key)
{
	uint32_t low = r->table.n_services, high = low + r->n_lanes;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = ipvs_key_cmp(&r->table.services[mid].key, key);

		if (!c)
			return mid;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return MATCH_NONE;
}

struct reading *reading_ref(struct reading *r)
{
	atomic_fetch_add(&r->refs, 1);
	return r;
}

void reading_unref(struct reading *r)
{
	if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	match_fini(&r->match);
	ipvs_table_fini(&r->table);
	layout_unref(r->layout);
	free(r);
}
