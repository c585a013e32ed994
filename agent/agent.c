/* agent.c: the owner of every object. Start, reload (its chapter is reload.c) and
 * stop, each in one place; what happens in between is wired here and done elsewhere:
 *
 *   probes/sched → on_outcome → dirty → decide (before the loop sleeps) → reconcile
 *   reconcile → on_reading → publisher → http
 */
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/table.h"
#include "agent/base/clock.h"
#include "agent/base/fetch.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/base/notify.h"
#include "agent/base/privilege.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"
#include "agent/http/server.h"
#include "agent/ipvs/port.h"
#include "agent/registry.h"
#include "agent/rules/remedy.h"
#include "agent/sections.h"
#include "agent/settings.h"
#include "agent/sync/reconcile.h"
#include "collectors/table.h"

const struct collector *const *const agent_collectors = collector_table;
const struct action *const *const agent_actions = action_table;

enum {
	STOP_MS = 10000,	/* to remove our services, with on_exit = remove */
	INFO_MS = 60000,	/* between questions for the kernel's version and timeouts */
	PORT_SILENT_MS = 60000, /* a kernel thread that is silent for longer is stuck */
};

/* --- events ------------------------------------------------------------------- */

static void tell_verdict(const struct state *s, uint32_t target)
{
	const struct sched_target *t = &s->targets[target];
	const struct layout_target *l = &s->layout->targets[target];
	bool up = t->health.verdict == VERDICT_UP;
	struct buf addr = BUF_INIT;
	uint32_t i;

	addr_format(&addr, &t->addr);
	for (i = l->first_user; i < l->first_user + l->n_users; i++) {
		const struct layout_realserver *r = &s->layout->realservers[s->layout->users[i]];

		log_event(up ? LOG_INFO : LOG_WARN, up ? "probe up" : "probe down",
			  LOG_STR("service", s->layout->services[r->service].conf->head.name),
			  LOG_STR("realserver", r->conf->name),
			  LOG_STR("probe", t->conf->head.name), LOG_STR("target", buf_str(&addr)),
			  LOG_STR("reason", probe_reasons[t->health.reason].slug),
			  LOG_INT("status", t->last_status));
	}
	buf_fini(&addr);
}

/* The funnel's other end: an outcome became a verdict, or not. */
static void on_outcome(void *arg, uint32_t target, bool changed)
{
	struct agent *a = arg;
	struct state *s = a->state;
	const struct layout_target *t = &s->layout->targets[target];
	uint32_t i;

	if (changed)
		tell_verdict(s, target);
	for (i = t->first_user; i < t->first_user + t->n_users; i++) {
		uint32_t realserver = s->layout->users[i];

		if (state_judge(s, realserver, clock_mono_ms()))
			state_dirty(s, s->layout->realservers[realserver].service);
	}
}

static void on_hold(void *arg, const char *service, const char *realserver)
{
	struct agent *a = arg;
	uint32_t id = layout_find_service(a->state->layout, service);

	(void)realserver;
	if (id != LAYOUT_NONE)
		state_dirty(a->state, id);
}

static void on_reading(void *arg, struct reading *reading)
{
	struct agent *a = arg;

	publisher_reading(a->publisher, reading);
}

static void on_first_reading(void *arg)
{
	struct agent *a = arg;

	if (a->generation == 1)
		log_event(LOG_INFO, "the kernel's IPVS table was read, managing it");
	state_dirty_all(a->state);
	agent_decide(a);
}

static void on_sleep(void *arg)
{
	struct agent *a = arg;

	if (!a->stopping)
		agent_decide(a);
}

static void on_hup(void *arg)
{
	agent_reload(arg, NULL, NULL);
}

static void ask_info(struct agent *a);

static void on_info(void *arg, const struct ipvs_info *info, int error)
{
	struct agent *a = arg;

	if (!error)
		a->info = *info;
	loop_timer_start(a->info_timer, INFO_MS);
}

static void on_info_timer(void *arg)
{
	ask_info(arg);
}

static void ask_info(struct agent *a)
{
	if (ipvs_port_info(a->port, on_info, a))
		loop_timer_start(a->info_timer, INFO_MS);
}

