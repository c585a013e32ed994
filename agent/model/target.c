/* target.c: the end of a target. Its life is the scheduler's. */
#include "agent/model/target.h"

#include <stdlib.h>

void target_fini(struct target *t)
{
	free(t->failures);
	t->failures = NULL;
	t->n_failures = 0;
}
