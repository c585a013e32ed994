/* start.c: makes every object, in the order in which each needs the one before, and
 * takes back what the ledger kept. What fails is logged where it is known. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/action.h"
#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/fetch.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/base/notify.h"
#include "agent/base/ways.h"
#include "agent/canaries.h"
#include "agent/drains.h"
#include "agent/duties.h"
#include "agent/hands.h"
#include "agent/holds/effect.h"
#include "agent/holds/expire.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"
#include "agent/http/server.h"
#include "agent/intake.h"
#include "agent/ipvs/port.h"
#include "agent/lanes.h"
#include "agent/maintenance.h"
#include "agent/note.h"
#include "agent/peers.h"
#include "agent/probes/sched.h"
#include "agent/publish.h"
#include "agent/registry.h"
#include "agent/rules/engine.h"
#include "agent/rules/notifier.h"
#include "agent/rules/notify_conf.h"
#include "agent/sections.h"
#include "agent/settings.h"
#include "agent/sync/reconcile.h"
#include "agent/sync/tuner.h"
#include "agent/trial.h"
#include "conf/print.h"

int agent_load(struct agent *a)
{
	struct buf text = BUF_INIT;
	int e = agent_config_load(a->path, &a->conf);

	if (e) {
		log_event(LOG_ERROR, "the configuration could not be read", LOG_ERR(e));
		return e;
	}
	if (config_errors(a->conf) || config_warnings(a->conf)) {
		config_format_problems(a->conf, &text);
		(void)!fputs(buf_str(&text), stderr);
		buf_fini(&text);
	}
	if (!config_errors(a->conf)) {
		a->reload_ok = true;
		a->generation = 1;
		a->reloaded_wall_ms = clock_wall_ms();
		config_restart_values(a->conf, &a->kept);
		return buf_ok(&a->kept) ? 0 : -ENOMEM;
	}
	return -EINVAL;
}

/* What was held is no newcomer: one good probe is not enough to bring it back. */
static void be_cautious(struct state *s, const struct hold *h)
{
	uint32_t r = layout_find(s->layout, h->service, h->realserver), i;
	const struct layout_realserver *l;

	if (r == LAYOUT_NONE)
		return;
	l = &s->layout->realservers[r];
	for (i = l->first_link; i < l->first_link + l->n_links; i++)
		s->targets[s->layout->links[i]].health.cautious =
			!s->layout->targets[s->layout->links[i]].conf->advises;
}

static void tell_damage(const struct ledger_state *kept)
{
	const char *damage = kept->damage ? kept->damage : "";
	const char *file = kept->set_aside ? kept->set_aside : "";

	log_event(LOG_ERROR,
		  "the ledger was damaged and is set aside: all holds are lost, and services that "
		  "left the file are not removed",
		  LOG_STR("damage", damage), LOG_STR("file", file));
	log_event(LOG_ERROR,
		  "weights stay as the kernel has them until probes or an operator say otherwise: "
		  "read the file that was set aside and place again what must hold",
		  LOG_STR("file", file));
}

/* Takes back what the ledger kept: holds that were in force, services that are ours. */
static int restore(struct agent *a, struct ledger_state *kept)
{
	bool same;
	size_t i;
	int e;

	if (kept->damaged)
		tell_damage(kept);
	a->ledger_damaged = kept->damaged;
	for (i = 0; i < kept->n_holds; i++) {
		struct hold *h = kept->holds[i];

		h->active = !h->waiting;
		h->restored = true;
		h->recorded = true;
		e = holds_place(a->holds, h, &same);
		if (e)
			return e;
		kept->holds[i] = NULL;
		note_restored(a, h);
		intake_note(a->intake, h, false);
		if (h->active && hold_kind(h->effect) == HOLD_LOWERS)
			be_cautious(a->state, h);
		log_event(LOG_INFO, "hold kept over the restart", LOG_STR("service", h->service),
			  LOG_STR("realserver", h->realserver),
			  LOG_STR("class", hold_class_names[h->hold_class]),
			  LOG_STR("holder", h->holder), LOG_STR("reason", h->reason));
	}
	for (i = 0; i < kept->n_owned; i++) {
		e = reconcile_own(a->reconcile, &kept->owned[i]);
		if (e)
			return e;
	}
	return 0;
}

