/* test_engine_rules.c: rules of every kind through the engine: their times, their
 * actions, and each guard as a rule meets it. */
#include <math.h>

#include "tests/unit/engine_rig.h"

/* --- times ---------------------------------------------------------------------------- */

/* It must be true all the while, and is believed to be over only after a while. */
static void test_for_and_keep(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE BUSY "action = quiesce\nfor = 10s\nkeep_firing_for = 30s\n");
	busy(&r, "web/a", 60, 0);
	assert_int_equal(state_of(&r, "busy", "web/a"), RULE_PENDING);
	busy(&r, "web/a", 40, 8000);
	assert_int_equal(state_of(&r, "busy", "web/a"), RULE_INACTIVE);
	busy(&r, "web/a", 60, 10000);
	assert_int_equal(decide_next(&r.w->decider, r.now.mono_ms), 21000);
	busy_until(&r, "web/a", 60, 12000, 19999);
	assert_false(held(&r, "web/a"));
	decide_at(&r, 20000);
	assert_true(held(&r, "web/a"));
	busy_until(&r, "web/a", 60, 22000, 24000);
	busy(&r, "web/a", 40, 25000);
	assert_int_equal(state_of(&r, "busy", "web/a"), RULE_RECOVERING);
	busy_until(&r, "web/a", 40, 26000, 29000);
	busy_until(&r, "web/a", 60, 30000, 34000);
	busy_until(&r, "web/a", 40, 35000, 64999);
	assert_true(held(&r, "web/a"));
	decide_at(&r, 65000);
	assert_false(held(&r, "web/a"));
	assert_int_equal(rule(&r, "busy")->detected, 1);
	assert_int_equal(rule(&r, "busy")->enforced, 1);
	close_rig(&r);
}

/* No data: what is held stays held, what is not is not. */
static void test_no_data(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE BUSY "action = quiesce\n");
	busy(&r, "web/a", 60, 0);
	busy(&r, "web/a", NAN, 1000);
	busy(&r, "web/b", NAN, 1000);
	decide_at(&r, 3600000);
	assert_true(held(&r, "web/a"));
	assert_false(held(&r, "web/b"));
	assert_true(slot(&r, "busy", "web/a")->run.frozen);
	busy(&r, "web/a", 10, 3601000);
	assert_false(held(&r, "web/a"));
	close_rig(&r);
}

/* --- actions --------------------------------------------------------------------------- */

static void test_reweight(void **state)
{
	struct rig r;

	(void)state;
	/* It takes nobody out: no floor of realservers minds. */
	open_rig(&r, HEAD "min_available = 100%\n" THREE PROBE BUSY "action = reweight 30%\n");
	busy(&r, "web/a", 60, 0);
	assert_int_equal(want(&r, "web/a"), 30);
	busy(&r, "web/a", 40, 1000);
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);

	open_rig(&r,
		 HEAD "min_available = 80% weight\n" THREE PROBE BUSY "action = reweight 30%\n");
	busy(&r, "web/a", 60, 0);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(refused(&r, "busy", GUARD_MIN_AVAILABLE), 1);
	close_rig(&r);
}

static void test_remove(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE BUSY "action = remove\n");
	busy(&r, "web/a", 60, 0);
	assert_int_equal(want(&r, "web/a"), WANT_ABSENT);
	busy(&r, "web/a", 40, 1000);
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);
}

/* Weight 0 would refuse clients under dh; absent does not. */
static void test_scheduler(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "scheduler = dh\n" THREE PROBE BUSY "action = remove\n");
	falls(&r, "web/b", 0);
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(refused(&r, "probe-down", GUARD_SCHEDULER), 1);
	busy(&r, "web/a", 60, 1000);
	assert_int_equal(want(&r, "web/a"), WANT_ABSENT);
	close_rig(&r);
}

