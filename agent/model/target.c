/* target.c: what a target owns: the counts of its failures. */
#include "agent/model/target.h"

#include <stdlib.h>

static struct target_reason_count *counts(struct target *t)
{
	return t->n_failures > 1 ? t->failures.many : &t->failures.one;
}

const struct target_reason_count *target_failures(const struct target *t)
{
	return t->n_failures > 1 ? t->failures.many : &t->failures.one;
}

void target_count_failure(struct target *t, enum probe_reason reason)
{
	struct target_reason_count *at = counts(t), *more;
	uint32_t i, n = t->n_failures;

	for (i = 0; i < n; i++) {
		if (at[i].reason == reason) {
			at[i].count++;
			return;
		}
	}
	if (n) {
		more = reallocarray(n > 1 ? t->failures.many : NULL, n + 1, sizeof(*more));
		if (!more)
			return;
		if (n == 1)
			more[0] = t->failures.one;
		t->failures.many = more;
		at = more;
	}
	at[n] = (struct target_reason_count){ reason, 1 };
	t->n_failures = (n + 1) & 31;
}

void target_fini(struct target *t)
{
	if (t->n_failures > 1)
		free(t->failures.many);
	t->n_failures = 0;
}
