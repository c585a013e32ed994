/* remedy.c: what a rule's state asks for. A rule whose hold is refused stays firing
 * and is judged again whenever its service is; simultaneous candidates are admitted
 * by evidence (refused, timeout, bad answer), then by how long they are down, then
 * by name, so that the outcome does not depend on the order of probes. */
#include "agent/rules/remedy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/log.h"
#include "agent/holds/hold.h"
#include "agent/holds/place.h"

struct remedy {
	struct remedy_rule rule;
	struct holds *holds;
	struct placer *placer;
	struct remedy_stats stats;
	/* Candidates of the service at hand; kept to spare the allocation. */
	uint32_t *candidates;
	uint32_t room;
};

int remedy_new(const struct remedy_rule *rule, struct holds *holds, struct placer *placer,
	       struct remedy **ret_remedy)
{
	struct remedy *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->rule = *rule;
	m->holds = holds;
	m->placer = placer;
	*ret_remedy = m;
	return 0;
}

void remedy_free(struct remedy *m)
{
	if (!m)
		return;
	free(m->candidates);
	free(m);
}

static const char *service_name(const struct state *s, uint32_t realserver)
{
	return s->layout->services[s->layout->realservers[realserver].service].conf->head.name;
}

static const char *realserver_name(const struct state *s, uint32_t realserver)
{
	return s->layout->realservers[realserver].conf->name;
}

/* Our hold on it, or NULL. */
static const struct hold *our_hold(const struct remedy *m, const struct state *s, uint32_t r)
{
	const struct hold *h = holds_of(m->holds, service_name(s, r), realserver_name(s, r));

	for (; h; h = h->next)
		if (h->hold_class == HOLD_RULE && !strcmp(h->holder, m->rule.name))
			return h;
	return NULL;
}

/* The failed target that tells most: the worst evidence first. */
static const struct target *witness(const struct state *s, uint32_t realserver)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	const struct target *best = NULL;
	uint32_t i;

	for (i = l->first_link; i < l->first_link + l->n_links; i++) {
		const struct target *t = &s->targets[s->layout->links[i]];

		if (t->health.verdict != VERDICT_DOWN)
			continue;
		if (!best || probe_reasons[t->health.reason].evidence <
				     probe_reasons[best->health.reason].evidence)
			best = t;
	}
	return best;
}

void remedy_reason(const struct state *s, uint32_t realserver, struct buf *out)
{
	const struct target *t = witness(s, realserver);

	if (!t) {
		buf_puts(out, "no probe says down");
		return;
	}
	buf_printf(out, "%s %s", t->conf->head.name, probe_reasons[t->health.reason].sentence);
	if (t->health.reason == PROBE_ANSWER_STATUS)
		buf_printf(out, " %d", t->last_status);
	buf_printf(out, ", %u probes failed", t->health.failures);
}

static int cmp_candidates(const void *a, const void *b, void *arg)
{
	const struct state *s = arg;
	uint32_t ra = *(const uint32_t *)a, rb = *(const uint32_t *)b;
	const struct target *ta = witness(s, ra), *tb = witness(s, rb);
	unsigned int ea = ta ? probe_reasons[ta->health.reason].evidence : ~0u;
	unsigned int eb = tb ? probe_reasons[tb->health.reason].evidence : ~0u;

	if (ea != eb)
		return ea < eb ? -1 : 1;
	if (s->realservers[ra].down_since_ms != s->realservers[rb].down_since_ms)
		return s->realservers[ra].down_since_ms < s->realservers[rb].down_since_ms ? -1 : 1;
	return strcmp(realserver_name(s, ra), realserver_name(s, rb));
}

/* What a realserver would take now; what is being held counts as nothing already. */
static uint32_t takes(const struct state *s, uint32_t r, bool held)
{
	const struct layout_realserver *l = &s->layout->realservers[r];
	uint32_t i, most = 0;

	for (i = l->first_dest_link; !held && i < l->first_dest_link + l->n_dest_links; i++) {
		int32_t want = s->dests[s->layout->dest_links[i]].want;

		if (want > 0 && (uint32_t)want > most)
			most = (uint32_t)want;
	}
	return most;
}

/* The service as the guard sees it, with nobody else taken out yet. */
static struct guard_input survey(const struct remedy *m, const struct state *s, uint32_t service,
				 bool kernel_known)
{
	const struct layout_service *svc = &s->layout->services[service];
	struct guard_input in = { .min = svc->conf->min_available,
				  .effect = m->rule.effect,
				  .probe_down = true,
				  .max_held = 100,
				  .kernel_known = kernel_known };
	uint32_t i;

	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		const struct realserver_conf *c = s->layout->realservers[i].conf;
		uint32_t weight = takes(s, i, our_hold(m, s, i) != NULL);

		if (!c->backup && c->weight && c->enabled) {
			in.configured++;
			in.configured_weight += c->weight;
		}
		in.available += weight > 0;
		in.available_weight += weight;
		in.backups_serve |= c->backup && weight && s->services[service].panic;
	}
	return in;
}

