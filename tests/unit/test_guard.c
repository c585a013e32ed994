/* test_guard.c: the guards over every small pool: what they may never admit, and that
 * they refuse no more than they must; their order; and who is admitted first. */
#include "tests/unit/t.h"

#include "agent/base/attr.h"
#include "agent/holds/hold.h"
#include "agent/rules/guard.h"

enum { POOL = 6 };

static const struct guard_input calm = {
	.effect = HOLD_ZERO, .has_verdict = true, .kernel_known = true, .max_held = 100
};

/* --- every small pool ------------------------------------------------------------- */

/* A realserver's weight by the file, and what a rule's hold leaves of it. */
struct server {
	uint32_t configured, weight;
	bool held;
};

struct pool {
	struct server s[POOL];
	unsigned int n;
};

static uint32_t weight_after(const struct server *s, int effect)
{
	int32_t w = hold_weight(effect, s->configured);

	if (w < 0)
		w = 0;
	return s->weight < (uint32_t)w ? s->weight : (uint32_t)w;
}

/* The pool as it would be with `effect` on server `out`. */
static struct guard_input after(const struct pool *p, unsigned int out, int effect)
{
	struct guard_input in = calm;
	unsigned int i;

	in.effect = effect;
	in.harmless = weight_after(&p->s[out], effect) == p->s[out].weight;
	in.adds_held = !p->s[out].held;
	for (i = 0; i < p->n; i++) {
		const struct server *s = &p->s[i];
		uint32_t w = i == out ? weight_after(s, effect) : s->weight;

		in.configured++;
		in.configured_weight += s->configured;
		in.available += w > 0;
		in.available_weight += w;
		in.held += i == out || s->held;
	}
	return in;
}

/* n * 100 >= of * percent, without a division. */
static bool reaches(uint64_t n, uint64_t of, uint32_t percent)
{
	return n * 100 >= of * percent;
}

/* What `min` asks for, from its words. */
static bool floor_holds(const struct guard_input *in)
{
	switch (in->min.kind) {
	case MIN_COUNT:
		return in->available >= in->min.n;
	case MIN_SHARE:
		return reaches(in->available, in->configured, in->min.n);
	case MIN_WEIGHT:
		return reaches(in->available_weight, in->configured_weight, in->min.n);
	}
	return false;
}

/* Every floor and every limit on one action. */
static void judge_all(const struct pool *p, unsigned int out, int effect)
{
	struct guard_input in = after(p, out, effect);
	int kind;

	for (kind = MIN_COUNT; kind <= MIN_WEIGHT; kind++)
		for (in.min.n = 0; in.min.n <= (kind == MIN_COUNT ? POOL + 1 : 100);
		     in.min.n += kind == MIN_COUNT ? 1 : 10) {
			bool counted = effect <= 0 || kind == MIN_WEIGHT;
			enum guard want = GUARD_ADMIT;

			in.min.kind = (enum min_kind)kind;
			if (!in.harmless && counted && !floor_holds(&in))
				want = GUARD_MIN_AVAILABLE;
			if (!in.harmless && effect <= 0 && !in.available)
				want = GUARD_MIN_AVAILABLE;
			assert_int_equal(guard_judge(&in), want);
		}
	in.min = (struct min_available){ MIN_COUNT, 0 };
	in.backups_serve = true;
	for (in.max_held = 0; in.max_held <= 100; in.max_held += 10) {
		bool fits = in.held * 100 <= in.configured * in.max_held;

		assert_int_equal(guard_judge(&in),
				 in.adds_held && !fits ? GUARD_MAX_HELD : GUARD_ADMIT);
		assert_true(guard_most_held(&in) * 100 <= in.configured * in.max_held);
		assert_true((guard_most_held(&in) + 1) * 100 > in.configured * in.max_held);
	}
}

/* n <= POOL servers of 1, 2 and 3, each in full, held to half or held at 0. */
static void test_every_small_pool(void **state)
{
	static const int effects[] = { HOLD_ABSENT, HOLD_ZERO, 50, 100 };
	unsigned int n, code, max = 1, i, e, out;

	(void)state;
	for (n = 1; n <= POOL; n++) {
		max *= 3;
		for (code = 0; code < max; code++) {
			struct pool p = { .n = n };
			unsigned int rest = code;

			for (i = 0; i < n; i++, rest /= 3) {
				static const int held_to[] = { 100, 50, HOLD_ZERO };
				struct server *s = &p.s[i];

				s->configured = s->weight = 1 + i % 3;
				s->held = rest % 3 != 0;
				s->weight = weight_after(s, held_to[rest % 3]);
			}
			for (out = 0; out < n; out++)
				for (e = 0; e < countof(effects); e++)
					judge_all(&p, out, effects[e]);
		}
	}
}

/* All of a pool ask one after the other: as many are admitted as floor and limit
 * leave, not one more and not one less. */
