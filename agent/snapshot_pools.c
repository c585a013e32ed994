/* snapshot_pools.c: the pools in a snapshot: how each service and realserver stands,
 * and what its probes found. A realserver with two addresses is probed at both: one
 * row a probe shows the worse of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/model/compare.h"
#include "agent/publish.h"
#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"
#include "agent/sync/desired.h"

enum { BATCH = 128 }; /* realservers between two looks at the clock */

/* Worse of two: down, then no verdict, then up. */
static unsigned int badness(const struct health *h)
{
	static const unsigned int of[] = {
		[VERDICT_UP] = 0, [VERDICT_NONE] = 1, [VERDICT_DOWN] = 2
	};

	return of[h->verdict] * 2 + h->unknown;
}

static void max_us(uint32_t *a, int64_t b)
{
	if (b > *a)
		*a = b > UINT32_MAX ? UINT32_MAX : (uint32_t)b;
}

static int32_t streak_of(const struct health *h)
{
	uint32_t n = h->failures ? h->failures : h->passes;

	n = n > INT32_MAX ? INT32_MAX : n;
	return h->failures ? -(int32_t)n : (int32_t)n;
}

/* Adds what a target failed by to the rows of its probe, the last ones. */
static int add_failures(struct snapshot *s, const struct view_probe *p, const struct target *t)
{
	const struct target_reason_count *failures = target_failures(t);
	struct view *v = s->view;
	uint32_t i, j;

	for (i = 0; i < t->n_failures; i++) {
		for (j = p->first_failure; j < v->n_failures; j++)
			if (v->failures[j].reason == failures[i].reason)
				break;
		if (j == s->failures_room) {
			uint32_t room = j + j / 2 + 16;
			void *grown = reallocarray(v->failures, room, sizeof(*v->failures));

			if (!grown)
				return -ENOMEM;
			v->failures = grown;
			s->failures_room = room;
		}
		if (j == v->n_failures)
			v->failures[v->n_failures++] =
				(struct view_failure){ .reason = failures[i].reason };
		v->failures[j].count += failures[i].count;
	}
	return 0;
}

/* --- texts -------------------------------------------------------------------------- */

static uint32_t hash(const char *text)
{
	uint32_t h = 5381;

	for (; *text; text++)
		h = h * 33 + (unsigned char)*text;
	return h;
}

/* Where that text stands among the reasons: one that was given just before is shared. */
static int place(struct snapshot *s, const char *text, uint32_t *ret_at)
{
	struct view *v = s->view;
	uint32_t *given = &s->given[hash(text) % countof(s->given)];

	if (!*given || strcmp(v->reasons.data + *given, text) != 0) {
		if (!v->reasons.len)
			buf_putc(&v->reasons, '\0'); /* at 0 stands none */
		*given = (uint32_t)v->reasons.len;
		buf_put(&v->reasons, text, strlen(text) + 1);
		if (!buf_ok(&v->reasons) || v->reasons.len >> 28)
			return -ENOMEM;
	}
	*ret_at = *given;
	return 0;
}

/* --- probes ------------------------------------------------------------------------- */

/* Adds what one target of a probe found to its row. */
static int add_target(struct snapshot *s, struct view_probe *p, const struct target *t)
{
	const struct health *h = &t->health;
	struct health is = { .verdict = p->verdict, .unknown = p->unknown };
	const char *text = target_text(t);
	int e = 0;

	if (!p->attempts || badness(h) > badness(&is)) {
		p->verdict = h->verdict;
		p->unknown = h->unknown;
		p->success = h->success;
		p->reason = h->reason;
		p->since_wall_ms = h->since_wall_ms;
		p->streak = streak_of(h);
		p->text = 0;
		if (text)
			e = place(s, text, &p->text);
	}
	p->attempts += (uint32_t)t->attempts;
	max_us(&p->last_us, t->last_us);
	max_us(&p->connect_us, t->connect_us);
	max_us(&p->tls_us, t->tls_us);
	max_us(&p->first_byte_us, t->first_byte_us);
	/* of several certificates the one that ends first */
	if (t->tls_not_after && (!p->tls_not_after || t->tls_not_after < p->tls_not_after))
		p->tls_not_after = t->tls_not_after;
	if (t->last_wall_ms > p->last_wall_ms)
		p->last_wall_ms = t->last_wall_ms;
	if (s->view->durations && target_durations(t))
		durations_add(&s->view->durations[p - s->view->probes], target_durations(t));
	return !e && t->n_failures ? add_failures(s, p, t) : e;
}

