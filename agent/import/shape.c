/* shape.c: values of keepalived's and ldirectord's in the form that our keys take. */
#include "agent/import/shape.h"

#include <ctype.h>
#include <string.h>

#include "agent/base/arena.h"
#include "agent/base/parse.h"
#include "agent/base/regex.h"

bool shape_number(const char *text, uint64_t max, uint64_t *ret_n)
{
	uint64_t n;

	if (parse_u64(text, &n) || n > max)
		return false;
	*ret_n = n;
	return true;
}

/* --- times ------------------------------------------------------------------------ */

void shape_duration(struct import *im, struct import_part *p, struct import_at at, const char *key,
		    int64_t ms, int64_t min_ms, int64_t max_ms, const char *what)
{
	int64_t within = ms < min_ms ? min_ms : ms > max_ms ? max_ms : ms;
	struct buf text = BUF_INIT;

	format_duration(&text, within);
	import_key(p, at, key, "%s", buf_str(&text));
	if (within != ms)
		import_note(im, p, IMPORT_APPROXIMATED, at, what, "%s cannot be %s than %s", key,
			    within > ms ? "shorter" : "longer", buf_str(&text));
	buf_fini(&text);
}

void shape_probe(struct import *im, struct import_part *p, struct import_at at, int64_t interval_ms,
		 int64_t timeout_ms, uint64_t fall)
{
	shape_duration(im, p, at, "interval", interval_ms, 100, INT64_C(24) * 3600 * 1000,
		       "time between checks");
	shape_duration(im, p, at, "timeout", timeout_ms, 10, 3600 * 1000, "timeout of a check");
	import_key(p, at, "rise", "1");
	if (fall > 1000)
		import_note(im, p, IMPORT_APPROXIMATED, at, "failures before it is down",
			    "fall cannot be more than 1000");
	import_key(p, at, "fall", "%u", fall > 1000 ? 1000 : (unsigned int)fall);
}

/* --- URLs --------------------------------------------------------------------------- */

void shape_path(struct buf *out, const char *path, bool query)
{
	static const char kept[] = "-._~!$&'()*+,;=:@/";

	if (*path != '/')
		buf_putc(out, '/');
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		/* a '%' in a URL is an escape already */
		if (isalnum(c) || strchr(kept, c) || (query && (c == '?' || c == '%')))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

bool shape_host_ok(const char *host)
{
	size_t len = strlen(host);

	return len && len <= 253 &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
		       len;
}

/* --- the kernel's ------------------------------------------------------------------- */

bool shape_serves(const struct addr *a)
{
	static const uint8_t none[16];

	if (!memcmp(a->bytes, none, sizeof(none)))
		return false;
	if (a->family == AF_INET)
		return a->bytes[0] < 224 && a->bytes[0] != 0;
	return a->bytes[0] != 0xff && !(a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80);
}

static const struct {
	const char *name, *scheduler; /* NULL = any */
	uint32_t flag;
} flags[] = {
	{ "sh-fallback", "sh", IPVS_SVC_SCHED1 }, { "sh-port", "sh", IPVS_SVC_SCHED2 },
	{ "mh-fallback", "mh", IPVS_SVC_SCHED1 }, { "mh-port", "mh", IPVS_SVC_SCHED2 },
	{ "flag-1", NULL, IPVS_SVC_SCHED1 },      { "flag-2", NULL, IPVS_SVC_SCHED2 },
	{ "flag-3", NULL, IPVS_SVC_SCHED3 },
};

/* Why it is no flag there; NULL = it is. */
static const char *read_flag(const char *word, const char *scheduler, uint32_t *flag)
{
	size_t i;

	for (i = 0; i < countof(flags); i++) {
		if (strcmp(flags[i].name, word) != 0)
			continue;
		if (flags[i].scheduler && strcmp(flags[i].scheduler, scheduler) != 0)
			return "it is another scheduler's flag, and does nothing here";
		*flag |= flags[i].flag;
		return NULL;
	}
	return "no scheduler has such a flag";
}

uint32_t shape_flags(struct import *im, struct import_part *service, struct import_at at,
		     const char *scheduler, const char *words)
{
	const char *p = words + strspn(words, " ,\t"), *why;
	struct buf word = BUF_INIT;
	uint32_t found = 0;

	while (*p) {
		size_t len = strcspn(p, " ,\t");

		buf_reset(&word);
		buf_put(&word, p, len);
		why = read_flag(buf_str(&word), scheduler, &found);
		if (why)
			import_note(im, service, IMPORT_DROPPED, at, buf_str(&word), "%s", why);
		p += len;
		p += strspn(p, " ,\t");
	}
	buf_fini(&word);
	return found;
}

/* --- what is sent, and what comes back ------------------------------------------------ */

void shape_bytes(struct buf *out, const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		/* a blank at an end would be lost */
		if (c == '\\')
			buf_puts(out, "\\\\");
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\r')
			buf_puts(out, "\\r");
		else if (c < ' ' || c >= 0x7f || (c == ' ' && (!i || i + 1 == len)))
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
}

void shape_regex(struct import *im, struct import_part *p, struct import_at at, const char *pattern,
		 const char *what)
{
	struct arena arena = ARENA_INIT;
	struct buf why = BUF_INIT;
	const struct regex *regex;
	unsigned int column;
	int r = regex_compile(&arena, pattern, &why, &column, &regex);

	if (r)
		import_note(
			im, p, IMPORT_DROPPED, at, what,
			"this is no regular expression of PCRE2 (%s): the answer is not looked at",
			buf_str(&why));
	else
		import_key(p, at, "expect_regex", "%s", pattern);
	buf_fini(&why);
	arena_fini(&arena);
}
