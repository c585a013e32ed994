/* write.c: what came of it, as people and programs read it. The same source gives the same
 * bytes: no time, no version. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/printable.h"
#include "agent/base/rows.h"
#include "agent/import/frame.h"

enum { COLUMNS = 96 };

/* The sections in the order in which people look for them. */
static const char *const types[] = {
	"agent",   "http",  "vip",    "sync", "sysctl", "defaults",
	"service", "probe", "canary", "rule", "notify",
};

/* --- the INI -------------------------------------------------------------------------- */

/* As comment lines, cut at blanks. */
static void put_comment(struct buf *out, const char *text)
{
	const char *lead = "; ";

	while (*text) {
		size_t len = strlen(text), room = COLUMNS - strlen(lead), cut = len;

		if (len > room) {
			for (cut = room; cut && text[cut] != ' '; cut--)
				;
			/* a word of that length stands as it is */
			cut = cut ? cut : strcspn(text, " ");
		}
		buf_puts(out, lead);
		buf_put(out, text, cut);
		buf_putc(out, '\n');
		text += cut + strspn(text + cut, " ");
		lead = ";   ";
	}
}

static void put_place(struct buf *out, struct import_at at)
{
	if (at.file)
		printable_put(out, at.file, 200);
	if (at.file && at.line)
		buf_printf(out, ":%u", at.line);
}

static void put_remark(struct buf *out, const struct import_item *item)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "%s: ", import_fate_name(item->fate));
	put_place(&text, item->at);
	buf_printf(&text, ": %s: %s", item->what, item->text);
	put_comment(out, buf_str(&text));
	out->failed |= text.failed;
	buf_fini(&text);
}

static void put_thing(struct buf *out, const struct import_item *item)
{
	struct buf text = BUF_INIT;

	put_place(&text, item->at);
	buf_printf(&text, ": %s", item->what);
	put_comment(out, buf_str(&text));
	out->failed |= text.failed;
	buf_fini(&text);
}

/* What belongs to no section; of things with one reason the reason once, behind them. */
static void put_top(struct buf *out, const struct part_line *l)
{
	struct buf text = BUF_INIT;

	for (; l; l = l->next) {
		const struct import_item *item = l->item, *next = l->next ? l->next->item : NULL;

		if (!item) /* the top has no keys */
			continue;
		put_thing(out, item);
		if (next && next->fate == item->fate && !strcmp(next->text, item->text))
			continue;
		buf_reset(&text);
		buf_printf(&text, "%s: %s", import_fate_name(item->fate), item->text);
		put_comment(out, buf_str(&text));
		out->failed |= text.failed;
	}
	buf_fini(&text);
}

static void put_part(struct buf *out, const struct import_part *p)
{
	const struct part_line *l;

	buf_printf(out, "\n[%s%s%s]\n", p->type, p->name ? " " : "", p->name ? p->name : "");
	for (l = p->lines; l; l = l->next) {
		if (l->item)
			put_remark(out, l->item);
		else
			buf_printf(out, "%s = %s\n", l->key, l->value);
	}
}

static void put_counts(struct buf *out, const struct import *im)
{
	buf_printf(out, "%zu imported, %zu approximated, %zu dropped",
		   import_count(im, IMPORT_IMPORTED), import_count(im, IMPORT_APPROXIMATED),
		   import_count(im, IMPORT_DROPPED));
}

/* Where a table was saved while a server was out of it, the server would stay out. */
static void put_zeroes(struct buf *out, const struct import *im)
{
	if (im->n_zero)
		buf_printf(out,
			   "%zu realserver%s weight 0: where that was for the moment, write the "
			   "weight that belongs there",
			   im->n_zero, im->n_zero == 1 ? " has" : "s have");
}

static void put_head(struct buf *out, const struct import *im)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "Made by 'ipvs-agent import %s': ", im->format->name);
	put_counts(&text, im);
	buf_puts(&text, ". Read what the comments say, then try it: ipvs-agent check, and "
			"ipvs-agent plan, which shows what it would change in the kernel.");
	put_comment(out, buf_str(&text));
	out->failed |= text.failed;
	buf_reset(&text);
	put_zeroes(&text, im);
	put_comment(out, buf_str(&text));
	out->failed |= text.failed;
	buf_fini(&text);
	if (im->top.lines)
		buf_putc(out, '\n');
	put_top(out, im->top.lines);
}

