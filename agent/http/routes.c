/* routes.c: paths, methods and handlers as a table; what is asked wrongly is
 * refused here, so that a handler only sees what it can answer. */
#include "agent/http/routes.h"

#include <string.h>

#include "agent/http/auth.h"

enum {
	READ = HTTP_GET | HTTP_HEAD,
	SMALL_BODY = HTTP_SMALL_BODY,
	WEBHOOK_BODY = 1024 * 1024,
};

/* clang-format off */
const struct http_route http_routes[] = {
	{ "/", false, READ, false, SMALL_BODY, http_page, "the status page" },
	{ "/page/", true, READ, false, SMALL_BODY, http_page, "the files of the status page" },
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
	{ "/api/v1/holds", false, READ, false, SMALL_BODY, http_holds,
	  "who holds what, and why; ?target= ?class= ?holder= for some of it" },
	{ "/api/v1/holds", false, HTTP_POST, true, SMALL_BODY, http_hold,
	  "drains a target, admits it, or replaces its weight" },
	{ "/api/v1/holds", false, HTTP_DELETE, true, SMALL_BODY, http_lift,
	  "?target=: ends the caller's holds there; &holder= &all=1 &kind=" },
	{ "/api/v1/holds/", true, HTTP_DELETE, true, SMALL_BODY, http_lift_id,
	  "ends the hold of that id" },
	{ "/api/v1/freeze", false, HTTP_POST, true, SMALL_BODY, http_freeze,
	  "rules and alerts change nothing any more" },
	{ "/api/v1/freeze", false, HTTP_DELETE, true, SMALL_BODY, http_thaw,
	  "they do again" },
	{ "/api/v1/role", false, READ, false, SMALL_BODY, http_role,
	  "the role in a pair, the VIPs and the sync daemons" },
	{ "/api/v1/role", false, HTTP_POST, true, SMALL_BODY, http_set_role,
	  "says who is master now: {\"role\":\"master\"}, backup or fault" },
	{ "/api/v1/probe", false, HTTP_POST, true, SMALL_BODY, http_probe,
	  "makes one attempt now, and tells every step of it" },
	{ "/api/v1/alerts", false, HTTP_POST, true, WEBHOOK_BODY, http_alerts,
	  "Alertmanager's webhook, version 4" },
	{ "/api/v1/peer", false, HTTP_GET, true, SMALL_BODY, http_peer,
	  "what operators and alerts hold here, for [peer]s; ?known=TAG" },
	{ "/api/v1/peers", false, READ, false, SMALL_BODY, http_peers,
	  "the other directors' agents, and how they are" },
	{ "/api/v1/events", false, READ, false, SMALL_BODY, http_events,
	  "what happens, as it happens: server-sent events" },
	{ "/api/v1/whoami", false, READ, false, SMALL_BODY, http_whoami,
	  "who asks, and whether he may write" },
	{ "/api/v1/journal", false, READ, false, SMALL_BODY, http_journal,
	  "what was seen and decided; ?limit=100 &target= &what=hold,release" },
	{ "/api/v1/config", false, READ, false, SMALL_BODY, http_config,
	  "the configuration in force, and the lines that it comes from" },
	{ "/api/v1/rules", false, READ, false, SMALL_BODY, http_rules,
	  "the rules and what they are doing" },
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

static bool path_fits(const struct http_route *row, const char *path)
{
	size_t len = strlen(row->path);

	return row->below ? strncmp(path, row->path, len) == 0 && path[len]
			  : strcmp(path, row->path) == 0;
}

static unsigned int method_of(const char *name)
{
	for (size_t i = 0; i < countof(methods); i++)
		if (strcmp(name, methods[i].name) == 0)
			return methods[i].method;
	return 0;
}

const struct http_route *http_route(const char *path, const char *method)
{
	for (size_t i = 0; i < http_n_routes; i++)
		if ((http_routes[i].methods & method_of(method)) &&
		    path_fits(&http_routes[i], path))
			return &http_routes[i];
	return NULL;
}

void http_put_methods(unsigned int mask, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < countof(methods); i++) {
		if (!(mask & methods[i].method))
			continue;
		buf_printf(out, "%s%s", comma, methods[i].name);
		comma = ", ";
	}
}

/* No row for it: 404, or 405 where other methods have one. */
static void refuse_route(struct http_request *r)
{
	struct buf allow = BUF_INIT;
	unsigned int mask = 0;

	for (size_t i = 0; i < http_n_routes; i++)
		if (path_fits(&http_routes[i], r->path))
			mask |= http_routes[i].methods;
	http_put_methods(mask, &allow);
	if (mask) {
		http_add_header(r, "Allow", buf_str(&allow));
		http_error(r, 405, "only %s here", buf_str(&allow));
	} else {
		http_error(r, 404, "there is nothing here");
	}
	buf_fini(&allow);
}

void http_dispatch(struct http_request *r)
{
	if (!r->route)
		refuse_route(r);
	else if (!buf_ok(&r->body))
		http_error(r, 500, "out of memory");
	else if (r->route->write)
		auth_then(r, r->route->handler);
	else
		r->route->handler(r);
}
