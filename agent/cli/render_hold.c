/* render_hold.c: a hold in words. */
#include "agent/cli/render_hold.h"

#include <string.h>

#include "agent/base/attr.h"
#include "agent/cli/render.h"
#include "agent/cli/when.h"

static const char *drain_state(const json_t *hold)
{
	return render_text(json_object_get(hold, "drain"), "state");
}

void render_hold_target(const json_t *hold, struct buf *out)
{
	const char *service = render_text(hold, "service");
	const char *realserver = render_text(hold, "realserver");

	if (strcmp(service, "*") == 0)
		buf_puts(out, "everything");
	else if (!*realserver || strcmp(realserver, "*") == 0)
		buf_puts(out, service);
	else
		buf_printf(out, "%s/%s", service, realserver);
}

/* An operator's 0 is a drain, also where nobody counts what is left. */
static bool is_drain(const json_t *hold)
{
	const json_t *effect = json_object_get(hold, "effect");

	return json_object_get(hold, "drain") ||
	       (json_is_integer(effect) && json_integer_value(effect) == 0 &&
		strcmp(render_text(hold, "class"), "operator") == 0);
}

static void put_effect(const json_t *hold, struct buf *out)
{
	const json_t *effect = json_object_get(hold, "effect");
	const json_t *replace = json_object_get(effect, "replace");
	const json_t *value = replace ? replace : effect;

	if (replace)
		buf_puts(out, "weight ");
	if (json_is_integer(value))
		buf_put_i64(out, json_integer_value(value));
	else
		buf_puts(out, json_string_value(value) ? json_string_value(value) : "?");
}

void render_hold_effect(const json_t *hold, struct buf *out)
{
	if (*drain_state(hold))
		buf_puts(out, drain_state(hold));
	else if (is_drain(hold))
		buf_puts(out, "drain");
	else
		put_effect(hold, out);
}

void render_hold_name(const json_t *hold, struct buf *out)
{
	const char *class = render_text(hold, "class");
	struct buf effect = BUF_INIT;

	buf_printf(out, "%s %s's ", class, render_text(hold, "holder"));
	if (is_drain(hold))
		buf_puts(&effect, "drain");
	else
		put_effect(hold, &effect);
	/* A share or a 0 alone says nothing. */
	if (strchr("0123456789", buf_str(&effect)[0]) || strcmp(buf_str(&effect), "absent") == 0)
		buf_printf(out, "hold at %s", buf_str(&effect));
	else
		buf_puts(out, buf_str(&effect));
	buf_fini(&effect);
}

void render_hold_times(const json_t *hold, const struct text_style *style, struct buf *out)
{
	int64_t since = when_of(json_object_get(hold, "since"));
	int64_t until = when_of(json_object_get(hold, "until"));

	if (since) {
		buf_puts(out, "since ");
		when_put_from_now(out, style, since);
	}
	if (until) {
		buf_puts(out, since ? ", until " : "until ");
		when_put_from_now(out, style, until);
	}
}

void render_connections(int64_t active, int64_t inactive, int64_t persistent, struct buf *out)
{
	const struct {
		int64_t n;
		const char *name;
	} counts[] = { { active, "active" },
		       { inactive, "inactive" },
		       { persistent, "persistent" } };
	const char *before = "";

	for (size_t i = 0; i < countof(counts); i++) {
		if (counts[i].n <= 0)
			continue;
		buf_printf(out, "%s%lld %s", before, (long long)counts[i].n, counts[i].name);
		before = ", ";
	}
	if (!*before)
		buf_puts(out, "no connections");
}

/* What is still there, and how it goes. */
static void put_progress(const json_t *drain, const struct text_style *style, struct buf *out)
{
	const json_t *eta = json_object_get(drain, "eta_seconds");
	int64_t deadline = when_of(json_object_get(drain, "deadline"));
	int64_t active = render_int(drain, "active", 0);
	int64_t inactive = render_int(drain, "inactive", 0);
	int64_t persistent = render_int(drain, "persistent", 0);

	/* None, and not drained: the agent waits for something else, and says for what. */
	if (active + inactive + persistent == 0 && *render_text(drain, "why"))
		buf_puts(out, render_text(drain, "why"));
	else
		render_connections(active, inactive, persistent, out);
	if (json_is_number(eta)) {
		buf_puts(out, ", about ");
		when_put_span(out, (int64_t)(json_number_value(eta) * 1000));
		buf_puts(out, " to go");
	}
	if (deadline > style->now_wall_ms && strcmp(render_text(drain, "state"), "late") != 0) {
		buf_puts(out, "; late at ");
		when_put(out, style, deadline);
	}
}

void render_drain(const json_t *hold, const struct text_style *style, struct buf *out)
{
	const json_t *drain = json_object_get(hold, "drain");
	const json_t *elapsed = json_object_get(drain, "elapsed_seconds");
	const char *state = drain_state(hold);

	if (!drain)
		return;
	if (strcmp(state, "drained") == 0) {
		buf_puts(out, "it can be stopped: drained");
		if (json_is_number(elapsed)) {
			buf_puts(out, " after ");
			when_put_span(out, (int64_t)(json_number_value(elapsed) * 1000));
		}
		return;
	}
	put_progress(drain, style, out);
	if (strcmp(state, "draining") != 0 && *render_text(drain, "why"))
		buf_printf(out, " (%s)", render_text(drain, "why"));
}

enum text_colour render_hold_colour(const json_t *hold)
{
	static const struct {
		const char *state;
		enum text_colour colour;
	} colours[] = { { "drained", TEXT_GREEN },
			{ "draining", TEXT_YELLOW },
			{ "stalled", TEXT_RED },
			{ "late", TEXT_RED } };

	for (size_t i = 0; i < countof(colours); i++) {
		if (strcmp(colours[i].state, drain_state(hold)) == 0)
			return colours[i].colour;
	}
	return TEXT_PLAIN;
}

void render_frozen(const json_t *frozen, const struct text_style *style, struct buf *out)
{
	struct buf line = BUF_INIT;

	if (!json_is_object(frozen))
		return;
	buf_printf(&line, "FROZEN by %s ", render_text(frozen, "holder"));
	render_hold_times(frozen, style, &line);
	buf_puts(&line, ": nothing automatic changes a weight");
	if (*render_text(frozen, "reason"))
		buf_printf(&line, " (%s)", render_text(frozen, "reason"));
	text_put_colour(out, style, TEXT_RED, buf_str(&line));
	buf_putc(out, '\n');
	if (!buf_ok(&line))
		out->failed = true;
	buf_fini(&line);
}
