/* heap.h: PURE: a binary heap of ids by a 64-bit key, least first. Several heaps may
 * share one array of slots where an id is in one of them at a time. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdint.h>

/* 12 bytes: there may be one for each of 100,000. */
struct heap_slot {
	int64_t key;
	uint32_t pos; /* in its heap */
} __attribute__((packed, aligned(4)));

/* Both arrays are the owner's; ids has room for every id. */
struct heap {
	uint32_t *ids;
	uint32_t n;
	struct heap_slot *slots; /* by id */
};

void heap_add(struct heap *h, uint32_t id, int64_t key);
/* `id` must be in it. */
void heap_remove(struct heap *h, uint32_t id);
/* Makes a heap of `n` ids and slots that were written by hand. */
void heap_order(struct heap *h);

/* The least key; INT64_MAX when empty. */
int64_t heap_first(const struct heap *h);
/* How many keys are not above `limit`; looks at these and their children only. */
uint32_t heap_count(const struct heap *h, int64_t limit);

#endif
