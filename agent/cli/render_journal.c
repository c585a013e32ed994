/* render_journal.c: GET /api/v1/journal as text: {"lines":[{…}…]}, oldest first. What
 * members a line has says contrib/man/ipvs-agent.8; one of a kind that is not known here
 * is told member by member. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/cli/render.h"
#include "agent/cli/render_hold.h"
#include "agent/cli/when.h"

enum { TARGET_WIDTH = 18 };

/* Effects above a share, as holds have them. */
static const char *const wide_effects[] = { "fallback", "freeze", "admit", "another weight",
					    "another share of the weight" };

static void put_effect(const json_t *l, struct buf *out)
{
	int64_t effect = render_int(l, "effect", 0), weight = render_int(l, "weight", 0);

	if (effect < 0)
		buf_puts(out, "absent");
	else if (effect == 0)
		buf_puts(out, "weight 0");
	else if (effect <= 100)
		buf_printf(out, "%lld%% of its weight", (long long)effect);
	else if ((size_t)effect - 101 >= countof(wide_effects))
		buf_printf(out, "effect %lld", (long long)effect);
	else if (weight > 0)
		buf_printf(out, "weight %lld%s", (long long)weight, effect == 105 ? "%" : "");
	else
		buf_puts(out, wide_effects[effect - 101]);
}

/* ": in words", where there are any. */
static void put_why(const json_t *l, const char *key, struct buf *out)
{
	if (*render_text(l, key))
		buf_printf(out, ": %s", render_text(l, key));
}

static void put_weights(const json_t *l, const char *before, struct buf *out)
{
	const json_t *from = json_object_get(l, "from"), *to = json_object_get(l, "to");

	if (!json_is_integer(from) || !json_is_integer(to) || json_equal(from, to))
		return;
	buf_printf(out, "%sweight ", before);
	for (int i = 0; i < 2; i++) {
		int64_t n = json_integer_value(i == 0 ? from : to);

		if (n < 0)
			buf_puts(out, "absent");
		else
			buf_put_i64(out, n);
		buf_puts(out, i == 0 ? " → " : "");
	}
}

static enum text_colour put_start(const json_t *l, struct buf *out)
{
	buf_printf(out, "the agent %s begins", render_text(l, "version"));
	return TEXT_BOLD;
}

static enum text_colour put_stop(const json_t *l, struct buf *out)
{
	buf_puts(out, "the agent ends");
	put_why(l, "reason", out);
	return TEXT_BOLD;
}

static enum text_colour put_config(const json_t *l, struct buf *out)
{
	buf_printf(out, "configuration %lld comes into force",
		   (long long)render_int(l, "generation", 0));
	return TEXT_BOLD;
}

static enum text_colour put_restored(const json_t *l, struct buf *out)
{
	buf_printf(out, "from the ledger: %s %s holds it at ", render_text(l, "class"),
		   render_text(l, "holder"));
	put_effect(l, out);
	put_why(l, "reason", out);
	return TEXT_PLAIN;
}

static enum text_colour put_kernel(const json_t *l, struct buf *out)
{
	buf_printf(out, "the kernel's table is read: %lld services, %lld realservers",
		   (long long)render_int(l, "services", 0),
		   (long long)render_int(l, "realservers", 0));
	return TEXT_DIM;
}

static enum text_colour put_verdict(const json_t *l, struct buf *out)
{
	const char *verdict = render_text(l, "verdict");

	buf_printf(out, "probe %s: ", render_text(l, "probe"));
	if (json_is_true(json_object_get(l, "unknown")))
		buf_printf(out, "cannot tell (%s)", render_text(l, "reason"));
	else if (strcmp(verdict, "up") == 0)
		buf_puts(out, "up");
	else
		buf_printf(out, "%s, %s", verdict, render_text(l, "reason"));
	put_why(l, "text", out);
	return strcmp(verdict, "down") == 0 ? TEXT_RED : TEXT_GREEN;
}

