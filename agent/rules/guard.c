/* guard.c: the guard rails, one pure function over integers: a table of questions in
 * their order. The last available realserver of a service is never taken out by a
 * rule, whatever the file says. */
#include "agent/rules/guard.h"

#include <string.h>

#include "agent/holds/hold.h"
#include "agent/rules/flap.h"

const char *const guard_names[N_GUARDS] = {
	[GUARD_ADMIT] = "",
	[GUARD_FROZEN] = "frozen",
	[GUARD_SETTLING] = "settling",
	[GUARD_COOLDOWN] = "cooldown",
	[GUARD_FLAPPING] = "flapping",
	[GUARD_SCHEDULER] = "scheduler",
	[GUARD_MIN_AVAILABLE] = "min_available",
	[GUARD_MAX_HELD] = "max_held",
	[GUARD_DOMAIN] = "domain",
	[GUARD_RATE] = "rate",
	[GUARD_CORRELATED] = "correlated",
	[GUARD_DRY_RUN] = "dry-run",
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

uint32_t guard_most_held(const struct guard_input *in)
{
	return in->max_held >= 100 ? in->configured
				   : (uint32_t)((uint64_t)in->configured * in->max_held / 100);
}

/* A share of the weight leaves at least 1: it takes weight away, but nobody out. */
static bool takes_out(const struct guard_input *in)
{
	return in->effect < 1 || in->effect > 100;
}

static bool frozen(const struct guard_input *in)
{
	return in->frozen;
}

static bool settling(const struct guard_input *in)
{
	return !in->has_verdict || !in->kernel_known;
}

static bool cooling(const struct guard_input *in)
{
	return !in->probe_down && in->was_released &&
	       in->now_ms - in->released_ms < in->cooldown_ms;
}

static bool flapping(const struct guard_input *in)
{
	return !in->probe_down && in->penalty > FLAP_SUPPRESS;
}

/* Absent is no weight: the kernel rebuilds its table without it. */
static bool unsafe(const struct guard_input *in)
{
	return in->effect == HOLD_ZERO && in->scheduler_unsafe;
}

static bool too_few(const struct guard_input *in)
{
	if (in->harmless || in->backups_serve)
		return false;
	if (takes_out(in) && !in->available)
		return true;
	if (in->min.kind == MIN_WEIGHT)
		return in->available_weight < guard_floor(in);
	return takes_out(in) && in->available < guard_floor(in);
}

static bool too_many(const struct guard_input *in)
{
	return in->adds_held && in->held > guard_most_held(in);
}

static bool domains(const struct guard_input *in)
{
	return in->domain_on && in->domains > 1;
}

static bool spent(const struct guard_input *in)
{
	return !in->probe_down && in->rate_spent;
}

static bool correlated(const struct guard_input *in)
{
	return in->correlated;
}

static bool dry_run(const struct guard_input *in)
{
	return in->dry_run;
}

static bool (*const refuses[N_GUARDS])(const struct guard_input *in) = {
	[GUARD_FROZEN] = frozen,     [GUARD_SETTLING] = settling,
	[GUARD_COOLDOWN] = cooling,  [GUARD_FLAPPING] = flapping,
	[GUARD_SCHEDULER] = unsafe,  [GUARD_MIN_AVAILABLE] = too_few,
	[GUARD_MAX_HELD] = too_many, [GUARD_DOMAIN] = domains,
	[GUARD_RATE] = spent,        [GUARD_CORRELATED] = correlated,
	[GUARD_DRY_RUN] = dry_run,
};

bool guard_refuses(enum guard guard, const struct guard_input *in)
{
	return refuses[guard](in);
}

enum guard guard_judge(const struct guard_input *in)
{
	int g;

	for (g = GUARD_ADMIT + 1; g < N_GUARDS; g++)
		if (refuses[g](in))
			return (enum guard)g;
	return GUARD_ADMIT;
}

int guard_order(const struct guard_candidate *a, const struct guard_candidate *b)
{
	int by_name;

	if (a->evidence != b->evidence)
		return a->evidence < b->evidence ? -1 : 1;
	if (a->down_since_ms != b->down_since_ms)
		return a->down_since_ms < b->down_since_ms ? -1 : 1;
	by_name = strcmp(a->service, b->service);
	if (!by_name)
		by_name = strcmp(a->realserver, b->realserver);
	if (by_name)
		return by_name;
	return (a->rule > b->rule) - (a->rule < b->rule);
}
