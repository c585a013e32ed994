/* test_brake.c: what is doubted and what is believed. */
#include "tests/unit/t.h"

#include <errno.h>

#include "agent/base/attr.h"
#include "agent/rules/brake.h"

static struct brake *a_brake(uint32_t targets, uint32_t interfaces)
{
	struct brake *b = NULL;

	assert_int_equal(brake_new(&brake_defaults, targets, interfaces, &b), 0);
	return b;
}

static void fail_some(struct brake *b, uint32_t first, uint32_t n, int64_t now)
{
	uint32_t i;

	for (i = first; i < first + n; i++)
		brake_bad(b, i, BRAKE_AS_BEFORE, now, now);
}

/* A switch dies: all of twelve fail within three seconds, and nothing succeeds. */
static void test_switch(void **state)
{
	struct brake *b = a_brake(12, 1);
	uint32_t i;

	(void)state;
	for (i = 0; i < 12; i++)
		brake_success(b, i, BRAKE_UNKNOWN, 99000 + i, 99000 + i);
	for (i = 0; i < 12; i++) {
		assert_int_equal(brake_on(b, 0, 100000 + i * 250), i >= 6);
		brake_bad(b, i, BRAKE_UNKNOWN, 100000 + i * 250, 100000 + i * 250);
	}
	for (i = 0; i < 12; i++)
		assert_true(brake_on(b, i, 103000));
	assert_int_equal(brake_until(b, 3), 100000 + 11 * 250 + 30000);
	assert_int_equal(brake_next(b, 103000), brake_until(b, 3));
	assert_true(brake_on(b, 0, 132749));
	assert_false(brake_on(b, 0, 132750)); /* it lapses */
	assert_int_equal(brake_next(b, 132750), INT64_MAX);
	/* They go on failing: that is no news. */
	fail_some(b, 0, 12, 140000);
	assert_false(brake_on(b, 0, 140000));
	brake_free(b);
}

/* One service's three targets of twelve, or of three. */
static void test_one_service(void **state)
{
	uint32_t all;

	(void)state;
	for (all = 3; all <= 12; all += 9) {
		struct brake *b = a_brake(all, 1);

		fail_some(b, 0, 3, 1000);
		assert_false(brake_on(b, 0, 1000));
		assert_int_equal(brake_until(b, 0), INT64_MIN);
		brake_free(b);
	}
}

/* Every number of targets, and of those that fail. */
static void test_figures(void **state)
{
	uint32_t all, failed;

	(void)state;
	for (all = 1; all <= 24; all++)
		for (failed = 0; failed <= all; failed++) {
			struct brake *b = a_brake(all, 2);

			fail_some(b, 0, failed, 5000);
			assert_int_equal(brake_on(b, all - 1, 5000),
					 failed >= 5 && failed * 2 >= all);
			brake_free(b);
		}
}

/* Bad again and again is one target. */
static void test_counted_once(void **state)
{
	struct brake *b = a_brake(8, 1);
	int64_t i;

	(void)state;
	for (i = 0; i < 100; i++)
		fail_some(b, 0, 4, 1000 + i);
	assert_false(brake_on(b, 0, 1100));
	fail_some(b, 4, 1, 1100);
	assert_true(brake_on(b, 0, 1100));
	brake_free(b);
}

/* One fails each 3 s: never five within ten. */
static void test_window(void **state)
{
	struct brake *b = a_brake(10, 1);
	uint32_t i;

	(void)state;
	for (i = 0; i < 10; i++) {
		brake_bad(b, i, BRAKE_UNKNOWN, i * 3000, i * 3000);
		assert_false(brake_on(b, 0, i * 3000));
	}
	brake_free(b);
	/* Five within 9.5 s, five over more than 10 s; wherever a step begins. */
	for (i = 0; i < 1000; i += 37) {
		b = a_brake(5, 1);
		fail_some(b, 0, 4, 70000 + i);
		fail_some(b, 4, 1, 70000 + i + 9500);
		assert_true(brake_on(b, 0, 70000 + i + 9500));
		brake_free(b);
		b = a_brake(5, 1);
		fail_some(b, 0, 4, 70000 + i);
		fail_some(b, 4, 1, 70000 + i + 10000);
		assert_false(brake_on(b, 0, 70000 + i + 10000));
		brake_free(b);
	}
}

