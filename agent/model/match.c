/* match.c: a merge walk over two sorted lists: the layout's destinations are kept
 * sorted, the kernel's are sorted here, service by service. */
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

static int cmp_row(const void *a, const void *b, void *arg)
{
	const struct ipvs_table *t = arg;

	return addr_cmp(&t->dests[*(const uint32_t *)a].addr, &t->dests[*(const uint32_t *)b].addr);
}

/* Pairs the destinations of one VIP; `order` has room for the service's rows. */
static void match_dests(const struct layout *l, const struct ipvs_table *t, uint32_t vip,
			uint32_t service, uint32_t *order, struct match *m)
{
	const struct layout_vip *v = &l->vips[vip];
	const struct ipvs_service *s = &t->services[service];
	uint32_t i, d = v->first_dest, end = v->first_dest + v->n_dests;

	for (i = 0; i < s->n_dests; i++)
		order[i] = s->first_dest + i;
	qsort_r(order, s->n_dests, sizeof(*order), cmp_row, (void *)t);
	for (i = 0; i < s->n_dests && d < end;) {
		struct addr a = layout_dest_addr(l, d);
		int c = addr_cmp(&a, &t->dests[order[i]].addr);

		if (c < 0) {
			d++;
		} else if (c > 0) {
			i++;
		} else {
			m->row_of_dest[d] = order[i];
			m->dest_of_row[order[i]] = d;
			d++;
			i++;
		}
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
	uint32_t *order = none(table->n_dests);
	uint32_t i;

	if (!m.row_of_vip || !m.vip_of_service || !m.row_of_dest || !m.dest_of_row || !order) {
		free(order);
		match_fini(&m);
		return -ENOMEM;
	}
	for (i = 0; i < table->n_services; i++) {
		uint32_t vip = layout_find_vip(l, &table->services[i].key);

		if (vip == LAYOUT_NONE || m.row_of_vip[vip] != MATCH_NONE)
			continue;
		m.vip_of_service[i] = vip;
		m.row_of_vip[vip] = i;
		match_dests(l, table, vip, i, order, &m);
	}
	free(order);
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
	return match_table(r->layout, &r->table, &r->match);
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