static enum text_colour put_asked(const json_t *l, struct buf *out)
{
	buf_printf(out, "%s %s asks for ", render_text(l, "class"), render_text(l, "holder"));
	put_effect(l, out);
	put_why(l, "reason", out);
	return TEXT_BOLD;
}

static enum text_colour put_ended(const json_t *l, struct buf *out)
{
	buf_printf(out, "%s %s's hold ends", render_text(l, "class"), render_text(l, "holder"));
	put_why(l, "reason", out);
	return TEXT_BOLD;
}

static enum text_colour put_drain(const json_t *l, struct buf *out)
{
	const char *state = render_text(l, "state");
	bool drained = strcmp(state, "drained") == 0;

	buf_printf(out, "%s's drain: %s, ", render_text(l, "holder"), state);
	render_connections(render_int(l, "active", 0), render_int(l, "inactive", 0),
			   render_int(l, "persistent", 0), out);
	if (render_int(l, "elapsed_ms", 0) > 0) {
		buf_puts(out, " after ");
		when_put_span(out, render_int(l, "elapsed_ms", 0));
	}
	put_why(l, "reason", out);
	return drained ? TEXT_GREEN : strcmp(state, "draining") == 0 ? TEXT_PLAIN : TEXT_RED;
}

static enum text_colour put_order(const json_t *l, struct buf *out)
{
	buf_printf(out, "%s by %s", render_text(l, "order"), render_text(l, "by"));
	put_why(l, "reason", out);
	return TEXT_BOLD;
}

static enum text_colour put_rule(const json_t *l, struct buf *out)
{
	buf_printf(out, "rule %s: %s → %s", render_text(l, "rule"), render_text(l, "from"),
		   render_text(l, "to"));
	if (json_is_true(json_object_get(l, "frozen")))
		buf_puts(out, ", no data");
	if (*render_text(l, "evidence"))
		buf_printf(out, " (%s)", render_text(l, "evidence"));
	return TEXT_DIM;
}

static enum text_colour put_hold(const json_t *l, struct buf *out)
{
	buf_printf(out, "%s %s holds it at ", render_text(l, "class"), render_text(l, "holder"));
	put_effect(l, out);
	put_why(l, "reason", out);
	return TEXT_YELLOW;
}

static enum text_colour put_release(const json_t *l, struct buf *out)
{
	int64_t held = render_int(l, "held_ms", 0);

	buf_printf(out, "%s %s lets it go", render_text(l, "class"), render_text(l, "holder"));
	if (held > 0) {
		buf_puts(out, " after ");
		when_put_span(out, held);
	}
	put_why(l, "reason", out);
	return TEXT_GREEN;
}

static enum text_colour put_refused(const json_t *l, struct buf *out)
{
	buf_printf(out, "rule %s asks for ", render_text(l, "rule"));
	put_effect(l, out);
	buf_printf(out, ", guard %s refuses", render_text(l, "guard"));
	put_why(l, "reason", out);
	return TEXT_YELLOW;
}

static enum text_colour put_panic(const json_t *l, struct buf *out)
{
	bool on = json_is_true(json_object_get(l, "on"));

	buf_puts(out, on ? "PANIC" : "panic is over");
	put_why(l, "reason", out);
	if (on && *render_text(l, "policy"))
		buf_printf(out, " (on_panic = %s)", render_text(l, "policy"));
	return on ? TEXT_RED : TEXT_GREEN;
}

static enum text_colour put_weight(const json_t *l, struct buf *out)
{
	put_weights(l, "", out);
	if (*render_text(l, "by"))
		buf_printf(out, ", by %s", render_text(l, "by"));
	put_why(l, "reason", out);
	return TEXT_PLAIN;
}

static enum text_colour put_freeze(const json_t *l, struct buf *out)
{
	bool on = json_is_true(json_object_get(l, "on"));

	buf_printf(out, on ? "FROZEN (%s)" : "the freeze is over (%s)", render_text(l, "brake"));
	put_why(l, "reason", out);
	return on ? TEXT_RED : TEXT_GREEN;
}

