/* render_status.c: GET /api/v1/services as a table. For its shape see
 * http/api_services.c; of it, this is read:
 *
 * {"services":[{"name":"web","managed":true,"panic":false,"available":1,"configured":2,
 *   "addresses":[{"address":"tcp://10.1.2.15:80","scheduler":"wlc",
 *     "destinations":[{"realserver":"web2","in_kernel":true,"address":"10.1.2.22:80",
 *       "weight":0,"active_connections":3,"inactive_connections":7}]}],
 *   "realservers":[{"name":"web2","state":"down","backup":false,
 *     "effective_weight":0 (null = absent),"configured_weight":100,"reason":"…",
 *     "probes":[{"probe":"http","verdict":"up","unknown":false,"success":true,
 *                "reason":"ok","duration_seconds":0.0012}],
 *     "holds":[{"class":"rule","holder":"probe-down","reason":"…"}] (may be missing:
 *     then the reason says it)}]}]}
 */
#include "agent/cli/render.h"

#include <errno.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/cli/status_rows.h"

enum { COL_NAME = 0, COL_ADDRESS, COL_STATE, COL_WEIGHT, COL_PROBE, COL_ACTIVE, COL_INACTIVE };

static const struct text_column columns[] = {
	[COL_NAME] = { .title = "REALSERVER" },
	[COL_ADDRESS] = { .title = "ADDRESS", .drop = 3 },
	[COL_STATE] = { .title = "STATE" },
	[COL_WEIGHT] = { .title = "WEIGHT", .right = true },
	[COL_PROBE] = { .title = "PROBE", .drop = 4 },
	[COL_ACTIVE] = { .title = "ACTIVE", .right = true, .drop = 2 },
	[COL_INACTIVE] = { .title = "INACTIVE", .right = true, .drop = 1 },
};

static const struct {
	const char *state;
	enum text_colour colour;
} state_colours[] = {
	{ "up", TEXT_GREEN },    { "down", TEXT_RED },     { "unknown", TEXT_YELLOW },
	{ "held", TEXT_YELLOW }, { "disabled", TEXT_DIM }, { "standby", TEXT_DIM },
	{ "foreign", TEXT_DIM },
};

const char *render_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

int64_t render_int(const json_t *o, const char *key, int64_t none)
{
	const json_t *value = json_object_get(o, key);

	return json_is_integer(value) ? json_integer_value(value) : none;
}

void render_join(const json_t *o, const char *key, const char *between, struct buf *out)
{
	const json_t *array = json_object_get(o, key), *value;
	size_t i;

	json_array_foreach (array, i, value) {
		if (i > 0)
			buf_puts(out, between);
		buf_puts(out, json_string_value(value) ? json_string_value(value) : "?");
	}
}

static enum text_colour colour_of(const char *state)
{
	for (size_t i = 0; i < countof(state_colours); i++) {
		if (strcmp(state_colours[i].state, state) == 0)
			return state_colours[i].colour;
	}
	return TEXT_PLAIN;
}

/* "100", "50 of 100", "absent of 100". */
static void put_weight(const json_t *rs, struct buf *out)
{
	int64_t weight = render_int(rs, "effective_weight", -1);
	int64_t configured = render_int(rs, "configured_weight", -1);

	if (weight < 0)
		buf_puts(out, "absent");
	else
		buf_put_i64(out, weight);
	if (configured >= 0 && configured != weight)
		buf_printf(out, " of %lld", (long long)configured);
}

/* "1.2 ms", "340 ms", "2.5 s". */
static void put_latency(double seconds, struct buf *out)
{
	if (seconds >= 1)
		buf_printf(out, "%.1f s", seconds);
	else if (seconds >= 0.01)
		buf_printf(out, "%.0f ms", seconds * 1000);
	else
		buf_printf(out, "%.1f ms", seconds * 1000);
}

/* "http 1.2 ms", "http down: refused", "tcp unknown: no-route"; all of them. */
static void put_probes(const json_t *rs, struct buf *out)
{
	const json_t *probes = json_object_get(rs, "probes"), *p;
	size_t i;

	json_array_foreach (probes, i, p) {
		const json_t *seconds = json_object_get(p, "duration_seconds");
		const char *verdict = render_text(p, "verdict");
		bool unknown = json_is_true(json_object_get(p, "unknown"));

		buf_puts(out, i > 0 ? ", " : "");
		buf_puts(out, render_text(p, "probe"));
		if (strcmp(verdict, "up") == 0 && !unknown &&
		    json_is_true(json_object_get(p, "success"))) {
			if (json_is_number(seconds)) {
				buf_putc(out, ' ');
				put_latency(json_number_value(seconds), out);
			}
			continue;
		}
		buf_printf(out, " %s",
			   unknown                        ? "unknown"
			   : strcmp(verdict, "none") == 0 ? "no verdict yet"
							  : verdict);
		if (*render_text(p, "reason") && strcmp(render_text(p, "reason"), "ok") != 0)
			buf_printf(out, ": %s", render_text(p, "reason"));
	}
}

/* Why it is not as configured: the holds with their holders, else the agent's words;
 * and where the kernel is not as it should be. */
static void put_why(const json_t *rs, struct buf *out)
{
	const json_t *holds = json_object_get(rs, "holds"), *h;
	const json_t *kernel = json_object_get(rs, "kernel_weight");
	size_t i;

	json_array_foreach (holds, i, h) {
		buf_printf(out, "%s%s %s", i > 0 ? "; " : "", render_text(h, "class"),
			   render_text(h, "holder"));
		if (*render_text(h, "reason"))
			buf_printf(out, ": %s", render_text(h, "reason"));
	}
	if (out->len == 0)
		buf_puts(out, render_text(rs, "reason"));
	if (!kernel)
		return;
	buf_puts(out, out->len > 0 ? "; " : "");
	if (json_is_null(kernel))
		buf_puts(out, "not in the kernel");
	else
		buf_printf(out, "the kernel has %lld", (long long)json_integer_value(kernel));
}

