/* buf.h: growing bytes. A failed allocation is sticky: write on, test once at
 * the end with buf_ok(). */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/attr.h"

struct buf {
	char *data; /* NUL-terminated once anything was written */
	size_t len, cap;
	bool failed;
};

#define BUF_INIT ((struct buf){ 0 })

/* Frees the bytes and makes it BUF_INIT again. */
void buf_fini(struct buf *b);

/* Keeps the memory, forgets the content and the failure. */
void buf_reset(struct buf *b);

/* Makes room for `more` bytes beyond len; false when memory is out. */
bool buf_grow(struct buf *b, size_t more);
static inline bool buf_reserve(struct buf *b, size_t more)
{
	return (!b->failed && more < b->cap - b->len) || buf_grow(b, more);
}

void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *s);
void buf_put_u64(struct buf *b, uint64_t n);
void buf_put_i64(struct buf *b, int64_t n);
void buf_printf(struct buf *b, const char *fmt, ...) ATTR_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) ATTR_PRINTF(2, 0);

/* True when everything written is there. */
static inline bool buf_ok(const struct buf *b)
{
	return !b->failed;
}

/* The text; "" when nothing was written or memory ran out. */
const char *buf_str(const struct buf *b);

/* Takes the bytes over (malloc'd, NUL-terminated; NULL on failure), leaves
 * BUF_INIT. */
char *buf_take(struct buf *b);

#endif
