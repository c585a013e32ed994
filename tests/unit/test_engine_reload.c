/* test_engine_reload.c: what rules go on with over a reload and a restart, and the
 * brake, which doubts the prober. */
#include <math.h>

#include "tests/unit/engine_rig.h"

/* --- the brake --------------------------------------------------------------------------- */

#define TWO                                                                                        \
	PROBE                                                                                      \
	"[service web]\naddress = tcp://10.1.2.15:80\nprobe = p\n"                                 \
	"realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\nrealserver = c 10.1.2.23\n"           \
	"[service db]\naddress = tcp://10.1.2.16:80\nprobe = p\n"                                  \
	"realserver = d 10.1.2.24\nrealserver = e 10.1.2.25\nrealserver = f 10.1.2.26\n"

/* Five of six turn bad within a second. */
static void five_fall(struct rig *r)
{
	static const char *const targets[] = { "web/a", "web/b", "db/d", "db/e", "db/f" };
	uint32_t i;

	for (i = 0; i < 5; i++)
		set(r, targets[i], VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 100 * i);
	settle(r);
}

static void test_correlated(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, TWO);
	five_fall(&r);
	assert_true(engine_braked(r.w->engine));
	assert_int_equal(holds_count(r.w->holds), 0);
	assert_int_equal(refused(&r, "probe-down", GUARD_CORRELATED), 5);
	decide_at(&r, 30399);
	assert_int_equal(holds_count(r.w->holds), 0);
	/* It lapses, and what it refused is held. */
	decide_at(&r, 30400);
	assert_false(engine_braked(r.w->engine));
	assert_true(held(&r, "web/a") && held(&r, "web/b"));
	assert_int_equal(holds_count(r.w->holds), 4);
	assert_int_equal(r.told[DECISION_BRAKE], 2);
	close_rig(&r);
}

/* The first two verdicts are there before the others' failures: they wait for a witness,
 * and what comes instead is the brake. */
static void test_correlated_slowly(void **state)
{
	static const char *const targets[] = { "web/a", "web/b", "db/d", "db/e", "db/f" };
	struct rig r;
	uint32_t i;

	(void)state;
	open_rig(&r, TWO);
	for (i = 0; i < 5; i++) {
		set(&r, targets[i], VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 1000 + 900 * i);
		settle(&r);
		assert_int_equal(holds_count(r.w->holds), 0);
		assert_int_equal(refused(&r, "probe-down", GUARD_CORRELATED), i < 4 ? 0 : 5);
	}
	assert_true(engine_braked(r.w->engine));
	close_rig(&r);
}

/* One that dies alone is held with the next success of any other; where there is none,
 * after the window. */
static void test_witness(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, TWO);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 1000);
	settle(&r);
	assert_false(held(&r, "web/a"));
	set(&r, "db/f", VERDICT_UP, PROBE_OK, 1200);
	settle(&r);
	assert_true(held(&r, "web/a"));
	set(&r, "db/d", VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 2000);
	settle(&r);
	decide_at(&r, 11999);
	assert_false(held(&r, "db/d"));
	assert_true(decide_next(&r.w->decider, r.now.mono_ms) <= r.now.mono_ms + 1);
	decide_at(&r, 12000);
	assert_true(held(&r, "db/d"));
	assert_int_equal(refused(&r, "probe-down", GUARD_CORRELATED), 0);
	close_rig(&r);
}

/* A success proves the way, but nothing of the others: what fails three times more is held. */
static void test_correlated_success(void **state)
{
	struct rig r;
	int i;

	(void)state;
	open_rig(&r, TWO);
	five_fall(&r);
	rises(&r, "web/c", 2000);
	assert_false(engine_braked(r.w->engine));
	assert_int_equal(holds_count(r.w->holds), 0);
	for (i = 0; i < 3; i++) {
		set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 6000 + 500 * i);
		set(&r, "db/d", VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 6000 + 500 * i);
	}
	decide_at(&r, 7000);
	assert_true(held(&r, "web/a") && held(&r, "db/d"));
	assert_false(held(&r, "web/b"));
	close_rig(&r);
}

/* A reload knows the way no better, unless it says that it does not mind. */
static void test_correlated_reload(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, TWO);
	five_fall(&r);
	reload(&r, TWO "realserver = g 10.1.2.27\n");
	assert_true(engine_braked(r.w->engine));
	assert_int_equal(holds_count(r.w->holds), 0);
	assert_int_equal(r.told[DECISION_BRAKE], 1);
	reload(&r, "[agent]\ncorrelated_targets = 0\n" TWO);
	assert_false(engine_braked(r.w->engine));
	assert_int_equal(r.told[DECISION_BRAKE], 2);
	assert_true(held(&r, "web/a"));
	close_rig(&r);
}

/* --- over a reload ------------------------------------------------------------------------ */

static void test_pending_goes_on(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE BUSY "action = quiesce\nfor = 30s\n");
	busy_until(&r, "web/a", 60, 0, 20000);
	reload(&r,
	       HEAD THREE "realserver = d 10.1.2.24\n" PROBE BUSY "action = quiesce\nfor = 30s\n");
	assert_int_equal(state_of(&r, "busy", "web/a"), RULE_PENDING);
	busy_until(&r, "web/a", 60, 22000, 29999);
	assert_false(held(&r, "web/a"));
	decide_at(&r, 30000);
	assert_true(held(&r, "web/a"));
	close_rig(&r);
}

