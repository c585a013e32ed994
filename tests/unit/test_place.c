/* test_place.c: holds on their way to their effect, with a ledger that answers
 * when the test says so. Its functions stand here in place of the real one's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/holds/ledger.h"
#include "agent/holds/place.h"

enum { MAX = 64 };

/* What was asked of it. */
struct ledger {
	ledger_fn *fn[MAX];
	void *arg[MAX];
	char *id[MAX];
	unsigned int placed, lifted;
	int refuse; /* what asking ends with */
};

int ledger_place(struct ledger *l, const struct hold *hold, ledger_fn *fn, void *arg)
{
	if (l->refuse)
		return l->refuse;
	assert_true(l->placed < MAX);
	l->id[l->placed] = strdup(hold->id);
	l->fn[l->placed] = fn;
	l->arg[l->placed++] = arg;
	return 0;
}

int ledger_lift(struct ledger *l, const char *id, ledger_fn *fn, void *arg)
{
	(void)id;
	(void)fn;
	(void)arg;
	l->lifted++;
	return l->refuse;
}

struct rig {
	struct loop *loop;
	struct ledger ledger;
	struct holds *holds;
	struct placer *placer;
	unsigned int told;
};

static void on_change(void *arg, const char *service, const char *realserver)
{
	struct rig *r = arg;

	assert_string_equal(service, "web");
	assert_string_equal(realserver, "a");
	r->told++;
	loop_stop(r->loop);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_int_equal(loop_new(&r->loop), 0);
	assert_int_equal(holds_new(&r->holds), 0);
	assert_int_equal(placer_new(r->loop, &r->ledger, r->holds, on_change, r, &r->placer), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	unsigned int i;

	placer_free(r->placer);
	holds_free(r->holds);
	loop_free(r->loop);
	for (i = 0; i < r->ledger.placed; i++)
		free(r->ledger.id[i]);
	free(r);
	return 0;
}

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

static struct hold *only(const struct rig *r)
{
	struct hold *h = holds_of(r->holds, "web", "a");

	assert_non_null(h);
	assert_null(h->next);
	return h;
}

static void answer(struct rig *r, unsigned int i, int error)
{
	r->ledger.fn[i](r->ledger.arg[i], error);
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

/* --- operators' and alerts' --------------------------------------------------- */

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

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_recorded),
		test(test_slow),
		test(test_slow_and_failing),
		test(test_failing),
		test(test_cannot_ask),
		test(test_no_ledger),
		test(test_same_twice),
		test(test_lifted_while_waiting),
		test(test_replaced),
		test(test_lifted_and_placed_again),
		test(test_lift_unknown),
		test(test_freed_while_waiting),
		test(test_asked),
		test(test_asked_refused),
		test(test_asked_cannot_ask),
		test(test_asked_again),
		test(test_asked_twice),
		test(test_asked_lifted),
		test(test_asked_freed_while_waiting),
	};

	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
