/* test_place_asked.c: operators' and alerts' holds: recorded first, or not at all. */
#include "tests/unit/place_rig.h"

/* What the one who asked was told. */
struct told {
	unsigned int n;
	int error;
	const struct hold *hold;
};

static void on_told(void *arg, int error, const struct hold *hold)
{
	*(struct told *)arg = (struct told){ ((struct told *)arg)->n + 1, error, hold };
}

static char ann[] = "ann", of_web[] = "web", of_a[] = "a", deploy[] = "deploy";

static struct hold like_asked(int effect, int64_t until)
{
	return (struct hold){ .hold_class = HOLD_OPERATOR,
			      .service = of_web,
			      .realserver = of_a,
			      .holder = ann,
			      .effect = effect,
			      .reason = deploy,
			      .until_wall_ms = until };
}

static int ask(struct rig *r, int effect, int64_t until, int64_t now, struct told *told)
{
	struct hold like = like_asked(effect, until);

	return placer_asked(r->placer, &like, now, on_told, told);
}

/* Nobody's hold until it is on disk. */
static void test_asked(void **state)
{
	struct rig *r = *state;
	struct hold like = like_asked(HOLD_ZERO, 0);
	struct told told = { 0 };

	assert_int_equal(ask(r, HOLD_ZERO, 2000, 1000, &told), 0);
	assert_true(placer_is_asked(r->placer, &like));
	assert_int_equal(holds_count(r->holds), 0);
	assert_int_equal(r->told + told.n, 0);
	answer(r, 0, 0);
	assert_false(placer_is_asked(r->placer, &like));
	assert_int_equal(told.n, 1);
	assert_int_equal(told.error, 0);
	assert_ptr_equal(told.hold, only(r));
	assert_true(only(r)->active && only(r)->recorded);
	assert_int_equal(only(r)->since_wall_ms, 1000);
	assert_int_equal(only(r)->until_wall_ms, 2000);
	assert_string_equal(only(r)->id, r->ledger.id[0]);
	assert_int_equal(r->told, 1);
	assert_int_equal(placer_unrecorded(r->placer), 0);
}

static void test_asked_refused(void **state)
{
	struct rig *r = *state;
	struct told told = { 0 };

	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), 0);
	answer(r, 0, -ENOSPC);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.error, -ENOSPC);
	assert_null(told.hold);
	assert_int_equal(holds_count(r->holds), 0);
	assert_int_equal(r->told, 0);
	/* One that stands is not lost by a refused change of it. */
	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), 0);
	answer(r, 1, 0);
	assert_int_equal(ask(r, 50, 0, 2000, &told), 0);
	assert_true(only(r)->active && only(r)->effect == HOLD_ZERO);
	answer(r, 2, -EIO);
	assert_int_equal(told.error, -EIO);
	assert_true(only(r)->active && only(r)->effect == HOLD_ZERO);
	assert_int_equal(only(r)->since_wall_ms, 1000);
}

static void test_asked_cannot_ask(void **state)
{
	struct rig *r = *state;
	struct hold rules = like_asked(HOLD_ZERO, 0);
	struct told told = { 0 };

	r->ledger.refuse = -ENOMEM;
	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), -ENOMEM);
	rules.hold_class = HOLD_RULE;
	assert_int_equal(placer_asked(r->placer, &rules, 1000, on_told, &told), -EINVAL);
	rules.hold_class = HOLD_ALERT;
	assert_int_equal(placer_rule(r->placer, &rules, 1000), -EINVAL);
	placer_free(r->placer);
	assert_int_equal(placer_new(r->loop, NULL, r->holds, on_change, r, &r->placer), 0);
	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), -EROFS);
	assert_int_equal(told.n + holds_count(r->holds), 0);
}

