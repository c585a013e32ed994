/* commons.c: a list, since there are few kinds, and fewer that share something. It is
 * the scheduler's and not the kinds' own, so that a kind keeps no state of the process. */
#include "agent/probes/commons.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/probe.h"

struct commons {
	const struct probe_type *type;
	void *shared;
	struct commons *next;
};

int commons_get(struct commons **list, const struct probe_type *type, struct loop *loop,
		void **ret_shared)
{
	struct commons *c;
	int r;

	if (!type->commons_new) {
		*ret_shared = NULL;
		return 0;
	}
	for (c = *list; c && c->type != type;)
		c = c->next;
	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->type = type;
		r = type->commons_new(loop, &c->shared);
		if (r) {
			free(c);
			return r;
		}
		c->next = *list;
		*list = c;
	}
	*ret_shared = c->shared;
	return 0;
}

void commons_free(struct commons **list)
{
	struct commons *c;

	while ((c = *list)) {
		*list = c->next;
		c->type->commons_free(c->shared);
		free(c);
	}
}
