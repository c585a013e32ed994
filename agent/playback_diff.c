/* playback_diff.c: two lists of decisions, compared where order means something: among
 * those about one realserver (or about a service as a whole) in one run of the agent. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/playback_internal.h"

enum { LOOK_AHEAD = 64 }; /* lines without a match in a row, of both sides together */

bool playback_is_decision(enum journal_kind kind)
{
	switch (kind) {
	case JOURNAL_RULE:
	case JOURNAL_HOLD:
	case JOURNAL_RELEASE:
	case JOURNAL_REFUSED:
	case JOURNAL_PANIC:
	case JOURNAL_WEIGHT:
	case JOURNAL_FREEZE:
		return true;
	default:
		return false;
	}
}

int playback_add(struct playback_events *list, const struct playback_event *event)
{
	if (list->n == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		struct playback_event *grown = reallocarray(list->items, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->items = grown;
		list->room = room;
	}
	list->items[list->n++] = *event;
	return 0;
}

/* --- streams ------------------------------------------------------------------------------ */

static int cmp_stream(const struct playback_event *a, const struct playback_event *b)
{
	int c;

	if (a->run != b->run)
		return a->run < b->run ? -1 : 1;
	c = strcmp(a->service, b->service);
	return c ? c : strcmp(a->realserver, b->realserver);
}

static int sort_stream(const void *a, const void *b)
{
	const struct playback_event *x = *(struct playback_event *const *)a,
				    *y = *(struct playback_event *const *)b;
	int c = cmp_stream(x, y);

	return c ? c : (x > y) - (x < y);
}

static struct playback_event **sorted(struct playback_events *list)
{
	struct playback_event **p = calloc(list->n + 1, sizeof(struct playback_event *));
	size_t i;

	for (i = 0; p && i < list->n; i++)
		p[i] = &list->items[i];
	if (p)
		qsort(p, list->n, sizeof(struct playback_event *), sort_stream);
	return p;
}

static bool same(const struct playback_event *a, const struct playback_event *b)
{
	return a->len == b->len && !memcmp(a->body, b->body, a->len);
}

/* The nearest place where both go on alike: how much of each has no match. */
static void resync(struct playback_event **a, size_t na, struct playback_event **b, size_t nb,
		   size_t *ret_a, size_t *ret_b)
{
	size_t sum, i;

	for (sum = 1; sum <= LOOK_AHEAD; sum++)
		for (i = 0; i <= sum; i++)
			if (i < na && sum - i < nb && same(a[i], b[sum - i])) {
				*ret_a = i;
				*ret_b = sum - i;
				return;
			}
	*ret_a = na ? 1 : 0;
	*ret_b = nb ? 1 : 0;
}

static void compare_stream(struct playback *r, struct playback_event **a, size_t na,
			   struct playback_event **b, size_t nb)
{
	size_t skip_a, skip_b;

	while (na || nb) {
		if (na && nb && same(*a, *b)) {
			r->figures.equal++;
			a++, na--;
			b++, nb--;
			continue;
		}
		resync(a, na, b, nb, &skip_a, &skip_b);
		for (; skip_a; skip_a--, a++, na--)
			(*a)->lost = true;
		for (; skip_b; skip_b--, b++, nb--)
			(*b)->lost = true;
	}
}

static size_t stream_len(struct playback_event **p, size_t n, const struct playback_event *of)
{
	size_t len = 0;

	while (len < n && !cmp_stream(p[len], of))
		len++;
	return len;
}

static void compare_sorted(struct playback *r, struct playback_event **a, struct playback_event **b)
{
	size_t na = r->recorded.n, nb = r->replayed.n, la, lb;

	while (na || nb) {
		const struct playback_event *of = !nb || (na && cmp_stream(*a, *b) < 0) ? *a : *b;

		la = stream_len(a, na, of);
		lb = stream_len(b, nb, of);
		compare_stream(r, a, la, b, lb);
		a += la, na -= la;
		b += lb, nb -= lb;
	}
}

/* --- the end of a run ------------------------------------------------------------------------ */

static void count(struct playback *r, struct playback_events *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (!list->items[i].lost)
			continue;
		/* What was decided last by an agent that was killed is not all on disk. */
		if (list->items[i].cut) {
			list->items[i].lost = false;
			r->figures.cut++;
		} else {
			r->figures.differing++;
		}
	}
}

int playback_compare(struct playback *r, const bool *ended)
{
	struct playback_event **a = sorted(&r->recorded), **b = sorted(&r->replayed);
	size_t i;
	int e = a && b ? 0 : -ENOMEM;

	for (i = 0; i < r->replayed.n; i++)
		r->replayed.items[i].cut &= !ended[r->replayed.items[i].run];
	if (!e)
		compare_sorted(r, a, b);
	free(a);
	free(b);
	if (e)
		return e;
	r->figures.recorded = r->recorded.n;
	r->figures.replayed = r->replayed.n;
	count(r, &r->recorded);
	count(r, &r->replayed);
	return 0;
}
