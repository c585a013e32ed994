/* snapshot.c: the rows of a view. Runs on the loop, for it reads the agent's state;
 * what it makes is never changed again. Ids of services, realservers and VIPs are
 * the layout's; foreign ones of the kernel follow behind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/holds/journal.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"
#include "agent/ipvs/ipvs.h"
#include "agent/metrics/metrics_conf.h"
#include "agent/model/match.h"
#include "agent/probes/sched.h"
#include "agent/publish.h"
#include "agent/rules/engine.h"
#include "agent/rules/notifier.h"
#include "agent/rules/rule_conf.h"
#include "agent/sync/reconcile.h"

static void *array(uint32_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

static const char *keep(struct view *v, struct buf *text)
{
	const char *kept = buf_ok(text) ? arena_strdup(&v->arena, buf_str(text)) : NULL;

	buf_fini(text);
	return kept;
}

static const char *key_text(struct view *v, const struct ipvs_key *key)
{
	struct buf text = BUF_INIT;

	ipvs_key_format(&text, key);
	return keep(v, &text);
}

static const char *addr_text(struct view *v, const struct addr *addr)
{
	struct buf text = BUF_INIT;

	addr_format(&text, addr);
	return keep(v, &text);
}

/* --- VIPs and destinations ------------------------------------------------ */

/* Destinations of a kernel service that the layout does not know. */
static int add_extras(struct view *v, const struct match *m, uint32_t vip, uint32_t service)
{
	const struct ipvs_service *s = &v->table.services[service];
	uint32_t i;

	for (i = s->first_dest; i < s->first_dest + s->n_dests; i++) {
		if (m->dest_of_row[i] != MATCH_NONE)
			continue;
		v->dests[v->n_dests] = (struct view_dest){
			.name = addr_text(v, &v->table.dests[i].addr),
			.vip = vip,
			.table = i,
			.realserver = VIEW_NONE,
		};
		if (!v->dests[v->n_dests].name)
			return -ENOMEM;
		v->n_dests++;
	}
	v->vips[vip].n_dests = v->n_dests - v->vips[vip].first_dest;
	return 0;
}

static int add_vip(struct view *v, const struct layout *l, const struct match *m, uint32_t vip)
{
	const struct layout_vip *lv = &l->vips[vip];
	const struct service_conf *c = l->services[lv->service].conf;
	uint32_t i;

	v->vips[v->n_vips++] = (struct view_vip){
		.service = c->head.name,
		.address = c->addresses[lv->address].text,
		.table = m->row_of_vip[vip],
		.owner = lv->service,
		.first_dest = v->n_dests,
		.n_dests = lv->n_dests,
	};
	for (i = lv->first_dest; i < lv->first_dest + lv->n_dests; i++)
		v->dests[v->n_dests++] = (struct view_dest){
			.name = l->realservers[l->dests[i].realserver].conf->name,
			.vip = vip,
			.table = m->row_of_dest[i],
			.realserver = l->dests[i].realserver,
		};
	if (m->row_of_vip[vip] == MATCH_NONE)
		return 0;
	return add_extras(v, m, vip, m->row_of_vip[vip]);
}

static int add_foreign(struct view *v, const struct match *m, uint32_t service)
{
	const char *name = key_text(v, &v->table.services[service].key);

	if (!name)
		return -ENOMEM;
	v->vips[v->n_vips++] = (struct view_vip){
		.service = name,
		.address = name,
		.table = service,
		.owner = VIEW_NONE,
		.first_dest = v->n_dests,
	};
	return add_extras(v, m, v->n_vips - 1, service);
}

static int fill_vips(struct view *v, const struct layout *l, const struct match *m)
{
	uint32_t i;
	int r = 0;

	v->vips = array(l->n_vips + v->table.n_services, sizeof(*v->vips));
	v->dests = array(l->n_dests + v->table.n_dests, sizeof(*v->dests));
	if (!v->vips || !v->dests)
		return -ENOMEM;
	for (i = 0; !r && i < l->n_vips; i++)
		r = add_vip(v, l, m, i);
	for (i = 0; !r && i < v->table.n_services; i++)
		if (m->vip_of_service[i] == MATCH_NONE)
			r = add_foreign(v, m, i);
	return r;
}

/* --- the agent ------------------------------------------------------------ */

static void add_hold(void *arg, const struct hold *h)
{
	struct view *v = arg;

	v->holds[v->n_holds++] = (struct view_hold){
		.id = arena_strdup(&v->arena, h->id),
		.service = arena_strdup(&v->arena, h->service),
		.realserver = arena_strdup(&v->arena, h->realserver),
		.class_name = hold_class_names[h->hold_class],
		.holder = arena_strdup(&v->arena, h->holder),
		.reason = arena_strdup(&v->arena, h->reason),
		.effect = h->effect,
		.since_wall_ms = h->since_wall_ms,
		.until_wall_ms = h->until_wall_ms,
	};
}

