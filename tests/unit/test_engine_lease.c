/* test_engine_lease.c: leases of alerts over reloads, restarts, freezes and the hands of
 * operators. What a request of Alertmanager comes to is pinned in tests/golden/alerts. */
#include "agent/holds/effect.h"
#include "tests/unit/engine_rig.h"

#define SITE    PROBE HEAD THREE
#define SLOW    "[rule slow]\nalert = Slow\naction = quiesce\n"
#define HALVES  "[rule slow]\nalert = Slow\naction = reweight 50%\n"
#define DRY     SLOW "enforce = dry-run\n"
#define OFF     SLOW "enforce = off\n"
#define OF_B    SLOW "realserver = b\n"
#define BY_EXPR "[rule slow]\nexpr = probe_up == 0\naction = quiesce\n"

static struct hold lease(const char *fingerprint, bool waiting)
{
	return (struct hold){
		.id = (char *)(uintptr_t)fingerprint,
		.hold_class = HOLD_ALERT,
		.service = "web",
		.realserver = "a",
		.holder = (char *)(uintptr_t)fingerprint,
		.rule = "slow",
		.effect = HOLD_ZERO,
		.reason = "alert Slow",
		.since_wall_ms = 1700000000000,
		.until_wall_ms = 1700032400000,
		.starts_wall_ms = 1699999990000,
		.waiting = waiting,
	};
}

static void fire(struct rig *r, const char *fingerprint)
{
	struct hold h = lease(fingerprint, true);

	assert_int_equal(world_hold(r->w, &h), 0);
	settle(r);
}

static void resolve(struct rig *r, const char *fingerprint)
{
	struct hold h = lease(fingerprint, true);

	world_lift(r->w, &h);
	settle(r);
}

static void ask(struct rig *r, int effect)
{
	bool all = effect == HOLD_FREEZE;
	struct hold h = { .id = "o1",
			  .hold_class = HOLD_OPERATOR,
			  .service = all ? HOLD_SERVICE : "web",
			  .realserver = all ? HOLD_SERVICE : "a",
			  .holder = "alice",
			  .rule = "",
			  .effect = effect,
			  .reason = "" };

	assert_int_equal(world_hold(r->w, &h), 0);
	state_dirty_all(r->w->state);
	settle(r);
}

static int32_t weight(const struct rig *r)
{
	return r->w->state->realservers[id_of(r->w->state->layout, "web/a")].weight;
}

static void an_alert_acts_until_it_is_over(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, SITE SLOW);
	fire(&r, "f1");
	assert_int_equal(weight(&r), 0);
	assert_int_equal(r.told[DECISION_HOLD], 1);
	/* Another alert about it changes nothing; nor does the end of the first. */
	fire(&r, "f2");
	assert_int_equal(r.told[DECISION_HOLD], 1);
	assert_false(holds_find(r.w->holds, "f2")->waiting);
	resolve(&r, "f1");
	assert_int_equal(weight(&r), 0);
	assert_int_equal(r.told[DECISION_RELEASE], 0);
	resolve(&r, "f2");
	assert_int_equal(weight(&r), 100);
	assert_int_equal(r.told[DECISION_RELEASE], 1);
	assert_int_equal(holds_count(r.w->holds), 0);
	close_rig(&r);
}

static void a_reload_keeps_what_the_rule_still_asks(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, SITE SLOW);
	fire(&r, "f1");
	reload(&r, SITE "[rule other]\nalert = Other\naction = quiesce\n" SLOW);
	assert_int_equal(weight(&r), 0);
	assert_int_equal(r.told[DECISION_HOLD], 1);
	reload(&r, SITE HALVES);
	assert_int_equal(weight(&r), 50);
	assert_int_equal(holds_find(r.w->holds, "f1")->effect, 50);
	assert_int_equal(r.told[DECISION_HOLD], 1);
	reload(&r, SITE SLOW);
	assert_int_equal(weight(&r), 0);
	close_rig(&r);
}

static void a_rule_in_dry_run_lets_go(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, SITE SLOW);
	fire(&r, "f1");
	reload(&r, SITE DRY);
	assert_int_equal(weight(&r), 100);
	assert_true(holds_find(r.w->holds, "f1")->waiting);
	reload(&r, SITE SLOW);
	assert_int_equal(weight(&r), 0);
	close_rig(&r);
}