/* The backups come in as far as they are up themselves, and go again. */
static void test_fallback(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE "backup = y 10.1.2.30\nbackup = z 10.1.2.31\n" PROBE BUSY
				"action = fallback\n");
	falls(&r, "web/z", 0);
	busy(&r, "web/b", 10, 0);
	busy(&r, "web/c", 10, 0);
	assert_int_equal(want(&r, "web/y"), 0);
	busy(&r, "web/a", 60, 1000);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(want(&r, "web/y"), 100);
	assert_int_equal(want(&r, "web/z"), 0);
	rises(&r, "web/z", 2000);
	assert_int_equal(want(&r, "web/z"), 100);
	busy(&r, "web/a", NAN, 3000);
	assert_int_equal(want(&r, "web/y"), 100);
	busy(&r, "web/a", 40, 4000);
	/* As long as one cannot tell, it stays as it is: these were read with it. */
	busy(&r, "web/y", 0, 4000);
	busy(&r, "web/z", 0, 4000);
	assert_int_equal(want(&r, "web/y"), 0);
	assert_int_equal(holds_count(r.w->holds), 0);
	close_rig(&r);
}

/* A rule which reads what it changes comes to rest, each time for longer. */
static void test_fallback_undoes_itself(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "min_available = 0\n" THREE "backup = z 10.1.2.30\n" PROBE
			  "[rule few]\nexpr = service_available < 3\naction = fallback\n");
	falls(&r, "web/a", 0);
	assert_int_equal(r.w->state->n_dirty, 0);
	assert_int_equal(want(&r, "web/z"), 0);
	assert_int_equal(rule(&r, "few")->enforced, 1);
	decide_at(&r, 1000);
	assert_int_equal(want(&r, "web/z"), 100);
	decide_at(&r, 100000);
	assert_int_equal(want(&r, "web/z"), 100);
	assert_int_equal(rule(&r, "few")->enforced, 2);
	rises(&r, "web/a", 101000);
	decide_at(&r, 101000 + 600000);
	assert_int_equal(want(&r, "web/z"), 0);
	close_rig(&r);
}

/* The same of a hold on a realserver. */
static void test_hold_undoes_itself(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "flap_max = 0s\n" THREE PROBE
			  "[rule odd]\nexpr = effective_weight > 0\naction = quiesce\n"
			  "realserver = a\n");
	assert_int_equal(r.w->state->n_dirty, 0);
	assert_int_equal(rule(&r, "odd")->enforced, 1);
	assert_int_equal(refused(&r, "odd", GUARD_COOLDOWN), 1);
	close_rig(&r);
}

/* Nothing is written, and all is counted. */
static void test_dry_run(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE BUSY
			  "action = quiesce\nenforce = dry-run\n");
	busy(&r, "web/a", 60, 0);
	busy(&r, "web/a", 61, 1000);
	assert_int_equal(holds_count(r.w->holds), 0);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(rule(&r, "busy")->detected, 1);
	assert_int_equal(rule(&r, "busy")->enforced, 0);
	assert_int_equal(refused(&r, "busy", GUARD_DRY_RUN), 1);
	/* It is judged last: the others are seen. */
	falls(&r, "web/c", 2000);
	busy(&r, "web/b", 60, 3000);
	assert_int_equal(refused(&r, "busy", GUARD_MIN_AVAILABLE), 2);
	close_rig(&r);
}

/* --- guards ------------------------------------------------------------------------------ */

static void test_cooldown(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE BUSY "action = quiesce\ncooldown = 1m\n");
	busy(&r, "web/a", 60, 0);
	busy(&r, "web/a", 40, 5000);
	assert_false(held(&r, "web/a"));
	busy(&r, "web/a", 60, 10000);
	assert_false(held(&r, "web/a"));
	assert_int_equal(slot(&r, "busy", "web/a")->refused, GUARD_COOLDOWN);
	assert_int_equal(decide_next(&r.w->decider, r.now.mono_ms), 66000);
	busy_until(&r, "web/a", 60, 12000, 65000);
	assert_true(held(&r, "web/a"));
	close_rig(&r);
}

