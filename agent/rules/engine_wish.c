/* engine_wish.c: what a realserver asks for itself, by a probe that it advises: a hold of
 * class agent, for each of its services. Nobody's rule, but an automatic hold all the same:
 * it passes the guards that look at what would be left, and what they refuse is asked again
 * by its next word. Until then the word before stands. */
#include <string.h>

#include "agent/base/log.h"
#include "agent/holds/effect.h"
#include "agent/holds/place.h"
#include "agent/model/scheduler.h"
#include "agent/rules/engine_internal.h"

struct wish {
	const struct advice *advice;
	const char *holder; /* the probe's name */
	const char *text;   /* the realserver's own; "" = none, NULL = as before */
	int effect;         /* 100 = it asks for nothing */
};

static const struct realserver_conf *conf_of(const struct engine *e, uint32_t realserver)
{
	return e->state->layout->realservers[realserver].conf;
}

static const char *service_name(const struct engine *e)
{
	return e->state->layout->services[e->service].conf->head.name;
}

static const struct hold *find(const struct engine *e, const struct wish *w, uint32_t realserver)
{
	const struct hold *h =
		holds_of(e->env.holds, service_name(e), conf_of(e, realserver)->name);

	while (h && (h->hold_class != HOLD_AGENT || strcmp(h->holder, w->holder) != 0))
		h = h->next;
	return h;
}

/* Of time and doubt (cooldown, flapping, rate, correlated) it is not asked: it is the one
 * who knows. */
static enum guard judge(const struct engine *e, const struct wish *w, uint32_t realserver)
{
	const struct service_conf *c = e->state->layout->services[e->service].conf;
	const struct realserver_conf *rs = conf_of(e, realserver);
	uint32_t weight = survey_weight(e->state, e->env.holds, realserver);
	struct guard_input in;
	struct survey v;

	survey_service(e->state, e->env.holds, e->service, &v);
	survey_take(&v, e->state, e->env.holds, realserver, w->effect, weight);
	engine_guard_input(e, &v, &in);
	in.effect = w->effect;
	in.probe_down = true;
	in.harmless = !weight;
	in.scheduler_unsafe = guard_scheduler_unsafe(c->scheduler, c->scheduler_flags);
	in.adds_held = w->effect <= HOLD_ZERO && rs->enabled && rs->weight && !rs->backup &&
		       !survey_held(e->state, e->env.holds, realserver, false);
	in.domain_on = c->domain_guard && rs->terms->domain &&
		       !survey_held(e->state, e->env.holds, realserver, true);
	return guard_judge(&in);
}

static void tell(const struct engine *e, const struct wish *w, uint32_t realserver,
		 enum log_level level, const char *msg, const char *why)
{
	struct buf says = BUF_INIT;

	advice_format(&says, w->advice);
	log_event(level, msg, LOG_STR("service", service_name(e)),
		  LOG_STR("realserver", conf_of(e, realserver)->name), LOG_STR("probe", w->holder),
		  LOG_STR("says", buf_str(&says)), LOG_STR("reason", why));
	buf_fini(&says);
}

/* Told once, and again only when another guard refuses. */
static void refuse(struct engine *e, const struct wish *w, uint32_t realserver, enum guard guard)
{
	struct realserver_state *r = &e->state->realservers[realserver];

	if (r->wish_refused == guard)
		return;
	r->wish_refused = guard & 15;
	tell(e, w, realserver, LOG_WARN, "what a realserver asks for itself is refused",
	     guard_names[guard]);
}

/* A load says another share each time: that is worth a line where somebody looks for it. */
static enum log_level level_of(int has, int gets)
{
	return has == 100 || !has || !gets ? LOG_INFO : LOG_DEBUG;
}