/* Fed only while the kernel's thread lives too. */
static void on_watchdog(void *arg)
{
	struct agent *a = arg;

	if (clock_mono_ms() - ipvs_port_alive_ms(a->port) < PORT_SILENT_MS)
		(void)notify_send(a->notify, "WATCHDOG=1");
	loop_timer_start(a->watchdog, notify_watchdog_ms(a->notify));
}

/* --- settings ------------------------------------------------------------------- */

static const struct agent_conf *settings(const struct agent *a)
{
	return config_section(a->conf, &agent_section);
}

void agent_settings(struct agent *a)
{
	log_set_level((enum log_level)settings(a)->log_level);
}

int64_t agent_interval(const struct agent *a)
{
	return settings(a)->reconcile_interval;
}

struct diff_policy agent_gone_policy(const struct agent *a)
{
	const struct service_conf *defaults = config_section(a->conf, &defaults_section);

	return (struct diff_policy){ defaults->on_remove, defaults->drain_timeout };
}

/* --- start ------------------------------------------------------------------------ */

/* Tells what is wrong with the file as `check` does, and whether it will do. */
static int load(struct agent *a)
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
		return 0;
	}
	return -EINVAL;
}

/* Takes back what the ledger kept: holds that were in force, services that are ours. */
static int restore(struct agent *a, struct ledger_state *kept)
{
	bool same;
	size_t i;
	int e;

	if (kept->damaged)
		log_event(LOG_ERROR, "the ledger was damaged and set aside",
			  LOG_STR("damage", kept->damage ? kept->damage : ""),
			  LOG_STR("file", kept->set_aside ? kept->set_aside : ""));
	for (i = 0; i < kept->n_holds; i++) {
		struct hold *h = kept->holds[i];

		h->active = true;
		h->recorded = true;
		e = holds_place(a->holds, h, &same);
		if (e)
			return e;
		kept->holds[i] = NULL;
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
	int e = ledger_open(settings(a)->state_dir, a->loop, &why, ret_kept, &a->ledger);

	if (e)
		log_event(LOG_ERROR, "the ledger cannot be opened", LOG_STR("reason", buf_str(&why)));
	buf_fini(&why);
	return e;
}

static int open_http(struct agent *a)
{
	struct http_env env = {
		.door = agent_door(a),
		.loop = a->loop,
		.collectors = collector_table,
	};
	struct buf why = BUF_INIT;
	int e = http_new(config_section(a->conf, &http_section), &env, &why, &a->http);

	if (e)
		log_event(LOG_ERROR, "http cannot start", LOG_STR("reason", buf_str(&why)));
	buf_fini(&why);
	return e;
}

/* The built-in rule: probe_up == 0 → quiesce. */
static int make_rule(struct agent *a)
{
	struct remedy_rule rule = { .name = "probe-down" };
	struct buf why = BUF_INIT;
	int e = action_quiesce.effect("", &why, &rule.effect);

	buf_fini(&why);
	return e ? e : remedy_new(&rule, a->holds, a->placer, &a->remedy);
}

static int make_kernel(struct agent *a)
{
	struct ipvs_kernel *kernel;
	int e = ipvs_netlink_new(settings(a)->procfs, &kernel);

	return e ? e : ipvs_port_new(a->loop, kernel, &a->port);
}

static int make_reconcile(struct agent *a)
{
	struct reconcile_env env = {
		.loop = a->loop,
		.port = a->port,
		.ledger = a->ledger,
		.reading = on_reading,
		.first = on_first_reading,
		.arg = a,
	};

	return reconcile_new(&env, &a->reconcile);
}

static int make_timers(struct agent *a)
{
	int e = loop_timer_new(a->loop, "info", on_info_timer, a, &a->info_timer);

	if (!e)
		e = loop_timer_new(a->loop, "watchdog", on_watchdog, a, &a->watchdog);
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
	struct sched_limits limits = { .max_running = settings(a)->max_probes };
	uint32_t n = a->state->layout->n_targets;
	uint32_t *from = malloc((n ? n : 1) * sizeof(*from));
	int e;

	if (!from)
		return -ENOMEM;
	memset(from, 0xff, (n ? n : 1) * sizeof(*from));
	e = sched_new(a->loop, a->fetches, &limits, on_outcome, a, &a->sched);
	if (!e)
		e = sched_replace(a->sched, a->state->targets, n, from, &limits);
	free(from);
	return e;
}

static void stop(void *arg);

static int wire(struct agent *a)
{
	int e = loop_signal(a->loop, SIGHUP, "sighup", on_hup, a);

	if (!e)
		e = loop_signal(a->loop, SIGTERM, "sigterm", stop, a);
	if (!e)
		e = loop_signal(a->loop, SIGINT, "sigint", stop, a);
	loop_before_sleep(a->loop, "decide", on_sleep, a);
	return e;
}

/* In the order in which each needs the one before. */
static int start(struct agent *a)
{
	struct ledger_state kept = { 0 };
	struct diff_policy gone;
	int e = loop_new(&a->loop);

	if (!e)
		e = make_state(a);
	if (!e)
		e = open_ledger(a, &kept);
	if (!e)
		e = holds_new(&a->holds);
	if (!e)
		e = make_kernel(a);
	if (!e)
		e = make_reconcile(a);
	if (!e)
		e = restore(a, &kept);
	if (!e)
		e = placer_new(a->loop, a->ledger, a->holds, on_hold, a, &a->placer);
	if (!e)
		e = make_rule(a);
	if (!e)
		e = publisher_new(a, &a->publisher);
	if (!e)
		e = fetch_multi_new(a->loop, &a->fetches);
	if (!e)
		e = start_probes(a);
	if (!e)
		e = make_timers(a);
	if (!e)
		e = wire(a);
	if (!e)
		e = open_http(a);
	ledger_state_fini(&kept);
	if (e)
		return e;
	remedy_sweep(a->remedy, a->state);
	gone = agent_gone_policy(a);
	reconcile_set_state(a->reconcile, a->state, agent_interval(a), &gone);
	ask_info(a);
	return 0;
}

/* --- stop -------------------------------------------------------------------------- */

static void stop_loop(void *arg)
{
	struct agent *a = arg;

	loop_stop(a->loop);
}

static void stop(void *arg)
{
	struct agent *a = arg;

	if (a->stopping)
		return;
	a->stopping = true;
	log_event(LOG_INFO, "stopping",
		  LOG_STR("on_exit", settings(a)->on_exit == ON_EXIT_REMOVE ? "remove" : "keep"));
	(void)notify_send(a->notify, "STOPPING=1");
	if (settings(a)->on_exit == ON_EXIT_REMOVE &&
	    !loop_timer_new(a->loop, "stop", stop_loop, a, &a->stop_deadline) &&
	    !reconcile_remove_all(a->reconcile, stop_loop, a)) {
		loop_timer_start(a->stop_deadline, STOP_MS);
		return;
	}
	stop_loop(a);
}

static void fini(struct agent *a)
{
	http_free(a->http);
	sched_free(a->sched);
	fetch_multi_free(a->fetches);
	ipvs_port_free(a->port);
	ledger_free(a->ledger);
	reconcile_free(a->reconcile);
	remedy_free(a->remedy);
	placer_free(a->placer);
	holds_free(a->holds);
	publisher_free(a->publisher);
	notify_free(a->notify);
	loop_timer_free(a->info_timer);
	loop_timer_free(a->watchdog);
	loop_timer_free(a->stop_deadline);
	loop_free(a->loop);
	state_free(a->state);
	config_unref(a->conf);
}

int agent_run(const char *config_path)
{
	struct agent a = { .path = config_path };
	struct buf why = BUF_INIT;
	int e;

	/* Before any thread: a dropped privilege is dropped for all of them. */
	if (privilege_drop(&why))
		log_event(LOG_WARN, "privileges could not be dropped, going on with them",
			  LOG_STR("reason", buf_str(&why)));
	buf_fini(&why);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on files is a full disk, not an end */
	e = notify_open(&a.notify);
	if (e)
		log_event(LOG_WARN, "systemd cannot be told anything", LOG_ERR(e));
	e = load(&a);
	if (!e) {
		agent_settings(&a);
		e = start(&a);
	}
	if (!e) {
		log_event(LOG_INFO, "ipvs-agent started", LOG_STR("version", VERSION),
			  LOG_STR("config", a.path),
			  LOG_INT("services", a.state->layout->n_services),
			  LOG_INT("realservers", a.state->layout->n_realservers));
		(void)notify_send(a.notify, "READY=1");
		loop_run(a.loop);
	} else if (a.loop) {
		loop_drain(a.loop);
	}
	fini(&a);
	return e ? EXIT_FAILURE : EXIT_SUCCESS;
}
