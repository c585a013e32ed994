/* section.c: from raw sections to objects: defaults, each line through its key's
 * setter, and what is missing. The order of the files
 * does not matter: a section whose values are others' defaults comes first. */
#include "conf/section.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "conf/load.h"
#include "conf/setter.h"

/* --- one object --------------------------------------------------------------- */

struct build {
	struct load *l;
	struct raw_section *raw; /* NULL: the section is not in the file */
	struct conf_head *head;
	const struct conf_section *type;
	bool is_base; /* its values are another section's defaults */
	struct conf_env env;
	struct buf why;
	uint32_t *key_lines;
	struct conf_seen *seen; /* as it grows */
	size_t n_seen;
	bool part_failed; /* the selecting key is missing or wrong: its keys are unknown */
};

static bool is_base(const struct config *c, const struct conf_section *s)
{
	size_t i;

	for (i = 0; i < c->n_types; i++)
		if (c->types[i]->base && !strcmp(c->types[i]->base, s->name))
			return true;
	return false;
}

static void report(struct build *b, unsigned int line, const char *text)
{
	conf_report(b->l->c, CONF_ERROR, b->head->file, line, "%s", text);
}

/* What the setter said, told with the key's name unless it names its subject. */
static void report_value(struct build *b, const struct conf_key *key, unsigned int line)
{
	b->head->bad = true;
	if (key->flags & CONF_OWN_WORDS)
		report(b, line, buf_str(&b->why));
	else
		conf_report(b->l->c, CONF_ERROR, b->head->file, line, "%s: %s", key->name,
			    buf_str(&b->why));
}

static const struct conf_seen *seen_key(const struct build *b, const struct conf_key *key)
{
	size_t i;

	for (i = 0; i < b->n_seen; i++)
		if (b->seen[i].key == key)
			return &b->seen[i];
	return NULL;
}