static void put_count(const json_t *rs, const char *key, struct buf *out)
{
	int64_t n = render_int(rs, key, -1);

	if (n >= 0)
		buf_put_i64(out, n);
}

static bool add_realserver(struct text_table *t, const json_t *rs)
{
	struct buf cells[countof(columns)] = { 0 }, why = BUF_INIT;
	enum text_colour colours[countof(columns)] = { TEXT_PLAIN };
	const char *texts[countof(columns)];
	bool ok;

	buf_puts(&cells[COL_NAME], render_text(rs, "name"));
	render_join(rs, "addresses", " ", &cells[COL_ADDRESS]);
	/* One that nobody configured is named by its address. */
	if (strcmp(buf_str(&cells[COL_NAME]), buf_str(&cells[COL_ADDRESS])) == 0)
		buf_reset(&cells[COL_ADDRESS]);
	buf_puts(&cells[COL_STATE], render_text(rs, "state"));
	/* One that stands by is a backup; one that serves should be seen to be one. */
	if (json_is_true(json_object_get(rs, "backup")) &&
	    strcmp(render_text(rs, "state"), "standby") != 0)
		buf_puts(&cells[COL_STATE], " (backup)");
	put_weight(rs, &cells[COL_WEIGHT]);
	put_probes(rs, &cells[COL_PROBE]);
	put_count(rs, "active_connections", &cells[COL_ACTIVE]);
	put_count(rs, "inactive_connections", &cells[COL_INACTIVE]);
	put_why(rs, &why);
	colours[COL_STATE] = colour_of(render_text(rs, "state"));
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

static void put_addresses(const json_t *s, struct buf *out)
{
	const json_t *addresses = json_object_get(s, "addresses"), *a;
	const char *scheduler = "";
	size_t i;

	/* A foreign service is named by its address. */
	json_array_foreach (addresses, i, a) {
		const char *text = render_text(a, "address");

		if (strcmp(text, render_text(s, "name")) != 0)
			buf_printf(out, "%s%s", i > 0 ? " " : "  ", text);
		if (!*scheduler)
			scheduler = render_text(a, "scheduler");
	}
	if (*scheduler)
		buf_printf(out, "  %s", scheduler);
}

/* "web  tcp://10.1.2.15:80  wlc  1 of 2 available". */
static bool add_service(struct text_table *t, const json_t *s, const json_t *rows)
{
	bool panic = json_is_true(json_object_get(s, "panic")), ok;
	int64_t available = render_int(s, "available", -1);
	struct buf line = BUF_INIT;
	const json_t *row;
	size_t i;

	buf_puts(&line, render_text(s, "name"));
	put_addresses(s, &line);
	if (json_is_false(json_object_get(s, "managed")))
		buf_puts(&line, "  not ours");
	else if (available >= 0)
		buf_printf(&line, "  %lld of %lld available", (long long)available,
			   (long long)render_int(s, "configured", 0));
	if (panic)
		buf_puts(&line, "  PANIC: no realserver is up");
	ok = buf_ok(&line) && text_table_line(t, buf_str(&line), panic ? TEXT_RED : TEXT_BOLD);
	buf_fini(&line);
	json_array_foreach (rows, i, row)
		ok = ok && add_realserver(t, row);
	return ok;
}

struct sum {
	size_t realservers, states[countof(state_colours)];
};

static void count_rows(struct sum *sum, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		sum->realservers++;
		for (size_t c = 0; c < countof(state_colours); c++)
			sum->states[c] +=
				strcmp(state_colours[c].state, render_text(row, "state")) == 0;
	}
}

/* "2 services, 4 realservers: 3 up, 1 down". */
static void put_sum(const struct sum *sum, size_t services, struct buf *out)
{
	const char *before = ": ";

	buf_printf(out, "%zu service%s, %zu realserver%s", services, services == 1 ? "" : "s",
		   sum->realservers, sum->realservers == 1 ? "" : "s");
	for (size_t c = 0; c < countof(state_colours); c++) {
		if (!sum->states[c])
			continue;
		buf_printf(out, "%s%zu %s", before, sum->states[c], state_colours[c].state);
		before = ", ";
	}
	buf_putc(out, '\n');
}

/* Of the agent itself; older ones tell none. */
static void put_troubles(const json_t *troubles, const struct text_style *style, struct buf *out)
{
	const json_t *trouble;
	size_t i;

	json_array_foreach (troubles, i, trouble) {
		struct buf line = BUF_INIT;

		buf_printf(&line, "TROUBLE: %s",
			   json_string_value(trouble) ? json_string_value(trouble) : "?");
		text_put_colour(out, style, TEXT_RED, buf_str(&line));
		buf_putc(out, '\n');
		buf_fini(&line);
	}
}

int render_status(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *services = json_object_get(json, "services"), *s;
	struct sum sum = { 0 };
	struct text_table *t;
	bool ok = true;
	size_t i;
	int r;

	if (!json_is_array(services))
		return -EBADMSG;
	r = text_table_new(columns, countof(columns), &t);
	if (r != 0)
		return r;
	json_array_foreach (services, i, s) {
		json_t *rows = status_rows(s);

		ok = ok && rows && add_service(t, s, rows);
		count_rows(&sum, rows);
		json_decref(rows);
	}
	if (ok) {
		text_table_format(t, style, out);
		put_sum(&sum, json_array_size(services), out);
		put_troubles(json_object_get(json, "troubles"), style, out);
	}
	text_table_free(t);
	return ok && buf_ok(out) ? 0 : -ENOMEM;
}
