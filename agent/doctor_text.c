/* doctor_text.c: each finding with what it means and the command that mends it; then what
 * could not be looked at, and the sum. */
#include "agent/doctor_text.h"

#include <string.h>

enum { INDENT = 9, WIDTH_MIN = 40 };

static const enum text_colour colours[DOCTOR_N_SEVERITIES] = {
	[DOCTOR_NOTE] = TEXT_DIM,
	[DOCTOR_WARNING] = TEXT_YELLOW,
	[DOCTOR_ERROR] = TEXT_RED,
};

static void indent(struct buf *out)
{
	buf_printf(out, "%*s", INDENT, "");
}

/* Broken at blanks, all lines but the first indented; `at` is where it begins. */
static void put_wrapped(const char *text, size_t at, const struct text_style *style,
			enum text_colour colour, struct buf *out)
{
	size_t width = style->width >= WIDTH_MIN ? style->width : 0;

	while (*text) {
		size_t len = strcspn(text, " ");
		struct buf word = BUF_INIT;
		size_t columns;

		buf_put(&word, text, len);
		columns = text_len(buf_str(&word));
		if (width && at > INDENT && at + columns > width) {
			while (out->len && out->data[out->len - 1] == ' ')
				out->len--;
			buf_putc(out, '\n');
			indent(out);
			at = INDENT;
		}
		text_put_colour(out, style, colour, buf_str(&word));
		at += columns;
		text += len;
		if (*text) {
			buf_putc(out, ' ');
			at++;
			text++;
		}
		buf_fini(&word);
	}
	buf_putc(out, '\n');
}

/* "error    ip-forward: net.ipv4.ip_forward is 0 (service web)", and below it the rest. */
static void put_finding(const struct doctor_finding *f, const struct text_style *style,
			struct buf *out)
{
	const char *name = doctor_severity_names[f->severity];
	struct buf line = BUF_INIT;

	text_put_colour(out, style, colours[f->severity], name);
	buf_printf(out, "%*s", INDENT - (int)strlen(name), "");
	buf_printf(&line, "%s: %s", f->check->slug, buf_str(&f->subject));
	if (f->more)
		buf_printf(&line, "; and %u more", f->more);
	put_wrapped(buf_str(&line), INDENT, style, TEXT_BOLD, out);
	indent(out);
	put_wrapped(f->check->means, INDENT, style, TEXT_PLAIN, out);
	/* A command is for copying: it is not broken. */
	indent(out);
	text_put_colour(out, style, TEXT_GREEN, buf_str(&f->command));
	buf_putc(out, '\n');
	buf_fini(&line);
}

static void put_unseen(const struct doctor_unseen *u, const struct text_style *style,
		       struct buf *out)
{
	struct buf line = BUF_INIT;

	text_put_colour(out, style, TEXT_DIM, "unseen");
	buf_puts(out, "   ");
	buf_printf(&line, "%s: %s: %s", u->check->slug, buf_str(&u->what),
		   strerrordesc_np(-u->error) ?: "it could not be read");
	put_wrapped(buf_str(&line), INDENT, style, TEXT_PLAIN, out);
	buf_fini(&line);
}

/* How many connections there are, and how many more would fit. */
static void put_connections(const struct facts *f, const struct text_style *style, struct buf *out)
{
	struct buf line = BUF_INIT;

	if (f->connections.error || f->connection_buckets.error || f->memory_kb.error)
		return;
	buf_printf(&line,
		   "%lld connections in %lld buckets take %lld MB; memory is left for %lld more.",
		   (long long)f->connections.value, (long long)f->connection_buckets.value,
		   (long long)f->connections.value * FACTS_CONN_BYTES >> 20,
		   (long long)(f->memory_kb.value * 1024 / FACTS_CONN_BYTES));
	put_wrapped(buf_str(&line), 0, style, TEXT_PLAIN, out);
	buf_fini(&line);
}

static bool sets_sysctls(const struct doctor *d)
{
	uint32_t i;

	for (i = 0; i < d->n_findings; i++)
		if (!strncmp(buf_str(&d->findings[i].command), "sysctl ", 7))
			return true;
	return false;
}

