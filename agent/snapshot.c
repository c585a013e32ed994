/* snapshot.c: the rows of a view, from the agent's state: on the loop, in slices, so
 * that no probe waits for a snapshot. What is made is never changed again. Ids of
 * services, realservers and VIPs are the layout's; foreign ones follow behind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/canaries.h"
#include "agent/drains.h"
#include "agent/duties.h"
#include "agent/holds/effect.h"
#include "agent/holds/journal.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"
#include "agent/intake.h"
#include "agent/metrics/metrics_conf.h"
#include "agent/peers.h"
#include "agent/probes/sched.h"
#include "agent/publish.h"
#include "agent/rules/engine.h"
#include "agent/rules/notifier.h"
#include "agent/rules/rule_conf.h"
#include "agent/sync/reconcile.h"
#include "agent/sync/tuner.h"

static void *array(uint32_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

/* --- the agent ------------------------------------------------------------ */

/* Into the room at `to`, behind which it goes on. */
static const char *copy(char **to, const char *text)
{
	char *at = *to;

	*to = stpcpy(at, text) + 1;
	return at;
}

static bool lowers(const struct hold *h)
{
	enum hold_kind kind = hold_kind(h->effect);

	return !h->waiting && (kind == HOLD_LOWERS || kind == HOLD_SHOWS_BACKUPS);
}

/* Of one owner there is one series at a realserver. */
static bool is_silent(const struct holds *holds, const struct hold *h)
{
	const struct hold *before = holds_of(holds, h->service, h->realserver);

	for (; before != h; before = before->next)
		if (lowers(before) && before->hold_class == h->hold_class &&
		    !strcmp(before->holder, h->holder))
			return true;
	return !lowers(h);
}

struct adding {
	struct view *view;
	const struct holds *holds;
};

static void add_hold(void *arg, const struct hold *h)
{
	struct adding *adding = arg;
	struct view *v = adding->view;
	struct view_hold *to = &v->holds[v->n_holds++];
	char *room =
		arena_alloc(&v->arena, strlen(h->id) + strlen(h->service) + strlen(h->realserver) +
					       strlen(h->holder) + strlen(h->reason) + 5);

	if (!room)
		return; /* fill_holds() sees it by the id */
	*to = (struct view_hold){
		.id = copy(&room, h->id),
		.service = copy(&room, h->service),
		.realserver = copy(&room, h->realserver),
		.class_name = hold_class_names[h->hold_class],
		.holder = copy(&room, h->holder),
		.reason = copy(&room, h->reason),
		.effect = h->effect,
		.since_wall_ms = h->since_wall_ms,
		.until_wall_ms = h->until_wall_ms,
		.weight = h->weight,
		.waiting = h->waiting,
		.silent = is_silent(adding->holds, h),
	};
}

/* Two rules may act for one alert: of their drains one is shown. */
static bool is_shown(const struct holds *holds, const struct hold *h)
{
	const struct hold *before = holds_of(holds, h->service, h->realserver);

	for (; before != h; before = before->next)
		if (hold_drains(before) && before->hold_class == h->hold_class &&
		    !strcmp(before->holder, h->holder))
			return true;
	return false;
}

static void add_drain(void *arg, const struct hold *h)
{
	struct snapshot *s = arg;
	struct view *v = s->view;
	const struct drain *d = drains_find(s->agent->drains, h);
	uint32_t hold = s->next++;

	if (d && !is_shown(s->agent->holds, h))
		v->drains[v->n_drains++] = (struct view_drain){
			.hold = hold,
			.state = d->state,
			.active = d->look.active,
			.inactive = d->look.inactive,
			.persistent = d->look.persistent,
			.left = d->left,
			.deadline_wall_ms = d->deadline_wall_ms,
		};
}

/* After the holds, in the same walk. */
static int fill_drains(struct snapshot *s)
{
	struct view *v = s->view;

	v->drains = array(drains_count(s->agent->drains), sizeof(*v->drains));
	if (!v->drains)
		return -ENOMEM;
	s->next = 0;
	holds_each(s->agent->holds, add_drain, s);
	return 0;
}

static int fill_holds(struct view *v, const struct agent *a)
{
	struct adding adding = { v, a->holds };
	uint32_t i;

	v->holds = array((uint32_t)holds_count(a->holds), sizeof(*v->holds));
	if (!v->holds)
		return -ENOMEM;
	holds_each(a->holds, add_hold, &adding);
	for (i = 0; i < v->n_holds; i++)
		if (!v->holds[i].id)
			return -ENOMEM;
	return 0;
}

/* The targets of a rule; of those that a guard keeps it is the reason, where none was
 * found yet. */
