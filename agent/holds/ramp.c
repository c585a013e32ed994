/* ramp.c: n weights below the full one, each a step of length / n long: with n + 1 as
 * the divisor the first is no more than the later steps are, and the last step ends
 * in the full weight. n is bounded by the time a step takes and by how many different
 * weights there are. */
#include "agent/holds/ramp.h"

enum {
	STEP_MS = 1000,
	FINE_STEPS = 20,
	COARSE_STEPS = 3, /* and the full weight: four writes */
};

/* Steps that fit into the time. */
static int64_t steps_in(enum scheduler_ramp kind, int64_t length_ms)
{
	int64_t most = kind == RAMP_FINE ? FINE_STEPS : COARSE_STEPS;

	if (kind == RAMP_NONE || length_ms <= 0)
		return 0;
	return length_ms / STEP_MS < most ? length_ms / STEP_MS : most;
}

/* How many weights below `full` it goes through; 0 = none. */
static int64_t steps(const struct ramp *r, int32_t full)
{
	int64_t n = steps_in((enum scheduler_ramp)r->kind, r->length_ms);

	if (full <= 1)
		return 0;
	return n < full - 1 ? n : full - 1;
}

/* When step k begins; k = n is the end. Without a product that could overflow. */
static int64_t step_begin(const struct ramp *r, int64_t n, int64_t k)
{
	return r->begin_ms + r->length_ms / n * k + (r->length_ms % n * k + n - 1) / n;
}

/* The step at `now`: 0 to n, n = over. */
static int64_t step_at(const struct ramp *r, int64_t n, int64_t now_ms)
{
	int64_t k = 0;

	while (k < n && now_ms >= step_begin(r, n, k + 1))
		k++;
	return k;
}

bool ramp_begin(struct ramp *r, enum scheduler_ramp kind, int64_t length_ms, int64_t now_ms)
{
	*r = (struct ramp){ 0 };
	/* Beyond this there is no end that could be told. */
	if (!steps_in(kind, length_ms) || now_ms > INT64_MAX - length_ms)
		return false;
	r->begin_ms = now_ms;
	r->length_ms = length_ms;
	r->kind = (uint8_t)kind;
	return true;
}

bool ramp_over(const struct ramp *r, int64_t now_ms)
{
	return r->length_ms <= 0 || now_ms >= r->begin_ms + r->length_ms;
}

int32_t ramp_weight(const struct ramp *r, int32_t full, int64_t now_ms)
{
	int64_t n = steps(r, full), k;

	if (!n)
		return full;
	k = step_at(r, n, now_ms);
	return (int32_t)(((int64_t)full * (k + 1) + n) / (n + 1));
}

int64_t ramp_next(const struct ramp *r, int32_t full, int64_t now_ms)
{
	int64_t n = steps(r, full), k;

	if (!n)
		return INT64_MAX;
	k = step_at(r, n, now_ms);
	return k < n ? step_begin(r, n, k + 1) : INT64_MAX;
}
