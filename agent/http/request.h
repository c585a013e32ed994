/* request.h: one request as the handlers see it. No handler knows libmicrohttpd:
 * it reads here, and ends with exactly one of http_answer(), http_error(),
 * http_answer_stream() or http_wait_begin(). */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "agent/command.h"

struct http_request;
struct http_route;
struct http_server;
struct http_wait;
struct secrets;
struct view;

typedef void http_handler(struct http_request *r);

enum http_transport { HTTP_TCP = 0, HTTP_TLS, HTTP_UNIX };

/* What is made while it is sent. next() appends until `out` holds `enough` bytes or
 * all is said, and is false with the last of it. free() may be NULL. */
struct http_stream {
	bool (*next)(void *state, struct buf *out, size_t enough);
	void (*free)(void *state);
	void *state;
};

enum { HTTP_MAX_HEADERS = 6 };

struct http_answer {
	unsigned int status; /* 0 = none yet */
	const char *type;    /* a literal */
	struct {
		const char *name;
		char *value;
	} headers[HTTP_MAX_HEADERS];
	unsigned int n_headers;
	struct buf body;
	struct http_stream stream; /* next != NULL: instead of the body */
	int64_t within_ms;         /* to be sent within; 0 = the usual */
};

struct http_request {
	struct http_server *server;
	struct http_conn *conn;
	void *mhd; /* server.c's */
	const char *path, *method;
	const struct http_route *route;
	struct buf body;
	size_t swallowed; /* of a body that was too large */
	struct http_answer answer;
	http_handler *next;     /* what goes on after the wait */
	struct http_wait *wait; /* its result, from then on until the request's end */
	bool suspended;
	void *state; /* the handler's own, freed with the request */
	void (*state_free)(void *state);
};

/* --- what was asked (server.c) --- */

/* A header of the request, or NULL; borrowed for the request's life. */
const char *http_header(const struct http_request *r, const char *name);
/* The first ?name=… or NULL; "" where it has no value. */
const char *http_query(const struct http_request *r, const char *name);
/* Calls fn for each ?name=… in turn until it returns false. */
void http_query_each(const struct http_request *r, const char *name,
		     bool (*fn)(void *arg, const char *value), void *arg);
bool http_is_head(const struct http_request *r);
enum http_transport http_transport(const struct http_request *r);
bool http_from_loopback(const struct http_request *r);
/* True when the client showed a certificate that client_ca_file vouches for. */
bool http_client_certified(const struct http_request *r);

/* --- what is answered (answer.c) --- */

/* Adds a header; the value is copied. To be called before the answer. */
void http_add_header(struct http_request *r, const char *name, const char *value);
/* Takes the body's bytes over. */
void http_answer(struct http_request *r, unsigned int status, const char *type, struct buf *body);
void http_answer_text(struct http_request *r, unsigned int status, const char *text);
/* Takes the stream over: its free() is called in any case. */
void http_answer_stream(struct http_request *r, const char *type, const struct http_stream *stream);
/* JSON under /api, a line of text elsewhere; control characters become '?'. */
void http_error(struct http_request *r, unsigned int status, const char *fmt, ...)
	ATTR_PRINTF(3, 4);
void http_answer_fini(struct http_answer *a);
/* Appends what somebody sent, fit to be shown: at most 200 bytes, printable. */
void http_put_clean(struct buf *out, const char *text);

/* A reference on the latest snapshot, or NULL (wait.c). */
struct view *http_view(const struct http_request *r);

#endif
