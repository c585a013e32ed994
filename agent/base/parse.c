/* parse.c: strict readers of numbers, durations and shares, and the search for
 * the name that was meant. */
#include "agent/base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DURATION_MAX_MS (INT64_C(10) * 366 * 24 * 3600 * 1000)

static const struct {
	const char *suffix;
	int64_t ms;
} duration_units[] = {
	{ "w", INT64_C(7) * 24 * 3600 * 1000 },
	{ "d", INT64_C(24) * 3600 * 1000 },
	{ "h", 3600 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

static const struct {
	const char *name;
	bool value;
} bool_names[] = {
	{ "on", true },   { "off", false },   { "yes", true }, { "no", false },
	{ "true", true }, { "false", false }, { "1", true },   { "0", false },
};

static const struct {
	const char *suffix;
	unsigned int shift;
} size_units[] = { { "B", 0 }, { "KB", 10 }, { "MB", 20 }, { "GB", 30 } };

/* Digits at *at; moves it behind them. */
static int take_digits(const char **at, uint64_t *ret_n)
{
	uint64_t n = 0;
	const char *p = *at;

	if (!isdigit((unsigned char)*p))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	*at = p;
	*ret_n = n;
	return 0;
}

int parse_u64(const char *text, uint64_t *ret_n)
{
	uint64_t n;
	int r = take_digits(&text, &n);

	if (r)
		return r;
	if (*text)
		return -EINVAL;
	*ret_n = n;
	return 0;
}

int parse_bool(const char *text, bool *ret_value)
{
	size_t i;

	for (i = 0; i < countof(bool_names); i++) {
		if (!strcasecmp(text, bool_names[i].name)) {
			*ret_value = bool_names[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

/* The unit that stands at `at`, at index `from` or behind; its index or -1. */
static int find_unit(const char *at, size_t len, size_t from)
{
	size_t i;

	for (i = from; i < countof(duration_units); i++) {
		const char *suffix = duration_units[i].suffix;

		if (strlen(suffix) == len && !strncmp(at, suffix, len))
			return (int)i;
	}
	return -1;
}

int parse_duration(const char *text, int64_t *ret_ms)
{
	int64_t sum = 0;
	size_t from = 0;

	if (!strcmp(text, "0")) {
		*ret_ms = 0;
		return 0;
	}
	if (!*text)
		return -EINVAL;
	while (*text) {
		uint64_t n;
		size_t len = 0;
		int unit, r = take_digits(&text, &n);

		if (r)
			return r;
		while (isalpha((unsigned char)text[len]))
			len++;
		unit = find_unit(text, len, from);
		if (unit < 0)
			return -EINVAL;
		if (n > (uint64_t)(DURATION_MAX_MS / duration_units[unit].ms))
			return -ERANGE;
		sum += (int64_t)n * duration_units[unit].ms;
		if (sum > DURATION_MAX_MS)
			return -ERANGE;
		text += len;
		from = (size_t)unit + 1;
	}
	*ret_ms = sum;
	return 0;
}

int parse_share(const char *text, unsigned int *ret_percent)
{
	uint64_t n;
	int r = take_digits(&text, &n);

	if (r)
		return r;
	if (strcmp(text, "%"))
		return -EINVAL;
	if (n > 100)
		return -ERANGE;
	*ret_percent = (unsigned int)n;
	return 0;
}

int parse_size(const char *text, uint64_t *ret_bytes)
{
	uint64_t n;
	size_t i;
	int r = take_digits(&text, &n);

	if (r)
		return r;
	for (i = 0; i < countof(size_units); i++) {
		if (strcmp(text, size_units[i].suffix))
			continue;
		if (n > UINT64_MAX >> size_units[i].shift)
			return -ERANGE;
		*ret_bytes = n << size_units[i].shift;
		return 0;
	}
	return -EINVAL;
}

void format_duration(struct buf *out, int64_t ms)
{
	bool any = false;
	size_t i;

	if (ms < 0) {
		buf_putc(out, '-');
		ms = -ms;
	}
	for (i = 0; i < countof(duration_units); i++) {
		int64_t n = ms / duration_units[i].ms;

		if (!n)
			continue;
		buf_put_i64(out, n);
		buf_puts(out, duration_units[i].suffix);
		ms %= duration_units[i].ms;
		any = true;
	}
	if (!any)
		buf_puts(out, "0s");
}

int name_cmp(const char *a, const char *b)
{
	int c;

	while (*a && *a == *b) {
		a++;
		b++;
	}
	c = (unsigned char)*a - (unsigned char)*b;
	while (*a && *b) {
		a++;
		b++;
	}
	return *a ? 1 : *b ? -1 : c;
}

enum { NAME_MAX_LEN = 64 };

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* Damerau's distance with adjacent swaps; UINT_MAX for over-long names. */
static unsigned int edits(const char *a, const char *b)
{
	unsigned int rows[3][NAME_MAX_LEN + 1];
	unsigned int *before = rows[0], *last = rows[1], *now = rows[2], *spare;
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
		return UINT_MAX;
	memset(rows, 0, sizeof(rows));
	for (j = 0; j <= m; j++)
		last[j] = (unsigned int)j;
	for (i = 1; i <= n; i++) {
		now[0] = (unsigned int)i;
		for (j = 1; j <= m; j++) {
			unsigned int cost = tolower((unsigned char)a[i - 1]) !=
					    tolower((unsigned char)b[j - 1]);

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[m];
}

const char *nearest_name(const char *text, const char *const *names, size_t n)
{
	size_t len = strlen(text);
	/* A third of the letters may be wrong: more is another word. */
	unsigned int limit = len < 3 ? 1 : (unsigned int)(len + 2) / 3;
	const char *best = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned int d = edits(text, names[i]);

		if (d < limit || (d == limit && !best)) {
			best = names[i];
			limit = d;
		}
	}
	return best;
}
