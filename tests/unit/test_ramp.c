/* test_ramp.c: slow start over every small weight and many lengths. */
#include "tests/unit/t.h"

#include "agent/base/attr.h"
#include "agent/holds/ramp.h"

enum { BEGIN = 50000 };

/* One ramp from its beginning to its end, by its own announcements. */
static unsigned int walk(enum scheduler_ramp kind, int64_t length, int32_t full)
{
	struct ramp r = { 0 };
	int64_t now = BEGIN, next;
	int64_t least = length / 20 > 1000 ? length / 20 : 1000;
	int32_t w, before = 0;
	unsigned int writes = 0;

	assert_true(ramp_begin(&r, kind, length, BEGIN));
	for (;; now = next) {
		int64_t share;

		w = ramp_weight(&r, full, now);
		assert_true(w > before && w <= full);
		/* Linear: never further ahead than one step of it. */
		share = full * (now - BEGIN) / length;
		assert_true(w >= share);
		writes++;
		before = w;
		next = ramp_next(&r, full, now);
		if (next == INT64_MAX)
			break;
		assert_false(ramp_over(&r, now));
		assert_true(next - now >= least);
		/* Nothing changes in between, nor before it is due. */
		assert_int_equal(ramp_weight(&r, full, next - 1), w);
		assert_int_equal(ramp_next(&r, full, next - 1), next);
	}
	assert_int_equal(w, full);
	if (full > 1) {
		assert_int_equal(now, BEGIN + length);
		assert_true(ramp_over(&r, now));
	}
	assert_int_equal(ramp_weight(&r, full, INT64_MAX), full);
	return writes;
}

static void test_every_ramp(void **state)
{
	static const int64_t lengths[] = { 1000,  1001,  1999,  2000,    3500,     10000,
					   19999, 30000, 60001, 3600000, 86400000, 315360000000 };
	size_t i;
	int32_t full;

	(void)state;
	for (i = 0; i < countof(lengths); i++)
		for (full = 1; full <= 300; full++) {
			assert_true(walk(RAMP_FINE, lengths[i], full) <= 21);
			assert_true(walk(RAMP_COARSE, lengths[i], full) <= 4);
		}
	walk(RAMP_FINE, 60000, INT32_MAX);
	walk(RAMP_COARSE, 60000, INT32_MAX);
}

static void test_known_ramps(void **state)
{
	static const struct {
		enum scheduler_ramp kind;
		int32_t full;
		int64_t length, at;
		int32_t weight;
	} cases[] = {
		{ RAMP_FINE, 100, 30000, 0, 5 },
		{ RAMP_FINE, 100, 30000, 1499, 5 },
		{ RAMP_FINE, 100, 30000, 1500, 10 },
		{ RAMP_FINE, 100, 30000, 15000, 53 },
		{ RAMP_FINE, 100, 30000, 28500, 96 },
		{ RAMP_FINE, 100, 30000, 30000, 100 },
		{ RAMP_COARSE, 100, 30000, 0, 25 },
		{ RAMP_COARSE, 100, 30000, 9999, 25 },
		{ RAMP_COARSE, 100, 30000, 10000, 50 },
		{ RAMP_COARSE, 100, 30000, 20000, 75 },
		{ RAMP_COARSE, 100, 30000, 30000, 100 },
		{ RAMP_FINE, 3, 30000, 0, 1 },
		{ RAMP_FINE, 3, 30000, 14999, 1 },
		{ RAMP_FINE, 3, 30000, 15000, 2 },
		{ RAMP_FINE, 3, 30000, 30000, 3 },
		{ RAMP_FINE, 2, 30000, 29999, 1 },
		{ RAMP_FINE, 1, 30000, 0, 1 },
		{ RAMP_FINE, 0, 30000, 0, 0 },
		{ RAMP_FINE, -1, 30000, 0, -1 },
		{ RAMP_FINE, 100, 30000, -1000, 5 }, /* a clock that goes back */
	};
	size_t i;

	(void)state;
	for (i = 0; i < countof(cases); i++) {
		struct ramp r = { 0 };

		assert_true(ramp_begin(&r, cases[i].kind, cases[i].length, BEGIN));
		assert_int_equal(ramp_weight(&r, cases[i].full, BEGIN + cases[i].at),
				 cases[i].weight);
	}
}

static void not_ramping(const struct ramp *r)
{
	assert_true(ramp_over(r, 0));
	assert_int_equal(ramp_weight(r, 100, 0), 100);
	assert_int_equal(ramp_weight(r, -1, 0), -1);
	assert_int_equal(ramp_next(r, 100, 0), INT64_MAX);
}

static void test_none(void **state)
{
	static const char *const schedulers[] = { "rr", "lc", "dh", "fo", "none" };
	struct ramp r = { 0 };
	size_t i;

	(void)state;
	not_ramping(&r);
	for (i = 0; i < countof(schedulers); i++) {
		/* What was ramping before is not any more. */
		assert_true(ramp_begin(&r, scheduler_ramps("wlc"), 30000, 0));
		assert_false(ramp_begin(&r, scheduler_ramps(schedulers[i]), 30000, 0));
		not_ramping(&r);
	}
	assert_false(ramp_begin(&r, RAMP_FINE, 0, 0));
	assert_false(ramp_begin(&r, RAMP_FINE, -1, 0));
	assert_false(ramp_begin(&r, RAMP_FINE, 999, 0));
	assert_false(ramp_begin(&r, RAMP_FINE, INT64_MAX, 1));
	not_ramping(&r);
}

/* A hold that ends, or a reload, on the way: another full weight, the same share. */
static void test_full_changes(void **state)
{
	struct ramp r = { 0 };
	int64_t now;

	(void)state;
	assert_true(ramp_begin(&r, RAMP_FINE, 30000, BEGIN));
	for (now = BEGIN; now <= BEGIN + 30000; now += 100) {
		int32_t half = ramp_weight(&r, 50, now), whole = ramp_weight(&r, 100, now);

		assert_true(half <= 50 && whole >= 2 * half - 1 && whole <= 2 * half);
		assert_int_equal(ramp_weight(&r, 0, now), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_ramp),
		cmocka_unit_test(test_known_ramps),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_full_changes),
	};

	return cmocka_run_group_tests_name("ramp", tests, NULL, NULL);
}
