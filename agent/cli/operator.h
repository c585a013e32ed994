/* operator.h: what the subcommands share by which an operator asks for something. */
#ifndef CLI_OPERATOR_H
#define CLI_OPERATOR_H

#include <jansson.h>

#include "agent/cli/cli.h"

/* In whose name: --holder, or who sits there: the user who called sudo, else the user's
 * name. Appends it; CLI_OK, or CLI_USAGE when it is no name, which was said. */
int operator_holder(const struct cli_args *args, struct buf *out);

/* A request: the target (NULL = none) and what --holder, --reason, --for, --timeout and
 * --force say. CLI_OK, or an exit code, and what is wrong was said. */
int operator_request(const struct cli_args *args, const char *target, json_t **ret_request);

/* Asks for it (POST) at `path`, with one member more ("weight": 0; the value is taken over;
 * NULL = none). An exit code; CLI_OK with the answer. */
int operator_ask(const struct cli_args *args, const char *path, const char *target,
		 const char *member, json_t *value, json_t **ret_answer);

/* Ends holds (DELETE) of that kind ("drain", "admit", "weight") at a target: the caller's
 * own, or with --all everybody's. An exit code; CLI_OK with the answer. */
int operator_lift(const struct cli_args *args, const char *target, const char *kind,
		  json_t **ret_answer);

/* Takes the answer: prints what was lifted, what remains, and how it returns. An exit
 * code. */
int operator_tell_lifted(const struct cli_args *args, json_t *answer);

#endif
