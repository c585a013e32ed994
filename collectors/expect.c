/* expect.c: escapes and patterns are read once, at load; each answer then costs a search
 * and at most so many steps of a match. */
#include "collectors/expect.h"

#include <errno.h>
#include <string.h>

#include "conf/setter.h"

/* --- bytes ---------------------------------------------------------------------- */

static const struct {
	char letter, byte;
} escapes[] = { { 'r', '\r' }, { 'n', '\n' }, { 't', '\t' }, { '\\', '\\' } };

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

/* What the escape at `p` (its backslash) stands for, and its length; 0 = it is none. */
static size_t read_escape(const char *p, char *ret_byte)
{
	int high, low;
	size_t i;

	for (i = 0; i < countof(escapes); i++)
		if (p[1] == escapes[i].letter) {
			*ret_byte = escapes[i].byte;
			return 2;
		}
	high = p[1] == 'x' ? hex_digit(p[2]) : -1;
	low = high >= 0 ? hex_digit(p[3]) : -1;
	if (low < 0)
		return 0;
	*ret_byte = (char)(high * 16 + low);
	return 4;
}

static int set_bytes(void *field, const char *text, const struct conf_key *key,
		     struct conf_env *env)
{
	char *bytes = arena_strdup(env->arena, text);
	const char *p = text;
	size_t len = 0, n;

	if (!bytes)
		return -ENOMEM;
	for (; *p; p += n) {
		n = 1;
		bytes[len] = *p;
		if (*p == '\\')
			n = read_escape(p, &bytes[len]);
		if (!n) {
			buf_printf(env->why,
				   "column %zu: a '\\' must be one of \\r \\n \\t \\\\ \\xNN",
				   (size_t)(p - text) + 1);
			return -EINVAL;
		}
		len++;
	}
	if (key->max && len > (size_t)key->max)
		return conf_refuse(env, text, "is too long (%lld bytes at most)",
				   (long long)key->max);
	*(struct expect_bytes *)field = (struct expect_bytes){ bytes, len };
	return 0;
}

static void put_byte(struct buf *out, char byte)
{
	size_t i;

	for (i = 0; i < countof(escapes); i++)
		if (byte == escapes[i].byte) {
			buf_printf(out, "\\%c", escapes[i].letter);
			return;
		}
	if (byte > ' ' && byte < 0x7f)
		buf_putc(out, byte);
	else
		buf_printf(out, "\\x%02x", (unsigned int)(unsigned char)byte);
}

/* A blank is itself but at the ends, where the loader would take it away. */
static void get_bytes(const void *field, const struct conf_key *key ATTR_UNUSED,
		      size_t i ATTR_UNUSED, struct buf *out)
{
	const struct expect_bytes *b = field;
	size_t k;

	for (k = 0; k < b->len; k++) {
		if (b->data[k] == ' ' && k && k + 1 < b->len)
			buf_putc(out, ' ');
		else
			put_byte(out, b->data[k]);
	}
}

const struct conf_type expect_bytes_type = { .name = "text with \\r \\n \\t \\\\ \\xNN",
					     .set = set_bytes,
					     .get = get_bytes };

/* --- patterns ------------------------------------------------------------------- */

static int set_pattern(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		       struct conf_env *env)
{
	struct expect_pattern p = { .text = arena_strdup(env->arena, text) };
	struct buf why = BUF_INIT;
	unsigned int column = 0;
	int r = p.text ? regex_compile(env->arena, text, &why, &column, &p.regex) : -ENOMEM;

	if (r == -EINVAL)
		buf_printf(env->why, "column %u: %s", column, buf_str(&why));
	if (!buf_ok(&why))
		r = -ENOMEM;
	buf_fini(&why);
	if (!r)
		*(struct expect_pattern *)field = p;
	return r;
}

static void get_pattern(const void *field, const struct conf_key *key ATTR_UNUSED,
			size_t i ATTR_UNUSED, struct buf *out)
{
	const struct expect_pattern *p = field;

	buf_puts(out, p->text ? p->text : "");
}

const struct conf_type expect_regex_type = { .name = "regular expression",
					     .set = set_pattern,
					     .get = get_pattern };

/* --- matching ------------------------------------------------------------------- */

bool expect_given(const struct expect *e)
{
	return e->text || e->pattern.regex;
}

int expect_match(const struct expect *e, const char *bytes, size_t len, uint32_t *steps)
{
	if (e->text && !(len && memmem(bytes, len, e->text, strlen(e->text))))
		return 0;
	return e->pattern.regex ? regex_match(e->pattern.regex, bytes, len, steps) : 1;
}

struct probe_report expect_report(int match)
{
	static const struct probe_report reports[] = {
		{ .reason = PROBE_ANSWER_BODY },
		{ .reason = PROBE_OK },
		{ .reason = PROBE_LOCAL_CONFIG,
		  .text = "expect_regex takes too long on this answer" },
		{ .reason = PROBE_LOCAL_RESOURCES, .os_errno = ENOMEM },
	};

	return reports[match >= 0 ? match : match == -E2BIG ? 2 : 3];
}
