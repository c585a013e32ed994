/* wait.h: a request that waits for the loop is set aside; no thread waits. */
#ifndef HTTP_WAIT_H
#define HTTP_WAIT_H

#include "agent/http/request.h"

/* Sets the request aside, until somebody ends the wait or `timeout_ms` are over;
 * then next(r) runs on its HTTP thread. The wait that is returned carries a
 * reference for him who will end it. NULL when the server stops or memory is out:
 * the request is answered then. */
struct http_wait *http_wait_begin(struct http_request *r, int64_t timeout_ms, http_handler *next);

enum http_outcome { HTTP_WAIT_PENDING = 0, HTTP_WAIT_DONE, HTTP_WAIT_TIMEOUT, HTTP_WAIT_STOPPING };

struct http_result {
	enum http_outcome outcome;
	int value;                  /* the one who ended it says what it means */
	enum command_status status; /* of a command */
	const char *guard;          /* … that one refuses: its slug; NULL = none */
	struct buf text;
	struct view *view;
};

/* From any thread; takes the caller's reference, and text and view out of the
 * result (they are freed when the request has gone on without them). */
void http_wait_end(struct http_wait *w, struct http_result *result);
/* After the wait, from next(): what came of it. */
struct http_result *http_wait_result(struct http_request *r);

/* Posts a command and waits for its reply. */
void http_command(struct http_request *r, struct command *cmd, int64_t timeout_ms,
		  http_handler *next);
/* The same where nothing but the reply is the answer: its JSON with `status` (200, 201),
 * or the error that it is. */
void http_pass_command(struct http_request *r, struct command *cmd, unsigned int status);
#define HTTP_ANY_AGE INT64_MAX
/* Goes on with the latest snapshot where it is that young; else a fresh one is waited for,
 * and an older one does where that takes too long. NULL for next() when there is none at
 * all. The wait may end the request: then next() is not called. */
void http_with_view(struct http_request *r, int64_t max_age_ms, http_view_handler *next);
/* Waits for the loop to turn once. */
void http_ask_loop(struct http_request *r, int64_t timeout_ms, http_handler *next);

/* --- for the server's own files --- */

/* Ends the wait of a request with that outcome; with the lock held. */
void http_wait_give_up(struct http_request *r, enum http_outcome outcome);
void http_wait_unref(struct http_wait *w);
/* Sets a request's wait down. */
void http_wait_fini(struct http_request *r);

#endif