static void place(struct remedy *m, const struct state *s, uint32_t r, int64_t now_wall_ms)
{
	struct buf reason = BUF_INIT;
	int e;

	remedy_reason(s, r, &reason);
	e = placer_rule(m->placer,
			&(struct hold){ .hold_class = HOLD_RULE,
					.service = (char *)service_name(s, r),
					.realserver = (char *)realserver_name(s, r),
					.holder = (char *)m->rule.name,
					.effect = m->rule.effect,
					.reason = (char *)buf_str(&reason) },
			now_wall_ms);
	if (e)
		log_event(LOG_ERROR, "a hold could not be placed, retrying", LOG_ERR(e),
			  LOG_STR("service", service_name(s, r)),
			  LOG_STR("realserver", realserver_name(s, r)));
	else
		log_event(LOG_INFO, "hold placed", LOG_STR("service", service_name(s, r)),
			  LOG_STR("realserver", realserver_name(s, r)),
			  LOG_STR("rule", m->rule.name), LOG_STR("reason", buf_str(&reason)));
	m->stats.enforced += !e;
	buf_fini(&reason);
}

/* Judges one candidate; `now` is the service before, and after where it is admitted. */
static void judge(struct remedy *m, struct state *s, uint32_t r, struct guard_input *now,
		  int64_t now_wall_ms)
{
	struct realserver_state *rs = &s->realservers[r];
	uint32_t weight = takes(s, r, false);
	struct guard_input in = *now;
	enum guard guard;

	in.has_verdict = rs->verdict != VERDICT_NONE;
	in.harmless = !weight;
	in.available -= weight > 0;
	in.available_weight -= weight;
	guard = guard_judge(&in);
	if (guard == GUARD_ADMIT) {
		rs->refused = GUARD_ADMIT;
		*now = in;
		place(m, s, r, now_wall_ms);
		return;
	}
	/* Told once, and again only when another guard refuses. */
	if (rs->refused != guard) {
		m->stats.refused[guard]++;
		log_event(LOG_WARN, "hold refused", LOG_STR("service", service_name(s, r)),
			  LOG_STR("realserver", realserver_name(s, r)),
			  LOG_STR("rule", m->rule.name), LOG_STR("guard", guard_names[guard]),
			  LOG_INT("available_after", in.available),
			  LOG_INT("min_available", guard_floor(&in)));
	}
	rs->refused = (uint8_t)guard;
}

static void release(struct remedy *m, const struct state *s, uint32_t r, const struct hold *h)
{
	log_event(LOG_INFO, "hold released", LOG_STR("service", service_name(s, r)),
		  LOG_STR("realserver", realserver_name(s, r)), LOG_STR("rule", m->rule.name),
		  LOG_STR("reason", "probes pass again"));
	placer_lift(m->placer, h->id);
}

static bool room_for(struct remedy *m, uint32_t n)
{
	uint32_t *grown;

	if (n <= m->room)
		return true;
	grown = reallocarray(m->candidates, n, sizeof(*grown));
	if (!grown)
		return false;
	m->candidates = grown;
	m->room = n;
	return true;
}

/* Ends what resolved, notes what fires without a hold; true when something ended. */
static bool sort_out(struct remedy *m, struct state *s, const struct layout_service *svc,
		     uint32_t *ret_candidates)
{
	bool ended = false;
	uint32_t i, n = 0;

	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++) {
		struct realserver_state *rs = &s->realservers[i];
		const struct hold *h = our_hold(m, s, i);
		bool enabled = s->layout->realservers[i].conf->enabled;

		if (rs->verdict == VERDICT_UP || !enabled) {
			rs->firing = false;
			rs->refused = GUARD_ADMIT;
			ended |= h != NULL;
			if (h)
				release(m, s, i, h);
		} else if (rs->verdict == VERDICT_DOWN) {
			m->stats.detected += !rs->firing;
			rs->firing = true;
			if (!h)
				m->candidates[n++] = i;
		}
	}
	*ret_candidates = n;
	return ended;
}

void remedy_service(struct remedy *m, struct state *s, uint32_t service, bool kernel_known,
		    int64_t now_wall_ms)
{
	const struct layout_service *svc = &s->layout->services[service];
	struct guard_input now;
	uint32_t i, n;

	if (!svc->conf->enabled || !room_for(m, svc->n_realservers))
		return;
	/* What ended changes the weights that the guards count: decided anew first. */
	if (sort_out(m, s, svc, &n) || !n)
		return;
	now = survey(m, s, service, kernel_known);
	qsort_r(m->candidates, n, sizeof(*m->candidates), cmp_candidates, s);
	for (i = 0; i < n; i++)
		judge(m, s, m->candidates[i], &now, now_wall_ms);
}

struct sweep {
	const struct remedy *m;
	const struct state *s;
	char **ids;
	size_t n, room;
};

static void sweep_one(void *arg, const struct hold *h)
{
	struct sweep *w = arg;
	const struct layout *l = w->s->layout;
	uint32_t service;

	if (h->hold_class != HOLD_RULE || strcmp(h->holder, w->m->rule.name))
		return;
	service = layout_find_service(l, h->service);
	if (service != LAYOUT_NONE &&
	    layout_find_realserver(l, service, h->realserver) != LAYOUT_NONE)
		return;
	if (w->n < w->room)
		w->ids[w->n++] = strdup(h->id);
}

void remedy_sweep(struct remedy *m, const struct state *s)
{
	struct sweep w = { .m = m, .s = s, .room = holds_count(m->holds) };
	size_t i;

	w.ids = calloc(w.room + 1, sizeof(*w.ids));
	if (!w.ids)
		return;
	holds_each(m->holds, sweep_one, &w);
	for (i = 0; i < w.n; i++) {
		if (w.ids[i])
			placer_lift(m->placer, w.ids[i]);
		free(w.ids[i]);
	}
	free(w.ids);
}

void remedy_stats(const struct remedy *m, struct remedy_stats *ret_stats)
{
	*ret_stats = m->stats;
}

const struct remedy_rule *remedy_rule(const struct remedy *m)
{
	return &m->rule;
}
