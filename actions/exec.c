/* exec.c: starts a program, by its path: no shell, no search. */
#include <errno.h>
#include <string.h>

#include "actions/table.h"

static int exec_effect(const char *argument, struct buf *why, int *ret_effect)
{
	size_t len = strcspn(argument, " \t");

	if (!len) {
		buf_puts(why, "exec needs a program, as in 'exec /usr/local/bin/tell ops'");
		return -EINVAL;
	}
	if (argument[0] != '/' || argument[len - 1] == '/') {
		buf_printf(why, "exec takes the absolute path of a program, not '%.*s'", (int)len,
			   argument);
		return -EINVAL;
	}
	*ret_effect = 0;
	return 0;
}

const struct action action_exec = {
	.name = "exec",
	.usage = "exec /PATH [ARGUMENT…]",
	.help = "starts a program, without a shell",
	.kind = ACTION_TELL,
	.effect = exec_effect,
};
