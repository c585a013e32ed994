/* world.c: a director in memory. It has the agent's own code for everything that is
 * decided, and stands in only for what the agent waits for: probes, the kernel, the
 * clock. */
#include "agent/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/adopt.h"
#include "agent/feed.h"
#include "agent/holds/place.h"
#include "agent/model/reload.h"
#include "agent/probe.h"
#include "agent/rules/engine.h"

static void on_hold(void *arg, const char *service, const char *realserver)
{
	struct world *w = arg;
	uint32_t id = layout_find_service(w->state->layout, service);

	(void)realserver;
	if (!strcmp(service, HOLD_SERVICE))
		state_dirty_all(w->state);
	else if (id != LAYOUT_NONE)
		state_dirty(w->state, id);
}

static void on_asked(void *arg, const struct hold *h, bool ended)
{
	struct world *w = arg;

	if (ended)
		engine_lease_ended(w->engine, w->state, h, &w->now);
}

static void on_decision(void *arg, const struct decision *d)
{
	struct world *w = arg;

	if (w->tell)
		w->tell(w->arg, d);
}

static bool is_given(const void *arg, enum signal_id signal, uint32_t id)
{
	const struct world *w = arg;

	return w->given && w->given[(size_t)id * N_SIGNALS + signal];
}

static void feed(void *arg, uint32_t service, const struct moment *now)
{
	struct world *w = arg;

	feed_service_beside(engine_rules(w->engine), w->state, service, now->mono_ms, is_given, w);
}

/* The kernel does as it is told, at once. */
static void write_service(void *arg, uint32_t service)
{
	struct world *w = arg;
	const struct layout *l = w->state->layout;
	const struct layout_service *svc = &l->services[service];
	uint32_t v, d;

	for (v = svc->first_vip; v < svc->first_vip + svc->n_vips; v++)
		for (d = l->vips[v].first_dest; d < l->vips[v].first_dest + l->vips[v].n_dests;
		     d++) {
			struct dest_state *dest = &w->state->dests[d];

			/* What was never read is not written. */
			if (!w->blind || dest->cap != CAP_NONE)
				dest->seen = dest->want < 0 ? SEEN_ABSENT : dest->want;
		}
}

/* Nothing is in the kernel; who is not to wait for a good probe is in at once. */
static void set_caps(struct state *s)
{
	uint32_t i;

	for (i = 0; i < s->layout->n_dests; i++) {
		const struct layout_realserver *r =
			&s->layout->realservers[s->layout->dests[i].realserver];

		if (s->layout->services[r->service].conf->initial == INITIAL_UP)
			s->dests[i].cap = CAP_NONE;
		else if (s->dests[i].cap == CAP_NONE && s->dests[i].seen < 0)
			s->dests[i].cap = CAP_ABSENT;
	}
}

static int make_state(struct config *conf, struct state **ret_state)
{
	struct layout *l;
	int e = layout_new(conf, &l);

	if (e)
		return e;
	e = state_new(l, ret_state);
	layout_unref(l);
	return e;
}

static int make_engine(struct world *w)
{
	struct engine_env env = { .tell = decider_tell, .arg = &w->decider };
	int e = holds_new(&w->holds);

	if (!e)
		e = placer_new(NULL, NULL, w->holds, on_hold, w, &w->placer);
	env.holds = w->holds;
	env.placer = w->placer;
	if (!e)
		placer_watch(w->placer, on_asked, w);
	if (!e)
		e = engine_new(&env, &w->engine);
	w->decider = (struct decider){ .holds = w->holds,
				       .engine = w->engine,
				       .kernel_known = true,
				       .feed = feed,
				       .tell = on_decision,
				       .arg = w };
	return e;
}

/* Puts a state and the rules of its configuration in force; `map` (may be NULL) is from
 * the state before. */
