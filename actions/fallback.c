/* fallback.c: the backup servers serve instead of the others, for the whole service,
 * as long as a realserver of it fires the rule. */
#include "actions/argument.h"
#include "actions/table.h"
#include "agent/holds/hold.h"

static int fallback_effect(const char *argument, struct buf *why, int *ret_effect)
{
	if (argument_none("fallback", argument, why))
		return -EINVAL;
	*ret_effect = HOLD_FALLBACK;
	return 0;
}

const struct action action_fallback = {
	.name = "fallback",
	.usage = "fallback",
	.help = "the service's backup servers in, the others out",
	.kind = ACTION_FALLBACK,
	.effect = fallback_effect,
};
