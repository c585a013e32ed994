/* remedy.h: rules at work: verdict → rule's state → guard → hold. The built-in rule
 * probe-down (probe_up == 0, quiesce) goes this way. */
#ifndef RULES_REMEDY_H
#define RULES_REMEDY_H

#include "agent/model/state.h"
#include "agent/rules/guard.h"

struct action;
struct holds;
struct placer;
struct remedy;

struct remedy_rule {
	const char *name; /* "probe-down" */
	int effect;       /* of its holds */
};

struct remedy_stats {
	uint64_t detected, enforced, refused[N_GUARDS];
};

int remedy_new(const struct remedy_rule *rule, struct holds *holds, struct placer *placer,
	       struct remedy **ret_remedy);
void remedy_free(struct remedy *m);

/* Judges every realserver of a service: ends the holds whose rule resolved, asks for
 * those whose rule fires, as far as the guards admit them. The realservers' weights
 * must have been decided with the holds as they are. */
void remedy_service(struct remedy *m, struct state *s, uint32_t service, bool kernel_known,
		    int64_t now_wall_ms);

/* Ends the rule's holds on realservers that the layout does not have any more. */
void remedy_sweep(struct remedy *m, const struct state *s);

void remedy_stats(const struct remedy *m, struct remedy_stats *ret_stats);
const struct remedy_rule *remedy_rule(const struct remedy *m);

/* Appends why a realserver's probes say down: "http connection refused, 3 of 3
 * probes failed". */
void remedy_reason(const struct state *s, uint32_t realserver, struct buf *out);

#endif
