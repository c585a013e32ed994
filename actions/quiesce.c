/* quiesce.c: weight 0: no new connections, those that are there go on. */
#include "actions/argument.h"
#include "actions/table.h"
#include "agent/holds/hold.h"

static int quiesce_effect(const char *argument, struct buf *why, int *ret_effect)
{
	if (argument_none("quiesce", argument, why))
		return -EINVAL;
	*ret_effect = HOLD_ZERO;
	return 0;
}

const struct action action_quiesce = {
	.name = "quiesce",
	.usage = "quiesce",
	.help = "weight 0: no new connections, established ones go on",
	.kind = ACTION_HOLD,
	.effect = quiesce_effect,
};
