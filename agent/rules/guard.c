/* guard.c: the guard rails, one pure function over integers. The last available
 * realserver of a service is never held by a rule, whatever the file says. */
#include "agent/rules/guard.h"

const char *const guard_names[N_GUARDS] = {
	[GUARD_ADMIT] = "",
	[GUARD_SETTLING] = "settling",
	[GUARD_MIN_AVAILABLE] = "min_available",
};

/* ceil(n * percent / 100); 64 bits, for weights are sums. */
static uint64_t share(uint64_t n, uint32_t percent)
{
	return (n * percent + 99) / 100;
}

uint64_t guard_floor(const struct guard_input *in)
{
	switch (in->min.kind) {
	case MIN_SHARE:
		return share(in->configured, in->min.n);
	case MIN_WEIGHT:
		return share(in->configured_weight, in->min.n);
	case MIN_COUNT:
		break;
	}
	return in->min.n;
}

static bool enough(const struct guard_input *in)
{
	uint64_t have = in->min.kind == MIN_WEIGHT ? in->available_weight : in->available;

	if (in->backups_serve)
		return true;
	return in->available > 0 && have >= guard_floor(in);
}

enum guard guard_judge(const struct guard_input *in)
{
	if (!in->has_verdict || !in->kernel_known)
		return GUARD_SETTLING;
	if (!in->harmless && !enough(in))
		return GUARD_MIN_AVAILABLE;
	return GUARD_ADMIT;
}
