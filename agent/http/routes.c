/* routes.c: paths, methods and handlers as a table; what is asked wrongly is
 * refused here, so that a handler only sees what it can answer. */
#include "agent/http/routes.h"

#include <string.h>

#include "agent/http/auth.h"

enum { READ = HTTP_GET | HTTP_HEAD, SMALL_BODY = 64 * 1024 };

/* clang-format off */
const struct http_route http_routes[] = {
	{ "/", false, READ, false, SMALL_BODY, http_page, "this page" },
	{ "/metrics", false, READ, false, SMALL_BODY, http_metrics,
	  "metrics for Prometheus; collect[]=NAME for some collectors only" },
	{ "/-/healthy", false, READ, false, SMALL_BODY, http_healthy,
	  "200 as long as the agent's loop answers" },
	{ "/-/ready", false, READ, false, SMALL_BODY, http_ready,
	  "200 once configuration and kernel have been read" },
	{ "/-/reload", false, HTTP_POST | HTTP_PUT, true, SMALL_BODY, http_post_reload,
	  "reads the configuration again" },
	{ "/api/v1/services", false, READ, false, SMALL_BODY, http_services,
	  "all services, configured and foreign" },
	{ "/api/v1/services/", true, READ, false, SMALL_BODY, http_service,
	  "one service, or SERVICE/realservers/REALSERVER" },
	{ "/api/v1/explain", false, READ, false, SMALL_BODY, http_explain,
	  "?target=SERVICE/REALSERVER: why its weight is what it is" },
};
/* clang-format on */
const size_t http_n_routes = countof(http_routes);

static const struct {
	const char *name;
	enum http_methods method;
} methods[] = {
	{ "GET", HTTP_GET }, { "HEAD", HTTP_HEAD },     { "POST", HTTP_POST },
	{ "PUT", HTTP_PUT }, { "DELETE", HTTP_DELETE },
};

const struct http_route *http_route(const char *path)
{
	for (size_t i = 0; i < http_n_routes; i++) {
		const struct http_route *row = &http_routes[i];
		size_t len = strlen(row->path);

		if (row->below ? strncmp(path, row->path, len) == 0 && path[len]
			       : strcmp(path, row->path) == 0)
			return row;
	}
	return NULL;
}

static bool method_allowed(const struct http_request *r)
{
	for (size_t i = 0; i < countof(methods); i++)
		if (strcmp(r->method, methods[i].name) == 0)
			return r->route->methods & methods[i].method;
	return false;
}

static void refuse_method(struct http_request *r)
{
	struct buf allow = BUF_INIT;

	for (size_t i = 0; i < countof(methods); i++) {
		if (!(r->route->methods & methods[i].method))
			continue;
		buf_puts(&allow, allow.len > 0 ? ", " : "");
		buf_puts(&allow, methods[i].name);
	}
	http_add_header(r, "Allow", buf_str(&allow));
	http_error(r, 405, "only %s here", buf_str(&allow));
	buf_fini(&allow);
}

void http_dispatch(struct http_request *r)
{
	if (!r->route)
		http_error(r, 404, "there is nothing here");
	else if (!method_allowed(r))
		refuse_method(r);
	else if (!buf_ok(&r->body))
		http_error(r, 500, "out of memory");
	else if (r->route->write)
		auth_then(r, r->route->handler);
	else
		r->route->handler(r);
}
