/* simulate_report.c: results of tests for people, as JSON, and as the JUnit XML that CI
 * systems read. JUnit's `time` is left out: a test's own time is virtual. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cli/cli.h"
#include "agent/cli/text.h"
#include "agent/simulate.h"

const char *const sim_status_names[] = { "ok", "FAILED", "ERROR" };

int sim_report_status(const struct sim_file *files, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (files[i].problems.len)
			return CLI_ERROR;
		for (j = 0; j < files[i].n_results; j++)
			if (files[i].results[j].status != SIM_OK)
				return CLI_ERROR;
	}
	return CLI_OK;
}

/* --- text ------------------------------------------------------------------------------- */

static void put_seconds(struct buf *out, int64_t ms)
{
	if (ms % 1000)
		buf_printf(out, "%.3f s", (double)ms / 1000);
	else
		buf_printf(out, "%lld s", (long long)(ms / 1000));
}

/* "12 assertions", "2 of 12 assertions failed" */
static void put_count(struct buf *out, const struct sim_result *r)
{
	if (r->failed)
		buf_printf(out, "%u of ", r->failed);
	buf_printf(out, "%u assertion%s%s", r->assertions, r->assertions == 1 ? "" : "s",
		   r->failed ? " failed" : "");
}

static void put_message(struct buf *out, const struct sim_file *f, const struct sim_result *r,
			const struct sim_message *m)
{
	text_put(out, f->path);
	buf_printf(out, ":%u: %s: ", m->line, r->name);
	text_put_lines(out, m->text);
	if (!out->len || out->data[out->len - 1] != '\n')
		buf_putc(out, '\n');
}

static void put_result(struct buf *out, const struct sim_file *f, const struct sim_result *r)
{
	size_t i;

	text_put_lines(out, buf_str(&r->timeline));
	buf_printf(out, "%s %s", sim_status_names[r->status], r->name);
	if (r->status != SIM_ERROR) {
		buf_puts(out, " (");
		put_count(out, r);
		buf_puts(out, ", ");
		put_seconds(out, r->virtual_ms);
		buf_puts(out, " virtual)");
	}
	buf_putc(out, '\n');
	for (i = 0; i < r->n_messages; i++)
		put_message(out, f, r, &r->messages[i]);
}

void sim_report_text(const struct sim_file *files, size_t n, struct buf *out)
{
	size_t i, j;

	for (i = 0; i < n; i++)
		for (j = 0; j < files[i].n_results; j++)
			put_result(out, &files[i], &files[i].results[j]);
}

/* --- JSON --------------------------------------------------------------------------------- */

/* Text that may be any bytes. */
static json_t *text_of(const char *text)
{
	return json_string(text) ?: json_string("(not UTF-8)");
}

/* {"name", "line", "status", "assertions", "failed", "seconds", "messages": [{"line",
 * "text"}], "timeline"} */
static json_t *result_json(const struct sim_result *r)
{
	json_t *messages = json_array();
	size_t i;

	for (i = 0; i < r->n_messages; i++)
		if (json_array_append_new(messages,
					  json_pack("{s:I, s:o}", "line",
						    (json_int_t)r->messages[i].line, "text",
						    text_of(r->messages[i].text)))) {
			json_decref(messages);
			return NULL;
		}
	return json_pack("{s:s, s:I, s:s, s:I, s:I, s:f, s:o, s:o*}", "name", r->name, "line",
			 (json_int_t)r->line, "status",
			 r->status == SIM_OK       ? "ok"
			 : r->status == SIM_FAILED ? "failed"
						   : "error",
			 "assertions", (json_int_t)r->assertions, "failed", (json_int_t)r->failed,
			 "seconds", (double)r->virtual_ms / 1000, "messages", messages, "timeline",
			 r->timeline.len ? text_of(buf_str(&r->timeline)) : NULL);
}

static json_t *file_json(const struct sim_file *f)
{
	json_t *tests = json_array();
	size_t i;

	for (i = 0; i < f->n_results; i++)
		if (json_array_append_new(tests, result_json(&f->results[i]))) {
			json_decref(tests);
			return NULL;
		}
	return json_pack("{s:o, s:o*, s:o}", "file", text_of(f->path), "problems",
			 f->problems.len ? text_of(buf_str(&f->problems)) : NULL, "tests", tests);
}

