/* command.c: what a request owns. */
#include "agent/command.h"

#include <stdlib.h>

void command_fini(struct command *cmd)
{
	free(cmd->target);
	free(cmd->who);
	free(cmd->holder);
	free(cmd->reason);
	free(cmd->id);
	free(cmd->only);
	buf_fini(&cmd->body);
	*cmd = (struct command){ .kind = cmd->kind };
}