static int note_seen(struct build *b, const struct conf_key *key, unsigned int line)
{
	struct conf_seen *seen = reallocarray(b->seen, b->n_seen + 1, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	seen[b->n_seen++] = (struct conf_seen){ .key = key, .line = line };
	b->seen = seen;
	return 0;
}

/* Which parts other than the chosen have the key: "http, https"; "" = none. */
static void other_parts(const struct build *b, const char *name, struct buf *out)
{
	const struct conf_part *part;
	size_t i;

	for (i = 0; b->type->part_at && (part = b->type->part_at(i)); i++) {
		if (!conf_find(name, part->keys, part->n_keys, NULL))
			continue;
		buf_puts(out, out->len ? ", " : "");
		if (b->type->part_values)
			b->type->part_values(part, out);
		else
			buf_puts(out, part->name);
	}
}

/* The section that has this key, for one that stands in the wrong place. */
static const struct conf_section *other_home(const struct build *b, const char *name)
{
	const struct config *c = b->l->c;
	size_t i;

	for (i = 0; i < c->n_types; i++)
		if (!is_base(c, c->types[i]) &&
		    conf_find(name, c->types[i]->keys, c->types[i]->n_keys, NULL))
			return c->types[i];
	return NULL;
}

/* Of the section's keys and the part's, the one that was meant; NULL = none. */
static const char *near_key(const struct build *b, const char *name)
{
	const struct conf_part *part = b->head->part;
	const char *near[2];
	size_t n = 0;

	conf_find(name, b->type->keys, b->type->n_keys, &near[0]);
	n += near[0] != NULL;
	if (part)
		conf_find(name, part->keys, part->n_keys, &near[n]);
	n += part && near[n];
	return nearest_name(name, near, n);
}

static void unknown_key(struct build *b, const struct raw_line *line)
{
	struct buf text = BUF_INIT, others = BUF_INIT;
	const struct conf_section *home;
	const char *near;

	other_parts(b, line->key, &others);
	if (others.len && b->part_failed)
		goto out; /* it may be right: which keys there are is not known */
	if (others.len) {
		conf_quote(&text, line->key);
		buf_printf(&text, " is not for %s %ss; it is for %s", b->head->part->name,
			   b->type->name, buf_str(&others));
		conf_report(b->l->c, CONF_ERROR, b->head->file, line->line, "key %s",
			    buf_str(&text));
		goto out;
	}
	near = near_key(b, line->key);
	home = other_home(b, line->key);
	conf_quote(&text, line->key);
	buf_printf(&text, " in [%s]", b->env.section);
	if (home)
		buf_printf(&text, "; it belongs in [%s%s]", home->name, home->named ? " NAME" : "");
	else if (near)
		buf_printf(&text, "; did you mean '%s'?", near);
	conf_report(b->l->c, CONF_ERROR, b->head->file, line->line, "unknown key %s",
		    buf_str(&text));
out:
	buf_fini(&text);
	buf_fini(&others);
}

/* They grow no more. */
static int keep_seen(struct build *b)
{
	struct conf_seen *seen;

	if (!b->n_seen)
		return 0;
	seen = arena_alloc(b->env.arena, b->n_seen * sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	memcpy(seen, b->seen, b->n_seen * sizeof(*seen));
	b->head->seen = seen;
	b->head->n_seen = b->n_seen;
	return 0;
}

/* The row for a line, and the struct its field is in. */
static const struct conf_key *row_of(const struct build *b, const struct raw_line *line,
				     void **ret_obj)
{
	const struct conf_part *part = b->head->part;
	const struct conf_key *key = line->row;

	*ret_obj = b->head;
	if (!key && part) {
		key = conf_find(line->key, part->keys, part->n_keys, NULL);
		*ret_obj = b->head->part_conf;
	}
	return key;
}

static int set_line(struct build *b, const struct raw_line *line)
{
	void *obj;
	const struct conf_key *key = row_of(b, line, &obj);
	const struct conf_seen *first = key ? seen_key(b, key) : NULL;
	int r;

	if (!key) {
		unknown_key(b, line);
		return 0;
	}
	if (b->is_base && (key->flags & CONF_NO_DEFAULTS)) {
		conf_report(b->l->c, CONF_ERROR, b->head->file, line->line,
			    "key '%s' has no default: it cannot stand in [%s]", key->name,
			    b->type->name);
		return 0;
	}
	if (first && !(key->flags & CONF_LIST)) {
		conf_report(b->l->c, CONF_ERROR, b->head->file, line->line,
			    "key '%s' given twice; first at %s:%u", key->name, b->head->file,
			    first->line);
		return 0;
	}
	if (!first && note_seen(b, key, line->line))
		return -ENOMEM;
	buf_reset(&b->why);
	if (!*line->value) {
		buf_puts(&b->why, key->flags & CONF_OWN_WORDS ? key->name : "");
		buf_puts(&b->why, key->flags & CONF_OWN_WORDS ? ": no value" : "no value");
		report_value(b, key, line->line);
		return 0;
	}
	b->env.line = line->line;
	r = key->type->set((char *)obj + key->offset, line->value, key, &b->env);
	if (r == -EINVAL) {
		report_value(b, key, line->line);
		r = 0;
	}
	return r;
}

/* Chooses the part by the selecting key's first line, before any other is set. */
static int choose_part(struct build *b)
{
	const struct raw_line *line = b->raw ? b->raw->lines : NULL;
	struct conf_head *head = b->head;
	const struct conf_key *key;

	if (!b->type->select)
		return 0;
	while (line && strcmp(line->key, b->type->select))
		line = line->next;
	b->part_failed = !line || !*line->value;
	if (b->part_failed)
		return 0;
	buf_reset(&b->why);
	head->part = b->type->part(line->value, &b->env);
	if (!head->part) {
		b->part_failed = true;
		key = conf_find(b->type->select, b->type->keys, b->type->n_keys, NULL);
		report_value(b, key, line->line);
		return 0;
	}
	head->part_conf = arena_alloc(b->env.arena, head->part->size);
	return head->part_conf ? 0 : -ENOMEM;
}

/* Defaults: the base's values, or the tables'. Those of lists wait until it is
 * known that no line gives the key. */
static int set_defaults(struct build *b, void *obj, const struct conf_key *keys, size_t n,
			bool lists)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && !r; i++) {
		bool list = keys[i].flags & CONF_LIST;

		if (list != lists || (list && seen_key(b, &keys[i])))
			continue;
		b->env.line = b->head->line;
		r = conf_default(obj, &keys[i], &b->env);
	}
	return r;
}

static int all_defaults(struct build *b, bool lists)
{
	const struct conf_part *part = b->head->part;
	const struct conf_section *s = b->type;
	struct config *c = b->l->c;
	size_t i;
	int r = 0;

	for (i = 0; s->base && i < c->n_types; i++)
		if (!strcmp(c->types[i]->name, s->base))
			break;
	if (s->base && i < c->n_types) {
		if (!lists)
			memcpy((char *)b->head + sizeof(*b->head),
			       (char *)config_find(c, i, NULL) + sizeof(*b->head),
			       s->size - sizeof(*b->head));
	} else {
		r = set_defaults(b, b->head, s->keys, s->n_keys, lists);
	}
	if (!r && part)
		r = set_defaults(b, b->head->part_conf, part->keys, part->n_keys, lists);
	return r;
}

static void check_required(struct build *b, const struct conf_key *keys, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!(keys[i].flags & CONF_REQUIRED) || seen_key(b, &keys[i]))
			continue;
		conf_report(b->l->c, CONF_ERROR, b->head->file, b->head->line, "[%s] has no '%s'",
			    b->env.section, keys[i].name);
		b->head->bad = true;
	}
}

static int count_lines(struct build *b)
{
	const struct conf_section *s = b->type;
	const struct raw_line *line;

	b->key_lines = calloc(s->n_keys + 1, sizeof(*b->key_lines));
	if (!b->key_lines)
		return -ENOMEM;
	for (line = b->raw ? b->raw->lines : NULL; line; line = line->next)
		if (line->row)
			b->key_lines[line->row - s->keys]++;
	b->env.keys = s->keys;
	b->env.n_keys = s->n_keys;
	b->env.key_lines = b->key_lines;
	return 0;
}

