/* parse.h: strict readers of text. Each takes the whole text or refuses it with
 * -EINVAL (-ERANGE where the number is too large), its result then untouched. */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

/* Decimal digits only: no sign, no blanks, no leading "0x". */
int parse_u64(const char *text, uint64_t *ret_n);

/* on, off, yes, no, true, false, 1, 0. */
int parse_bool(const char *text, bool *ret_value);

/* "500ms", "2s", "1h30m", units ms s m h d w, largest first, each once; at most
 * 10 years. A bare number is refused, but "0" is 0. In milliseconds. */
int parse_duration(const char *text, int64_t *ret_ms);

/* "50%": 0 to 100. */
int parse_share(const char *text, unsigned int *ret_percent);

/* "64MB", "4KB", "1GB" (powers of 1,024), "512B"; a bare number is refused. */
int parse_size(const char *text, uint64_t *ret_bytes);

/* Appends a duration as a person writes it: 500ms, 1m30s; 0 is "0s". */
void format_duration(struct buf *out, int64_t ms);

/* Order of names: the shorter first, so that those which end with a number are in order as
 * they are counted. <0, 0, >0. */
int name_cmp(const char *a, const char *b);

/* The name of `names` that is nearest to `text` by edits (insert, delete,
 * replace, swap), NULL where none is near enough to be meant. */
const char *nearest_name(const char *text, const char *const *names, size_t n);

#endif
