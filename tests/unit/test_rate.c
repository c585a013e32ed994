/* test_rate.c: in no window of a minute more than n, whatever asks and when. */
#include "tests/unit/t.h"

#include <errno.h>

#include "agent/rules/rate.h"

static struct rate *ten_a_minute(void)
{
	struct rate *r = NULL;

	assert_int_equal(rate_new(10, 60000, &r), 0);
	return r;
}

static void test_ten_a_minute(void **state)
{
	struct rate *r = ten_a_minute();
	int i;

	(void)state;
	for (i = 0; i < 10; i++) {
		assert_true(rate_ok(r, i));
		assert_true(rate_take(r, i));
	}
	assert_false(rate_ok(r, 10));
	assert_false(rate_take(r, 10));
	assert_int_equal(rate_next(r), 60000);
	assert_false(rate_take(r, 59999));
	assert_true(rate_take(r, 60000));
	assert_false(rate_take(r, 60000));
	assert_true(rate_take(r, 60001));
	/* No bucket fills up over a quiet hour: ten, and not twenty. */
	for (i = 0; i < 10; i++)
		assert_true(rate_take(r, 3660000));
	assert_false(rate_take(r, 3660001));
	rate_free(r);
}

enum { ASKED = 20000 };

/* Asked at random moments: each window holds at most n, and what was refused would
 * have been one too many. */
static void random_run(uint32_t n, int64_t per, unsigned int seed)
{
	static int64_t passed[ASKED];
	struct rate *r = NULL;
	size_t count = 0, i;
	int64_t now = 0;

	assert_int_equal(rate_new(n, per, &r), 0);
	for (i = 0; i < ASKED; i++) {
		size_t k, inside = 0;
		bool ok;

		seed = seed * 1664525u + 1013904223u;
		now += seed >> 29 ? (seed >> 16) % (2 * (unsigned int)per / n) : 0;
		for (k = count; k-- && passed[k] > now - per;)
			inside++;
		ok = rate_take(r, now);
		assert_int_equal(ok, inside < n);
		if (ok)
			passed[count++] = now;
	}
	for (i = 0; i + n < count; i++)
		assert_true(passed[i + n] - passed[i] >= per);
	assert_true(count > ASKED / 10 && count < ASKED);
	rate_free(r);
}

static void test_every_window(void **state)
{
	unsigned int seed;

	(void)state;
	for (seed = 1; seed <= 5; seed++) {
		random_run(1, 1000, seed);
		random_run(10, 60000, seed);
		random_run(64, 60000, seed);
	}
}

static void test_edges(void **state)
{
	struct rate *r = NULL;

	(void)state;
	assert_int_equal(rate_new(10, 0, &r), -EINVAL);
	assert_null(r);
	assert_int_equal(rate_new(0, 60000, &r), 0);
	assert_false(rate_take(r, 1));
	assert_int_equal(rate_next(r), INT64_MAX);
	rate_free(r);
	rate_free(NULL);
	/* Back in time: as if it stood. */
	assert_int_equal(rate_new(2, 100, &r), 0);
	assert_true(rate_take(r, 1000));
	assert_true(rate_take(r, 500));
	assert_false(rate_take(r, 1099));
	assert_true(rate_take(r, 1100));
	assert_int_equal(rate_next(r), 1100);
	rate_free(r);
	assert_int_equal(rate_new(1, 100, &r), 0);
	assert_true(rate_take(r, INT64_MAX - 1));
	assert_int_equal(rate_next(r), INT64_MAX);
	rate_free(r);
}

/* The newest come along, as many as fit; and the whole of a longer window counts. */
static void test_carry(void **state)
{
	struct rate *old = ten_a_minute(), *less = NULL, *more = NULL, *none = NULL;
	int i;

	(void)state;
	for (i = 0; i < 13; i++)
		rate_take(old, i * 10000);
	assert_int_equal(rate_new(3, 60000, &less), 0);
	rate_carry(less, old);
	assert_int_equal(rate_next(less), 160000);
	assert_false(rate_take(less, 159999));
	assert_true(rate_take(less, 160000));
	assert_int_equal(rate_next(less), 170000);
	assert_int_equal(rate_new(12, 60000, &more), 0);
	rate_carry(more, old);
	assert_true(rate_take(more, 120001));
	assert_true(rate_take(more, 120002));
	assert_int_equal(rate_next(more), 90000);
	assert_int_equal(rate_new(0, 60000, &none), 0);
	rate_carry(none, old);
	assert_false(rate_ok(none, 999999));
	rate_carry(less, none);
	assert_true(rate_ok(less, 160001));
	rate_free(old);
	rate_free(less);
	rate_free(more);
	rate_free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ten_a_minute),
		cmocka_unit_test(test_every_window),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_carry),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
