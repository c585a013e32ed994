/* engine_internal.h: what the files of the engine share. */
#ifndef RULES_ENGINE_INTERNAL_H
#define RULES_ENGINE_INTERNAL_H

#include "agent/rules/engine.h"
#include "agent/rules/survey.h"

/* A rule that fires for a realserver and has no hold there. */
struct candidate {
	struct guard_candidate order; /* first: among those who ask at the same time */
	struct ruleset_rule *rule;
	struct rule_slot *slot;
	uint32_t realserver;
};

/* An answer about the service at hand that takes a walk: kept until it may be another. */
enum answer { ANSWER_UNKNOWN = 0, ANSWER_NO, ANSWER_YES };

struct engine {
	struct engine_env env;
	struct ruleset *set;
	bool braked; /* too much failed at once, as it was told last */
	bool forced; /* the brake is told by its owner, from a record */
	bool frozen; /* by an operator */
	/* Of the service at hand: */
	struct state *state;
	uint32_t service;
	const struct holds_service *holds; /* as long as none comes or goes */
	struct moment now;
	bool kernel_known;
	enum answer is_short, wanted, delays;
	struct candidate *candidates; /* kept to spare the allocation */
	uint32_t n_candidates, room;
};

/* How long what a rule let go is left alone by it. A rule that reads what it changes
 * would go on in one moment for ever. */
int64_t engine_cooldown(const struct ruleset_rule *rule);
void engine_tell(const struct engine *e, struct decision *d);
struct decision engine_decision(const struct engine *e, enum decision_kind kind,
				const struct ruleset_rule *rule, uint32_t realserver);
struct hold *engine_hold(const struct engine *e, const struct ruleset_rule *rule, const char *name);
/* Places a hold of the rule, and ends one, in the service at hand. */
int engine_place(struct engine *e, const struct ruleset_rule *rule, const char *name, int effect,
		 const char *reason);
void engine_lift(struct engine *e, const struct hold *h);
/* One step of a rule's state; whether it asks for a hold then, and the asking. */
void engine_evaluate(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
		     uint32_t realserver, enum truth truth);
bool engine_fires(struct engine *e, const struct ruleset_rule *rule, const struct rule_slot *slot);
void engine_candidate(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
		      uint32_t realserver);
/* engine_lease.c: steps a rule that goes by alerts for one realserver. */
void engine_step_lease(struct engine *e, struct ruleset_rule *rule, struct rule_slot *slot,
		       uint32_t realserver);
/* As engine_describe(), but that an alert has its own words. */
void engine_words(const struct engine *e, const struct ruleset_rule *rule,
		  const struct rule_slot *slot, uint32_t realserver, struct buf *out);
/* The first lease of a rule that goes by alerts on a realserver of the
 * service at hand, NULL = none, and the first of those that act; lets all act, -errno where
 * that cannot be; what the leases of a rule ask for. */
const struct hold *engine_lease(const struct engine *e, const struct ruleset_rule *rule,
				const char *name, const struct hold **ret_acting);
int engine_act(struct engine *e, const struct ruleset_rule *rule, const char *name);
/* Of a lease, when rules are put in force: false = its rule is gone. */
bool engine_lease_stands(struct engine *e, const struct hold *h, const struct moment *now);
/* Of an agent's hold: false = its probe asks there no more. */
bool engine_wish_stands(const struct engine *e, const struct hold *h);
/* Asks for the service at hand to be judged again at that time. */
void engine_wait(struct engine *e, int64_t at_ms);
/* Whether the service has fewer than min_available asks for: nothing is waited for. */
bool engine_short(struct engine *e);
/* Whether min_available keeps a server in that should be out: one that waits to come
 * back is wanted in its stead. Whether there is one that waits. */
bool engine_wanted(struct engine *e);
bool engine_delays(struct engine *e);
/* Whether nothing has shown yet that a realserver's failure is its own: brake_awaits().
 * Then the service at hand is judged again as soon as something does. */
bool engine_awaits(struct engine *e, uint32_t realserver);
/* The guard's input that does not depend on a candidate, and what one adds. */
void engine_guard_input(const struct engine *e, const struct survey *v, struct guard_input *ret_in);
void engine_guard_candidate(const struct engine *e, const struct candidate *c, uint32_t weight,
			    struct guard_input *in);
/* The state of the service that a rule with `fallback` asks for; true when it ended. */
bool engine_step_fallback(struct engine *e, struct ruleset_rule *rule);

#endif