static int fill_targets(struct snapshot *s, const struct ruleset_rule *rule, struct view_rule *r)
{
	const struct layout *l = s->view->layout;
	uint32_t i, k;
	int e = 0;

	for (i = 0; !e && i < l->n_services; i++) {
		const struct rule_slot *slots;

		if (rule->first[i] == LAYOUT_NONE)
			continue;
		slots = &rule->slots[rule->first[i]];
		for (k = 0; !e && k < l->services[i].n_realservers; k++) {
			if (!slots[k].matched)
				continue;
			r->states[slots[k].run.state]++;
			if (slots[k].refused)
				e = snapshot_refused(s, l->services[i].first_realserver + k,
						     r->name, slots[k].refused);
		}
	}
	return e;
}

static int fill_rule(struct snapshot *s, const struct ruleset_rule *rule)
{
	struct view *v = s->view;
	struct view_rule *r = &v->rules[v->n_rules];
	uint64_t *refused = arena_alloc(&v->arena, sizeof(rule->refused));

	if (!refused)
		return -ENOMEM;
	memcpy(refused, rule->refused, sizeof(rule->refused));
	*r = (struct view_rule){
		.name = rule->conf->head.name,
		.detected = rule->detected,
		.enforced = rule->enforced,
		.refused = refused,
	};
	v->n_rules++;
	return fill_targets(s, rule, r);
}

/* A rule a call, for each of them may be about every realserver. */
static int next_rule(struct snapshot *s)
{
	const struct ruleset *set = engine_rules(s->agent->engine);
	struct view *v = s->view;
	int e;

	if (!v->rules)
		v->rules = array(set->n_rules, sizeof(*v->rules));
	if (!v->rules)
		return -ENOMEM;
	e = v->n_rules < set->n_rules ? fill_rule(s, &set->rules[v->n_rules]) : 0;
	if (!e && v->n_rules == set->n_rules)
		s->stage++;
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
			.results = { row.sent, row.failed, row.dropped, row.retried, row.standby },
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
	struct tuner_stats tuner;

	tuner_stats(a->tuner, &tuner);
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
	v->agent.sysctl_writes = tuner.writes;
	v->agent.sysctl_failures = tuner.failures;
	v->agent.sysctl_drift = tuner.drift;
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
	intake_counts(a->intake, v->agent.alerts);
	v->agent.ledger_writable = ledger_writable(a->ledger);
	v->agent.frozen = holds_freeze(a->holds);
	v->agent.ledger_damaged = a->ledger_damaged;
	v->agent.journal_lines = journal.lines;
	v->agent.journal_dropped = journal.dropped;
	v->agent.journal_errors = journal.errors;
	v->agent.correlated = engine_braked(a->engine);
	v->agent.last_reload_ok = a->reload_ok;
	v->agent.last_reload_wall_ms = a->reloaded_wall_ms;
	v->agent.info = a->info;
}

_Static_assert(countof(((struct view *)0)->agent.alerts) == ALERT_N_OUTCOMES, "one figure each");

static void fill_conf(struct view *v, const struct agent *a)
{
	const struct metrics_conf *metrics = config_section(v->conf, &metrics_section);

	v->generation = a->generation;
	v->guards = guard_names;
	v->n_guards = N_GUARDS;
	v->realserver_series = metrics->realserver_series;
	v->node_exporter_names = metrics->node_exporter_names;
}

static int next_rest(struct snapshot *s)
{
	int e = fill_holds(s->view, s->agent);

	if (!e)
		e = fill_drains(s);
	if (!e)
		e = fill_receivers(s->view, s->agent);
	if (!e && s->agent->canaries)
		e = canaries_show(s->agent->canaries, s->view);
	if (!e && s->agent->duties)
		e = duties_show(s->agent->duties, s->view);
	if (!e)
		e = peers_show(s->agent->peers, s->view);
	fill_conf(s->view, s->agent);
	s->stage++;
	return e;
}

void snapshot_begin(struct snapshot *s, struct view *v, const struct agent *a)
{
	*s = (struct snapshot){ .view = v, .agent = a };
	s->now_ms = clock_mono_ms();
	s->held = holds_count(a->holds) > 0;
	v->n_services = v->layout->n_services;
}

int snapshot_next(struct snapshot *s, int64_t until_us)
{
	static int (*const stages[])(struct snapshot * s) = {
		snapshot_realservers,
		snapshot_services,
		next_rule,
		next_rest,
	};
	int e = 0;

	while (!e && s->stage < countof(stages)) {
		if (clock_mono_us() >= until_us)
			return -EAGAIN;
		e = stages[s->stage](s);
	}
	return e;
}

void snapshot_fini(struct snapshot *s)
{
	buf_fini(&s->text);
}