/* Somebody answers: the way is there. What failed before does not count any more. */
static void test_success(void **state)
{
	struct brake *b = a_brake(10, 1);

	(void)state;
	fail_some(b, 0, 4, 1000);
	brake_success(b, 9, BRAKE_UNKNOWN, 1001, 1001);
	fail_some(b, 4, 4, 1002);
	assert_false(brake_on(b, 0, 1002));
	fail_some(b, 8, 1, 1003);
	assert_true(brake_on(b, 0, 1003));
	brake_success(b, 0, BRAKE_UNKNOWN, 1004, 1004);
	assert_int_equal(brake_until(b, 0), INT64_MIN);
	assert_int_equal(brake_next(b, 1004), INT64_MAX);
	brake_free(b);
}

/* Who was bad while it was on has yet to show that it lives: until its verdict is up, or
 * it failed anew. Who was not is believed at once. */
static void test_doubt(void **state)
{
	struct brake *b = a_brake(10, 1), *next = a_brake(1, 1);
	uint32_t old = 2;

	(void)state;
	fail_some(b, 0, 9, 1000);
	brake_success(b, 0, BRAKE_UNKNOWN, 2000, 2000);
	assert_true(brake_on(b, 0, 2000));
	brake_trust(b, 0);
	assert_false(brake_on(b, 0, 2000));
	assert_false(brake_on(b, 9, 2000));
	fail_some(b, 1, 1, 2000);
	/* It began before anybody knew that the way is there again: it may not have been. */
	assert_false(brake_bad(b, 1, BRAKE_UNKNOWN, 1999, 2900));
	assert_false(brake_bad(b, 1, BRAKE_UNKNOWN, 2900, 3000));
	assert_true(brake_on(b, 1, 3000));
	/* Quick probes: a neighbour may be unreachable for some time yet. */
	assert_false(brake_bad(b, 1, BRAKE_UNKNOWN, 3000, 3100));
	assert_false(brake_bad(b, 1, BRAKE_UNKNOWN, 6900, 6999));
	assert_true(brake_on(b, 1, 6999));
	assert_true(brake_bad(b, 1, BRAKE_UNKNOWN, 6999, 7000));
	assert_false(brake_on(b, 1, 7000));
	assert_false(brake_bad(b, 1, BRAKE_UNKNOWN, 7100, 7200)); /* it fell before */
	brake_carry(next, b, &old);
	assert_true(brake_on(next, 0, 90000));
	brake_trust(b, 10); /* no such target */
	brake_free(next);
	brake_free(b);
}

/* Two ways out: the one that works vouches for its own targets only. */
static void test_interfaces(void **state)
{
	struct brake *b = a_brake(16, 3);
	uint32_t i;

	(void)state;
	for (i = 0; i < 16; i++)
		brake_success(b, i, i < 8 ? 1 : 2, 1000, 1000);
	for (i = 0; i < 5; i++) {
		brake_bad(b, i, i % 2 ? BRAKE_AS_BEFORE : 1, 2000, 2000);
		brake_success(b, 8 + i, 2, 2000, 2000);
	}
	assert_true(brake_on(b, 0, 2000));
	assert_true(brake_on(b, 7, 2000));
	assert_false(brake_on(b, 8, 2000));
	/* It leaves by the other interface now, and what it says is of that one. */
	brake_success(b, 7, 2, 2100, 2100);
	assert_true(brake_on(b, 0, 2100));
	assert_false(brake_on(b, 7, 2100));
	/* 5 of 7, then 9 of 9 of the other. */
	for (i = 7; i < 16; i++)
		brake_bad(b, i, 2, 3000, 3000);
	assert_true(brake_on(b, 15, 3000));
	assert_int_equal(brake_next(b, 3000), 32000);
	assert_int_equal(brake_next(b, 32000), 33000);
	brake_free(b);
}

static void test_odd_ids(void **state)
{
	struct brake *b = NULL;
	struct brake_conf conf = brake_defaults;

	(void)state;
	assert_int_equal(brake_new(&conf, 5, 0, &b), -EINVAL);
	assert_int_equal(brake_new(&conf, 5, 4097, &b), -EINVAL);
	conf.window_ms = 0;
	assert_int_equal(brake_new(&conf, 5, 1, &b), -EINVAL);
	assert_null(b);
	b = a_brake(5, 2);
	brake_bad(b, 5, 1, 1000, 1000);
	brake_success(b, 77, 1, 1000, 1000);
	assert_false(brake_on(b, 5, 1000));
	brake_bad(b, 0, 99, 1000, 1000);
	brake_bad(b, 1, 2, -1000, -1000);
	assert_false(brake_on(b, 0, 1000));
	brake_free(b);
	b = a_brake(0, 1);
	brake_bad(b, 0, 0, 1, 1);
	brake_free(b);
	brake_free(NULL);
}

