/* pace.c: when the reconciler looks next. */
#include "agent/sync/pace.h"

#include <errno.h>

enum {
	LEAVING_MS = 2000,  /* something drains: look again soon … */
	LEAVING_SHARE = 10, /* … but spend at most a tenth of the time on it */
	SKIPPED_MS = 100,   /* a VIP was written while it was read; at most half the time */
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t pace_next_ms(const struct pace_input *p)
{
	int64_t ms = p->interval_ms;

	if (p->leaving)
		ms = least(ms, most(LEAVING_MS, p->read_ms * LEAVING_SHARE));
	if (p->retry)
		ms = least(ms, p->backoff_ms);
	/* A capability does not come back by itself. */
	if (p->error && p->error != -EPERM)
		ms = least(ms, PACE_RETRY_MS);
	if (p->skipped)
		ms = least(ms, most(SKIPPED_MS, p->read_ms));
	return ms;
}

int64_t pace_backoff_ms(const struct pace_input *p)
{
	if (!p->retry)
		return PACE_RETRY_MS;
	return most(PACE_RETRY_MS, least(p->backoff_ms * 2, p->interval_ms));
}

int64_t pace_refused_ms(const struct pace_input *p)
{
	return least(p->backoff_ms, p->interval_ms);
}
