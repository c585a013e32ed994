/* journal.h: inside of `journal`. */
#ifndef CLI_JOURNAL_H
#define CLI_JOURNAL_H

#include "agent/cli/cli.h"

/* Appends the path of the last `limit` lines of the target that was named. */
void journal_put_path(const struct cli_args *args, unsigned int limit, struct buf *out);

/* Prints the last `limit` lines, then what happens, until a signal ends it: an agent that
 * restarts is waited for. An exit code. */
int journal_follow(const struct cli_args *args, unsigned int limit);

#endif
