/* attempt.c: attempts come and go many thousand times a second: their memory is kept,
 * up to what a busy second needs. Places are few beside the targets, so that a target
 * which waits costs nothing here. */
#include "agent/probes/attempt.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_MAX = 1024, FIRST_PLACES = 16 };

static bool more_places(struct attempts *s)
{
	uint32_t n = s->n_places ? 2 * s->n_places : FIRST_PLACES;
	struct attempt **all = reallocarray(s->all, n, sizeof(struct attempt *));
	uint32_t *free_places = reallocarray(s->free, n, sizeof(*free_places));
	uint32_t *ids = reallocarray(s->watches.ids, n, sizeof(*ids));
	struct heap_slot *slots = reallocarray(s->watches.slots, n, sizeof(*slots));

	/* Those that could be had are larger than they need be, no more. */
	s->all = all ? all : s->all;
	s->free = free_places ? free_places : s->free;
	s->watches.ids = ids ? ids : s->watches.ids;
	s->watches.slots = slots ? slots : s->watches.slots;
	if (!all || !free_places || !ids || !slots)
		return false;
	for (; s->n_places < n; s->n_places++) {
		s->all[s->n_places] = NULL;
		s->free[s->n_free++] = s->n_places;
	}
	return true;
}

static struct attempt *memory(struct attempts *s, size_t room)
{
	struct attempt *a = s->pool;

	if (a) {
		s->pool = a->next;
		s->n_pool--;
		if (a->room < room) {
			free(a);
			a = NULL;
		}
	}
	if (!a) {
		a = malloc(sizeof(*a) + room);
		if (!a)
			return NULL;
		a->room = room;
	}
	memset(a->state, 0, room);
	return a;
}

struct attempt *attempts_take(struct attempts *s, size_t room, int64_t deadline_ms)
{
	struct attempt *a = s->n_free || more_places(s) ? memory(s, room) : NULL;

	if (!a)
		return NULL;
	a->place = s->free[--s->n_free];
	s->all[a->place] = a;
	heap_add(&s->watches, a->place, deadline_ms);
	return a;
}

void attempts_give(struct attempts *s, struct attempt *a)
{
	heap_remove(&s->watches, a->place);
	s->all[a->place] = NULL;
	s->free[s->n_free++] = a->place;
	if (s->n_pool >= POOL_MAX) {
		free(a);
		return;
	}
	a->next = s->pool;
	s->pool = a;
	s->n_pool++;
}

struct attempt *attempts_first(const struct attempts *s)
{
	return s->all[s->watches.ids[0]];
}

void attempts_fini(struct attempts *s)
{
	struct attempt *a;

	while ((a = s->pool)) {
		s->pool = a->next;
		free(a);
	}
	free(s->all);
	free(s->free);
	free(s->watches.ids);
	free(s->watches.slots);
	*s = (struct attempts){ 0 };
}
