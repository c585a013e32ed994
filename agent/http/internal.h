/* internal.h: the server as its own files see it: the listeners' daemons, the
 * connections, and what is guarded by the one lock. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/http/conn.h"
#include "agent/http/listen.h"
#include "agent/http/server.h"
#include "agent/http/tls.h"

struct auth;

/* One daemon of libmicrohttpd. It outlives its place in the configuration until
 * what is under way is answered. */
struct http_daemon {
	struct http_daemon *next;
	struct http_server *server;
	struct listener *listener; /* NULL = handed on, or closed */
	bool is_unix;
	struct tls *tls;          /* NULL = plain */
	struct http_daemon *kept; /* in a plan: this one stays instead */
	bool borrowed;            /* in a plan: the listener is still another's */
	uint32_t max_connections;
	void *mhd;
	unsigned int requests; /* under way; guarded by the lock */
	atomic_bool closing;   /* answers close their connection */
	bool crowded;          /* has too many connections; guarded by the lock */
	bool stopping;         /* nobody may wait any more; guarded by the lock */
	int64_t retire_ms;     /* when it is stopped at last */
};

struct http_server {
	struct http_env env;
	struct http_limits limits;
	atomic_uint refs; /* one is http_free()'s, one each wait's */
	pthread_mutex_t lock;
	pthread_cond_t wake; /* the watch: something nearer is due, or stopping */
	pthread_cond_t idle; /* a request ended */
	pthread_t watch;
	bool watching, stopping, stop_watch;
	int64_t watch_ms; /* when the watch looks next */
	struct http_conn *conns;
	struct http_daemon *daemons; /* in force; touched by the loop thread only */
	struct http_daemon *retired; /* guarded by the lock */
	struct auth *auth;           /* guarded by the lock; see http_auth() */
	struct {
		unsigned int running;
		struct http_wait **waiting; /* first come, first served */
		size_t n_waiting, cap_waiting;
	} scrapes; /* guarded by the lock */
	/* Who listens to events, and when they are looked after next; see events.h. */
	struct listen_stream *listeners;
	int64_t beat_ms, look_ms;
	atomic_uint listening;
	char *state_dir;     /* the journal's; "" = none is kept */
	atomic_uint readers; /* of it, under way */
	atomic_uint large;   /* bodies over HTTP_SMALL_BODY in memory */
};

void http_server_unref(struct http_server *s);
/* A reference on the secrets and switches in force. */
struct auth *http_auth(struct http_server *s);

/* --- server.c --- */

/* Starts serving on d->listener; -errno with a sentence. */
int http_daemon_start(struct http_daemon *d, struct buf *why);
/* Stops accepting; the listener's descriptor stays open. */
void http_daemon_quiesce(struct http_daemon *d);
/* Ends its thread and its connections, frees it. Nothing may wait in it. */
void http_daemon_free(struct http_daemon *d);
/* Calls the request anew on its HTTP thread; with the lock held. */
void http_resume(struct http_request *r);
void http_suspend(struct http_request *r);

/* --- respond.c --- */

/* Sends r->answer; what on_request() returns (MHD_NO closes the connection: what is left
 * when memory is out). */
int http_respond(struct http_request *r);

/* --- watch.c --- */

/* Starts the thread that cuts connections and ends waits whose time is over, and
 * stops retired daemons. */
int http_watch_start(struct http_server *s);
void http_watch_stop(struct http_server *s);
/* Something is due at `when_ms`; with the lock held. */
void http_watch_at(struct http_server *s, int64_t when_ms);

#endif
