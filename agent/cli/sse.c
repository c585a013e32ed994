/* sse.c: the part of the event stream format that a client needs: event and data; id and
 * retry are for browsers. */
#include "agent/cli/sse.h"

#include <string.h>

enum { LINE_MAX_LEN = 1024 * 1024 };

void sse_fini(struct sse *s)
{
	buf_fini(&s->line);
	buf_fini(&s->event);
	buf_fini(&s->data);
}

/* The value of "field: value" or "field:value"; NULL = another field. */
static const char *value_of(const char *line, const char *field)
{
	size_t len = strlen(field);

	if (strncmp(line, field, len) != 0)
		return NULL;
	if (line[len] == '\0')
		return line + len;
	if (line[len] != ':')
		return NULL;
	return line + len + (line[len + 1] == ' ' ? 2 : 1);
}

static bool end_event(struct sse *s)
{
	bool go_on = true;

	if (s->data.len > 0)
		go_on = s->fn(s->arg, s->event.len > 0 ? buf_str(&s->event) : "message",
			      buf_str(&s->data));
	buf_reset(&s->event);
	buf_reset(&s->data);
	return go_on;
}

static bool end_line(struct sse *s)
{
	const char *line = buf_str(&s->line), *value;

	if (s->line.len == 0)
		return end_event(s);
	value = value_of(line, "event");
	if (value) {
		buf_reset(&s->event);
		buf_puts(&s->event, value);
	}
	value = value_of(line, "data");
	if (value) {
		buf_puts(&s->data, s->data.len > 0 ? "\n" : "");
		buf_puts(&s->data, value);
	}
	return buf_ok(&s->event) && buf_ok(&s->data);
}

bool sse_feed(struct sse *s, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\r')
			continue;
		if (bytes[i] != '\n') {
			buf_putc(&s->line, bytes[i]);
			if (!buf_ok(&s->line) || s->line.len > LINE_MAX_LEN)
				return false;
			continue;
		}
		if (!end_line(s))
			return false;
		buf_reset(&s->line);
	}
	return true;
}