void import_put_ini(const struct import *im, struct buf *out)
{
	const struct import_part *p;
	size_t i;

	put_head(out, im);
	for (i = 0; i < countof(types); i++)
		for (p = im->parts; p; p = p->next)
			if (!p->gone && !strcmp(p->type, types[i]))
				put_part(out, p);
}

/* --- the list ----------------------------------------------------------------------------- */

static int cmp_items(const void *a, const void *b, void *arg ATTR_UNUSED)
{
	const struct import_item *const *x = a, *const *y = b;
	int r = strcmp((*x)->at.file ? (*x)->at.file : "", (*y)->at.file ? (*y)->at.file : "");

	if (r)
		return r;
	if ((*x)->at.line != (*y)->at.line)
		return (*x)->at.line < (*y)->at.line ? -1 : 1;
	return ((*x)->nth > (*y)->nth) - ((*x)->nth < (*y)->nth);
}

/* By file and line; NULL when memory is out. free() frees. */
static const struct import_item **sorted(const struct import *im, size_t *ret_n)
{
	const struct import_item *i, **items;
	size_t n = 0;

	for (i = im->items; i; i = i->next)
		n++;
	items = rows_new(n, sizeof(*items));
	*ret_n = 0;
	for (i = im->items; items && i; i = i->next)
		items[(*ret_n)++] = i;
	if (items)
		rows_sort(items, n, sizeof(*items), cmp_items, NULL);
	return items;
}

void import_put_list(const struct import *im, struct buf *out)
{
	size_t n, i;
	const struct import_item **items = sorted(im, &n);

	out->failed |= !items;
	for (i = 0; items && i < n; i++) {
		if (items[i]->fate == IMPORT_IMPORTED)
			continue;
		put_place(out, items[i]->at);
		buf_printf(out, ": %s: %s: %s\n", import_fate_name(items[i]->fate), items[i]->what,
			   items[i]->text);
	}
	free(items);
	put_zeroes(out, im);
	if (im->n_zero)
		buf_putc(out, '\n');
	put_counts(out, im);
	buf_putc(out, '\n');
}

static json_t *item_json(const struct import_item *i)
{
	struct buf file = BUF_INIT;
	json_t *o;

	put_place(&file, (struct import_at){ i->at.file, 0 });
	o = json_pack("{s:s, s:I, s:s, s:s, s:s}", "file", buf_str(&file), "line",
		      (json_int_t)i->at.line, "fate", import_fate_name(i->fate), "what", i->what,
		      "why", i->text);
	buf_fini(&file);
	return o;
}

int import_put_json(const struct import *im, struct buf *out)
{
	struct buf ini = BUF_INIT;
	json_t *list = json_array(), *all = NULL;
	size_t n, i;
	const struct import_item **items = sorted(im, &n);
	char *text = NULL;
	int r = list && items ? 0 : -ENOMEM;

	for (i = 0; items && i < n && !r; i++)
		r = json_array_append_new(list, item_json(items[i])) ? -ENOMEM : 0;
	free(items);
	import_put_ini(im, &ini);
	if (!r && buf_ok(&ini))
		all = json_pack("{s:s, s:I, s:I, s:I, s:O, s:s}", "format", im->format->name,
				"imported", (json_int_t)import_count(im, IMPORT_IMPORTED),
				"approximated", (json_int_t)import_count(im, IMPORT_APPROXIMATED),
				"dropped", (json_int_t)import_count(im, IMPORT_DROPPED), "items",
				list, "configuration", buf_str(&ini));
	if (all)
		text = json_dumps(all, JSON_INDENT(2));
	if (text) {
		buf_puts(out, text);
		buf_putc(out, '\n');
	}
	r = text ? 0 : -ENOMEM;
	free(text);
	json_decref(all);
	json_decref(list);
	buf_fini(&ini);
	return r;
}
