/* simulate_internal.h: one test on its way, between the files of simulate_…c. */
#ifndef AGENT_SIMULATE_INTERNAL_H
#define AGENT_SIMULATE_INTERNAL_H

#include "agent/rules/decision.h"
#include "agent/simulate.h"
#include "agent/world.h"

/* What a decision did to a target, as assertions speak of it. */
struct sim_event {
	enum sim_kind kind; /* SIM_ACTION, SIM_REFUSED, SIM_DELAYED */
	int value;
	int64_t ms;
};

/* An assertion with its names found in the rules' configuration. */
struct sim_check {
	const struct sim_assertion *assertion;
	uint32_t service, realserver, rule; /* ids; LAYOUT_NONE = not of one */
	/* Of assertions on events: what was seen since the `at` before. */
	bool seen, other;
	struct sim_event seen_event, other_event; /* the first; the last on that target */
	bool failed;                              /* a `never` is told once */
};

struct sim_step {
	const struct sim_at *at;
	struct sim_check *checks;
};

struct sim_run {
	const struct sim_conf *test;
	struct sim_result *result;
	struct config *conf;
	struct world *world;
	bool timeline;
	uint32_t lines;                             /* of the timeline */
	int64_t interval, now_ms, end_ms, since_ms; /* since_ms: of the `at` before */
	struct sim_step *steps;                     /* the `at`s by time */
	size_t n_steps, next_step;
	struct sim_check *nevers;
	uint32_t *series_ids; /* of each series: realserver or service */
	bool *driven;         /* by target: a series of probe_up gives its verdicts */
};

enum { SIM_EPOCH_MS = 1000000 }; /* of virtual time; 0 says "never" in places */

/* simulate_check.c: finds names. 0, -EINVAL (said), -ENOMEM. */
int sim_find(struct sim_run *r, const struct sim_target *target, unsigned int line,
	     uint32_t *ret_service, uint32_t *ret_realserver);
int sim_bind(struct sim_run *r, const struct sim_assertion *a, struct sim_check *ret_check);
/* A decision was told; into what assertions wait for. */
void sim_observe(struct sim_run *r, const struct decision *d);
/* Judges the `at`s of this moment, and what must never be. -ENOMEM */
int sim_judge(struct sim_run *r);

/* simulate_timeline.c: a line for a decision. */
void sim_timeline(struct sim_run *r, const struct decision *d);

#endif