static int adopt(struct world *w, struct config *conf, struct state *s,
		 const struct reload_map *map, struct buf *why)
{
	struct agent_rules rules;
	int e = agent_rules_prepare(conf, s->layout, why, &rules);
	uint32_t i;

	if (e)
		return e;
	if (map)
		agent_rules_carry(&w->decider, map, &rules);
	if (!w->blind)
		set_caps(s);
	w->state = s;
	free(w->given); /* its ids were the old ones */
	w->given = NULL;
	for (i = 0; i < s->layout->n_realservers; i++)
		state_judge(s, i, w->now.mono_ms);
	agent_rules_adopt(&w->decider, s, &rules, &w->now);
	config_unref(w->conf);
	w->conf = config_ref(conf);
	state_dirty_all(s);
	return 0;
}

int world_new(struct config *conf, const struct moment *now, struct buf *why,
	      struct world **ret_world)
{
	struct world *w = calloc(1, sizeof(*w));
	struct state *s = NULL;
	int e;

	if (!w)
		return -ENOMEM;
	w->now = *now;
	e = make_engine(w);
	if (!e)
		e = make_state(conf, &s);
	if (!e)
		e = adopt(w, conf, s, NULL, why);
	if (e) {
		if (s != w->state)
			state_free(s);
		world_free(w);
		return e;
	}
	*ret_world = w;
	return 0;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	engine_free(w->engine);
	decider_fini(&w->decider);
	placer_free(w->placer);
	holds_free(w->holds);
	state_free(w->state);
	config_unref(w->conf);
	free(w->given);
	free(w);
}

/* What the scheduler does in the agent: the probes of what stayed go on. */
static void move_targets(struct state *to, struct state *from, const uint32_t *old)
{
	uint32_t i;

	for (i = 0; i < to->layout->n_targets; i++) {
		struct target *t = &to->targets[i], *was;

		if (old[i] == LAYOUT_NONE)
			continue;
		was = &from->targets[old[i]];
		t->health = was->health;
		t->advice = was->advice;
		t->attempts = was->attempts;
		t->last_us = was->last_us;
		t->last_status = was->last_status;
	}
}

int world_reload(struct world *w, struct config *conf, struct buf *why)
{
	struct state *old = w->state, *now = NULL;
	struct reload_map *map = NULL;
	int e = make_state(conf, &now);

	if (!e)
		e = reload_map_new(old->layout, now->layout, &map);
	if (!e) {
		reload_carry(old, now, map);
		move_targets(now, old, map->targets);
		e = adopt(w, conf, now, map, why);
	}
	state_free(e ? now : old);
	reload_map_free(map);
	return e;
}

/* An attempt of a target ended: whoever it is a target of is judged anew. */
static void judge_target(struct world *w, uint32_t target)
{
	struct state *s = w->state;
	const struct layout_target *l = &s->layout->targets[target];
	uint32_t i;

	s->targets[target].attempts++;
	engine_outcome(w->engine, s, target, BRAKE_AS_BEFORE, &w->now);
	for (i = l->first_user; i < l[1].first_user; i++) {
		uint32_t realserver = s->layout->users[i];

		if (state_judge(s, realserver, w->now.mono_ms))
			state_dirty(s, s->layout->realservers[realserver].service);
	}
}

void world_target(struct world *w, uint32_t target, enum verdict verdict, enum probe_reason reason)
{
	const struct probe_conf *conf = w->state->layout->targets[target].conf;
	struct target *t = &w->state->targets[target];

	t->health.verdict = (uint8_t)verdict;
	t->health.reason = (uint8_t)reason;
	t->health.unknown = verdict == VERDICT_NONE;
	t->health.success = verdict == VERDICT_UP;
	t->health.failures = verdict == VERDICT_DOWN ? conf->fall : 0;
	t->health.passes = verdict == VERDICT_UP ? conf->rise : 0;
	judge_target(w, target);
}

void world_advice(struct world *w, uint32_t target, const struct probe_report *report)
{
	(void)advice_take(&w->state->targets[target].advice, report,
			  w->state->layout->targets[target].conf->advises);
	engine_wish(w->engine, w->state, target, report->text ? report->text : "",
		    w->decider.kernel_known, &w->now);
}

