/* render_holds.c: GET /api/v1/holds as a table: {"frozen":null|HOLD,"holds":[HOLD…]}. */
#include <errno.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/cli/render.h"
#include "agent/cli/render_hold.h"
#include "agent/cli/when.h"

enum { COL_TARGET = 0, COL_EFFECT, COL_CLASS, COL_HOLDER, COL_SINCE, COL_UNTIL, COL_ID };

static const struct text_column columns[] = {
	[COL_TARGET] = { .title = "TARGET" },
	[COL_EFFECT] = { .title = "EFFECT" },
	[COL_CLASS] = { .title = "CLASS" },
	[COL_HOLDER] = { .title = "HOLDER" },
	[COL_SINCE] = { .title = "SINCE", .drop = 1 },
	[COL_UNTIL] = { .title = "UNTIL", .drop = 2 },
	[COL_ID] = { .title = "ID" },
};

/* "deploy; 12 active, about 20s to go", "waits: refused by min_available". */
static void put_tail(const json_t *hold, const struct text_style *style, struct buf *out)
{
	struct buf drain = BUF_INIT;

	buf_puts(out, render_text(hold, "reason"));
	if (*render_text(hold, "rule") &&
	    strcmp(render_text(hold, "rule"), render_text(hold, "holder")) != 0)
		buf_printf(out, "%sby rule %s", out->len > 0 ? "; " : "",
			   render_text(hold, "rule"));
	if (json_is_true(json_object_get(hold, "waiting"))) {
		buf_puts(out, out->len > 0 ? "; " : "");
		buf_puts(out, "does not act yet");
		if (*render_text(hold, "refused_by"))
			buf_printf(out, ": refused by guard %s", render_text(hold, "refused_by"));
	}
	render_drain(hold, style, &drain);
	if (drain.len > 0)
		buf_printf(out, "%s%s", out->len > 0 ? "; " : "", buf_str(&drain));
	if (!buf_ok(&drain))
		out->failed = true;
	buf_fini(&drain);
}

static bool add_hold(struct text_table *t, const json_t *hold, const struct text_style *style)
{
	struct buf cells[countof(columns)] = { 0 }, tail = BUF_INIT;
	enum text_colour colours[countof(columns)] = { TEXT_PLAIN };
	const char *texts[countof(columns)];
	bool ok;

	render_hold_target(hold, &cells[COL_TARGET]);
	render_hold_effect(hold, &cells[COL_EFFECT]);
	colours[COL_EFFECT] = render_hold_colour(hold);
	buf_puts(&cells[COL_CLASS], render_text(hold, "class"));
	buf_puts(&cells[COL_HOLDER], render_text(hold, "holder"));
	when_put_from_now(&cells[COL_SINCE], style, when_of(json_object_get(hold, "since")));
	when_put_from_now(&cells[COL_UNTIL], style, when_of(json_object_get(hold, "until")));
	buf_puts(&cells[COL_ID], render_text(hold, "id"));
	put_tail(hold, style, &tail);
	ok = buf_ok(&tail);
	for (size_t i = 0; i < countof(columns); i++) {
		ok = ok && buf_ok(&cells[i]);
		texts[i] = buf_str(&cells[i]);
	}
	ok = ok && text_table_row(t, texts, colours, buf_str(&tail));
	for (size_t i = 0; i < countof(columns); i++)
		buf_fini(&cells[i]);
	buf_fini(&tail);
	return ok;
}

int render_holds(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *holds = json_object_get(json, "holds"), *hold;
	struct text_table *t;
	bool ok = true;
	size_t i;
	int r;

	if (!json_is_array(holds))
		return -EBADMSG;
	r = text_table_new(columns, countof(columns), &t);
	if (r != 0)
		return r;
	render_frozen(json_object_get(json, "frozen"), style, out);
	json_array_foreach (holds, i, hold) {
		/* The freeze stands above all of them. */
		if (strcmp(render_text(hold, "service"), "*") != 0)
			ok = ok && add_hold(t, hold, style);
	}
	if (ok)
		text_table_format(t, style, out);
	if (ok && out->len == 0)
		buf_puts(out, "nobody holds anything\n");
	text_table_free(t);
	return ok && buf_ok(out) ? 0 : -ENOMEM;
}
