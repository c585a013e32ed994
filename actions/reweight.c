/* reweight.c: a share of the configured weight: fewer new connections, not none. */
#include <errno.h>

#include "actions/table.h"
#include "agent/base/parse.h"
#include "agent/holds/hold.h"

static int reweight_effect(const char *argument, struct buf *why, int *ret_effect)
{
	unsigned int percent;

	if (!*argument) {
		buf_puts(why, "reweight needs a share, as in 'reweight 50%'");
		return -EINVAL;
	}
	if (parse_share(argument, &percent) || percent < 1 || percent > 99) {
		buf_printf(why, "reweight takes a share between 1%% and 99%%, not '%s'", argument);
		if (!parse_share(argument, &percent) && !percent)
			buf_puts(why, " (weight 0 is 'quiesce')");
		return -EINVAL;
	}
	*ret_effect = (int)percent;
	return 0;
}

const struct action action_reweight = {
	.name = "reweight",
	.usage = "reweight N%",
	.help = "a share of the configured weight, rounded up, at least 1",
	.kind = ACTION_HOLD,
	.effect = reweight_effect,
};