void world_verdict(struct world *w, uint32_t realserver, enum verdict verdict,
		   enum probe_reason reason)
{
	const struct layout_realserver *r = &w->state->layout->realservers[realserver];
	uint32_t i;

	for (i = r->first_link; i < r->first_link + r->n_links; i++)
		world_target(w, w->state->layout->links[i], verdict, reason);
}

void world_unknown(struct world *w, uint32_t realserver, enum probe_reason reason)
{
	const struct layout_realserver *r = &w->state->layout->realservers[realserver];
	uint32_t i;

	for (i = r->first_link; i < r->first_link + r->n_links; i++) {
		struct health *h = &w->state->targets[w->state->layout->links[i]].health;

		h->unknown = true;
		h->success = false;
		h->reason = (uint8_t)reason;
		judge_target(w, w->state->layout->links[i]);
	}
}

int world_give(struct world *w, enum signal_id signal, uint32_t id)
{
	const struct layout *l = w->state->layout;
	size_t n = l->n_realservers > l->n_services ? l->n_realservers : l->n_services;

	if (!w->given)
		w->given = calloc(n + 1, N_SIGNALS * sizeof(*w->given));
	if (!w->given)
		return -ENOMEM;
	w->given[(size_t)id * N_SIGNALS + signal] = true;
	return 0;
}

void world_sample(struct world *w, enum signal_id signal, uint32_t id, double value)
{
	samples_put(engine_samples(w->engine), signal, id, w->now.mono_ms, value);
}

int world_hold(struct world *w, const struct hold *like)
{
	struct hold *h = hold_new(like);
	int e;

	if (!h)
		return -ENOMEM;
	h->active = !h->waiting;
	h->recorded = true;
	e = holds_place(w->holds, h, NULL);
	if (e) {
		hold_free(h);
		return e;
	}
	on_hold(w, like->service, like->realserver);
	return 0;
}

void world_lift(struct world *w, const struct hold *like)
{
	placer_lift_asked(w->placer, like);
}

/* --- a kernel that is told --------------------------------------------------------------- */

void world_blind(struct world *w)
{
	struct state *s = w->state;
	uint32_t i;

	w->blind = true;
	w->decider.kernel_known = false;
	for (i = 0; i < s->layout->n_dests; i++) {
		s->dests[i].cap = CAP_NONE;
		s->dests[i].seen = SEEN_UNKNOWN;
	}
}

void world_seen(struct world *w, uint32_t realserver, int32_t weight)
{
	const struct layout *l = w->state->layout;
	const struct layout_realserver *r = &l->realservers[realserver];
	uint32_t i;

	for (i = r->first_dest_link; i < r->first_dest_link + r->n_dest_links; i++)
		w->state->dests[l->dest_links[i]].seen = weight;
}

/* As the first reading of a layout does it. */
void world_kernel(struct world *w)
{
	struct state *s = w->state;
	uint32_t i;

	for (i = 0; i < s->layout->n_dests; i++) {
		struct dest_state *d = &s->dests[i];
		const struct layout_vip *vip = &s->layout->vips[s->layout->dests[i].vip];
		bool down = s->layout->services[vip->service].conf->initial == INITIAL_DOWN;

		if (d->cap == CAP_NONE)
			d->cap = down || d->seen < 0 ? 0 : d->seen;
	}
	w->decider.kernel_known = true;
	state_dirty_all(s);
}

/* --- time -------------------------------------------------------------------------------- */

void world_step(struct world *w, const struct moment *now)
{
	w->now = *now;
	decide_due(&w->decider, now);
	world_decide(w, now);
}

void world_decide(struct world *w, const struct moment *now)
{
	w->now = *now;
	while (w->state->n_dirty && decide(&w->decider, now, write_service, w))
		;
}

void world_sampled(struct world *w)
{
	const struct ruleset *set = engine_rules(w->engine);
	uint32_t i;

	for (i = 0; i < set->layout->n_services; i++)
		if (set->sampled[i])
			state_dirty(w->state, i);
}