int sim_report_json(const struct sim_file *files, size_t n, struct buf *out)
{
	json_t *list = json_array(), *all;
	char *text = NULL;
	size_t i;
	int e = 0;

	for (i = 0; !e && i < n; i++)
		e = json_array_append_new(list, file_json(&files[i]));
	all = json_pack("{s:b, s:o}", "ok", sim_report_status(files, n) == CLI_OK, "files", list);
	if (all && !e)
		text = json_dumps(all, JSON_INDENT(2));
	json_decref(all);
	if (!text)
		return -ENOMEM;
	buf_printf(out, "%s\n", text);
	free(text);
	return buf_ok(out) ? 0 : -ENOMEM;
}

/* --- JUnit ---------------------------------------------------------------------------------- */

/* How many bytes of well-formed UTF-8 begin at `p`; 0 = none do. */
static size_t utf8_len(const unsigned char *p)
{
	size_t len = p[0] < 0x80   ? 1
		     : p[0] < 0xc2 ? 0
		     : p[0] < 0xe0 ? 2
		     : p[0] < 0xf0 ? 3
		     : p[0] < 0xf5 ? 4
				   : 0;
	size_t i;

	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* surrogates, what is longer than it need be, what lies beyond the last plane,
	 * and the two that XML forbids */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f) ||
	    (p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe))
		return 0;
	return len;
}

/* XML has no way to write most control characters: those become '?'. */
static void put_xml(struct buf *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len;

	for (; *p; p += len) {
		len = utf8_len(p);
		if (!len || (*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f) {
			buf_putc(out, '?');
			len = 1;
		} else if (*p == '&') {
			buf_puts(out, "&amp;");
		} else if (*p == '<') {
			buf_puts(out, "&lt;");
		} else if (*p == '>') {
			buf_puts(out, "&gt;");
		} else if (*p == '"') {
			buf_puts(out, "&quot;");
		} else if (*p == '\n') {
			buf_puts(out, "&#10;");
		} else {
			buf_put(out, p, len);
		}
	}
}

static void put_case(struct buf *out, const struct sim_file *f, const struct sim_result *r)
{
	const char *element = r->status == SIM_FAILED ? "failure" : "error";
	size_t i;

	buf_puts(out, "    <testcase classname=\"");
	put_xml(out, f->path);
	buf_puts(out, "\" name=\"");
	put_xml(out, r->name);
	buf_puts(out, r->n_messages ? "\">\n" : "\"/>\n");
	for (i = 0; i < r->n_messages; i++) {
		buf_printf(out, "      <%s message=\"", element);
		put_xml(out, r->messages[i].text);
		buf_puts(out, "\">");
		put_xml(out, f->path);
		buf_printf(out, ":%u</%s>\n", r->messages[i].line, element);
	}
	if (r->n_messages)
		buf_puts(out, "    </testcase>\n");
}

struct tally {
	size_t tests, failures, errors;
};

static struct tally tally_of(const struct sim_file *f)
{
	struct tally t = { .tests = f->n_results };
	size_t i;

	for (i = 0; i < f->n_results; i++) {
		t.failures += f->results[i].status == SIM_FAILED;
		t.errors += f->results[i].status == SIM_ERROR;
	}
	/* A file that cannot be used is a case of its own, or nobody would see it. */
	t.tests += f->problems.len > 0;
	t.errors += f->problems.len > 0;
	return t;
}

static void put_suite(struct buf *out, const struct sim_file *f)
{
	struct tally t = tally_of(f);
	size_t i;

	buf_puts(out, "  <testsuite name=\"");
	put_xml(out, f->path);
	buf_printf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\">\n",
		   t.tests, t.failures, t.errors);
	if (f->problems.len) {
		buf_puts(out, "    <testcase classname=\"");
		put_xml(out, f->path);
		buf_puts(out, "\" name=\"(the file)\">\n      <error message=\"");
		put_xml(out, buf_str(&f->problems));
		buf_puts(out, "\"/>\n    </testcase>\n");
	}
	for (i = 0; i < f->n_results; i++)
		put_case(out, f, &f->results[i]);
	buf_puts(out, "  </testsuite>\n");
}

void sim_report_junit(const struct sim_file *files, size_t n, struct buf *out)
{
	struct tally all = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		struct tally t = tally_of(&files[i]);

		all.tests += t.tests;
		all.failures += t.failures;
		all.errors += t.errors;
	}
	buf_printf(out,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<testsuites tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n",
		   all.tests, all.failures, all.errors);
	for (i = 0; i < n; i++)
		put_suite(out, &files[i]);
	buf_puts(out, "</testsuites>\n");
}
