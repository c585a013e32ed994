/* render_top.c: the screen of top: what is wrong, the sums, the rows, the keys. */
#include "agent/cli/render_top.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"
#include "agent/cli/render.h"
#include "agent/cli/render_hold.h"
#include "agent/cli/render_row.h"
#include "agent/cli/when.h"

enum {
	COL_NAME = 0,
	COL_STATE,
	COL_WEIGHT,
	COL_RATE,
	COL_ACTIVE,
	COL_INACTIVE,
	COL_IN,
	COL_OUT,
	COL_LATENCY
};

static const struct text_column columns[] = {
	[COL_NAME] = { .title = "REALSERVER" },
	[COL_STATE] = { .title = "STATE" },
	[COL_WEIGHT] = { .title = "WEIGHT", .right = true },
	[COL_RATE] = { .title = "CONN/S", .right = true },
	[COL_ACTIVE] = { .title = "ACTIVE", .right = true },
	[COL_INACTIVE] = { .title = "INACTIVE", .right = true, .drop = 1 },
	[COL_IN] = { .title = "IN/S", .right = true, .drop = 3 },
	[COL_OUT] = { .title = "OUT/S", .right = true, .drop = 3 },
	[COL_LATENCY] = { .title = "PROBE", .right = true, .drop = 2 },
};

static const char KEYS[] = "q quit  / filter  c connections  r rate  l latency  w weight  "
			   "n name  s state";

/* "0", "4.1", "1,204" of things a second; nothing where it is not known. */
static void put_rate(double rate, struct buf *out)
{
	if (rate < 0)
		return;
	if (rate > 0 && rate < 10)
		buf_printf(out, "%.1f", rate);
	else if (rate < 100000)
		buf_printf(out, "%.0f", rate);
	else
		buf_printf(out, "%.0fk", rate / 1000);
}

