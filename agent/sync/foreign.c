/* foreign.c: from the verdict on a change to what follows. What is left alone is
 * remembered beside the destination, with the weight that it was left at: neither the
 * next pass nor a write at once undoes it, and any other weight is a change anew.
 *
 * At a start nothing was seen before, so a 0 must be told from our own: a realserver
 * that was never up stays at 0 without any hold. One that had connections was in
 * service once, so somebody took it out; one without probes needs no proof. */
#include "agent/sync/foreign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/holds/effect.h"
#include "agent/holds/place.h"
#include "agent/ipvs/ipvs.h"
#include "agent/sync/owned.h"

const char foreign_holder[] = "ipvsadm";

void foreign_fini(struct foreign *f)
{
	drift_fini(&f->memory);
}

static const struct layout_realserver *realserver_of(const struct layout *l, uint32_t dest)
{
	return &l->realservers[l->dests[dest].realserver];
}

static const struct service_conf *service_of(const struct layout *l, uint32_t vip)
{
	return l->services[l->vips[vip].service].conf;
}

/* The hold that is, or would be, made of a weight of this destination. */
static struct hold adopted_like(const struct layout *l, uint32_t dest)
{
	return (struct hold){
		.hold_class = HOLD_OPERATOR,
		.service = (char *)(uintptr_t)service_of(l, l->dests[dest].vip)->head.name,
		.realserver = (char *)(uintptr_t)realserver_of(l, dest)->conf->name,
		.holder = (char *)(uintptr_t)foreign_holder,
		.forced = true, /* by nobody whom a guard could have told */
	};
}

/* --- adoption ------------------------------------------------------------------- */

struct asking {
	struct foreign *f;
	char *service, *realserver;
	bool again; /* told before that it could not be recorded */
};

static void asking_free(struct asking *q)
{
	if (!q)
		return;
	free(q->service);
	free(q->realserver);
	free(q);
}

/* It is a hold now: whatever ends that is a decision of ours, and written. */
static void unmark(struct state *s, const struct hold *h)
{
	uint32_t r = layout_find(s->layout, h->service, h->realserver), i;
	const struct layout_realserver *l;

	if (r == LAYOUT_NONE)
		return;
	l = &s->layout->realservers[r];
	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++) {
		struct dest_state *d = &s->dests[s->layout->dest_links[i]];

		if (d->left == LEFT_ASKED)
			d->left = LEFT_NOT;
	}
}

static void tell_unrecorded(const struct asking *q, int error)
{
	if (!q->again)
		log_event(LOG_WARN,
			  "somebody's weight cannot be recorded as a hold, leaving it alone "
			  "and trying again",
			  LOG_STR("service", q->service), LOG_STR("realserver", q->realserver),
			  LOG_ERR(error));
}

static void on_asked(void *arg, int error, const struct hold *hold)
{
	struct asking *q = arg;

	/* At the end there is nobody left to tell. */
	if (error && error != -ESHUTDOWN)
		tell_unrecorded(q, error);
	if (!error) {
		q->f->adopted++;
		unmark(q->f->state, hold);
		log_event(LOG_INFO, "hold placed", LOG_STR("service", hold->service),
			  LOG_STR("realserver", hold->realserver),
			  LOG_STR("class", hold_class_names[hold->hold_class]),
			  LOG_STR("holder", hold->holder), LOG_STR("reason", hold->reason));
	}
	asking_free(q);
}

static void put_reason(struct buf *out, const struct state *s, uint32_t dest, int32_t want,
		       uint32_t found)
{
	const struct layout *l = s->layout;

	buf_printf(out, "somebody set weight %u in the kernel (found at ", found);
	ipvs_key_format(out, &l->vips[l->dests[dest].vip].key);
	if (want >= 0)
		buf_printf(out, " where %d was wanted", want);
	buf_putc(out, ')');
}

