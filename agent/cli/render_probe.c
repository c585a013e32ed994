/* render_probe.c: POST /api/v1/probe as text.
 *
 * {"attempts":[{"probe":"http","url":"http://www.example.net/healthz",
 *   "address":"10.1.2.22:80","source":null,"interface":null,
 *   "realservers":["web/web2"],"shared_by":1,
 *   "outcome":"failed","reason":"answer-status","said":"status not expected",
 *   "error":null,"text":null,"status":503,"seconds":0.012,
 *   "connect_seconds":0.001,"tls_seconds":0.004,"first_byte_seconds":0.006,
 *   "tls_expiry":"2026-12-01T00:00:00.000Z",
 *   "answer":"HTTP/1.1 503 Service Unavailable\r\n…",
 *   "before":"up","verdict":"up","counted":false,"passes":0,"failures":1}]}
 *
 * A phase that was not reached is missing, and so is an answer that the kind cannot show.
 * One that was given up has "given_up" alone. */
#include "agent/cli/render.h"

#include <errno.h>
#include <string.h>

#include "agent/cli/when.h"

enum { ANSWER_LINES = 30, ANSWER_COLUMNS = 160 };

static void put_ms(struct buf *out, double seconds)
{
	double ms = seconds * 1e3;

	buf_printf(out, ms < 10 ? "%.2f ms" : ms < 100 ? "%.1f ms" : "%.0f ms", ms);
}

static void put_head(const json_t *a, const struct text_style *style, struct buf *out)
{
	int64_t n = render_int(a, "shared_by", 0);
	struct buf text = BUF_INIT;

	render_join(a, "realservers", " ", &text);
	text_put_colour(out, style, TEXT_BOLD, buf_str(&text));
	n -= (int64_t)json_array_size(json_object_get(a, "realservers"));
	if (n > 0)
		buf_printf(out, " and %lld more", (long long)n);
	buf_puts(out, "  probe ");
	text_put(out, render_text(a, "probe"));
	buf_puts(out, "  ");
	text_put(out, render_text(a, "url"));
	buf_puts(out, "\n  to ");
	text_put(out, render_text(a, "address"));
	if (*render_text(a, "source")) {
		buf_puts(out, " from ");
		text_put(out, render_text(a, "source"));
	}
	if (*render_text(a, "interface")) {
		buf_puts(out, " by ");
		text_put(out, render_text(a, "interface"));
	}
	buf_putc(out, '\n');
	out->failed |= text.failed;
	buf_fini(&text);
}

static void put_phases(const json_t *a, const struct text_style *style, struct buf *out)
{
	static const struct {
		const char *key, *text;
	} phases[] = {
		{ "connect_seconds", "connect" },
		{ "tls_seconds", "TLS" },
		{ "first_byte_seconds", "first byte" },
	};
	const char *before = "  ";
	size_t i;

	for (i = 0; i < countof(phases); i++) {
		const json_t *value = json_object_get(a, phases[i].key);

		if (!json_is_number(value))
			continue;
		buf_printf(out, "%s%s ", before, phases[i].text);
		put_ms(out, json_number_value(value));
		before = ", ";
	}
	if (render_int(a, "status", 0)) {
		buf_printf(out, "%sstatus %lld", before, (long long)render_int(a, "status", 0));
		before = ", ";
	}
	if (*render_text(a, "tls_expiry")) {
		buf_printf(out, "%scertificate until ", before);
		when_put(out, style, when_of(json_object_get(a, "tls_expiry")));
		before = ", ";
	}
	if (*before == ',')
		buf_putc(out, '\n');
}

static void put_outcome(const json_t *a, const struct text_style *style, struct buf *out)
{
	const char *outcome = render_text(a, "outcome"), *error = render_text(a, "error");
	bool passed = strcmp(outcome, "passed") == 0;

	buf_puts(out, "  ");
	text_put_colour(out, style,
			passed                           ? TEXT_GREEN
			: strcmp(outcome, "failed") == 0 ? TEXT_RED
							 : TEXT_YELLOW,
			outcome);
	buf_puts(out, " in ");
	put_ms(out, json_number_value(json_object_get(a, "seconds")));
	if (!passed) {
		buf_puts(out, ": ");
		text_put(out, render_text(a, "said"));
		buf_puts(out, " (");
		text_put(out, render_text(a, "reason"));
		buf_putc(out, ')');
	}
	/* The kernel's words, where they are others than ours. */
	if (*error && strcasecmp(error, render_text(a, "said")) != 0) {
		buf_puts(out, ": ");
		text_put(out, error);
	}
	if (*render_text(a, "text")) {
		buf_puts(out, "; ");
		text_put(out, render_text(a, "text"));
	}
	buf_putc(out, '\n');
}

static void put_verdict(const json_t *a, struct buf *out)
{
	const char *before = render_text(a, "before"), *verdict = render_text(a, "verdict");

	if (!json_is_true(json_object_get(a, "counted"))) {
		buf_puts(out, "  not counted; the verdict is ");
		text_put(out, verdict);
	} else if (strcmp(before, verdict) == 0) {
		buf_puts(out, "  counted; the verdict stays ");
		text_put(out, verdict);
	} else {
		buf_puts(out, "  counted; the verdict was ");
		text_put(out, before);
		buf_puts(out, " and is ");
		text_put(out, verdict);
	}
	buf_printf(out, " (%lld passed, %lld failed in a row)\n",
		   (long long)render_int(a, "passes", 0), (long long)render_int(a, "failures", 0));
}

/* A line each, whatever the server put into them, as far as it fits. */
static void put_answer(const json_t *a, const struct text_style *style, struct buf *out)
{
	size_t room = style->width > 4 ? style->width - 4 : ANSWER_COLUMNS;
	const char *at = render_text(a, "answer");
	struct buf line = BUF_INIT, shown = BUF_INIT;
	int n;

	for (n = 0; *at && n < ANSWER_LINES; n++) {
		size_t len = strcspn(at, "\n");

		buf_reset(&line);
		buf_put(&line, at, len && at[len - 1] == '\r' ? len - 1 : len);
		buf_reset(&shown);
		text_put_cut(&shown, buf_str(&line), room);
		buf_puts(out, shown.len ? "  | " : "  |");
		text_put_colour(out, style, TEXT_DIM, buf_str(&shown));
		buf_putc(out, '\n');
		at += len + (at[len] == '\n');
	}
	if (*at)
		buf_puts(out, "  | …\n");
	out->failed |= line.failed || shown.failed;
	buf_fini(&line);
	buf_fini(&shown);
}

static void put_attempt(const json_t *a, const struct text_style *style, struct buf *out)
{
	if (*render_text(a, "given_up")) {
		buf_puts(out, "given up: ");
		text_put(out, render_text(a, "given_up"));
		buf_putc(out, '\n');
		return;
	}
	put_head(a, style, out);
	put_phases(a, style, out);
	put_outcome(a, style, out);
	put_verdict(a, out);
	put_answer(a, style, out);
}

int render_probe(const json_t *json, const struct text_style *style, struct buf *out)
{
	const json_t *attempts = json_object_get(json, "attempts"), *attempt;
	size_t i;

	if (!json_is_array(attempts))
		return -EBADMSG;
	json_array_foreach (attempts, i, attempt) {
		if (i > 0)
			buf_putc(out, '\n');
		put_attempt(attempt, style, out);
	}
	return buf_ok(out) ? 0 : -ENOMEM;
}
