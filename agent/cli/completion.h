/* completion.h: PURE: the completion scripts of the shells, from the tables. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "agent/cli/cli.h"

void completion_bash(const struct cli_command *commands, struct buf *out);
void completion_zsh(const struct cli_command *commands, struct buf *out);
void completion_fish(const struct cli_command *commands, struct buf *out);

/* Whether a subcommand takes an option. */
static inline bool completion_takes(const struct cli_command *c, const struct cli_option *o)
{
	return !o->bits || (o->bits & c->options);
}

/* Appends the names of the subcommands that help tells of, blanks between them. */
void completion_put_commands(const struct cli_command *commands, struct buf *out);
/* Appends text for between single quotes of a shell; `also` are escaped by a backslash. */
void completion_put_quoted(struct buf *out, const char *text, const char *also);

#endif
