/* test_flap.c: the penalty against the same in floating point, and what it is for: a
 * realserver that comes and goes returns later each time. */
#include "tests/unit/t.h"

#include <math.h>

#include "agent/rules/flap.h"

enum { MINUTE = 60000, MOST = 10 * MINUTE };

static struct flap after_adds(unsigned int n)
{
	struct flap f = { 0 };

	while (n--)
		flap_add(&f, 0);
	return f;
}

static void test_decay(void **state)
{
	unsigned int n;
	int64_t t;

	(void)state;
	for (n = 0; n <= 10; n++) {
		struct flap f = after_adds(n);
		uint32_t before = UINT32_MAX;

		for (t = 0; t < 30 * MINUTE; t += 37) {
			double want = 1000.0 * n * exp2(-(double)t / FLAP_HALF_LIFE_MS);
			uint32_t is = flap_at(&f, t);

			/* Rounded up; time in steps of 2 ms. */
			assert_true(is >= want - 0.01 && is <= want + 1.2);
			assert_true(is <= before);
			before = is;
		}
	}
}

/* Milliseconds apart it never grows, also where a half-life begins. */
static void test_never_grows(void **state)
{
	struct flap f = { .milli = FLAP_MOST * 1000u };
	int64_t t;
	uint32_t before = UINT32_MAX, is;

	(void)state;
	for (t = 0; t < 3 * FLAP_HALF_LIFE_MS; t++) {
		is = flap_at(&f, t);
		assert_true(is <= before);
		before = is;
	}
}

static void test_known_values(void **state)
{
	struct flap f = after_adds(4);

	(void)state;
	assert_int_equal(flap_at(&f, 0), 4000);
	assert_int_equal(flap_at(&f, -5), 4000);
	assert_int_equal(flap_at(&f, 2 * MINUTE), 2000);
	assert_int_equal(flap_at(&f, 4 * MINUTE), 1000);
	assert_int_equal(flap_at(&f, 6 * MINUTE), 500);
	assert_int_equal(flap_at(&f, INT64_MAX), 0);
	flap_add(&f, 2 * MINUTE);
	assert_int_equal(flap_at(&f, 2 * MINUTE), 3000);
	f = after_adds(1000);
	assert_int_equal(flap_at(&f, 0), FLAP_MOST);
	f = (struct flap){ 0 };
	assert_int_equal(flap_at(&f, 0), 0);
}

static void test_release(void **state)
{
	struct flap f = after_adds(1);

	(void)state;
	assert_int_equal(flap_release_at(&f, 0, MOST), 0); /* the first is immediate */
	f = after_adds(2);
	assert_int_equal(flap_release_at(&f, 0, MOST), 2 * MINUTE);
	assert_int_equal(flap_release_at(&f, MINUTE, MOST), 2 * MINUTE);
	assert_int_equal(flap_release_at(&f, 3 * MINUTE, MOST), 3 * MINUTE);
	f = after_adds(4);
	assert_int_equal(flap_release_at(&f, 0, MOST), 4 * MINUTE);
	assert_int_equal(flap_release_at(&f, 0, 3 * MINUTE), 3 * MINUTE);
	assert_int_equal(flap_release_at(&f, 7, 0), 7);
	assert_int_equal(flap_release_at(&f, 7, -7), 7);
	f = after_adds(64);
	assert_int_equal(flap_release_at(&f, MINUTE, MOST), MINUTE + MOST);
	/* The moment itself, to the millisecond. */
	f = after_adds(3);
	assert_int_equal(flap_at(&f, flap_release_at(&f, 0, MOST)), FLAP_REUSE);
	assert_true(flap_at(&f, flap_release_at(&f, 0, MOST) - 1) > FLAP_REUSE);
	f = (struct flap){ .milli = FLAP_MOST * 1000u, .at_ms = INT64_C(1) << 36 };
	assert_int_equal(flap_release_at(&f, INT64_C(1) << 36, MOST), (INT64_C(1) << 36) + MOST);
	assert_int_equal(flap_release_at(&f, INT64_MAX - 5, MOST), INT64_MAX - 5);
}

/* It is bad for 10 s, waits, serves for 5 s, and so on: each wait is longer than the
 * one before, up to flap_max; then a quiet hour, and the next return is immediate. */
static void test_later_each_time(void **state)
{
	struct flap f = { 0 };
	int64_t now = 0, waited = -1;
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		int64_t resolved, released;

		flap_add(&f, now);
		resolved = now + 10000;
		released = flap_release_at(&f, resolved, MOST);
		if (i == 0)
			assert_int_equal(released, resolved);
		assert_true(released - resolved <= MOST);
		/* Until what 15 s take away is what a hold adds. */
		if (i < 8)
			assert_true(released - resolved > waited);
		else
			assert_true(released - resolved >= waited - 1);
		waited = released - resolved;
		flap_released(&f, resolved, released);
		now = released + 5000;
	}
	assert_true(waited > 3 * MINUTE);
	now += 60 * MINUTE;
	flap_add(&f, now);
	assert_int_equal(flap_release_at(&f, now + 10000, MOST), now + 10000);
}

/* The wait takes nothing off; an odd order of times neither adds nor loses. */
static void test_released(void **state)
{
	struct flap f = after_adds(4);

	(void)state;
	flap_released(&f, 2 * MINUTE, 3 * MINUTE);
	assert_int_equal(flap_at(&f, 3 * MINUTE), 2000);
	assert_int_equal(flap_at(&f, 5 * MINUTE), 1000);
	flap_released(&f, 5 * MINUTE, 5 * MINUTE);
	assert_int_equal(flap_at(&f, 5 * MINUTE), 1000);
	flap_released(&f, 0, MINUTE); /* long ago */
	assert_int_equal(flap_at(&f, 5 * MINUTE), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decay),           cmocka_unit_test(test_never_grows),
		cmocka_unit_test(test_known_values),    cmocka_unit_test(test_release),
		cmocka_unit_test(test_later_each_time), cmocka_unit_test(test_released),
	};

	return cmocka_run_group_tests_name("flap", tests, NULL, NULL);
}
