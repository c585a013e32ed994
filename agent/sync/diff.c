/* diff.c: walks what is wanted beside what was found. The order of the writes is
 * what keeps traffic flowing: a new service is followed at once by its
 * destinations; what adds or raises comes before what lowers; deletions come last.
 * What left the file goes on serving while those that the file names cannot, is then
 * quiesced, and is deleted when its connections are gone or its time is up. */
#include "agent/sync/diff.h"
#include "agent/ipvs/ipvs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sync/diff_lanes.h"

struct work {
	const struct diff_input *in;
	struct diff_item *items;
	uint32_t n, room;
	struct diff_leaving *leaving;
	uint32_t n_leaving, room_leaving;
	bool skipped, failed;
};

/* One more place in a growing array; NULL when memory is out. */
static void *more(void *array, uint32_t n, uint32_t *room, size_t size, bool *failed)
{
	uint32_t larger = *room ? *room * 2 : 16;
	void *grown;

	if (n < *room)
		return array;
	grown = reallocarray(array, larger, size);
	if (!grown) {
		*failed = true;
		return array;
	}
	*room = larger;
	return grown;
}

static void emit(struct work *w, const struct diff_item *item)
{
	w->items = more(w->items, w->n, &w->room, sizeof(*w->items), &w->failed);
	if (w->n < w->room)
		w->items[w->n++] = *item;
}

static void emit_lane(void *arg, const struct diff_item *item)
{
	emit(arg, item);
}

static int cmp_leaving(const void *a, const void *b)
{
	const struct diff_leaving *la = a, *lb = b;
	int c = ipvs_key_cmp(&la->service, &lb->service);

	return c ? c : addr_cmp(&la->dest, &lb->dest);
}

void diff_leave_alone(struct diff *d, const struct ipvs_key *service, const struct addr *dest,
		      bool left)
{
	struct diff_leaving l = { .service = *service, .dest = *dest }, *at = NULL;

	if (d->n_leaving)
		at = bsearch(&l, d->leaving, d->n_leaving, sizeof(l), cmp_leaving);
	if (at)
		at->left = left;
}

/* As it was leaving already, or NULL; `dest` NULL = the service itself. */
static const struct diff_leaving *was_leaving(const struct work *w, const struct ipvs_key *service,
					      const struct addr *dest, int64_t *ret_since_ms)
{
	struct diff_leaving l = { .service = *service };
	const struct diff_leaving *was = NULL;

	if (dest)
		l.dest = *dest;
	if (w->in->n_leaving)
		was = bsearch(&l, w->in->leaving, w->in->n_leaving, sizeof(l), cmp_leaving);
	if (was)
		*ret_since_ms = was->since_ms;
	return was;
}

/* Notes it for the next time. */
static void note_leaving(struct work *w, const struct ipvs_key *service, const struct addr *dest,
			 int64_t since_ms, bool left, const struct drain_memory *drain)
{
	struct diff_leaving l = {
		.service = *service, .since_ms = since_ms, .left = left, .drain = *drain
	};

	if (dest)
		l.dest = *dest;
	w->leaving = more(w->leaving, w->n_leaving, &w->room_leaving, sizeof(l), &w->failed);
	if (w->n_leaving < w->room_leaving)
		w->leaving[w->n_leaving++] = l;
}

uint32_t diff_service(const struct ipvs_service *want, const struct ipvs_service *found)
{
	uint32_t persistent = (want->flags | found->flags) & IPVS_SVC_PERSISTENT;
	uint32_t changes = 0;

	if (strcmp(want->scheduler, found->scheduler))
		changes |= DIFF_SCHEDULER;
	if ((want->flags ^ found->flags) & IPVS_SVC_FLAGS & ~(uint32_t)IPVS_SVC_PERSISTENT)
		changes |= DIFF_FLAGS;
	if ((want->flags ^ found->flags) & IPVS_SVC_PERSISTENT)
		changes |= DIFF_PERSISTENCE;
	/* Without persistence the kernel keeps whatever it was once told. */
	if (persistent && (want->timeout != found->timeout || want->netmask != found->netmask))
		changes |= DIFF_PERSISTENCE;
	if (strcmp(want->engine, found->engine))
		changes |= DIFF_ENGINE;
	return changes;
}

