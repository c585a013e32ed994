/* server.h: the HTTP server: libmicrohttpd's epoll threads, one daemon a listener.
 * Serves the published snapshot; what changes anything is posted as a command. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "agent/command.h"
#include "agent/http/http_conf.h"

struct collector;
struct loop;
struct http_server;

struct http_env {
	struct agent_door door;
	struct loop *loop;                         /* its work queue checks passwords */
	const struct collector *const *collectors; /* the registry, NULL-terminated */
};

/* Opens every listener and starts serving; the configuration is borrowed until
 * http_reload() or http_free(). On failure why gets the sentence ("cannot listen on
 * 10.0.0.1:80: Address already in use") and nothing is left open. */
int http_new(const struct http_conf *conf, const struct http_env *env, struct buf *why,
	     struct http_server **ret_server);

/* Takes over a new configuration: listeners that stay are kept open, secrets and
 * certificates are read anew; on failure the old one stays in force. */
int http_reload(struct http_server *s, const struct http_conf *conf, struct buf *why);

/* Answers what is under way and closes. NULL is fine. The loop must still run, or
 * have been stopped for good. */
void http_free(struct http_server *s);

#endif