static void test_admitted_one_by_one(void **state)
{
	unsigned int n, floor, most;

	(void)state;
	for (n = 1; n <= POOL; n++)
		for (floor = 0; floor <= n + 1; floor++)
			for (most = 0; most <= 100; most += 25) {
				unsigned int i, held = 0, limit = n * most / 100;
				unsigned int can = floor ? n - (floor < n ? floor : n) : n - 1;

				for (i = 0; i < n; i++) {
					struct guard_input in = calm;

					in.configured = n;
					in.available = n - held - 1;
					in.min = (struct min_available){ MIN_COUNT, floor };
					in.max_held = most;
					in.held = held + 1;
					in.adds_held = true;
					held += guard_judge(&in) == GUARD_ADMIT;
				}
				assert_int_equal(held, can < limit ? can : limit);
			}
}

/* 100,000 realservers of 65,535: a sum of weights beyond 32 bits. */
static void test_large_sums(void **state)
{
	struct guard_input in = calm;

	(void)state;
	in.min = (struct min_available){ MIN_WEIGHT, 50 };
	in.configured = 100000;
	in.configured_weight = UINT64_C(100000) * 65535;
	in.available = 60000;
	in.available_weight = UINT64_C(60000) * 65535;
	assert_int_equal(guard_judge(&in), GUARD_ADMIT);
	in.available_weight = UINT64_C(49999) * 65535;
	assert_int_equal(guard_judge(&in), GUARD_MIN_AVAILABLE);
	in.configured = UINT32_MAX;
	in.max_held = 50;
	assert_int_equal(guard_most_held(&in), UINT32_MAX / 2);
	in.max_held = 100;
	assert_int_equal(guard_most_held(&in), UINT32_MAX);
}

static void test_shares(void **state)
{
	struct guard_input in = calm;

	(void)state;
	in.configured = 3;
	in.min = (struct min_available){ MIN_SHARE, 34 };
	assert_int_equal(guard_floor(&in), 2); /* up */
	in.max_held = 34;
	assert_int_equal(guard_most_held(&in), 1); /* down */
	in.max_held = 33;
	assert_int_equal(guard_most_held(&in), 0); /* no implicit one */
}

/* The fallback puts backups in, and nobody else: without one up it is refused. */
static void test_fallback(void **state)
{
	struct guard_input in = calm;

	(void)state;
	in.effect = 101;
	in.configured = 3;
	assert_int_equal(guard_judge(&in), GUARD_MIN_AVAILABLE);
	in.backups_serve = true;
	assert_int_equal(guard_judge(&in), GUARD_ADMIT);
}

/* --- order ------------------------------------------------------------------------ */

/* Everything refuses. */
static const struct guard_input worst = { .effect = HOLD_ZERO,
					  .frozen = true,
					  .was_released = true,
					  .now_ms = 5999,
					  .released_ms = 1000,
					  .cooldown_ms = 5000,
					  .penalty = 3001,
					  .scheduler_unsafe = true,
					  .min = { MIN_COUNT, 1 },
					  .configured = 1,
					  .max_held = 0,
					  .held = 1,
					  .adds_held = true,
					  .domain_on = true,
					  .domains = 2,
					  .rate_spent = true,
					  .correlated = true,
					  .dry_run = true };

static void appease(struct guard_input *in, enum guard g)
{
	switch (g) {
	case GUARD_FROZEN:
		in->frozen = false;
		break;
	case GUARD_SETTLING:
		in->has_verdict = in->kernel_known = true;
		break;
	case GUARD_COOLDOWN:
		in->now_ms++;
		break;
	case GUARD_FLAPPING:
		in->penalty--;
		break;
	case GUARD_SCHEDULER:
		in->scheduler_unsafe = false;
		break;
	case GUARD_MIN_AVAILABLE:
		in->available = 1;
		break;
	case GUARD_MAX_HELD:
		in->max_held = 100;
		break;
	case GUARD_DOMAIN:
		in->domains = 1;
		break;
	case GUARD_RATE:
		in->rate_spent = false;
		break;
	case GUARD_CORRELATED:
		in->correlated = false;
		break;
	case GUARD_DRY_RUN:
		in->dry_run = false;
		break;
	case GUARD_ADMIT:
	case N_GUARDS:
		fail();
	}
}

static void test_order_of_guards(void **state)
{
	static const enum guard order[] = {
		GUARD_FROZEN,    GUARD_SETTLING,      GUARD_COOLDOWN, GUARD_FLAPPING,
		GUARD_SCHEDULER, GUARD_MIN_AVAILABLE, GUARD_MAX_HELD, GUARD_DOMAIN,
		GUARD_RATE,      GUARD_CORRELATED,    GUARD_DRY_RUN,
	};
	static const char *const slugs[] = {
		"frozen",   "settling", "cooldown", "flapping",   "scheduler", "min_available",
		"max_held", "domain",   "rate",     "correlated", "dry-run",
	};
	struct guard_input in = worst;
	size_t i;

	(void)state;
	assert_int_equal(countof(order), N_GUARDS - 1);
	for (i = 0; i < countof(order); i++) {
		assert_int_equal(guard_judge(&in), order[i]);
		assert_string_equal(guard_names[order[i]], slugs[i]);
		appease(&in, order[i]);
	}
	assert_int_equal(guard_judge(&in), GUARD_ADMIT);
	assert_string_equal(guard_names[GUARD_ADMIT], "");
}

