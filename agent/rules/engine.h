/* engine.h: rules at work: samples → truth → a rule's state → guard → hold. Knows no
 * clock and no file: whoever drives it gives it the moment, so that the agent, a test
 * in virtual time and a replay are judged by the same code. */
#ifndef RULES_ENGINE_H
#define RULES_ENGINE_H

#include "agent/rules/brake.h"
#include "agent/rules/decision.h"
#include "agent/rules/ruleset.h"

struct engine;
struct hold;
struct holds;
struct placer;

struct engine_env {
	struct holds *holds;
	struct placer *placer;
	decision_fn *tell;
	void *arg;
};

int engine_new(const struct engine_env *env, struct engine **ret_engine);
void engine_free(struct engine *e);

/* The rules to go by from now on, taken over: what goes on has been carried from the
 * ones before. Ends the holds of rules that are no more, and of those that no longer
 * are about their realserver. */
void engine_adopt(struct engine *e, struct ruleset *rules, const struct moment *now);
/* NULL before the first. */
const struct ruleset *engine_rules(const struct engine *e);
struct samples *engine_samples(const struct engine *e);

/* For the brake: the last attempt of a target ended, which left by interface `way`
 * (below BRAKE_INTERFACES, or BRAKE_AS_BEFORE). Services of which something may be asked
 * again become dirty. */
void engine_outcome(struct engine *e, struct state *s, uint32_t target, uint32_t way,
		    const struct moment *now);

/* Judges every rule for every realserver of a service: ends the holds whose rule
 * resolved, asks for those whose rule fires, as far as the guards admit them. The
 * realservers' weights must have been decided with the holds as they are. */
void engine_service(struct engine *e, struct state *s, uint32_t service, bool kernel_known,
		    const struct moment *now);
/* Asks for a service that was judged to be judged again by then. */
void engine_again(struct engine *e, uint32_t service, int64_t at_ms);

/* When time alone may change something in a service that was judged, or in any of them
 * (monotonic ms); INT64_MAX = never. engine_due() calls fn for each service for which it
 * has come. */
int64_t engine_due_at(const struct engine *e, uint32_t service);
int64_t engine_next(const struct engine *e, int64_t now_ms);
void engine_due(struct engine *e, int64_t now_ms, void (*fn)(void *arg, uint32_t service),
		void *arg);

/* The brake: too much failed at once. It may lapse by time alone: engine_tick() looks;
 * then all services become dirty. */
bool engine_braked(const struct engine *e);
void engine_tick(struct engine *e, struct state *s, const struct moment *now);

/* The brake as somebody recorded it: on, or off. From then on outcomes and time have no
 * say in it. Without effect where the configuration has none. */
void engine_force_brake(struct engine *e, const struct state *s, bool on, const struct moment *now);

/* What the realservers of a target ask for themselves, as its probe knows by now: for each
 * its hold of class agent comes, changes or goes, as far as the guards admit it, which are
 * asked at once. To be called after each word, also one that says nothing new. `text` =
 * their own words, for people; "" = none; NULL = no new word, what was told stands. */
void engine_wish(struct engine *e, struct state *s, uint32_t target, const char *text,
		 bool kernel_known, const struct moment *now);
/* The same for all, by what each said last: in a state that is new, a target may have
 * spoken before there was this realserver. */
void engine_wishes(struct engine *e, struct state *s, bool kernel_known, const struct moment *now);

/* An alert's hold ended, and is in no table any more: its rule let go, if it acted. */
void engine_lease_ended(struct engine *e, struct state *s, const struct hold *h,
			const struct moment *now);

/* Appends why a rule fires, or did, in words. */
void engine_describe(const struct state *s, const struct ruleset_rule *rule,
		     const struct rule_slot *slot, uint32_t realserver, struct buf *out);

#endif
