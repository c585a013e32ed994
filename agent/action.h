/* action.h: the door for what may be asked when a rule fires. Actions ask: they say
 * which effect a hold shall have, and never touch the kernel. */
#ifndef AGENT_ACTION_H
#define AGENT_ACTION_H

#include "agent/base/buf.h"

struct action {
	const char *name; /* the first word of `action = …` */
	const char *help;
	/* The effect of the hold to place (holds/hold.h), from the words behind the name;
	 * -EINVAL with a reason. */
	int (*effect)(const char *argument, struct buf *why, int *ret_effect);
};

#endif