static int open_ledger(struct agent *a, struct ledger_state *ret_kept)
{
	struct buf why = BUF_INIT;
	int e = ledger_open(agent_conf(a)->state_dir, a->loop, &why, ret_kept, &a->ledger);

	if (e)
		log_event(LOG_ERROR, "the ledger cannot be opened",
			  LOG_STR("reason", buf_str(&why)));
	buf_fini(&why);
	return e;
}

static int open_http(struct agent *a)
{
	struct http_env env = {
		.door = agent_door(a),
		.loop = a->loop,
		.collectors = agent_collectors,
		.state_dir = agent_conf(a)->state_dir,
		.home = a->home,
	};
	struct buf why = BUF_INIT;
	int e = http_new(config_section(a->conf, &http_section), &env, &why, &a->http);

	if (e)
		log_event(LOG_ERROR, "http cannot start", LOG_STR("reason", buf_str(&why)));
	buf_fini(&why);
	return e;
}

static int make_rules(struct agent *a)
{
	struct buf why = BUF_INIT;
	struct agent_rules rules;
	int e = agent_rules_new(a);

	if (!e)
		e = agent_rules_prepare(a->conf, a->state->layout, &why, &rules);
	if (!e)
		agent_rules_put(a, a->state, &rules);
	else
		log_event(LOG_ERROR, "the rules cannot be put in force",
			  LOG_STR("reason", why.len ? buf_str(&why) : strerror(-e)));
	buf_fini(&why);
	return e;
}

static int make_notifier(struct agent *a)
{
	struct notifier_params params = { .loop = a->loop };
	const struct action *const *action;
	size_t n;
	void *const *confs = config_sections(a->conf, &notify_section, &n);
	int e = fetch_multi_new(a->loop, &a->fetches);

	if (e)
		return e;
	params.fetches = a->fetches;
	for (action = agent_actions; *action; action++)
		if ((*action)->refers && !strcmp((*action)->refers, notify_section.name))
			params.notify = *action;
	e = notifier_new(&params, &a->notifier);
	return e ? e : notifier_reload(a->notifier, confs, n);
}

static int make_kernel(struct agent *a)
{
	struct ipvs_kernel *kernel;
	int e = ipvs_netlink_new(agent_conf(a)->procfs, &kernel);

	if (e)
		return e;
	e = ipvs_port_new(a->loop, kernel, &a->port);
	if (e)
		kernel->ops->free(kernel);
	return e;
}

static int make_reconcile(struct agent *a)
{
	struct reconcile_env env = {
		.loop = a->loop,
		.port = a->port,
		.ledger = a->ledger,
		.holds = a->holds,
		.placer = a->placer,
		.reading = agent_on_reading,
		.first = agent_on_first_reading,
		.decide = agent_on_decide,
		.arg = a,
	};

	return reconcile_new(&env, &a->reconcile);
}

static int make_timers(struct agent *a)
{
	int e = loop_timer_new(a->loop, "info", agent_ask_info, a, &a->info_timer);

	if (!e)
		e = loop_timer_new(a->loop, "watchdog", agent_on_watchdog, a, &a->watchdog);
	if (!e && notify_watchdog_ms(a->notify) > 0)
		loop_timer_start(a->watchdog, notify_watchdog_ms(a->notify));
	return e;
}

static int make_state(struct agent *a)
{
	struct layout *l;
	int e = layout_new(a->conf, &l);

	if (e)
		return e;
	e = state_new(l, &a->state);
	layout_unref(l);
	return e;
}

