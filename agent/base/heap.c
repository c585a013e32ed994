/* heap.c: slots remember their place, so that any id leaves in O(log n). */
#include "agent/base/heap.h"

static void put(struct heap *h, uint32_t pos, uint32_t id)
{
	h->ids[pos] = id;
	h->slots[id].pos = pos;
}

static int64_t key_at(const struct heap *h, uint32_t pos)
{
	return h->slots[h->ids[pos]].key;
}

static void sift_up(struct heap *h, uint32_t pos)
{
	uint32_t id = h->ids[pos];

	while (pos > 0) {
		uint32_t parent = (pos - 1) / 2;

		if (key_at(h, parent) <= h->slots[id].key)
			break;
		put(h, pos, h->ids[parent]);
		pos = parent;
	}
	put(h, pos, id);
}

static void sift_down(struct heap *h, uint32_t pos)
{
	uint32_t id = h->ids[pos];

	for (;;) {
		uint32_t child = 2 * pos + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n && key_at(h, child + 1) < key_at(h, child))
			child++;
		if (key_at(h, child) >= h->slots[id].key)
			break;
		put(h, pos, h->ids[child]);
		pos = child;
	}
	put(h, pos, id);
}

void heap_add(struct heap *h, uint32_t id, int64_t key)
{
	h->slots[id].key = key;
	h->ids[h->n] = id;
	sift_up(h, h->n++);
}

void heap_remove(struct heap *h, uint32_t id)
{
	uint32_t pos = h->slots[id].pos, last = h->ids[--h->n];

	if (last == id)
		return;
	put(h, pos, last);
	sift_down(h, pos);
	sift_up(h, h->slots[last].pos);
}

void heap_order(struct heap *h)
{
	uint32_t i;

	for (i = 0; i < h->n; i++)
		h->slots[h->ids[i]].pos = i;
	for (i = h->n / 2; i > 0; i--)
		sift_down(h, i - 1);
}

int64_t heap_first(const struct heap *h)
{
	return h->n ? key_at(h, 0) : INT64_MAX;
}

/* As deep as the heap is high: 32 at most. */
static uint32_t count_below(const struct heap *h, uint32_t pos, int64_t limit)
{
	if (pos >= h->n || key_at(h, pos) > limit)
		return 0;
	return 1 + count_below(h, 2 * pos + 1, limit) + count_below(h, 2 * pos + 2, limit);
}

uint32_t heap_count(const struct heap *h, int64_t limit)
{
	return count_below(h, 0, limit);
}
