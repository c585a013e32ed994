/* peers_take.c: what a peer says becomes what is held here. What has ended there ends at
 * once; what is new is placed one after the other, each when the one before is on disk: so
 * whatever happens in between, what is known of a peer is a beginning of what it said. */
#include "agent/peers_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/holds/effect.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"

void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	merge_fini(&x->merge);
	share_fini(&x->share);
	buf_fini(&x->body);
	buf_fini(&x->why);
	free(x->old);
	free(x);
}

/* --- what is held ------------------------------------------------------------------- */

struct listing {
	const struct hold **list;
	size_t n, room;
};

static void list_one(void *arg, const struct hold *h)
{
	struct listing *l = arg;

	if (h->number && l->n < l->room)
		l->list[l->n++] = h;
}

const struct hold **peers_holds(const struct peers *p, size_t *ret_n)
{
	const struct holds *holds = p->agent->holds;
	struct listing l = { .room = holds_count(holds) };

	l.list = calloc(l.room + 1, sizeof(*l.list));
	if (l.list)
		holds_each(holds, list_one, &l);
	*ret_n = l.n;
	return l.list;
}

struct finding_of {
	const struct hold *like;
	const struct hold *found;
};

static void find_one(void *arg, const struct hold *h)
{
	struct finding_of *f = arg;

	if (h->number == f->like->number && !strcmp(h->origin, f->like->origin))
		f->found = h;
}

/* What stands here of what a renewal is about; it may have been lifted meanwhile. */
static const struct hold *standing(const struct peers *p, const struct hold *like)
{
	struct finding_of f = { .like = like };

	holds_each(p->agent->holds, find_one, &f);
	return f.found;
}

/* --- the end of an exchange ---------------------------------------------------------- */

static void conclude(struct exchange *x, enum peer_failure failure, const char *why)
{
	struct peers *p = x->peers;
	struct peer *peer = x->peer;

	p->merging = NULL;
	if (peer && failure == PEER_N_FAILURES) {
		free(peer->tag);
		peer->tag = x->again ? NULL : strdup(x->share.tag);
	}
	if (peer && !p->agent->stopping && !p->stopped)
		peer_done(peer, failure, why);
	else if (peer)
		peer->busy = NULL;
	exchange_free(x);
}

/* All that it holds is held here: from now on what is not there has ended. */
static int raise_seen(struct exchange *x)
{
	struct peers *p = x->peers;
	size_t i;
	int e = 0;

	for (i = 0; !e && i < x->merge.seen.n; i++) {
		const struct seen *s = &x->merge.seen.list[i];

		if (!*s->node || s->number <= seen_get(&p->seen, s->node))
			continue;
		e = seen_raise(&p->seen, s->node, s->number);
		if (!e)
			e = ledger_seen(p->agent->ledger, s->node, s->number, NULL, NULL);
		p->changes++;
	}
	return e;
}

/* --- step by step --------------------------------------------------------------------- */

static void go_on(struct exchange *x);

static void note_taken(struct exchange *x, const struct hold *h, enum merge_kind kind)
{
	struct peers *p = x->peers;

	/* Known under other names here until now. */
	if (x->old && strcmp(x->old, h->id) != 0)
		placer_lift(p->agent->placer, x->old);
	if (kind != MERGE_TAKE)
		return;
	x->peer->taken++;
	log_event(LOG_INFO, "hold taken over from a peer", LOG_STR("peer", x->peer->name),
		  LOG_STR("service", h->service), LOG_STR("realserver", h->realserver),
		  LOG_STR("class", hold_class_names[h->hold_class]), LOG_STR("holder", h->holder),
		  LOG_STR("reason", h->reason));
	if (h->hold_class == HOLD_OPERATOR && h->waiting)
		peers_tell_refused(p, h, (enum guard)h->refused);
	else
		peers_displace(p, h);
}

static void on_placed(void *arg, int error, const struct hold *h)
{
	struct exchange *x = arg;
	const struct merge_step *step = &x->merge.steps[x->next];

	if (error == -ESHUTDOWN || x->peers->stopped || x->peers->agent->stopping) {
		conclude(x, PEER_LOCAL, "the agent is stopping");
		return;
	}
	/* Lifted while it was said anew: it has ended. */
	if (error && !(error == -ECANCELED && step->kind == MERGE_RENEW)) {
		conclude(x, PEER_LEDGER, strerrordesc_np(-error));
		return;
	}
	if (!error && x->peer)
		note_taken(x, h, step->kind);
	x->next++;
	go_on(x);
}

/* "ann" of the peer itself is ann@NAME here; what came to it from elsewhere has its name. */
static char *holder_here(const struct exchange *x, const struct hold *theirs)
{
	struct buf name = BUF_INIT;

	buf_puts(&name, theirs->holder);
	if (!strcmp(theirs->origin, x->share.node))
		buf_printf(&name, "@%s", x->peer->name);
	if (name.len > SHARE_HOLDER_MAX)
		name.len = SHARE_HOLDER_MAX;
	return buf_take(&name);
}

static int64_t shifted(const struct exchange *x, int64_t wall_ms)
{
	if (!wall_ms)
		return 0;
	return wall_ms > x->shift_ms ? wall_ms - x->shift_ms : 1;
}

