/* format.c: how labels and numbers are spelled. A scrape writes a million of them:
 * integers and times go without printf, a label is one pass over its bytes. */
#include "agent/metrics/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length of the UTF-8 sequence at s, 0 = none is there: RFC 3629, so no overlong
 * forms, no surrogates, nothing above U+10FFFF. Stops at NUL by itself. */
static size_t utf8_len(const unsigned char *s)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (i = 2; i < n; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return n;
}

/* Writes one character that is not plain; returns how many bytes of s it was. */
static size_t put_special(char **to, const unsigned char *s)
{
	size_t n;

	if (*s == '"' || *s == '\\' || *s == '\n') {
		*(*to)++ = '\\';
		*(*to)++ = *s == '\n' ? 'n' : (char)*s;
		return 1;
	}
	n = utf8_len(s);
	if (n) {
		memcpy(*to, s, n);
		*to += n;
		return n;
	}
	memcpy(*to, "\xef\xbf\xbd", 3);
	*to += 3;
	return 1;
}

/* Eight times a byte, and a bit in each byte of w that is c (and perhaps above a
 * byte that is). */
#define EIGHT(c)   ((uint64_t)(c)*UINT64_C(0x0101010101010101))
#define HITS(w, c) ((((w) ^ EIGHT(c)) - EIGHT(1)) & ~((w) ^ EIGHT(c)) & EIGHT(0x80))

/* Copies eight bytes at once as long as all of them are plain, as nearly all are:
 * a byte at a time this was half of a scrape. Returns how many. */
static size_t put_plain(char *to, const unsigned char *s, size_t len)
{
	size_t done = 0;
	uint64_t w;

	for (; len - done >= sizeof(w); done += sizeof(w)) {
		memcpy(&w, s + done, sizeof(w));
		if ((w & EIGHT(0x80)) | HITS(w, '"') | HITS(w, '\\') | HITS(w, '\n'))
			break;
		memcpy(to + done, &w, sizeof(w));
	}
	return done;
}

void metric_label(struct buf *out, const char *name, const char *value)
{
	size_t name_len = strlen(name), value_len = strlen(value);
	const unsigned char *s = (const unsigned char *)value, *end = s + value_len;
	size_t plain;
	char *to;

	/* A byte becomes three at most. */
	if (value_len > SIZE_MAX / 8 || !buf_reserve(out, name_len + 3 * value_len + 4)) {
		out->failed = true;
		return;
	}
	to = out->data + out->len;
	if (out->len && to[-1] != '{')
		*to++ = ',';
	memcpy(to, name, name_len);
	to += name_len;
	*to++ = '=';
	*to++ = '"';
	plain = put_plain(to, s, value_len);
	to += plain;
	s += plain;
	while (s < end) {
		if (*s < 0x80 && *s != '"' && *s != '\\' && *s != '\n')
			*to++ = (char)*s++;
		else
			s += put_special(&to, s);
	}
	*to++ = '"';
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

void metric_put_help(struct buf *out, const char *help, bool quotes)
{
	for (; *help; help++) {
		if (*help == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*help == '\\' || (quotes && *help == '"'))
			buf_putc(out, '\\');
		buf_putc(out, *help);
	}
}

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
			    "34353637383940414243444546474849505152535455565758596061626364656667"
			    "6869707172737475767778798081828384858687888990919293949596979899";

/* Two digits a division. */
static size_t put_u64(char *out, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	for (; n >= 100; n /= 100)
		memcpy(digits + (at -= 2), pairs + n % 100 * 2, 2);
	if (n >= 10)
		memcpy(digits + (at -= 2), pairs + n * 2, 2);
	else
		digits[--at] = (char)('0' + n);
	memcpy(out, digits + at, sizeof(digits) - at);
	return sizeof(digits) - at;
}

/* n / 10^digits, without trailing zeros. */
static size_t put_decimal(char *out, int64_t n, unsigned int digits)
{
	uint64_t abs = n < 0 ? -(uint64_t)n : (uint64_t)n, scale = 1, rest;
	size_t len = 0, i;

	for (i = 0; i < digits; i++)
		scale *= 10;
	if (n < 0)
		out[len++] = '-';
	len += put_u64(out + len, abs / scale);
	rest = abs % scale;
	if (!rest)
		return len;
	for (; rest % 10 == 0; rest /= 10)
		digits--;
	out[len++] = '.';
	for (i = digits; i > 0; i--, rest /= 10)
		out[len + i - 1] = (char)('0' + rest % 10);
	return len + digits;
}

static size_t put_word(char *out, const char *word)
{
	size_t len = strlen(word);

	memcpy(out, word, len);
	return len;
}

static size_t put_double(char *out, double f)
{
	char text[METRIC_VALUE_MAX];
	int precision;

	if (isnan(f))
		return put_word(out, "NaN");
	if (isinf(f))
		return put_word(out, f > 0 ? "+Inf" : "-Inf");
	/* Most are small and whole. */
	if (f >= 0 && f < 1e9 && f == (double)(uint32_t)f && !signbit(f))
		return put_u64(out, (uint32_t)f);
	/* 17 digits always read back the same, most values need fewer. */
	for (precision = 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, f);
		if (strtod(text, NULL) == f)
			break;
	}
	return put_word(out, text);
}

size_t metric_format_value(char out[static METRIC_VALUE_MAX], const struct metric_value *value)
{
	switch (value->kind) {
	case METRIC_U64:
		return put_u64(out, value->u);
	case METRIC_I64:
		return put_decimal(out, value->i, 0);
	case METRIC_F64:
		return put_double(out, value->f);
	case METRIC_US:
		return put_decimal(out, value->i, 6);
	case METRIC_MS:
		return put_decimal(out, value->i, 3);
	}
	return 0;
}

size_t metric_family_len(const struct metric *m)
{
	static const char *const suffixes[] = {
		[METRIC_GAUGE] = "",
		[METRIC_COUNTER] = "_total",
		[METRIC_INFO] = "_info",
	};
	size_t len = strlen(m->name), suffix = strlen(suffixes[m->type]);

	if (suffix < len && !strcmp(m->name + len - suffix, suffixes[m->type]))
		return len - suffix;
	return len;
}

const char *metric_type_name(enum metric_type type)
{
	static const char *const names[] = {
		[METRIC_GAUGE] = "gauge",
		[METRIC_COUNTER] = "counter",
		[METRIC_INFO] = "info",
	};

	return names[type];
}
