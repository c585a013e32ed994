/* writes.c: what comes back from the kernel. A refusal is a fact: it is counted,
 * logged once until it changes, and tried again by the next pass. */
#include "agent/sync/writes.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/ipvs/ipvs.h"
#include "agent/sync/owned.h"

/* A batch that the port has. */
struct sent {
	LIST_ENTRY(sent) link;
	struct writes *w;
	struct batch *batch;
	void (*done)(void *arg, struct batch *b);
	void *done_arg;
};

bool writes_dest_differs(const struct state *s, uint32_t dest, struct diff_item *ret_item)
{
	const struct dest_state *d = &s->dests[dest];
	uint32_t vip = s->layout->dests[dest].vip;
	enum ipvs_op_kind kind;

	/* Refused ones are the next pass's: hammering helps nobody. */
	if (d->busy || d->error || d->seen == SEEN_UNKNOWN || !s->vips[vip].present ||
	    state_left_alone(d))
		return false;
	if (d->want >= 0 && d->seen == SEEN_ABSENT)
		kind = IPVS_NEW_DEST;
	else if (d->want >= 0 && d->seen != d->want)
		kind = IPVS_SET_DEST;
	else if (d->want == WANT_ABSENT && d->seen != SEEN_ABSENT)
		kind = IPVS_DEL_DEST;
	else
		return false;
	*ret_item = (struct diff_item){
		.kind = kind,
		.vip = vip,
		.dest = dest,
		.service_row = DIFF_NONE,
		.dest_row = DIFF_NONE,
		.weight = d->want,
		.changes = kind == IPVS_SET_DEST ? DIFF_WEIGHT : 0,
	};
	return true;
}

void writes_own(struct writes *w, const struct ipvs_key *key)
{
	if (owned_add(w->owned, key) != 1 || !w->ledger)
		return;
	if (ledger_own(w->ledger, key, NULL, NULL))
		owned_remove(w->owned, key); /* asked again at the next pass */
}

void writes_disown(struct writes *w, const struct ipvs_key *key)
{
	struct ipvs_key gone = *key; /* it may be the entry's own */

	if (owned_remove(w->owned, &gone) && w->ledger)
		(void)ledger_disown(w->ledger, &gone, NULL, NULL);
}

struct vanished {
	struct writes *w;
	const struct reading *reading;
};

static void disown_vanished(void *arg, const struct ipvs_key *key)
{
	const struct vanished *v = arg;

	const struct layout *l = v->reading->layout;

	if (layout_find_vip(l, key) == LAYOUT_NONE &&
	    lanes_find(l->lanes, l->n_lanes, key) == l->n_lanes &&
	    !ipvs_table_service(&v->reading->table, key) &&
	    reading_lane(v->reading, key) == MATCH_NONE)
		writes_disown(v->w, key);
}

/* Those that are wanted, and what may have been left by a crash. */
static size_t own_lanes(struct writes *w, const struct reading *rd)
{
	const struct ipvs_service *rows = &rd->table.services[rd->table.n_services];
	const struct layout *l = rd->layout;
	size_t i, seen = 0;

	for (i = 0; i < rd->n_lanes; i++) {
		if (lanes_find(l->lanes, l->n_lanes, &rows[i].key) < l->n_lanes ||
		    lane_is_left(&rd->table, &rows[i]))
			writes_own(w, &rows[i].key);
		seen += owned_has(w->owned, &rows[i].key);
	}
	return seen;
}

void writes_own_found(struct writes *w, const struct reading *rd)
{
	size_t i, seen = own_lanes(w, rd);

	for (i = 0; i < rd->table.n_services; i++) {
		if (rd->match.vip_of_service[i] != MATCH_NONE)
			writes_own(w, &rd->table.services[i].key);
		seen += owned_has(w->owned, &rd->table.services[i].key);
	}
	if (seen < owned_count(w->owned))
		owned_each(w->owned, disown_vanished, &(struct vanished){ w, rd });
}

static void tell(const struct ipvs_batch *ops, const struct ipvs_op *op)
{
	struct buf service = BUF_INIT, dest = BUF_INIT;

	if (!op->result && !log_enabled(LOG_DEBUG))
		return; /* a hundred thousand of them are soon done */
	ipvs_key_format(&service, &ops->services[op->service].key);
	if (op->kind >= IPVS_NEW_DEST)
		addr_format(&dest, &ops->dests[op->dest].addr);
	if (op->result)
		log_event(LOG_ERROR, "the kernel refused a write, retrying",
			  LOG_STR("op", ipvs_op_names[op->kind]),
			  LOG_STR("address", buf_str(&service)),
			  LOG_STR("realserver", buf_str(&dest)), LOG_ERR(op->result));
	else
		log_event(LOG_DEBUG, "written", LOG_STR("op", ipvs_op_names[op->kind]),
			  LOG_STR("address", buf_str(&service)),
			  LOG_STR("realserver", buf_str(&dest)),
			  LOG_INT("weight", op->kind >= IPVS_NEW_DEST
						    ? (int64_t)ops->dests[op->dest].weight
						    : 0));
	buf_fini(&service);
	buf_fini(&dest);
}

