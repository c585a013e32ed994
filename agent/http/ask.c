/* ask.c: requests of operators, from JSON. Every member is a row of a table; one that is
 * unknown, of another type or twice is refused, because what was misspelt would be done
 * otherwise than it was meant. */
#include "agent/http/ask.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/holds/hold.h"

enum { REPLACE_MAX = 65535 };

/* A request while it is read. */
struct asked {
	struct command cmd;
	struct buf *why;
	const char *effect; /* the member that said what to do */
	bool ttl, timeout;  /* were given */
};

struct member {
	const char *name;
	int (*set)(struct asked *a, const json_t *value, const char *name);
};

static int out_of_memory(struct buf *why)
{
	buf_puts(why, "out of memory");
	return -ENOMEM;
}

ATTR_PRINTF(3, 4)
static int refuse(struct buf *why, const char *name, const char *fmt, ...)
{
	va_list ap;

	buf_printf(why, "%s: ", name);
	va_start(ap, fmt);
	buf_vprintf(why, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* --- texts ---------------------------------------------------------------------------- */

static int copy(const char *text, char **ret_text, struct buf *why)
{
	char *s = strdup(text);

	if (!s)
		return out_of_memory(why);
	*ret_text = s;
	return 0;
}

int ask_target(const char *text, char **ret_text, struct buf *why)
{
	if (!*text || strlen(text) > ASK_TARGET_MAX)
		return refuse(why, "target",
			      "is not SERVICE/REALSERVER, SERVICE, a realserver's name or its "
			      "address (%d characters at most)",
			      ASK_TARGET_MAX);
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			return refuse(why, "target", "a name has no such characters");
	return copy(text, ret_text, why);
}

static const char in_holders[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				 "0123456789_.@:+-";

static const char in_probes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				"0123456789_.-";

char *ask_as_holder(const char *user)
{
	char *name = strndup(*user ? user : "_", ASK_HOLDER_MAX);

	for (char *c = name; c && *c; c++)
		if (!strchr(in_holders, *c))
			*c = '_';
	return name;
}

int ask_holder(const char *text, char **ret_text, struct buf *why)
{
	size_t len = strlen(text);

	if (len == 0 || len > ASK_HOLDER_MAX || strspn(text, in_holders) != len)
		return refuse(why, "holder", "has letters, digits and _.@:+-, 1 to %d of them",
			      ASK_HOLDER_MAX);
	return copy(text, ret_text, why);
}

int ask_word(const char *name, const char *text, const char *const *words, char **ret_text,
	     struct buf *why)
{
	for (size_t i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return copy(text, ret_text, why);
	buf_printf(why, "%s: is not", name);
	for (size_t i = 0; words[i]; i++)
		buf_printf(why, "%s %s", i == 0 ? "" : words[i + 1] ? "," : " or", words[i]);
	return -EINVAL;
}

int ask_flag(const char *name, const char *text, bool *ret_flag, struct buf *why)
{
	/* ?all stands for ?all=1 */
	if (*text && parse_bool(text, ret_flag) < 0)
		return refuse(why, name, "is not 1 or 0");
	if (!*text)
		*ret_flag = true;
	return 0;
}

/* --- members ------------------------------------------------------------------------- */

static const char *text_of(struct asked *a, const json_t *value, const char *name)
{
	const char *text = json_string_value(value);

	if (!text)
		(void)refuse(a->why, name, "is not a string");
	return text;
}

static int set_target(struct asked *a, const json_t *value, const char *name)
{
	const char *text = text_of(a, value, name);

	return text ? ask_target(text, &a->cmd.target, a->why) : -EINVAL;
}

static int set_holder(struct asked *a, const json_t *value, const char *name)
{
	const char *text = text_of(a, value, name);

	return text ? ask_holder(text, &a->cmd.holder, a->why) : -EINVAL;
}

static int set_reason(struct asked *a, const json_t *value, const char *name)
{
	const char *text = text_of(a, value, name);

	if (!text)
		return -EINVAL;
	if (strlen(text) > ASK_REASON_MAX)
		return refuse(a->why, name, "is longer than %d bytes", ASK_REASON_MAX);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return refuse(a->why, name, "has control characters");
	return copy(text, &a->cmd.reason, a->why);
}

static int read_duration(struct asked *a, const json_t *value, const char *name, int64_t *ret_ms)
{
	const char *text = text_of(a, value, name);
	int64_t ms;

	if (!text)
		return -EINVAL;
	if (parse_duration(text, &ms) < 0 || ms < 1000)
		return refuse(a->why, name,
			      "is not a duration such as \"90s\" or \"1h30m\", "
			      "of a second at least");
	*ret_ms = ms;
	return 0;
}

static int set_ttl(struct asked *a, const json_t *value, const char *name)
{
	a->ttl = true;
	return read_duration(a, value, name, &a->cmd.ttl_ms);
}

static int set_timeout(struct asked *a, const json_t *value, const char *name)
{
	a->timeout = true;
	return read_duration(a, value, name, &a->cmd.drain_ms);
}

static int set_force(struct asked *a, const json_t *value, const char *name)
{
	if (!json_is_boolean(value))
		return refuse(a->why, name, "is not true or false");
	a->cmd.force = json_is_true(value);
	return 0;
}

static int set_count(struct asked *a, const json_t *value, const char *name)
{
	if (!json_is_boolean(value))
		return refuse(a->why, name, "is not true or false");
	a->cmd.count = json_is_true(value);
	return 0;
}

static int set_probe(struct asked *a, const json_t *value, const char *name)
{
	const char *text = text_of(a, value, name);

	if (!text)
		return -EINVAL;
	if (!*text || strlen(text) > ASK_PROBE_MAX || strspn(text, in_probes) != strlen(text))
		return refuse(a->why, name, "is not a probe's name");
	return copy(text, &a->cmd.only, a->why);
}

static int one_effect(struct asked *a, const char *name)
{
	if (a->effect)
		return refuse(a->why, name, "and %s: only one of them at a time", a->effect);
	a->effect = name;
	return 0;
}

/* "50%", up to `max`; 0 percent is none. */
static bool read_percent(const char *text, uint64_t max, uint64_t *ret_percent)
{
	char digits[8];
	size_t len = text ? strlen(text) : 0;

	if (len < 2 || len > sizeof(digits) || text[len - 1] != '%')
		return false;
	memcpy(digits, text, len - 1);
	digits[len - 1] = '\0';
	return parse_u64(digits, ret_percent) == 0 && *ret_percent >= 1 && *ret_percent <= max;
}

static int set_weight(struct asked *a, const json_t *value, const char *name)
{
	uint64_t percent;
	int r = one_effect(a, name);

	if (r < 0)
		return r;
	if (json_is_integer(value) && json_integer_value(value) == 0) {
		a->cmd.effect = HOLD_ZERO;
		return 0;
	}
	if (!read_percent(json_string_value(value), 100, &percent))
		return refuse(a->why, name,
			      "is neither 0 nor a share from \"1%%\" to \"100%%\"; "
			      "\"replace\" is what sets another weight");
	a->cmd.effect = (int)percent;
	return 0;
}

static int set_admit(struct asked *a, const json_t *value, const char *name)
{
	int r = one_effect(a, name);

	if (r < 0)
		return r;
	if (!json_is_true(value))
		return refuse(a->why, name, "is not true");
	a->cmd.effect = HOLD_ADMIT;
	return 0;
}

static int set_replace(struct asked *a, const json_t *value, const char *name)
{
	json_int_t n = json_integer_value(value);
	uint64_t percent;
	int r = one_effect(a, name);

	if (r < 0)
		return r;
	if (json_is_integer(value) && n == 0)
		return refuse(a->why, name, "a weight of 0 is a drain: ask for \"weight\": 0");
	if (json_is_integer(value) && n > 0 && n <= REPLACE_MAX) {
		a->cmd.effect = HOLD_REPLACE;
		a->cmd.weight = (uint32_t)n;
		return 0;
	}
	if (!read_percent(json_string_value(value), ASK_REPLACE_SHARE_MAX, &percent))
		return refuse(a->why, name,
			      "is neither a weight from 1 to %d nor a share from \"1%%\" to "
			      "\"%d%%\"",
			      REPLACE_MAX, ASK_REPLACE_SHARE_MAX);
	a->cmd.effect = HOLD_REPLACE_SHARE;
	a->cmd.weight = (uint32_t)percent;
	return 0;
}

static const struct member hold_members[] = {
	{ "admit", set_admit },     { "force", set_force },     { "holder", set_holder },
	{ "reason", set_reason },   { "replace", set_replace }, { "target", set_target },
	{ "timeout", set_timeout }, { "ttl", set_ttl },         { "weight", set_weight },
};

static const struct member freeze_members[] = {
	{ "holder", set_holder },
	{ "reason", set_reason },
	{ "ttl", set_ttl },
};

static int set_role(struct asked *a, const json_t *value, const char *name)
{
	static const char *const roles[] = { "master", "backup", "fault", NULL };
	const char *text = text_of(a, value, name);

	return text ? ask_word(name, text, roles, &a->cmd.only, a->why) : -EINVAL;
}

static const struct member role_members[] = {
	{ "reason", set_reason },
	{ "role", set_role },
};

static const struct member probe_members[] = {
	{ "count", set_count },
	{ "probe", set_probe },
	{ "target", set_target },
};

/* --- the whole ------------------------------------------------------------------------ */

static int unknown(struct asked *a, const char *name, const struct member *members, size_t n)
{
	const char *names[countof(hold_members)], *near;
	struct buf clean = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		names[i] = members[i].name;
	near = nearest_name(name, names, n);
	for (const char *c = name; *c && clean.len < 60; c++)
		buf_putc(&clean, *c >= ' ' && *c <= '~' ? *c : '?');
	buf_printf(a->why, "unknown member '%s'", buf_str(&clean));
	if (near)
		buf_printf(a->why, "; did you mean '%s'?", near);
	buf_fini(&clean);
	return -EINVAL;
}

static int read_members(struct asked *a, json_t *o, const struct member *members, size_t n)
{
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach (o, name, value) {
		size_t i = 0;

		while (i < n && strcmp(members[i].name, name) != 0)
			i++;
		r = i < n ? members[i].set(a, value, name) : unknown(a, name, members, n);
		if (r < 0)
			break;
	}
	return r;
}

static int read_object(struct asked *a, const struct buf *body, const struct member *members,
		       size_t n)
{
	json_error_t error;
	json_t *o;
	int r;

	o = json_loadb(body->data ? body->data : "", body->len, JSON_REJECT_DUPLICATES, &error);
	if (!o && json_error_code(&error) == json_error_out_of_memory)
		return out_of_memory(a->why);
	if (!o && json_error_code(&error) == json_error_duplicate_key) {
		buf_printf(a->why, "a member stands there twice, line %d column %d", error.line,
			   error.column);
		return -EINVAL;
	}
	if (!o) {
		buf_printf(a->why, "not JSON, at line %d column %d", error.line, error.column);
		return -EINVAL;
	}
	if (json_is_object(o)) {
		r = read_members(a, o, members, n);
	} else {
		buf_puts(a->why, "not a JSON object");
		r = -EINVAL;
	}
	json_decref(o);
	return r;
}

static int check_hold(struct asked *a)
{
	if (!a->cmd.target)
		return refuse(a->why, "target", "is missing");
	if (!a->effect) {
		buf_puts(a->why, "one of weight, admit and replace is missing");
		return -EINVAL;
	}
	if (a->timeout && a->cmd.effect != HOLD_ZERO)
		return refuse(a->why, "timeout", "is of a drain, \"weight\": 0, only");
	if (a->cmd.effect != HOLD_ADMIT)
		return 0;
	if (!a->ttl)
		a->cmd.ttl_ms = ASK_ADMIT_MS;
	else if (a->cmd.ttl_ms > ASK_ADMIT_MAX_MS)
		return refuse(a->why, "ttl", "an admission lasts 7d at most");
	return 0;
}

static int finish(struct asked *a, struct command *cmd, int r)
{
	if (r < 0) {
		command_fini(&a->cmd);
		return r;
	}
	a->cmd.kind = cmd->kind;
	a->cmd.who = cmd->who;
	*cmd = a->cmd;
	return 0;
}

int ask_hold(const struct buf *body, struct command *cmd, struct buf *why)
{
	struct asked a = { .why = why };
	int r = read_object(&a, body, hold_members, countof(hold_members));

	if (r == 0)
		r = check_hold(&a);
	return finish(&a, cmd, r);
}

int ask_freeze(const struct buf *body, struct command *cmd, struct buf *why)
{
	struct asked a = { .why = why };
	int r = body->len == 0 ? 0 : read_object(&a, body, freeze_members, countof(freeze_members));

	return finish(&a, cmd, r);
}

int ask_probe(const struct buf *body, struct command *cmd, struct buf *why)
{
	struct asked a = { .why = why };
	int r = read_object(&a, body, probe_members, countof(probe_members));

	if (r == 0 && !a.cmd.target)
		r = refuse(why, "target", "is missing");
	return finish(&a, cmd, r);
}

int ask_role(const struct buf *body, struct command *cmd, struct buf *why)
{
	struct asked a = { .why = why };
	int r = read_object(&a, body, role_members, countof(role_members));

	if (r == 0 && !a.cmd.only)
		r = refuse(why, "role", "is missing: master, backup or fault");
	return finish(&a, cmd, r);
}
