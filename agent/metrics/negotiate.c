/* negotiate.c: reads an Accept header (RFC 9110, 12.5.1) and picks a format.
 * Whatever is not understood counts as not asked for; text 0.0.4 is what everybody
 * gets who asks for nothing that we have. Escaping schemes are no matter: our names
 * are the same in all of them. */
#include <string.h>
#include <strings.h>

#include "agent/metrics/expose.h"

struct span {
	const char *s;
	size_t len;
};

/* One media range with the parameters that matter. */
struct range {
	struct span type, version;
	int q; /* thousandths; -1 = malformed */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(const char *s, const char *end)
{
	while (s < end && is_blank(*s))
		s++;
	while (end > s && is_blank(end[-1]))
		end--;
	return (struct span){ s, (size_t)(end - s) };
}

static bool span_is(struct span a, const char *text)
{
	return a.len == strlen(text) && !strncasecmp(a.s, text, a.len);
}

/* The end of an element: the next of `stops` outside of a quoted string, or the
 * end of the text. */
static const char *element_end(const char *s, const char *stops)
{
	bool quoted = false;

	for (; *s; s++) {
		if (quoted && *s == '\\' && s[1])
			s++;
		else if (*s == '"')
			quoted = !quoted;
		else if (!quoted && strchr(stops, *s))
			break;
	}
	return s;
}

/* "0.75" → 750; "1" → 1000; -1 where it is none. */
static int parse_q(struct span text)
{
	int q, scale = 100;
	size_t i;

	if (!text.len || text.len > 5 || text.s[0] < '0' || text.s[0] > '1')
		return -1;
	q = (text.s[0] - '0') * 1000;
	if (text.len > 1 && text.s[1] != '.')
		return -1;
	for (i = 2; i < text.len; i++, scale /= 10) {
		if (text.s[i] < '0' || text.s[i] > '9')
			return -1;
		q += (text.s[i] - '0') * scale;
	}
	return q <= 1000 ? q : -1;
}

static void parse_parameter(struct span text, struct range *range)
{
	const char *equals = text.len ? memchr(text.s, '=', text.len) : NULL;
	struct span name, value;

	if (!equals)
		return;
	name = trim(text.s, equals);
	value = trim(equals + 1, text.s + text.len);
	if (value.len >= 2 && value.s[0] == '"' && value.s[value.len - 1] == '"')
		value = (struct span){ value.s + 1, value.len - 2 };
	if (span_is(name, "q"))
		range->q = parse_q(value);
	else if (span_is(name, "version"))
		range->version = value;
}

/* Reads one range; returns what follows it. */
static const char *parse_range(const char *s, struct range *ret_range)
{
	const char *end = element_end(s, ",;");

	*ret_range = (struct range){ .type = trim(s, end), .version = { "", 0 }, .q = 1000 };
	while (*end == ';') {
		s = end + 1;
		end = element_end(s, ",;");
		parse_parameter(trim(s, end), ret_range);
	}
	return *end ? end + 1 : end;
}

/* The format that a range asks for; false = none of ours. */
static bool format_of(const struct range *r, enum expose_format *ret_format)
{
	if (span_is(r->type, "application/openmetrics-text")) {
		if (r->version.len && !span_is(r->version, "1.0.0"))
			return false;
		*ret_format = EXPOSE_OPENMETRICS;
		return true;
	}
	if (span_is(r->type, "text/plain") && r->version.len && !span_is(r->version, "0.0.4"))
		return false;
	if (!span_is(r->type, "text/plain") && !span_is(r->type, "text/*") &&
	    !span_is(r->type, "*/*"))
		return false;
	*ret_format = EXPOSE_TEXT;
	return true;
}

enum expose_format expose_negotiate(const char *accept)
{
	enum expose_format best = EXPOSE_TEXT, format = EXPOSE_TEXT;
	struct range range;
	int q = 0;

	while (accept && *accept) {
		accept = parse_range(accept, &range);
		/* At the same q the one that was named first. */
		if (range.q > q && format_of(&range, &format)) {
			q = range.q;
			best = format;
		}
	}
	return best;
}
