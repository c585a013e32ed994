/* pass.c: the steps of a pass that do not choose when. */
#include "agent/sync/pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/ipvs/ipvs.h"
#include "agent/sync/owned.h"
#include "agent/sync/writes.h"

/* While the kernel has some the next is gathered: several, for the loop has other things
 * to do too. Urgent writes wait for all of them. */
enum { BATCH_ITEMS = 256, BATCHES = 4 };

int pass_new(struct layout *layout, struct pass **ret_pass)
{
	struct pass *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->layout = layout_ref(layout);
	p->begun_us = clock_mono_us();
	*ret_pass = p;
	return 0;
}

void pass_tell_error(int error)
{
	if (error == -EPERM)
		log_event(LOG_WARN, "no CAP_NET_ADMIN: showing what /proc says, managing nothing");
	else if (error == -ENOPROTOOPT)
		log_event(LOG_WARN, "the kernel has no ip_vs, waiting for it",
			  LOG_STR("try", "modprobe ip_vs"));
	else if (error)
		log_event(LOG_WARN, "the kernel's IPVS table cannot be read, retrying",
			  LOG_ERR(error));
	else
		log_event(LOG_INFO, "the kernel's IPVS table can be read again");
}

void pass_keep(struct pass *p, struct ipvs_table *table)
{
	p->kept = *table;
	p->has_kept = true;
	*table = (struct ipvs_table){ 0 };
}

bool pass_go_on(struct pass *p, struct ipvs_table *ret_table)
{
	p->ahead = false;
	if (!p->has_kept)
		return false;
	p->has_kept = false;
	*ret_table = p->kept;
	p->kept = (struct ipvs_table){ 0 };
	return true;
}

void pass_serve(struct pass *p, struct layout *layout)
{
	struct layout *old = p->layout;

	p->layout = layout_ref(layout);
	layout_unref(old);
}

/* What the difference was worked out from is not needed any more. */
static void drop_copies(struct pass *p)
{
	free(p->dests);
	free(p->vips);
	free(p->services);
	free(p->leaving);
	free(p->owned);
	free(p->news);
	p->dests = NULL;
	p->vips = NULL;
	p->services = NULL;
	p->leaving = NULL;
	p->owned = NULL;
	p->news = NULL;
	p->n_news = 0;
}

void pass_free(struct pass *p)
{
	if (!p)
		return;
	drop_copies(p);
	diff_fini(&p->diff);
	ipvs_table_fini(&p->kept);
	reading_unref(p->reading);
	layout_unref(p->layout);
	free(p);
}

void pass_set_caps(const struct pass *p, struct state *s)
{
	const struct layout *l = p->layout;
	uint32_t i;

	for (i = 0; i < l->n_dests; i++) {
		const struct layout_service *svc = &l->services[l->vips[l->dests[i].vip].service];
		uint32_t row = p->reading->match.row_of_dest[i];
		int32_t weight = row == MATCH_NONE ? CAP_ABSENT
						   : (int32_t)p->reading->table.dests[row].weight;

		if (s->dests[i].cap != CAP_NONE)
			continue;
		s->dests[i].cap = svc->conf->initial == INITIAL_DOWN && weight > 0 ? 0 : weight;
		state_dirty(s, l->vips[l->dests[i].vip].service);
	}
}

static void *copy(const void *array, uint32_t n, size_t size)
{
	void *c = malloc((n ? n : 1) * size);

	if (c && n)
		memcpy(c, array, n * size);
	return c;
}

int pass_prepare(struct pass *p, const struct state *s, const struct diff_leaving *leaving,
		 uint32_t n_leaving, const struct diff_policy *gone, int64_t now_ms)
{
	const struct layout *l = p->layout;

	p->dests = copy(s->dests, l->n_dests, sizeof(*s->dests));
	p->vips = copy(s->vips, l->n_vips, sizeof(*s->vips));
	p->services = copy(s->services, l->n_services, sizeof(*s->services));
	p->leaving = copy(leaving, n_leaving, sizeof(*leaving));
	p->n_leaving = n_leaving;
	p->owned =
		calloc(p->reading->table.n_services + p->reading->n_lanes + 1ul, sizeof(*p->owned));
	p->gone = *gone;
	p->now_ms = now_ms;
	if (!p->dests || !p->vips || !p->services || !p->leaving || !p->owned)
		return -ENOMEM;
	return 0;
}

