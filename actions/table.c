/* table.c: the registry. A new action is its file and one row here. */
#include "actions/table.h"

const struct action *const action_table[] = {
	&action_quiesce, &action_reweight, &action_remove, &action_fallback,
	&action_notify,  &action_exec,     NULL,
};