/* Said anew it is the same hold for longer; with another effect it is another. */
static void test_asked_again(void **state)
{
	struct rig *r = *state;
	struct told told = { 0 };

	assert_int_equal(ask(r, HOLD_ZERO, 2000, 1000, &told), 0);
	answer(r, 0, 0);
	assert_int_equal(ask(r, HOLD_ZERO, 9000, 1500, &told), 0);
	answer(r, 1, 0);
	assert_string_equal(r->ledger.id[0], r->ledger.id[1]);
	assert_int_equal(only(r)->since_wall_ms, 1000);
	assert_int_equal(only(r)->until_wall_ms, 9000);
	assert_int_equal(ask(r, 50, 0, 3000, &told), 0);
	answer(r, 2, 0);
	assert_string_not_equal(r->ledger.id[1], r->ledger.id[2]);
	assert_int_equal(only(r)->since_wall_ms, 3000);
	assert_int_equal(told.n, 3);
	assert_int_equal(told.error, 0);
}

/* Said anew, a drain has its time from now on, though it counts from when it began. */
static void test_deadline_again(void **state)
{
	struct rig *r = *state;
	struct told told = { 0 };
	struct hold like = { .hold_class = HOLD_OPERATOR,
			     .service = (char *)(uintptr_t) "web",
			     .realserver = (char *)(uintptr_t) "a",
			     .holder = (char *)(uintptr_t) "ann",
			     .effect = HOLD_ZERO,
			     .drain_ms = 300 };

	assert_int_equal(placer_asked(r->placer, &like, 1000, on_told, &told), 0);
	answer(r, 0, 0);
	assert_int_equal(only(r)->drain_ms, 300);
	assert_int_equal(placer_asked(r->placer, &like, 5000, on_told, &told), 0);
	answer(r, 1, 0);
	assert_int_equal(only(r)->since_wall_ms, 1000);
	assert_int_equal(only(r)->drain_ms, 4300);
}

/* Two on their way: each is answered, and the later one stands. */
static void test_asked_twice(void **state)
{
	struct rig *r = *state;
	struct told one = { 0 }, two = { 0 };

	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &one), 0);
	assert_int_equal(ask(r, 50, 0, 1001, &two), 0);
	answer(r, 0, 0);
	answer(r, 1, 0);
	assert_int_equal(one.n, 1);
	assert_int_equal(two.n, 1);
	assert_int_equal(only(r)->effect, 50);
}

/* An alert that resolves while its hold is on its way; an operator who undoes the hold
 * that is being renewed. */
static void test_asked_lifted(void **state)
{
	struct rig *r = *state;
	struct hold like = like_asked(HOLD_ZERO, 0);
	struct told told = { 0 };

	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), 0);
	placer_lift_asked(r->placer, &like);
	assert_false(placer_is_asked(r->placer, &like));
	assert_int_equal(r->ledger.lifted, 1);
	answer(r, 0, 0);
	assert_int_equal(told.error, -ECANCELED);
	assert_int_equal(holds_count(r->holds) + r->told, 0);
	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), 0);
	answer(r, 1, 0);
	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), 0);
	placer_lift(r->placer, only(r)->id);
	assert_int_equal(r->ledger.lifted, 2);
	answer(r, 2, 0);
	assert_int_equal(told.error, -ECANCELED);
	assert_int_equal(holds_count(r->holds), 0);
	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), 0);
	answer(r, 3, 0);
	placer_lift_asked(r->placer, &like);
	assert_int_equal(holds_count(r->holds), 0);
	assert_int_equal(told.error, 0);
}

/* --- an alert's lease ------------------------------------------------------------ */

static char finger[] = "8a3f21c0", load[] = "overloaded";

static struct hold like_lease(int64_t starts, int64_t until)
{
	struct hold like = like_asked(HOLD_ZERO, until);

	like.hold_class = HOLD_ALERT;
	like.holder = finger;
	like.rule = load;
	like.starts_wall_ms = starts;
	like.waiting = true;
	return like;
}

