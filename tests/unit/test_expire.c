/* test_expire.c: holds with an end of their own end then, those that were over before
 * the start at once, and the others not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/holds/expire.h"
#include "agent/holds/place.h"

struct rig {
	struct loop *loop;
	struct holds *holds;
	struct placer *placer;
	struct expirer *expirer;
	struct loop_timer *deadline;
	size_t left; /* stop at so many holds */
	bool late;
};

static void on_hold(void *arg, const char *service, const char *realserver)
{
	struct rig *r = arg;

	expirer_note(r->expirer, service, realserver);
	if (holds_count(r->holds) <= r->left)
		loop_stop(r->loop);
}

static void on_deadline(void *arg)
{
	struct rig *r = arg;

	r->late = true;
	loop_stop(r->loop);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_int_equal(loop_new(&r->loop), 0);
	assert_int_equal(holds_new(&r->holds), 0);
	assert_int_equal(placer_new(r->loop, NULL, r->holds, on_hold, r, &r->placer), 0);
	assert_int_equal(expirer_new(r->loop, r->holds, r->placer, &r->expirer), 0);
	assert_int_equal(loop_timer_new(r->loop, "deadline", on_deadline, r, &r->deadline), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	expirer_free(r->expirer);
	placer_free(r->placer);
	holds_free(r->holds);
	loop_timer_free(r->deadline);
	loop_free(r->loop);
	free(r);
	return 0;
}

static void hold(struct rig *r, const char *realserver, int64_t until_wall_ms)
{
	struct hold *h = hold_new(&(struct hold){ .id = (char *)(uintptr_t)realserver,
						  .hold_class = HOLD_OPERATOR,
						  .service = (char *)(uintptr_t) "web",
						  .realserver = (char *)(uintptr_t)realserver,
						  .holder = (char *)(uintptr_t) "ann",
						  .active = true,
						  .until_wall_ms = until_wall_ms });

	assert_int_equal(holds_place(r->holds, h, NULL), 0);
}

static void run_until(struct rig *r, size_t left)
{
	r->left = left;
	loop_timer_start(r->deadline, 20000);
	loop_run(r->loop);
	assert_false(r->late);
}

static void test_next_end(void **state)
{
	struct rig *r = *state;

	assert_true(holds_next_end(r->holds) == INT64_MAX);
	hold(r, "a", 0);
	assert_true(holds_next_end(r->holds) == INT64_MAX);
	hold(r, "b", 2000);
	hold(r, "c", 1000);
	hold(r, "d", 3000);
	assert_int_equal(holds_next_end(r->holds), 1000);
}

static void test_over_before_the_start(void **state)
{
	struct rig *r = *state;
	int64_t now = clock_wall_ms();

	hold(r, "a", now);
	hold(r, "b", 1);
	hold(r, "c", now + 3600000);
	hold(r, "d", 0);
	expirer_run(r->expirer);
	assert_null(holds_find(r->holds, "a"));
	assert_null(holds_find(r->holds, "b"));
	assert_non_null(holds_find(r->holds, "c"));
	assert_non_null(holds_find(r->holds, "d"));
}

/* Told of later, and one nearer than what it waits for. */
static void test_ends_in_time(void **state)
{
	struct rig *r = *state;
	int64_t now = clock_wall_ms();

	expirer_run(r->expirer);
	hold(r, "far", now + 3600000);
	expirer_note(r->expirer, "web", "far");
	hold(r, "a", now + 60);
	expirer_note(r->expirer, "web", "a");
	hold(r, "b", now + 30);
	expirer_note(r->expirer, "web", "b");
	run_until(r, 2);
	assert_non_null(holds_find(r->holds, "a"));
	assert_true(clock_wall_ms() >= now + 30);
	run_until(r, 1);
	assert_non_null(holds_find(r->holds, "far"));
	assert_true(clock_wall_ms() >= now + 60);
}

/* One that was said anew lasts longer. */
static void test_renewed(void **state)
{
	struct rig *r = *state;
	int64_t now = clock_wall_ms();

	hold(r, "a", now + 20);
	hold(r, "b", now + 80);
	expirer_run(r->expirer);
	hold(r, "a", now + 3600000);
	expirer_note(r->expirer, "web", "a");
	run_until(r, 1);
	assert_non_null(holds_find(r->holds, "a"));
	assert_true(clock_wall_ms() >= now + 80);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_next_end),
		test(test_over_before_the_start),
		test(test_ends_in_time),
		test(test_renewed),
	};

	return cmocka_run_group_tests_name("expire", tests, NULL, NULL);
}