/* Room for them is made when the first is met. */
static int add_digest(struct snapshot *s, uint32_t row, uint32_t realserver,
		      const struct probe_conf *probe)
{
	const struct state *state = s->agent->state;
	struct view *v = s->view;
	struct compared d;

	if (!compare_probe(state->compare, realserver, probe, s->now_ms, &d))
		return 0;
	if (!v->digests)
		v->digests = calloc(state->layout->n_links, sizeof(*v->digests));
	if (!v->digests)
		return -ENOMEM;
	v->digests[row] = (struct view_digest){
		.value = compare_shown(d.digest),
		.agree = d.all.agree,
		.heard = d.all.heard,
		.word = (uint8_t)d.word,
		.compared = true,
		.too_long = d.too_long,
	};
	return 0;
}

/* The same for a probe's durations; a row of zeroes is one as well. */
static int add_durations(struct snapshot *s, uint32_t row, const struct probe_conf *probe)
{
	struct view *v = s->view;

	if (!probe->histogram)
		return 0;
	if (!v->durations)
		v->durations = calloc(s->agent->state->layout->n_links, sizeof(*v->durations));
	if (!v->durations)
		return -ENOMEM;
	v->durations[row].on = true;
	return 0;
}

/* The links of a realserver stand probe by probe. */
static int add_probes(struct snapshot *s, uint32_t realserver)
{
	const struct state *state = s->agent->state;
	const struct layout *layout = state->layout;
	const struct layout_realserver *l = &layout->realservers[realserver];
	const struct probe_conf *last = NULL;
	struct view *v = s->view;
	struct view_probe *p = NULL;
	uint32_t i;
	int e = 0;

	v->realservers[realserver].first_probe = v->n_probes;
	for (i = l->first_link; !e && i < l->first_link + l->n_links; i++) {
		uint32_t target = layout->links[i];

		if (!p || layout->targets[target].conf != last) {
			p = &v->probes[v->n_probes++];
			p->realserver = realserver;
			p->first_failure = v->n_failures;
			last = layout->targets[target].conf;
			e = add_digest(s, v->n_probes - 1, realserver, last);
			if (!e)
				e = add_durations(s, v->n_probes - 1, last);
		}
		if (!e)
			e = add_target(s, p, &state->targets[target]);
	}
	return e;
}

static enum view_state state_of(const struct realserver_conf *c, const struct realserver_state *r,
				int32_t weight, bool lowered)
{
	if (!c->enabled)
		return VIEW_DISABLED;
	if (r->verdict == VERDICT_DOWN)
		return VIEW_DOWN;
	if (r->verdict == VERDICT_NONE || r->unknown)
		return VIEW_UNKNOWN;
	if (c->backup && weight <= 0 && !lowered)
		return VIEW_STANDBY;
	return lowered ? VIEW_HELD : VIEW_UP;
}

/* --- reasons ------------------------------------------------------------------------ */

static int give(struct snapshot *s, uint32_t realserver, const char *reason)
{
	uint32_t at;
	int e = place(s, reason, &at);

	if (!e)
		s->view->realservers[realserver].reason = at & 0xfffffff;
	return e;
}

/* "rule probe-down: http connection refused, 3 probes failed" */
static int give_hold(struct snapshot *s, uint32_t realserver, const struct hold *h)
{
	buf_reset(&s->text);
	buf_puts(&s->text, hold_class_names[h->hold_class]);
	buf_putc(&s->text, ' ');
	buf_puts(&s->text, h->holder);
	buf_puts(&s->text, ": ");
	buf_puts(&s->text, h->reason);
	return buf_ok(&s->text) ? give(s, realserver, buf_str(&s->text)) : -ENOMEM;
}

int snapshot_refused(struct snapshot *s, uint32_t realserver, const char *rule, unsigned int guard)
{
	if (s->view->realservers[realserver].reason)
		return 0; /* another reason comes first, or another rule's guard */
	buf_reset(&s->text);
	buf_printf(&s->text, "rule %s fires, but guard %s refuses the hold", rule,
		   guard_names[guard]);
	return buf_ok(&s->text) ? give(s, realserver, buf_str(&s->text)) : -ENOMEM;
}

