/* notice.c: a notice as text, field by field from one table: what a webhook gets and
 * what a program gets cannot drift apart. Every field is always there, so that a
 * receiver needs no cases; what does not apply is null. */
#include "agent/rules/notice.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/buf.h"
#include "agent/base/clock.h"
#include "agent/holds/hold.h"
#include "agent/rules/notify_conf.h"

enum { MAX_TEXT = 1024 };

_Static_assert(1 << NOTICE_HOLD == NOTIFY_HOLD && 1 << NOTICE_RELEASE == NOTIFY_RELEASE &&
		       1 << NOTICE_REFUSED == NOTIFY_REFUSED && 1 << NOTICE_PANIC == NOTIFY_PANIC &&
		       1 << NOTICE_FREEZE == NOTIFY_FREEZE && 1 << NOTICE_DRAIN == NOTIFY_DRAIN,
	       "events are bits by kind");

const char *const notice_kind_names[NOTICE_N_KINDS] = { "hold",  "release", "refused",
							"panic", "freeze",  "drain" };

#define FIELD(f) .offset = offsetof(struct notice, f)

const struct notice_field notice_fields[] = {
	{ .name = "version", .type = NOTICE_CONSTANT },
	{ .name = "id", .type = NOTICE_TEXT, FIELD(id) },
	{ .name = "time", .type = NOTICE_TIME, FIELD(wall_ms) },
	{ .name = "host", .type = NOTICE_TEXT, FIELD(host) },
	{ .name = "event", .type = NOTICE_EVENT, FIELD(kind) },
	{ .name = "active", .type = NOTICE_BOOL, FIELD(active) },
	{ .name = "dry_run", .type = NOTICE_BOOL, FIELD(dry_run) },
	{ .name = "rule", .type = NOTICE_TEXT, FIELD(rule) },
	{ .name = "service", .type = NOTICE_TEXT, FIELD(service) },
	{ .name = "realserver", .type = NOTICE_TEXT, FIELD(realserver) },
	{ .name = "address", .type = NOTICE_TEXT, FIELD(address) },
	{ .name = "effect", .type = NOTICE_EFFECT, FIELD(effect) },
	{ .name = "configured_weight", .type = NOTICE_WEIGHT, FIELD(configured_weight) },
	{ .name = "weight_before", .type = NOTICE_WEIGHT, FIELD(weight_before) },
	{ .name = "weight", .type = NOTICE_WEIGHT, FIELD(weight_after) },
	{ .name = "guard", .type = NOTICE_TEXT, FIELD(guard) },
	{ .name = "drain", .type = NOTICE_TEXT, FIELD(drain) },
	{ .name = "holder", .type = NOTICE_TEXT, FIELD(holder) },
	{ .name = "reason", .type = NOTICE_TEXT, FIELD(reason) },
};
const size_t notice_n_fields = countof(notice_fields);

static const char *const env_always[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LANG=C.UTF-8",
};

/* --- values ------------------------------------------------------------------- */

/* Appends at most MAX_TEXT bytes of it, whole characters, UTF-8 or '?'. */
static void put_text(struct buf *out, const char *text)
{
	size_t i, at = out->len, len = strnlen(text, MAX_TEXT + 1);
	json_t *valid;

	if (len > MAX_TEXT)
		for (len = MAX_TEXT; len > 0 && (text[len] & 0xc0) == 0x80;)
			len--;
	buf_put(out, text, len);
	valid = json_stringn(text, len);
	if (!valid && buf_ok(out))
		for (i = at; i < out->len; i++)
			if ((unsigned char)out->data[i] >= 0x80)
				out->data[i] = '?';
	json_decref(valid);
}