static void grant(struct engine *e, const struct wish *w, uint32_t realserver, int has)
{
	struct hold like = { .hold_class = HOLD_AGENT,
			     .service = (char *)service_name(e),
			     .realserver = (char *)conf_of(e, realserver)->name,
			     .holder = (char *)w->holder,
			     .effect = w->effect };
	struct buf reason = BUF_INIT;

	if (!w->text && has == w->effect)
		return;
	buf_puts(&reason, "it says ");
	advice_format(&reason, w->advice);
	if (w->text && *w->text)
		buf_printf(&reason, " (%s)", w->text);
	like.reason = (char *)buf_str(&reason);
	/* Out of memory: its next word tries again. */
	if (!placer_told(e->env.placer, &like, e->now.wall_ms) && has != w->effect)
		tell(e, w, realserver, level_of(has, w->effect),
		     "a realserver asks for less itself", w->text ? w->text : "");
	buf_fini(&reason);
}

static void let_go(struct engine *e, const struct wish *w, uint32_t realserver,
		   const struct hold *h)
{
	tell(e, w, realserver, LOG_INFO, "a realserver asks for nothing itself any more",
	     w->text ? w->text : "");
	placer_lift(e->env.placer, h->id);
}

/* What another probe was refused is not for this one to forget. */
static bool others_ask(const struct engine *e, const struct wish *w, uint32_t realserver)
{
	const struct layout *l = e->state->layout;
	const struct layout_realserver *r = &l->realservers[realserver];
	uint32_t i;

	for (i = r->first_link; i < r->first_link + r->n_links; i++) {
		const struct advice *other = &e->state->targets[l->links[i]].advice;

		if (other != w->advice && advice_share(other) < 100)
			return true;
	}
	return false;
}

static void hear(struct engine *e, const struct wish *w, uint32_t realserver)
{
	struct realserver_state *r = &e->state->realservers[realserver];
	const struct hold *h = find(e, w, realserver);
	const struct hold *all =
		holds_of(e->env.holds, service_name(e), conf_of(e, realserver)->name);
	int has = h ? h->effect : 100, share = hold_last(all, HOLD_ADMITS) ? 100 : w->effect;
	enum guard guard = e->frozen && share != has ? GUARD_FROZEN : GUARD_ADMIT;

	if (!guard && share < has)
		guard = judge(e, w, realserver);
	if (guard) {
		refuse(e, w, realserver, guard);
		return;
	}
	if (!others_ask(e, w, realserver))
		r->wish_refused = GUARD_ADMIT;
	if (share < 100)
		grant(e, w, realserver, has);
	else if (h)
		let_go(e, w, realserver, h);
}

void engine_wish(struct engine *e, struct state *s, uint32_t target, const char *text,
		 bool kernel_known, const struct moment *now)
{
	const struct layout_target *lt = &s->layout->targets[target];
	struct wish w = { &s->targets[target].advice, lt->conf->head.name, text, 0 };
	uint32_t i;

	w.effect = advice_share(w.advice);
	e->state = s;
	e->now = *now;
	e->kernel_known = kernel_known;
	e->frozen = holds_freeze(e->env.holds);
	for (i = lt->first_user; i < lt[1].first_user; i++) {
		uint32_t realserver = s->layout->users[i];

		e->service = s->layout->realservers[realserver].service;
		if (s->layout->services[e->service].conf->enabled)
			hear(e, &w, realserver);
	}
}

void engine_wishes(struct engine *e, struct state *s, bool kernel_known, const struct moment *now)
{
	uint32_t i;

	for (i = 0; i < s->layout->n_targets; i++)
		if (advice_share(&s->targets[i].advice) < 100)
			engine_wish(e, s, i, NULL, kernel_known, now);
}

bool engine_wish_stands(const struct engine *e, const struct hold *h)
{
	const struct layout *l = e->set->layout;
	uint32_t realserver = layout_find(l, h->service, h->realserver), i;
	const struct layout_realserver *r;

	if (realserver == LAYOUT_NONE)
		return false;
	r = &l->realservers[realserver];
	for (i = r->first_link; i < r->first_link + r->n_links; i++)
		if (!strcmp(l->targets[l->links[i]].conf->head.name, h->holder))
			return true;
	return false;
}