/* The place where the last error of this object is kept; `none` if it left the file. */
static int16_t *error_of(struct state *s, const struct diff_item *item, int16_t *none)
{
	if (s && item->dest != DIFF_NONE)
		return &s->dests[item->dest].error;
	if (s && item->of_lane && item->lane != DIFF_NONE)
		return &s->lanes[item->lane].error;
	return s && item->vip != DIFF_NONE ? &s->vips[item->vip].error : none;
}

static void take_success(struct writes *w, struct state *s, const struct diff_item *item,
			 const struct ipvs_batch *ops, const struct ipvs_op *op)
{
	switch (op->kind) {
	case IPVS_NEW_SERVICE:
		if (s && item->vip != DIFF_NONE)
			s->vips[item->vip].present = true;
		break;
	case IPVS_DEL_SERVICE:
		writes_disown(w, &ops->services[op->service].key);
		break;
	case IPVS_NEW_DEST:
	case IPVS_SET_DEST:
		if (s && item->dest != DIFF_NONE) {
			s->dests[item->dest].seen = (int32_t)ops->dests[op->dest].weight;
			s->dests[item->dest].left = LEFT_NOT;
		}
		break;
	case IPVS_DEL_DEST:
		if (s && item->dest != DIFF_NONE) {
			s->dests[item->dest].seen = SEEN_ABSENT;
			s->dests[item->dest].left = LEFT_NOT;
		}
		break;
	case IPVS_SET_SERVICE:
	case IPVS_N_OPS:
		break;
	}
}

/* `s` is NULL when the state is another one by now: only what is kept outside of it
 * is told. */
static void take_result(struct writes *w, struct state *s, const struct diff_item *item,
			const struct ipvs_batch *ops, const struct ipvs_op *op)
{
	int16_t none = 0;
	int16_t *error = error_of(s, item, &none);

	if (op->result) {
		w->stats.refused[op->kind]++;
		/* The destinations of a service that could not be made fail with it. */
		if (*error != op->result && !(op->result == -ESRCH && op->kind >= IPVS_NEW_DEST))
			tell(ops, op);
		if (s && item->vip != DIFF_NONE &&
		    (op->kind == IPVS_NEW_DEST || op->kind == IPVS_NEW_SERVICE))
			s->vips[item->vip].add_failed = true;
	} else {
		w->stats.done[op->kind]++;
		tell(ops, op);
		take_success(w, s, item, ops, op);
		if (s && item->of_lane && item->last)
			s->lanes[item->lane].ready = true;
	}
	/* Of a lane that could not be made the first word says why. */
	if (!item->of_lane || op->result != -ESRCH)
		*error = (int16_t)op->result;
	if (s && item->dest != DIFF_NONE)
		s->dests[item->dest].busy = false;
}

/* It may have been decided anew while this was under way: then what came of it is not what
 * is wanted. A VIP that is there now may be waited for by those of its destinations that
 * no batch has. */
static bool differs(const struct state *s, const struct diff_item *item)
{
	const struct layout_vip *v = &s->layout->vips[item->vip];
	struct diff_item next;
	uint32_t d;

	if (item->dest != DIFF_NONE)
		return writes_dest_differs(s, item->dest, &next);
	if (item->kind != IPVS_NEW_SERVICE)
		return false;
	for (d = v->first_dest; d < v->first_dest + v->n_dests; d++)
		if (writes_dest_differs(s, d, &next))
			return true;
	return false;
}

static void take_results(struct sent *t, const struct ipvs_batch *ops)
{
	struct writes *w = t->w;
	struct state *s = w->state && w->state->layout == t->batch->layout ? w->state : NULL;
	int64_t now_us = clock_mono_us(), wall_ms = clock_wall_ms();
	bool refused = false;
	uint32_t i;

	for (i = 0; i < ops->n_ops; i++) {
		const struct diff_item *item = &t->batch->items[i];

		take_result(w, s, item, ops, &ops->ops[i]);
		refused |= ops->ops[i].result != 0;
		if (!s || item->vip == DIFF_NONE)
			continue;
		s->vips[item->vip].writes--;
		s->vips[item->vip].written_us = now_us;
		if (item->dest != DIFF_NONE && !ops->ops[i].result)
			s->dests[item->dest].written_wall_ms = wall_ms;
		if (differs(s, item))
			state_dirty(s, s->layout->vips[item->vip].service);
	}
	if (refused)
		w->refused(w->arg);
}

static void sent_free(struct sent *t)
{
	LIST_REMOVE(t, link);
	batch_free(t->batch);
	free(t);
}