/* None, where only a guard could be the reason. */
static int give_reason(struct snapshot *s, uint32_t realserver, const struct desired *d,
		       const struct hold *lowest)
{
	const struct desired_step *last = &d->steps[d->n_steps - 1];
	static const char *const words[N_WHYS] = {
		[WHY_UNPROVEN] = "not seen up yet",
		[WHY_STANDBY] = "backup",
		[WHY_PANIC] = "panic: no realserver is up",
		[WHY_RAMP] = "slow start",
	};

	if (!view_conf(s->view, realserver)->enabled)
		return give(s, realserver, "enabled = no");
	if (lowest)
		return give_hold(s, realserver, lowest);
	if (last->why == WHY_REPLACED || last->why == WHY_ADMIT)
		return give_hold(s, realserver, last->hold);
	return words[last->why] ? give(s, realserver, words[last->why]) : 0;
}

/* --- realservers -------------------------------------------------------------------- */

static const char *service_name(const struct snapshot *s, uint32_t realserver)
{
	return s->view->layout->services[view_service(s->view, realserver)].conf->head.name;
}

/* Nothing stands between its configuration and its weight. */
static bool is_plain(const struct snapshot *s, uint32_t realserver, const struct realserver_conf *c)
{
	const struct agent *a = s->agent;

	if (!c->enabled || c->backup || a->decider.frozen ||
	    !a->state->realservers[realserver].proven ||
	    !ramp_over(&a->decider.decided[realserver].ramp, s->now_ms))
		return false;
	return !s->held || !holds_of(a->holds, service_name(s, realserver), c->name);
}

/* What the decision says of it, asked anew. */
static int add_decided(struct snapshot *s, uint32_t realserver, int32_t *ret_weight,
		       bool *ret_lowered)
{
	const struct hold *lowest = NULL;
	struct desired_input in;
	struct desired d;
	unsigned int i;

	decide_desired(&s->agent->decider, realserver, s->now_ms, &in, &d);
	for (i = 0; i < d.n_steps; i++)
		if (d.steps[i].why == WHY_HOLD && d.steps[i].weight == d.weight &&
		    (!lowest || d.steps[i].hold->effect < lowest->effect))
			lowest = d.steps[i].hold;
	*ret_weight = d.weight;
	*ret_lowered = lowest != NULL;
	return give_reason(s, realserver, &d, lowest);
}

static int add_realserver(struct snapshot *s, uint32_t id)
{
	const struct realserver_conf *c = view_conf(s->view, id);
	struct view_realserver *r = &s->view->realservers[id];
	uint32_t service = view_service(s->view, id);
	int32_t weight = (int32_t)c->weight;
	bool lowered = false;
	int e = is_plain(s, id, c) ? 0 : add_decided(s, id, &weight, &lowered);

	if (id == s->view->layout->services[service].first_realserver)
		compare_service(s->agent->state->compare, service, s->now_ms);
	r->effective_weight = weight == WANT_OUT ? WANT_ABSENT : weight;
	r->state = state_of(c, &s->agent->state->realservers[id], weight, lowered);
	return e ? e : add_probes(s, id);
}

int snapshot_realservers(struct snapshot *s)
{
	struct view *v = s->view;
	uint32_t end = v->layout->n_realservers - v->n_realservers;
	int e = 0;

	end = v->n_realservers + (end < BATCH ? end : BATCH);
	for (; !e && v->n_realservers < end; v->n_realservers++)
		e = add_realserver(s, v->n_realservers);
	if (v->n_realservers == v->layout->n_realservers)
		s->stage++;
	return e;
}

int snapshot_services(struct snapshot *s)
{
	const struct state *state = s->agent->state;
	const struct layout *l = state->layout;
	struct view *v = s->view;
	uint32_t i, k;

	for (k = 0; k < l->n_services; k++) {
		struct view_service *svc = &v->services[k];

		*svc = (struct view_service){
			.name = l->services[k].conf->head.name,
			.first_realserver = l->services[k].first_realserver,
			.n_realservers = l->services[k].n_realservers,
			.available = state->services[k].available,
			.configured = state->services[k].configured,
			.own = state->services[k].own,
			.panic = state->services[k].panic,
		};
		for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++)
			svc->states[v->realservers[i].state]++;
	}
	s->stage++;
	return 0;
}