static void put_count(struct buf *out, const char *between, uint32_t n, const char *noun)
{
	buf_printf(out, "%s%u %s%s", between, n, noun, n == 1 ? "" : "s");
}

static void put_sum(const struct doctor *d, const struct text_style *style, struct buf *out)
{
	const char *between = ": ";
	struct buf line = BUF_INIT;
	int s;

	put_count(&line, "", d->n_checks, "check");
	for (s = DOCTOR_N_SEVERITIES; s-- > 0;) {
		if (!d->counts[s])
			continue;
		put_count(&line, between, d->counts[s], doctor_severity_names[s]);
		between = ", ";
	}
	if (*between == ':')
		buf_puts(&line, ": nothing found");
	if (d->n_unseen)
		buf_printf(&line, "; %u could not be looked at (root may see more)", d->n_unseen);
	put_wrapped(buf_str(&line), 0, style, TEXT_PLAIN, out);
	buf_fini(&line);
}

void doctor_text(const struct doctor *d, const struct text_style *style, struct buf *out)
{
	uint32_t i;
	int s;

	/* What is worst comes first. */
	for (s = DOCTOR_N_SEVERITIES; s-- > 0;)
		for (i = 0; i < d->n_findings; i++)
			if ((int)d->findings[i].severity == s)
				put_finding(&d->findings[i], style, out);
	for (i = 0; i < d->n_unseen; i++)
		put_unseen(&d->unseen[i], style, out);
	if (sets_sysctls(d))
		put_wrapped("What sysctl -w sets is gone after the next boot: a file in "
			    "/etc/sysctl.d, or [sysctl] of the configuration, keeps it.",
			    0, style, TEXT_PLAIN, out);
	put_connections(d->facts, style, out);
	put_sum(d, style, out);
}

static json_t *finding_json(const struct doctor_finding *f)
{
	const char *subject = buf_str(&f->subject), *command = buf_str(&f->command);
	/* an interface's name, or a path, may be any bytes */
	json_t *s = json_string(subject) ?: json_string("(not UTF-8)");
	json_t *c = json_string(command) ?: json_string("(not UTF-8)");

	return json_pack("{s:s, s:s, s:o, s:s, s:o, s:I}", "check", f->check->slug, "severity",
			 doctor_severity_names[f->severity], "subject", s, "meaning",
			 f->check->means, "command", c, "more", (json_int_t)f->more);
}

static json_t *unseen_json(const struct doctor_unseen *u)
{
	json_t *what = json_string(buf_str(&u->what)) ?: json_string("(not UTF-8)");

	return json_pack("{s:s, s:o, s:s}", "check", u->check->slug, "what", what, "error",
			 strerrordesc_np(-u->error) ?: "it could not be read");
}

void doctor_json(const struct doctor *d, struct buf *out)
{
	const struct facts *f = d->facts;
	json_t *findings = json_array(), *unseen = json_array(), *all;
	bool ok = findings && unseen;
	uint32_t i;

	for (i = 0; ok && i < d->n_findings; i++)
		ok = !json_array_append_new(findings, finding_json(&d->findings[i]));
	for (i = 0; ok && i < d->n_unseen; i++)
		ok = !json_array_append_new(unseen, unseen_json(&d->unseen[i]));
	all = json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "checks", (json_int_t)d->n_checks,
			"errors", (json_int_t)d->counts[DOCTOR_ERROR], "warnings",
			(json_int_t)d->counts[DOCTOR_WARNING], "notes",
			(json_int_t)d->counts[DOCTOR_NOTE], "findings", findings, "unseen", unseen);
	if (all && !f->connections.error && !f->connection_buckets.error && !f->memory_kb.error)
		ok &= !json_object_set_new(
			all, "connections",
			json_pack("{s:I, s:I, s:I, s:I}", "now", (json_int_t)f->connections.value,
				  "buckets", (json_int_t)f->connection_buckets.value, "bytes_each",
				  (json_int_t)FACTS_CONN_BYTES, "available_bytes",
				  (json_int_t)f->memory_kb.value * 1024));
	if (ok && all)
		text_put_json(out, all);
	else
		out->failed = true;
	json_decref(all);
}
