/* render_row.c: a realserver in cells: for status and top. Its rows are those of
 * status_rows(). */
#include "agent/cli/render_row.h"

#include <string.h>

#include "agent/base/attr.h"
#include "agent/cli/render.h"
#include "agent/cli/render_hold.h"

/* In the order in which they are counted. */
static const struct {
	const char *state;
	enum text_colour colour;
} states[] = {
	{ "up", TEXT_GREEN },    { "down", TEXT_RED },     { "unknown", TEXT_YELLOW },
	{ "held", TEXT_YELLOW }, { "disabled", TEXT_DIM }, { "standby", TEXT_DIM },
	{ "foreign", TEXT_DIM },
};

const char *render_state(size_t i)
{
	return i < countof(states) ? states[i].state : NULL;
}

static enum text_colour colour_of(const char *state)
{
	for (size_t i = 0; i < countof(states); i++) {
		if (strcmp(states[i].state, state) == 0)
			return states[i].colour;
	}
	return TEXT_PLAIN;
}

/* "100", "50 of 100", "absent of 100". */
void render_row_weight(const json_t *rs, struct buf *out)
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
void render_latency(double seconds, struct buf *out)
{
	if (seconds >= 1)
		buf_printf(out, "%.1f s", seconds);
	else if (seconds >= 0.01)
		buf_printf(out, "%.0f ms", seconds * 1000);
	else
		buf_printf(out, "%.1f ms", seconds * 1000);
}

/* ", 9f86d081884c differs from 2 of 3". */
static void put_stale(const json_t *probe, struct buf *out)
{
	if (json_is_true(json_object_get(probe, "stale")))
		buf_printf(out, ", %s differs from %lld of %lld", render_text(probe, "digest"),
			   (long long)render_int(probe, "digest_agree", 0),
			   (long long)render_int(probe, "digest_heard", 0));
}

/* "http 1.2 ms", "http down: refused", "tcp unknown: no-route"; all of them. */
void render_row_probes(const json_t *rs, struct buf *out)
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
				render_latency(json_number_value(seconds), out);
			}
			put_stale(p, out);
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

/* "operator alice: deploy, 12 active, about 20s to go", "operator bob (admit): …". */
static void put_hold(const json_t *h, const struct text_style *style, struct buf *out)
{
	const json_t *effect = json_object_get(h, "effect");
	struct buf text = BUF_INIT;

	buf_printf(out, "%s%s %s", out->len > 0 ? "; " : "", render_text(h, "class"),
		   render_text(h, "holder"));
	render_hold_effect(h, &text);
	/* The weight shows the others. */
	if (json_is_object(effect) || strcmp(buf_str(&text), "admit") == 0)
		buf_printf(out, " (%s)", buf_str(&text));
	if (*render_text(h, "reason"))
		buf_printf(out, ": %s", render_text(h, "reason"));
	if (json_is_true(json_object_get(h, "waiting")))
		buf_printf(out, ", does not act: guard %s", render_text(h, "refused_by"));
	buf_reset(&text);
	render_drain(h, style, &text);
	if (text.len > 0)
		buf_printf(out, "%s %s", *render_text(h, "reason") ? "," : ":", buf_str(&text));
	buf_fini(&text);
}

/* Of one that an operator drains, how far that is. */
static const json_t *drain_of(const json_t *rs)
{
	const json_t *holds = json_object_get(rs, "holds"), *h;
	size_t i;

	json_array_foreach (holds, i, h) {
		if (json_object_get(h, "drain"))
			return h;
	}
	return NULL;
}

/* "up", "down", "draining", "up (backup)". */
enum text_colour render_row_state(const json_t *rs, struct buf *out)
{
	const char *state = render_text(rs, "state");
	const json_t *drain = drain_of(rs);

	/* That it is down matters more than that it is drained. */
	if (drain && strcmp(state, "held") == 0) {
		render_hold_effect(drain, out);
		return render_hold_colour(drain);
	}
	buf_puts(out, state);
	/* One that stands by is a backup; one that serves should be seen to be one. */
	if (json_is_true(json_object_get(rs, "backup")) && strcmp(state, "standby") != 0)
		buf_puts(out, " (backup)");
	return colour_of(state);
}

/* What a probe said that it could not pass by: an answer to its question, or ours. */
static void put_probe_texts(const json_t *rs, struct buf *out)
{
	const json_t *probes = json_object_get(rs, "probes"), *p;
	size_t i;

	json_array_foreach (probes, i, p) {
		if (json_is_true(json_object_get(p, "success")) || !*render_text(p, "text"))
			continue;
		buf_printf(out, "%s%s: %s", out->len > 0 ? "; " : "", render_text(p, "probe"),
			   render_text(p, "text"));
	}
}

/* Why it is not as configured: the holds with their holders, else the agent's words;
 * what its probes were told; and where the kernel is not as it should be. */
void render_row_why(const json_t *rs, const struct text_style *style, struct buf *out)
{
	const json_t *holds = json_object_get(rs, "holds"), *h;
	const json_t *kernel = json_object_get(rs, "kernel_weight");
	size_t i;

	json_array_foreach (holds, i, h)
		put_hold(h, style, out);
	if (out->len == 0)
		buf_puts(out, render_text(rs, "reason"));
	put_probe_texts(rs, out);
	if (!kernel)
		return;
	buf_puts(out, out->len > 0 ? "; " : "");
	if (json_is_null(kernel))
		buf_puts(out, "not in the kernel");
	else
		buf_printf(out, "the kernel has %lld", (long long)json_integer_value(kernel));
}