static void lease(struct rig *r, int64_t starts, int64_t until, struct told *told)
{
	struct hold like = like_lease(starts, until);

	assert_int_equal(placer_asked(r->placer, &like, 1000, on_told, told), 0);
}

static void test_lease(void **state)
{
	struct rig *r = *state;
	struct told told = { 0 };

	lease(r, 500, 9000, &told);
	answer(r, 0, 0);
	assert_true(only(r)->waiting && only(r)->recorded && !only(r)->active);
	assert_string_equal(only(r)->rule, "overloaded");
	assert_int_equal(only(r)->starts_wall_ms, 500);
	assert_int_equal(placer_act(r->placer, "nobody", true), -ENOENT);
	assert_int_equal(placer_act(r->placer, only(r)->id, false), 0);
	assert_int_equal(r->ledger.placed, 1);
	assert_int_equal(placer_act(r->placer, only(r)->id, true), 0);
	/* In memory at once, and recorded anew. */
	assert_true(only(r)->active && !only(r)->waiting);
	assert_int_equal(r->ledger.placed, 2);
	assert_string_equal(r->ledger.id[0], r->ledger.id[1]);
	assert_int_equal(r->told, 2);
	answer(r, 1, 0);
	/* A repeat is its renewal: it never waits again. */
	lease(r, 500, 19000, &told);
	answer(r, 2, 0);
	assert_true(only(r)->active && !only(r)->waiting);
	assert_int_equal(only(r)->until_wall_ms, 19000);
	/* Another episode is another: it waits for the guards. */
	lease(r, 7000, 29000, &told);
	answer(r, 3, 0);
	assert_true(!only(r)->active && only(r)->waiting);
	assert_string_not_equal(r->ledger.id[3], r->ledger.id[2]);
	assert_int_equal(told.n, 3);
}

/* It is let act while its renewal is on its way; and one that cannot be recorded. */
static void test_lease_acts_meanwhile(void **state)
{
	struct rig *r = *state;
	struct told told = { 0 };

	lease(r, 500, 9000, &told);
	answer(r, 0, 0);
	lease(r, 500, 19000, &told);
	assert_int_equal(placer_act(r->placer, only(r)->id, true), 0);
	assert_true(only(r)->active);
	answer(r, 1, 0);
	assert_true(only(r)->active && !only(r)->waiting);
	assert_int_equal(only(r)->until_wall_ms, 19000);
	answer(r, 2, -EIO);
	assert_true(only(r)->active);
	assert_int_equal(placer_unrecorded(r->placer), 1);
	r->ledger.refuse = -ENOMEM;
	assert_int_equal(placer_act(r->placer, only(r)->id, false), -ENOMEM);
	assert_true(only(r)->active && !only(r)->waiting);
	r->ledger.refuse = 0;
	/* Its rule acts no longer. */
	assert_int_equal(placer_act(r->placer, only(r)->id, false), 0);
	assert_false(only(r)->active);
	answer(r, 3, 0);
	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), 0);
	answer(r, 4, 0);
	assert_int_equal(holds_count(r->holds), 2);
	assert_int_equal(placer_act(r->placer, r->ledger.id[4], false), -ENOENT);
}

static void test_asked_freed_while_waiting(void **state)
{
	struct rig *r = *state;
	struct told told = { 0 };

	assert_int_equal(ask(r, HOLD_ZERO, 0, 1000, &told), 0);
	placer_free(r->placer);
	r->placer = NULL;
	assert_int_equal(told.n, 1);
	assert_int_equal(told.error, -ESHUTDOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_asked),
		test(test_asked_refused),
		test(test_asked_cannot_ask),
		test(test_deadline_again),
		test(test_asked_again),
		test(test_asked_twice),
		test(test_asked_lifted),
		test(test_asked_freed_while_waiting),
		test(test_lease),
		test(test_lease_acts_meanwhile),
	};

	return cmocka_run_group_tests_name("place_asked", tests, NULL, NULL);
}
