/* server.h: the HTTP server: libmicrohttpd's epoll threads, one daemon a listener.
 * Serves the published snapshot; what changes anything is posted as a command. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "agent/command.h"
#include "agent/http/http_conf.h"

struct collector;
struct loop;
struct http_server;
struct netns_home;

/* Milliseconds and counts; what is 0 stands at its default. */
struct http_limits {
	int64_t head_ms;      /* connect to the end of the first headers, handshake included */
	int64_t body_ms;      /* headers to the end of the body */
	int64_t answer_ms;    /* the sending of an answer */
	int64_t idle_ms;      /* between two requests of a connection */
	int64_t loop_ms;      /* the loop's answer to /-/healthy */
	int64_t view_ms;      /* a fresh snapshot, for others than scrapes */
	int64_t reload_ms;    /* a reload */
	int64_t drain_ms;     /* what is under way at a stop */
	int64_t heartbeat_ms; /* between two of them to who listens to events */
	unsigned int scrapes;
};

struct http_env {
	struct agent_door door;
	struct loop *loop;                         /* its work queue checks passwords */
	const struct collector *const *collectors; /* the registry, NULL-terminated */
	struct http_limits limits;
	const char *state_dir;   /* where the journal is; NULL = nowhere */
	struct netns_home *home; /* where it listens, borrowed; NULL = here */
};

/* Opens every listener and starts serving; the configuration is borrowed for the
 * call. On failure why gets the sentence ("cannot listen on 10.0.0.1:80: Address
 * already in use") and nothing is left open. */
int http_new(const struct http_conf *conf, const struct http_env *env, struct buf *why,
	     struct http_server **ret_server);

/* Takes over a new configuration: listeners that stay are kept open, secrets and
 * certificates are read anew; what is under way is answered, also on listeners that
 * go. On failure the old one stays in force. On the loop thread. */
int http_reload(struct http_server *s, const struct http_conf *conf, struct buf *why);

/* Tells who listens to events one of that kind: `data` is a line of JSON, seq > 0 its
 * number. Never waits; costs next to nothing where nobody listens. From any thread; NULL
 * is fine, to the second too. */
void http_event(struct http_server *s, const char *kind, const char *data, size_t len,
		uint64_t seq);
bool http_listened(struct http_server *s);

/* Ends every wait with 503, gives what is under way a second, closes. NULL is fine.
 * The loop must still run, or have been stopped for good. */
void http_free(struct http_server *s);

#endif
