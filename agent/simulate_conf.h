/* simulate_conf.h: a file of tests for rules: [test NAME] sections, and nothing else.
 * What they say is read here; whether its names exist the rules' file tells, when the
 * test runs (simulate_run.c). */
#ifndef AGENT_SIMULATE_CONF_H
#define AGENT_SIMULATE_CONF_H

#include "agent/model/signal.h"
#include "agent/simulate_series.h"
#include "conf/config.h"

/* Each element of a list key begins with its text and place. */
struct sim_line {
	const char *text;
	unsigned int line;
};

struct sim_list {
	void *items;
	size_t n;
};

struct sim_target {
	const char *service, *realserver; /* realserver NULL = the service as a whole */
};

struct sim_series {
	struct sim_line at;
	enum signal_id signal;
	struct sim_target target;
	struct sim_values values;
};

struct sim_hold {
	struct sim_line at;
	int64_t from_ms, to_ms; /* to_ms 0 = it has no end */
	struct sim_target target;
	int effect;       /* holds/hold.h; of an operator's */
	const char *rule; /* of an alert: the one that goes by it; else NULL */
};

enum sim_kind {
	SIM_RULE = 0, /* value: enum rule_state, or SIM_FROZEN */
	SIM_WEIGHT,   /* value: the weight, -1 = absent */
	SIM_ACTION,   /* value: enum sim_action */
	SIM_REFUSED,  /* value: enum guard */
	SIM_DELAYED,  /* value: enum guard */
	SIM_PANIC,
};

enum { SIM_FROZEN = 100 };

enum sim_action { SIM_QUIESCE = 0, SIM_REWEIGHT, SIM_REMOVE, SIM_FALLBACK, SIM_RELEASE };
extern const char *const sim_action_names[];

struct sim_assertion {
	struct sim_line at;
	enum sim_kind kind;
	bool negated;
	const char *rule; /* of SIM_RULE; of events: NULL = of any rule */
	struct sim_target target;
	int value;
};

struct sim_at {
	struct sim_line at;
	int64_t ms;
	struct sim_assertion *assertions;
	uint32_t n;
};

struct sim_conf {
	struct conf_head head;
	const char *rules;      /* as it is written */
	int64_t interval;       /* ms; 0 = the rules' sample_interval */
	struct sim_list series; /* struct sim_series */
	struct sim_list holds;  /* struct sim_hold, of operators */
	struct sim_list alerts; /* … of alerts */
	struct sim_list ats;    /* struct sim_at */
	struct sim_list nevers; /* struct sim_assertion */
};

extern const struct conf_section sim_section;

/* Reads one assertion; its strings go to the arena. -EINVAL with a reason, -ENOMEM. */
int sim_assertion_parse(const char *text, struct arena *arena, struct buf *why,
			struct sim_assertion *ret_assertion);

/* Reads "SERVICE/REALSERVER", or "SERVICE". The same errors. */
int sim_target_parse(const char *text, struct arena *arena, struct buf *why,
		     struct sim_target *ret_target);

#endif
