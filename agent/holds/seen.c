/* seen.c: see seen.h. There are two or three nodes: a plain list is the fastest. */
#include "agent/holds/seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct seen *find(const struct seen_set *s, const char *node)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->list[i].node, node))
			return &s->list[i];
	return NULL;
}

void seen_fini(struct seen_set *s)
{
	free(s->list);
	*s = (struct seen_set){ 0 };
}

uint64_t seen_get(const struct seen_set *s, const char *node)
{
	const struct seen *at = find(s, node);

	return at ? at->number : 0;
}

uint64_t seen_top(const struct seen_set *s)
{
	uint64_t top = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		top = s->list[i].number > top ? s->list[i].number : top;
	return top;
}

int seen_raise(struct seen_set *s, const char *node, uint64_t number)
{
	struct seen *at = find(s, node), *grown;

	if (!at) {
		if (s->n == SEEN_NODES_MAX)
			return -E2BIG;
		grown = reallocarray(s->list, s->n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->list = grown;
		at = &grown[s->n++];
		*at = (struct seen){ .number = 0 };
		strncpy(at->node, node, SEEN_NODE_LEN);
	}
	at->number = number > at->number ? number : at->number;
	return 0;
}

void seen_lower(struct seen_set *s, const char *node, uint64_t number)
{
	struct seen *at = find(s, node);

	if (at && number < at->number)
		at->number = number;
}

int seen_copy(const struct seen_set *s, struct seen_set *ret_copy)
{
	struct seen_set copy = { calloc(s->n + 1, sizeof(*copy.list)), s->n };

	if (!copy.list)
		return -ENOMEM;
	if (s->n)
		memcpy(copy.list, s->list, s->n * sizeof(*copy.list));
	*ret_copy = copy;
	return 0;
}

bool seen_node_ok(const char *node)
{
	return strlen(node) == SEEN_NODE_LEN && strspn(node, "0123456789abcdef") == SEEN_NODE_LEN;
}
