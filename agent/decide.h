/* decide.h: from verdicts, samples and holds to weights. Everything that happened in
 * one turn is settled at once, at one moment, whoever drives the time: the agent's
 * loop, a test in virtual time, a replay. */
#ifndef AGENT_DECIDE_H
#define AGENT_DECIDE_H

#include "agent/holds/ramp.h"
#include "agent/rules/decision.h"
#include "agent/sync/desired.h"

struct engine;
struct holds;
struct reload_map;

/* What is remembered of a realserver from turn to turn. */
struct decided {
	struct ramp ramp;
	int32_t ramp_ms;   /* of the rule that let it go, or RULE_RAMP_OF_SERVICE; a day at most */
	int32_t told : 30; /* its weight, as it was told last; DECIDED_NOTHING = never */
	bool held : 1;     /* a hold kept it at 0, or absent, when the last turn ended */
	bool holds : 1;    /* … as it is decided now */
};
enum { DECIDED_NOTHING = -3 }; /* below every WANT_… */

struct decider {
	struct state *state; /* borrowed, as all of these are */
	struct holds *holds;
	struct engine *engine;
	struct decided *decided; /* by realserver; owned */
	bool kernel_known;       /* a complete reading was taken in */
	bool frozen;             /* by an operator, when it was decided last */
	int64_t last_ms;         /* the moment that was decided at last (monotonic) */
	/* Enough for one turn? Asked after each service; NULL = go on to the end. */
	bool (*tired)(void *arg);
	/* Puts what a service's signals say now into the engine's samples. */
	void (*feed)(void *arg, uint32_t service, const struct moment *now);
	decision_fn *tell;
	void *arg;
};

/* Makes ready for another state, in steps of which only the first can fail: what goes on
 * from the one before has the same names. Free what is not adopted. */
int decider_prepare(const struct layout *l, struct decided **ret_decided);
void decider_carry(const struct decider *d, const struct reload_map *map, const struct layout *now,
		   struct decided *decided);
void decider_adopt(struct decider *d, struct state *s, struct decided *decided);
void decider_fini(struct decider *d);

/* For the engine: as d->tell, but that the decider learns of it too. `arg` is d. */
void decider_tell(void *arg, const struct decision *decision);

/* Settles every dirty service: panic, weights, rules. Calls `touched` once or more for
 * each. True unless memory is out, or it did not settle, or was tired: the rest stays
 * dirty, in its order. */
bool decide(struct decider *d, const struct moment *now,
	    void (*touched)(void *arg, uint32_t service), void *arg);

/* When time alone changes something (monotonic ms); INT64_MAX = never. What is due by
 * then becomes dirty by decide_due(). */
int64_t decide_next(const struct decider *d, int64_t now_ms);
void decide_due(struct decider *d, const struct moment *now);

/* The weight of a realserver with its steps, as it would be decided now. */
void decide_desired(const struct decider *d, uint32_t realserver, int64_t now_ms,
		    struct desired_input *ret_in, struct desired *ret_desired);
/* Sets what its destinations are wanted to have; when its ramp takes the next step. */
int64_t decide_want(struct decider *d, uint32_t realserver, int64_t now_ms);
/* Counts who is available. */
void decide_count(struct state *s, uint32_t service);

#endif
