/* agent.h: struct agent owns every object; start, reload, stop stand in agent.c;
 * the other files of this folder are its chapters, and they alone include this. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/command.h"
#include "agent/holds/hold.h"
#include "agent/model/state.h"
#include "agent/model/view.h"
#include "agent/sync/diff.h"

struct desired;
struct desired_input;
struct fetch_multi;
struct http_server;
struct ipvs_port;
struct ledger;
struct loop;
struct loop_timer;
struct notify;
struct placer;
struct publisher;
struct reading;
struct reconcile;
struct reload_job;
struct remedy;
struct sched;

struct agent {
	const char *path;    /* of the configuration */
	struct config *conf; /* the one in force; a reference */
	uint64_t generation;
	int64_t reloaded_wall_ms; /* the last good load */
	bool reload_ok;		  /* the last load was good */
	struct ipvs_info info;	  /* of the kernel; zeroes until it told */

	struct loop *loop;
	struct ipvs_port *port;
	struct fetch_multi *fetches;
	struct sched *sched;
	struct holds *holds;
	struct ledger *ledger;
	struct placer *placer;
	struct remedy *remedy;
	struct reconcile *reconcile;
	struct http_server *http;
	struct notify *notify;
	struct publisher *publisher;
	struct state *state;
	struct reload_job *reload; /* under way, or NULL */
	struct loop_timer *watchdog, *stop_deadline, *info_timer;
	bool stopping;
};

/* Runs the agent until it is told to stop; the process's exit status. */
int agent_run(const char *config_path);

/* decide.c: settles every dirty service: panic, weights, rules, and what of it is
 * written at once. Runs before the loop sleeps. */
void agent_decide(struct agent *a);
/* The weight of a realserver with its steps, as it would be decided now; the
 * least of its destinations' caps is the last step. */
void agent_desired(const struct agent *a, uint32_t realserver, struct desired_input *ret_in,
		   struct desired *ret_desired);

/* Sets what each destination of a realserver is wanted to have. */
void agent_want(const struct agent *a, uint32_t realserver);
/* Counts who is available in a service, by what is wanted. */
void agent_count(struct state *s, uint32_t service);

/* plan.c: prints what `run` would change in the kernel; an exit code: 0 nothing, 2
 * changes, 1 it could not be told. */
int agent_plan(const char *config_path, bool json);

/* publish.c: makes and hands out the snapshots. */
int publisher_new(struct agent *a, struct publisher **ret_publisher);
/* Answers who still waits. NULL is fine. */
void publisher_free(struct publisher *p);
/* A reading came: collectors run, then it is published. Takes the reference. */
void publisher_reading(struct publisher *p, struct reading *reading);
/* Answers with a snapshot no older than max_age_ms, as soon as there is one. */
void publisher_round(struct publisher *p, int64_t max_age_ms, command_fn *fn, void *arg);
/* From any thread: a reference on the latest; NULL before the first. */
struct view *publisher_view(struct publisher *p);

/* snapshot.c: the rows of a view, from the agent's state and a reading. */
int snapshot_fill(struct view *v, const struct agent *a, const struct reading *reading);

/* explain.c: why the weights of a target are what they are, as JSON. */
enum command_status explain_target(const struct agent *a, const char *target, struct buf *out);

/* reload.c: begins to load the configuration again; fn (may be NULL) is told. */
void agent_reload(struct agent *a, command_fn *fn, void *arg);

/* agent.c: puts what [agent] says of the whole process in force. */
void agent_settings(struct agent *a);
int64_t agent_interval(const struct agent *a);
/* How services that left the file are let go. */
struct diff_policy agent_gone_policy(const struct agent *a);

/* command.c: the door that http gets. */
struct agent_door agent_door(struct agent *a);

#endif
