/* batch.c: turns items of a difference into kernel writes. Every attribute is made
 * from the configuration, or copied from what was found: SET_DEST replaces all. */
#include "agent/sync/batch.h"
#include "agent/ipvs/ipvs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int batch_new(struct layout *layout, struct batch **ret_batch)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->ops = calloc(1, sizeof(*b->ops));
	if (!b->ops) {
		free(b);
		return -ENOMEM;
	}
	b->layout = layout_ref(layout);
	*ret_batch = b;
	return 0;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	ipvs_batch_free(b->ops);
	free(b->items);
	layout_unref(b->layout);
	free(b);
}

static int grow(void **array, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t larger = *room ? *room * 2 : 8;
	void *grown;

	if (n < *room)
		return 0;
	grown = reallocarray(*array, larger, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = larger;
	return 0;
}

static int add_service(struct batch *b, const struct diff_item *item,
		       const struct ipvs_table *table)
{
	struct ipvs_batch *ops = b->ops;
	struct ipvs_service s;
	int r;

	if (ops->n_services && item->vip != DIFF_NONE && item->vip == b->vip)
		return 0;
	/* Rows of a service that left the file are told apart by their key. */
	if (item->vip != DIFF_NONE)
		layout_kernel_service(b->layout, item->vip, &s);
	else if (item->of_lane && item->lane != DIFF_NONE)
		lane_kernel(&b->layout->lanes[item->lane], &s);
	else
		s = table->services[item->service_row];
	if (ops->n_services && !ipvs_key_cmp(&ops->services[ops->n_services - 1].key, &s.key))
		return 0;
	r = grow((void **)&ops->services, ops->n_services, &b->room_services, sizeof(s));
	if (r)
		return r;
	ops->services[ops->n_services++] = s;
	b->vip = item->vip;
	return 0;
}

static int add_dest(struct batch *b, const struct diff_item *item, const struct ipvs_table *table)
{
	struct ipvs_batch *ops = b->ops;
	struct ipvs_dest d;
	int r = grow((void **)&ops->dests, ops->n_dests, &b->room_dests, sizeof(d));

	if (r)
		return r;
	if (item->dest != DIFF_NONE) {
		layout_kernel_dest(b->layout, item->dest,
				   item->weight < 0 ? 0 : (uint32_t)item->weight, &d);
	} else if (item->of_lane && item->kind != IPVS_DEL_DEST) {
		d = b->layout->lanes[item->lane].dest;
	} else {
		d = table->dests[item->dest_row];
		d.weight = item->weight < 0 ? 0 : (uint32_t)item->weight;
	}
	ops->dests[ops->n_dests++] = d;
	return 0;
}

int batch_add(struct batch *b, const struct diff_item *item, const struct ipvs_table *table)
{
	struct ipvs_batch *ops = b->ops;
	uint32_t room = b->room_ops;
	bool with_dest = item->kind >= IPVS_NEW_DEST;
	int r = grow((void **)&ops->ops, ops->n_ops, &room, sizeof(*ops->ops));

	if (!r)
		r = grow((void **)&b->items, ops->n_ops, &b->room_ops, sizeof(*b->items));
	if (!r)
		r = add_service(b, item, table);
	if (!r && with_dest)
		r = add_dest(b, item, table);
	if (r)
		return r;
	b->items[ops->n_ops] = *item;
	ops->ops[ops->n_ops++] = (struct ipvs_op){
		.kind = item->kind,
		.service = ops->n_services - 1,
		.dest = with_dest ? ops->n_dests - 1 : 0,
		.result = -ECANCELED,
	};
	return 0;
}