uint32_t diff_dest(const struct ipvs_dest *want, const struct ipvs_dest *found)
{
	uint32_t changes = 0;

	if (want->weight != found->weight)
		changes |= DIFF_WEIGHT;
	if (want->forward != found->forward)
		changes |= DIFF_FORWARD;
	if (want->forward == IPVS_TUNNEL &&
	    (want->tun_type != found->tun_type || want->tun_flags != found->tun_flags ||
	     want->tun_port != found->tun_port))
		changes |= DIFF_TUNNEL;
	if (want->upper != found->upper || want->lower != found->lower)
		changes |= DIFF_THRESHOLDS;
	return changes;
}

/* Somebody else serves; or nobody else is ever to. */
static bool replaced(const struct service_state *s)
{
	return s->available || !s->configured;
}

static void add_counts(const struct ipvs_key *key, const struct ipvs_dest *d,
		       struct drain_look *look)
{
	look->weight |= d->weight;
	look->active += d->active;
	look->inactive += d->inactive;
	look->persistent += d->persistent;
	look->packets += d->stats.in_packets;
	if (key->proto == IPPROTO_UDP)
		look->udp += d->inactive;
}

/* Would nobody be cut? As of a drain, by the counters, which are all that is at hand:
 * whoever persistence sends there is taken to come back. */
static bool is_drained(const struct work *w, struct drain_look *look, struct drain_memory *memory)
{
	look->there = true;
	look->sticky_ms = look->persistent;
	return drain_wait(memory, look, w->in->now_ms) == DRAIN_FOR_NOTHING;
}

/* A destination that leaves: its write, if one is due. One that nobody of us put
 * there is drift when it is seen for the first time. */
static void let_go(struct work *w, const struct diff_policy *policy,
		   const struct service_state *service, const struct ipvs_key *key,
		   struct diff_item *item)
{
	const struct ipvs_dest *d = &w->in->table->dests[item->dest_row];
	bool now = policy->on_remove == REMOVE_NOW;
	bool stays = d->weight && !now && !replaced(service);
	int64_t since = w->in->now_ms;
	const struct diff_leaving *was = was_leaving(w, key, &d->addr, &since);
	struct drain_memory memory = was ? was->drain : (struct drain_memory){ 0 };
	struct drain_look look = { 0 };
	bool drained;

	add_counts(key, d, &look);
	drained = is_drained(w, &look, &memory);
	item->drift = !was && item->dest == DIFF_NONE && w->in->vips[item->vip].settled;
	item->again = was && was->left;
	if (stays || item->again)
		since = w->in->now_ms; /* its drain has not begun */
	note_leaving(w, key, &d->addr, since, item->again, &memory);
	if (stays)
		return;
	if (now || w->in->now_ms - since >= policy->drain_timeout || drained) {
		item->kind = IPVS_DEL_DEST;
		item->phase = DIFF_PHASE_DEL_DEST;
	} else if (d->weight) {
		item->kind = IPVS_SET_DEST;
		item->phase = DIFF_PHASE_LOWER;
		item->changes = DIFF_WEIGHT;
		item->weight = 0;
	} else {
		return; /* its connections go on */
	}
	emit(w, item);
}

static struct diff_policy policy_of(const struct service_conf *c)
{
	return (struct diff_policy){ c->on_remove, c->drain_timeout };
}