/* Of probe-down it is the release that waits, by flap_max at most. */
static void test_cooldown_of_probe_down(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "flap_max = 2m\n" THREE PROBE
			  "[rule probe-down]\nexpr = probe_up == 0\naction = quiesce\n"
			  "cooldown = 1m\n");
	falls(&r, "web/a", 0);
	rises(&r, "web/a", 5000);
	decide_at(&r, 59999);
	assert_true(held(&r, "web/a"));
	assert_int_equal(slot(&r, "probe-down", "web/a")->delayed, GUARD_COOLDOWN);
	decide_at(&r, 60000);
	assert_false(held(&r, "web/a"));
	close_rig(&r);

	open_rig(&r, HEAD "flap_max = 2m\n" THREE PROBE
			  "[rule probe-down]\nexpr = probe_up == 0\naction = quiesce\n"
			  "cooldown = 1h\n");
	falls(&r, "web/a", 0);
	rises(&r, "web/a", 5000);
	decide_at(&r, 124999);
	assert_true(held(&r, "web/a"));
	decide_at(&r, 125000);
	assert_false(held(&r, "web/a"));
	close_rig(&r);
}

/* One that waits to return, and falls again, is told of anew the next time. */
static void test_delayed_again(void **state)
{
	struct rig r;
	uint64_t told;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	falls(&r, "web/a", 0);
	rises(&r, "web/a", 1000);
	falls(&r, "web/a", 2000);
	rises(&r, "web/a", 3000);
	told = r.told[DECISION_DELAY];
	assert_int_equal(told, 1);
	falls(&r, "web/a", 4000);
	assert_int_equal(slot(&r, "probe-down", "web/a")->delayed, GUARD_ADMIT);
	rises(&r, "web/a", 5000);
	assert_int_equal(r.told[DECISION_DELAY], told + 1);
	close_rig(&r);
}

static void test_rate(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, "[agent]\nrate = 2/m\n" HEAD "min_available = 0\n" THREE
		     "realserver = d 10.1.2.24\nrealserver = e 10.1.2.25\n" PROBE BUSY
		     "action = quiesce\n");
	busy(&r, "web/a", 60, 0);
	busy(&r, "web/b", 60, 20000);
	busy(&r, "web/c", 60, 30000);
	assert_false(held(&r, "web/c"));
	assert_int_equal(refused(&r, "busy", GUARD_RATE), 1);
	falls(&r, "web/d", 31000); /* is not asked */
	rises(&r, "web/e", 31500); /* a witness */
	assert_true(held(&r, "web/d"));
	busy_until(&r, "web/c", 60, 32000, 59999);
	assert_false(held(&r, "web/c"));
	decide_at(&r, 60000);
	assert_true(held(&r, "web/c"));
	close_rig(&r);
}

static void test_max_held(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r,
		 HEAD "min_available = 0\nmax_held = 50%\n" THREE PROBE BUSY "action = quiesce\n");
	busy(&r, "web/a", 60, 0);
	falls(&r, "web/b", 1000);
	assert_true(held(&r, "web/a"));
	assert_false(held(&r, "web/b"));
	assert_int_equal(refused(&r, "probe-down", GUARD_MAX_HELD), 1);
	/* By whichever rule: one is one. */
	falls(&r, "web/a", 2000);
	assert_int_equal(holds_count(r.w->holds), 2);
	busy(&r, "web/a", 40, 3000);
	rises(&r, "web/a", 3000);
	assert_true(held(&r, "web/b") || held(&r, "web/a"));
	close_rig(&r);
}

static void test_domain(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "min_available = 0\ndomain_guard = on\n"
			  "realserver = a 10.1.2.21 domain=one\n"
			  "realserver = b 10.1.2.22 domain=two\n"
			  "realserver = c 10.1.2.23 domain=one\n"
			  "realserver = d 10.1.2.24\n" PROBE);
	falls(&r, "web/a", 0);
	falls(&r, "web/b", 1000);
	falls(&r, "web/c", 2000);
	assert_true(held(&r, "web/a") && held(&r, "web/c"));
	assert_false(held(&r, "web/b"));
	assert_int_equal(refused(&r, "probe-down", GUARD_DOMAIN), 1);
	falls(&r, "web/d", 3000); /* four down: the last one that may go */
	assert_int_equal(want(&r, "web/b"), 100);
	close_rig(&r);
}

