/* arena.h: a linear pool: many small objects that live and die together, such
 * as one loaded configuration. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
};

#define ARENA_INIT ((struct arena){ 0 })

/* Zeroed memory, aligned for any object of that size, or array of as many bytes; NULL
 * when memory is out. */
void *arena_alloc(struct arena *a, size_t size);

/* A copy of `len` bytes with a NUL behind, not aligned; NULL when memory is out. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);

/* A larger copy of an array of `n` elements that can hold `n + 1`: doubles the
 * room at powers of two, so appending is amortised. NULL when memory is out;
 * `array` is then as it was. */
void *arena_grow(struct arena *a, void *array, size_t n, size_t element_size);

/* Bytes taken from malloc so far. */
size_t arena_size(const struct arena *a);

/* Frees all at once and makes it ARENA_INIT again. */
void arena_fini(struct arena *a);

#endif