/* Appends the value as text; false when it does not apply. */
static bool put_value(struct buf *out, const struct notice *n, const struct notice_field *f)
{
	const void *field = (const char *)n + f->offset;

	switch (f->type) {
	case NOTICE_TEXT:
		if (!*(const char *const *)field)
			return false;
		put_text(out, *(const char *const *)field);
		return true;
	case NOTICE_WEIGHT:
		if (*(const int64_t *)field < 0)
			return false;
		buf_put_i64(out, *(const int64_t *)field);
		return true;
	case NOTICE_BOOL:
		buf_puts(out, *(const bool *)field ? "true" : "false");
		return true;
	case NOTICE_TIME:
		clock_format_wall(out, *(const int64_t *)field);
		return true;
	case NOTICE_EFFECT:
		if (*(const int *)field == NOTICE_NO_EFFECT)
			return false;
		hold_format_effect(out, *(const int *)field);
		return true;
	case NOTICE_EVENT:
		buf_puts(out, notice_kind_names[n->kind]);
		return true;
	case NOTICE_CONSTANT:
		buf_put_u64(out, NOTICE_VERSION);
		return true;
	}
	return false;
}

/* --- as JSON ------------------------------------------------------------------ */

static json_t *json_value(const struct notice *n, const struct notice_field *f)
{
	const void *field = (const char *)n + f->offset;
	struct buf text = BUF_INIT;
	json_t *value;

	if (!put_value(&text, n, f)) {
		buf_fini(&text);
		return json_null();
	}
	if (f->type == NOTICE_WEIGHT)
		value = json_integer(*(const int64_t *)field);
	else if (f->type == NOTICE_CONSTANT)
		value = json_integer(NOTICE_VERSION);
	else if (f->type == NOTICE_BOOL)
		value = json_boolean(*(const bool *)field);
	else
		value = buf_ok(&text) ? json_string(buf_str(&text)) : NULL;
	buf_fini(&text);
	return value;
}

static char *render_json(const struct notice *n)
{
	json_t *o = json_object();
	char *text = NULL;
	bool ok = o != NULL;
	size_t i;

	for (i = 0; ok && i < notice_n_fields; i++)
		ok = json_object_set_new(o, notice_fields[i].name,
					 json_value(n, &notice_fields[i])) == 0;
	if (ok)
		text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

/* --- as an environment -------------------------------------------------------- */

/* Scripts print these, often a line each: what is not printable becomes a blank. */
static char *render_variable(const struct notice *n, const struct notice_field *f)
{
	struct buf out = BUF_INIT;
	const char *c;
	size_t i, at;

	buf_puts(&out, "IPVS_AGENT_");
	for (c = f->name; *c; c++)
		buf_putc(&out, (char)toupper((unsigned char)*c));
	buf_putc(&out, '=');
	at = out.len;
	put_value(&out, n, f);
	for (i = at; buf_ok(&out) && i < out.len; i++)
		if ((unsigned char)out.data[i] < ' ' || out.data[i] == 0x7f)
			out.data[i] = ' ';
	return buf_take(&out);
}

static char **render_env(const struct notice *n)
{
	char **env = calloc(notice_n_fields + countof(env_always) + 1, sizeof(*env));
	size_t i, k = 0;
	bool ok = env != NULL;

	for (i = 0; ok && i < countof(env_always); i++)
		ok = (env[k++] = strdup(env_always[i])) != NULL;
	for (i = 0; ok && i < notice_n_fields; i++)
		ok = (env[k++] = render_variable(n, &notice_fields[i])) != NULL;
	if (ok)
		return env;
	for (i = 0; env && i < k; i++)
		free(env[i]);
	free(env);
	return NULL;
}

/* --- both --------------------------------------------------------------------- */

void notice_text_fini(struct notice_text *t)
{
	char **e;

	for (e = t->env; e && *e; e++)
		free(*e);
	free(t->env);
	free(t->json);
	*t = (struct notice_text){ 0 };
}

int notice_render(const struct notice *n, struct notice_text *ret_text)
{
	struct notice_text t = { .json = render_json(n), .env = render_env(n) };

	if (!t.json || !t.env) {
		notice_text_fini(&t);
		return -ENOMEM;
	}
	t.json_len = strlen(t.json);
	*ret_text = t;
	return 0;
}