/* Each guard alone, on an action that nothing else minds. */
static void test_each_alone(void **state)
{
	int g, other;

	(void)state;
	for (g = GUARD_ADMIT + 1; g < N_GUARDS; g++) {
		struct guard_input in = worst;

		for (other = GUARD_ADMIT + 1; other < N_GUARDS; other++)
			if (other != g)
				appease(&in, (enum guard)other);
		assert_int_equal(guard_judge(&in), g);
	}
}

/* cooldown, flapping and rate never keep a dead server in traffic. */
static void test_probe_down_is_exempt(void **state)
{
	static const enum guard exempt[] = { GUARD_COOLDOWN, GUARD_FLAPPING, GUARD_RATE };
	struct guard_input in = worst;
	int g;
	size_t i;

	(void)state;
	in.probe_down = true;
	for (g = GUARD_ADMIT + 1; g < N_GUARDS; g++) {
		for (i = 0; i < countof(exempt) && exempt[i] != (enum guard)g; i++)
			;
		if (i < countof(exempt))
			continue;
		assert_int_equal(guard_judge(&in), g);
		appease(&in, (enum guard)g);
	}
	assert_int_equal(guard_judge(&in), GUARD_ADMIT);
}

static void test_settling(void **state)
{
	struct guard_input in = calm;

	(void)state;
	in.harmless = true;
	in.has_verdict = false;
	assert_int_equal(guard_judge(&in), GUARD_SETTLING);
	in.has_verdict = true;
	in.kernel_known = false;
	assert_int_equal(guard_judge(&in), GUARD_SETTLING);
}

/* The first hold is never in a cooldown, also at the beginning of time. */
static void test_cooldown_needs_a_release(void **state)
{
	struct guard_input in = calm;

	(void)state;
	in.harmless = true;
	in.cooldown_ms = 60000;
	assert_int_equal(guard_judge(&in), GUARD_ADMIT);
	in.was_released = true;
	assert_int_equal(guard_judge(&in), GUARD_COOLDOWN);
	in.now_ms = 60000;
	assert_int_equal(guard_judge(&in), GUARD_ADMIT);
}

/* Weight 0 alone is what these schedulers mind; and they do while an operator's hold
 * hides it, for that one goes. */
static void test_scheduler(void **state)
{
	static const struct {
		int effect;
		enum guard guard;
	} cases[] = {
		{ HOLD_ABSENT, GUARD_ADMIT },
		{ HOLD_ZERO, GUARD_SCHEDULER },
		{ 1, GUARD_ADMIT },
		{ 100, GUARD_ADMIT },
	};
	struct guard_input in = calm;
	size_t i;

	(void)state;
	in.scheduler_unsafe = true;
	in.harmless = true;
	for (i = 0; i < countof(cases); i++) {
		in.effect = cases[i].effect;
		assert_int_equal(guard_judge(&in), cases[i].guard);
	}
}

static void test_domain(void **state)
{
	struct guard_input in = calm;

	(void)state;
	in.harmless = true;
	for (in.domains = 0; in.domains < 4; in.domains++) {
		in.domain_on = false;
		assert_int_equal(guard_judge(&in), GUARD_ADMIT);
		in.domain_on = true;
		assert_int_equal(guard_judge(&in), in.domains > 1 ? GUARD_DOMAIN : GUARD_ADMIT);
	}
}

/* --- candidates ------------------------------------------------------------------- */

/* In the order in which they are admitted. */
static const struct guard_candidate line[] = {
	{ 0, 900, "z", "z", 9 }, { 1, 100, "z", "z", 9 }, { 1, 101, "a", "b", 9 },
	{ 1, 101, "a", "c", 0 }, { 1, 101, "b", "a", 0 }, { 1, 101, "b", "a", 1 },
	{ 2, 0, "a", "a", 0 },   { ~0u, 0, "a", "a", 0 },
};

static void test_candidates(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < countof(line); i++)
		for (k = 0; k < countof(line); k++) {
			int order = guard_order(&line[i], &line[k]);

			assert_int_equal(order < 0, i < k);
			assert_int_equal(order > 0, i > k);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_small_pool),
		cmocka_unit_test(test_admitted_one_by_one),
		cmocka_unit_test(test_large_sums),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_order_of_guards),
		cmocka_unit_test(test_each_alone),
		cmocka_unit_test(test_probe_down_is_exempt),
		cmocka_unit_test(test_settling),
		cmocka_unit_test(test_cooldown_needs_a_release),
		cmocka_unit_test(test_scheduler),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_candidates),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
