/* eval.c: one step of a rule's state. The timers are kept as the moments at which
 * they began, as Prometheus does, so that a reload with another `for` or keep is
 * judged by its own values; a freeze moves those moments on by its length. */
#include "agent/rules/eval.h"

const char *const rule_state_names[RULE_N_STATES] = {
	[RULE_INACTIVE] = "inactive",
	[RULE_PENDING] = "pending",
	[RULE_FIRING] = "firing",
	[RULE_RECOVERING] = "recovering",
};

const char *const rule_edge_names[RULE_N_EDGES] = {
	[RULE_STAYS] = "stays", [RULE_BEGINS] = "begins",     [RULE_DROPS] = "drops",
	[RULE_FIRES] = "fires", [RULE_RECOVERS] = "recovers", [RULE_REFIRES] = "refires",
	[RULE_ENDS] = "ends",   [RULE_FREEZES] = "freezes",   [RULE_THAWS] = "thaws",
};

static int64_t fits(int64_t ms)
{
	return ms < RULE_TIME_MAX ? ms : RULE_TIME_MAX;
}

static enum rule_edge go(struct rule_run *run, enum rule_state state, enum rule_edge edge)
{
	run->state = state & 127;
	return edge;
}

static enum rule_edge freeze(struct rule_run *run, int64_t now_ms)
{
	if (run->frozen)
		return RULE_STAYS;
	run->frozen = true;
	run->frozen_ms = now_ms;
	return RULE_FREEZES;
}

static void thaw(struct rule_run *run, int64_t now_ms)
{
	int64_t lost = now_ms > run->frozen_ms ? now_ms - run->frozen_ms : 0;

	run->frozen = false;
	run->active_ms = fits(run->active_ms + lost);
	run->keep_ms = fits(run->keep_ms + lost);
}

static enum rule_edge step_true(struct rule_run *run, int64_t for_ms, int64_t now_ms)
{
	bool passed;

	if (run->state == RULE_INACTIVE)
		run->active_ms = now_ms;
	passed = now_ms - run->active_ms >= for_ms;
	switch ((enum rule_state)run->state) {
	case RULE_INACTIVE:
		return passed ? go(run, RULE_FIRING, RULE_FIRES)
			      : go(run, RULE_PENDING, RULE_BEGINS);
	case RULE_PENDING:
		return passed ? go(run, RULE_FIRING, RULE_FIRES) : RULE_STAYS;
	case RULE_FIRING:
		return passed ? RULE_STAYS : go(run, RULE_PENDING, RULE_ENDS);
	case RULE_RECOVERING:
		return passed ? go(run, RULE_FIRING, RULE_REFIRES)
			      : go(run, RULE_PENDING, RULE_ENDS);
	case RULE_N_STATES:
		break;
	}
	return RULE_STAYS;
}

static enum rule_edge step_false(struct rule_run *run, int64_t keep_ms, int64_t now_ms)
{
	switch ((enum rule_state)run->state) {
	case RULE_INACTIVE:
		return RULE_STAYS;
	case RULE_PENDING:
		return go(run, RULE_INACTIVE, RULE_DROPS);
	case RULE_FIRING:
		if (keep_ms <= 0)
			return go(run, RULE_INACTIVE, RULE_ENDS);
		run->keep_ms = now_ms;
		return go(run, RULE_RECOVERING, RULE_RECOVERS);
	case RULE_RECOVERING:
		if (now_ms - run->keep_ms < keep_ms)
			return RULE_STAYS;
		return go(run, RULE_INACTIVE, RULE_ENDS);
	case RULE_N_STATES:
		break;
	}
	return RULE_STAYS;
}

enum rule_edge eval_step(struct rule_run *run, enum truth truth, int64_t for_ms, int64_t keep_ms,
			 int64_t now_ms)
{
	bool thawed = run->frozen;
	enum rule_edge edge;

	now_ms = fits(now_ms);
	if (truth == TRUTH_NO_DATA)
		return freeze(run, now_ms);
	if (thawed)
		thaw(run, now_ms);
	edge = truth == TRUTH_TRUE ? step_true(run, for_ms, now_ms)
				   : step_false(run, keep_ms, now_ms);
	return edge == RULE_STAYS && thawed ? RULE_THAWS : edge;
}

/* Saturates: durations of a file are bounded, but nothing here relies on it. */
static int64_t after(int64_t since_ms, int64_t length_ms)
{
	if (length_ms <= 0)
		return since_ms;
	return since_ms > INT64_MAX - length_ms ? INT64_MAX : since_ms + length_ms;
}

int64_t eval_next(const struct rule_run *run, int64_t for_ms, int64_t keep_ms)
{
	if (run->frozen)
		return INT64_MAX;
	if (run->state == RULE_PENDING)
		return after(run->active_ms, for_ms);
	if (run->state == RULE_RECOVERING)
		return after(run->keep_ms, keep_ms);
	return INT64_MAX;
}

void eval_resume(struct rule_run *run, int64_t for_ms, int64_t now_ms)
{
	now_ms = fits(now_ms);
	*run = (struct rule_run){
		.state = RULE_FIRING,
		.active_ms = for_ms > 0 ? now_ms - for_ms : now_ms,
	};
}

bool eval_asks(const struct rule_run *run)
{
	return run->state == RULE_FIRING || run->state == RULE_RECOVERING;
}
