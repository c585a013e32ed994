/* agent.h: struct agent owns every object. This folder's other files alone include it. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H
#include "agent/adopt.h"
#include "agent/command.h"
#include "agent/decide.h"
#include "agent/holds/hold.h"
#include "agent/model/state.h"
#include "agent/model/view.h"
#include "agent/outcome.h"
#include "agent/sync/diff.h"
#include "agent/turn.h"

struct reading;

struct agent {
	const char *path;               /* of the configuration */
	struct config *conf;            /* the one in force; a reference */
	struct buf kept;                /* values of the start that a reload cannot change */
	bool ledger_told, journal_told; /* that they cannot be written */
	bool ledger_damaged, stopping;  /* damaged: at the start; its holds are lost */
	uint64_t generation;
	int64_t reloaded_wall_ms; /* the last good load */
	bool reload_ok;           /* the last load was good */
	struct ipvs_info info;    /* of the kernel; zeroes until it told */
	struct loop *loop;
	struct ipvs_port *port;
	struct fetch_multi *fetches;
	struct sched *sched;
	struct canaries *canaries;
	struct holds *holds;
	struct ledger *ledger;
	struct journal *journal; /* NULL = no thread for it could be had */
	struct placer *placer;
	struct expirer *expirer;
	struct drains *drains;
	struct duties *duties; /* role, VIPs, sync daemons */
	struct intake *intake; /* of alerts */
	struct hands *hands;
	struct trials *trials;
	struct peers *peers;             /* NULL before all is made */
	struct maintenance *maintenance; /* NULL before all is made */
	struct engine *engine;
	struct netns_home *home; /* where clients are, with netns */
	struct ways *ways;       /* which interface leads to a realserver */
	struct decider decider;
	struct reconcile *reconcile;
	struct tuner *tuner; /* of [sysctl] */
	struct http_server *http;
	struct notify *notify;     /* systemd */
	struct notifier *notifier; /* who is told of what rules do */
	struct publisher *publisher;
	struct state *state;
	struct reload_job *reload; /* under way, or NULL */
	struct loop_timer *watchdog, *stop_deadline, *info_timer, *decide_timer, *sample_timer;
	struct turn turn;
	struct outcomes outcomes; /* to be told */
};
/* Until it is told to stop; the process's exit status. */
int agent_run(const char *config_path);
/* announce.c: to log, journal and outside; the first, after what happened before. */
void agent_on_decision(void *arg, const struct decision *d);
void agent_announce(struct agent *a, const struct decision *d);
int agent_plan(const char *config_path, bool json); /* plan.c: an exit code */
/* reload.c: begins to load the configuration again; fn (may be NULL) is told. */
void agent_reload(struct agent *a, command_fn *fn, void *arg);
/* start.c: reads the configuration as `check` does; makes every object. */
int agent_load(struct agent *a);
int agent_start(struct agent *a);
/* agent.c: what happens, each with the agent as `arg`. */
void agent_on_hold(void *arg, const char *service, const char *realserver);
void agent_on_asked(void *arg, const struct hold *hold, bool ended);
void agent_on_reading(void *arg, struct reading *reading);
void agent_on_first_reading(void *arg);
void agent_on_decide(void *arg);
void agent_on_sleep(void *arg);
void agent_on_hup(void *arg);
void agent_on_watchdog(void *arg);
void agent_ask_info(void *arg);
void agent_stop(void *arg);
const struct agent_conf *agent_conf(const struct agent *a); /* [agent], in force */
void agent_settings(struct agent *a);
struct diff_policy agent_gone_policy(const struct agent *a);
struct agent_door agent_door(struct agent *a);
#endif
