/* test_place.c: rules' holds on their way to their effect. */
#include "tests/unit/place_rig.h"

static int place(struct rig *r, int effect)
{
	char rule[] = "probe-down", service[] = "web", realserver[] = "a", why[] = "refused";
	struct hold like = { .hold_class = HOLD_RULE,
			     .service = service,
			     .realserver = realserver,
			     .holder = rule,
			     .effect = effect,
			     .reason = why };

	return placer_rule(r->placer, &like, 1700000000000);
}

static void test_recorded(void **state)
{
	struct rig *r = *state;

	assert_int_equal(place(r, HOLD_ZERO), 0);
	assert_false(only(r)->active);
	assert_int_equal(only(r)->since_wall_ms, 1700000000000);
	assert_int_equal(r->told, 0);
	answer(r, 0, 0);
	assert_true(only(r)->active);
	assert_true(only(r)->recorded);
	assert_int_equal(r->told, 1);
	assert_int_equal(placer_unrecorded(r->placer), 0);
}

static void test_slow(void **state)
{
	struct rig *r = *state;
	int64_t begun = clock_mono_ms();

	assert_int_equal(place(r, HOLD_ZERO), 0);
	loop_run(r->loop);
	assert_in_range(clock_mono_ms() - begun, 200, 60000);
	assert_true(only(r)->active);
	assert_false(only(r)->recorded);
	assert_int_equal(placer_unrecorded(r->placer), 1);
	assert_int_equal(r->told, 1);
	/* It is recorded in the end; its effect is no news. */
	answer(r, 0, 0);
	assert_true(only(r)->recorded);
	assert_int_equal(r->told, 1);
	assert_int_equal(placer_unrecorded(r->placer), 1);
}

static void test_slow_and_failing(void **state)
{
	struct rig *r = *state;

	assert_int_equal(place(r, HOLD_ZERO), 0);
	loop_run(r->loop);
	answer(r, 0, -ENOSPC);
	assert_true(only(r)->active);
	assert_int_equal(placer_unrecorded(r->placer), 1);
	assert_int_equal(r->told, 1);
}

static void test_failing(void **state)
{
	struct rig *r = *state;

	assert_int_equal(place(r, HOLD_ZERO), 0);
	answer(r, 0, -ENOSPC);
	assert_true(only(r)->active);
	assert_false(only(r)->recorded);
	assert_int_equal(placer_unrecorded(r->placer), 1);
	assert_int_equal(r->told, 1);
}

static void test_cannot_ask(void **state)
{
	struct rig *r = *state;

	r->ledger.refuse = -ENOMEM;
	assert_int_equal(place(r, HOLD_ZERO), 0);
	assert_true(only(r)->active);
	assert_int_equal(placer_unrecorded(r->placer), 1);
	placer_lift(r->placer, only(r)->id);
	assert_int_equal(holds_count(r->holds), 0);
	assert_int_equal(r->told, 2);
}

static void test_no_ledger(void **state)
{
	struct rig *r = *state;

	placer_free(r->placer);
	assert_int_equal(placer_new(r->loop, NULL, r->holds, on_change, r, &r->placer), 0);
	assert_int_equal(place(r, HOLD_ZERO), 0);
	assert_true(only(r)->active);
	placer_lift(r->placer, only(r)->id);
	assert_int_equal(r->ledger.placed + r->ledger.lifted, 0);
}

static void test_same_twice(void **state)
{
	struct rig *r = *state;

	assert_int_equal(place(r, HOLD_ZERO), 0);
	assert_int_equal(place(r, HOLD_ZERO), 0);
	assert_int_equal(r->ledger.placed, 1);
	assert_int_equal(holds_count(r->holds), 1);
}

static void stop_late(void *arg)
{
	loop_stop(((struct rig *)arg)->loop);
}

/* Lifted while it waits: neither patience's end nor the answer brings it back. */
static void test_lifted_while_waiting(void **state)
{
	struct rig *r = *state;
	struct loop_timer *late;

	assert_int_equal(place(r, HOLD_ZERO), 0);
	placer_lift(r->placer, only(r)->id);
	assert_int_equal(r->told, 1);
	assert_int_equal(r->ledger.lifted, 1);
	assert_int_equal(loop_timer_new(r->loop, "late", stop_late, r, &late), 0);
	loop_timer_start(late, 250);
	loop_run(r->loop);
	loop_timer_free(late);
	answer(r, 0, 0);
	assert_int_equal(holds_count(r->holds), 0);
	assert_int_equal(r->told, 1);
	assert_int_equal(placer_unrecorded(r->placer), 0);
}

/* … nor does the first one's answer speak for the second. */
static void test_lifted_and_placed_again(void **state)
{
	struct rig *r = *state;

	assert_int_equal(place(r, HOLD_ZERO), 0);
	placer_lift(r->placer, only(r)->id);
	assert_int_equal(place(r, HOLD_ZERO), 0);
	assert_string_not_equal(r->ledger.id[0], r->ledger.id[1]);
	answer(r, 0, 0);
	assert_false(only(r)->active);
	answer(r, 1, 0);
	assert_true(only(r)->active);
}

/* Another effect of the same rule: what was in force stays so until it is recorded. */
static void test_replaced(void **state)
{
	struct rig *r = *state;

	assert_int_equal(place(r, HOLD_ZERO), 0);
	answer(r, 0, 0);
	assert_int_equal(place(r, 50), 0);
	assert_true(only(r)->active);
	assert_int_equal(only(r)->effect, 50);
	answer(r, 1, 0);
	assert_true(only(r)->recorded);
	assert_int_equal(placer_unrecorded(r->placer), 0);
}

static void test_lift_unknown(void **state)
{
	struct rig *r = *state;

	placer_lift(r->placer, "nobody");
	assert_int_equal(r->told + r->ledger.lifted, 0);
}

static void test_freed_while_waiting(void **state)
{
	assert_int_equal(place(*state, HOLD_ZERO), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_recorded),         test(test_slow),
		test(test_slow_and_failing), test(test_failing),
		test(test_cannot_ask),       test(test_no_ledger),
		test(test_same_twice),       test(test_lifted_while_waiting),
		test(test_replaced),         test(test_lifted_and_placed_again),
		test(test_lift_unknown),     test(test_freed_while_waiting),
	};

	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