static int fill_holds(struct view *v, const struct agent *a)
{
	uint32_t i;

	v->holds = array((uint32_t)holds_count(a->holds), sizeof(*v->holds));
	if (!v->holds)
		return -ENOMEM;
	holds_each(a->holds, add_hold, v);
	for (i = 0; i < v->n_holds; i++)
		if (!v->holds[i].id || !v->holds[i].service || !v->holds[i].realserver ||
		    !v->holds[i].holder || !v->holds[i].reason)
			return -ENOMEM;
	return 0;
}

static int fill_rule(struct view *v, const struct ruleset_rule *rule)
{
	struct view_rule *r = &v->rules[v->n_rules];
	uint64_t *refused = arena_alloc(&v->arena, sizeof(rule->refused));
	uint32_t i;

	if (!refused)
		return -ENOMEM;
	memcpy(refused, rule->refused, sizeof(rule->refused));
	*r = (struct view_rule){
		.name = rule->conf->head.name,
		.detected = rule->detected,
		.enforced = rule->enforced,
		.refused = refused,
	};
	for (i = 0; i < rule->n_slots; i++)
		if (rule->slots[i].matched)
			r->states[rule->slots[i].run.state]++;
	v->n_rules++;
	return 0;
}

static int fill_rules(struct view *v, const struct agent *a)
{
	const struct ruleset *set = engine_rules(a->engine);
	uint32_t i;
	int e = 0;

	v->rules = array(set->n_rules, sizeof(*v->rules));
	if (!v->rules)
		return -ENOMEM;
	for (i = 0; !e && i < set->n_rules; i++)
		e = fill_rule(v, &set->rules[i]);
	return e;
}

/* A receiver's name is the configuration's, which the view holds. */
static int fill_receivers(struct view *v, const struct agent *a)
{
	struct notifier_row row;
	size_t n = 0, i;

	while (a->notifier && notifier_row(a->notifier, n, &row))
		n++;
	v->receivers = array((uint32_t)n, sizeof(*v->receivers));
	if (!v->receivers)
		return -ENOMEM;
	for (i = 0; i < n && notifier_row(a->notifier, i, &row); i++)
		v->receivers[v->n_receivers++] = (struct view_receiver){
			.action = row.action,
			.name = arena_strdup(&v->arena, row.name),
			.results = { row.sent, row.failed, row.dropped, row.retried },
			.waiting = row.waiting + row.running,
		};
	for (i = 0; i < n; i++)
		if (!v->receivers[i].name)
			return -ENOMEM;
	return 0;
}

void snapshot_agent(struct view *v, const struct agent *a)
{
	struct reconcile_stats rec;
	struct loop_stats loop;
	struct sched_stats sched;
	struct journal_stats journal;

	reconcile_stats(a->reconcile, &rec);
	loop_stats(a->loop, &loop);
	sched_stats(a->sched, &sched);
	journal_stats(a->journal, &journal);
	for (unsigned int i = 0; i < IPVS_N_OPS; i++)
		v->agent.kernel_writes[i] = rec.writes.done[i] + rec.writes.refused[i];
	memcpy(v->agent.kernel_write_failures, rec.writes.refused,
	       sizeof(v->agent.kernel_write_failures));
	v->agent.drift = rec.drift;
	v->agent.drift_adopted = rec.drift_adopted;
	v->agent.drift_stopped = rec.drift_stopped;
	v->agent.reconciles = rec.passes;
	v->agent.last_reconcile_wall_ms = rec.last_pass_wall_ms;
	v->agent.kernel_error = rec.kernel_error;
	v->agent.kernel_ok = !rec.kernel_error;
	v->agent.slow_callbacks = loop.slow_callbacks;
	v->agent.loop_lag_us = loop.lag_us;
	v->agent.probes_running = sched.running;
	v->agent.probes_waiting = sched.waiting;
	v->agent.probe_late_us = sched.late_us;
	v->agent.ledger_unrecorded = placer_unrecorded(a->placer);
	v->agent.ledger_writable = ledger_writable(a->ledger);
	v->agent.ledger_damaged = a->ledger_damaged;
	v->agent.journal_lines = journal.lines;
	v->agent.journal_dropped = journal.dropped;
	v->agent.journal_errors = journal.errors;
	v->agent.correlated = engine_braked(a->engine);
	v->agent.last_reload_ok = a->reload_ok;
	v->agent.last_reload_wall_ms = a->reloaded_wall_ms;
	v->agent.info = a->info;
}

int snapshot_fill(struct view *v, const struct agent *a, const struct reading *reading)
{
	const struct metrics_conf *metrics = config_section(v->conf, &metrics_section);
	int r = fill_vips(v, reading->layout, &reading->match);

	v->made_mono_ms = reading->table.started_us / 1000;
	v->made_wall_ms = reading->table.wall_ms;
	v->generation = a->generation;
	v->guards = guard_names;
	v->n_guards = N_GUARDS;
	v->realserver_series = metrics->realserver_series;
	v->node_exporter_names = metrics->node_exporter_names;
	if (!r)
		r = snapshot_pools(v, a);
	if (!r)
		r = fill_holds(v, a);
	if (!r)
		r = fill_rules(v, a);
	if (!r)
		r = fill_receivers(v, a);
	return r;
}
