/* test_remedy.c: from verdicts to holds, as the agent decides it: in the order of
 * evidence, as far as the guard lets it, and back. */
#include <errno.h>

#include "agent/agent.h"
#include "agent/base/loop.h"
#include "agent/holds/place.h"
#include "agent/rules/remedy.h"
#include "agent/sync/desired.h"
#include "tests/unit/model_fixture.h"

#define PROBE "[probe p]\nurl = http://x/\n"
#define HEAD  "[service web]\naddress = tcp://10.1.2.15:80\nprobe = p\n"
#define THREE "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\nrealserver = c 10.1.2.23\n"

struct rig {
	struct agent a;
	bool kernel_known;
};

static void on_hold(void *arg, const char *service, const char *realserver)
{
	struct rig *r = arg;
	uint32_t id = layout_find_service(r->a.state->layout, service);

	(void)realserver;
	if (id != LAYOUT_NONE)
		state_dirty(r->a.state, id);
}

static void open_rig(struct rig *r, const char *ini)
{
	struct remedy_rule rule = { .name = "probe-down", .effect = HOLD_ZERO };
	uint32_t i;

	*r = (struct rig){ .kernel_known = true };
	r->a.state = make_state(ini);
	assert_int_equal(loop_new(&r->a.loop), 0);
	assert_int_equal(holds_new(&r->a.holds), 0);
	assert_int_equal(placer_new(r->a.loop, NULL, r->a.holds, on_hold, r, &r->a.placer), 0);
	assert_int_equal(remedy_new(&rule, r->a.holds, r->a.placer, &r->a.remedy), 0);
	for (i = 0; i < r->a.state->layout->n_dests; i++)
		r->a.state->dests[i].cap = 0;
	all_up(r->a.state);
}

static void close_rig(struct rig *r)
{
	remedy_free(r->a.remedy);
	placer_free(r->a.placer);
	holds_free(r->a.holds);
	loop_free(r->a.loop);
	state_free(r->a.state);
}

/* What agent_decide() does, without a kernel. */
static void decide(struct rig *r)
{
	struct state *s = r->a.state;
	unsigned int rounds = 0;
	uint32_t i;

	while (s->n_dirty) {
		uint32_t service = s->dirty[--s->n_dirty];
		const struct layout_service *svc = &s->layout->services[service];

		assert_true(++rounds < 100);
		s->services[service].dirty = false;
		s->services[service].panic = desired_panic(s->layout, s, service);
		s->services[service].backup_up = desired_backup_up(s->layout, s, service);
		for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++)
			agent_want(&r->a, i);
		remedy_service(r->a.remedy, s, service, r->kernel_known, 1000);
		agent_count(s, service);
	}
}

static void set(struct rig *r, const char *target, enum verdict v, enum probe_reason why,
		int64_t now_ms)
{
	end_probes(r->a.state, id_of(r->a.state->layout, target), v, why, now_ms);
}

static bool held(const struct rig *r, const char *target)
{
	const struct layout *l = r->a.state->layout;
	const struct layout_realserver *rs = &l->realservers[id_of(l, target)];
	const struct hold *h =
		holds_of(r->a.holds, l->services[rs->service].conf->head.name, rs->conf->name);

	return h && h->hold_class == HOLD_RULE && h->active;
}

static int32_t want(const struct rig *r, const char *target)
{
	const struct layout *l = r->a.state->layout;

	return r->a.state->dests[l->dest_links[l->realservers[id_of(l, target)].first_dest_link]]
		.want;
}

static struct remedy_stats stats_of(const struct rig *r)
{
	struct remedy_stats stats;

	remedy_stats(r->a.remedy, &stats);
	return stats;
}

