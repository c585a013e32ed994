/* decision.h: what was decided, as it is told to the journal and to those who want to
 * be notified. Told where it happens, with the values that decided. */
#ifndef RULES_DECISION_H
#define RULES_DECISION_H

#include "agent/rules/eval.h"
#include "agent/rules/guard.h"

struct rule_conf;
struct state;

/* One turn of deciding happens at one moment, by both clocks. */
struct moment {
	int64_t mono_ms, wall_ms;
};

enum decision_kind {
	DECISION_RULE = 0, /* a rule's state changed: from, to; or it froze (on), or thawed */
	DECISION_HOLD,     /* a rule's hold was placed */
	DECISION_RELEASE,  /* … or ended */
	DECISION_REFUSAL,  /* a guard refuses it; told once, and again for another guard */
	DECISION_DELAY,    /* a guard delays its release */
	DECISION_PANIC,    /* a service came into panic (on) or out of it */
	DECISION_BRAKE,    /* too much failed at once: nothing is held (on), or it lapsed */
	DECISION_WEIGHT,   /* a realserver's weight: before, after */
	DECISION_N_KINDS,
};

struct decision {
	enum decision_kind kind;
	struct moment at;
	const struct state *state;    /* whose ids these are */
	const struct rule_conf *rule; /* NULL where none decided */
	uint32_t service, realserver; /* LAYOUT_NONE = does not apply */
	enum rule_state from, to;
	enum guard guard;
	bool on;
	double value; /* left side of the comparison that decided; NAN = none */
	int effect;   /* of the hold; see holds/hold.h */
	int32_t before, after;
	uint32_t available, floor; /* after the action; what min_available asks for */
	const char *reason;        /* for people; "" = none */
};

typedef void decision_fn(void *arg, const struct decision *d);

#endif
