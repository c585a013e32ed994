/* decide.c: from verdicts and holds to weights. A storm of failed probes is one
 * decision a service. Holds that a rule places or ends make their service dirty again,
 * so it goes round until nothing is; only then it is written. */
#include "agent/decide.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/holds/effect.h"
#include "agent/model/reload.h"
#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"

/* Release, place, effect: three are needed. Rules that read what they change, and let go
 * what they held, need more: each realserver once, before a cooldown stops them. */
enum { ROUNDS = 8 };

/* --- what is remembered ------------------------------------------------------------- */

int decider_prepare(const struct layout *l, struct decided **ret_decided)
{
	struct decided *decided = calloc(l->n_realservers + 1ul, sizeof(*decided));
	uint32_t i;

	if (!decided)
		return -ENOMEM;
	for (i = 0; i < l->n_realservers; i++) {
		decided[i].told = DECIDED_NOTHING;
		decided[i].ramp_ms = RULE_RAMP_OF_SERVICE;
	}
	*ret_decided = decided;
	return 0;
}

void decider_carry(const struct decider *d, const struct reload_map *map, const struct layout *now,
		   struct decided *decided)
{
	uint32_t i;

	for (i = 0; i < now->n_realservers; i++)
		if (map->realservers[i] != LAYOUT_NONE)
			decided[i] = d->decided[map->realservers[i]];
}

void decider_adopt(struct decider *d, struct state *s, struct decided *decided)
{
	free(d->decided);
	d->decided = decided;
	d->state = s;
}

void decider_fini(struct decider *d)
{
	free(d->decided);
	d->decided = NULL;
}

static void tell(const struct decider *d, struct decision *decision)
{
	if (!decision->reason)
		decision->reason = "";
	if (d->tell)
		d->tell(d->arg, decision);
}

void decider_tell(void *arg, const struct decision *decision)
{
	struct decider *d = arg;

	if (decision->kind == DECISION_RELEASE && decision->realserver != LAYOUT_NONE)
		d->decided[decision->realserver].ramp_ms = (int32_t)decision->rule->ramp;
	if (d->tell)
		d->tell(d->arg, decision);
}

/* --- panic ------------------------------------------------------------------------- */

static void judge_panic(struct decider *d, uint32_t service, const struct moment *now)
{
	struct state *s = d->state;
	struct service_state *svc = &s->services[service];
	struct decision decision = { .kind = DECISION_PANIC,
				     .at = *now,
				     .state = s,
				     .service = service,
				     .realserver = LAYOUT_NONE,
				     .value = NAN };
	struct desired_verdicts verdicts;
	bool panic;

	desired_verdicts(s->layout, s, service, d->frozen, &verdicts);
	panic = desired_panic(&verdicts);
	svc->backup_up = verdicts.backup_up;
	svc->undecided = desired_undecided(&verdicts);
	svc->fallback = desired_fallback(
		holds_of(d->holds, s->layout->services[service].conf->head.name, HOLD_SERVICE));
	if (panic == svc->panic)
		return;
	svc->panic = panic;
	decision.on = panic;
	decision.reason = panic ? "no realserver of the service is up" : "a realserver is up";
	tell(d, &decision);
}

/* With nobody up, and no backup either, the file's realservers serve all the same. */
static enum on_panic on_panic(const struct state *s, uint32_t service)
{
	enum on_panic policy = s->layout->services[service].conf->on_panic;

	return policy == PANIC_BACKUP && !s->services[service].backup_up ? PANIC_KEEP : policy;
}

/* --- weights ------------------------------------------------------------------------ */

static const struct holds_service *holds_here(const struct decider *d, uint32_t service)
{
	return holds_in(d->holds, d->state->layout->services[service].conf->head.name);
}

static bool is_proven(const struct decider *d, uint32_t realserver)
{
	const struct realserver_state *r = &d->state->realservers[realserver];

	return d->frozen ? r->heeded_proven : r->proven;
}

static void input_of(const struct decider *d, const struct holds_service *holds,
		     uint32_t realserver, int64_t now_ms, struct desired_input *ret_in)
{
	const struct state *s = d->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	const struct realserver_state *r = &s->realservers[realserver];
	uint8_t verdict = d->frozen ? r->heeded : r->verdict;
	bool proven = is_proven(d, realserver);

	*ret_in = (struct desired_input){
		.conf = l->conf,
		.holds = holds_at(holds, l->conf->name),
		.panic = s->services[l->service].panic,
		.on_panic = on_panic(s, l->service),
		.fallback = s->services[l->service].fallback,
		.undecided = s->services[l->service].undecided && !proven,
		.unjudged = verdict == VERDICT_NONE && !proven,
		.up = verdict == VERDICT_UP,
		.ramp = &d->decided[realserver].ramp,
		.now_ms = now_ms,
	};
}