/* Makes an operator's hold of it, once it is recorded. */
static void ask(struct foreign *f, uint32_t dest, int effect, int32_t want, uint32_t found,
		bool again)
{
	const struct layout *l = f->state->layout;
	struct asking *q;
	struct buf reason = BUF_INIT;
	struct hold like = adopted_like(l, dest);
	int64_t now = clock_wall_ms();
	int e = -ENOMEM;

	if (placer_is_asked(f->placer, &like))
		return;
	put_reason(&reason, f->state, dest, want, found);
	like.effect = effect;
	like.reason = (char *)(uintptr_t)buf_str(&reason);
	like.until_wall_ms = now + service_of(l, l->dests[dest].vip)->drift_ttl;
	q = calloc(1, sizeof(*q));
	if (q) {
		*q = (struct asking){ f, strdup(like.service), strdup(like.realserver), again };
		if (q->service && q->realserver && buf_ok(&reason))
			e = placer_asked(f->placer, &like, now, on_asked, q);
	}
	if (e && q && q->service && q->realserver)
		tell_unrecorded(q, e);
	if (e)
		asking_free(q);
	buf_fini(&reason);
}

static const struct hold *adopted_hold(const struct foreign *f, uint32_t dest)
{
	struct hold like = adopted_like(f->state->layout, dest);
	const struct hold *h = f->holds ? holds_same(f->holds, &like) : NULL;

	return h && h->active ? h : NULL;
}

/* --- telling -------------------------------------------------------------------- */

/* What somebody else did, by the write that would put it right. */
static const char *drift_of(const struct diff_item *item)
{
	switch (item->kind) {
	case IPVS_NEW_SERVICE:
		return "the service is gone";
	case IPVS_SET_SERVICE:
		return "the service was changed";
	case IPVS_NEW_DEST:
		return "the realserver is gone";
	default:
		return item->dest == DIFF_NONE ? "the realserver was added"
					       : "the realserver was changed";
	}
}

static void tell(const struct pass *p, const struct diff_item *item)
{
	static const char *const messages[DRIFT_N_VERDICTS] = {
		[DRIFT_PUT_RIGHT] = "somebody else changed the kernel's table, putting it right",
		[DRIFT_TAKE_OVER] = "somebody else changed the kernel's table, making a hold of it",
		[DRIFT_LET_GO] = "somebody else changed the kernel's table, ending his hold",
		[DRIFT_TELL] = "somebody else changed the kernel's table, only reporting it",
		[DRIFT_STOPPED] = "somebody else changed the kernel's table, leaving it alone",
	};
	struct buf service = BUF_INIT, dest = BUF_INIT;
	struct addr at = { 0 };
	struct log_fact facts[] = {
		LOG_STR("what", drift_of(item)), LOG_STR("address", ""), LOG_STR("realserver", ""),
		LOG_INT("want", item->weight),   LOG_INT("found", 0),
	};
	int n = item->kind < IPVS_NEW_DEST ? 2 : item->dest_row == DIFF_NONE ? 4 : 5;

	ipvs_key_format(&service, &p->layout->vips[item->vip].key);
	facts[1].str = buf_str(&service);
	if (item->dest != DIFF_NONE)
		at = layout_dest_addr(p->layout, item->dest);
	else if (item->dest_row != DIFF_NONE)
		at = p->reading->table.dests[item->dest_row].addr;
	if (at.family)
		addr_format(&dest, &at);
	facts[2].str = buf_str(&dest);
	if (n == 5)
		facts[4] = (struct log_fact)LOG_INT(
			"found", (int64_t)p->reading->table.dests[item->dest_row].weight);
	log_facts(LOG_WARN, messages[item->verdict], facts, n);
	buf_fini(&service);
	buf_fini(&dest);
}

static void tell_stop(const struct drift_object *o)
{
	struct buf service = BUF_INIT, dest = BUF_INIT;

	ipvs_key_format(&service, &o->service);
	if (o->dest.family)
		addr_format(&dest, &o->dest);
	log_event(LOG_WARN,
		  "put right three times in 10 minutes: there is another writer, "
		  "leaving it alone for 10 minutes",
		  LOG_STR("address", buf_str(&service)), LOG_STR("realserver", buf_str(&dest)));
	buf_fini(&service);
	buf_fini(&dest);
}

/* --- judgement ------------------------------------------------------------------ */

/* What is put right, counted as one: an extra realserver counts for its service. */
static struct drift_object object_of(const struct pass *p, const struct diff_item *item)
{
	struct drift_object o;

	memset(&o, 0, sizeof(o)); /* it is a key: padding counts */
	o.service = p->layout->vips[item->vip].key;
	if (item->dest != DIFF_NONE)
		o.dest = layout_dest_addr(p->layout, item->dest);
	return o;
}

