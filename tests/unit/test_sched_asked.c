/* test_sched_asked.c: attempts that somebody asked for, beside those that are planned. */
#include <errno.h>

#include "tests/unit/sched_world.h"

struct told {
	uint32_t times, target, given_up;
	enum probe_reason reason;
};

static void on_told(void *arg, uint32_t target, const struct probe_report *report,
		    int64_t took_us ATTR_UNUSED)
{
	struct told *t = arg;

	t->times++;
	t->target = target;
	if (report)
		t->reason = report->reason;
	else
		t->given_up++;
}

static int ask(struct told *t, struct world *w, uint32_t target, bool counts)
{
	*t = (struct told){ 0 };
	return sched_ask(w->sched, target,
			 &(struct sched_asked){ .fn = on_told, .arg = t, .counts = counts });
}

/* While the target's planned attempt is under way, and no other may be begun. */
static void test_beside(void **state ATTR_UNUSED)
{
	static const uint32_t from[1] = { 0 };
	struct world *w = world_new(&silent, 1, 3600000);
	struct probe_run *planned;
	struct told t;

	w->limits.max_running = 1;
	assert_int_equal(sched_replace(w->sched, w->asked, w->targets, 1, from, &w->limits), 0);
	while (!w->now_running)
		run_for(w, 20);
	planned = w->running[0];
	assert_int_equal(ask(&t, w, 0, false), 0);
	assert_int_equal(w->now_running, 2);
	finish(w->running[0], PROBE_CONNECT_REFUSED);
	assert_int_equal(t.times, 1);
	assert_int_equal(t.reason, PROBE_CONNECT_REFUSED);
	assert_int_equal(w->outcomes, 0);
	assert_int_equal(w->targets[0].attempts, 0);
	finish(planned, PROBE_OK);
	assert_int_equal(t.times, 1);
	assert_int_equal(w->outcomes, 1);
	assert_int_equal(w->targets[0].health.verdict, VERDICT_UP);
	assert_true(w->overlapped);
	w->overlapped = false; /* as is meant here */
	world_free(w);
}

/* One that counts is an outcome as any other, and the planned one comes all the same. */
static void test_counts(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&at_once, 1, 3600000);
	struct told t;

	w->conf.fall = 1;
	w->answer = PROBE_CONNECT_REFUSED;
	assert_int_equal(ask(&t, w, 0, true), 0);
	assert_int_equal(t.times, 1);
	assert_int_equal(w->outcomes, 1);
	assert_true(w->changed);
	assert_int_equal(w->targets[0].attempts, 1);
	assert_int_equal(w->targets[0].health.verdict, VERDICT_DOWN);
	run_until(w, 1);
	assert_int_equal(w->starts[0], 2);
	assert_int_equal(t.times, 1);
	world_free(w);
}

/* Two targets change places; then one leaves, and last all ends. */
static void test_reload(void **state ATTR_UNUSED)
{
	static const uint32_t swapped[2] = { 1, 0 }, first[1] = { 0 };
	struct world *w = world_new(&silent, 2, 3600000);
	struct layout_target asked[2] = { w->asked[1], w->asked[0] };
	struct target targets[2] = { 0 };
	struct told kept, left, last;

	assert_int_equal(ask(&kept, w, 0, false), 0);
	assert_int_equal(sched_replace(w->sched, asked, targets, 2, swapped, &w->limits), 0);
	assert_int_equal(kept.times, 0);
	finish(w->running[0], PROBE_CONNECT_RESET);
	assert_int_equal(kept.times, 1);
	assert_int_equal(kept.given_up, 0);
	assert_int_equal(kept.target, 1);
	assert_int_equal(kept.reason, PROBE_CONNECT_RESET);

	assert_int_equal(ask(&left, w, 1, false), 0);
	assert_int_equal(sched_replace(w->sched, asked, targets, 1, first, &w->limits), 0);
	assert_int_equal(left.times, 1);
	assert_int_equal(left.given_up, 1);

	assert_int_equal(ask(&last, w, 0, true), 0);
	world_free(w);
	assert_int_equal(last.times, 1);
	assert_int_equal(last.given_up, 1);
}

static void test_deadline(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&silent, 1, 3600000);
	struct told t;

	w->conf.timeout = 30;
	assert_int_equal(ask(&t, w, 0, false), 0);
	while (!t.times)
		run_for(w, 20);
	assert_int_equal(t.reason, PROBE_CONNECT_TIMEOUT);
	w->overlapped = false; /* the planned one may have begun meanwhile */
	world_free(w);
}

static void test_refused(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&silent, 1, 3600000);
	struct told t;

	assert_int_equal(ask(&t, w, 1, false), -EINVAL);
	assert_int_equal(ask(&t, w, UINT32_MAX, false), -EINVAL);
	assert_int_equal(t.times, 0);
	assert_int_equal(w->now_running, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beside),  cmocka_unit_test(test_counts),
		cmocka_unit_test(test_reload),  cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("sched_asked", tests, NULL, NULL);
}