/* Before the first reading of a layout nothing is raised above what was seen last. */
static int32_t cap_of(const struct dest_state *d)
{
	if (d->cap != CAP_NONE)
		return d->cap;
	return d->seen > 0 ? d->seen : 0;
}

void decide_desired(const struct decider *d, uint32_t realserver, int64_t now_ms,
		    struct desired_input *ret_in, struct desired *ret_desired)
{
	const struct state *s = d->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	int32_t cap = CAP_NONE;
	uint32_t i;

	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++)
		if (cap_of(&s->dests[s->layout->dest_links[i]]) < cap)
			cap = cap_of(&s->dests[s->layout->dest_links[i]]);
	input_of(d, holds_here(d, l->service), realserver, now_ms, ret_in);
	desired_realserver(ret_in, ret_desired);
	desired_cap(ret_desired, ret_in, is_proven(d, realserver), cap);
}

/* One whose last hold at 0 has gone since the last turn comes back gently, if it is to.
 * A realserver that served in a panic is back already. When the next step is due. */
static int64_t judge_ramp(struct decider *d, uint32_t realserver, const struct desired_input *in,
			  const struct desired *desired)
{
	const struct layout *l = d->state->layout;
	const struct service_conf *c = l->services[l->realservers[realserver].service].conf;
	struct decided *r = &d->decided[realserver];
	bool held = desired_held(desired), panic = in->panic && in->on_panic == PANIC_KEEP;
	int64_t now_ms = in->now_ms;

	if (held || panic || ramp_over(&r->ramp, now_ms))
		r->ramp = (struct ramp){ 0 };
	if (!held && !panic && r->held && desired->weight > 0)
		ramp_begin(&r->ramp, scheduler_ramps(c->scheduler),
			   r->ramp_ms != RULE_RAMP_OF_SERVICE ? r->ramp_ms : c->ramp, now_ms);
	r->holds = held;
	return ramp_next(&r->ramp, desired->full, now_ms);
}

/* As nearly all are nearly always: in, proven, nothing holds it or did: the steps would
 * come to the configured weight. */
static bool plain(const struct decider *d, const struct holds_service *holds, uint32_t realserver)
{
	const struct realserver_conf *c = d->state->layout->realservers[realserver].conf;
	const struct decided *r = &d->decided[realserver];

	return is_proven(d, realserver) && c->enabled && !c->backup && !r->held &&
	       !r->ramp.length_ms && !holds_at(holds, c->name);
}

static void want_plain(struct decider *d, uint32_t realserver)
{
	struct state *s = d->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	int32_t weight = (int32_t)l->conf->weight;
	uint32_t i;

	d->decided[realserver].holds = false;
	s->realservers[realserver].weight = weight;
	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++)
		s->dests[s->layout->dest_links[i]].want = weight;
}

static int64_t want(struct decider *d, const struct holds_service *holds, uint32_t realserver,
		    int64_t now_ms)
{
	struct state *s = d->state;
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	struct realserver_state *rs = &s->realservers[realserver];
	struct desired_input in;
	struct desired desired;
	int64_t next_ms;
	uint32_t i;

	input_of(d, holds, realserver, now_ms, &in);
	desired_realserver(&in, &desired);
	next_ms = judge_ramp(d, realserver, &in, &desired);
	desired_realserver(&in, &desired);
	rs->weight = desired.weight;
	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++) {
		struct dest_state *dest = &s->dests[s->layout->dest_links[i]];
		struct desired capped = desired;

		desired_cap(&capped, &in, is_proven(d, realserver), cap_of(dest));
		dest->want = capped.weight;
	}
	return next_ms;
}

int64_t decide_want(struct decider *d, uint32_t realserver, int64_t now_ms)
{
	uint32_t service = d->state->layout->realservers[realserver].service;

	return want(d, holds_here(d, service), realserver, now_ms);
}

/* Would it take a new connection somewhere? */
static bool available(const struct state *s, uint32_t realserver)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	uint32_t i;

	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++)
		if (s->dests[s->layout->dest_links[i]].want > 0)
			return true;
	return false;
}

void decide_count(struct state *s, uint32_t service)
{
	const struct layout_service *svc = &s->layout->services[service];
	struct service_state *st = &s->services[service];
	uint32_t i;

	st->available = 0;
	st->configured = 0;
	st->own = 0;
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		const struct realserver_conf *c = s->layout->realservers[i].conf;
		bool own = c->enabled && c->weight && !c->backup, is = available(s, i);

		st->available += is;
		st->configured += own;
		st->own += own && is;
	}
}

/* --- a turn -------------------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Panic can be told: what was held before the start counts as ever from now on. */
static void confirm_holds(const struct decider *d, const struct holds_service *holds,
			  uint32_t service)
{
	const struct layout_service *svc = &d->state->layout->services[service];
	struct hold *h;
	uint32_t i;

	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++)
		for (h = holds_at(holds, d->state->layout->realservers[i].conf->name); h;
		     h = h->next)
			h->restored = false;
}

