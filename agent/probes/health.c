/* health.c: one outcome at a time. Before the first verdict a single pass is
 * enough to be up, since nothing waits for that but a server that could serve;
 * to be down it takes `fall` failures as ever, for that takes one away. */
#include "agent/probes/health.h"

static const char *const verdict_names[] = {
	[VERDICT_NONE] = "none",
	[VERDICT_UP] = "up",
	[VERDICT_DOWN] = "down",
};

const char *verdict_name(enum verdict v)
{
	return verdict_names[v];
}

/* Saturates: a server may fail for longer than the counter lasts. */
static void count(uint32_t *n)
{
	if (*n != UINT32_MAX)
		(*n)++;
}

bool health_take(struct health *h, enum probe_reason reason, uint32_t rise, uint32_t fall,
		 int64_t now_wall_ms)
{
	enum probe_outcome outcome = probe_reasons[reason].outcome;
	enum verdict next = (enum verdict)h->verdict;

	h->reason = reason;
	h->unknown = outcome == PROBE_UNKNOWN;
	h->success = outcome == PROBE_PASSED;
	if (h->unknown)
		return false;
	if (h->success) {
		count(&h->passes);
		h->failures = 0;
		if ((h->verdict == VERDICT_NONE && !h->cautious) || h->passes >= rise)
			next = VERDICT_UP;
	} else {
		count(&h->failures);
		h->passes = 0;
		if (h->failures >= fall)
			next = VERDICT_DOWN;
	}
	if (next == h->verdict)
		return false;
	h->verdict = next;
	h->since_wall_ms = now_wall_ms;
	return true;
}

enum pace health_pace(const struct health *h)
{
	bool in_question = h->verdict == VERDICT_NONE ||
			   (h->verdict == VERDICT_UP ? h->failures : h->passes) > 0;

	if (in_question && !h->unknown)
		return PACE_FAST;
	return h->verdict == VERDICT_DOWN ? PACE_DOWN : PACE_STEADY;
}
