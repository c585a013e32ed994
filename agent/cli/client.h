/* client.h: the command line's side of the agent's unix socket. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>
#include <stdint.h>

#include "agent/cli/cli.h"

/* Which socket: the one of --socket, else the first that the configuration names, else
 * the default. Read once, for who asks again and again. */
struct client {
	struct buf socket_path;
};

struct client_question {
	const char *method; /* NULL = GET */
	const char *path;
	const json_t *body; /* NULL = none */
	int64_t timeout_ms; /* 0 = 15 s */
};

struct client_answer {
	int status; /* HTTP's */
	struct buf body;
};

/* CLI_OK, then client_close() is due; else an exit code, and what is wrong was said on
 * stderr. */
int client_open(const struct cli_args *args, struct client *ret_client);
void client_close(struct client *c);

/* Asks once. 0 with the answer, whatever its status (buf_fini() its body); else -errno
 * with a sentence in `why`. */
int client_call(const struct client *c, const struct client_question *q, struct buf *why,
		struct client_answer *ret_answer);

/* client_call() for JSON: 0 with it (2xx), or -errno with a sentence: -EPROTO where the
 * agent refuses, -EBADMSG where the answer is none that we understand. */
int client_call_json(const struct client *c, const struct client_question *q, struct buf *why,
		     json_t **ret_json);

/* Gives what comes of a GET that never ends to on_data(), until that is false or it ends
 * all the same: 0. -EPROTO where the agent refuses, -errno, with a sentence in `why`. */
int client_stream(const struct client *c, const char *path,
		  bool (*on_data)(void *arg, const char *bytes, size_t len), void *arg,
		  struct buf *why);

/* For who asks once: opens, calls and closes. CLI_OK with the answer, whatever its
 * status; else an exit code, and what is wrong was said. */
int client_ask(const struct cli_args *args, const struct client_question *q,
	       struct client_answer *ret_answer);

/* client_ask() for JSON; a refusal is said (client_refused()) and ends with CLI_ERROR. */
int client_ask_json(const struct cli_args *args, const struct client_question *q,
		    json_t **ret_json);
/* The JSON of an answer that was asked for, the same way. Frees the answer. */
int client_json(const struct cli_args *args, struct client_answer *answer, json_t **ret_json);

/* Says that the agent refuses, and why: on stderr, or with --json on stdout as it came.
 * CLI_ERROR. */
int client_refused(const struct cli_args *args, const struct client_answer *answer);

/* Appends the message of a refusal: from {"error":{"message":…}}, or the text. */
void client_format_error(struct buf *out, const struct client_answer *answer);

/* Appends a path segment or a query's value, percent-encoded. */
void client_put_encoded(struct buf *out, const char *text);

/* Connects once and closes: 0 or -errno with a sentence for people in `why`. */
int client_knock(const char *socket_path, struct buf *why);

#endif
