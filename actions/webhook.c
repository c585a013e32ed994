/* webhook.c: tells the receiver that a [notify] section names. */
#include <errno.h>

#include "actions/table.h"
#include "conf/setter.h"

static int notify_effect(const char *argument, struct buf *why, int *ret_effect)
{
	if (!*argument) {
		buf_puts(why, "notify needs the name of a [notify] section, as in 'notify ops'");
		return -EINVAL;
	}
	if (!conf_name_ok(argument)) {
		buf_printf(why, "notify takes the name of one [notify] section, not '%s'",
			   argument);
		return -EINVAL;
	}
	*ret_effect = 0;
	return 0;
}

const struct action action_notify = {
	.name = "notify",
	.usage = "notify NAME",
	.help = "tells the receiver of [notify NAME]",
	.kind = ACTION_TELL,
	.effect = notify_effect,
	.refers = "notify",
};
