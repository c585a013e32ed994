/* test_engine.c: from verdicts and signals to holds, as the agent decides it: in the
 * order of evidence, as far as the guards let it, and back. */
#include <errno.h>
#include <math.h>

#include "tests/unit/engine_rig.h"

static void test_hold_and_release(void **state)
{
	struct buf why = BUF_INIT;
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	settle(&r);
	assert_int_equal(r.w->state->services[0].available, 3);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 5);
	settle(&r);
	assert_true(held(&r, "web/b"));
	assert_int_equal(want(&r, "web/b"), 0);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(r.w->state->services[0].available, 2);
	engine_describe(r.w->state, rule(&r, "probe-down"), slot(&r, "probe-down", "web/b"),
			id_of(r.w->state->layout, "web/b"), &why);
	assert_non_null(strstr(buf_str(&why), probe_reasons[PROBE_CONNECT_REFUSED].sentence));
	state_dirty_all(r.w->state);
	settle(&r);
	assert_int_equal(rule(&r, "probe-down")->detected, 1); /* once */
	assert_int_equal(rule(&r, "probe-down")->enforced, 1);
	set(&r, "web/b", VERDICT_UP, PROBE_OK, 6);
	settle(&r);
	assert_false(held(&r, "web/b"));
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(holds_count(r.w->holds), 0);
	buf_fini(&why);
	close_rig(&r);
}

/* Unknown freezes: no verdict neither places nor lifts. */
static void test_no_verdict_freezes(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	set(&r, "web/a", VERDICT_NONE, PROBE_LOCAL_ROUTE, 5);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 5);
	settle(&r);
	assert_false(held(&r, "web/a"));
	set(&r, "web/b", VERDICT_NONE, PROBE_LOCAL_ROUTE, 6);
	settle(&r);
	assert_true(held(&r, "web/b"));
	close_rig(&r);
}

/* The better the evidence, the earlier; then who is down longer; then the name. */
static void test_order_of_evidence(void **state)
{
	static const struct {
		enum probe_reason reason[3]; /* of a, b and c; PROBE_OK: it stays up */
		int64_t at[3];
		const char *held;
	} cases[] = {
		{ { PROBE_ANSWER_STATUS, PROBE_CONNECT_TIMEOUT, PROBE_CONNECT_REFUSED },
		  { 1, 2, 3 },
		  "web/c" },
		{ { PROBE_CONNECT_REFUSED, PROBE_CONNECT_REFUSED, PROBE_OK }, { 9, 8 }, "web/b" },
		{ { PROBE_CONNECT_REFUSED, PROBE_CONNECT_REFUSED, PROBE_OK }, { 8, 8 }, "web/a" },
	};
	static const char *const names[] = { "web/a", "web/b", "web/c" };
	struct rig r;
	size_t i, k;

	(void)state;
	for (i = 0; i < countof(cases); i++) {
		open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
		for (k = 3; k-- > 0;)
			if (cases[i].reason[k] != PROBE_OK)
				set(&r, names[k], VERDICT_DOWN, cases[i].reason[k], cases[i].at[k]);
		settle(&r);
		for (k = 0; k < 3; k++)
			assert_int_equal(held(&r, names[k]), !strcmp(names[k], cases[i].held));
		close_rig(&r);
	}
}

/* What is refused stays firing, is counted once, and is admitted when there is room. */
static void test_refused_then_admitted(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 2);
	settle(&r);
	assert_true(held(&r, "web/a"));
	assert_false(held(&r, "web/b"));
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(slot(&r, "probe-down", "web/b")->run.state, RULE_FIRING);
	assert_int_equal(rule(&r, "probe-down")->refused[GUARD_MIN_AVAILABLE], 1);
	state_dirty_all(r.w->state);
	settle(&r);
	assert_int_equal(rule(&r, "probe-down")->refused[GUARD_MIN_AVAILABLE], 1);
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 3);
	settle(&r);
	assert_false(held(&r, "web/a"));
	assert_true(held(&r, "web/b"));
	assert_int_equal(rule(&r, "probe-down")->enforced, 2);
	assert_int_equal(slot(&r, "probe-down", "web/b")->refused, GUARD_ADMIT);
	close_rig(&r);
}

/* All down: the last one is never held; panic serves with all of them. */
static void test_last_one(void **state)
{
	struct rig r;
	uint32_t i;

	(void)state;
	open_rig(&r, HEAD "min_available = 0\non_panic = none\n" THREE PROBE);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 2);
	set(&r, "web/c", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 3);
	settle(&r);
	assert_int_equal(holds_count(r.w->holds), 2);
	assert_int_equal(r.w->state->services[0].available, 1);
	assert_int_equal(want(&r, "web/c"), 100);
	close_rig(&r);

	open_rig(&r, HEAD THREE PROBE);
	for (i = 0; i < 3; i++)
		world_verdict(r.w, i, VERDICT_DOWN, PROBE_CONNECT_REFUSED);
	settle(&r);
	assert_true(r.w->state->services[0].panic);
	assert_int_equal(r.w->state->services[0].available, 3);
	assert_int_equal(holds_count(r.w->holds), 2);
	close_rig(&r);
}

