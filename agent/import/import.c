/* import.c: an import's life, the list of what became of what, and sections with their keys. */
#include "agent/import/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/printable.h"
#include "agent/import/frame.h"

enum { WHAT_MAX = 160, TEXT_MAX = 500 };

/* --- its life ------------------------------------------------------------------- */

static void part_init(struct import_part *p, struct import *im)
{
	p->im = im;
	p->last = &p->lines;
}

int import_new(const struct import_world *world, struct import **ret_import)
{
	struct import *im = calloc(1, sizeof(*im));

	if (!im)
		return -ENOMEM;
	if (world)
		im->world = *world;
	part_init(&im->top, im);
	im->last_part = &im->parts;
	im->last_item = &im->items;
	*ret_import = im;
	return 0;
}

void import_free(struct import *im)
{
	struct import_loaded *l;

	if (!im)
		return;
	HASH_CLEAR(hh, im->seen);
	for (l = im->loaded; l; l = l->next)
		free(l->source.text);
	buf_fini(&im->why);
	arena_fini(&im->arena);
	free(im);
}

/* --- what is told ----------------------------------------------------------------- */

static void put_at(struct buf *out, struct import_at at)
{
	if (at.file)
		printable_put(out, at.file, WHAT_MAX);
	if (at.file && at.line)
		buf_printf(out, ":%u", at.line);
	if (at.file)
		buf_puts(out, ": ");
}

int import_refuse(struct import *im, struct import_at at, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	buf_reset(&im->why);
	put_at(&im->why, at);
	printable_put(&im->why, buf_str(&text), TEXT_MAX);
	im->oom |= !buf_ok(&text) || !buf_ok(&im->why);
	buf_fini(&text);
	return -EINVAL;
}

const char *import_why(const struct import *im)
{
	return buf_str(&im->why);
}

static const char *const fates[] = {
	[IMPORT_IMPORTED] = "imported",
	[IMPORT_APPROXIMATED] = "approximated",
	[IMPORT_DROPPED] = "dropped",
};

const char *import_fate_name(enum import_fate fate)
{
	return fates[fate];
}

size_t import_count(const struct import *im, enum import_fate fate)
{
	const struct import_item *i;
	size_t n = 0;

	for (i = im->items; i; i = i->next)
		n += i->fate == fate;
	return n;
}

/* At most so many bytes of it, as a line of the list can show them; NULL when memory is
 * out. */
static const char *keep(struct import *im, const char *text, size_t max)
{
	struct buf shown = BUF_INIT;
	const char *kept = NULL;

	printable_put(&shown, text, max);
	if (buf_ok(&shown) && strlen(text) > max)
		buf_puts(&shown, " …");
	if (buf_ok(&shown))
		kept = arena_strdup(&im->arena, buf_str(&shown));
	buf_fini(&shown);
	return kept;
}

static void add_line(struct import_part *p, const char *key, const char *value,
		     const struct import_item *item)
{
	struct part_line *l = arena_alloc(&p->im->arena, sizeof(*l));

	if (!l) {
		p->im->oom = true;
		return;
	}
	*l = (struct part_line){ .key = key, .value = value, .item = item };
	*p->last = l;
	p->last = &l->next;
}

void import_note(struct import *im, struct import_part *p, enum import_fate fate,
		 struct import_at at, const char *what, const char *fmt, ...)
{
	struct import_item *i = arena_alloc(&im->arena, sizeof(*i));
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (i && buf_ok(&text))
		*i = (struct import_item){ .at = at,
					   .fate = fate,
					   .nth = im->n_items++,
					   .what = keep(im, what, WHAT_MAX),
					   .text = keep(im, buf_str(&text), TEXT_MAX) };
	buf_fini(&text);
	if (!i || !i->what || !i->text) {
		im->oom = true;
		return;
	}
	*im->last_item = i;
	im->last_item = &i->next;
	im->n_noted += fate != IMPORT_IMPORTED;
	if (fate != IMPORT_IMPORTED)
		add_line(p && !p->gone ? p : &im->top, NULL, NULL, i);
}

/* --- sections ----------------------------------------------------------------------- */

static struct import_part *find_unnamed(const struct import *im, const char *type)
{
	struct import_part *p;

	for (p = im->parts; p; p = p->next)
		if (!p->name && !strcmp(p->type, type))
			return p;
	return NULL;
}

