/* table.h: the registry of actions. */
#ifndef ACTIONS_TABLE_H
#define ACTIONS_TABLE_H

#include "agent/action.h"

/* NULL-terminated. */
extern const struct action *const action_table[];

extern const struct action action_quiesce, action_reweight, action_remove, action_fallback,
	action_notify, action_exec;

#endif
