/* print.c: key tables and values written as INI, by the same tables that read it. */
#include "conf/print.h"

#include <string.h>

enum { WIDTH = 80 };

/* --- the sample ------------------------------------------------------------------- */

/* "; text", wrapped. */
static void put_comment(struct buf *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (!column || column + 1 + len > WIDTH) {
			buf_puts(out, column ? "\n;" : ";");
			column = 1;
		}
		buf_putc(out, ' ');
		buf_put(out, text, len);
		column += 1 + len;
		text += len;
		text += strspn(text, " ");
	}
	buf_putc(out, '\n');
}

static void put_sample_keys(struct buf *out, const struct conf_key *keys, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const char *at = keys[i].def ? keys[i].def : "";

		put_comment(out, keys[i].help);
		do {
			size_t len = strcspn(at, "\n");

			buf_printf(out, ";%s =%s%.*s\n", keys[i].name, len ? " " : "", (int)len,
				   at);
			at += len + (at[len] == '\n');
		} while (*at);
	}
}

static bool is_base(const struct conf_section *const *sections, const struct conf_section *s)
{
	for (; *sections; sections++)
		if ((*sections)->base && !strcmp((*sections)->base, s->name))
			return true;
	return false;
}

static void put_parts(struct buf *out, const struct conf_section *s)
{
	const struct conf_part *part;
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; s->part_at && (part = s->part_at(i)); i++) {
		if (!part->n_keys)
			continue;
		buf_reset(&text);
		buf_printf(&text, "With a %s of ", s->select);
		if (s->part_values)
			s->part_values(part, &text);
		else
			buf_puts(&text, part->name);
		buf_puts(&text, ":");
		buf_putc(out, '\n');
		put_comment(out, buf_str(&text));
		put_sample_keys(out, part->keys, part->n_keys);
	}
	buf_fini(&text);
}

void config_print_sample(const struct conf_section *const *sections, struct buf *out)
{
	const struct conf_section *const *s;

	put_comment(out, "ipvs-agent.ini: every key at its default. A key without a value has no "
			 "default. An empty file is fine: it manages nothing and exports all.");
	put_comment(
		out,
		"A line that begins with ; or # is a comment; behind a value they are part of it.");
	for (s = sections; *s; s++) {
		buf_putc(out, '\n');
		put_comment(out, (*s)->help);
		buf_printf(out, "%s[%s%s]\n", (*s)->named ? ";" : "", (*s)->name,
			   (*s)->named ? " NAME" : "");
		if (!is_base(sections, *s))
			put_sample_keys(out, (*s)->keys, (*s)->n_keys);
		put_parts(out, *s);
	}
}

/* --- what is in force ------------------------------------------------------------- */

static bool visit_keys(const void *obj, const struct conf_key *keys, size_t n, config_value_fn *fn,
		       void *arg)
{
	struct buf value = BUF_INIT;
	bool ok = true;
	size_t i, k, count;

	for (i = 0; i < n; i++) {
		const void *field = (const char *)obj + keys[i].offset;

		count = keys[i].type->count ? keys[i].type->count(field, &keys[i]) : 1;
		for (k = 0; k < count && !(keys[i].flags & CONF_INCLUDE); k++) {
			buf_reset(&value);
			keys[i].type->get(field, &keys[i], k, &value);
			ok = ok && buf_ok(&value);
			if (value.len)
				fn(arg, &keys[i],
				   keys[i].flags & CONF_SECRET ? "(redacted)" : buf_str(&value));
		}
	}
	buf_fini(&value);
	return ok;
}

bool config_values(const struct conf_section *s, const struct conf_head *obj, config_value_fn *fn,
		   void *arg)
{
	bool ok = visit_keys(obj, s->keys, s->n_keys, fn, arg);

	if (obj->part)
		ok = visit_keys(obj->part_conf, obj->part->keys, obj->part->n_keys, fn, arg) && ok;
	return ok;
}

const struct conf_head *config_next(const struct config *c, struct config_cursor *at,
				    const struct conf_section **ret_type)
{
	const struct conf_section *const *types = config_types(c), *s;
	size_t n;

	for (; (s = types[at->type]); at->type++, at->object = 0) {
		void *const *objs = config_sections(c, s, &n);

		/* defaults are filled in where they apply */
		if (at->object < n && !is_base(types, s)) {
			*ret_type = s;
			return objs[at->object++];
		}
	}
	return NULL;
}

static void put_value(void *arg, const struct conf_key *key, const char *value)
{
	buf_printf(arg, "%s = %s\n", key->name, value);
}

void config_print(const struct config *c, struct buf *out)
{
	struct config_cursor at = { 0 };
	const struct conf_section *type;
	const struct conf_head *head;

	while ((head = config_next(c, &at, &type))) {
		buf_printf(out, "%s[%s%s%s]\n", out->len ? "\n" : "", type->name,
			   head->name ? " " : "", head->name ? head->name : "");
		out->failed |= !config_values(type, head, put_value, out);
	}
}

/* --- restarts --------------------------------------------------------------------- */

/* The next CONF_RESTART key after (*s, *i), of sections without a name. */
static const struct conf_key *next_restart(const struct conf_section *const **s, size_t *i)
{
	for (; **s; (*s)++, *i = 0) {
		while (!(**s)->named && *i < (**s)->n_keys) {
			const struct conf_key *key = &(**s)->keys[(*i)++];

			if (key->flags & CONF_RESTART)
				return key;
		}
	}
	return NULL;
}

static void get_text(const void *obj, const struct conf_key *key, struct buf *out)
{
	buf_reset(out);
	key->type->get((const char *)obj + key->offset, key, 0, out);
}

void config_restart_values(const struct config *c, struct buf *out)
{
	const struct conf_section *const *s = config_types(c);
	const struct conf_key *key;
	struct buf is = BUF_INIT;
	size_t i = 0;

	while ((key = next_restart(&s, &i))) {
		get_text(config_section(c, *s), key, &is);
		buf_printf(out, "%s\n", buf_str(&is));
	}
	buf_fini(&is);
}

void config_print_restarts(const struct buf *kept, const struct config *fresh, struct buf *out)
{
	const struct conf_section *const *s = config_types(fresh);
	const char *was = buf_str(kept);
	const struct conf_key *key;
	struct buf is = BUF_INIT;
	size_t i = 0;

	while ((key = next_restart(&s, &i))) {
		const void *obj = config_section(fresh, *s);
		size_t len = strcspn(was, "\n");

		get_text(obj, key, &is);
		if (is.len != len || memcmp(buf_str(&is), was, len))
			buf_printf(out,
				   "%s:%u: warning: %s = %s needs a restart; %.*s stays in force\n",
				   conf_key_file(fresh, obj, key->name),
				   conf_key_line(fresh, obj, key->name), key->name, buf_str(&is),
				   (int)len, was);
		was += len + (was[len] == '\n');
	}
	buf_fini(&is);
}