struct import_part *import_part(struct import *im, const char *type, const char *wish,
				struct import_at at)
{
	struct import_part *p = wish ? NULL : find_unnamed(im, type);
	struct import_seen *seen = NULL;
	const char *name = NULL;

	if (p)
		return p;
	if (wish) {
		name = import_part_name_for(im, type, wish);
		seen = name ? import_seen_add(im, type, name) : NULL;
	}
	p = arena_alloc(&im->arena, sizeof(*p));
	if (!p || (wish && !seen)) {
		im->oom = true;
		return NULL;
	}
	part_init(p, im);
	p->type = type;
	p->name = name;
	p->at = at;
	p->nth = im->n_parts++;
	if (seen)
		seen->part = p;
	*im->last_part = p;
	im->last_part = &p->next;
	return p;
}

const char *import_part_name(const struct import_part *p)
{
	return p && p->name ? p->name : "";
}

/* What keeps a value out of an INI; NULL = nothing. */
static const char *unfit(const char *key, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t len = strlen(value), n;

	if (!len)
		return "it is empty";
	if (len + strlen(key) + 3 > IMPORT_LINE_MAX)
		return "it is too long for a line";
	if (*s == ' ' || *s == '\t' || s[len - 1] == ' ' || s[len - 1] == '\t')
		return "a blank at its end would be lost";
	for (; *s; s += n) {
		n = *s < 0x80 ? 1 : utf8_len(s);
		if ((*s < ' ' && *s != '\t') || *s == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0))
			return "it holds a control character";
		if (!n)
			return "it is not UTF-8 text";
	}
	return NULL;
}

bool import_key(struct import_part *p, struct import_at at, const char *key, const char *fmt, ...)
{
	struct buf text = BUF_INIT, what = BUF_INIT;
	const char *kept = NULL, *why = NULL;
	va_list ap;

	if (!p)
		return false;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (buf_ok(&text)) {
		kept = arena_strdup(&p->im->arena, buf_str(&text));
		why = unfit(key, buf_str(&text));
	}
	if (!kept) {
		p->im->oom = true;
	} else if (why) {
		buf_printf(&what, "%s = %s", key, kept);
		import_note(p->im, p, IMPORT_DROPPED, at, buf_str(&what),
			    "a value of an INI cannot be that: %s", why);
	} else {
		add_line(p, key, kept, NULL);
	}
	buf_fini(&text);
	buf_fini(&what);
	return kept && !why;
}

/* --- sections that go ----------------------------------------------------------------- */

static void go(struct import_part *p)
{
	struct import_seen *seen = p->name ? import_seen_find(p->im, p->type, p->name) : NULL;

	if (seen)
		import_seen_remove(p->im, seen);
	p->gone = true;
}

static bool told(const struct import_part *p, const struct import_item *item)
{
	const struct part_line *l;

	for (l = p->lines; l; l = l->next)
		if (l->item && !strcmp(l->item->what, item->what) &&
		    !strcmp(l->item->text, item->text))
			return true;
	return false;
}

/* Remarks of `from` that `to` has not already. */
static void move_remarks(const struct import_part *from, struct import_part *to)
{
	const struct part_line *l;

	for (l = from->lines; l; l = l->next)
		if (l->item && !told(to, l->item))
			add_line(to, NULL, NULL, l->item);
}

void import_discard(struct import_part *p)
{
	const struct part_line *l;

	if (!p || p->gone)
		return;
	go(p);
	for (l = p->lines; l; l = l->next)
		if (l->item)
			add_line(&p->im->top, NULL, NULL, l->item);
}

const char *import_share(struct import_part *p)
{
	struct buf says = BUF_INIT;
	struct import_seen *seen = NULL;
	const struct part_line *l;

	if (!p)
		return "";
	buf_puts(&says, p->type);
	for (l = p->lines; l; l = l->next)
		if (l->key)
			buf_printf(&says, "\n%s = %s", l->key, l->value);
	if (buf_ok(&says)) {
		seen = import_seen_find(p->im, "says", buf_str(&says));
		if (!seen) {
			seen = import_seen_add(p->im, "says", buf_str(&says));
			if (seen)
				seen->part = p;
		}
	}
	p->im->oom |= !buf_ok(&says);
	buf_fini(&says);
	if (!seen || seen->part == p)
		return p->name;
	go(p);
	move_remarks(p, seen->part);
	return seen->part->name;
}
