/* text.h: what people read in a terminal: aligned columns, colours, and text from
 * elsewhere made harmless. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

struct text_style {
	bool colour;
	size_t width;        /* columns of the terminal; 0 = no limit */
	bool cut;            /* what is too long ends there, and takes no further lines */
	int64_t now_wall_ms; /* for what is told as time from now; 0 = that is left out */
};

enum text_colour { TEXT_PLAIN = 0, TEXT_GREEN, TEXT_RED, TEXT_YELLOW, TEXT_DIM, TEXT_BOLD };

/* Of a descriptor: colour only on a terminal, without NO_COLOR and TERM=dumb. */
struct text_style text_style_of(int fd);

/* Append with control characters as '?', so that nothing that a backend or a client
 * said can steer the terminal; the second keeps newlines. */
void text_put(struct buf *out, const char *text);
void text_put_lines(struct buf *out, const char *text);
/* text_put() in a colour where the style has any. */
void text_put_colour(struct buf *out, const struct text_style *style, enum text_colour colour,
		     const char *text);
/* As much of it as fits into `room` columns. */
void text_put_cut(struct buf *out, const char *text, size_t room);
/* JSON of several lines, with a newline. */
void text_put_json(struct buf *out, const json_t *json);
/* Characters of UTF-8 text. */
size_t text_len(const char *text);

struct text_column {
	const char *title;
	bool right;         /* aligned to the right */
	unsigned char drop; /* given up in this order where the terminal is narrow; 0 = never */
};

struct text_table;

int text_table_new(const struct text_column *columns, size_t n, struct text_table **ret_table);
void text_table_free(struct text_table *t);
/* Adds a row; cells are copied, NULL = "". `tail` follows the last column, or stands
 * on lines of its own where there is no room; NULL = none. False when memory is out. */
bool text_table_row(struct text_table *t, const char *const *cells, const enum text_colour *colours,
		    const char *tail);
/* Adds a line that keeps to no column. */
bool text_table_line(struct text_table *t, const char *text, enum text_colour colour);
void text_table_format(const struct text_table *t, const struct text_style *style, struct buf *out);

#endif
