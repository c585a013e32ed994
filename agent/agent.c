/* agent.c: the owner of every object: its events and its end. Start and reload have
 * files of their own; what happens in between is passed on here and done elsewhere:
 *
 *   probes/sched → on_outcome → dirty → decide (before the loop sleeps) → reconcile
 *   reconcile → on_reading → publisher → http
 */
#include "agent/agent.h"
#include "agent/publish.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "actions/table.h"
#include "agent/base/clock.h"
#include "agent/base/fetch.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/base/notify.h"
#include "agent/base/privilege.h"
#include "agent/base/ways.h"
#include "agent/holds/expire.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"
#include "agent/http/server.h"
#include "agent/ipvs/port.h"
#include "agent/note.h"
#include "agent/probes/sched.h"
#include "agent/registry.h"
#include "agent/rules/engine.h"
#include "agent/rules/notifier.h"
#include "agent/sections.h"
#include "agent/settings.h"
#include "agent/sync/reconcile.h"
#include "collectors/table.h"

const struct collector *const *const agent_collectors = collector_table;
const struct action *const *const agent_actions = action_table;

enum {
	STOP_MS = 10000,        /* to remove our services, with on_exit = remove */
	GOODBYE_MS = 1000,      /* to tell what waits to be told */
	INFO_MS = 60000,        /* between questions for the kernel's version and timeouts */
	PORT_SILENT_MS = 60000, /* a kernel thread that is silent for longer is stuck */
	ASK_WAY_EVERY = 16,     /* attempts */
};

/* --- events ------------------------------------------------------------------- */

/* The last fact only where there is an HTTP status. */
static void tell_user(const struct state *s, uint32_t target, uint32_t realserver,
		      enum log_level level, const char *msg)
{
	const struct layout_target *lt = &s->layout->targets[target];
	const struct target *t = &s->targets[target];
	const struct layout_realserver *r = &s->layout->realservers[realserver];
	struct buf addr = BUF_INIT;
	struct log_fact facts[] = {
		LOG_STR("service", s->layout->services[r->service].conf->head.name),
		LOG_STR("realserver", r->conf->name),
		LOG_STR("probe", lt->conf->head.name),
		LOG_STR("target", ""),
		LOG_STR("reason", probe_reasons[t->health.reason].slug),
		LOG_INT("status", t->last_status),
	};

	addr_format(&addr, &lt->addr);
	facts[3].str = buf_str(&addr);
	log_facts(level, msg, facts, (int)countof(facts) - !t->last_status);
	buf_fini(&addr);
}

static void tell_verdict(const struct state *s, uint32_t target, uint32_t realserver)
{
	bool up = s->targets[target].health.verdict == VERDICT_UP;

	tell_user(s, target, realserver, up ? LOG_INFO : LOG_WARN, up ? "probe up" : "probe down");
}

/* Unknown changes nothing, but the fault is on our side, and ours to mend. */
static void tell_unknown(const struct state *s, uint32_t target, uint32_t realserver)
{
	bool unknown = s->realservers[realserver].unknown;

	tell_user(s, target, realserver, unknown ? LOG_WARN : LOG_INFO,
		  unknown ? "probe cannot tell, nothing is changed for it" : "probe tells again");
}

/* By which interface a target is probed; asked when it matters, and now and then, for
 * routes move. */
static uint32_t way_of(struct agent *a, uint32_t target, int64_t now_ms)
{
	const struct target *t = &a->state->targets[target];
	uint32_t way = 0;

	if (!t->health.success || t->attempts % ASK_WAY_EVERY == 1)
		way = ways_to(a->ways, &a->state->layout->targets[target].addr, now_ms);
	return way ? way : BRAKE_AS_BEFORE;
}

