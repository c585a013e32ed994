/* remove.c: the realserver leaves the kernel's table: for schedulers that refuse the
 * clients of one at weight 0. Its established connections are cut. */
#include "actions/argument.h"
#include "actions/table.h"
#include "agent/holds/hold.h"

static int remove_effect(const char *argument, struct buf *why, int *ret_effect)
{
	if (argument_none("remove", argument, why))
		return -EINVAL;
	*ret_effect = HOLD_ABSENT;
	return 0;
}

const struct action action_remove = {
	.name = "remove",
	.usage = "remove",
	.help = "out of the kernel: established connections are cut",
	.kind = ACTION_HOLD,
	.effect = remove_effect,
};
