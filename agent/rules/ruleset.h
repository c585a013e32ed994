/* ruleset.h: the rules of a configuration, made ready for a layout: compiled, matched
 * to realservers, with the windows that they need and a slot for each pair of rule and
 * realserver. Made whole or not at all, so that a load which cannot have its memory
 * changes nothing. */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include "agent/base/due.h"
#include "agent/model/state.h"
#include "agent/rules/brake.h"
#include "agent/rules/eval.h"
#include "agent/rules/expr.h"
#include "agent/rules/flap.h"
#include "agent/rules/guard.h"
#include "agent/rules/rate.h"
#include "agent/rules/rule_conf.h"
#include "agent/rules/samples.h"

struct reload_map;

enum { EFFECT_NONE = INT32_MAX }; /* of a rule that places no hold */

/* A rule and a realserver. */
struct rule_slot {
	struct rule_run run;
	double value;           /* of the last evaluation: NAN = none */
	RULE_TIME(held_ms);     /* its hold was placed; 0 = never */
	RULE_TIME(resolved_ms); /* the rule ended while its hold stood; 0 = it has not */
	RULE_TIME(released_ms); /* its last hold ended; 0 = never */
	uint8_t refused : 4;    /* enum guard: why it is not held all the same */
	uint8_t delayed : 3;    /* enum guard: why its hold is not released yet */
	bool matched : 1;
} __attribute__((packed, aligned(8)));
_Static_assert(N_GUARDS <= 16 && GUARD_COOLDOWN < 8 && GUARD_FLAPPING < 8, "no room for it");

struct ruleset_rule {
	const struct rule_conf *conf;
	struct expr *expr; /* NULL = it goes by alerts */
	int effect;        /* the least of its holds', or EFFECT_NONE */
	bool fallback;     /* it asks for the backups of the service */
	bool exempt;       /* probe-down: may be delayed, is never refused for its past */
	bool verdict;      /* looks at probe verdicts alone */
	uint32_t *first;   /* by service: its first slot; LAYOUT_NONE = not matched */
	struct rule_slot *slots;
	uint32_t n_slots;
	struct rule_slot *services; /* with `fallback`, by service: of its hold there */
	uint64_t detected, enforced, refused[N_GUARDS];
};

struct ruleset {
	struct layout *layout; /* a reference */
	struct rate *rate;     /* NULL = no limit */
	struct brake *brake;   /* NULL = off */
	struct due due;        /* by service: when time alone may change something */
	bool *awaits;          /* by service: it stands in … */
	uint32_t *awaiting;    /* … the list of those that wait for any probe to succeed */
	uint32_t n_awaiting;
	struct ruleset_rule *rules;
	uint32_t n_rules;
	struct samples *samples;
	struct flap *flaps;         /* by realserver */
	struct flap *service_flaps; /* of holds on services as a whole */
	int64_t *noted_ms;          /* by service: when its samples were noted last */
	bool *sampled;              /* by service: a rule there looks at more than verdicts */
	bool needs[N_SIGNALS];
	bool needs_kernel;   /* some rule looks at the kernel's figures */
	bool needs_attempts; /* … at more of probes than their verdict */
	bool needs_weights;  /* … at weights, or at who serves beside it */
	bool any_sampled;
};

struct ruleset_conf {
	const struct rule_conf *const *rules;
	uint32_t n_rules;
	uint32_t rate_n; /* new holds in rate_ms; 0 = no limit */
	int64_t rate_ms;
	uint32_t correlated_targets; /* 0 = off */
	uint32_t correlated_share;   /* percent */
	int64_t sample_interval;     /* ms */
	uint64_t window_memory;      /* bytes */
};

/* -EINVAL, -E2BIG (more than window_memory) or -ENOMEM, `why` says what. Borrows the
 * configuration, which the layout holds. */
int ruleset_new(struct layout *l, const struct ruleset_conf *conf, struct buf *why,
		struct ruleset **ret_set);
void ruleset_free(struct ruleset *r);

/* What goes on over a reload: states, penalties, windows and counters of what has the
 * same names, by the map from the layout of `from` to that of `to`. */
void ruleset_carry(struct ruleset *to, const struct ruleset *from, const struct reload_map *map);

/* By its name; NULL = none. */
struct ruleset_rule *ruleset_named(const struct ruleset *r, const char *name);
/* NULL where the rule is not about that realserver. */
struct rule_slot *ruleset_slot(const struct ruleset *r, const struct ruleset_rule *rule,
			       uint32_t realserver);

#endif