/* As it is held here. */
static void make_like(const struct exchange *x, const struct merge_step *step,
		      const struct hold *ours, struct hold *ret_like)
{
	const struct layout *l = x->peers->agent->state->layout;
	struct hold like = *step->theirs;
	enum guard guard;

	like.since_wall_ms = shifted(x, like.since_wall_ms);
	like.until_wall_ms = shifted(x, like.until_wall_ms);
	if (ours) {
		/* Called otherwise there, and not yet here: it goes on where it is. */
		if (layout_find(l, like.service, like.realserver) == LAYOUT_NONE &&
		    layout_find(l, ours->service, ours->realserver) != LAYOUT_NONE) {
			like.service = ours->service;
			like.realserver = ours->realserver;
		}
		/* Said anew it may be by force. */
		like.waiting = ours->waiting && !like.forced;
		like.refused = like.waiting ? ours->refused : 0;
		/* … of an alert it is what the rule asks for here. */
		if (like.hold_class == HOLD_ALERT)
			like.effect = ours->effect;
	} else if (like.hold_class == HOLD_ALERT) {
		like.waiting = true; /* until the rule's guards let it act */
	} else {
		guard = peers_judge(x->peers, step->theirs);
		like.waiting = guard != GUARD_ADMIT;
		like.refused = (uint8_t)guard;
	}
	*ret_like = like;
}

/* Places what a step asks for; false = it is on its way, or all has come to an end. */
static bool step_done(struct exchange *x)
{
	const struct merge_step *step = &x->merge.steps[x->next];
	const struct hold *ours = NULL;
	struct hold like;
	char *holder;
	int e;

	free(x->old);
	x->old = NULL;
	if (step->kind == MERGE_END)
		return true;
	if (step->kind == MERGE_RENEW) {
		ours = standing(x->peers, step->theirs);
		if (!ours)
			return true;
		x->old = strdup(ours->id);
	}
	make_like(x, step, ours, &like);
	holder = holder_here(x, step->theirs);
	like.holder = holder;
	e = !holder || (ours && !x->old)
		    ? -ENOMEM
		    : placer_asked(x->peers->agent->placer, &like, clock_wall_ms(), on_placed, x);
	free(holder);
	if (e)
		conclude(x, PEER_LEDGER, strerrordesc_np(-e));
	return false;
}

static void go_on(struct exchange *x)
{
	while (x->peer && x->next < x->merge.n) {
		if (!step_done(x))
			return;
		x->next++;
	}
	if (!x->peer)
		conclude(x, PEER_LOCAL, "it is no peer any more");
	else if (raise_seen(x))
		conclude(x, PEER_LOCAL, "out of memory");
	else
		conclude(x, PEER_N_FAILURES, NULL);
}

/* --- what has ended -------------------------------------------------------------------- */

/* Something alike comes in its place: until then it stands. */
static bool is_replaced(const struct exchange *x, const struct hold *ours)
{
	size_t i;

	for (i = 0; i < x->merge.n; i++) {
		const struct merge_step *s = &x->merge.steps[i];

		if (s->kind == MERGE_TAKE && !strcmp(s->theirs->origin, ours->origin) &&
		    s->theirs->hold_class == ours->hold_class &&
		    hold_kind(s->theirs->effect) == hold_kind(ours->effect) &&
		    !strcmp(s->theirs->service, ours->service) &&
		    !strcmp(s->theirs->realserver, ours->realserver) &&
		    !strcmp(s->theirs->rule, ours->rule) &&
		    peers_same_holder(ours, s->theirs->holder))
			return true;
	}
	return false;
}

static void end_one(struct exchange *x, const struct hold *h)
{
	log_event(LOG_INFO, "hold released", LOG_STR("service", h->service),
		  LOG_STR("realserver", h->realserver),
		  LOG_STR("class", hold_class_names[h->hold_class]), LOG_STR("holder", h->holder),
		  LOG_STR("reason", "it has ended on a peer"), LOG_STR("peer", x->peer->name));
	x->peer->ended++;
	placer_lift(x->peers->agent->placer, h->id);
}

static void end_all(struct exchange *x)
{
	size_t i;

	for (i = 0; i < x->merge.n; i++) {
		struct merge_step *s = &x->merge.steps[i];

		if (s->kind == MERGE_END && is_replaced(x, s->ours))
			x->again = true;
		else if (s->kind == MERGE_END)
			end_one(x, s->ours);
		/* It may be freed from now on. */
		s->ours = NULL;
	}
}

/* ---------------------------------------------------------------------------------------- */

void exchange_merge(struct exchange *x)
{
	struct peers *p = x->peers;
	struct merge_side ours = { .node = p->node, .seen = &p->seen }, theirs;
	const struct hold **list = peers_holds(p, &ours.n);
	int e = list ? 0 : -ENOMEM;

	ours.holds = list;
	theirs = share_side(&x->share);
	if (!e)
		e = merge(&ours, &theirs, &x->merge);
	p->merging = x;
	if (!e)
		end_all(x);
	free(list);
	if (e == -ESTALE)
		conclude(x, PEER_RESTORED,
			 "it knows holds of this agent that this agent does not: state_dir is an "
			 "older copy; stop the agent, move state_dir/ledger away and start it, "
			 "then the peer tells what is held");
	else if (e)
		conclude(x, PEER_LOCAL, e == -E2BIG ? "it names too many nodes" : "out of memory");
	else
		go_on(x);
}