/* "512 B", "1.2 kB", "34 MB". */
static void put_bytes(double bytes, struct buf *out)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t unit = 0;

	if (bytes < 0)
		return;
	for (; bytes >= 1000 && unit + 1 < countof(units); unit++)
		bytes /= 1000;
	buf_printf(out, unit > 0 && bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static bool add_row(struct text_table *t, const struct top_row *r, const struct text_style *style)
{
	struct buf cells[countof(columns)] = { 0 }, why = BUF_INIT;
	enum text_colour colours[countof(columns)] = { TEXT_PLAIN };
	const char *texts[countof(columns)];
	bool ok;

	buf_puts(&cells[COL_NAME], r->name);
	colours[COL_STATE] = render_row_state(r->row, &cells[COL_STATE]);
	render_row_weight(r->row, &cells[COL_WEIGHT]);
	put_rate(r->rates[TOP_CONNECTIONS_RATE], &cells[COL_RATE]);
	if (r->totals[TOP_CONNECTIONS_RATE] >= 0) {
		buf_put_i64(&cells[COL_ACTIVE], r->active);
		buf_put_i64(&cells[COL_INACTIVE], r->inactive);
	}
	put_bytes(r->rates[TOP_BYTES_IN], &cells[COL_IN]);
	put_bytes(r->rates[TOP_BYTES_OUT], &cells[COL_OUT]);
	if (r->latency >= 0)
		render_latency(r->latency, &cells[COL_LATENCY]);
	render_row_why(r->row, style, &why);
	ok = buf_ok(&why);
	for (size_t i = 0; i < countof(columns); i++) {
		ok = ok && buf_ok(&cells[i]);
		texts[i] = buf_str(&cells[i]);
	}
	ok = ok && text_table_row(t, texts, colours, buf_str(&why));
	for (size_t i = 0; i < countof(columns); i++)
		buf_fini(&cells[i]);
	buf_fini(&why);
	return ok;
}

/* A line that ends where the terminal does. */
static void put_line(const struct text_style *style, enum text_colour colour,
		     const struct buf *text, struct buf *out)
{
	struct buf cut = BUF_INIT;

	if (style->width)
		text_put_cut(&cut, buf_str(text), style->width);
	else
		buf_puts(&cut, buf_str(text));
	text_put_colour(out, style, colour, buf_str(&cut));
	buf_putc(out, '\n');
	if (!buf_ok(text) || !buf_ok(&cut))
		out->failed = true;
	buf_fini(&cut);
}

static void put_states(const struct top_reading *r, struct buf *out)
{
	const char *before = ": ";

	buf_printf(out, "%zu service%s, %zu realserver%s", r->services, r->services == 1 ? "" : "s",
		   r->n, r->n == 1 ? "" : "s");
	for (size_t s = 0; render_state(s); s++) {
		size_t n = 0;

		for (size_t i = 0; i < r->n; i++)
			n += strcmp(render_text(r->rows[i].row, "state"), render_state(s)) == 0;
		if (n > 0) {
			buf_printf(out, "%s%zu %s", before, n, render_state(s));
			before = ", ";
		}
	}
}

/* "14:02:07  web/web1 …: 2 services, …" and the sums. */
static void put_head(const struct top_reading *r, const struct top_view *view,
		     const struct text_style *style, struct buf *out)
{
	struct buf line = BUF_INIT;

	when_put(&line, style, r->wall_ms);
	buf_puts(&line, "  ");
	put_states(r, &line);
	put_line(style, TEXT_BOLD, &line, out);
	buf_reset(&line);
	if (r->rates[TOP_CONNECTIONS_RATE] >= 0) {
		put_rate(r->rates[TOP_CONNECTIONS_RATE], &line);
		buf_puts(&line, " connections/s  ");
		put_bytes(r->rates[TOP_BYTES_IN], &line);
		buf_puts(&line, "/s in  ");
		put_bytes(r->rates[TOP_BYTES_OUT], &line);
		buf_puts(&line, "/s out  ");
	}
	buf_printf(&line, "by %s%s, every ", top_key_names[view->key],
		   view->reverse ? " (reversed)" : "");
	format_duration(&line, view->interval_ms);
	if (*view->filter && !view->typing)
		buf_printf(&line, ", with '%s' only", view->filter);
	put_line(style, TEXT_PLAIN, &line, out);
	buf_fini(&line);
}

static void put_foot(const struct top_view *view, size_t hidden, const struct text_style *style,
		     struct buf *out)
{
	struct buf line = BUF_INIT;

	if (view->typing)
		buf_printf(&line, "filter: %s_   (Enter: keep, Esc: drop)", view->filter);
	else if (hidden > 0)
		buf_printf(&line, "%zu more  %s", hidden, KEYS);
	else
		buf_puts(&line, KEYS);
	put_line(style, TEXT_DIM, &line, out);
	/* The last line of a screen has no newline: that would move it all up. */
	out->len--;
	buf_fini(&line);
}

static size_t count_lines(const struct buf *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->data[i] == '\n';
	return n;
}

/* "PANIC: no realserver of web, dns is up". */
static void put_panic(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *services = json_object_get(json, "services"), *service;
	struct buf names = BUF_INIT, line = BUF_INIT;
	size_t i;

	json_array_foreach (services, i, service) {
		if (json_is_true(json_object_get(service, "panic")))
			buf_printf(&names, "%s%s", names.len > 0 ? ", " : "",
				   render_text(service, "name"));
	}
	/* One that was asked for alone. */
	if (json_is_true(json_object_get(json, "panic")))
		buf_puts(&names, render_text(json, "name"));
	buf_printf(&line, "PANIC: no realserver of %s is up", buf_str(&names));
	if (names.len > 0)
		put_line(style, TEXT_RED, &line, out);
	buf_fini(&names);
	buf_fini(&line);
}

/* What is wrong, above all. */
static void put_wrong(const struct top_reading *r, const struct top_view *view,
		      const struct text_style *style, struct buf *out)
{
	struct buf text = BUF_INIT;

	if (*view->message) {
		buf_puts(&text, view->message);
		put_line(style, TEXT_RED, &text, out);
	}
	buf_fini(&text);
	render_frozen(json_object_get(r->json, "frozen"), style, out);
	render_troubles(json_object_get(r->json, "troubles"), style, out);
	put_panic(r->json, style, out);
}

bool render_top(const struct top_reading *r, const struct top_view *view,
		const struct text_style *style, struct buf *out)
{
	size_t n = 0, shown, taken;
	const struct top_row **rows = top_sort(r, view->key, view->reverse, view->filter, &n);
	struct text_table *t = NULL;
	bool ok = rows && text_table_new(columns, countof(columns), &t) == 0;

	put_head(r, view, style, out);
	put_wrong(r, view, style, out);
	/* Titles, and the line below. */
	taken = count_lines(out) + 2;
	shown = n;
	if (view->height > 0 && shown + taken > view->height)
		shown = view->height > taken ? view->height - taken : 0;
	for (size_t i = 0; ok && i < shown; i++)
		ok = add_row(t, rows[i], style);
	if (ok)
		text_table_format(t, style, out);
	if (view->height > 0)
		put_foot(view, n - shown, style, out);
	text_table_free(t);
	free(rows);
	return ok && buf_ok(out);
}

static json_t *rate_json(double rate)
{
	return rate < 0 ? json_null() : json_real(rate);
}

json_t *render_top_json(const struct top_reading *r, const struct top_view *view)
{
	size_t n = 0;
	const struct top_row **rows = top_sort(r, view->key, view->reverse, view->filter, &n);
	json_t *list = rows ? json_array() : NULL, *o;

	for (size_t i = 0; list && i < n; i++) {
		const struct top_row *row = rows[i];

		o = json_pack("{s:s, s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "target", row->name,
			      "state", render_text(row->row, "state"), "weight",
			      row->weight < 0 ? json_null() : json_integer(row->weight),
			      "active_connections", (json_int_t)row->active, "inactive_connections",
			      (json_int_t)row->inactive, "connections_per_second",
			      rate_json(row->rates[TOP_CONNECTIONS_RATE]),
			      "incoming_bytes_per_second", rate_json(row->rates[TOP_BYTES_IN]),
			      "outgoing_bytes_per_second", rate_json(row->rates[TOP_BYTES_OUT]),
			      "probe_duration_seconds", rate_json(row->latency));
		if (json_array_append_new(list, o) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	free(rows);
	return list ? json_pack("{s:O?, s:o}", "time", json_object_get(r->json, "time"), "rows",
				list)
		    : NULL;
}
