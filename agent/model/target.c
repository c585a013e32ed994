/* target.c: what a target owns: the counts of its failures, what was said last, and how
 * long it takes. Most have one failure at most, and no more: those own nothing. */
#include "agent/model/target.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/printable.h"

static struct target_reason_count *counts(struct target *t)
{
	return t->has_more ? t->failures.more->failures : &t->failures.one;
}

const struct target_reason_count *target_failures(const struct target *t)
{
	return t->has_more ? t->failures.more->failures : &t->failures.one;
}

/* Makes room for `n` failures and a text; false when memory is out. */
static bool more_for(struct target *t, uint32_t n)
{
	struct target_more *more = realloc(t->has_more ? t->failures.more : NULL,
					   sizeof(*more) + (n ? n : 1) * sizeof(more->failures[0]));

	if (!more)
		return false;
	if (!t->has_more) {
		more->text = NULL;
		more->durations = NULL;
		more->failures[0] = t->failures.one;
		t->has_more = 1;
	}
	t->failures.more = more;
	return true;
}

void target_count_failure(struct target *t, enum probe_reason reason)
{
	struct target_reason_count *at = counts(t);
	uint32_t i, n = t->n_failures;

	for (i = 0; i < n; i++) {
		if (at[i].reason == reason) {
			at[i].count++;
			return;
		}
	}
	if (n && !more_for(t, n + 1))
		return;
	counts(t)[n] = (struct target_reason_count){ reason, 1 };
	t->n_failures = (n + 1) & 31;
}

const char *target_text(const struct target *t)
{
	return t->has_more ? t->failures.more->text : NULL;
}

void target_set_text(struct target *t, const char *text)
{
	const char *was = target_text(t);
	struct buf clean = BUF_INIT;

	if (!text && !was)
		return;
	if (text)
		printable_put(&clean, text, TARGET_TEXT_MAX);
	if (was && !strcmp(was, buf_str(&clean))) {
		buf_fini(&clean);
		return;
	}
	if (was) {
		free(t->failures.more->text);
		t->failures.more->text = NULL;
	}
	if (clean.len && more_for(t, t->n_failures))
		t->failures.more->text = strdup(buf_str(&clean));
	buf_fini(&clean);
}

void target_count_duration(struct target *t, uint32_t us)
{
	if (!target_durations(t)) {
		if (!t->has_more && !more_for(t, t->n_failures))
			return;
		t->failures.more->durations = calloc(1, sizeof(struct durations));
	}
	if (t->failures.more->durations)
		durations_note(t->failures.more->durations, us);
}

const struct durations *target_durations(const struct target *t)
{
	return t->has_more ? t->failures.more->durations : NULL;
}

void target_move(struct target *to, struct target *from)
{
	*to = *from;
	/* most own nothing, and are not written to */
	if (from->n_failures)
		from->n_failures = 0;
	if (from->has_more)
		from->has_more = 0;
}

void target_fini(struct target *t)
{
	if (t->has_more) {
		free(t->failures.more->text);
		free(t->failures.more->durations);
		free(t->failures.more);
	}
	t->has_more = 0;
	t->n_failures = 0;
}