/* The backups take over whole, and give back; without them nobody is left alone. */
static void test_backup(void **state)
{
	struct rig r;
	uint32_t i;

	(void)state;
	open_rig(&r, HEAD "on_panic = backup\n" THREE "backup = sorry 10.1.2.30\n" PROBE);
	for (i = 0; i < 3; i++)
		world_verdict(r.w, i, VERDICT_DOWN, PROBE_CONNECT_REFUSED);
	settle(&r);
	assert_int_equal(holds_count(r.w->holds), 3);
	assert_int_equal(want(&r, "web/sorry"), 100);
	assert_int_equal(r.w->state->services[0].available, 1);
	set(&r, "web/sorry", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 9);
	settle(&r);
	assert_int_equal(want(&r, "web/sorry"), 0);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(r.w->state->services[0].available, 3);
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 10);
	set(&r, "web/sorry", VERDICT_UP, PROBE_OK, 10);
	settle(&r);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(want(&r, "web/b"), 0);
	assert_int_equal(want(&r, "web/sorry"), 0);
	close_rig(&r);
}

/* Before the kernel was read nothing is placed; after it, without another probe. */
static void test_settling(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	r.w->decider.kernel_known = false;
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	settle(&r);
	assert_int_equal(holds_count(r.w->holds), 0);
	assert_int_equal(rule(&r, "probe-down")->refused[GUARD_SETTLING], 1);
	r.w->decider.kernel_known = true;
	state_dirty_all(r.w->state);
	settle(&r);
	assert_true(held(&r, "web/a"));
	close_rig(&r);
}

/* It leaves at its first fall and at every other, and returns later each time, at most
 * flap_max later. */
static void test_flapping(void **state)
{
	int64_t at = 0, before = -1, waited = 0;
	struct rig r;
	int i;

	(void)state;
	open_rig(&r, HEAD "flap_max = 5m\n" THREE PROBE);
	for (i = 0; waited < 300000; i++) {
		int64_t next;

		assert_true(i < 100);

		set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, at);
		decide_at(&r, at);
		assert_true(held(&r, "web/a"));
		at += 6000;
		set(&r, "web/a", VERDICT_UP, PROBE_OK, at);
		decide_at(&r, at);
		waited = 0;
		while (held(&r, "web/a")) {
			next = decide_next(&r.w->decider, r.now.mono_ms);
			assert_true(next > r.now.mono_ms && next != INT64_MAX);
			waited += next - r.now.mono_ms;
			decide_at(&r, next - 1000);
		}
		assert_true(waited > before);
		assert_true(waited <= 300000);
		before = waited;
		at = r.now.mono_ms - 1000 + 6000;
	}
	assert_int_equal(rule(&r, "probe-down")->enforced, (uint64_t)i);
	assert_int_equal(holds_count(r.w->holds), 0);
	close_rig(&r);
}

/* Takes web/a out twice, so that its second return is delayed; ret_at: a moment then. */
static void flap_twice(struct rig *r, int64_t *ret_at)
{
	int64_t at = 0;
	int i;

	for (i = 0; i < 2; i++, at += 10000) {
		set(r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, at);
		decide_at(r, at);
		assert_true(held(r, "web/a"));
		set(r, "web/a", VERDICT_UP, PROBE_OK, at + 5000);
		decide_at(r, at + 5000);
	}
	assert_true(held(r, "web/a"));
	assert_int_equal(slot(r, "probe-down", "web/a")->delayed, GUARD_FLAPPING);
	*ret_at = at;
}

/* Others die while it waits: it is up, so it comes back rather than that a dead one is
 * kept in for min_available's sake. */
static void test_flapping_instead_of_dead(void **state)
{
	struct rig r;
	int64_t at;

	(void)state;
	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
	flap_twice(&r, &at);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, at);
	decide_at(&r, at);
	assert_false(held(&r, "web/a"));
	assert_int_equal(want(&r, "web/a"), 100);
	assert_true(held(&r, "web/b"));
	set(&r, "web/c", VERDICT_DOWN, PROBE_CONNECT_REFUSED, at);
	decide_at(&r, at + 1000);
	assert_false(held(&r, "web/c"));
	assert_int_equal(slot(&r, "probe-down", "web/c")->refused, GUARD_MIN_AVAILABLE);
	close_rig(&r);
}

/* A switch goes, and comes back: the first that answers proves the way, not that the
 * others are dead. None is held until it failed anew. */
