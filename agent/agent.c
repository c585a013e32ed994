/* agent.c: the owner of every object: its events and its end. Start and reload have
 * files of their own; what happens in between is passed on here and done elsewhere:
 *
 *   probes/sched → outcome.c → dirty → decide (before the loop sleeps) → reconcile
 *   reconcile → on_reading → publisher → http
 */
#include "agent/agent.h"
#include "agent/publish.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
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
#include "agent/base/netns.h"
#include "agent/base/notify.h"
#include "agent/base/privilege.h"
#include "agent/base/ways.h"
#include "agent/canaries.h"
#include "agent/drains.h"
#include "agent/duties.h"
#include "agent/hands.h"
#include "agent/holds/expire.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"
#include "agent/http/server.h"
#include "agent/intake.h"
#include "agent/ipvs/port.h"
#include "agent/maintenance.h"
#include "agent/note.h"
#include "agent/peers.h"
#include "agent/probes/sched.h"
#include "agent/registry.h"
#include "agent/rules/engine.h"
#include "agent/rules/notifier.h"
#include "agent/sections.h"
#include "agent/settings.h"
#include "agent/sync/reconcile.h"
#include "agent/sync/tuner.h"
#include "agent/trial.h"
#include "collectors/table.h"

const struct collector *const *const agent_collectors = collector_table;
const struct action *const *const agent_actions = action_table;

enum {
	STOP_MS = 10000,        /* to remove our services, with on_exit = remove */
	GOODBYE_MS = 1000,      /* to tell what waits to be told */
	INFO_MS = 60000,        /* between questions for the kernel's version and timeouts */
	PORT_SILENT_MS = 60000, /* a kernel thread that is silent for longer is stuck */
	STACK_BYTES = 1 << 20,  /* of threads */
};

/* --- events ------------------------------------------------------------------- */

void agent_on_hold(void *arg, const char *service, const char *realserver)
{
	struct agent *a = arg;
	uint32_t id = layout_find_service(a->state->layout, service);

	/* A freeze comes or goes. */
	if (!strcmp(service, HOLD_SERVICE))
		state_dirty_all(a->state);
	else if (id != LAYOUT_NONE)
		state_dirty(a->state, id);
	expirer_note(a->expirer, service, realserver);
	drains_note(a->drains, service, realserver);
	peers_note(a->peers);
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
	peers_turn(a->peers);
	if (!a->stopping)
		agent_turn(a);
	duties_look(a->duties);
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

/* Our services are gone: the kernel gets its settings back. */
static void restore_settings(void *arg)
{
	struct agent *a = arg;

	tuner_remove(a->tuner, say_goodbye, a);
}

/* Lanes serve nobody but our probes: they go in any case. */
static void remove_table(void *arg)
{
	struct agent *a = arg;
	bool all = agent_conf(a)->on_exit == ON_EXIT_REMOVE;
	void (*then)(void *arg) = all ? restore_settings : say_goodbye;

	if ((!all && !a->state->layout->n_lanes) || reconcile_remove(a->reconcile, !all, then, a))
		then(a);
}

void agent_stop(void *arg)
{
	struct agent *a = arg;
	bool all = agent_conf(a)->on_exit == ON_EXIT_REMOVE;

	if (a->stopping)
		return;
	a->stopping = true;
	note_stop(a);
	log_event(LOG_INFO, "stopping", LOG_STR("on_exit", all ? "remove" : "keep"));
	(void)notify_send(a->notify, "STOPPING=1");
	if (!loop_timer_new(a->loop, "stop", stop_loop, a, &a->stop_deadline))
		loop_timer_start(a->stop_deadline, STOP_MS);
	/* The addresses first: who comes goes elsewhere, and is not refused here. */
	if (!all || duties_remove(a->duties, remove_table, a))
		remove_table(a);
}

static void fini(struct agent *a)
{
	(void)outcome_tell(a, NULL);
	http_free(a->http);
	a->http = NULL;
	maintenance_free(a->maintenance);
	sched_free(a->sched);
	canaries_free(a->canaries);
	trials_free(a->trials);
	notifier_free(a->notifier);
	peers_stop(a->peers);
	fetch_multi_free(a->fetches);
	duties_close(a->duties);
	ipvs_port_free(a->port);
	drains_free(a->drains);
	ledger_free(a->ledger);
	duties_free(a->duties);
	reconcile_free(a->reconcile);
	tuner_free(a->tuner);
	engine_free(a->engine);
	decider_fini(&a->decider);
	agent_rules_fini(a);
	expirer_free(a->expirer);
	placer_free(a->placer);
	intake_free(a->intake);
	hands_free(a->hands);
	peers_free(a->peers);
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
	netns_home_free(a->home);
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
 * whole tables: above a fixed size they go back to the system when they are freed. And of
 * a stack of 8 MB the kernel may make the first 2 MB one huge page. */
static void tune_memory(void)
{
	pthread_attr_t attr;

	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	(void)mallopt(M_ARENA_MAX, 2);
	if (pthread_attr_init(&attr))
		return;
	if (!pthread_attr_setstacksize(&attr, STACK_BYTES))
		(void)pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

static void drop_privileges(unsigned int but)
{
	struct buf why = BUF_INIT;

	if (privilege_drop(but, &why))
		log_event(LOG_WARN, "privileges could not be dropped, going on with them",
			  LOG_STR("reason", buf_str(&why)));
	buf_fini(&why);
}

/* Before any thread, for they are where the one is that starts them. */
static int enter_netns(struct agent *a)
{
	const char *netns = agent_conf(a)->netns;
	struct buf why = BUF_INIT;
	int e = netns ? netns_enter(netns, &why, &a->home) : 0;

	if (e)
		log_event(LOG_ERROR, "[agent] netns cannot be entered",
			  LOG_STR("reason", buf_str(&why)));
	else if (netns)
		log_event(LOG_INFO, "working in another network namespace",
			  LOG_STR("netns", netns));
	buf_fini(&why);
	drop_privileges(0);
	return e;
}

int agent_run(const char *config_path)
{
	struct agent a = { .path = config_path };
	int e;

	tune_memory();
	/* Before any thread: a dropped privilege is dropped for all of them. */
	drop_privileges(PRIVILEGE_NETNS);
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
		e = enter_netns(&a);
	}
	if (!e)
		e = agent_start(&a);
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
