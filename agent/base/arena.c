/* arena.c: chunks of growing size, freed together. Large requests get a chunk
 * of their own, so that no space is lost behind them. */
#include "agent/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_FIRST = 4096, CHUNK_LARGEST = 1 << 20 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	alignas(max_align_t) char bytes[];
};

static struct arena_chunk *chunk_new(size_t size)
{
	struct arena_chunk *c = calloc(1, sizeof(*c) + size);

	if (c)
		c->size = size;
	return c;
}

/* What an object of that size can need: a power of two that divides it. */
static size_t align_of(size_t size)
{
	size_t align = size & -size;

	return align > alignof(max_align_t) ? alignof(max_align_t) : align;
}

static size_t next_size(const struct arena *a)
{
	size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_FIRST;

	return size > CHUNK_LARGEST ? CHUNK_LARGEST : size;
}

static void *take(struct arena *a, size_t size, size_t align)
{
	struct arena_chunk *c = a->chunks;
	size_t fresh;
	void *p;

	if (c)
		c->used += -c->used & (align - 1);
	if (c && c->used <= c->size && c->size - c->used >= size)
		goto take;
	fresh = next_size(a);
	if (size > fresh / 2) {
		c = chunk_new(size);
		if (!c)
			return NULL;
		c->used = size;
		/* Behind the head, which may have room left. */
		if (a->chunks) {
			c->next = a->chunks->next;
			a->chunks->next = c;
		} else {
			a->chunks = c;
		}
		return c->bytes;
	}
	c = chunk_new(fresh);
	if (!c)
		return NULL;
	c->next = a->chunks;
	a->chunks = c;
take:
	p = c->bytes + c->used;
	c->used += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	return take(a, size ? size : 1, align_of(size ? size : 1));
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = len >= SIZE_MAX / 2 ? NULL : take(a, len + 1, 1);

	if (copy && len)
		memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

void *arena_grow(struct arena *a, void *array, size_t n, size_t element_size)
{
	size_t room = n ? n * 2 : 4;
	void *larger;

	/* Full at 4, 8, 16, … elements; between them there is room. */
	if (n && (n < 4 || (n & (n - 1)) != 0))
		return array;
	if (element_size && room > SIZE_MAX / 2 / element_size)
		return NULL;
	larger = arena_alloc(a, room * element_size);
	if (larger && n)
		memcpy(larger, array, n * element_size);
	return larger;
}

size_t arena_size(const struct arena *a)
{
	const struct arena_chunk *c;
	size_t sum = 0;

	for (c = a->chunks; c; c = c->next)
		sum += sizeof(*c) + c->size;
	return sum;
}

void arena_fini(struct arena *a)
{
	struct arena_chunk *c = a->chunks, *next;

	for (; c; c = next) {
		next = c->next;
		free(c);
	}
	*a = ARENA_INIT;
}