static void on_applied(void *arg, struct ipvs_batch *ops, int error)
{
	struct sent *t = arg;
	uint32_t i;

	for (i = 0; error && i < ops->n_ops; i++)
		if (ops->ops[i].result == -ECANCELED)
			ops->ops[i].result = error;
	t->w->under_way--;
	t->w->back_us = clock_mono_us();
	take_results(t, ops);
	t->batch->ops = ops;
	if (t->done)
		t->done(t->done_arg, t->batch);
	sent_free(t);
}

bool writes_since(const struct writes *w, int64_t since_us)
{
	return w->under_way || w->back_us >= since_us;
}

/* Nothing went out: nothing is under way any more. */
static void unsend(struct writes *w, struct batch *b)
{
	struct state *s = w->state;
	uint32_t i;

	for (i = 0; i < b->ops->n_ops; i++) {
		if (b->items[i].vip != DIFF_NONE && s->layout == b->layout)
			s->vips[b->items[i].vip].writes--;
		if (b->items[i].dest != DIFF_NONE && s->layout == b->layout)
			s->dests[b->items[i].dest].busy = false;
	}
}

int writes_send(struct writes *w, struct batch *b, bool urgent,
		void (*done)(void *arg, struct batch *b), void *done_arg)
{
	struct sent *t = malloc(sizeof(*t));
	struct ipvs_batch *ops = b->ops;
	uint32_t i;
	int e = -ENOMEM;

	for (i = 0; i < ops->n_ops; i++) {
		if (b->items[i].vip != DIFF_NONE)
			w->state->vips[b->items[i].vip].writes++;
		/* Before it exists: a crash in between must not orphan it. */
		if (ops->ops[i].kind == IPVS_NEW_SERVICE)
			writes_own(w, &ops->services[ops->ops[i].service].key);
	}
	if (t) {
		*t = (struct sent){ .w = w, .batch = b, .done = done, .done_arg = done_arg };
		e = ipvs_port_apply(w->port, ops, urgent, on_applied, t);
	}
	if (e) {
		log_event(LOG_ERROR, "no write to the kernel could be begun", LOG_ERR(e));
		unsend(w, b);
		batch_free(b);
		free(t);
		w->refused(w->arg);
		return e;
	}
	b->ops = NULL; /* the port's until it comes back */
	LIST_INSERT_HEAD(&w->sent, t, link);
	w->under_way++;
	return 0;
}

/* --- the end --------------------------------------------------------------- */

struct removal {
	struct writes *w;
	void (*fn)(void *arg);
	void *arg;
};

static void add_removal(void *arg, const struct ipvs_key *key)
{
	struct ipvs_batch *ops = arg;

	ops->services[ops->n_services].key = *key;
	ops->ops[ops->n_ops++] = (struct ipvs_op){ .kind = IPVS_DEL_SERVICE,
						   .service = ops->n_services++,
						   .result = -ECANCELED };
}

static void add_lane(void *arg, const struct ipvs_key *key)
{
	if (lane_is_key(key))
		add_removal(arg, key);
}

static void on_removed(void *arg, struct ipvs_batch *ops, int error)
{
	struct removal *m = arg;
	uint32_t i;

	(void)error;
	for (i = 0; i < ops->n_ops; i++) {
		const struct ipvs_op *op = &ops->ops[i];

		/* What is not there any more is gone as well. */
		if (op->result && op->result != -ESRCH) {
			m->w->stats.refused[op->kind]++;
			tell(ops, op);
			continue;
		}
		m->w->stats.done[op->kind] += !op->result;
		writes_disown(m->w, &ops->services[op->service].key);
	}
	m->w->removal = NULL;
	m->fn(m->arg);
	ipvs_batch_free(ops);
	free(m);
}

int writes_remove(struct writes *w, bool lanes_only, void (*fn)(void *arg), void *arg)
{
	size_t n = owned_count(w->owned);
	struct removal *m = malloc(sizeof(*m));
	struct ipvs_batch *ops = calloc(1, sizeof(*ops));
	int e = -ENOMEM;

	if (m && ops) {
		*m = (struct removal){ .w = w, .fn = fn, .arg = arg };
		ops->services = calloc(n + 1, sizeof(*ops->services));
		ops->ops = calloc(n + 1, sizeof(*ops->ops));
		if (ops->services && ops->ops) {
			owned_each(w->owned, lanes_only ? add_lane : add_removal, ops);
			e = ipvs_port_apply(w->port, ops, true, on_removed, m);
		}
	}
	if (e) {
		ipvs_batch_free(ops);
		free(m);
		return e;
	}
	w->removal = m;
	return 0;
}

void writes_fini(struct writes *w)
{
	while (!LIST_EMPTY(&w->sent))
		sent_free(LIST_FIRST(&w->sent));
	free(w->removal);
	w->removal = NULL;
}