void pass_own(struct pass *p, const struct owned *owned)
{
	const struct reading *rd = p->reading;
	uint32_t i;

	for (i = 0; i < rd->table.n_services + rd->n_lanes; i++)
		p->owned[i] =
			(i >= rd->table.n_services || rd->match.vip_of_service[i] == MATCH_NONE) &&
			owned_has(owned, &rd->table.services[i].key);
}

static int32_t found_weight(const struct pass *p, uint32_t dest)
{
	uint32_t row = p->reading->match.row_of_dest[dest];

	return row == MATCH_NONE ? SEEN_ABSENT : (int32_t)p->reading->table.dests[row].weight;
}

/* Does the reading tell something about it? Most passes find nothing. */
static bool is_news(const struct pass *p, uint32_t dest)
{
	const struct dest_state *d = &p->dests[dest];
	int32_t found = found_weight(p, dest);

	return d->seen != found || d->settled != (found != SEEN_ABSENT) || d->error ||
	       (d->left && d->left_found != found);
}

static int find_news(struct pass *p)
{
	uint32_t i, n = 0;

	for (i = 0; i < p->layout->n_dests; i++)
		n += is_news(p, i);
	p->news = malloc((n ? n : 1) * sizeof(*p->news));
	if (!p->news)
		return -ENOMEM;
	for (i = 0; i < p->layout->n_dests; i++)
		if (is_news(p, i))
			p->news[p->n_news++] = i;
	return 0;
}

void pass_diff(struct pass *p)
{
	struct diff_input in = {
		.layout = p->layout,
		.table = &p->reading->table,
		.match = &p->reading->match,
		.dests = p->dests,
		.vips = p->vips,
		.services = p->services,
		.leaving = p->leaving,
		.n_leaving = p->n_leaving,
		.n_lanes = p->reading->n_lanes,
		.owned = p->owned,
		.gone = p->gone,
		.now_ms = p->now_ms,
	};

	p->error = diff_tables(&in, &p->diff);
	if (!p->error)
		p->error = find_news(p);
}

bool pass_overlaps(const struct pass *p, const struct state *s, uint32_t vip)
{
	const struct vip_state *v = &s->vips[vip];

	return v->writes || v->written_us >= p->reading->table.started_us;
}

/* What the reading showed, but where our own writes overlapped it. */
static void take_in_vip(struct pass *p, struct state *s, uint32_t vip)
{
	struct vip_state *vs = &s->vips[vip];

	if (pass_overlaps(p, s, vip)) {
		p->diff.skipped = true;
		return;
	}
	vs->present = p->reading->match.row_of_vip[vip] != MATCH_NONE;
	vs->settled = vs->present;
	vs->add_failed = false;
	vs->left = LEFT_NOT;
	vs->error = p->vips[vip].error;
}

static void take_in_dest(const struct pass *p, struct state *s, uint32_t dest)
{
	struct dest_state *d = &s->dests[dest];

	if (pass_overlaps(p, s, p->layout->dests[dest].vip))
		return;
	d->seen = found_weight(p, dest);
	d->settled = d->seen != SEEN_ABSENT;
	if (d->seen != d->left_found)
		d->left = LEFT_NOT;
	d->error = p->dests[dest].error;
}

/* Leaves in the copies the errors that still stand: those of what must be written
 * again. What is as it should be, whoever saw to it, is written at once again. */
static void sift_errors(struct pass *p, const struct state *s)
{
	uint32_t i;

	for (i = 0; i < p->layout->n_vips; i++)
		p->vips[i].error = 0;
	for (i = 0; i < p->n_news; i++)
		p->dests[p->news[i]].error = 0;
	for (i = 0; i < p->diff.n_items; i++) {
		const struct diff_item *item = &p->diff.items[i];

		if (item->dest != DIFF_NONE)
			p->dests[item->dest].error = s->dests[item->dest].error;
		else if (item->vip != DIFF_NONE)
			p->vips[item->vip].error = s->vips[item->vip].error;
	}
}

