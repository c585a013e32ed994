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
 *                "reason":"ok","text":"…" (may be missing),"duration_seconds":0.0012}],
 *     "holds":[HOLD…] (may be missing: then the reason says it)}]}],
 *   "troubles":["…"],"frozen":null|HOLD,"holds":[HOLD…]} (these two from GET
 * /api/v1/holds, see render_hold.h; either may be missing)
 */
#include "agent/cli/render.h"

#include <errno.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/cli/render_hold.h"
#include "agent/cli/render_row.h"
#include "agent/cli/status_rows.h"

enum { COL_NAME = 0, COL_ADDRESS, COL_STATE, COL_WEIGHT, COL_PROBE, COL_ACTIVE, COL_INACTIVE };

static const struct text_column columns[] = {
	[COL_NAME] = { .title = "REALSERVER" },
	[COL_ADDRESS] = { .title = "ADDRESS", .drop = 2 },
	[COL_STATE] = { .title = "STATE" },
	[COL_WEIGHT] = { .title = "WEIGHT", .right = true },
	[COL_PROBE] = { .title = "PROBE", .drop = 4 },
	[COL_ACTIVE] = { .title = "ACTIVE", .right = true, .drop = 3 },
	[COL_INACTIVE] = { .title = "INACTIVE", .right = true, .drop = 1 },
};

static void put_count(const json_t *rs, const char *key, struct buf *out)
{
	int64_t n = render_int(rs, key, -1);

	if (n >= 0)
		buf_put_i64(out, n);
}

static bool add_realserver(struct text_table *t, const json_t *rs, const struct text_style *style)
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
	colours[COL_STATE] = render_row_state(rs, &cells[COL_STATE]);
	render_row_weight(rs, &cells[COL_WEIGHT]);
	render_row_probes(rs, &cells[COL_PROBE]);
	put_count(rs, "active_connections", &cells[COL_ACTIVE]);
	put_count(rs, "inactive_connections", &cells[COL_INACTIVE]);
	render_row_why(rs, style, &why);
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
static bool add_service(struct text_table *t, const json_t *s, const json_t *rows,
			const struct text_style *style)
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
		ok = ok && add_realserver(t, row, style);
	return ok;
}

struct sum {
	size_t realservers, states[RENDER_MAX_STATES];
};

static void count_rows(struct sum *sum, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		sum->realservers++;
		for (size_t c = 0; render_state(c); c++)
			sum->states[c] += strcmp(render_state(c), render_text(row, "state")) == 0;
	}
}

/* "2 services, 4 realservers: 3 up, 1 down". */
static void put_sum(const struct sum *sum, size_t services, struct buf *out)
{
	const char *before = ": ";

	buf_printf(out, "%zu service%s, %zu realserver%s", services, services == 1 ? "" : "s",
		   sum->realservers, sum->realservers == 1 ? "" : "s");
	for (size_t c = 0; render_state(c); c++) {
		if (!sum->states[c])
			continue;
		buf_printf(out, "%s%zu %s", before, sum->states[c], render_state(c));
		before = ", ";
	}
	buf_putc(out, '\n');
}

/* Of the agent itself; older ones tell none. */
void render_troubles(const json_t *troubles, const struct text_style *style, struct buf *out)
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
	json_t *by_name;
	struct text_table *t;
	bool ok;
	size_t i;
	int r;

	if (!json_is_array(services))
		return -EBADMSG;
	r = text_table_new(columns, countof(columns), &t);
	if (r != 0)
		return r;
	by_name = status_holds(json_object_get(json, "holds"));
	ok = by_name;
	json_array_foreach (services, i, s) {
		json_t *rows = status_rows(s, by_name);

		ok = ok && rows && add_service(t, s, rows, style);
		count_rows(&sum, rows);
		json_decref(rows);
	}
	if (ok) {
		render_frozen(json_object_get(json, "frozen"), style, out);
		render_troubles(json_object_get(json, "troubles"), style, out);
		text_table_format(t, style, out);
		put_sum(&sum, json_array_size(services), out);
	}
	json_decref(by_name);
	text_table_free(t);
	return ok && buf_ok(out) ? 0 : -ENOMEM;
}
