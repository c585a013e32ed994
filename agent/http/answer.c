/* answer.c: what a request is answered, as a value: server.c makes a response of
 * it. Nothing that a client sent is ever shown as it came. */
#include "agent/http/answer.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/http/request.h"

enum { CLEAN_MAX = 200 };

static const struct {
	unsigned int status;
	const char *code;
} codes[] = {
	{ 400, "bad_request" },
	{ 401, "unauthorized" },
	{ 403, "forbidden" },
	{ 404, "not_found" },
	{ 405, "method_not_allowed" },
	{ 409, "refused" },
	{ 413, "content_too_large" },
	{ 415, "unsupported_type" },
	{ 500, "internal" },
	{ 503, "unavailable" },
	{ 504, "timeout" },
};

void http_put_clean(struct buf *out, const char *text)
{
	size_t n = 0;

	for (; *text && n < CLEAN_MAX; text++, n++)
		buf_putc(out, *text >= ' ' && *text <= '~' ? *text : '?');
	if (*text)
		buf_puts(out, "...");
}

void http_add_header(struct http_request *r, const char *name, const char *value)
{
	struct http_answer *a = &r->answer;
	char *copy = strdup(value);

	if (!copy || a->n_headers == HTTP_MAX_HEADERS) {
		free(copy);
		return;
	}
	a->headers[a->n_headers].name = name;
	a->headers[a->n_headers++].value = copy;
}

void http_answer(struct http_request *r, unsigned int status, const char *type, struct buf *body)
{
	if (!buf_ok(body)) {
		buf_fini(body);
		status = 500;
		type = "text/plain; charset=utf-8";
		buf_puts(body, "out of memory\n");
	}
	r->answer.status = status;
	r->answer.type = type;
	buf_fini(&r->answer.body);
	r->answer.body = *body;
	*body = BUF_INIT;
}

void http_answer_text(struct http_request *r, unsigned int status, const char *text)
{
	struct buf body = BUF_INIT;

	buf_puts(&body, text);
	http_answer(r, status, "text/plain; charset=utf-8", &body);
}

void http_answer_stream(struct http_request *r, const char *type, const struct http_stream *stream)
{
	r->answer.status = 200;
	r->answer.type = type;
	r->answer.stream = *stream;
}

const char *http_status_word(unsigned int status)
{
	for (size_t i = 0; i < countof(codes); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return status < 400 ? "ok" : "error";
}

/* Lines stay lines (a configuration's errors have many); all else that is not text
 * goes. Bytes above ASCII stay where they are UTF-8 as jansson checks it. */
static void clean_controls(struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];

		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
			text->data[i] = '?';
	}
}

static void put_error_json(struct buf *body, unsigned int status, const char *guard,
			   const char *message)
{
	const char *code = http_status_word(status);
	json_t *o = json_pack("{s:{s:s,s:s,s:s*}}", "error", "code", code, "message", message,
			      "guard", guard);
	char *text;

	if (!o)
		o = json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", "(not text)");
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	buf_puts(body,
		 text ? text : "{\"error\":{\"code\":\"internal\",\"message\":\"out of memory\"}}");
	buf_putc(body, '\n');
	free(text);
	json_decref(o);
}

/* Cleans the text and frees it. */
static void answer_error(struct http_request *r, unsigned int status, const char *guard,
			 struct buf *text)
{
	bool api = strncmp(r->path, "/api/", 5) == 0 || strcmp(r->path, "/api") == 0;
	struct buf body = BUF_INIT;

	clean_controls(text);
	if (api) {
		put_error_json(&body, status, guard, buf_str(text));
	} else {
		buf_puts(&body, buf_str(text));
		if (body.len == 0 || body.data[body.len - 1] != '\n')
			buf_putc(&body, '\n');
	}
	buf_fini(text);
	http_answer(r, status, api ? "application/json" : "text/plain; charset=utf-8", &body);
}

void http_error(struct http_request *r, unsigned int status, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	answer_error(r, status, NULL, &text);
}

void http_error_guard(struct http_request *r, unsigned int status, const char *guard,
		      const char *text)
{
	struct buf copy = BUF_INIT;

	buf_puts(&copy, text);
	r->answer.guard = guard;
	answer_error(r, status, guard, &copy);
}

void http_answer_fini(struct http_answer *a)
{
	for (unsigned int i = 0; i < a->n_headers; i++)
		free(a->headers[i].value);
	buf_fini(&a->body);
	if (a->stream.free)
		a->stream.free(a->stream.state);
	*a = (struct http_answer){ 0 };
}
