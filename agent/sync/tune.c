/* tune.c: what is to be done with a setting, and the list of those that are ours. */
#include "agent/sync/tune.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum tune_what tune_judge(const char *want, const struct tuned *record, const char *found)
{
	if (want)
		return strcmp(want, found) ? TUNE_SET : TUNE_NOTHING;
	if (!record)
		return TUNE_NOTHING;
	/* A crash may have come between the record and the write. */
	return strcmp(record->ours, found) ? TUNE_FORGET : TUNE_BACK;
}

struct tuned *tuned_find(const struct tuned_list *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (!strcmp(l->rows[i].name, name))
			return &l->rows[i];
	return NULL;
}

static void row_fini(struct tuned *t)
{
	free(t->name);
	free(t->before);
	free(t->ours);
}

int tuned_put(struct tuned_list *l, const char *name, const char *before, const char *ours)
{
	struct tuned *row = tuned_find(l, name), *grown;
	struct tuned new = { .ours = strdup(ours) };

	if (!new.ours)
		return -ENOMEM;
	if (row) {
		free(row->ours);
		row->ours = new.ours;
		return 0;
	}
	new.name = strdup(name);
	new.before = strdup(before);
	grown = new.name &&new.before ? reallocarray(l->rows, l->n + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		row_fini(&new);
		return -ENOMEM;
	}
	l->rows = grown;
	l->rows[l->n++] = new;
	return 0;
}

void tuned_drop(struct tuned_list *l, struct tuned *row)
{
	row_fini(row);
	*row = l->rows[--l->n];
}

void tuned_fini(struct tuned_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		row_fini(&l->rows[i]);
	free(l->rows);
	*l = (struct tuned_list){ 0 };
}