/* The funnel's other end: an outcome became a verdict, or not. */
void agent_on_outcome(void *arg, uint32_t target, bool changed)
{
	struct agent *a = arg;
	struct state *s = a->state;
	const struct layout_target *t = &s->layout->targets[target];
	struct moment now = agent_moment(a);
	bool note = changed;
	uint32_t i;

	engine_outcome(a->engine, s, target, way_of(a, target, now.mono_ms), &now);
	for (i = t->first_user; i < t[1].first_user; i++) {
		uint32_t realserver = s->layout->users[i];
		bool unknown = s->realservers[realserver].unknown;

		if (changed)
			tell_verdict(s, target, realserver);
		if (state_judge(s, realserver, now.mono_ms))
			state_dirty(s, s->layout->realservers[realserver].service);
		if (unknown != s->realservers[realserver].unknown) {
			tell_unknown(s, target, realserver);
			note = true;
		}
	}
	if (note)
		note_verdict(a, target, &now);
}

void agent_on_hold(void *arg, const char *service, const char *realserver)
{
	struct agent *a = arg;
	uint32_t id = layout_find_service(a->state->layout, service);

	if (id != LAYOUT_NONE)
		state_dirty(a->state, id);
	expirer_note(a->expirer, service, realserver);
}

static void tell_ledger(struct agent *a)
{
	bool bad = !ledger_writable(a->ledger);

	if (bad == a->ledger_told)
		return;
	a->ledger_told = bad;
	if (bad)
		log_event(LOG_ERROR, "the ledger cannot be written: is the disk full?",
			  LOG_STR("state_dir", agent_conf(a)->state_dir));
	else
		log_event(LOG_INFO, "the ledger can be written again");
}

void agent_on_reading(void *arg, struct reading *reading)
{
	struct agent *a = arg;

	agent_rules_reading(a, reading);
	publisher_reading(a->publisher, reading);
}

void agent_on_first_reading(void *arg)
{
	struct agent *a = arg;

	if (a->stopping)
		return;
	/* After a reload: those services of which something is new, and they are dirty. */
	if (!a->decider.kernel_known)
		state_dirty_all(a->state);
	note_weights(a);
	note_kernel(a);
	if (a->generation == 1)
		log_event(LOG_INFO, "the kernel's IPVS table was read, managing it");
	agent_turn(a); /* and more of them: reconcile waits until all is decided */
}

void agent_on_decide(void *arg)
{
	agent_decide(arg);
}

void agent_on_sleep(void *arg)
{
	struct agent *a = arg;

	tell_ledger(a);
	note_tell(a);
	if (!a->stopping)
		agent_turn(a);
}

void agent_on_hup(void *arg)
{
	agent_reload(arg, NULL, NULL);
}

static void on_info(void *arg, const struct ipvs_info *info, int error)
{
	struct agent *a = arg;

	if (!error)
		a->info = *info;
	loop_timer_start(a->info_timer, INFO_MS);
}

void agent_ask_info(void *arg)
{
	struct agent *a = arg;

	if (ipvs_port_info(a->port, on_info, a))
		loop_timer_start(a->info_timer, INFO_MS);
}

/* Fed only while the kernel's thread lives too. */
void agent_on_watchdog(void *arg)
{
	struct agent *a = arg;

	if (clock_mono_ms() - ipvs_port_alive_ms(a->port) < PORT_SILENT_MS)
		(void)notify_send(a->notify, "WATCHDOG=1");
	loop_timer_start(a->watchdog, notify_watchdog_ms(a->notify));
}

/* --- settings ------------------------------------------------------------------- */

const struct agent_conf *agent_conf(const struct agent *a)
{
	return config_section(a->conf, &agent_section);
}

void agent_settings(struct agent *a)
{
	log_set_level((enum log_level)agent_conf(a)->log_level);
}

/* How services that left the file are let go: as [defaults] says. */
struct diff_policy agent_gone_policy(const struct agent *a)
{
	const struct service_conf *defaults = config_section(a->conf, &defaults_section);

	return (struct diff_policy){ defaults->on_remove, defaults->drain_timeout };
}

/* --- stop -------------------------------------------------------------------------- */

static void stop_loop(void *arg)
{
	struct agent *a = arg;

	loop_stop(a->loop);
}