/* What the weight is a share of: the file's, or what an operator put in its place. */
static uint32_t base_of(const struct foreign *f, uint32_t dest)
{
	struct hold like = adopted_like(f->state->layout, dest);
	const struct hold *h = f->holds ? holds_of(f->holds, like.service, like.realserver) : NULL;

	return hold_base(h, realserver_of(f->state->layout, dest)->conf->weight);
}

static enum drift_verdict judge(const struct foreign *f, const struct pass *p,
				const struct diff_item *item, int *ret_effect)
{
	struct drift_object object = object_of(p, item);
	struct drift_input in = {
		.policy = service_of(p->layout, item->vip)->drift,
		.weight = item->dest != DIFF_NONE && item->dest_row != DIFF_NONE,
		.stopped = drift_stopped_until(&f->memory, &object, p->now_ms) != 0,
	};

	/* Without a ledger to put it in there is no hold of an operator. */
	if (!f->placer && in.policy != DRIFT_REPORT)
		in.policy = DRIFT_REPAIR;
	if (in.weight) {
		in.want = f->state->dests[item->dest].want;
		in.found = (int32_t)p->reading->table.dests[item->dest_row].weight;
		in.configured = base_of(f, item->dest);
		in.adopted = adopted_hold(f, item->dest) != NULL;
	}
	return drift_judge(&in, ret_effect);
}

static void leave(struct foreign *f, struct pass *p, struct diff_item *item, enum left_why why)
{
	struct dest_state *d;

	item->left = true;
	if (item->dest == DIFF_NONE && item->dest_row == DIFF_NONE) {
		f->state->vips[item->vip].left = (uint8_t)why;
	} else if (item->dest == DIFF_NONE) {
		diff_leave_alone(&p->diff, &p->layout->vips[item->vip].key,
				 &p->reading->table.dests[item->dest_row].addr, true);
	} else {
		d = &f->state->dests[item->dest];
		d->left = (uint8_t)why;
		d->left_found = d->seen;
		if (!item->again)
			d->left_want = d->want;
	}
}

static void put_right(struct foreign *f, struct pass *p, struct diff_item *item)
{
	struct drift_object object = object_of(p, item);

	if (item->dest != DIFF_NONE)
		f->state->dests[item->dest].left = LEFT_NOT;
	else if (item->dest_row != DIFF_NONE)
		diff_leave_alone(&p->diff, &object.service,
				 &p->reading->table.dests[item->dest_row].addr, false);
	if (drift_repaired(&f->memory, &object, p->now_ms))
		tell_stop(&object);
}

static void carry_out(struct foreign *f, struct pass *p, struct diff_item *item, int effect)
{
	const struct dest_state *d;

	switch ((enum drift_verdict)item->verdict) {
	case DRIFT_TAKE_OVER:
		d = &f->state->dests[item->dest];
		leave(f, p, item, LEFT_ASKED);
		ask(f, item->dest, effect, d->left_want, (uint32_t)d->seen, item->again);
		break;
	case DRIFT_LET_GO:
		item->left = true;
		break;
	case DRIFT_TELL:
		leave(f, p, item, LEFT_REPORTED);
		break;
	case DRIFT_STOPPED:
		leave(f, p, item, LEFT_STOPPED);
		break;
	case DRIFT_PUT_RIGHT:
	case DRIFT_N_VERDICTS:
		put_right(f, p, item);
		break;
	}
}

/* Is it somebody else's doing, and not a decision of ours that came since? */
static bool is_foreign(const struct foreign *f, const struct diff_item *item)
{
	if (item->drift || item->dest == DIFF_NONE)
		return item->drift || item->again;
	return item->again && state_left_alone(&f->state->dests[item->dest]);
}

/* A hold was made of its weight a moment ago, and what it makes of what is wanted has not
 * been decided yet: nothing can be said of it before the next pass. */
static bool is_undecided(const struct foreign *f, const struct diff_item *item)
{
	const struct layout *l = f->state->layout;

	return item->dest != DIFF_NONE && f->state->services[l->vips[item->vip].service].dirty &&
	       adopted_hold(f, item->dest);
}

