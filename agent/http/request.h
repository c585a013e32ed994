/* request.h: one request as the handlers see it. No handler knows libmicrohttpd:
 * it reads here, and ends with exactly one of http_answer(), http_error(),
 * http_answer_stream() or http_wait_begin(). */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "agent/command.h"
#include "agent/http/answer.h"

struct http_route;
struct http_server;
struct http_wait;
struct secrets;
struct view;

typedef void http_handler(struct http_request *r);
/* Takes the reference on the snapshot over; NULL = none came in time. */
typedef void http_view_handler(struct http_request *r, struct view *v);

enum http_transport { HTTP_TCP = 0, HTTP_TLS, HTTP_UNIX };

struct http_request {
	struct http_server *server;
	struct http_conn *conn;
	void *mhd; /* server.c's */
	const char *path, *method;
	const struct http_route *route;
	struct buf body;
	size_t swallowed; /* of a body that was too large */
	bool large;       /* its body counts among the large ones, … */
	bool crowded;     /* … of which there were too many */
	struct http_answer answer;
	http_handler *next;         /* what goes on after the wait */
	http_view_handler *viewing; /* and with what it waited for */
	struct http_wait *wait;     /* its result, from then on until the request's end */
	bool suspended;
	char *who;      /* of a write: who was let in, or claims to be somebody; may be NULL */
	const char *by; /* … and by what: "token"; NULL = nobody was */
	char *about;    /* of a write: its target, for the audit; may be NULL */
	void *state;    /* the handler's own, freed with the request */
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
/* The first name in the query that is none of `known` (NULL-terminated); NULL = none. */
const char *http_query_other(const struct http_request *r, const char *const *known);
bool http_is_head(const struct http_request *r);
enum http_transport http_transport(const struct http_request *r);
bool http_from_loopback(const struct http_request *r);
/* True when the client showed a certificate that client_ca_file vouches for; its
 * common name then, malloc'd, or NULL where it has none. */
bool http_client_certified(const struct http_request *r, char **ret_name);
/* The user at the other end of a unix socket; malloc'd, NULL = not to be had. */
char *http_peer_user(const struct http_request *r);
/* Appends where the request comes from: an address with its port, or "unix". */
void http_put_from(const struct http_request *r, struct buf *out);

/* A reference on the latest snapshot, or NULL (wait.c). */
struct view *http_view(const struct http_request *r);

#endif
