/* adopt.h: putting the rules of a configuration in force: made ready by whoever has the
 * time, then carried over and adopted on the loop, which cannot fail. */
#ifndef AGENT_ADOPT_H
#define AGENT_ADOPT_H

#include "agent/decide.h"

struct config;
struct reload_map;
struct ruleset;

struct agent_rules {
	struct ruleset *set;
	struct decided *decided;
};

/* Makes the rules of a configuration ready for its layout; agent_rules_adopt() puts them
 * in force, agent_rules_drop() does not. `why` says what of the rules cannot be. From
 * every thread. */
int agent_rules_prepare(const struct config *conf, struct layout *l, struct buf *why,
			struct agent_rules *ret_rules);
/* What goes on from the rules that are in force. */
void agent_rules_carry(const struct decider *d, const struct reload_map *map,
		       struct agent_rules *rules);
void agent_rules_adopt(struct decider *d, struct state *s, struct agent_rules *rules,
		       const struct moment *now);
void agent_rules_drop(struct agent_rules *rules);

#endif