static void judge_item(struct foreign *f, struct pass *p, struct diff_item *item)
{
	int effect = 0;

	/* Nothing can be put into a service that is left to be gone. */
	if (item->dest != DIFF_NONE && item->service_row == DIFF_NONE &&
	    f->state->vips[item->vip].left)
		item->left = true;
	item->left |= is_undecided(f, item);
	if (item->left || !is_foreign(f, item))
		return;
	if (pass_overlaps(p, f->state, item->vip)) {
		item->left = true; /* it may be our own doing: looked at again at once */
		return;
	}
	item->verdict = (uint8_t)judge(f, p, item, &effect);
	if (item->drift || item->verdict == DRIFT_PUT_RIGHT)
		tell(p, item);
	f->drift += item->drift;
	carry_out(f, p, item, effect);
}

static void let_go(struct foreign *f, uint32_t dest)
{
	const struct hold *h = adopted_hold(f, dest);

	if (!h)
		return; /* by another address of the realserver already */
	log_event(LOG_INFO, "hold released", LOG_STR("service", h->service),
		  LOG_STR("realserver", h->realserver),
		  LOG_STR("class", hold_class_names[h->hold_class]), LOG_STR("holder", h->holder),
		  LOG_STR("reason", "somebody set the weight back in the kernel"));
	placer_lift(f->placer, h->id);
}

void foreign_judge(struct foreign *f, struct pass *p)
{
	uint32_t i;

	for (i = 0; i < p->diff.n_items; i++)
		if (p->diff.items[i].vip != DIFF_NONE)
			judge_item(f, p, &p->diff.items[i]);
	/* Not before all were judged: each address of a realserver tells the same. */
	for (i = 0; i < p->diff.n_items; i++)
		if (p->diff.items[i].vip != DIFF_NONE && p->diff.items[i].verdict == DRIFT_LET_GO)
			let_go(f, p->diff.items[i].dest);
	f->stopped = drift_count_stopped(&f->memory, p->now_ms);
}

/* --- at the start ----------------------------------------------------------------- */

/* Do the configuration or the holds say 0? Any hold will do, a suspended one too. */
static bool is_explained(const struct foreign *f, uint32_t dest)
{
	const struct realserver_conf *c = realserver_of(f->state->layout, dest)->conf;
	struct hold like = adopted_like(f->state->layout, dest);
	const struct hold *h = holds_of(f->holds, like.service, like.realserver);

	if (!c->enabled || c->backup || !c->weight)
		return true;
	for (; h; h = h->next)
		if (h->active && h->effect <= HOLD_ZERO)
			return true;
	return false;
}

/* Could we have left it at 0 ourselves, without a hold? */
static bool was_in_service(const struct layout *l, uint32_t dest, const struct ipvs_dest *found)
{
	enum initial initial = service_of(l, l->dests[dest].vip)->initial;

	if (!realserver_of(l, dest)->conf->terms->probes.n || initial == INITIAL_UP)
		return true;
	return initial == INITIAL_KEEP && found->stats.conns;
}

static void first_dest(struct foreign *f, const struct pass *p, uint32_t dest)
{
	enum drift_policy policy = service_of(p->layout, p->layout->dests[dest].vip)->drift;
	uint32_t row = p->reading->match.row_of_dest[dest];
	struct dest_state *d = &f->state->dests[dest];

	if (row == MATCH_NONE || p->reading->table.dests[row].weight || policy == DRIFT_REPAIR ||
	    is_explained(f, dest) ||
	    !was_in_service(p->layout, dest, &p->reading->table.dests[row]))
		return;
	f->drift++;
	d->left = policy == DRIFT_REPORT ? LEFT_REPORTED : LEFT_ASKED;
	d->left_found = 0;
	d->left_want = (int32_t)realserver_of(p->layout, dest)->conf->weight;
	tell(p, &(struct diff_item){ .kind = IPVS_SET_DEST,
				     .vip = p->layout->dests[dest].vip,
				     .dest = dest,
				     .dest_row = row,
				     .weight = d->left_want,
				     .verdict = policy == DRIFT_REPORT ? DRIFT_TELL
								       : DRIFT_TAKE_OVER });
	if (policy != DRIFT_REPORT)
		ask(f, dest, HOLD_ZERO, d->left_want, 0, false);
}

void foreign_first(struct foreign *f, const struct pass *p, const struct owned *owned)
{
	const struct layout *l = p->layout;
	uint32_t v, d;

	if (!f->placer)
		return;
	for (v = 0; v < l->n_vips; v++) {
		if (!owned_has(owned, &l->vips[v].key))
			continue;
		for (d = l->vips[v].first_dest; d < l->vips[v].first_dest + l->vips[v].n_dests; d++)
			first_dest(f, p, d);
	}
}
