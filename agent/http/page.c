/* page.c: GET /: what this is, what there is to fetch, how the services are. One
 * small page without scripts or anything from elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/http/routes.h"
#include "agent/model/view.h"

enum { ROWS_MAX = 500 };

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	"<meta name=\"viewport\" content=\"width=device-width\"><title>ipvs-agent</title><style>\n"
	":root{color-scheme:light dark}\n"
	"body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}\n"
	"td.n,th.n{text-align:right}\n"
	"code{font:13px ui-monospace,monospace}\n"
	".bad{color:#c33;font-weight:600}.dim{opacity:.6}\n"
	"</style></head><body>\n";

static void put_html(struct buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			buf_puts(out, "&amp;");
			break;
		case '<':
			buf_puts(out, "&lt;");
			break;
		case '>':
			buf_puts(out, "&gt;");
			break;
		case '"':
			buf_puts(out, "&quot;");
			break;
		default:
			buf_putc(out, *text);
		}
	}
}

static void put_routes(struct buf *out)
{
	buf_puts(out, "<table>\n");
	for (size_t i = 0; i < http_n_routes; i++) {
		const struct http_route *row = &http_routes[i];
		bool link = !row->write && !row->below && strcmp(row->path, "/") != 0;

		if (strcmp(row->path, "/") == 0)
			continue;
		buf_puts(out, "<tr><td><code>");
		if (link)
			buf_printf(out, "<a href=\"%s\">%s</a>", row->path, row->path);
		else
			buf_printf(out, "%s%s%s", row->write ? "POST " : "", row->path,
				   row->below ? "SERVICE" : "");
		buf_puts(out, "</code></td><td>");
		put_html(out, row->help);
		buf_puts(out, "</td></tr>\n");
	}
	buf_puts(out, "</table>\n");
}

static void put_service(struct buf *out, const struct view_service *s)
{
	const char *class = s->panic || s->states[VIEW_DOWN] > 0 ? " bad" : "";

	buf_puts(out, "<tr><td><a href=\"/api/v1/services/");
	put_html(out, s->name); /* [A-Za-z0-9_.-]: nothing to escape for a path */
	buf_puts(out, "\">");
	put_html(out, s->name);
	buf_printf(out, "</a></td><td class=\"n%s\">%u of %u</td>", class, s->available,
		   s->configured);
	for (int i = 0; i < VIEW_N_STATES; i++)
		buf_printf(out, "<td class=\"n%s\">%u</td>", s->states[i] ? "" : " dim",
			   s->states[i]);
	buf_printf(out, "<td>%s</td></tr>\n", s->panic ? "<span class=\"bad\">panic</span>" : "");
}

static void put_services(struct buf *out, const struct view *v)
{
	uint32_t n = v->n_services < ROWS_MAX ? v->n_services : ROWS_MAX, foreign = 0;

	for (uint32_t i = 0; i < v->n_vips; i++)
		foreign += v->vips[i].owner == VIEW_NONE;
	buf_printf(out, "<h2>%u service%s</h2>\n", v->n_services, v->n_services == 1 ? "" : "s");
	if (n > 0) {
		buf_puts(out, "<table><tr><th>service</th><th class=\"n\">available</th>");
		for (int i = 0; i < VIEW_N_STATES; i++)
			buf_printf(out, "<th class=\"n\">%s</th>", view_state_names[i]);
		buf_puts(out, "<th></th></tr>\n");
		for (uint32_t i = 0; i < n; i++)
			put_service(out, &v->services[i]);
		buf_puts(out, "</table>\n");
	}
	if (n < v->n_services)
		buf_printf(out, "<p>and %u more</p>\n", v->n_services - n);
	if (foreign > 0)
		buf_printf(out,
			   "<p>%u more in the kernel that the configuration does not name</p>\n",
			   foreign);
}

static void put_state(struct buf *out, const struct view *v)
{
	int64_t age = v ? clock_mono_ms() - v->made_mono_ms : 0;

	if (!v) {
		buf_puts(out, "<p class=\"bad\">Nothing has been read yet.</p>\n");
		return;
	}
	for (unsigned int i = 0; i < VIEW_N_TROUBLES; i++) {
		struct buf text = BUF_INIT;

		if (view_trouble(v, i, &text)) {
			buf_puts(out, "<p class=\"bad\">");
			put_html(out, buf_str(&text));
			buf_puts(out, "</p>\n");
		}
		buf_fini(&text);
	}
	buf_printf(out, "<p>Snapshot of %lld.%lld s ago.</p>\n", (long long)(age / 1000),
		   (long long)(age % 1000 / 100));
	put_services(out, v);
}

void http_page(struct http_request *r)
{
	struct view *v = http_view(r);
	struct buf body = BUF_INIT;

	buf_puts(&body, head);
	buf_puts(&body, "<h1>ipvs-agent</h1>\n<p>An agent for Linux IPVS directors. "
			"Version " VERSION " <span class=\"dim\">(" REVISION ")</span></p>\n");
	put_routes(&body);
	put_state(&body, v);
	buf_puts(&body, "</body></html>\n");
	view_unref(v);
	http_add_header(r, "Content-Security-Policy",
			"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
			"form-action 'none'; frame-ancestors 'none'");
	http_add_header(r, "Cache-Control", "no-store");
	http_answer(r, 200, "text/html; charset=utf-8", &body);
}
