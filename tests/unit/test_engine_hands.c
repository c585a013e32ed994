/* test_engine_hands.c: rules under an operator's hand: frozen, and where he admits. */
#include "agent/holds/effect.h"
#include "tests/unit/engine_rig.h"

static struct hold hand(const char *id, int effect, const char *service, const char *realserver)
{
	return (struct hold){ .id = (char *)(uintptr_t)id,
			      .hold_class = HOLD_OPERATOR,
			      .service = (char *)(uintptr_t)service,
			      .realserver = (char *)(uintptr_t)realserver,
			      .holder = (char *)(uintptr_t) "ann",
			      .effect = effect };
}

static void freeze(struct rig *r)
{
	struct hold like = hand("f", HOLD_FREEZE, HOLD_SERVICE, HOLD_SERVICE);

	assert_int_equal(world_hold(r->w, &like), 0);
}

static void thaw(struct rig *r)
{
	struct hold like = hand("", HOLD_FREEZE, HOLD_SERVICE, HOLD_SERVICE);

	world_lift(r->w, &like);
}

/* Neither a new hold nor the end of one; and then both at once. */
static void test_frozen(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	settle(&r);
	assert_true(held(&r, "web/a"));
	freeze(&r);
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 2);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 3);
	settle(&r);
	assert_true(held(&r, "web/a"));
	assert_int_equal(want(&r, "web/a"), 0);
	assert_false(held(&r, "web/b"));
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(slot(&r, "probe-down", "web/a")->delayed, GUARD_FROZEN);
	assert_int_equal(slot(&r, "probe-down", "web/b")->refused, GUARD_FROZEN);
	assert_int_equal(rule(&r, "probe-down")->refused[GUARD_FROZEN], 1);
	decide_at(&r, 3600 * 1000);
	assert_true(held(&r, "web/a"));
	thaw(&r);
	settle(&r);
	assert_false(held(&r, "web/a"));
	assert_true(held(&r, "web/b"));
	close_rig(&r);
}

/* The network is being worked upon: all probes fail, and nothing moves, neither into a
 * panic nor to the backups. */
static void test_frozen_panic(void **state)
{
	struct rig r;
	int i;

	(void)state;
	open_rig(&r, HEAD "on_panic = backup\n" THREE "backup = z 10.1.2.30\n" PROBE);
	freeze(&r);
	for (i = 0; i < 3; i++)
		set(&r,
		    i == 0   ? "web/a"
		    : i == 1 ? "web/b"
			     : "web/c",
		    VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, i + 1);
	settle(&r);
	assert_false(r.w->state->services[0].panic);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(want(&r, "web/z"), 0);
	assert_int_equal(r.told[DECISION_PANIC], 0);
	thaw(&r);
	settle(&r);
	assert_true(r.w->state->services[0].panic);
	assert_int_equal(want(&r, "web/z"), 100);
	/* … and in a panic it stays in it. */
	freeze(&r);
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 10);
	settle(&r);
	assert_int_equal(want(&r, "web/z"), 100);
	close_rig(&r);
}

/* One that is proven meanwhile waits for the thaw; an operator's hold does not. */
static void test_frozen_newcomer(void **state)
{
	struct buf why = BUF_INIT;
	struct config *more;
	struct hold like = hand("o", HOLD_ZERO, "web", "b");
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	freeze(&r);
	more = load_conf(HEAD THREE "realserver = new 10.1.2.29\n" PROBE);
	assert_int_equal(world_reload(r.w, more, &why), 0);
	config_unref(more);
	set(&r, "web/new", VERDICT_UP, PROBE_OK, 2);
	assert_int_equal(world_hold(r.w, &like), 0);
	settle(&r);
	assert_int_equal(want(&r, "web/new"), 0);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(want(&r, "web/b"), 0);
	thaw(&r);
	settle(&r);
	assert_int_equal(want(&r, "web/new"), 100);
	close_rig(&r);
}

/* Rules' holds end there, none is placed, and others' count. */
static void test_admitted(void **state)
{
	struct hold admit = hand("a", HOLD_ADMIT, "web", "a");
	struct hold half = hand("h", 50, "web", "a");
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	set(&r, "web/a", VERDICT_DOWN, PROBE_ANSWER_STATUS, 1);
	settle(&r);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_int_equal(world_hold(r.w, &admit), 0);
	settle(&r);
	assert_false(held(&r, "web/a"));
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(r.told[DECISION_RELEASE], 1);
	decide_at(&r, 60000);
	assert_int_equal(holds_count(r.w->holds), 1);
	assert_int_equal(slot(&r, "probe-down", "web/a")->refused, GUARD_ADMIT);
	/* Elsewhere rules go on. */
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 60001);
	settle(&r);
	assert_true(held(&r, "web/b"));
	assert_int_equal(world_hold(r.w, &half), 0);
	settle(&r);
	assert_int_equal(want(&r, "web/a"), 50);
	world_lift(r.w, &admit);
	world_lift(r.w, &half);
	settle(&r);
	assert_int_equal(want(&r, "web/a"), 0);
	close_rig(&r);
}

/* It works while everything is frozen, and for one that was never seen up. */
static void test_admitted_unproven(void **state)
{
	struct hold admit = hand("a", HOLD_ADMIT, "web", "a");
	struct config *c = load_conf(HEAD THREE PROBE);
	struct buf why = BUF_INIT;
	struct rig r = { .now = { .mono_ms = 1000, .wall_ms = 1700000000000 } };

	(void)state;
	if (world_new(c, &r.now, &why, &r.w) || !r.w) {
		fail_msg("%s", buf_str(&why));
		abort(); /* as open_rig() does */
	}
	config_unref(c);
	freeze(&r);
	settle(&r);
	assert_int_equal(want(&r, "web/a"), 0);
	assert_int_equal(world_hold(r.w, &admit), 0);
	settle(&r);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(want(&r, "web/b"), 0);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_frozen_panic),
		cmocka_unit_test(test_frozen_newcomer),
		cmocka_unit_test(test_admitted),
		cmocka_unit_test(test_admitted_unproven),
	};

	return cmocka_run_group_tests_name("engine_hands", tests, NULL, NULL);
}