static enum text_colour put_ramp(const json_t *l, struct buf *out)
{
	put_weights(l, "slow start: ", out);
	buf_printf(out, " of %lld", (long long)render_int(l, "target", 0));
	return TEXT_DIM;
}

static enum text_colour put_drift(const json_t *l, struct buf *out)
{
	buf_printf(out, "somebody else set weight %lld, %lld was expected: %s",
		   (long long)render_int(l, "found", 0), (long long)render_int(l, "expected", 0),
		   render_text(l, "verdict"));
	put_why(l, "reason", out);
	return TEXT_YELLOW;
}

static enum text_colour put_unknown(const json_t *l, struct buf *out)
{
	static const char *const said[] = { "t", "m", "seq", "what", "service", "realserver" };
	const char *name;
	json_t *value;

	buf_printf(out, "%s:", render_text(l, "what"));
	json_object_foreach ((json_t *)(uintptr_t)l, name, value) {
		char *text;
		bool known = false;

		for (size_t i = 0; i < countof(said); i++)
			known = known || strcmp(said[i], name) == 0;
		text = known ? NULL : json_dumps(value, JSON_ENCODE_ANY);
		if (text)
			buf_printf(out, " %s=%s", name, text);
		free(text);
	}
	return TEXT_PLAIN;
}

static const struct {
	const char *what;
	enum text_colour (*put)(const json_t *l, struct buf *out);
} kinds[] = {
	{ "start", put_start },       { "stop", put_stop },       { "config", put_config },
	{ "restored", put_restored }, { "kernel", put_kernel },   { "verdict", put_verdict },
	{ "asked", put_asked },       { "ended", put_ended },     { "drain", put_drain },
	{ "order", put_order },       { "rule", put_rule },       { "hold", put_hold },
	{ "release", put_release },   { "refused", put_refused }, { "panic", put_panic },
	{ "weight", put_weight },     { "freeze", put_freeze },   { "ramp", put_ramp },
	{ "drift", put_drift },
};

static void put_head(const json_t *l, const struct text_style *style, struct buf *out)
{
	const char *service = render_text(l, "service"), *rs = render_text(l, "realserver");
	struct buf target = BUF_INIT;
	int64_t t = render_int(l, "t", 0);
	size_t len;

	when_put(out, style, t);
	buf_printf(out, ".%03d  ", (int)(t % 1000));
	if (strcmp(service, "*") != 0)
		buf_printf(&target, "%s%s%s", service, *rs && strcmp(rs, "*") != 0 ? "/" : "",
			   strcmp(rs, "*") != 0 ? rs : "");
	len = text_len(buf_str(&target));
	text_put(out, len > 0 ? buf_str(&target) : "-");
	len = len > 0 ? len : 1;
	buf_printf(out, "%*s  ", len < TARGET_WIDTH ? (int)(TARGET_WIDTH - len) : 0, "");
	buf_fini(&target);
}

void render_journal_line(const json_t *line, const struct text_style *style, struct buf *out)
{
	enum text_colour (*put)(const json_t *l, struct buf *out) = put_unknown;
	const char *what = render_text(line, "what");
	struct buf text = BUF_INIT;
	enum text_colour colour;

	/* Figures for rules and replays, a line each two seconds. */
	if (!*what || strcmp(what, "sample") == 0)
		return;
	for (size_t i = 0; i < countof(kinds); i++) {
		if (strcmp(kinds[i].what, what) == 0)
			put = kinds[i].put;
	}
	put_head(line, style, out);
	colour = put(line, &text);
	text_put_colour(out, style, colour, buf_str(&text));
	buf_putc(out, '\n');
	if (!buf_ok(&text))
		out->failed = true;
	buf_fini(&text);
}

int render_journal(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *lines = json_object_get(json, "lines"), *line;
	size_t i;

	if (!json_is_array(lines))
		return -EBADMSG;
	json_array_foreach (lines, i, line)
		render_journal_line(line, style, out);
	return buf_ok(out) ? 0 : -ENOMEM;
}
