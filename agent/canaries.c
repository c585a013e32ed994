/* canaries.c: canaries are probed by a scheduler of their own, so that none of them is
 * anywhere taken for a realserver's target: no service, no rule and no guard sees one.
 *
 * What is asked of a canary is its last attempt, not its verdict: it knows of a cut by then
 * while realservers still count towards `fall`. One that never answered is a mistake in the
 * file and is not heeded. Whatever else answers behind the interface proves the way: then
 * it is the canary that died, and it is not heeded either until it answers again. */
#include "agent/canaries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/ways.h"
#include "agent/probes/canary_conf.h"
#include "agent/probes/sched.h"
#include "agent/rules/brake.h"

enum { MAX_RUNNING = 64 };

struct canary {
	const struct canary_conf *conf;
	uint32_t way; /* the interface it was reached by last; 0 = not known */
	bool asked;   /* there was an attempt that could tell … */
	bool failing; /* … and as of the last of them */
	bool heeded;  /* it has answered, and was not silent while others answered since */
};

/* What is replaced by a reload. The scheduler borrows the rows. */
struct flock {
	struct config *conf; /* a reference: the rows are of it */
	struct canary *own;
	struct layout_target *asked;
	struct target *targets;
	uint32_t n;
};

struct canaries {
	struct agent *agent;
	struct sched *sched; /* theirs */
	struct flock flock;
	uint32_t n_failing;
	bool doubted[BRAKE_INTERFACES]; /* it was told that they are */
};

/* --- the rows -------------------------------------------------------------------- */

static void flock_fini(struct flock *f)
{
	uint32_t i;

	for (i = 0; f->targets && i < f->n; i++)
		target_fini(&f->targets[i]);
	free(f->own);
	free(f->asked);
	free(f->targets);
	config_unref(f->conf);
	*f = (struct flock){ 0 };
}

static int flock_init(struct flock *f, struct config *conf)
{
	size_t n, i;
	void *const *confs = config_sections(conf, &canary_section, &n);

	*f = (struct flock){ .conf = config_ref(conf), .n = (uint32_t)n };
	f->own = calloc(n + 1, sizeof(*f->own));
	f->asked = calloc(n + 1, sizeof(*f->asked));
	f->targets = calloc(n + 1, sizeof(*f->targets));
	if (!f->own || !f->asked || !f->targets) {
		flock_fini(f);
		return -ENOMEM;
	}
	for (i = 0; i < n; i++) {
		const struct canary_conf *c = confs[i];
		const struct probe_conf *p = config_named(conf, &probe_section, c->probe);

		f->own[i].conf = c;
		f->asked[i] = (struct layout_target){ .addr = canary_conf_addr(c, p), .conf = p };
	}
	return 0;
}

/* Which one it was: by name, and by what is asked where. */
static uint32_t before(const struct flock *old, const struct flock *now, uint32_t i)
{
	const struct layout_target *is = &now->asked[i], *was;
	uint32_t k;

	for (k = 0; k < old->n; k++) {
		was = &old->asked[k];
		if (!strcmp(old->own[k].conf->head.name, now->own[i].conf->head.name) &&
		    !addr_cmp(&was->addr, &is->addr) && !strcmp(was->conf->url, is->conf->url))
			return k;
	}
	return SCHED_NEW;
}

/* Puts `now` in the place of those that are probed; takes it over where it is 0. */
static int replace(struct canaries *c, struct flock *now)
{
	static const struct sched_limits limits = { .max_running = MAX_RUNNING };
	uint32_t *from = calloc(now->n + 1ul, sizeof(*from)), i;
	int e;

	if (!from)
		return -ENOMEM;
	for (i = 0; i < now->n; i++)
		from[i] = before(&c->flock, now, i);
	e = sched_replace(c->sched, now->asked, now->targets, now->n, from, &limits);
	c->n_failing = e ? c->n_failing : 0;
	for (i = 0; !e && i < now->n; i++) {
		const struct canary_conf *conf = now->own[i].conf;

		if (from[i] == SCHED_NEW)
			continue;
		now->own[i] = c->flock.own[from[i]];
		now->own[i].conf = conf;
		c->n_failing += now->own[i].failing;
	}
	free(from);
	if (e)
		return e;
	flock_fini(&c->flock);
	c->flock = *now;
	return 0;
}

/* --- doubt ------------------------------------------------------------------------ */

/* By which interface a target is reached; only asked while a canary fails. */
static uint32_t way_of(const struct canaries *c, const struct layout_target *t)
{
	struct way_out from = probe_conf_way(t->conf, &t->addr);

	return ways_to(c->agent->ways, &t->addr, &from, clock_mono_ms());
}