/* A backup that alone serves in a panic is the floor itself. */
static void test_last_backup(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "on_panic = backup\n" THREE
			  "backup = y 10.1.2.30\nbackup = z 10.1.2.31\n" PROBE BUSY
			  "action = quiesce\n");
	falls(&r, "web/a", 0);
	falls(&r, "web/b", 0);
	falls(&r, "web/c", 0);
	assert_int_equal(r.w->state->services[0].available, 2);
	busy(&r, "web/y", 60, 1000);
	assert_int_equal(want(&r, "web/y"), 0);
	busy(&r, "web/z", 60, 2000);
	assert_int_equal(want(&r, "web/z"), 100);
	assert_int_equal(slot(&r, "busy", "web/z")->refused, GUARD_MIN_AVAILABLE);
	close_rig(&r);
}

/* --- ramp -------------------------------------------------------------------------------- */

static void test_ramp(void **state)
{
	struct rig r;
	uint32_t i;

	(void)state;
	open_rig(&r, HEAD "scheduler = wrr\nramp = 100s\n" THREE PROBE);
	assert_int_equal(want(&r, "web/a"), 100); /* not at the start */
	falls(&r, "web/a", 0);
	rises(&r, "web/a", 1000);
	assert_in_range(want(&r, "web/a"), 1, 10);
	decide_at(&r, 51000);
	assert_in_range(want(&r, "web/a"), 45, 55);
	decide_at(&r, 101000);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(decide_next(&r.w->decider, r.now.mono_ms), INT64_MAX);
	/* Not in a panic that keeps all, and not after it: they are back already. */
	for (i = 0; i < 3; i++)
		world_verdict(r.w, i, VERDICT_DOWN, PROBE_CONNECT_REFUSED);
	decide_at(&r, 900000);
	for (i = 0; i < 3; i++)
		assert_int_equal(r.w->state->realservers[i].weight, 100);
	rises(&r, "web/a", 901000);
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);

	/* One that was held before, too. */
	open_rig(&r, HEAD "scheduler = wrr\nramp = 100s\n" THREE PROBE);
	falls(&r, "web/a", 0);
	falls(&r, "web/b", 1000);
	falls(&r, "web/c", 2000);
	assert_int_equal(want(&r, "web/a"), 100);
	rises(&r, "web/a", 10000);
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);
}

/* The steps are those of what the holds leave, and so are their times. */
static void test_ramp_below_a_hold(void **state)
{
	struct hold lowered = { .id = (char *)(uintptr_t) "h",
				.hold_class = HOLD_OPERATOR,
				.service = (char *)(uintptr_t) "web",
				.realserver = (char *)(uintptr_t) "a",
				.holder = (char *)(uintptr_t) "one",
				.reason = (char *)(uintptr_t) "deploy",
				.rule = (char *)(uintptr_t) "",
				.effect = 4 };
	struct rig r;
	int64_t since;

	(void)state;
	open_rig(&r, HEAD "scheduler = wrr\nramp = 100s\n" THREE PROBE);
	assert_int_equal(world_hold(r.w, &lowered), 0);
	falls(&r, "web/a", 0);
	rises(&r, "web/a", 1000);
	assert_int_equal(want(&r, "web/a"), 1);
	since = r.now.mono_ms;
	assert_int_equal(decide_next(&r.w->decider, since), since + 33334);
	decide_at(&r, since + 33334);
	assert_int_equal(want(&r, "web/a"), 2);
	assert_int_equal(decide_next(&r.w->decider, r.now.mono_ms), since + 66667);
	decide_at(&r, since + 66667);
	assert_int_equal(want(&r, "web/a"), 3);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_for_and_keep),
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_reweight),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_scheduler),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_fallback_undoes_itself),
		cmocka_unit_test(test_hold_undoes_itself),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_cooldown),
		cmocka_unit_test(test_cooldown_of_probe_down),
		cmocka_unit_test(test_delayed_again),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_max_held),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_last_backup),
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_ramp_below_a_hold),
	};

	return cmocka_run_group_tests_name("engine-rules", tests, NULL, NULL);
}
