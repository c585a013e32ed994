/* diff_lanes.c: the lanes' part of the difference: a walk over those that are wanted
 * beside those that were found, both in the order of their keys. */
#include "agent/sync/diff_lanes.h"
#include "agent/ipvs/ipvs.h"

struct walk {
	const struct diff_input *in;
	void (*emit)(void *arg, const struct diff_item *item);
	void *arg;
	/* Of the lane at hand: the next write is held until it is known whether it is the
	 * last. */
	struct diff_item held;
	bool holds;
};

static void flush(struct walk *w, bool last)
{
	w->held.last = last;
	if (w->holds)
		w->emit(w->arg, &w->held);
	w->holds = false;
}

/* All in one phase: nothing of a lane is missed by anybody when it goes. */
static void emit(struct walk *w, const struct diff_item *item, enum ipvs_op_kind kind)
{
	flush(w, false);
	w->held = *item;
	w->held.vip = w->held.dest = DIFF_NONE;
	w->held.of_lane = true;
	w->held.kind = (uint8_t)kind;
	w->held.phase = kind == IPVS_DEL_SERVICE ? DIFF_PHASE_DEL_SERVICE : DIFF_PHASE_ADD;
	w->holds = true;
}

/* Its one realserver; what else somebody put there would be probed in its place. */
static void walk_dests(struct walk *w, uint32_t lane, uint32_t row)
{
	const struct ipvs_table *t = w->in->table;
	const struct ipvs_dest *want = &w->in->layout->lanes[lane].dest;
	const struct ipvs_service *s = &t->services[row];
	uint32_t i, changes, there = DIFF_NONE;
	struct diff_item item = { .service_row = row, .lane = lane };

	for (i = s->first_dest; i < s->first_dest + s->n_dests; i++) {
		item.dest_row = i;
		if (addr_cmp(&t->dests[i].addr, &want->addr))
			emit(w, &item, IPVS_DEL_DEST);
		else
			there = i;
	}
	item.dest_row = there;
	item.weight = (int32_t)want->weight;
	changes = there == DIFF_NONE ? 0 : diff_dest(want, &t->dests[there]);
	item.changes = (uint8_t)changes;
	if (there == DIFF_NONE)
		emit(w, &item, IPVS_NEW_DEST);
	else if (changes)
		emit(w, &item, IPVS_SET_DEST);
}

static void walk_found(struct walk *w, uint32_t lane, uint32_t row)
{
	struct diff_item item = { .service_row = row, .dest_row = DIFF_NONE, .lane = lane };
	struct ipvs_service want;

	lane_kernel(&w->in->layout->lanes[lane], &want);
	item.changes = (uint8_t)diff_service(&want, &w->in->table->services[row]);
	if (item.changes)
		emit(w, &item, IPVS_SET_SERVICE);
	walk_dests(w, lane, row);
	flush(w, true);
}

static void walk_missing(struct walk *w, uint32_t lane)
{
	struct diff_item item = { .service_row = DIFF_NONE, .dest_row = DIFF_NONE, .lane = lane };

	emit(w, &item, IPVS_NEW_SERVICE);
	item.weight = (int32_t)w->in->layout->lanes[lane].dest.weight;
	emit(w, &item, IPVS_NEW_DEST);
	flush(w, true);
}

static void walk_unwanted(struct walk *w, uint32_t row)
{
	struct diff_item item = { .service_row = row, .dest_row = DIFF_NONE, .lane = DIFF_NONE };

	if (w->in->owned[row])
		emit(w, &item, IPVS_DEL_SERVICE);
	flush(w, false);
}

void diff_lanes(const struct diff_input *in, void (*fn)(void *arg, const struct diff_item *item),
		void *arg)
{
	struct walk w = { .in = in, .emit = fn, .arg = arg };
	const struct layout *l = in->layout;
	uint32_t lane = 0, row = in->table->n_services, end = row + in->n_lanes;

	while (lane < l->n_lanes || row < end) {
		int c = lane < l->n_lanes ? -1 : 1;

		if (lane < l->n_lanes && row < end)
			c = ipvs_key_cmp(&l->lanes[lane].key, &in->table->services[row].key);
		if (c < 0)
			walk_missing(&w, lane++);
		else if (c > 0)
			walk_unwanted(&w, row++);
		else
			walk_found(&w, lane++, row++);
	}
}
