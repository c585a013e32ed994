/* render_rules.c: GET /api/v1/rules as text.
 *
 * {"rules":[{"name","file","line","expr"|"alert","for","action","enforce",
 *   "states":{"inactive":n,"pending":n,"firing":n,"recovering":n},"detected":n,
 *   "enforced":n,"refused":{slug:n},
 *   "targets":[{"service","realserver","state","since","value","held":bool,
 *     "refused_by"?}]}]} targets only those that are not inactive.
 */
#include <errno.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/cli/render.h"
#include "agent/cli/render_hold.h"
#include "agent/cli/when.h"

enum { COL_TARGET = 0, COL_STATE, COL_VALUE, COL_SINCE };

static const struct text_column columns[] = {
	[COL_TARGET] = { .title = "TARGET" },
	[COL_STATE] = { .title = "STATE" },
	[COL_VALUE] = { .title = "VALUE", .right = true, .drop = 1 },
	[COL_SINCE] = { .title = "SINCE" },
};

static const struct {
	const char *state;
	enum text_colour colour;
} state_colours[] = {
	{ "firing", TEXT_RED },
	{ "pending", TEXT_YELLOW },
	{ "recovering", TEXT_YELLOW },
};

/* Members of an object of numbers that are above 0: "1 firing, 4 inactive". */
static void put_counts(const json_t *counts, bool name_first, struct buf *out)
{
	const char *before = "", *name;
	json_t *n;

	json_object_foreach ((json_t *)(uintptr_t)counts, name, n) {
		if (json_integer_value(n) <= 0)
			continue;
		if (name_first)
			buf_printf(out, "%s%s %lld", before, name,
				   (long long)json_integer_value(n));
		else
			buf_printf(out, "%s%lld %s", before, (long long)json_integer_value(n),
				   name);
		before = ", ";
	}
}

/* "slow  reweight 50%  1 firing, 4 inactive; placed 2 of 3; refused: min_available 4". */
static void put_head(const json_t *rule, struct buf *out)
{
	const char *enforce = render_text(rule, "enforce");
	struct buf refused = BUF_INIT;

	buf_printf(out, "%s  %s", render_text(rule, "name"), render_text(rule, "action"));
	if (strcmp(enforce, "on") != 0 && *enforce)
		buf_printf(out, "  %s", enforce);
	buf_puts(out, "  ");
	put_counts(json_object_get(rule, "states"), false, out);
	if (render_int(rule, "detected", 0) > 0)
		buf_printf(out, "; enforced %lld of %lld",
			   (long long)render_int(rule, "enforced", 0),
			   (long long)render_int(rule, "detected", 0));
	put_counts(json_object_get(rule, "refused"), true, &refused);
	if (refused.len > 0)
		buf_printf(out, "; refused: %s", buf_str(&refused));
	buf_fini(&refused);
}

/* "  probe_up == 0 for 30s, conf.d/rules.ini:12". */
static void put_what(const json_t *rule, struct buf *out)
{
	const char *lasts = render_text(rule, "for");

	buf_puts(out, "  ");
	if (*render_text(rule, "alert"))
		buf_printf(out, "alert %s", render_text(rule, "alert"));
	else
		buf_puts(out, render_text(rule, "expr"));
	if (*lasts && strcmp(lasts, "0s") != 0 && strcmp(lasts, "0") != 0)
		buf_printf(out, " for %s", lasts);
	if (*render_text(rule, "file") && render_int(rule, "line", 0) > 0)
		buf_printf(out, "  (%s:%lld)", render_text(rule, "file"),
			   (long long)render_int(rule, "line", 0));
	else
		buf_puts(out, "  (built in)");
}

static bool add_target(struct text_table *t, const json_t *target, const struct text_style *style)
{
	const char *state = render_text(target, "state");
	const json_t *value = json_object_get(target, "value");
	struct buf cells[countof(columns)] = { 0 }, tail = BUF_INIT;
	enum text_colour colours[countof(columns)] = { TEXT_PLAIN };
	const char *texts[countof(columns)];
	bool ok;

	render_hold_target(target, &cells[COL_TARGET]);
	buf_puts(&cells[COL_STATE], state);
	for (size_t i = 0; i < countof(state_colours); i++) {
		if (strcmp(state_colours[i].state, state) == 0)
			colours[COL_STATE] = state_colours[i].colour;
	}
	if (json_is_number(value))
		buf_printf(&cells[COL_VALUE], "%.6g", json_number_value(value));
	when_put_from_now(&cells[COL_SINCE], style, when_of(json_object_get(target, "since")));
	if (json_is_true(json_object_get(target, "held")))
		buf_puts(&tail, "held");
	else if (*render_text(target, "refused_by"))
		buf_printf(&tail, "refused by guard %s", render_text(target, "refused_by"));
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

static bool add_rule(struct text_table *t, const json_t *rule, const struct text_style *style)
{
	const json_t *targets = json_object_get(rule, "targets"), *target;
	struct buf head = BUF_INIT, what = BUF_INIT;
	size_t i;
	bool ok;

	put_head(rule, &head);
	put_what(rule, &what);
	ok = buf_ok(&head) && buf_ok(&what) && text_table_line(t, buf_str(&head), TEXT_BOLD) &&
	     text_table_line(t, buf_str(&what), TEXT_DIM);
	buf_fini(&head);
	buf_fini(&what);
	json_array_foreach (targets, i, target)
		ok = ok && add_target(t, target, style);
	return ok;
}

int render_rules(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *rules = json_object_get(json, "rules"), *rule;
	struct text_table *t;
	bool ok = true;
	size_t i;
	int r;

	if (!json_is_array(rules))
		return -EBADMSG;
	r = text_table_new(columns, countof(columns), &t);
	if (r != 0)
		return r;
	json_array_foreach (rules, i, rule)
		ok = ok && add_rule(t, rule, style);
	if (ok)
		text_table_format(t, style, out);
	if (json_array_size(rules) == 0)
		buf_puts(out, "there are no rules\n");
	text_table_free(t);
	return ok && buf_ok(out) ? 0 : -ENOMEM;
}
