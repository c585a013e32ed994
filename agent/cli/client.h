/* client.h: the command line's side of the agent's unix socket. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdint.h>

#include "agent/cli/cli.h"

struct client_answer {
	int status; /* HTTP's */
	struct buf body;
};

/* Asks the running agent. 0 with the answer, whatever its status (buf_fini() its
 * body); else an exit code, and what is wrong was said on stderr. */
int client_ask(const struct cli_args *args, const char *method, const char *path,
	       int64_t timeout_ms, struct client_answer *ret_answer);

/* client_ask() by GET for JSON; an answer that is an error, or no JSON, is said on
 * stderr and ends with CLI_ERROR. */
int client_get(const struct cli_args *args, const char *path, struct client_answer *ret_answer);

/* Appends the message of a refusal: from {"error":{"message":…}}, or the text. */
void client_format_error(struct buf *out, const struct client_answer *answer);

/* Appends a path segment or a query's value, percent-encoded. */
void client_put_encoded(struct buf *out, const char *text);

/* Connects once and closes: 0 or -errno with a sentence for people in `why`. */
int client_knock(const char *socket_path, struct buf *why);

#endif