static void what_no_rule_asks_for_ends(void **state)
{
	static const char *const others[] = { SITE, SITE OFF, SITE OF_B, SITE BY_EXPR };
	struct rig r;
	size_t i;

	(void)state;
	for (i = 0; i < countof(others); i++) {
		open_rig(&r, SITE SLOW);
		fire(&r, "f1");
		assert_int_equal(weight(&r), 0);
		reload(&r, others[i]);
		assert_int_equal(weight(&r), 100);
		assert_int_equal(holds_count(r.w->holds), 0);
		close_rig(&r);
	}
}

/* A rule's own hold is not an alert's, though they have one name. */
static void from_expr_to_alert_the_hold_ends(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, SITE "[rule slow]\nexpr = probe_up == 1\naction = reweight 50%\n");
	assert_int_equal(weight(&r), 50);
	reload(&r, SITE SLOW);
	assert_int_equal(weight(&r), 100);
	close_rig(&r);
}

/* As the ledger gives them back: what acted acts, what waited is judged. */
static void a_restart_goes_on_as_before(void **state)
{
	struct hold acts = lease("f1", false), waits = lease("f2", true);
	struct rig r;

	(void)state;
	open_rig(&r, PROBE HEAD THREE "min_available = 3\n" SLOW);
	acts.restored = waits.restored = true;
	waits.realserver = "b";
	assert_int_equal(world_hold(r.w, &acts), 0);
	assert_int_equal(world_hold(r.w, &waits), 0);
	reload(&r, PROBE HEAD THREE "min_available = 3\n" SLOW);
	assert_int_equal(weight(&r), 0);
	assert_false(holds_find(r.w->holds, "f1")->waiting);
	assert_true(holds_find(r.w->holds, "f2")->waiting);
	assert_int_equal(r.told[DECISION_HOLD], 0);
	assert_int_equal(refused(&r, "slow", GUARD_MIN_AVAILABLE), 1);
	close_rig(&r);
}

static void a_freeze_lets_none_act(void **state)
{
	struct hold h = { .service = HOLD_SERVICE,
			  .realserver = HOLD_SERVICE,
			  .hold_class = HOLD_OPERATOR,
			  .holder = "alice",
			  .rule = "",
			  .effect = HOLD_FREEZE };
	struct rig r;

	(void)state;
	open_rig(&r, SITE SLOW);
	ask(&r, HOLD_FREEZE);
	fire(&r, "f1");
	assert_int_equal(weight(&r), 100);
	assert_int_equal(refused(&r, "slow", GUARD_FROZEN), 1);
	world_lift(r.w, &h);
	state_dirty_all(r.w->state);
	settle(&r);
	assert_int_equal(weight(&r), 0);
	close_rig(&r);
}

/* That a check is wrong says nothing about what people let alerts do. */
static void to_admit_is_against_rules_only(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, SITE SLOW);
	fire(&r, "f1");
	ask(&r, HOLD_ADMIT);
	assert_int_equal(weight(&r), 0);
	close_rig(&r);
}

static void what_only_tells_holds_nothing(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, SITE "[rule slow]\nalert = Slow\naction = exec /bin/true\n");
	fire(&r, "f1");
	assert_int_equal(weight(&r), 100);
	assert_true(holds_find(r.w->holds, "f1")->waiting);
	assert_int_equal(r.told[DECISION_HOLD], 0);
	assert_true(r.told[DECISION_RULE] >= 1);
	close_rig(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_acts_until_it_is_over),
		cmocka_unit_test(a_reload_keeps_what_the_rule_still_asks),
		cmocka_unit_test(a_rule_in_dry_run_lets_go),
		cmocka_unit_test(what_no_rule_asks_for_ends),
		cmocka_unit_test(from_expr_to_alert_the_hold_ends),
		cmocka_unit_test(a_restart_goes_on_as_before),
		cmocka_unit_test(a_freeze_lets_none_act),
		cmocka_unit_test(to_admit_is_against_rules_only),
		cmocka_unit_test(what_only_tells_holds_nothing),
	};

	return cmocka_run_group_tests_name("engine lease", tests, NULL, NULL);
}