/* What probes say counts from now on; not while everything is frozen. */
static void heed(struct decider *d, uint32_t service)
{
	const struct layout_service *svc = &d->state->layout->services[service];
	uint32_t i;

	d->frozen = holds_freeze(d->holds);
	if (d->frozen)
		return;
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		struct realserver_state *r = &d->state->realservers[i];

		r->heeded = r->verdict & 3;
		r->heeded_proven = r->proven;
	}
}

static void decide_service(struct decider *d, uint32_t service, const struct moment *now)
{
	const struct layout_service *svc = &d->state->layout->services[service];
	const struct holds_service *holds = holds_here(d, service);
	int64_t next_ms = INT64_MAX;
	uint32_t i;

	heed(d, service);
	judge_panic(d, service, now);
	if (holds && !d->state->services[service].undecided)
		confirm_holds(d, holds, service);
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		if (plain(d, holds, i))
			want_plain(d, i);
		else
			next_ms = least(next_ms, want(d, holds, i, now->mono_ms));
	}
	decide_count(d->state, service);
	if (d->feed)
		d->feed(d->arg, service, now);
	engine_service(d->engine, d->state, service, d->kernel_known, now);
	engine_again(d->engine, service, next_ms);
}

/* Who came back in this turn has begun to; the next time begins anew. */
static void keep_held(struct decided *r)
{
	if (r->holds != r->held)
		r->ramp_ms = RULE_RAMP_OF_SERVICE;
	r->held = r->holds;
}

/* What came of it. */
static void tell_weights(struct decider *d, uint32_t service, const struct moment *now)
{
	const struct layout_service *svc = &d->state->layout->services[service];
	uint32_t i;

	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		int32_t weight = d->state->realservers[i].weight, before = d->decided[i].told;

		keep_held(&d->decided[i]);
		if (weight == before)
			continue;
		d->decided[i].told = weight;
		if (before != DECIDED_NOTHING)
			tell(d, &(struct decision){ .kind = DECISION_WEIGHT,
						    .at = *now,
						    .state = d->state,
						    .service = service,
						    .realserver = i,
						    .value = NAN,
						    .before = before,
						    .after = weight });
	}
}

/* What this turn has no time for waits at the far end of the list: there is room for it,
 * since no service stands there twice. */
static void set_aside(struct state *s, const uint32_t *services, uint32_t n)
{
	if (n)
		memcpy(s->dirty + s->layout->n_services - n, services, n * sizeof(*s->dirty));
}

static void take_back(struct state *s, uint32_t n)
{
	memmove(s->dirty + s->n_dirty, s->dirty + s->layout->n_services - n, n * sizeof(*s->dirty));
	s->n_dirty += n;
}

/* Decides those of the list one after the other; how many it came to. */
static uint32_t decide_some(struct decider *d, const uint32_t *list, uint32_t n, bool may_tire,
			    const struct moment *now)
{
	uint32_t i;

	for (i = 0; i < n && !(i && may_tire && d->tired && d->tired(d->arg)); i++) {
		d->state->services[list[i]].dirty = false;
		decide_service(d, list[i], now);
	}
	return i;
}

bool decide(struct decider *d, const struct moment *now,
	    void (*touched)(void *arg, uint32_t service), void *arg)
{
	struct state *s = d->state;
	uint32_t *list = NULL;
	uint32_t n_list = 0, n_aside = 0, round, i;

	d->last_ms = now->mono_ms;
	for (round = 0; s->n_dirty && round < ROUNDS; round++) {
		uint32_t n = s->n_dirty, done;
		uint32_t *grown = reallocarray(list, n_list + n, sizeof(*list));

		if (!grown)
			break; /* still dirty: the next turn tries again */
		list = grown;
		memcpy(list + n_list, s->dirty, n * sizeof(*list));
		s->n_dirty = 0;
		done = decide_some(d, list + n_list, n, !round, now);
		/* What those made dirty is seen through to its end. */
		if (!round) {
			n_aside = n - done;
			set_aside(s, list + done, n_aside);
		}
		n_list += done;
	}
	if (s->n_dirty && round == ROUNDS)
		log_event(LOG_WARN, "rules undo what they do, going on in the next turn");
	for (i = 0; i < n_list; i++) {
		tell_weights(d, list[i], now);
		if (touched)
			touched(arg, list[i]);
	}
	free(list);
	take_back(s, n_aside);
	return !s->n_dirty;
}

/* --- time ------------------------------------------------------------------------------ */

int64_t decide_next(const struct decider *d, int64_t now_ms)
{
	return engine_next(d->engine, now_ms);
}

static void mark(void *arg, uint32_t service)
{
	state_dirty(arg, service);
}

void decide_due(struct decider *d, const struct moment *now)
{
	engine_tick(d->engine, d->state, now);
	engine_due(d->engine, now->mono_ms, mark, d->state);
}
