/* key.c: the scalar and list types of keys, and what their setters share. A type
 * knows text and a field, nothing of files: who calls it adds file and line. */
#include "conf/key.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/addr.h"
#include "agent/base/parse.h"
#include "conf/setter.h"

enum { QUOTE_MAX = 80, NAME_LEN_MAX = 40 };

void conf_quote(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	buf_putc(out, '\'');
	if (len > QUOTE_MAX) {
		len = QUOTE_MAX;
		/* not in the middle of a UTF-8 character */
		while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
			len--;
		buf_put(out, text, len);
		buf_puts(out, "…");
	} else {
		buf_put(out, text, len);
	}
	buf_putc(out, '\'');
}

int conf_refuse(struct conf_env *env, const char *text, const char *fmt, ...)
{
	va_list ap;

	conf_quote(env->why, text);
	buf_putc(env->why, ' ');
	va_start(ap, fmt);
	buf_vprintf(env->why, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

size_t conf_lines(const struct conf_env *env, const char *name)
{
	size_t i;

	for (i = 0; i < env->n_keys; i++)
		if (!strcmp(env->keys[i].name, name))
			return env->key_lines[i];
	return 0;
}

void *conf_append(struct conf_env *env, void **array, size_t n, size_t size, size_t expect)
{
	void *larger = *array;

	if (!expect) {
		larger = arena_grow(env->arena, *array, n, size);
	} else if (!n || n >= expect) {
		larger = arena_alloc(env->arena, (n < expect ? expect : n + 1) * size);
		if (larger && n)
			memcpy(larger, *array, n * size);
	}
	if (!larger)
		return NULL;
	*array = larger;
	return (char *)larger + n * size;
}

static bool parts_words(char c)
{
	return c == ',' || c == ' ' || c == '\t';
}

int conf_split(struct arena *arena, const char *text, struct conf_strings *ret_words)
{
	struct conf_strings words = { 0 };
	const char *at, *end;

	for (at = text; *at; at = end) {
		const char **items;

		while (parts_words(*at))
			at++;
		for (end = at; *end && !parts_words(*end);)
			end++;
		if (end == at)
			break;
		items = arena_grow(arena, words.items, words.n, sizeof(*items));
		if (!items)
			return -ENOMEM;
		words.items = items;
		items[words.n] = arena_strndup(arena, at, (size_t)(end - at));
		if (!items[words.n++])
			return -ENOMEM;
	}
	*ret_words = words;
	return 0;
}

bool conf_name_ok(const char *name)
{
	/* strspn() makes such a table at each call, and there are 100,000. */
	static const bool fine[256] = {
		['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true,
		['_'] = true,         ['.'] = true,         ['-'] = true,
	};
	bool dots_alone = true;
	size_t len;

	for (len = 0; fine[(unsigned char)name[len]]; len++)
		dots_alone &= name[len] == '.';
	return !name[len] && !dots_alone && len <= NAME_LEN_MAX;
}

/* --- bounds ----------------------------------------------------------------- */

typedef void format_fn(struct buf *out, int64_t n);

static void format_plain(struct buf *out, int64_t n)
{
	buf_put_i64(out, n);
}

static void format_percent(struct buf *out, int64_t n)
{
	buf_printf(out, "%lld%%", (long long)n);
}

static void format_bytes(struct buf *out, int64_t n)
{
	static const char *const units[] = { "B", "KB", "MB", "GB" };
	size_t u = 0;

	while (n && n % 1024 == 0 && u + 1 < countof(units)) {
		n /= 1024;
		u++;
	}
	buf_printf(out, "%lld%s", (long long)n, units[u]);
}

/* 0 when n is within the key's bounds, or -EINVAL having said them. */
static int within(int64_t n, const char *text, const struct conf_key *key, format_fn *format,
		  struct conf_env *env)
{
	if (n >= key->min && (!key->max || n <= key->max))
		return 0;
	conf_refuse(env, text, "must be ");
	buf_puts(env->why, key->max ? "between " : "at least ");
	format(env->why, key->min);
	if (key->max) {
		buf_puts(env->why, " and ");
		format(env->why, key->max);
	}
	return -EINVAL;
}

/* --- scalars ------------------------------------------------------------------ */

static int set_string(void *field, const char *text, const struct conf_key *key,
		      struct conf_env *env)
{
	char *copy;

	if (key->max && strlen(text) > (size_t)key->max)
		return conf_refuse(env, text, "is too long (%lld characters at most)",
				   (long long)key->max);
	copy = arena_strdup(env->arena, text);
	if (!copy)
		return -ENOMEM;
	*(const char **)field = copy;
	return 0;
}

static void get_string(const void *field, const struct conf_key *key ATTR_UNUSED,
		       size_t i ATTR_UNUSED, struct buf *out)
{
	const char *text = *(const char *const *)field;

	buf_puts(out, text ? text : "");
}

const struct conf_type conf_string = { .name = "text", .set = set_string, .get = get_string };

static int set_path(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	if (text[0] != '/')
		return conf_refuse(env, text, "is not an absolute path (it must begin with '/')");
	return set_string(field, text, key, env);
}

const struct conf_type conf_path = { .name = "path", .set = set_path, .get = get_string };

static int set_bool(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		    struct conf_env *env)
{
	if (parse_bool(text, field))
		return conf_refuse(env, text, "is neither on nor off (yes and no, too, are fine)");
	return 0;
}

static void get_bool(const void *field, const struct conf_key *key, size_t i ATTR_UNUSED,
		     struct buf *out)
{
	bool yes_no = key->def && (!strcmp(key->def, "yes") || !strcmp(key->def, "no"));
	bool value = *(const bool *)field;

	if (yes_no)
		buf_puts(out, value ? "yes" : "no");
	else
		buf_puts(out, value ? "on" : "off");
}

const struct conf_type conf_bool = { .name = "on | off", .set = set_bool, .get = get_bool };

/* A number within the key's bounds and `largest`. */
static int read_number(const char *text, uint64_t largest, const struct conf_key *key,
		       struct conf_env *env, uint64_t *ret_n)
{
	uint64_t n = 0;
	bool over;
	int r = parse_u64(text, &n);

	if (r == -EINVAL)
		return conf_refuse(env, text, "is not a whole number");
	over = r || n > largest;
	if (within(over || n > INT64_MAX ? INT64_MAX : (int64_t)n, text, key, format_plain, env))
		return -EINVAL;
	if (over)
		return conf_refuse(env, text, "is too large a number");
	*ret_n = n;
	return 0;
}

static int set_u32(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	uint64_t n = 0;
	int r = read_number(text, UINT32_MAX, key, env, &n);

	if (!r)
		*(uint32_t *)field = (uint32_t)n;
	return r;
}

static void get_u32(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i ATTR_UNUSED,
		    struct buf *out)
{
	buf_put_u64(out, *(const uint32_t *)field);
}

const struct conf_type conf_u32 = { .name = "number", .set = set_u32, .get = get_u32 };

static int set_u64(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	return read_number(text, INT64_MAX, key, env, field);
}

static void get_u64(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i ATTR_UNUSED,
		    struct buf *out)
{
	buf_put_u64(out, *(const uint64_t *)field);
}

const struct conf_type conf_u64 = { .name = "number", .set = set_u64, .get = get_u64 };

static int set_duration(void *field, const char *text, const struct conf_key *key,
			struct conf_env *env)
{
	int64_t ms;
	uint64_t bare;
	int r = parse_duration(text, &ms);

	if (r == -ERANGE)
		return conf_refuse(env, text, "is too long (10 years at most)");
	if (r && parse_u64(text, &bare) == 0)
		return conf_refuse(env, text, "has no unit: write %ss or %sms", text, text);
	if (r)
		return conf_refuse(env, text, "is not a duration (such as 500ms, 2s, 1h30m)");
	if (within(ms, text, key, format_duration, env))
		return -EINVAL;
	*(int64_t *)field = ms;
	return 0;
}

static void get_duration(const void *field, const struct conf_key *key ATTR_UNUSED,
			 size_t i ATTR_UNUSED, struct buf *out)
{
	format_duration(out, *(const int64_t *)field);
}

const struct conf_type conf_duration = { .name = "duration",
					 .set = set_duration,
					 .get = get_duration };

static int set_share(void *field, const char *text, const struct conf_key *key,
		     struct conf_env *env)
{
	unsigned int percent;

	if (parse_share(text, &percent))
		return conf_refuse(env, text, "is not a share (0%% to 100%%, such as 50%%)");
	if (within(percent, text, key, format_percent, env))
		return -EINVAL;
	*(uint32_t *)field = percent;
	return 0;
}

static void get_share(const void *field, const struct conf_key *key ATTR_UNUSED,
		      size_t i ATTR_UNUSED, struct buf *out)
{
	format_percent(out, *(const uint32_t *)field);
}

const struct conf_type conf_share = { .name = "share", .set = set_share, .get = get_share };

static int set_size(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	uint64_t bytes;
	int r = parse_size(text, &bytes);

	if (r == -ERANGE || (!r && bytes > INT64_MAX))
		return conf_refuse(env, text, "is too large a size");
	if (r)
		return conf_refuse(env, text, "is not a size (such as 512B, 64KB, 16MB)");
	if (within((int64_t)bytes, text, key, format_bytes, env))
		return -EINVAL;
	*(uint64_t *)field = bytes;
	return 0;
}

static void get_size(const void *field, const struct conf_key *key ATTR_UNUSED,
		     size_t i ATTR_UNUSED, struct buf *out)
{
	uint64_t bytes = *(const uint64_t *)field;

	format_bytes(out, bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes);
}

const struct conf_type conf_size = { .name = "size", .set = set_size, .get = get_size };

static int set_mode(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		    struct conf_env *env)
{
	size_t len = strlen(text);

	if (len < 3 || len > 4 || strspn(text, "01234567") != len || (len == 4 && text[0] != '0'))
		return conf_refuse(env, text, "is not a file mode (such as 0660)");
	*(uint32_t *)field = (uint32_t)strtoul(text, NULL, 8);
	return 0;
}

static void get_mode(const void *field, const struct conf_key *key ATTR_UNUSED,
		     size_t i ATTR_UNUSED, struct buf *out)
{
	buf_printf(out, "%04o", *(const uint32_t *)field);
}

const struct conf_type conf_mode = { .name = "file mode", .set = set_mode, .get = get_mode };

static int set_addr(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		    struct conf_env *env)
{
	if (addr_parse(text, field))
		return conf_refuse(env, text, "is not an address");
	return 0;
}

static void get_addr(const void *field, const struct conf_key *key ATTR_UNUSED,
		     size_t i ATTR_UNUSED, struct buf *out)
{
	const struct addr *a = field;

	/* one that is not given is none */
	if (a->family)
		addr_format(out, a);
}

const struct conf_type conf_addr = { .name = "address", .set = set_addr, .get = get_addr };

/* --- enums ---------------------------------------------------------------------- */

static bool is_alias(const struct conf_enum *names, const struct conf_enum *e)
{
	for (; names != e; names++)
		if (names->value == e->value)
			return true;
	return false;
}

static int set_enum(void *field, const char *text, const struct conf_key *key, struct conf_env *env)
{
	const struct conf_enum *names = key->extra, *e;
	bool first = true;

	for (e = names; e->name; e++) {
		if (!strcmp(e->name, text)) {
			*(int *)field = e->value;
			return 0;
		}
	}
	conf_refuse(env, text, "is none of ");
	for (e = names; e->name; e++) {
		if (is_alias(names, e))
			continue;
		buf_printf(env->why, "%s%s", first ? "" : ", ", e->name);
		first = false;
	}
	return -EINVAL;
}

static void get_enum(const void *field, const struct conf_key *key, size_t i ATTR_UNUSED,
		     struct buf *out)
{
	const struct conf_enum *e;

	for (e = key->extra; e->name; e++) {
		if (e->value == *(const int *)field) {
			buf_puts(out, e->name);
			return;
		}
	}
}

const struct conf_type conf_enum_type = { .name = "word", .set = set_enum, .get = get_enum };