static int fill(struct build *b)
{
	const struct raw_line *line;
	int r = count_lines(b);

	if (!r)
		r = choose_part(b);
	if (!r)
		r = all_defaults(b, false);
	for (line = b->raw ? b->raw->lines : NULL; line && !r; line = line->next) {
		/* a wrong selecting key was told when the part was chosen */
		if (b->part_failed && *line->value && !strcmp(line->key, b->type->select))
			r = note_seen(b, line->row, line->line);
		else
			r = set_line(b, line);
	}
	if (!r)
		r = all_defaults(b, true);
	if (!r)
		r = keep_seen(b);
	if (r)
		return r;
	if (b->raw && !b->raw->bad && !b->is_base) {
		check_required(b, b->type->keys, b->type->n_keys);
		if (b->head->part)
			check_required(b, b->head->part->keys, b->head->part->n_keys);
	}
	if (b->raw && b->raw->bad)
		b->head->bad = true;
	if (!b->head->bad && b->type->finish)
		b->type->finish(b->l->c, b->head);
	return 0;
}

static int build(struct load *l, const struct conf_section *s, struct conf_head *head,
		 struct raw_section *raw)
{
	struct buf section = BUF_INIT;
	struct build b = { .l = l, .raw = raw, .head = head, .type = s };
	int r;

	buf_printf(&section, "%s%s%s", s->name, head->name ? " " : "",
		   head->name ? head->name : "");
	b.is_base = is_base(l->c, s);
	b.env = (struct conf_env){ .arena = &l->c->arena,
				   .section = buf_str(&section),
				   .why = &b.why,
				   .file = head->file,
				   .line = head->line };
	r = fill(&b);
	/* -EINVAL: a default of the table that its own setter refuses */
	if (r == -EINVAL) {
		conf_report(l->c, CONF_ERROR, head->file, 0, "[%s]: bad default: %s",
			    buf_str(&section), buf_str(&b.why));
		r = 0;
	}
	if (!buf_ok(&b.why) || !buf_ok(&section))
		r = -ENOMEM;
	free(b.key_lines);
	free(b.seen);
	buf_fini(&b.why);
	buf_fini(&section);
	return r;
}

static int build_missing(struct load *l)
{
	struct config *c = l->c;
	struct conf_head *head;
	size_t i;
	int r = 0;

	for (i = 0; i < c->n_types && !r; i++) {
		if (c->types[i]->named || config_find(c, i, NULL))
			continue;
		head = config_add(c, i, NULL);
		if (!head)
			return -ENOMEM;
		head->file = c->n_files ? c->files[0] : NULL;
		r = build(l, c->types[i], head, NULL);
	}
	return r;
}

/* Turns the "key = value" lines of a built-in section into raw ones. -ENOMEM. */
static int read_builtin(struct load *l, const char *text, struct raw_section *raw)
{
	raw->last = &raw->lines;
	while (*text) {
		size_t len = strcspn(text, "\n"), key = strcspn(text, " ");
		struct raw_line *line = arena_alloc(&l->raw, sizeof(*line));

		if (!line)
			return -ENOMEM;
		line->key = arena_strndup(&l->raw, text, key);
		line->value = arena_strndup(&l->raw, text + key + 3, len - key - 3);
		if (!line->key || !line->value)
			return -ENOMEM;
		line->row = conf_find(line->key, raw->type->keys, raw->type->n_keys, NULL);
		*raw->last = line;
		raw->last = &line->next;
		text += len + (text[len] == '\n');
	}
	return 0;
}

static int build_builtin(struct load *l, size_t type, const struct conf_builtin *builtin)
{
	struct config *c = l->c;
	struct conf_head *head = config_add(c, type, builtin->name);
	struct raw_section raw = { .type = c->types[type], .head = head };
	int r;

	if (!head)
		return -ENOMEM;
	head->file = c->n_files ? c->files[0] : NULL;
	r = read_builtin(l, builtin->text, &raw);
	return r ? r : build(l, c->types[type], head, &raw);
}

/* The built-in sections that no file replaces, before those of the files. */
static int build_builtins(struct load *l)
{
	struct config *c = l->c;
	size_t t, i, before, added;
	int r = 0;

	for (t = 0; t < c->n_types && !r; t++) {
		before = c->objects[t].n;
		for (i = 0; i < c->types[t]->n_builtins && !r; i++)
			if (!config_find(c, t, c->types[t]->builtins[i].name))
				r = build_builtin(l, t, &c->types[t]->builtins[i]);
		added = c->objects[t].n - before;
		r = r ? r : config_to_front(c, t, added);
	}
	return r;
}

int load_objects(struct load *l)
{
	struct raw_section *raw;
	bool bases = true;
	int r = build_missing(l);

	do {
		for (raw = l->sections; raw && !r; raw = raw->next)
			if (is_base(l->c, raw->type) == bases)
				r = build(l, raw->type, raw->head, raw);
		bases = !bases;
	} while (!bases && !r);
	return r ? r : build_builtins(l);
}