/* A destination of the layout, found or not. */
static void walk_dest(struct work *w, uint32_t vip, uint32_t dest)
{
	const struct diff_input *in = w->in;
	const struct layout_service *svc = &in->layout->services[in->layout->vips[vip].service];
	const struct dest_state *s = &in->dests[dest];
	struct diff_item item = {
		.vip = vip,
		.dest = dest,
		.service_row = in->match->row_of_vip[vip],
		.dest_row = in->match->row_of_dest[dest],
		.weight = s->want,
	};
	struct diff_policy policy = policy_of(svc->conf);
	const struct ipvs_dest *found;
	struct ipvs_dest want;

	if (item.dest_row == MATCH_NONE) {
		if (s->want < 0)
			return;
		item.kind = IPVS_NEW_DEST;
		item.phase = DIFF_PHASE_ADD;
		item.drift = s->seen >= 0;
		item.again = s->left && s->left_found == SEEN_ABSENT;
		emit(w, &item);
		return;
	}
	found = &in->table->dests[item.dest_row];
	item.again = s->left && s->left_found == (int32_t)found->weight;
	if (s->want == WANT_ABSENT) {
		item.kind = IPVS_DEL_DEST;
		item.phase = DIFF_PHASE_DEL_DEST;
		item.drift = s->seen == SEEN_ABSENT;
		emit(w, &item);
	} else if (s->want == WANT_OUT) {
		let_go(w, &policy, &in->services[in->layout->vips[vip].service],
		       &in->layout->vips[vip].key, &item);
	} else {
		layout_kernel_dest(in->layout, dest, (uint32_t)s->want, &want);
		item.changes = diff_dest(&want, found);
		if (!item.changes)
			return;
		item.kind = IPVS_SET_DEST;
		item.phase = want.weight > found->weight ? DIFF_PHASE_RAISE : DIFF_PHASE_LOWER;
		item.drift = (s->seen >= 0 && (uint32_t)s->seen != found->weight) ||
			     (s->settled && (item.changes & ~(uint32_t)DIFF_WEIGHT));
		emit(w, &item);
	}
}

/* Destinations in one of our services that the file does not name. */
static void walk_extras(struct work *w, uint32_t vip)
{
	const struct diff_input *in = w->in;
	uint32_t row = in->match->row_of_vip[vip], i;
	uint32_t service = in->layout->vips[vip].service;
	struct diff_policy policy = policy_of(in->layout->services[service].conf);
	const struct ipvs_service *s = &in->table->services[row];

	for (i = s->first_dest; i < s->first_dest + s->n_dests; i++) {
		struct diff_item item = {
			.vip = vip, .dest = DIFF_NONE, .service_row = row, .dest_row = i
		};

		if (in->match->dest_of_row[i] == MATCH_NONE)
			let_go(w, &policy, &in->services[service], &s->key, &item);
	}
}

/* Not while our own writes overlap the reading: it may show either side of them. */
static bool overlaps(const struct diff_input *in, uint32_t vip)
{
	return in->vips[vip].writes || in->vips[vip].written_us >= in->table->started_us;
}

static void walk_vip(struct work *w, uint32_t vip)
{
	const struct diff_input *in = w->in;
	const struct layout_vip *v = &in->layout->vips[vip];
	uint32_t row = in->match->row_of_vip[vip], i;
	struct diff_item item = {
		.vip = vip, .dest = DIFF_NONE, .service_row = row, .dest_row = DIFF_NONE
	};
	struct ipvs_service want;

	if (overlaps(in, vip)) {
		w->skipped = true;
		return;
	}
	layout_kernel_service(in->layout, vip, &want);
	if (row == MATCH_NONE) {
		item.kind = IPVS_NEW_SERVICE;
		item.drift = in->vips[vip].present;
		item.again = in->vips[vip].left;
		emit(w, &item);
	} else {
		item.changes = diff_service(&want, &in->table->services[row]);
		item.kind = IPVS_SET_SERVICE;
		item.drift = in->vips[vip].settled;
		item.again = in->vips[vip].left;
		if (item.changes)
			emit(w, &item);
	}
	for (i = v->first_dest; i < v->first_dest + v->n_dests; i++)
		walk_dest(w, vip, i);
	if (row != MATCH_NONE)
		walk_extras(w, vip);
}

