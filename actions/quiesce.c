/* quiesce.c: weight 0: no new connections, those that are there go on. */
#include <errno.h>

#include "actions/table.h"
#include "agent/holds/hold.h"

static int quiesce_effect(const char *argument, struct buf *why, int *ret_effect)
{
	if (*argument) {
		buf_printf(why, "quiesce takes no argument, but '%s' follows it", argument);
		return -EINVAL;
	}
	*ret_effect = HOLD_ZERO;
	return 0;
}

const struct action action_quiesce = {
	.name = "quiesce",
	.help = "weight 0: no new connections, established ones go on",
	.effect = quiesce_effect,
};
