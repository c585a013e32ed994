/* model.h: the model test: a director in memory, driven by events that a seed gives,
 * and what must hold after each. The same seeds give the same run on every machine. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include "agent/holds/hold.h"
#include "agent/world.h"

/* --- chance (splitmix64) --- */

struct model_rng {
	uint64_t x;
};
uint64_t model_next(struct model_rng *r);
/* 0 … n-1. */
uint32_t model_pick(struct model_rng *r, uint32_t n);

/* --- events: numbers, taken modulo what there is, so that each run of events means
 * something, also after some were left out --- */

enum model_kind {
	MODEL_VERDICT = 0, /* a: realserver, b: up, down or none, c: the reason */
	MODEL_STORM,       /* a: service, or all; b: up or down */
	MODEL_UNKNOWN,     /* a: realserver: its probes can't tell any more */
	MODEL_SAMPLE,      /* a: realserver, b: signal, c: value */
	MODEL_TIME,        /* a: how long, roughly; b: and some ms */
	MODEL_DUE,         /* to when something is due */
	MODEL_HOLD,        /* a: realserver, b: class and holder, c: effect */
	MODEL_LIFT,        /* a: realserver, b: class and holder */
	MODEL_RELOAD,      /* a: variation of the configuration */
	MODEL_KERNEL,      /* a: was it read completely? */
	MODEL_RESTART,
	MODEL_HAND,   /* a: realserver, or all; b: placed or lifted, by whom; c: effect */
	MODEL_ADVICE, /* a: realserver; b: up or down, by its own word, and an order; c: share */
	MODEL_N_KINDS
};

struct model_event {
	enum model_kind kind;
	uint32_t a, b, c;
};

struct model_event model_event(struct model_rng *r);
void model_print_event(const struct model_event *e, struct buf *out);

/* --- a run --- */

enum { MODEL_MAX = 18 /* realservers */, MODEL_RULES = 8, MODEL_HOLDS = 512, MODEL_PASSED = 1024 };

/* A rule's hold whose rule asks for it no more. */
struct model_over {
	char id[40];
	int64_t since_ms;
	bool seen;
};

/* A rule's hold as it stood before the step. */
struct model_stood {
	char holder[16];
	int effect;
};

struct model {
	struct config *(*load)(const char *text);
	uint64_t shape; /* of the configuration; a variation of it is one number more */
	uint32_t variation;
	const char *const *texts; /* in their place, two to reload; NULL = none */
	struct world *w;
	struct moment now;
	bool restarted, reloaded, ended; /* in this step */
	bool frozen;                     /* before it, and it is no operator's */
	uint64_t told;                   /* decisions in this step */
	struct decision last;
	bool again; /* the same moment is judged once more */
	uint64_t steps, holds_placed, released, refused[N_GUARDS], panics, brakes;
	/* Since this step began: by realserver. */
	bool held[MODEL_MAX]; /* by a rule, at 0 or absent */
	struct model_stood stood[MODEL_MAX][MODEL_RULES];
	int32_t seen[MODEL_MAX];
	/* When rules placed what counts for the rate, a ring. */
	int64_t passed[MODEL_PASSED];
	uint32_t n_passed;
	uint32_t rate_n;
	int64_t rate_ms;
	struct model_over over[MODEL_HOLDS];
	uint32_t n_over;
	uint32_t serial;    /* of holds' ids */
	const char *broken; /* the invariant's name; NULL = all hold */
	char detail[256];
};

/* The configuration as text. */
void model_conf(uint64_t shape, uint32_t variation, struct buf *out);

void model_begin(struct model *m, uint64_t shape, const char *const *texts,
		 struct config *(*load)(const char *text));
void model_end(struct model *m);
/* Applies an event, decides, and checks; false when an invariant is broken. */
bool model_step(struct model *m, const struct model_event *e);

/* --- invariants --- */

/* Sets `broken` where it is not set yet. */
void model_break(struct model *m, const char *name, const char *fmt, ...) ATTR_PRINTF(3, 4);
/* Those that hold after each step, and those of one decision. */
void model_check(struct model *m);
void model_check_decision(struct model *m, const struct decision *d);
/* Remembers what this step starts from. */
void model_check_begin(struct model *m);

#endif