/* What was decided is still told, if that is soon done. */
static void say_goodbye(void *arg)
{
	struct agent *a = arg;

	notifier_stop(a->notifier, GOODBYE_MS, stop_loop, a);
}

void agent_stop(void *arg)
{
	struct agent *a = arg;

	if (a->stopping)
		return;
	a->stopping = true;
	note_stop(a);
	log_event(LOG_INFO, "stopping",
		  LOG_STR("on_exit", agent_conf(a)->on_exit == ON_EXIT_REMOVE ? "remove" : "keep"));
	(void)notify_send(a->notify, "STOPPING=1");
	if (agent_conf(a)->on_exit == ON_EXIT_REMOVE &&
	    !loop_timer_new(a->loop, "stop", stop_loop, a, &a->stop_deadline) &&
	    !reconcile_remove_all(a->reconcile, say_goodbye, a)) {
		loop_timer_start(a->stop_deadline, STOP_MS);
		return;
	}
	say_goodbye(a);
}

static void fini(struct agent *a)
{
	http_free(a->http);
	sched_free(a->sched);
	notifier_free(a->notifier);
	fetch_multi_free(a->fetches);
	ipvs_port_free(a->port);
	ledger_free(a->ledger);
	reconcile_free(a->reconcile);
	engine_free(a->engine);
	decider_fini(&a->decider);
	agent_rules_fini(a);
	expirer_free(a->expirer);
	placer_free(a->placer);
	holds_free(a->holds);
	journal_free(a->journal);
	publisher_free(a->publisher);
	notify_free(a->notify);
	loop_timer_free(a->info_timer);
	loop_timer_free(a->decide_timer);
	loop_timer_free(a->sample_timer);
	loop_timer_free(a->watchdog);
	loop_timer_free(a->stop_deadline);
	ways_free(a->ways);
	loop_free(a->loop);
	state_free(a->state);
	config_unref(a->conf);
	buf_fini(&a->kept);
}

/* Each probe under way and each connection takes a descriptor; the soft limit is 1024
 * nearly everywhere, for the sake of programs that use select(). */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		log_event(LOG_WARN, "the limit of open files could not be raised", LOG_ERR(errno));
}

/* Tables of 100,000 rows come and go with reloads, readings and scrapes. Left alone, libc
 * soon keeps them on heaps, one for every thread, in which a single row that stays holds
 * whole tables: above a fixed size they go back to the system when they are freed. */
static void tune_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	(void)mallopt(M_ARENA_MAX, 2);
}

int agent_run(const char *config_path)
{
	struct agent a = { .path = config_path };
	struct buf why = BUF_INIT;
	int e;

	tune_memory();
	/* Before any thread: a dropped privilege is dropped for all of them. */
	if (privilege_drop(&why))
		log_event(LOG_WARN, "privileges could not be dropped, going on with them",
			  LOG_STR("reason", buf_str(&why)));
	buf_fini(&why);
	raise_limit();
	signal(SIGHUP, SIG_IGN); /* until the loop takes it: reading the file takes a while */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a limit on files is a full disk, not an end */
	e = notify_open(&a.notify);
	if (e)
		log_event(LOG_WARN, "systemd cannot be told anything", LOG_ERR(e));
	e = agent_load(&a);
	if (!e) {
		agent_settings(&a);
		e = agent_start(&a);
	}
	if (!e) {
		log_event(LOG_INFO, "ipvs-agent started", LOG_STR("version", VERSION),
			  LOG_STR("config", a.path),
			  LOG_INT("services", a.state->layout->n_services),
			  LOG_INT("realservers", a.state->layout->n_realservers));
		(void)notify_send(a.notify, "READY=1");
		(void)malloc_trim(0); /* of what reading the file took */
		loop_run(a.loop);
	} else if (a.loop) {
		loop_drain(a.loop);
	}
	fini(&a);
	return e ? EXIT_FAILURE : EXIT_SUCCESS;
}