static void test_way_back(void **state)
{
	struct rig r;
	char name[] = "web/a";

	(void)state;
	open_rig(&r, HEAD THREE "realserver = d 10.1.2.24\nrealserver = e 10.1.2.25\n"
				"realserver = f 10.1.2.26\n" PROBE);
	for (name[4] = 'a'; name[4] <= 'f'; name[4]++)
		set(&r, name, VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 1000);
	settle(&r);
	assert_int_equal(rule(&r, "probe-down")->refused[GUARD_CORRELATED], 6);
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 5000);
	settle(&r);
	assert_false(engine_braked(r.w->engine));
	assert_int_equal(holds_count(r.w->holds), 0);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 6000); /* was under way */
	set(&r, "web/c", VERDICT_UP, PROBE_OK, 6000);
	decide_at(&r, 8000);
	assert_int_equal(holds_count(r.w->holds), 0);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 9500);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 10000);
	settle(&r);
	assert_true(held(&r, "web/b"));
	assert_int_equal(holds_count(r.w->holds), 1);
	set(&r, "web/c", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 11000); /* trusted … */
	decide_at(&r, 11000);
	assert_false(held(&r, "web/c"));
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 11001); /* … and the way is proved */
	settle(&r);
	assert_true(held(&r, "web/c"));
	close_rig(&r);
}

/* A flapping server that is needed comes back at once. */
static void test_flapping_but_needed(void **state)
{
	struct rig r;
	int64_t at;

	(void)state;
	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
	flap_twice(&r, &at);
	world_hold(r.w, &(struct hold){ .id = (char *)(uintptr_t) "op",
					.hold_class = HOLD_OPERATOR,
					.service = (char *)(uintptr_t) "web",
					.realserver = (char *)(uintptr_t) "c",
					.holder = (char *)(uintptr_t) "me",
					.reason = (char *)(uintptr_t) "",
					.effect = HOLD_ZERO });
	decide_at(&r, at + 1000);
	assert_false(held(&r, "web/a"));
	assert_int_equal(want(&r, "web/a"), 100);
	close_rig(&r);
}

/* An operator holds it already: taking it out takes nothing away, so no guard minds. */
static void test_harmless(void **state)
{
	struct hold *op = hold_new(&(struct hold){ .id = (char *)(uintptr_t) "op",
						   .hold_class = HOLD_OPERATOR,
						   .service = (char *)(uintptr_t) "web",
						   .realserver = (char *)(uintptr_t) "a",
						   .effect = HOLD_ZERO,
						   .active = true });
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "min_available = 100%\n" THREE PROBE);
	assert_int_equal(holds_place(r.w->holds, op, NULL), 0);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	settle(&r);
	assert_int_equal(holds_count(r.w->holds), 2);
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 2);
	settle(&r);
	assert_int_equal(want(&r, "web/a"), 0); /* a lower class lifts nothing of it */
	close_rig(&r);
}

/* A rule that brings the backups in does not end by its own doing. */
static void test_fallback_stays(void **state)
{
	struct rig r;
	int64_t ms;

	(void)state;
	open_rig(&r, HEAD THREE "backup = sorry 10.1.2.30\n" PROBE
				"[rule few]\nexpr = service_available_ratio < 0.5\nfor = 10s\n"
				"keep_firing_for = 20s\naction = fallback\n");
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	for (ms = 2000; ms <= 120000; ms += 2000) {
		decide_at(&r, ms);
		assert_int_equal(want(&r, "web/sorry"), ms < 12000 ? 0 : 100);
	}
	close_rig(&r);
}

static void place(struct rig *r, const char *id, enum hold_class c, const char *holder,
		  const char *service, const char *realserver)
{
	struct hold *h = hold_new(&(struct hold){ .id = (char *)(uintptr_t)id,
						  .hold_class = c,
						  .holder = (char *)(uintptr_t)holder,
						  .service = (char *)(uintptr_t)service,
						  .realserver = (char *)(uintptr_t)realserver,
						  .effect = HOLD_ZERO,
						  .active = true });

	assert_int_equal(holds_place(r->w->holds, h, NULL), 0);
}

/* Holds of rules on what is not there any more, and of rules that are not, end; others
 * stay. */
static void test_sweep(void **state)
{
	struct buf why = BUF_INIT;
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	place(&r, "1", HOLD_RULE, "probe-down", "web", "gone");
	place(&r, "2", HOLD_RULE, "probe-down", "gone", "a");
	place(&r, "3", HOLD_RULE, "probe-down", "web", "a");
	place(&r, "4", HOLD_RULE, "another", "web", "gone");
	place(&r, "5", HOLD_OPERATOR, "probe-down", "web", "gone");
	assert_int_equal(world_reload(r.w, r.w->conf, &why), 0);
	assert_int_equal(holds_count(r.w->holds), 2);
	assert_non_null(holds_find(r.w->holds, "3"));
	assert_non_null(holds_find(r.w->holds, "5"));
	/* What it held before goes on, until its probes speak. */
	assert_int_equal(slot(&r, "probe-down", "web/a")->run.state, RULE_FIRING);
	settle(&r);
	assert_int_equal(holds_count(r.w->holds), 1);
	close_rig(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hold_and_release),
		cmocka_unit_test(test_no_verdict_freezes),
		cmocka_unit_test(test_order_of_evidence),
		cmocka_unit_test(test_refused_then_admitted),
		cmocka_unit_test(test_last_one),
		cmocka_unit_test(test_backup),
		cmocka_unit_test(test_settling),
		cmocka_unit_test(test_flapping),
		cmocka_unit_test(test_way_back),
		cmocka_unit_test(test_flapping_instead_of_dead),
		cmocka_unit_test(test_flapping_but_needed),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_fallback_stays),
		cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
