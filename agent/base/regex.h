/* regex.h: regular expressions over bytes that strangers sent: PCRE2 with a bound on all
 * work. Compiled once, at load; then only read, by any thread. */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/arena.h"
#include "agent/base/buf.h"

struct regex;

/* Compiles `pattern` into the arena and lives as long. Bytes, no UTF; the end of a line is
 * LF, CR or CRLF. -EINVAL: `why` gets a sentence, *ret_column where it is, from 1 (a byte
 * counts as one). -ENOMEM. */
int regex_compile(struct arena *arena, const char *pattern, struct buf *why,
		  unsigned int *ret_column, const struct regex **ret_regex);

/* How many steps of matching a subject of at most `len` bytes is worth: a few milliseconds. */
uint32_t regex_steps(size_t len);

/* Whether it matches anywhere in `len` bytes: 1 or 0. *steps is what may be spent, and
 * afterwards what is left, so that one allowance can go for a subject that grows.
 * -E2BIG: that was not enough to tell; -ENOMEM. */
int regex_match(const struct regex *r, const char *subject, size_t len, uint32_t *steps);

#endif
