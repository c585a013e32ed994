/* format.c: how labels and numbers are spelled. A scrape writes a million of them:
 * integers and times go without printf, a label is one pass over its bytes. */
#include "agent/metrics/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/printable.h"

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

/* What does not stand for itself. */
static const bool is_special[256] = {
	['"'] = true, ['\\'] = true, ['\n'] = true, [0x80 ... 0xff] = true
};

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

/* With room for the name, `,="` and a byte more. */
static char *label_room(struct buf *out, size_t name_len, size_t value_len)
{
	/* A byte becomes three at most. */
	if (value_len > SIZE_MAX / 8 || !buf_reserve(out, name_len + 3 * value_len + 4)) {
		out->failed = true;
		return NULL;
	}
	return out->data + out->len;
}

static void put_label_value(struct buf *out, char *to, const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value, *end = s + len;
	size_t plain = put_plain(to, s, len);

	to += plain;
	s += plain;
	while (s < end) {
		if (!is_special[*s])
			*to++ = (char)*s++;
		else
			s += put_special(&to, s);
	}
	*to++ = '"';
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

void metric_label_named(struct buf *out, const char *name, size_t name_len, const char *value)
{
	size_t value_len = strlen(value);
	char *to = label_room(out, name_len, value_len);

	if (!to)
		return;
	if (out->len && to[-1] != '{')
		*to++ = ',';
	to = mempcpy(to, name, name_len);
	*to++ = '=';
	*to++ = '"';
	put_label_value(out, to, value, value_len);
}

void metric_label_value(struct buf *out, const char *value)
{
	size_t len = strlen(value);
	char *to = label_room(out, 0, len);

	if (to)
		put_label_value(out, to, value, len);
}

void metric_label_copy(struct buf *out, const char *text, size_t len)
{
	if (!buf_reserve(out, len + METRIC_COPY_MIN))
		return;
	/* Of a length that is known a copy is one instruction, and no call. */
	if (len <= METRIC_COPY_MIN)
		memcpy(out->data + out->len, text, METRIC_COPY_MIN);
	else
		memcpy(out->data + out->len, text, len);
	out->len += len;
	out->data[out->len] = '\0';
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

static unsigned int n_digits(uint64_t n)
{
	static const uint64_t powers[] = {
		0,
		UINT64_C(10),
		UINT64_C(100),
		UINT64_C(1000),
		UINT64_C(10000),
		UINT64_C(100000),
		UINT64_C(1000000),
		UINT64_C(10000000),
		UINT64_C(100000000),
		UINT64_C(1000000000),
		UINT64_C(10000000000),
		UINT64_C(100000000000),
		UINT64_C(1000000000000),
		UINT64_C(10000000000000),
		UINT64_C(100000000000000),
		UINT64_C(1000000000000000),
		UINT64_C(10000000000000000),
		UINT64_C(100000000000000000),
		UINT64_C(1000000000000000000),
		UINT64_C(10000000000000000000),
	};
	/* Bits times log 2, rounded down: that many digits, or one more. */
	unsigned int least = (64 - (unsigned int)__builtin_clzll(n | 1)) * 1233 >> 12;

	return least + (n >= powers[least]);
}

/* From behind, two digits a division. */
static size_t put_u64(char *out, uint64_t n)
{
	size_t len = n_digits(n);
	char *at = out + len;

	for (; n >= 100; n /= 100)
		memcpy(at -= 2, pairs + n % 100 * 2, 2);
	if (n >= 10)
		memcpy(at - 2, pairs + n * 2, 2);
	else
		at[-1] = (char)('0' + n);
	return len;
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

	(void)mempcpy(out, word, len);
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
		[METRIC_HISTOGRAM] = "", /* by metric_suffix() */
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
		[METRIC_HISTOGRAM] = "histogram",
	};

	return names[type];
}

const char *metric_suffix(const struct metric *m, uint32_t sub)
{
	if (m->type != METRIC_HISTOGRAM)
		return "";
	if (sub + 2 < m->n_subs)
		return "_bucket";
	return sub + 2 == m->n_subs ? "_sum" : "_count";
}
