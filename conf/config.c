/* config.c: the loaded whole: what was read, what is wrong with it, and how it is
 * found again. Written by the load only; afterwards shared between threads without
 * a lock, for nothing of it changes but the count of its holders. */
#include "conf/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "conf/load.h"

struct by_name {
	const char *name;
	struct conf_head *head;
	UT_hash_handle hh;
};

/* --- objects ------------------------------------------------------------------- */

size_t config_type_index(const struct config *c, const struct conf_section *s)
{
	size_t i;

	for (i = 0; i < c->n_types && c->types[i] != s; i++)
		;
	return i;
}

static struct conf_head *find_sorted(const struct objects *o, const char *name)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(o->sorted[mid]->name, name);

		if (!c)
			return o->sorted[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct conf_head *config_find(const struct config *c, size_t type, const char *name)
{
	const struct objects *o = &c->objects[type];
	struct by_name *found = NULL;

	if (!name)
		return o->n && !c->types[type]->named ? o->items[0] : NULL;
	if (o->sorted)
		return find_sorted(o, name);
	HASH_FIND_STR(o->by_name, name, found);
	return found ? found->head : NULL;
}

struct conf_head *config_add(struct config *c, size_t type, const char *name)
{
	struct objects *o = &c->objects[type];
	struct conf_head *head = arena_alloc(&c->arena, c->types[type]->size);
	void **items = arena_grow(&c->names, o->items, o->n, sizeof(*items));
	struct by_name *entry;

	if (!head || !items)
		return NULL;
	o->items = items;
	head->section = c->types[type];
	if (name) {
		entry = arena_alloc(&c->names, sizeof(*entry));
		head->name = arena_strdup(&c->arena, name);
		if (!entry || !head->name)
			return NULL;
		entry->name = head->name;
		entry->head = head;
		HASH_ADD_KEYPTR(hh, o->by_name, entry->name, strlen(entry->name), entry);
		if (!entry->hh.tbl)
			return NULL;
	}
	items[o->n++] = head;
	return head;
}

int config_to_front(struct config *c, size_t type, size_t n)
{
	struct objects *o = &c->objects[type];
	size_t before = o->n - n;
	void **items;

	if (!n || !before)
		return 0;
	/* grown before, it has such room */
	items = arena_alloc(&c->names, 2 * o->n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	memcpy(items, o->items + before, n * sizeof(*items));
	memcpy(items + n, o->items, before * sizeof(*items));
	o->items = items;
	return 0;
}

static int cmp_heads(const void *a, const void *b)
{
	const struct conf_head *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/* The load is done: what was made for growing shrinks to what there is. -ENOMEM. */
static int settle(struct config *c)
{
	size_t t;

	for (t = 0; t < c->n_types; t++) {
		struct objects *o = &c->objects[t];
		void **items = arena_alloc(&c->arena, o->n * sizeof(*items));
		struct conf_head **sorted = NULL;

		if (c->types[t]->named)
			sorted = arena_alloc(&c->arena, o->n * sizeof(*sorted));
		if (!items || (c->types[t]->named && !sorted))
			return -ENOMEM;
		if (o->n)
			memcpy(items, o->items, o->n * sizeof(*items));
		if (sorted && o->n) {
			memcpy(sorted, items, o->n * sizeof(*sorted));
			qsort(sorted, o->n, sizeof(*sorted), cmp_heads);
		}
		HASH_CLEAR(hh, o->by_name);
		o->items = items;
		o->sorted = sorted;
	}
	arena_fini(&c->names);
	return 0;
}

void *const *config_sections(const struct config *c, const struct conf_section *s, size_t *ret_n)
{
	size_t t = config_type_index(c, s);

	*ret_n = t < c->n_types ? c->objects[t].n : 0;
	return t < c->n_types ? c->objects[t].items : NULL;
}

void *config_section(const struct config *c, const struct conf_section *s)
{
	return c->objects[config_type_index(c, s)].items[0];
}

void *config_named(const struct config *c, const struct conf_section *s, const char *name)
{
	size_t t = config_type_index(c, s);

	return t < c->n_types ? config_find(c, t, name) : NULL;
}

static const struct conf_seen *find_seen(const struct conf_head *head, const char *key)
{
	size_t i;

	for (i = 0; i < head->n_seen; i++)
		if (!strcmp(head->seen[i].key->name, key))
			return &head->seen[i];
	return NULL;
}

/* Where a value of `obj` comes from: its own line, or its base's, whose head is then
 * *ret_head. */
static const struct conf_seen *find_origin(const struct config *c, const void *obj, const char *key,
					   const struct conf_head **ret_head)
{
	const struct conf_head *head = obj;
	const struct conf_seen *seen = find_seen(head, key);
	size_t i;

	*ret_head = head;
	for (i = 0; !seen && head->section->base && i < c->n_types; i++) {
		if (strcmp(c->types[i]->name, head->section->base))
			continue;
		seen = find_seen(config_find(c, i, NULL), key);
		if (seen)
			*ret_head = config_find(c, i, NULL);
	}
	return seen;
}

unsigned int conf_key_line(const struct config *c, const void *obj, const char *key)
{
	const struct conf_head *head;
	const struct conf_seen *seen = find_origin(c, obj, key, &head);

	return seen ? seen->line : head->line;
}

const char *conf_key_file(const struct config *c, const void *obj, const char *key)
{
	const struct conf_head *head;

	(void)find_origin(c, obj, key, &head);
	return head->file;
}

bool conf_key_given(const void *obj, const char *key)
{
	return find_seen(obj, key) != NULL;
}

bool conf_key_written(const struct config *c, const void *obj, const char *key)
{
	const struct conf_head *head;

	return find_origin(c, obj, key, &head) != NULL;
}

const char *const *config_files(const struct config *c, size_t *ret_n)
{
	*ret_n = c->n_files;
	return c->files;
}

uint64_t config_hash(const struct config *c)
{
	return c->hash;
}

struct arena *config_arena(struct config *c)
{
	return &c->arena;
}

const struct conf_section *const *config_types(const struct config *c)
{
	return c->types;
}

/* --- problems ------------------------------------------------------------------ */

static size_t file_index(const struct config *c, const char *file)
{
	size_t i;

	for (i = 0; i < c->n_files; i++)
		if (c->files[i] == file)
			return i;
	return 0;
}

void conf_report(struct config *c, enum conf_severity severity, const char *file, unsigned int line,
		 const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	struct filed *filed;
	va_list ap;

	c->n_errors += severity == CONF_ERROR;
	c->n_warnings += severity == CONF_WARNING;
	c->n_advice += severity == CONF_ADVICE;
	if (c->n_filed >= LOAD_PROBLEMS_MAX)
		return;
	if (!(c->n_filed & (c->n_filed - 1))) {
		filed = realloc(c->filed, (c->n_filed ? c->n_filed * 2 : 1) * sizeof(*filed));
		if (!filed)
			goto oom;
		c->filed = filed;
	}
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	filed = &c->filed[c->n_filed];
	*filed = (struct filed){
		.problem = { .file = file ? file : c->files[0],
			     .line = line,
			     .severity = severity },
		.file = file_index(c, file),
		.nth = c->n_filed,
	};
	filed->problem.text = buf_ok(&text) ? arena_strdup(&c->arena, buf_str(&text)) : NULL;
	buf_fini(&text);
	if (!filed->problem.text)
		goto oom;
	c->n_filed++;
	return;
oom:
	c->oom = true;
}

static int cmp_filed(const void *a, const void *b)
{
	const struct filed *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->problem.line != y->problem.line)
		return x->problem.line < y->problem.line ? -1 : 1;
	return x->nth < y->nth ? -1 : 1;
}

static int sort_problems(struct config *c)
{
	size_t i;

	if (!c->n_filed)
		return 0;
	qsort(c->filed, c->n_filed, sizeof(*c->filed), cmp_filed);
	c->problems = arena_alloc(&c->arena, c->n_filed * sizeof(*c->problems));
	if (!c->problems)
		return -ENOMEM;
	for (i = 0; i < c->n_filed; i++)
		c->problems[i] = c->filed[i].problem;
	c->n_problems = c->n_filed;
	return 0;
}

size_t config_errors(const struct config *c)
{
	return c->n_errors;
}

size_t config_warnings(const struct config *c)
{
	return c->n_warnings;
}

const struct conf_problem *config_problems(const struct config *c, size_t *ret_n)
{
	*ret_n = c->n_problems;
	return c->problems;
}

const char *conf_severity_name(enum conf_severity severity)
{
	static const char *const names[] = { "error", "warning", "advice" };

	return names[severity];
}

void config_format_problems(const struct config *c, struct buf *out)
{
	size_t i;

	for (i = 0; i < c->n_problems; i++) {
		const struct conf_problem *p = &c->problems[i];

		buf_puts(out, p->file);
		if (p->line)
			buf_printf(out, ":%u", p->line);
		buf_printf(out, ": %s: %s\n", conf_severity_name(p->severity), p->text);
	}
	if (c->n_problems < c->n_errors + c->n_warnings + c->n_advice)
		buf_printf(out, "(only the first %zu are shown)\n", c->n_problems);
	if (c->n_errors)
		buf_printf(out, "%zu error%s", c->n_errors, c->n_errors == 1 ? "" : "s");
	if (c->n_warnings)
		buf_printf(out, "%s%zu warning%s", c->n_errors ? ", " : "", c->n_warnings,
			   c->n_warnings == 1 ? "" : "s");
	if (c->n_errors || c->n_warnings)
		buf_putc(out, '\n');
}

/* --- life ---------------------------------------------------------------------- */

static void config_free(struct config *c)
{
	size_t i;

	for (i = 0; c->objects && i < c->n_types; i++)
		HASH_CLEAR(hh, c->objects[i].by_name);
	free(c->objects);
	free(c->filed);
	arena_fini(&c->names);
	arena_fini(&c->arena);
	free(c);
}

struct config *config_ref(struct config *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void config_unref(struct config *c)
{
	if (c && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
		config_free(c);
}

static struct config *config_new(const struct conf_section *const *types)
{
	struct config *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	atomic_init(&c->refs, 1);
	c->types = types;
	while (types[c->n_types])
		c->n_types++;
	c->objects = calloc(c->n_types + 1, sizeof(*c->objects));
	if (!c->objects) {
		config_free(c);
		return NULL;
	}
	return c;
}

int config_load(const char *path, const struct conf_section *const *sections,
		conf_check_fn *const *checks, struct config **ret_config)
{
	struct config *c = config_new(sections);
	struct load l = { .c = c };
	int r;

	if (!c)
		return -ENOMEM;
	l.last = &l.sections;
	l.last_include = &l.includes;
	r = load_sources(&l, path);
	if (!r)
		r = load_objects(&l);
	arena_fini(&l.raw);
	for (; !r && checks && *checks && !c->broken; checks++)
		(*checks)(c);
	if (!r)
		r = sort_problems(c);
	if (!r)
		r = settle(c);
	if (!r && c->oom)
		r = -ENOMEM;
	free(c->filed);
	c->filed = NULL;
	if (r)
		config_unref(c);
	else
		*ret_config = c;
	return r;
}
