/* eval.h: PURE: the state of one rule on one realserver, with the semantics that
 * Prometheus gives `for` and `keep_firing_for` (rules/alerting.go), except that no
 * data freezes where Prometheus resolves: a rule that knows nothing neither acts nor
 * restores. A freeze stops both timers: the time from the first step without data to
 * the first one with data again counts neither towards `for` nor towards keep.
 * All times are monotonic milliseconds, 0 or above. */
#ifndef RULES_EVAL_H
#define RULES_EVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/rules/truth.h"

enum rule_state { RULE_INACTIVE = 0, RULE_PENDING, RULE_FIRING, RULE_RECOVERING, RULE_N_STATES };
extern const char *const rule_state_names[RULE_N_STATES]; /* "inactive", … */

/* There is one run for each rule and realserver: a time has 40 bits. On a machine that is
 * up for more than 17 years it stands still. */
#define RULE_TIME(name) int64_t name : 40
#define RULE_TIME_MAX   ((INT64_C(1) << 39) - 1)

/* All zero: inactive. */
struct rule_run {
	RULE_TIME(active_ms); /* pending, firing, recovering: true since, later by each freeze */
	RULE_TIME(keep_ms);   /* recovering: false since, later by each freeze */
	RULE_TIME(frozen_ms); /* frozen: without data since */
	uint8_t state : 7;    /* enum rule_state */
	bool frozen : 1;
} __attribute__((packed, aligned(8)));

enum rule_edge {
	RULE_STAYS = 0,
	RULE_BEGINS,   /* inactive → pending */
	RULE_DROPS,    /* pending → inactive: it never fired */
	RULE_FIRES,    /* inactive or pending → firing */
	RULE_RECOVERS, /* firing → recovering */
	RULE_REFIRES,  /* recovering → firing */
	/* firing or recovering → inactive; or → pending, where `for` was raised meanwhile
	 * and has not passed yet: the state tells. Either way the rule asks for nothing. */
	RULE_ENDS,
	RULE_FREEZES, /* no data: the state stays as it is */
	RULE_THAWS,   /* data again, in the same state; where the state changes with it,
		       * that change is the edge */
	RULE_N_EDGES,
};
extern const char *const rule_edge_names[RULE_N_EDGES]; /* "stays", … */

/* Takes what the expression says at `now_ms` in; at most one change of state a step.
 * for_ms and keep_ms are as configured at this moment; 0 or less = at once. */
enum rule_edge eval_step(struct rule_run *run, enum truth truth, int64_t for_ms, int64_t keep_ms,
			 int64_t now_ms);

/* When time alone would change the state if the expression went on saying the same;
 * INT64_MAX = never. A time that has passed = with the next step. */
int64_t eval_next(const struct rule_run *run, int64_t for_ms, int64_t keep_ms);

/* Firing since before we started (its hold is in the ledger): `for` counts as passed. */
void eval_resume(struct rule_run *run, int64_t for_ms, int64_t now_ms);

/* True while the rule asks for its actions: firing or recovering. */
bool eval_asks(const struct rule_run *run);

#endif
