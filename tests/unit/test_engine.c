/* test_engine.c: from verdicts and signals to holds, as the agent decides it: in the
 * order of evidence, as far as the guards let it, and back. */
#include <errno.h>
#include <math.h>

#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"
#include "agent/world.h"
#include "tests/unit/model_fixture.h"

#define PROBE "[probe p]\nurl = http://x/\n"
#define HEAD  "[service web]\naddress = tcp://10.1.2.15:80\nprobe = p\n"
#define THREE "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\nrealserver = c 10.1.2.23\n"

struct rig {
	struct world *w;
	struct moment now;
	uint64_t told[DECISION_N_KINDS];
};

static void on_decision(void *arg, const struct decision *d)
{
	struct rig *r = arg;

	r->told[d->kind]++;
}

/* Decides at `ms` after the beginning. */
static void decide_at(struct rig *r, int64_t ms)
{
	r->now = (struct moment){ .mono_ms = 1000 + ms, .wall_ms = 1700000000000 + ms };
	r->w->now = r->now;
	world_sampled(r->w);
	world_step(r->w, &r->now);
}

static void settle(struct rig *r)
{
	decide_at(r, r->now.mono_ms - 1000);
}

static void open_rig(struct rig *r, const char *ini)
{
	struct config *c = load_conf(ini);
	struct buf why = BUF_INIT;
	uint32_t i;

	*r = (struct rig){ .now = { .mono_ms = 1000, .wall_ms = 1700000000000 } };
	assert_int_equal(world_new(c, &r->now, &why, &r->w), 0);
	config_unref(c);
	r->w->tell = on_decision;
	r->w->arg = r;
	for (i = 0; i < r->w->state->layout->n_realservers; i++)
		world_verdict(r->w, i, VERDICT_UP, PROBE_OK);
	settle(r);
}

static void close_rig(struct rig *r)
{
	world_free(r->w);
}

static void set(struct rig *r, const char *target, enum verdict v, enum probe_reason why,
		int64_t ms)
{
	r->now.mono_ms = 1000 + ms;
	r->w->now = r->now;
	world_verdict(r->w, id_of(r->w->state->layout, target), v, why);
}

static bool held(const struct rig *r, const char *target)
{
	const struct layout *l = r->w->state->layout;
	const struct layout_realserver *rs = &l->realservers[id_of(l, target)];
	const struct hold *h =
		holds_of(r->w->holds, l->services[rs->service].conf->head.name, rs->conf->name);

	return h && h->hold_class == HOLD_RULE && h->active;
}

static int32_t want(const struct rig *r, const char *target)
{
	const struct layout *l = r->w->state->layout;

	return r->w->state
		->dests[l->dest_links[l->realservers[id_of(l, target)].first_dest_link]]
		.want;
}

static const struct ruleset_rule *rule(const struct rig *r, const char *name)
{
	const struct ruleset *set = engine_rules(r->w->engine);
	uint32_t i;

	for (i = 0; i < set->n_rules; i++)
		if (!strcmp(set->rules[i].conf->head.name, name))
			return &set->rules[i];
	fail_msg("no rule %s", name);
	return NULL;
}

static const struct rule_slot *slot(const struct rig *r, const char *name, const char *target)
{
	return ruleset_slot(engine_rules(r->w->engine), rule(r, name),
			    id_of(r->w->state->layout, target));
}

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
	struct rig r;

	(void)state;
	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
	set(&r, "web/a", VERDICT_DOWN, PROBE_ANSWER_STATUS, 1);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_TIMEOUT, 2);
	set(&r, "web/c", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 3);
	settle(&r);
	assert_true(held(&r, "web/c"));
	assert_false(held(&r, "web/a") || held(&r, "web/b"));
	close_rig(&r);

	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 9);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 8);
	settle(&r);
	assert_true(held(&r, "web/b"));
	assert_false(held(&r, "web/a"));
	close_rig(&r);

	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 8);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 8);
	settle(&r);
	assert_true(held(&r, "web/a"));
	assert_false(held(&r, "web/b"));
	close_rig(&r);
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

/* A flapping server that is needed comes back at once. */
static void test_flapping_but_needed(void **state)
{
	int64_t at = 0;
	struct rig r;
	int i;

	(void)state;
	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
	for (i = 0; i < 2; i++, at += 10000) {
		set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, at);
		decide_at(&r, at);
		assert_true(held(&r, "web/a"));
		set(&r, "web/a", VERDICT_UP, PROBE_OK, at + 5000);
		decide_at(&r, at + 5000);
	}
	assert_true(held(&r, "web/a"));
	assert_int_equal(slot(&r, "probe-down", "web/a")->delayed, GUARD_FLAPPING);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, at);
	decide_at(&r, at);
	assert_true(held(&r, "web/a")); /* two are left, b among them: it is refused */
	assert_false(held(&r, "web/b"));
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
		cmocka_unit_test(test_flapping_but_needed),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_fallback_stays),
		cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