/* A service that is ours by the ledger, but not in the file any more. */
static void walk_gone(struct work *w, uint32_t row)
{
	const struct diff_input *in = w->in;
	const struct ipvs_service *s = &in->table->services[row];
	int64_t since = in->now_ms;
	const struct diff_leaving *was = was_leaving(w, &s->key, NULL, &since);
	struct drain_memory memory = was ? was->drain : (struct drain_memory){ 0 };
	struct drain_look look = { 0 };
	bool drained;
	uint32_t i;
	struct diff_item item = { .kind = IPVS_DEL_SERVICE,
				  .vip = DIFF_NONE,
				  .dest = DIFF_NONE,
				  .service_row = row,
				  .dest_row = DIFF_NONE,
				  .phase = DIFF_PHASE_DEL_SERVICE };

	for (i = s->first_dest; i < s->first_dest + s->n_dests; i++)
		add_counts(&s->key, &in->table->dests[i], &look);
	drained = is_drained(w, &look, &memory);
	note_leaving(w, &s->key, NULL, since, false, &memory);
	if (drained || in->gone.on_remove == REMOVE_NOW ||
	    in->now_ms - since >= in->gone.drain_timeout) {
		emit(w, &item);
		return;
	}
	for (i = s->first_dest; i < s->first_dest + s->n_dests; i++) {
		if (!in->table->dests[i].weight)
			continue;
		item.kind = IPVS_SET_DEST;
		item.phase = DIFF_PHASE_LOWER;
		item.dest_row = i;
		item.changes = DIFF_WEIGHT;
		emit(w, &item);
	}
}

/* What leaves a VIP that was not looked at this time goes on leaving. */
static void keep_leaving(struct work *w)
{
	const struct diff_input *in = w->in;
	uint32_t i;

	for (i = 0; i < in->n_leaving; i++) {
		uint32_t vip = layout_find_vip(in->layout, &in->leaving[i].service);

		if (vip != LAYOUT_NONE && overlaps(in, vip))
			note_leaving(w, &in->leaving[i].service, &in->leaving[i].dest,
				     in->leaving[i].since_ms, in->leaving[i].left,
				     &in->leaving[i].drain);
	}
}

/* Stable by phase. */
static int order(struct work *w)
{
	struct diff_item *sorted;
	uint32_t start[DIFF_N_PHASES + 1] = { 0 }, i;

	for (i = 1; i < w->n && w->items[i - 1].phase <= w->items[i].phase; i++)
		;
	if (i >= w->n)
		return 0; /* as where all is added */
	sorted = malloc(w->n * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < w->n; i++)
		start[w->items[i].phase + 1]++;
	for (i = 1; i <= DIFF_N_PHASES; i++)
		start[i] += start[i - 1];
	for (i = 0; i < w->n; i++)
		sorted[start[w->items[i].phase]++] = w->items[i];
	free(w->items);
	w->items = sorted;
	return 0;
}

int diff_tables(const struct diff_input *in, struct diff *ret_diff)
{
	struct work w = { .in = in };
	uint32_t i;

	for (i = 0; i < in->layout->n_vips; i++)
		walk_vip(&w, i);
	for (i = 0; i < in->table->n_services; i++)
		if (in->match->vip_of_service[i] == MATCH_NONE && in->owned[i])
			walk_gone(&w, i);
	diff_lanes(in, emit_lane, &w);
	keep_leaving(&w);
	if (w.failed || order(&w)) {
		free(w.items);
		free(w.leaving);
		return -ENOMEM;
	}
	if (w.n_leaving)
		qsort(w.leaving, w.n_leaving, sizeof(*w.leaving), cmp_leaving);
	*ret_diff = (struct diff){ w.items, w.n, w.leaving, w.n_leaving, w.skipped };
	return 0;
}

void diff_fini(struct diff *d)
{
	free(d->items);
	free(d->leaving);
	memset(d, 0, sizeof(*d));
}
