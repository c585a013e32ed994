/* render_explain.c: GET /api/v1/explain?target= as text.
 *
 * {"targets":[{"service":"web","realserver":"web2","addresses":["10.1.2.22:80"],
 *   "weight":0 (null = absent),"configured":100,
 *   "steps":[{"weight":100,"why":"configured","text":"conf.d/web.ini:12"},
 *            {"weight":0,"why":"rule probe-down",
 *             "text":"since 14:02:07 (3 m): http connection refused, 3 of 3 probes"}],
 *   "kernel":{"weight":0 (null = not there),"written":"14:02:07.412"},
 *   "returns":"after 2 good probes","notes":["…"],
 *   "probes":[{"probe":"db","address":"10.1.2.22:3306","last":"connection refused",
 *              "text":"…" (may be missing)}]}]}
 *
 * steps: in the order in which they lower the weight, each with the weight that holds
 * from it on (null = absent). kernel null = it could not be read; written may be
 * missing (the agent did not write it). returns may be missing (nothing to return
 * from). The times are the agent's, so that both see the same.
 */
#include "agent/cli/render.h"

#include <errno.h>
#include <string.h>

#include "agent/cli/when.h"

/* A weight, "absent" for null, nothing where it is no weight at all. */
static void put_weight(const json_t *value, struct buf *out)
{
	if (json_is_integer(value))
		buf_put_i64(out, json_integer_value(value));
	else if (json_is_null(value))
		buf_puts(out, "absent");
}

/* In the agent's words, and local time. */
static void put_sentence(struct buf *out, const struct text_style *style, const char *text)
{
	struct buf local = BUF_INIT;

	when_put_text(&local, style, text);
	text_put(out, buf_str(&local));
	if (!buf_ok(&local))
		out->failed = true;
	buf_fini(&local);
}

static void put_head(const json_t *target, const struct text_style *style, struct buf *out)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "%s/%s", render_text(target, "service"),
		   render_text(target, "realserver"));
	text_put_colour(out, style, TEXT_BOLD, buf_str(&text));
	buf_reset(&text);
	buf_puts(&text, "  ");
	render_join(target, "addresses", " ", &text);
	if (json_is_null(json_object_get(target, "weight")))
		buf_puts(&text, "  absent");
	else
		buf_printf(&text, "  weight %lld", (long long)render_int(target, "weight", 0));
	if (json_is_integer(json_object_get(target, "configured")))
		buf_printf(&text, " of %lld", (long long)render_int(target, "configured", 0));
	text_put(out, buf_str(&text));
	buf_putc(out, '\n');
	if (!buf_ok(&text))
		out->failed = true;
	buf_fini(&text);
}

static void put_steps(const json_t *target, const struct text_style *style, struct buf *out)
{
	const json_t *steps = json_object_get(target, "steps"), *step;
	size_t weight_width = 5, why_width = 16, i;
	struct buf weight = BUF_INIT;

	json_array_foreach (steps, i, step) {
		size_t len = text_len(render_text(step, "why"));

		why_width = len > why_width ? len : why_width;
		buf_reset(&weight);
		put_weight(json_object_get(step, "weight"), &weight);
		weight_width = weight.len > weight_width ? weight.len : weight_width;
	}
	json_array_foreach (steps, i, step) {
		bool last = i + 1 == json_array_size(steps);

		buf_reset(&weight);
		put_weight(json_object_get(step, "weight"), &weight);
		buf_printf(out, "%*s", (int)(weight_width - weight.len), "");
		text_put_colour(out, style, last && i > 0 ? TEXT_YELLOW : TEXT_PLAIN,
				buf_str(&weight));
		buf_puts(out, "  ");
		text_put(out, render_text(step, "why"));
		buf_printf(out, "%*s  ", (int)(why_width - text_len(render_text(step, "why"))), "");
		put_sentence(out, style, render_text(step, "text"));
		while (out->len > 0 && out->data[out->len - 1] == ' ')
			out->len--;
		buf_putc(out, '\n');
	}
	if (!buf_ok(&weight))
		out->failed = true;
	buf_fini(&weight);
}

static void put_kernel(const json_t *target, const struct text_style *style, struct buf *out)
{
	const json_t *kernel = json_object_get(target, "kernel");
	const json_t *weight = json_object_get(kernel, "weight");
	bool differs = kernel && !json_equal(weight, json_object_get(target, "weight"));
	struct buf text = BUF_INIT;

	if (!json_is_object(kernel)) {
		buf_puts(&text, "the kernel could not be read");
	} else if (json_is_integer(weight)) {
		buf_printf(&text, "kernel has %lld", (long long)json_integer_value(weight));
		if (*render_text(kernel, "written")) {
			buf_puts(&text, ", written ");
			when_put_text(&text, style, render_text(kernel, "written"));
		}
	} else {
		buf_puts(&text, "the kernel does not have it");
	}
	buf_puts(out, "  ");
	text_put_colour(out, style, differs ? TEXT_RED : TEXT_PLAIN, buf_str(&text));
	buf_putc(out, '\n');
	if (!buf_ok(&text))
		out->failed = true;
	buf_fini(&text);
}

/* What probes said beside their reasons. */
static void put_probes(const json_t *target, struct buf *out)
{
	const json_t *probes = json_object_get(target, "probes"), *p;
	struct buf line = BUF_INIT;
	size_t i;

	json_array_foreach (probes, i, p) {
		if (!*render_text(p, "text"))
			continue;
		buf_reset(&line);
		buf_printf(&line, "  probe %s %s: %s: %s", render_text(p, "probe"),
			   render_text(p, "address"), render_text(p, "last"),
			   render_text(p, "text"));
		text_put(out, buf_str(&line));
		buf_putc(out, '\n');
	}
	if (!buf_ok(&line))
		out->failed = true;
	buf_fini(&line);
}

static void put_target(const json_t *target, const struct text_style *style, struct buf *out)
{
	const json_t *notes = json_object_get(target, "notes"), *note;
	size_t i;

	put_head(target, style, out);
	put_steps(target, style, out);
	put_kernel(target, style, out);
	if (*render_text(target, "returns")) {
		buf_puts(out, "  returns: ");
		put_sentence(out, style, render_text(target, "returns"));
		buf_putc(out, '\n');
	}
	put_probes(target, out);
	json_array_foreach (notes, i, note) {
		buf_puts(out, "  note: ");
		put_sentence(out, style, json_string_value(note) ? json_string_value(note) : "?");
		buf_putc(out, '\n');
	}
}

int render_explain(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *targets = json_object_get(json, "targets"), *target;
	size_t i;

	if (!json_is_array(targets))
		return -EBADMSG;
	json_array_foreach (targets, i, target) {
		if (i > 0)
			buf_putc(out, '\n');
		put_target(target, style, out);
	}
	return buf_ok(out) ? 0 : -ENOMEM;
}