static void test_hold_and_release(void **state)
{
	struct buf why = BUF_INIT;
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	decide(&r);
	assert_int_equal(r.a.state->services[0].available, 3);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 5);
	decide(&r);
	assert_true(held(&r, "web/b"));
	assert_int_equal(want(&r, "web/b"), 0);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(r.a.state->services[0].available, 2);
	remedy_reason(r.a.state, id_of(r.a.state->layout, "web/b"), &why);
	assert_non_null(strstr(buf_str(&why), probe_reasons[PROBE_CONNECT_REFUSED].sentence));
	state_dirty_all(r.a.state);
	decide(&r);
	assert_int_equal(stats_of(&r).detected, 1); /* once */
	assert_int_equal(stats_of(&r).enforced, 1);
	set(&r, "web/b", VERDICT_UP, PROBE_OK, 6);
	decide(&r);
	assert_false(held(&r, "web/b"));
	assert_int_equal(want(&r, "web/b"), 100);
	assert_int_equal(holds_count(r.a.holds), 0);
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
	decide(&r);
	assert_false(held(&r, "web/a"));
	set(&r, "web/b", VERDICT_NONE, PROBE_LOCAL_ROUTE, 6);
	decide(&r);
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
	decide(&r);
	assert_true(held(&r, "web/c"));
	assert_false(held(&r, "web/a") || held(&r, "web/b"));
	close_rig(&r);

	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 9);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 8);
	decide(&r);
	assert_true(held(&r, "web/b"));
	assert_false(held(&r, "web/a"));
	close_rig(&r);

	open_rig(&r, HEAD "min_available = 2\n" THREE PROBE);
	set(&r, "web/b", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 8);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 8);
	decide(&r);
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
	decide(&r);
	assert_true(held(&r, "web/a"));
	assert_false(held(&r, "web/b"));
	assert_int_equal(want(&r, "web/b"), 100);
	assert_true(r.a.state->realservers[id_of(r.a.state->layout, "web/b")].firing);
	assert_int_equal(stats_of(&r).refused[GUARD_MIN_AVAILABLE], 1);
	state_dirty_all(r.a.state);
	decide(&r);
	assert_int_equal(stats_of(&r).refused[GUARD_MIN_AVAILABLE], 1);
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 3);
	decide(&r);
	assert_false(held(&r, "web/a"));
	assert_true(held(&r, "web/b"));
	assert_int_equal(stats_of(&r).enforced, 2);
	assert_int_equal(r.a.state->realservers[id_of(r.a.state->layout, "web/b")].refused,
			 GUARD_ADMIT);
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
	decide(&r);
	assert_int_equal(holds_count(r.a.holds), 2);
	assert_int_equal(r.a.state->services[0].available, 1);
	assert_int_equal(want(&r, "web/c"), 100);
	close_rig(&r);

	open_rig(&r, HEAD THREE PROBE);
	for (i = 0; i < 3; i++)
		end_probes(r.a.state, i, VERDICT_DOWN, PROBE_CONNECT_REFUSED, i);
	decide(&r);
	assert_true(r.a.state->services[0].panic);
	assert_int_equal(r.a.state->services[0].available, 3);
	assert_int_equal(holds_count(r.a.holds), 2);
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
		end_probes(r.a.state, i, VERDICT_DOWN, PROBE_CONNECT_REFUSED, i);
	decide(&r);
	assert_int_equal(holds_count(r.a.holds), 3);
	assert_int_equal(want(&r, "web/sorry"), 100);
	assert_int_equal(r.a.state->services[0].available, 1);
	set(&r, "web/sorry", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 9);
	decide(&r);
	assert_int_equal(want(&r, "web/sorry"), 0);
	assert_int_equal(want(&r, "web/a"), 100);
	assert_int_equal(r.a.state->services[0].available, 3);
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 10);
	set(&r, "web/sorry", VERDICT_UP, PROBE_OK, 10);
	decide(&r);
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
	r.kernel_known = false;
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	decide(&r);
	assert_int_equal(holds_count(r.a.holds), 0);
	assert_int_equal(stats_of(&r).refused[GUARD_SETTLING], 1);
	r.kernel_known = true;
	state_dirty_all(r.a.state);
	decide(&r);
	assert_true(held(&r, "web/a"));
	close_rig(&r);
}

/* It is down and up all the time: as many holds as downs, and nothing is left over. */
static void test_flapping(void **state)
{
	struct rig r;
	int i;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	for (i = 0; i < 20; i++) {
		set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, i);
		decide(&r);
		assert_true(held(&r, "web/a"));
		set(&r, "web/a", VERDICT_UP, PROBE_OK, i);
		decide(&r);
		assert_false(held(&r, "web/a"));
	}
	assert_int_equal(stats_of(&r).detected, 20);
	assert_int_equal(stats_of(&r).enforced, 20);
	assert_int_equal(holds_count(r.a.holds), 0);
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
	assert_int_equal(holds_place(r.a.holds, op, NULL), 0);
	set(&r, "web/a", VERDICT_DOWN, PROBE_CONNECT_REFUSED, 1);
	decide(&r);
	assert_int_equal(holds_count(r.a.holds), 2);
	set(&r, "web/a", VERDICT_UP, PROBE_OK, 2);
	decide(&r);
	assert_int_equal(want(&r, "web/a"), 0); /* a lower class lifts nothing of it */
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

	assert_int_equal(holds_place(r->a.holds, h, NULL), 0);
}

/* Holds of this rule on what is not there any more end; all others stay. */
static void test_sweep(void **state)
{
	struct rig r;

	(void)state;
	open_rig(&r, HEAD THREE PROBE);
	place(&r, "1", HOLD_RULE, "probe-down", "web", "gone");
	place(&r, "2", HOLD_RULE, "probe-down", "gone", "a");
	place(&r, "3", HOLD_RULE, "probe-down", "web", "a");
	place(&r, "4", HOLD_RULE, "another", "web", "gone");
	place(&r, "5", HOLD_OPERATOR, "probe-down", "web", "gone");
	remedy_sweep(r.a.remedy, r.a.state);
	assert_int_equal(holds_count(r.a.holds), 3);
	assert_null(holds_find(r.a.holds, "1"));
	assert_null(holds_find(r.a.holds, "2"));
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
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests_name("remedy", tests, NULL, NULL);
}
