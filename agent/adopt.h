/* adopt.h: putting the rules of a configuration in force, in two steps, of which the
 * second cannot fail. */
#ifndef AGENT_ADOPT_H
#define AGENT_ADOPT_H

#include "agent/decide.h"

struct config;
struct ruleset;

struct agent_rules {
	struct ruleset *set;
	struct decided *decided;
};

/* Makes the rules of a configuration ready for a state of it; agent_rules_adopt() puts
 * both in force, agent_rules_drop() does not. `why` says what of the rules cannot be. */
int agent_rules_prepare(const struct decider *d, const struct config *conf, const struct state *s,
			struct buf *why, struct agent_rules *ret_rules);
void agent_rules_adopt(struct decider *d, struct state *s, struct agent_rules *rules,
		       const struct moment *now);
void agent_rules_drop(struct agent_rules *rules);

#endif