/* Does no canary behind that interface answer that is heeded? */
static bool is_cut(const struct canaries *c, uint32_t way)
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < c->flock.n; i++) {
		const struct canary *own = &c->flock.own[i];

		if (own->way != way || !own->heeded)
			continue;
		if (!own->failing)
			return false;
		any = true;
	}
	return any;
}

static void tell(struct canaries *c, uint32_t way)
{
	struct buf name = BUF_INIT;
	bool cut = is_cut(c, way);

	if (c->doubted[way] == cut)
		return;
	c->doubted[way] = cut;
	ways_put_name(c->agent->ways, way, &name);
	log_event(cut ? LOG_WARN : LOG_INFO,
		  cut ? "no canary answers, what fails behind the interface is unknown"
		      : "what fails behind the interface counts again",
		  LOG_STR("interface", buf_str(&name)));
	buf_fini(&name);
}

/* Something else behind that interface answered. */
static void way_is_whole(struct canaries *c, uint32_t way)
{
	uint32_t i;

	for (i = 0; i < c->flock.n; i++)
		if (c->flock.own[i].way == way && c->flock.own[i].failing)
			c->flock.own[i].heeded = false;
	tell(c, way);
}

enum probe_reason canaries_doubt(void *canaries, uint32_t target, enum probe_reason reason)
{
	struct canaries *c = canaries;
	uint32_t way;

	if (!c->n_failing || probe_reasons[reason].outcome == PROBE_UNKNOWN)
		return reason;
	way = way_of(c, &c->agent->state->layout->targets[target]);
	if (!way)
		return reason;
	if (!probe_reason_answered(reason))
		return is_cut(c, way) ? PROBE_LOCAL_CANARY : reason;
	way_is_whole(c, way);
	return reason;
}

static void on_outcome(void *arg, uint32_t i, bool changed ATTR_UNUSED,
		       const struct probe_report *report ATTR_UNUSED)
{
	struct canaries *c = arg;
	struct canary *own = &c->flock.own[i];
	const struct health *h = &c->flock.targets[i].health;
	uint32_t way = way_of(c, &c->flock.asked[i]), was = own->way;

	if (h->unknown)
		return; /* it could not be asked */
	if (way)
		own->way = way;
	c->n_failing += !h->success;
	c->n_failing -= own->failing;
	own->failing = !h->success;
	own->heeded |= h->success;
	own->asked = true;
	if (was && was != own->way)
		tell(c, was);
	if (own->way)
		tell(c, own->way);
}

/* --- life ------------------------------------------------------------------------- */

int canaries_reload(struct canaries *c)
{
	struct flock now;
	uint32_t way;
	int e = flock_init(&now, c->agent->conf);

	if (e)
		return e;
	e = replace(c, &now);
	if (e)
		flock_fini(&now);
	for (way = 1; way < BRAKE_INTERFACES; way++)
		tell(c, way);
	return e;
}

int canaries_new(struct agent *a, struct canaries **ret_canaries)
{
	static const struct sched_limits limits = { .max_running = MAX_RUNNING };
	struct canaries *c = calloc(1, sizeof(*c));
	int e;

	if (!c)
		return -ENOMEM;
	c->agent = a;
	e = sched_new(a->loop, a->fetches, &limits, on_outcome, c, &c->sched);
	if (!e)
		e = canaries_reload(c);
	if (e) {
		canaries_free(c);
		return e;
	}
	sched_doubt(a->sched, canaries_doubt, c);
	*ret_canaries = c;
	return 0;
}

void canaries_free(struct canaries *c)
{
	if (!c)
		return;
	sched_free(c->sched);
	flock_fini(&c->flock);
	free(c);
}

/* The interface that is doubted for its silence; NULL = none. */
static int show_cut(const struct canaries *c, const struct canary *own, struct view *v,
		    const char **ret_cut)
{
	struct buf name = BUF_INIT;
	const char *cut = NULL;

	if (own->way && c->doubted[own->way] && own->heeded) {
		ways_put_name(c->agent->ways, own->way, &name);
		cut = arena_strdup(&v->arena, buf_str(&name));
		buf_fini(&name);
		if (!cut)
			return -ENOMEM;
	}
	*ret_cut = cut;
	return 0;
}

int canaries_show(const struct canaries *c, struct view *v)
{
	uint32_t i;

	v->canaries = calloc(c->flock.n + 1ul, sizeof(*v->canaries));
	if (!v->canaries)
		return -ENOMEM;
	for (i = 0; i < c->flock.n; i++) {
		const struct canary *own = &c->flock.own[i];
		struct view_canary *row = &v->canaries[v->n_canaries++];

		row->name = arena_strdup(&v->arena, own->conf->head.name);
		row->known = own->asked;
		row->up = row->known && !own->failing;
		if (!row->name || show_cut(c, own, v, &row->cut))
			return -ENOMEM;
	}
	return 0;
}
