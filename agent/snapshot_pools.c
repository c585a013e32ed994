/* snapshot_pools.c: the pools in a snapshot: how each service and realserver stands,
 * and what its probes found. A realserver with two addresses is probed at both: one
 * row a probe shows the worse of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/publish.h"
#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"
#include "agent/sync/desired.h"

static void *array(uint32_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

/* Worse of two: down, then no verdict, then up. */
static unsigned int badness(const struct health *h)
{
	static const unsigned int of[] = {
		[VERDICT_UP] = 0, [VERDICT_NONE] = 1, [VERDICT_DOWN] = 2
	};

	return of[h->verdict] * 2 + h->unknown;
}

static void max_us(int64_t *a, int64_t b)
{
	if (b > *a)
		*a = b;
}

/* Adds what one target of a probe found to its row. */
static void add_target(struct view *v, struct view_probe *p, const struct target *t)
{
	uint32_t i, j;

	if (badness(&t->health) > badness(&p->health) || !p->attempts)
		p->health = t->health;
	p->attempts += t->attempts;
	max_us(&p->last_us, t->last_us);
	max_us(&p->connect_us, t->connect_us);
	max_us(&p->tls_us, t->tls_us);
	max_us(&p->first_byte_us, t->first_byte_us);
	max_us(&p->last_wall_ms, t->last_wall_ms);
	for (i = 0; i < t->n_failures; i++) {
		for (j = p->first_failure; j < p->first_failure + p->n_failures; j++)
			if (v->failures[j].reason == t->failures[i].reason)
				break;
		if (j == v->n_failures) {
			v->failures[v->n_failures++] =
				(struct view_failure){ .reason = t->failures[i].reason };
			p->n_failures++;
		}
		v->failures[j].count += t->failures[i].count;
	}
}

/* The links of a realserver stand probe by probe. */
static void add_probes(struct view *v, const struct state *s, uint32_t realserver)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	struct view_realserver *r = &v->realservers[realserver];
	struct view_probe *p = NULL;
	uint32_t i;

	r->first_probe = v->n_probes;
	for (i = l->first_link; i < l->first_link + l->n_links; i++) {
		const struct target *t = &s->targets[s->layout->links[i]];
		const char *name = s->layout->targets[s->layout->links[i]].conf->head.name;

		if (!p || p->name != name) {
			p = &v->probes[v->n_probes++];
			*p = (struct view_probe){
				.realserver = realserver,
				.name = name,
				.first_failure = v->n_failures,
			};
		}
		add_target(v, p, t);
	}
	r->n_probes = v->n_probes - r->first_probe;
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

/* "rule probe-down: http connection refused, 3 probes failed" */
static const char *hold_reason(struct view *v, const struct hold *h)
{
	struct buf text = BUF_INIT;
	const char *kept;

	buf_printf(&text, "%s %s: %s", hold_class_names[h->hold_class], h->holder, h->reason);
	kept = buf_ok(&text) ? arena_strdup(&v->arena, buf_str(&text)) : NULL;
	buf_fini(&text);
	return kept;
}

/* A rule fires, but a guard keeps the realserver; "" where none does. */
static const char *refused_reason(struct view *v, const struct agent *a, uint32_t realserver)
{
	const struct ruleset *set = engine_rules(a->engine);
	const struct rule_slot *slot = NULL;
	struct buf text = BUF_INIT;
	const char *kept;
	uint32_t i;

	for (i = 0; i < set->n_rules; i++) {
		slot = ruleset_slot(set, &set->rules[i], realserver);
		if (slot && slot->refused)
			break;
	}
	if (i == set->n_rules)
		return "";
	buf_printf(&text, "rule %s fires, but guard %s refuses the hold",
		   set->rules[i].conf->head.name, guard_names[slot->refused]);
	kept = buf_ok(&text) ? arena_strdup(&v->arena, buf_str(&text)) : NULL;
	buf_fini(&text);
	return kept;
}

static const char *reason_of(struct view *v, const struct agent *a, uint32_t realserver,
			     const struct desired *d, const struct hold *lowest)
{
	const struct realserver_conf *c = a->state->layout->realservers[realserver].conf;
	const struct desired_step *last = &d->steps[d->n_steps - 1];

	if (!c->enabled)
		return "enabled = no";
	if (lowest)
		return hold_reason(v, lowest);
	if (last->why == WHY_UNPROVEN)
		return "not seen up yet";
	if (last->why == WHY_STANDBY)
		return "backup";
	if (last->why == WHY_PANIC)
		return "panic: no realserver is up";
	if (last->why == WHY_RAMP)
		return "slow start";
	return refused_reason(v, a, realserver);
}

static int add_realserver(struct view *v, const struct agent *a, uint32_t id)
{
	const struct state *s = a->state;
	const struct layout_realserver *l = &s->layout->realservers[id];
	const struct hold *lowest = NULL;
	struct desired_input in;
	struct desired d;
	unsigned int i;

	decide_desired(&a->decider, id, clock_mono_ms(), &in, &d);
	for (i = 0; i < d.n_steps; i++)
		if (d.steps[i].why == WHY_HOLD && d.steps[i].weight == d.weight &&
		    (!lowest || d.steps[i].hold->effect < lowest->effect))
			lowest = d.steps[i].hold;
	v->realservers[id] = (struct view_realserver){
		.name = l->conf->name,
		.service = l->service,
		.configured_weight = l->conf->weight,
		.effective_weight = d.weight == WANT_OUT ? WANT_ABSENT : d.weight,
		.state = state_of(l->conf, &s->realservers[id], d.weight, lowest != NULL),
		.backup = l->conf->backup,
		.reason = reason_of(v, a, id, &d, lowest),
		.domain = l->conf->terms->domain,
	};
	if (!v->realservers[id].reason)
		return -ENOMEM;
	add_probes(v, s, id);
	return 0;
}

static void add_service(struct view *v, const struct state *s, uint32_t id)
{
	const struct layout_service *l = &s->layout->services[id];
	struct view_service *svc = &v->services[id];
	uint32_t i;

	*svc = (struct view_service){
		.name = l->conf->head.name,
		.first_realserver = l->first_realserver,
		.n_realservers = l->n_realservers,
		.available = s->services[id].available,
		.configured = s->services[id].configured,
		.own = s->services[id].own,
		.panic = s->services[id].panic,
	};
	for (i = l->first_realserver; i < l->first_realserver + l->n_realservers; i++)
		svc->states[v->realservers[i].state]++;
}

static uint32_t count_failures(const struct state *s)
{
	uint32_t i, n = 0;

	for (i = 0; i < s->layout->n_links; i++)
		n += s->targets[s->layout->links[i]].n_failures;
	return n;
}

int snapshot_pools(struct view *v, const struct agent *a)
{
	const struct state *s = a->state;
	const struct layout *l = s->layout;
	uint32_t i;
	int r = 0;

	v->services = array(l->n_services, sizeof(*v->services));
	v->realservers = array(l->n_realservers, sizeof(*v->realservers));
	v->probes = array(l->n_links, sizeof(*v->probes));
	v->failures = array(count_failures(s), sizeof(*v->failures));
	if (!v->services || !v->realservers || !v->probes || !v->failures)
		return -ENOMEM;
	v->n_services = l->n_services;
	v->n_realservers = l->n_realservers;
	for (i = 0; !r && i < l->n_realservers; i++)
		r = add_realserver(v, a, i);
	for (i = 0; !r && i < l->n_services; i++)
		add_service(v, s, i);
	return r;
}