/* Targets move, come and go; what is on stays on, what was bad stays bad. */
static void test_carry(void **state)
{
	static const uint32_t old[] = { 3, 2, UINT32_MAX, 0, 1, UINT32_MAX };
	struct brake *b = a_brake(4, 2), *next = a_brake(6, 2);
	uint32_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		brake_success(b, i, 1, 900, 900);
	fail_some(b, 0, 4, 1000);
	brake_carry(next, b, old);
	fail_some(next, 0, 2, 1001); /* no news */
	fail_some(next, 3, 2, 1001);
	assert_false(brake_on(next, 0, 1001));
	brake_bad(next, 2, 1, 1002, 1002);
	assert_true(brake_on(next, 0, 1002));
	assert_false(brake_on(next, 5, 1002)); /* unknown by now */
	brake_free(b);
	b = a_brake(6, 2);
	brake_carry(b, next, (const uint32_t[]){ 0, 1, 2, 3, 4, 5 });
	for (i = 0; i < 6; i++)
		assert_int_equal(brake_until(b, i), brake_until(next, i));
	brake_free(b);
	brake_free(next);
}

static bool waits(const struct brake *b, uint32_t target, int64_t now)
{
	return brake_awaits(b, target, now) != INT64_MIN;
}

/* With a `fall` of 1 the first verdict comes before the brake can know. */
static void test_awaits_a_witness(void **state)
{
	struct brake *b = a_brake(6, 1);

	(void)state;
	brake_success(b, 0, BRAKE_UNKNOWN, 900, 900);
	assert_false(waits(b, 0, 900));
	brake_bad(b, 0, BRAKE_UNKNOWN, 1000, 1000);
	assert_true(waits(b, 0, 1000));
	assert_false(waits(b, 1, 1000)); /* it is not bad */
	assert_false(waits(b, 6, 1000)); /* no such target */
	/* On its way when the cable was pulled, and told late. */
	brake_success(b, 1, BRAKE_UNKNOWN, 999, 1050);
	assert_true(waits(b, 0, 1050));
	brake_success(b, 1, BRAKE_UNKNOWN, 1000, 1051);
	assert_false(waits(b, 0, 1051));
	/* Later failures are not witnessed by what came before them. */
	brake_bad(b, 1, BRAKE_UNKNOWN, 1100, 1100);
	assert_true(waits(b, 1, 1100));
	assert_false(waits(b, 0, 1100));
	/* Not for ever: with probes an hour apart nobody comes. */
	assert_true(waits(b, 1, 11099));
	assert_false(waits(b, 1, 11100));
	brake_free(b);
	/* So few that the brake could never come on. */
	b = a_brake(4, 1);
	brake_bad(b, 0, BRAKE_UNKNOWN, 1000, 1000);
	assert_false(waits(b, 0, 1000));
	brake_free(b);
}

/* What began before the failures says nothing of the way since: the count stays. */
static void test_late_success(void **state)
{
	struct brake *b = a_brake(8, 1);

	(void)state;
	fail_some(b, 0, 4, 2000);
	brake_success(b, 7, BRAKE_UNKNOWN, 1999, 2100);
	fail_some(b, 4, 1, 2200);
	assert_true(brake_on(b, 0, 2200));
	brake_success(b, 6, BRAKE_UNKNOWN, 1999, 2300);
	assert_true(brake_on(b, 0, 2300));
	brake_success(b, 6, BRAKE_UNKNOWN, 2250, 2301);
	assert_int_equal(brake_until(b, 0), INT64_MIN);
	brake_free(b);
}

/* A reload in between: the witness of before counts, and is waited for still. */
static void test_awaits_after_carry(void **state)
{
	static const uint32_t old[6] = { 0, 1, 2, 3, 4, 5 };
	struct brake *b = a_brake(6, 1), *next = a_brake(6, 1);

	(void)state;
	brake_bad(b, 0, BRAKE_UNKNOWN, 1000, 1000);
	brake_success(b, 2, BRAKE_UNKNOWN, 1010, 1011);
	brake_bad(b, 1, BRAKE_UNKNOWN, 1020, 1020);
	brake_carry(next, b, old);
	assert_false(waits(next, 0, 1030));
	assert_true(waits(next, 1, 1030));
	brake_success(next, 3, BRAKE_UNKNOWN, 1025, 1031);
	assert_false(waits(next, 1, 1031));
	brake_free(b);
	brake_free(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switch),
		cmocka_unit_test(test_one_service),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_counted_once),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_odd_ids),
		cmocka_unit_test(test_carry),
		cmocka_unit_test(test_awaits_a_witness),
		cmocka_unit_test(test_late_success),
		cmocka_unit_test(test_awaits_after_carry),
	};

	return cmocka_run_group_tests_name("brake", tests, NULL, NULL);
}
