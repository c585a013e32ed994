/* due.c: a heap in which an id may be missing. */
#include "agent/base/due.h"

#include <errno.h>
#include <stdlib.h>

int due_init(struct due *d, uint32_t n)
{
	uint32_t i;

	*d = (struct due){ 0 };
	d->heap.ids = malloc((n + 1ul) * sizeof(*d->heap.ids));
	d->heap.slots = malloc((n + 1ul) * sizeof(*d->heap.slots));
	if (!d->heap.ids || !d->heap.slots)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		d->heap.slots[i].key = INT64_MAX;
	return 0;
}

void due_fini(struct due *d)
{
	free(d->heap.ids);
	free(d->heap.slots);
	*d = (struct due){ 0 };
}

void due_set(struct due *d, uint32_t id, int64_t at)
{
	if (at == d->heap.slots[id].key)
		return;
	if (d->heap.slots[id].key != INT64_MAX)
		heap_remove(&d->heap, id);
	d->heap.slots[id].key = at;
	if (at != INT64_MAX)
		heap_add(&d->heap, id, at);
}

void due_by(struct due *d, uint32_t id, int64_t at)
{
	if (at < d->heap.slots[id].key)
		due_set(d, id, at);
}

int64_t due_at(const struct due *d, uint32_t id)
{
	return d->heap.slots[id].key;
}

int64_t due_first(const struct due *d)
{
	return heap_first(&d->heap);
}

bool due_take(struct due *d, int64_t now, uint32_t *ret_id)
{
	if (!d->heap.n || heap_first(&d->heap) > now)
		return false;
	*ret_id = d->heap.ids[0];
	due_set(d, *ret_id, INT64_MAX);
	return true;
}
