/* conn.h: one connection, from accept to close: who is at its other end, what it is at,
 * and who must go where there are too many. Guarded by the server's lock. */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "agent/base/addr.h"
#include "agent/http/request.h"

struct http_daemon;
struct http_server;

/* In the order in which they may be cut where there are too many. */
enum http_phase {
	HTTP_PHASE_IDLE = 0, /* no whole head of a request is there */
	HTTP_PHASE_BODY,     /* a body is being read, or the request done */
	HTTP_PHASE_ANSWER,   /* an answer is being sent */
};

struct http_conn {
	struct http_conn *prev, *next;
	struct http_daemon *daemon;
	int fd;
	bool is_unix;
	bool cut;         /* shut down; its thread has not closed it yet */
	bool streams;     /* events are sent to it; see events.h */
	struct addr peer; /* none for a unix socket */
	enum http_phase phase;
	int64_t since_ms;             /* monotonic: that phase began */
	int64_t deadline_ms;          /* then it is cut */
	struct http_request *waiting; /* set aside, until wait_ms */
	int64_t wait_ms;
};

/* Its next step begins, and must be over within that time. Takes the lock. */
void http_conn_step(struct http_conn *c, enum http_phase phase, int64_t ms);
/* Ends it: its thread finds it broken and closes it. With the lock held. */
void http_conn_cut(struct http_conn *c, int64_t now_ms);
/* A connection was accepted, and is in the list: where its listener, or its address,
 * has too many, the one that does the least goes: a new one always has its chance. So
 * idle connections, however many, keep nobody out. Takes the lock. */
void http_conn_admit(struct http_conn *c);
/* The same where nobody could be cut at that time; returns when it is to be called
 * again. With the lock held. */
int64_t http_conn_relieve(struct http_server *s, int64_t now_ms);

#endif
