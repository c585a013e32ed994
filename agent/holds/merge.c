/* merge.c: see merge.h. Both lists are brought into one order and walked side by side. */
#include "agent/holds/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct row {
	uint64_t number;
	const char *origin; /* never "" */
	const struct hold *hold;
};

static const char *origin_of(const struct hold *h, const char *node)
{
	return h->origin && *h->origin ? h->origin : node;
}

int merge_order(const struct hold *a, const struct hold *b, const char *node)
{
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return strcmp(origin_of(a, node), origin_of(b, node));
}

static int by_number(const void *x, const void *y)
{
	const struct row *a = x, *b = y;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return strcmp(a->origin, b->origin);
}

static struct row *sorted(const struct merge_side *side)
{
	struct row *rows = calloc(side->n + 1, sizeof(*rows));
	size_t i;

	for (i = 0; rows && i < side->n; i++)
		rows[i] = (struct row){ side->holds[i]->number,
					origin_of(side->holds[i], side->node), side->holds[i] };
	if (rows)
		qsort(rows, side->n, sizeof(*rows), by_number);
	return rows;
}

/* How far a side knows that node's. */
static uint64_t knows(const struct merge_side *side, const char *origin)
{
	uint64_t named = seen_get(side->seen, origin), own = 0;

	if (!strcmp(origin, side->node))
		own = seen_get(side->seen, "");
	return named > own ? named : own;
}

static void add(struct merge *m, enum merge_kind kind, const struct row *ours,
		const struct row *theirs)
{
	m->steps[m->n++] =
		(struct merge_step){ kind, ours ? ours->hold : NULL, theirs ? theirs->hold : NULL };
}

static void walk(struct merge *m, const struct merge_side *ours, const struct row *a,
		 const struct merge_side *theirs, const struct row *b)
{
	size_t i = 0, k = 0;

	while (i < ours->n || k < theirs->n) {
		int order = i == ours->n ? 1 : k == theirs->n ? -1 : by_number(&a[i], &b[k]);

		if (order < 0) {
			if (a[i].number <= knows(theirs, a[i].origin))
				add(m, MERGE_END, &a[i], NULL);
		} else if (order > 0) {
			if (b[k].number > knows(ours, b[k].origin))
				add(m, MERGE_TAKE, NULL, &b[k]);
		} else if (b[k].hold->revision > a[i].hold->revision &&
			   strcmp(a[i].origin, ours->node) != 0) {
			add(m, MERGE_RENEW, &a[i], &b[k]);
		}
		i += order <= 0;
		k += order >= 0;
	}
}

/* What is ours we know ourselves. */
static int see(struct merge *m, const struct merge_side *ours, const struct merge_side *theirs)
{
	size_t i;
	int e = seen_copy(ours->seen, &m->seen);

	for (i = 0; !e && i < theirs->seen->n; i++) {
		const struct seen *s = &theirs->seen->list[i];
		const char *node = *s->node ? s->node : theirs->node;

		if (strcmp(node, ours->node) != 0)
			e = seen_raise(&m->seen, node, s->number);
	}
	return e;
}

int merge(const struct merge_side *ours, const struct merge_side *theirs, struct merge *ret_merge)
{
	struct merge m = { 0 };
	struct row *a, *b;
	int e;

	if (seen_get(theirs->seen, ours->node) > seen_get(ours->seen, ""))
		return -ESTALE;
	a = sorted(ours);
	b = sorted(theirs);
	m.steps = calloc(ours->n + theirs->n + 1, sizeof(*m.steps));
	e = a && b && m.steps ? see(&m, ours, theirs) : -ENOMEM;
	if (!e)
		walk(&m, ours, a, theirs, b);
	free(a);
	free(b);
	if (e)
		merge_fini(&m);
	else
		*ret_merge = m;
	return e;
}

void merge_fini(struct merge *m)
{
	free(m->steps);
	seen_fini(&m->seen);
	*m = (struct merge){ 0 };
}
