/* routes.h: what the server answers: a table of paths, methods and handlers. */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "agent/http/request.h"

enum http_methods { HTTP_GET = 1, HTTP_HEAD = 2, HTTP_POST = 4, HTTP_PUT = 8, HTTP_DELETE = 16 };

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

/* The row for a path, or NULL. */
const struct http_route *http_route(const char *path);
/* Hands a request that is read whole to its handler, or refuses it. */
void http_dispatch(struct http_request *r);

/* The handlers, by file. */
http_handler http_metrics;                               /* scrape.c */
http_handler http_healthy, http_ready, http_post_reload; /* manage.c */
http_handler http_page;                                  /* page.c */
http_handler http_services, http_service;                /* api_services.c */
http_handler http_explain;                               /* api_explain.c */

#endif
