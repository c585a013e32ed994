/* rate.c: a ring of the last n moments; the oldest of them is all that matters. */
#include "agent/rules/rate.h"

#include <errno.h>
#include <stdlib.h>

struct rate {
	int64_t per_ms;
	uint32_t n, used, next; /* next: where the newest goes, the oldest's place */
	int64_t at_ms[];
};

int rate_new(uint32_t n, int64_t per_ms, struct rate **ret_rate)
{
	struct rate *r;

	if (per_ms < 1)
		return -EINVAL;
	r = calloc(1, sizeof(*r) + n * sizeof(r->at_ms[0]));
	if (!r)
		return -ENOMEM;
	r->n = n;
	r->per_ms = per_ms;
	*ret_rate = r;
	return 0;
}

void rate_free(struct rate *r)
{
	free(r);
}

/* The i-th of those that count, oldest first. */
static int64_t moment(const struct rate *r, uint32_t i)
{
	return r->at_ms[((uint64_t)r->next + r->n - r->used + i) % r->n];
}

int64_t rate_next(const struct rate *r)
{
	int64_t oldest;

	if (!r->n)
		return INT64_MAX;
	if (r->used < r->n)
		return INT64_MIN;
	oldest = moment(r, 0);
	return oldest > INT64_MAX - r->per_ms ? INT64_MAX : oldest + r->per_ms;
}

bool rate_ok(const struct rate *r, int64_t now_ms)
{
	return r->n && now_ms >= rate_next(r);
}

bool rate_take(struct rate *r, int64_t now_ms)
{
	int64_t newest = r->used ? moment(r, r->used - 1) : now_ms;

	if (!rate_ok(r, now_ms))
		return false;
	r->at_ms[r->next] = now_ms > newest ? now_ms : newest;
	r->next = (r->next + 1) % r->n;
	r->used += r->used < r->n;
	return true;
}

void rate_carry(struct rate *to, const struct rate *from)
{
	uint32_t i, n = from->used < to->n ? from->used : to->n;

	for (i = 0; i < n; i++)
		to->at_ms[i] = moment(from, from->used - n + i);
	to->used = n;
	to->next = to->n ? n % to->n : 0;
}
