/* test_guard.c: the guard over every small pool: what it may never do, and that it
 * refuses no more than it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/rules/guard.h"

enum { POOL = 5 };

/* Pools of up to POOL realservers of weights 0, 1 and 3 take each action: `out` leaves. */
static void each_pool(void (*fn)(const struct guard_input *in, uint32_t weight_out))
{
	static const uint32_t weights[] = { 0, 1, 3 };
	unsigned int code, max = 1, n, i, out;

	for (n = 1; n <= POOL; n++) {
		max *= countof(weights);
		for (code = 0; code < max; code++)
			for (out = 0; out < n; out++) {
				struct guard_input in = { .has_verdict = true,
							  .kernel_known = true };
				unsigned int rest = code;
				uint32_t weight_out = 0;

				for (i = 0; i < n; i++, rest /= countof(weights)) {
					uint32_t w = weights[rest % countof(weights)];

					/* Configured at 3; at `w` for what is held by now. */
					in.configured++;
					in.configured_weight += 3;
					if (i == out) {
						weight_out = w;
						continue;
					}
					in.available += w > 0;
					in.available_weight += w;
				}
				in.harmless = !weight_out;
				fn(&in, weight_out);
			}
	}
}

/* ceil(a * b / 100), worked out in another way. */
static uint32_t ceil_share(uint32_t a, uint32_t b)
{
	uint32_t n = 0;

	while (n * 100 < a * b)
		n++;
	return n;
}

/* Of count kinds only 0 to 3 are tried. */
static uint32_t next_min(enum min_kind kind, uint32_t n)
{
	return n + (kind == MIN_COUNT ? 1 : 5);
}

static void judge_all(const struct guard_input *pool, uint32_t weight_out)
{
	struct guard_input in = *pool;
	int kind;

	for (kind = MIN_COUNT; kind <= MIN_WEIGHT; kind++)
		for (in.min.n = 0; in.min.n <= (kind == MIN_COUNT ? 3 : 100);
		     in.min.n = next_min((enum min_kind)kind, in.min.n)) {
			uint64_t have, floor = in.min.n;
			enum guard g;

			in.min.kind = (enum min_kind)kind;
			if (kind == MIN_SHARE)
				floor = ceil_share(in.configured, in.min.n);
			if (kind == MIN_WEIGHT)
				floor = ceil_share((uint32_t)in.configured_weight, in.min.n);
			have = kind == MIN_WEIGHT ? in.available_weight : in.available;
			g = guard_judge(&in);
			assert_int_equal(guard_floor(&in), floor);
			if (!weight_out)
				assert_int_equal(g, GUARD_ADMIT);
			else if (have < floor || !in.available)
				assert_int_equal(g, GUARD_MIN_AVAILABLE);
			else
				assert_int_equal(g, GUARD_ADMIT);
		}
}

static void test_every_small_pool(void **state)
{
	(void)state;
	each_pool(judge_all);
}

static void judge_with_backups(const struct guard_input *pool, uint32_t weight_out)
{
	struct guard_input in = *pool;

	(void)weight_out;
	in.min = (struct min_available){ MIN_SHARE, 100 };
	in.backups_serve = true;
	assert_int_equal(guard_judge(&in), GUARD_ADMIT);
}

static void test_backups_are_the_floor(void **state)
{
	(void)state;
	each_pool(judge_with_backups);
}

static void test_settling_comes_first(void **state)
{
	struct guard_input in = { .has_verdict = false, .kernel_known = true, .harmless = true };

	(void)state;
	assert_int_equal(guard_judge(&in), GUARD_SETTLING);
	in.has_verdict = true;
	in.kernel_known = false;
	assert_int_equal(guard_judge(&in), GUARD_SETTLING);
	in.kernel_known = true;
	assert_int_equal(guard_judge(&in), GUARD_ADMIT);
	in.harmless = false;
	assert_int_equal(guard_judge(&in), GUARD_MIN_AVAILABLE);
}

/* 100,000 realservers of 65,535: a sum of weights beyond 32 bits. */
static void test_large_sums(void **state)
{
	struct guard_input in = { .has_verdict = true,
				  .kernel_known = true,
				  .min = { MIN_WEIGHT, 50 },
				  .configured = 100000,
				  .configured_weight = UINT64_C(100000) * 65535,
				  .available = 60000,
				  .available_weight = UINT64_C(60000) * 65535 };

	(void)state;
	assert_int_equal(guard_judge(&in), GUARD_ADMIT);
	in.available_weight = UINT64_C(49999) * 65535;
	assert_int_equal(guard_judge(&in), GUARD_MIN_AVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_small_pool),
		cmocka_unit_test(test_backups_are_the_floor),
		cmocka_unit_test(test_settling_comes_first),
		cmocka_unit_test(test_large_sums),
	};

	return cmocka_run_group_tests_name("guard", tests, NULL, NULL);
}
