/* show.h: a subcommand that shows one of the API's answers. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "agent/cli/cli.h"
#include "agent/cli/render.h"

typedef int show_fn(const json_t *json, const struct text_style *style, struct buf *out);

/* Asks for `path` and prints the answer: as it is with --json, else by `render`. An
 * exit code; what is wrong was said on stderr. */
int show(const struct cli_args *args, const char *path, show_fn *render);

#endif