/* All targets are new. */
static int start_probes(struct agent *a)
{
	struct sched_limits limits = { .max_running = agent_conf(a)->max_probes };
	uint32_t n = a->state->layout->n_targets;
	uint32_t *from = malloc((n ? n : 1) * sizeof(*from));
	int e;

	if (!from)
		return -ENOMEM;
	memset(from, 0xff, (n ? n : 1) * sizeof(*from));
	e = ways_new(BRAKE_INTERFACES, &a->ways);
	if (!e)
		e = sched_new(a->loop, a->fetches, &limits, agent_on_outcome, a, &a->sched);
	if (!e)
		sched_set_way(a->sched, agent_lane_way);
	if (!e)
		e = sched_replace(a->sched, a->state->layout->targets, a->state->targets, n, from,
				  &limits);
	free(from);
	if (!e)
		e = canaries_new(a, &a->canaries);
	if (!e)
		e = trials_new(a, &a->trials);
	return e;
}

static int wire(struct agent *a)
{
	int e = loop_signal(a->loop, SIGHUP, "sighup", agent_on_hup, a);

	if (!e)
		e = loop_signal(a->loop, SIGTERM, "sigterm", agent_stop, a);
	if (!e)
		e = loop_signal(a->loop, SIGINT, "sigint", agent_stop, a);
	loop_before_sleep(a->loop, "decide", agent_on_sleep, a);
	return e;
}

static int start_tuning(struct agent *a)
{
	struct tuner_env env = {
		.loop = a->loop,
		.port = a->port,
		.state_dir = agent_conf(a)->state_dir,
		.procfs = agent_conf(a)->procfs,
	};
	int e = tuner_new(&env, &a->tuner);

	return e ? e
		 : tuner_set(a->tuner, config_section(a->conf, &sysctl_section),
			     agent_conf(a)->reconcile_interval);
}

/* The kernel is read while the rest is made; nothing comes of it before the loop runs. */
static int start_reading(struct agent *a)
{
	struct diff_policy gone = agent_gone_policy(a);

	reconcile_set_state(a->reconcile, a->state, agent_conf(a)->reconcile_interval, &gone);
	return start_tuning(a);
}

/* Who looks at what is held. */
static int follow_holds(struct agent *a, struct ledger_state *kept)
{
	int e = drains_new(a, &a->drains);

	return e ? e : peers_new(a, kept, &a->peers);
}

int agent_start(struct agent *a)
{
	struct ledger_state kept = { 0 };
	int e = loop_new(&a->loop);

	if (!e)
		e = make_state(a);
	if (!e)
		e = open_ledger(a, &kept);
	/* Behind the ledger's lock: the journal has one writer too. */
	if (!e)
		note_start(a);
	if (!e)
		e = holds_new(&a->holds);
	if (!e)
		e = placer_new(a->loop, a->ledger, a->holds, agent_on_hold, a, &a->placer);
	if (!e)
		placer_watch(a->placer, agent_on_asked, a);
	if (!e)
		e = intake_new(a, &a->intake);
	if (!e)
		e = hands_new(a, &a->hands);
	if (!e)
		e = expirer_new(a->loop, a->holds, a->placer, &a->expirer);
	if (!e)
		e = make_kernel(a);
	if (!e)
		e = make_reconcile(a);
	if (!e)
		e = restore(a, &kept);
	if (!e)
		e = make_rules(a);
	if (!e)
		e = publisher_new(a, &a->publisher);
	if (!e)
		e = start_reading(a);
	if (!e)
		e = make_notifier(a);
	if (!e)
		e = duties_new(a, &kept, &a->duties);
	if (!e)
		e = start_probes(a);
	if (!e)
		e = make_timers(a);
	if (!e)
		e = follow_holds(a, &kept);
	if (!e)
		e = wire(a);
	if (!e)
		e = open_http(a);
	if (!e)
		e = maintenance_new(a, &a->maintenance);
	ledger_state_fini(&kept);
	if (e)
		return e;
	expirer_run(a->expirer);
	agent_ask_info(a);
	return 0;
}
