/* routes.h: what the server answers: a table of paths, methods and handlers. */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "agent/http/request.h"

enum http_methods { HTTP_GET = 1, HTTP_HEAD = 2, HTTP_POST = 4, HTTP_PUT = 8, HTTP_DELETE = 16 };

enum { HTTP_SMALL_BODY = 64 * 1024 };

/* A path may have several rows, for methods that differ in who may and what is done. */
struct http_route {
	const char *path;
	bool below; /* and every path that begins with it */
	unsigned int methods;
	bool write;      /* changes something: needs authentication */
	size_t max_body; /* a larger one is 413 */
	http_handler *handler;
	const char *help;
};

extern const struct http_route http_routes[];
extern const size_t http_n_routes;

/* The row for a path and a method, or NULL. */
const struct http_route *http_route(const char *path, const char *method);
/* Appends "GET, HEAD". */
void http_put_methods(unsigned int mask, struct buf *out);
/* Hands a request that is read whole to its handler, or refuses it. */
void http_dispatch(struct http_request *r);

/* The handlers, by file. */
http_handler http_metrics;                               /* scrape.c */
http_handler http_healthy, http_ready, http_post_reload; /* manage.c */
http_handler http_page;                                  /* page.c */
http_handler http_services, http_service;                /* api_services.c */
http_handler http_explain;                               /* api_explain.c */
http_handler http_holds, http_hold, http_lift, http_lift_id, http_freeze, http_thaw, http_alerts,
	http_role, http_set_role, http_rules, http_probe; /* api_holds.c */
http_handler http_events;                                 /* events.c */
http_handler http_whoami;                                 /* api_whoami.c */
http_handler http_journal;                                /* api_journal.c */
http_handler http_config;                                 /* api_config.c */
http_handler http_peer, http_peers;                       /* api_peers.c */

#endif
