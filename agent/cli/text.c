/* text.c: aligned text for a terminal. Rows are kept until all widths are known; a
 * narrow terminal costs the less telling columns, not the alignment. */
#include "agent/cli/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { INDENT = 2, GAP = 2, TAIL_MIN = 32, CUT_MIN = 12 };

static const char *const escapes[] = {
	[TEXT_PLAIN] = "",          [TEXT_GREEN] = "\033[32m", [TEXT_RED] = "\033[31m",
	[TEXT_YELLOW] = "\033[33m", [TEXT_DIM] = "\033[2m",    [TEXT_BOLD] = "\033[1m",
};

struct text_row {
	char **cells; /* NULL = a line: tail only */
	enum text_colour *colours;
	char *tail;
	enum text_colour tail_colour;
};

struct text_table {
	const struct text_column *columns;
	size_t n_columns;
	struct text_row *rows;
	size_t n_rows, cap;
};

struct text_style text_style_of(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct text_style style = { 0 };
	struct winsize size;

	if (!isatty(fd))
		return style;
	style.colour = (!no_color || !*no_color) && term && strcmp(term, "dumb") != 0;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0)
		style.width = size.ws_col;
	return style;
}

static void put_clean(struct buf *out, const char *text, bool lines)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		/* C1 controls in UTF-8 are 0xc2 0x80 to 0xc2 0x9f. */
		if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
			buf_putc(out, '?');
			c++;
		} else if ((*c < ' ' && !(lines && *c == '\n')) || *c == 0x7f) {
			buf_putc(out, '?');
		} else {
			buf_putc(out, (char)*c);
		}
	}
}

void text_put(struct buf *out, const char *text)
{
	put_clean(out, text, false);
}

void text_put_lines(struct buf *out, const char *text)
{
	put_clean(out, text, true);
}

void text_put_colour(struct buf *out, const struct text_style *style, enum text_colour colour,
		     const char *text)
{
	bool on = style->colour && colour != TEXT_PLAIN && *text;

	if (on)
		buf_puts(out, escapes[colour]);
	text_put(out, text);
	if (on)
		buf_puts(out, "\033[0m");
}

void text_put_json(struct buf *out, const json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(2));

	if (text)
		buf_printf(out, "%s\n", text);
	else
		out->failed = true;
	free(text);
}

size_t text_len(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void text_put_cut(struct buf *out, const char *text, size_t room)
{
	size_t n = 0, at = 0;

	if (text_len(text) <= room) {
		buf_puts(out, text);
		return;
	}
	for (; text[at] && n + 1 < room; n++) {
		at++;
		while (((unsigned char)text[at] & 0xc0) == 0x80)
			at++;
	}
	buf_put(out, text, at);
	buf_puts(out, room > 0 ? "…" : "");
}

int text_table_new(const struct text_column *columns, size_t n, struct text_table **ret_table)
{
	struct text_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->columns = columns;
	t->n_columns = n;
	*ret_table = t;
	return 0;
}

static void row_fini(struct text_row *row, size_t n)
{
	for (size_t i = 0; row->cells && i < n; i++)
		free(row->cells[i]);
	free(row->cells);
	free(row->colours);
	free(row->tail);
}

void text_table_free(struct text_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_rows; i++)
		row_fini(&t->rows[i], t->n_columns);
	free(t->rows);
	free(t);
}

/* Takes what the row owns, also on failure. */
static bool add_row(struct text_table *t, struct text_row *row, bool ok)
{
	if (ok && t->n_rows == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 64;
		struct text_row *rows = realloc(t->rows, cap * sizeof(*rows));

		ok = rows;
		if (rows) {
			t->rows = rows;
			t->cap = cap;
		}
	}
	if (!ok) {
		row_fini(row, t->n_columns);
		return false;
	}
	t->rows[t->n_rows++] = *row;
	return true;
}

/* A harmless copy. */
static char *clean_copy(const char *text)
{
	struct buf b = BUF_INIT;

	text_put(&b, text ? text : "");
	return buf_take(&b);
}

bool text_table_row(struct text_table *t, const char *const *cells, const enum text_colour *colours,
		    const char *tail)
{
	struct text_row row = { 0 };
	bool ok;

	row.cells = calloc(t->n_columns, sizeof(*row.cells));
	row.colours = calloc(t->n_columns, sizeof(*row.colours));
	row.tail = clean_copy(tail);
	ok = row.cells && row.colours && row.tail;
	for (size_t i = 0; ok && i < t->n_columns; i++) {
		row.cells[i] = clean_copy(cells[i]);
		row.colours[i] = colours ? colours[i] : TEXT_PLAIN;
		ok = row.cells[i];
	}
	return add_row(t, &row, ok);
}