static void test_counters_and_penalties_go_on(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	falls(&r, "web/a", 0);
	rises(&r, "web/a", 1000);
	falls(&r, "web/a", 2000);
	reload(&r, HEAD "realserver = n 10.1.2.20\n" THREE PROBE);
	assert_int_equal(rule(&r, "probe-down")->enforced, 2);
	assert_true(held(&r, "web/a"));
	rises(&r, "web/a", 3000);
	assert_true(held(&r, "web/a")); /* it waits, as it would have */
	assert_int_equal(slot(&r, "probe-down", "web/a")->delayed, GUARD_FLAPPING);
	reload(&r, HEAD THREE PROBE);
	assert_true(held(&r, "web/a"));
	decide_at(&r, 3000 + 600000);
	assert_false(held(&r, "web/a"));
	close_rig(&r);
}

static void test_renamed(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE BUSY "action = quiesce\nfor = 5s\n");
	busy_until(&r, "web/a", 60, 0, 5000);
	assert_true(held(&r, "web/a"));
	reload(&r, HEAD THREE PROBE "[rule other]\nexpr = active_connections > 50\n"
				    "action = quiesce\nfor = 5s\n");
	assert_false(held(&r, "web/a"));
	assert_int_equal(want(&r, "web/a"), 100);
	busy_until(&r, "web/a", 60, 7000, 10000);
	assert_true(held(&r, "web/a"));
	assert_string_equal(holds_of(r.w->holds, "web", "a")->holder, "other");
	close_rig(&r);
}

/* Tells whether a realserver was ever above a weight. */
struct watch {
	struct rig *rig;
	int32_t most;
};

static void watch(void *arg, const struct decision *d)
{
	struct watch *w = arg;

	on_decision(w->rig, d);
	if (d->kind == DECISION_WEIGHT && d->after > w->most)
		w->most = d->after;
}

static void test_changed_effect(void **state)
{
	struct watch w = { 0 };
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE BUSY "action = quiesce\n");
	busy(&r, "web/a", 60, 0);
	w.rig = &r;
	r.w->tell = watch;
	r.w->arg = &w;
	reload(&r, HEAD THREE PROBE BUSY "action = reweight 20%\n");
	assert_int_equal(want(&r, "web/a"), 20);
	reload(&r, HEAD THREE PROBE BUSY "action = remove\n");
	assert_int_equal(want(&r, "web/a"), WANT_ABSENT);
	reload(&r, HEAD THREE PROBE BUSY "action = quiesce\n");
	assert_int_equal(want(&r, "web/a"), 0);
	assert_int_equal(holds_count(r.w->holds), 1);
	assert_int_equal(w.most, 20);
	/* One that only tries lets go what it held. */
	reload(&r, HEAD THREE PROBE BUSY "action = quiesce\nenforce = dry-run\n");
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);
}

/* The moments of the rate count under another rate, too. */
static void test_rate_goes_on(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, "[agent]\nrate = 1/m\n" HEAD THREE PROBE BUSY "action = quiesce\n");
	busy(&r, "web/a", 60, 0);
	reload(&r, "[agent]\nrate = 2/m\n" HEAD THREE PROBE BUSY "action = quiesce\n");
	busy(&r, "web/b", 60, 1000);
	assert_true(held(&r, "web/b"));
	reload(&r, "[agent]\nrate = 2/m\n" HEAD "min_available = 0\n" THREE
		   "realserver = d 10.1.2.24\n" PROBE BUSY "action = quiesce\n");
	busy(&r, "web/c", 60, 2000);
	rises(&r, "web/d", 2000);
	assert_false(held(&r, "web/c"));
	assert_int_equal(slot(&r, "busy", "web/c")->refused, GUARD_RATE);
	close_rig(&r);
}

/* What was held before a restart had waited for its `for` already: it fires on. */
static void test_restored_fires_on(void **state)
{
	struct buf why = BUF_INIT;
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE "[rule probe-down]\nexpr = probe_up == 0\nfor = 30s\n"
				      "action = quiesce\n");
	world_hold(r.w, &(struct hold){ .id = (char *)(uintptr_t) "kept",
					.hold_class = HOLD_RULE,
					.service = (char *)(uintptr_t) "web",
					.realserver = (char *)(uintptr_t) "a",
					.holder = (char *)(uintptr_t) "probe-down",
					.reason = (char *)(uintptr_t) "",
					.effect = HOLD_ZERO });
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 10);
	assert_int_equal(world_reload(r.w, r.w->conf, &why), 0);
	settle(&r);
	assert_int_equal(slot(&r, "probe-down", "web/a")->run.state, RULE_FIRING);
	assert_true(held(&r, "web/a"));
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_correlated),
		cmocka_unit_test(test_correlated_slowly),
		cmocka_unit_test(test_witness),
		cmocka_unit_test(test_correlated_success),
		cmocka_unit_test(test_correlated_reload),
		cmocka_unit_test(test_pending_goes_on),
		cmocka_unit_test(test_counters_and_penalties_go_on),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_changed_effect),
		cmocka_unit_test(test_rate_goes_on),
		cmocka_unit_test(test_restored_fires_on),
	};

	return cmocka_run_group_tests_name("engine-reload", tests, NULL, NULL);
}
