/* show.h: a subcommand that shows one of the API's answers. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "agent/cli/cli.h"
#include "agent/cli/render.h"

struct client_question;

typedef int show_fn(const json_t *json, const struct text_style *style, struct buf *out);

/* Asks and prints the answer: as it is with --json, else by `render`. An exit code; what
 * is wrong was said on stderr. */
int show(const struct cli_args *args, const struct client_question *q, show_fn *render);
/* The same for a GET. */
int show_path(const struct cli_args *args, const char *path, show_fn *render);
/* The same for what was asked already. */
int show_json(const struct cli_args *args, const json_t *json, show_fn *render);

#endif