bool text_table_line(struct text_table *t, const char *text, enum text_colour colour)
{
	struct text_row row = { .tail = clean_copy(text), .tail_colour = colour };

	return add_row(t, &row, row.tail);
}

/* --- laying out -------------------------------------------------------------- */

struct layout {
	size_t *widths; /* of the columns; 0 = not shown */
	size_t total;   /* of indent, columns and gaps */
};

static void sum_up(struct layout *l, size_t n)
{
	l->total = INDENT;
	for (size_t i = 0; i < n; i++)
		l->total += l->widths[i] ? l->widths[i] + GAP : 0;
}

/* Gives columns up, the first to go first, until the rest fits. */
static void narrow(const struct text_table *t, struct layout *l, size_t width)
{
	for (unsigned char drop = 1; width && l->total > width + GAP && drop < 100; drop++) {
		for (size_t i = 0; i < t->n_columns; i++) {
			if (t->columns[i].drop == drop)
				l->widths[i] = 0;
		}
		sum_up(l, t->n_columns);
	}
}

static void measure(const struct text_table *t, struct layout *l)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		bool any = false;

		l->widths[i] = text_len(t->columns[i].title);
		for (size_t r = 0; r < t->n_rows; r++) {
			size_t len = t->rows[r].cells ? text_len(t->rows[r].cells[i]) : 0;

			any = any || len > 0;
			if (len > l->widths[i])
				l->widths[i] = len;
		}
		/* A column in which nothing stands is not shown. */
		if (!any)
			l->widths[i] = 0;
	}
	sum_up(l, t->n_columns);
}

static void pad(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_putc(out, ' ');
}

static void trim(struct buf *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
}

/* The text behind the columns; where there is no room for it, on lines below, broken
 * at blanks. */
static void put_tail(const char *tail, size_t at, const struct text_style *style, struct buf *out)
{
	size_t width = style->width, room = width > at ? width - at : 0;

	if (!*tail)
		return;
	if (style->cut && width) {
		if (room < CUT_MIN)
			return;
		text_put_cut(out, tail, room);
		return;
	}
	if (width && room < text_len(tail) && room < TAIL_MIN) {
		at = INDENT + 2;
		room = width > at + 8 ? width - at : 8;
		trim(out);
		buf_putc(out, '\n');
		pad(out, at);
	}
	while (width && text_len(tail) > room) {
		size_t cut = 0, n = 0;

		/* The last blank within the room; without one, the first behind it. */
		for (size_t i = 0; tail[i] && (n <= room || cut == 0); i++) {
			if (tail[i] == ' ' && i > 0)
				cut = i;
			n += ((unsigned char)tail[i] & 0xc0) != 0x80;
		}
		if (cut == 0)
			break;
		buf_put(out, tail, cut);
		buf_putc(out, '\n');
		pad(out, at);
		tail += cut;
		tail += strspn(tail, " ");
	}
	buf_puts(out, tail);
}

static void put_cells(const struct text_table *t, const struct layout *l,
		      const struct text_style *style, const struct text_row *row, struct buf *out)
{
	pad(out, INDENT);
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *cell = row ? row->cells[i] : t->columns[i].title;
		size_t space = l->widths[i] - (l->widths[i] ? text_len(cell) : 0);

		if (!l->widths[i])
			continue;
		if (t->columns[i].right)
			pad(out, space);
		text_put_colour(out, style, row ? row->colours[i] : TEXT_DIM, cell);
		if (!t->columns[i].right)
			pad(out, space);
		pad(out, GAP);
	}
}

void text_table_format(const struct text_table *t, const struct text_style *style, struct buf *out)
{
	struct layout l = { .widths = calloc(t->n_columns, sizeof(*l.widths)) };
	bool titled = false;

	if (!l.widths) {
		out->failed = true;
		return;
	}
	measure(t, &l);
	narrow(t, &l, style->width);
	for (size_t r = 0; r < t->n_rows; r++) {
		const struct text_row *row = &t->rows[r];

		if (!row->cells) {
			text_put_colour(out, style, row->tail_colour, row->tail);
			buf_putc(out, '\n');
			continue;
		}
		if (!titled) {
			put_cells(t, &l, style, NULL, out);
			trim(out);
			buf_putc(out, '\n');
			titled = true;
		}
		put_cells(t, &l, style, row, out);
		put_tail(row->tail, l.total, style, out);
		trim(out);
		buf_putc(out, '\n');
	}
	free(l.widths);
}