/* No write to a lane goes past a pass: what was read is how they are. */
static void take_in_lanes(const struct pass *p, struct state *s)
{
	uint32_t i;

	for (i = 0; i < p->layout->n_lanes; i++)
		s->lanes[i].ready = true;
	for (i = 0; i < p->diff.n_items; i++)
		if (p->diff.items[i].of_lane && p->diff.items[i].lane != DIFF_NONE)
			s->lanes[p->diff.items[i].lane].ready = false;
	for (i = 0; i < p->layout->n_lanes; i++)
		if (s->lanes[i].ready)
			s->lanes[i].error = 0;
}

void pass_take_in(struct pass *p, struct state *s)
{
	uint32_t i;

	sift_errors(p, s);
	take_in_lanes(p, s);
	for (i = 0; i < p->layout->n_vips; i++)
		take_in_vip(p, s, i);
	for (i = 0; i < p->n_news; i++)
		take_in_dest(p, s, p->news[i]);
	for (i = 0; i < p->diff.n_items; i++) {
		const struct diff_item *item = &p->diff.items[i];

		if (item->vip == DIFF_NONE)
			continue;
		if (item->kind == IPVS_NEW_SERVICE || item->kind == IPVS_SET_SERVICE)
			s->vips[item->vip].settled = false;
		else if (item->dest != DIFF_NONE && item->changes != DIFF_WEIGHT)
			s->dests[item->dest].settled = false;
	}
	drop_copies(p);
}

/* An item was worked out a while ago: is it still what is wanted? */
static bool still_wanted(struct state *s, struct diff_item *item)
{
	struct dest_state *d;

	if (item->vip == DIFF_NONE)
		return true;
	/* What leaves stays while what should take its place could not be added. */
	if (item->dest == DIFF_NONE)
		return item->kind < IPVS_NEW_DEST || !s->vips[item->vip].add_failed;
	d = &s->dests[item->dest];
	if (d->busy) {
		state_dirty(s, s->layout->vips[item->vip].service);
		return false;
	}
	/* Written by somebody else of us meanwhile? */
	if ((item->kind == IPVS_NEW_DEST) != (d->seen == SEEN_ABSENT))
		return false;
	if (item->kind == IPVS_DEL_DEST)
		return d->want == WANT_ABSENT ||
		       (d->want == WANT_OUT && !s->vips[item->vip].add_failed);
	if (d->want == WANT_OUT)
		return item->kind == IPVS_SET_DEST && !s->vips[item->vip].add_failed;
	if (d->want < 0)
		return false;
	item->weight = d->want;
	return item->changes != DIFF_WEIGHT || d->seen != d->want;
}

/* Gathers the next items; what takes something away waits for the answers to what
 * adds. NULL when there are none, or (then p->next is not the end) no memory. */
static struct batch *gather(struct pass *p, struct state *s)
{
	struct batch *b = NULL;
	bool adds = p->adding > 0;
	uint32_t n = 0;

	for (; p->next < p->diff.n_items && n < BATCH_ITEMS; p->next++) {
		struct diff_item *item = &p->diff.items[p->next];

		if (adds && item->phase >= DIFF_PHASE_LOWER)
			break;
		if (item->left || !still_wanted(s, item))
			continue;
		if ((!b && batch_new(p->layout, &b)) || batch_add(b, item, &p->reading->table))
			break; /* what is gathered goes out */
		if (item->dest != DIFF_NONE)
			s->dests[item->dest].busy = true;
		adds |= item->phase < DIFF_PHASE_LOWER;
		n++;
	}
	if (n)
		return b;
	batch_free(b);
	return NULL;
}

/* A batch either adds or takes away. */
static bool adds_something(const struct batch *b)
{
	return b->items[0].phase < DIFF_PHASE_LOWER;
}

bool pass_send(struct pass *p, struct state *s, struct writes *w)
{
	struct batch *b = NULL;
	bool adds;

	while (s->layout == p->layout && p->under_way < BATCHES) {
		b = gather(p, s);
		if (!b)
			break;
		adds = adds_something(b);
		if (writes_send(w, b, false, p->on_batch, p->arg))
			break;
		p->under_way++;
		p->adding += adds;
	}
	if (!b && !p->under_way && s->layout == p->layout && p->next < p->diff.n_items)
		w->refused(w->arg); /* by want of memory */
	return p->under_way > 0;
}

void pass_sent(struct pass *p, const struct batch *b)
{
	p->under_way--;
	p->adding -= adds_something(b);
}
