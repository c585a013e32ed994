/* test_reconcile_drift.c: somebody else's hands in our table under each policy of
 * `drift`: what becomes a hold, what is put right, what is left alone, and that a
 * decision of ours goes out all the same. */
#include <errno.h>

#include "agent/ipvs/ipvs.h"
#include "agent/sync/drift.h"
#include "tests/unit/reconcile_rig.h"

#define VIP "tcp://10.1.2.15:80"
#define TLS "tcp://10.1.2.15:443"
#define W1  "10.1.2.21:80"
#define W2  "10.1.2.22:80"
#define WEB(keys)                                                                                  \
	"[service web]\naddress = " VIP "\n" keys                                                  \
	"realserver = web1 10.1.2.21\nrealserver = web2 10.1.2.22\n"

static char dir[] = "/tmp/drift-XXXXXX";

static void remove_files(void)
{
	static const char *const names[] = { "ledger", "lock" };
	char path[80];
	size_t i;

	for (i = 0; i < countof(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
}

/* A rig with a kernel as asked for, after a pass. */
static void begin(struct rig *r, const char *ini)
{
	rig_open_in(r, ini, fake_kernel_new(), dir);
	rig_fill(r, 100);
	rig_start(r, FAST_MS);
	rig_passes(r, 1);
	assert_int_equal(r->stats.drift, 0);
}

static void finish(struct rig *r)
{
	rig_close(r);
	fake_kernel_free(r->kernel);
	remove_files();
}

static bool drifted(struct rig *r)
{
	return r->stats.drift >= r->wanted && quiet(r);
}

/* Somebody sets a weight; returns when it was found, and two passes more. */
static void foreign_weight(struct rig *r, const char *vip, const char *dest, uint32_t weight)
{
	uint64_t drift = r->stats.drift + 1;

	foreign(r, IPVS_SET_DEST, vip, dest, weight);
	r->wanted = drift;
	rig_run(r, drifted);
	rig_passes(r, 2);
	assert_int_equal(r->stats.drift, drift);
}

static uint32_t writes(struct rig *r)
{
	return fake_kernel_writes(r->kernel, IPVS_N_OPS);
}

static const struct hold *the_hold(struct rig *r, const char *realserver)
{
	return holds_of(r->a.holds, "web", realserver);
}

static bool held(struct rig *r)
{
	return the_hold(r, "web1") && quiet(r);
}

static bool free_again(struct rig *r)
{
	return !the_hold(r, "web1") && quiet(r);
}

/* --- adoption ------------------------------------------------------------------- */

static void test_zero_is_a_hold(void **state)
{
	const struct hold *h;
	struct rig r;

	(void)state;
	begin(&r, WEB("drift_ttl = 1h\n"));
	foreign_weight(&r, VIP, W1, 0);
	rig_run(&r, held);
	h = the_hold(&r, "web1");
	assert_int_equal(h->hold_class, HOLD_OPERATOR);
	assert_string_equal(h->holder, "ipvsadm");
	assert_int_equal(h->effect, HOLD_ZERO);
	assert_int_equal(h->until_wall_ms - h->since_wall_ms, 3600000);
	assert_string_equal(h->reason, "somebody set weight 0 in the kernel (found at " VIP
				       " where 100 was wanted)");
	rig_passes(&r, 2);
	assert_int_equal(r.stats.drift_adopted, 1);
	assert_int_equal(weight_of(&r, VIP, W1), 0);
	/* His hand again. */
	foreign_weight(&r, VIP, W1, 100);
	rig_run(&r, free_again);
	assert_int_equal(weight_of(&r, VIP, W1), 100);
	assert_int_equal(writes(&r), 0);
	finish(&r);
}

static bool held_and_passed(struct rig *r)
{
	return the_hold(r, "web1") && r->stats.passes >= r->wanted && !r->stats.busy;
}

/* The hold is there, and passes come before what it means is decided: his weight is not
 * put right for that moment. */
static void test_undecided(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, WEB(""));
	r.never = true;
	foreign(&r, IPVS_SET_DEST, VIP, W1, 0);
	r.wanted = r.stats.passes + 1;
	rig_run(&r, held_and_passed);
	r.wanted = r.stats.passes + 3;
	rig_run(&r, held_and_passed);
	assert_int_equal(weight_of(&r, VIP, W1), 0);
	assert_int_equal(writes(&r), 0);
	r.never = false;
	rig_passes(&r, 2);
	assert_int_equal(weight_of(&r, VIP, W1), 0);
	assert_int_equal(writes(&r), 0);
	assert_int_equal(r.stats.drift, 1);
	finish(&r);
}

/* What ends the hold on our side is a decision, and written. */
static void test_lifted_hold_is_written(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, WEB(""));
	foreign_weight(&r, VIP, W1, 0);
	rig_run(&r, held);
	placer_lift(r.a.placer, the_hold(&r, "web1")->id);
	agent_decide(&r.a);
	rig_passes(&r, 2);
	assert_int_equal(weight_of(&r, VIP, W1), 100);
	assert_null(the_hold(&r, "web1"));
	assert_int_equal(r.stats.drift, 1);
	finish(&r);
}

static bool second_held(struct rig *r)
{
	return the_hold(r, "web2") && quiet(r);
}

static bool second_held_once(struct rig *r)
{
	return second_held(r) && !the_hold(r, "web2")->next;
}

/* Set back while a rule wants 0 as well: the hold ends, the weight does not stand. */
static void test_set_back_is_not_above_others(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, WEB(""));
	foreign_weight(&r, VIP, W2, 0);
	rig_run(&r, second_held);
	rig_hold(&r, "web/web2", HOLD_ZERO);
	rig_passes(&r, 1);
	foreign_weight(&r, VIP, W2, 100);
	rig_run(&r, second_held_once);
	assert_int_equal(weight_of(&r, VIP, W2), 0);
	assert_string_equal(the_hold(&r, "web2")->id, "web/web2");
	assert_null(the_hold(&r, "web2")->next);
	finish(&r);
}

/* One address of a realserver speaks for all of them, both ways. */
static void test_two_addresses(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, WEB("address = " TLS "\n"));
	foreign_weight(&r, VIP, W1, 0);
	rig_run(&r, held);
	rig_passes(&r, 1);
	assert_int_equal(weight_of(&r, TLS, "10.1.2.21:443"), 0);
	assert_int_equal(writes(&r), 1);
	foreign_weight(&r, VIP, W1, 100);
	rig_run(&r, free_again);
	rig_passes(&r, 1);
	assert_int_equal(weight_of(&r, VIP, W1), 100);
	assert_int_equal(weight_of(&r, TLS, "10.1.2.21:443"), 100);
	assert_int_equal(writes(&r), 2);
	finish(&r);
}

/* ipvsadm -e without the method means route: the weight is kept, the method is not. */
static void test_other_attributes(void **state)
{
	struct ipvs_key key = key_of(VIP);
	struct addr addr = addr_of(W1);
	struct ipvs_dest d;
	struct rig r;

	(void)state;
	begin(&r, WEB("forward = masq\n"));
	foreign_weight(&r, VIP, W1, 0);
	rig_run(&r, held);
	rig_passes(&r, 2);
	assert_true(fake_kernel_dest(r.kernel, &key, &addr, &d));
	assert_int_equal(d.weight, 0);
	assert_int_equal(d.forward, IPVS_MASQ);
	assert_int_equal(r.stats.drift, 1);
	finish(&r);
}

static bool held_at_60(struct rig *r)
{
	return the_hold(r, "web1")->effect == 60 && quiet(r);
}

static void test_adopt(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, WEB("drift = adopt\n"));
	foreign_weight(&r, VIP, W1, 30);
	rig_run(&r, held);
	assert_int_equal(the_hold(&r, "web1")->effect, 30);
	foreign_weight(&r, VIP, W1, 60); /* still lowered */
	rig_run(&r, held_at_60);
	assert_int_equal(the_hold(&r, "web1")->effect, 60);
	assert_null(the_hold(&r, "web1")->next);
	assert_int_equal(weight_of(&r, VIP, W1), 60);
	assert_int_equal(writes(&r), 0);
	foreign_weight(&r, VIP, W2, 200); /* a hold never raises */
	assert_int_equal(weight_of(&r, VIP, W2), 100);
	finish(&r);
}

/* No ledger, no hold: left alone, and not fought either. */
static void test_not_recorded(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB(""), fake_kernel_new());
	rig_fill(&r, 100);
	rig_start(&r, FAST_MS);
	rig_passes(&r, 1);
	foreign_weight(&r, VIP, W1, 0);
	rig_passes(&r, 3);
	assert_null(the_hold(&r, "web1"));
	assert_int_equal(weight_of(&r, VIP, W1), 0);
	assert_int_equal(writes(&r), 0);
	assert_int_equal(r.a.state->dests[0].left + r.a.state->dests[1].left, LEFT_ASKED);
	finish(&r);
}

/* --- report --------------------------------------------------------------------- */

static void test_report(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, WEB("drift = report\n"));
	foreign_weight(&r, VIP, W1, 5);
	foreign_weight(&r, VIP, W2, 0);
	rig_reload(&r, WEB("drift = report\n"), FAST_MS);
	rig_passes(&r, 2);
	assert_int_equal(weight_of(&r, VIP, W1), 5);
	assert_int_equal(weight_of(&r, VIP, W2), 0);
	assert_int_equal(writes(&r), 0);
	assert_int_equal(r.stats.drift, 2);
	/* A decision that lowers goes out; one that raises does not. */
	rig_hold(&r, "web/web1", HOLD_ZERO);
	rig_hold(&r, "web/web2", 50);
	agent_decide(&r.a);
	rig_passes(&r, 1);
	assert_int_equal(weight_of(&r, VIP, W1), 0);
	assert_int_equal(weight_of(&r, VIP, W2), 0);
	assert_int_equal(writes(&r), 1);
	/* Another policy, another answer. */
	rig_reload(&r, WEB("drift = repair\n"), FAST_MS);
	rig_passes(&r, 2);
	assert_int_equal(weight_of(&r, VIP, W2), 50);
	assert_int_equal(r.stats.drift, 2);
	finish(&r);
}

/* What is gone stays gone, what was added stays; until the policy is another. */
static void test_report_others(void **state)
{
	struct rig r;

	(void)state;
	begin(&r, WEB("drift = report\non_remove = now\n"));
	foreign(&r, IPVS_DEL_DEST, VIP, W2, 0);
	foreign(&r, IPVS_NEW_DEST, VIP, "10.1.2.99:80", 9);
	r.wanted = 2;
	rig_run(&r, drifted);
	rig_passes(&r, 3);
	assert_int_equal(weight_of(&r, VIP, W2), -1);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.99:80"), 9);
	assert_int_equal(r.stats.drift, 2);
	assert_int_equal(writes(&r), 0);
	rig_reload(&r, WEB("drift = auto\non_remove = now\n"), FAST_MS);
	rig_passes(&r, 2);
	assert_int_equal(weight_of(&r, VIP, W2), 100);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.99:80"), -1);
	finish(&r);
}

static void test_report_service(void **state)
{
	struct ipvs_key key = key_of(VIP);
	struct rig r;

	(void)state;
	begin(&r, WEB("drift = report\n"));
	foreign(&r, IPVS_DEL_SERVICE, VIP, NULL, 0);
	r.wanted = 1;
	rig_run(&r, drifted);
	rig_passes(&r, 3);
	assert_false(fake_kernel_service(r.kernel, &key, NULL));
	assert_int_equal(writes(&r), 0);
	assert_int_equal(r.stats.drift, 1);
	finish(&r);
}

/* --- the stop --------------------------------------------------------------------- */

static void test_stop(void **state)
{
	unsigned int i;
	struct rig r;

	(void)state;
	begin(&r, WEB(""));
	for (i = 0; i < DRIFT_REPAIRS; i++) {
		assert_int_equal(r.stats.drift_stopped, 0);
		foreign_weight(&r, VIP, W1, 5);
		assert_int_equal(weight_of(&r, VIP, W1), 100);
	}
	assert_int_equal(r.stats.drift_stopped, 1);
	foreign_weight(&r, VIP, W1, 5);
	rig_reload(&r, WEB(""), FAST_MS);
	rig_passes(&r, 2);
	assert_int_equal(weight_of(&r, VIP, W1), 5);
	assert_int_equal(r.stats.drift, 4);
	/* The others are not concerned. */
	foreign_weight(&r, VIP, W2, 5);
	assert_int_equal(weight_of(&r, VIP, W2), 100);
	/* A dead server goes to 0. */
	rig_hold(&r, "web/web1", HOLD_ZERO);
	agent_decide(&r.a);
	rig_passes(&r, 0);
	assert_int_equal(weight_of(&r, VIP, W1), 0);
	foreign_weight(&r, VIP, W1, 7);
	assert_int_equal(weight_of(&r, VIP, W1), 7);
	assert_int_equal(r.stats.drift_stopped, 1);
	finish(&r);
}

/* --- the start -------------------------------------------------------------------- */

#define PROBED WEB("probe = up\n") "[probe up]\nurl = tcp://\n"

/* Found at 0 at the start; `conns` had come to it. */
static void start_at_zero(struct rig *r, const char *ini, bool owned, uint64_t conns)
{
	struct ipvs_key key = key_of(VIP);
	struct addr addr = addr_of(W1);

	rig_open_in(r, ini, fake_kernel_new(), dir);
	rig_fill(r, 100);
	foreign(r, IPVS_SET_DEST, VIP, W1, 0);
	assert_true(fake_kernel_traffic(r->kernel, &key, &addr, 0, 0,
					&(struct ipvs_stats){ .conns = conns }));
	rig_start(r, FAST_MS);
	if (owned)
		assert_int_equal(reconcile_own(r->a.reconcile, &key), 0);
	rig_passes(r, 3);
}

static void test_start(void **state)
{
	static const struct {
		const char *ini;
		bool owned;
		uint64_t conns;
		int weight;
	} rows[] = {
		{ WEB(""), true, 0, 0 },
		{ WEB(""), false, 0, 100 },
		{ WEB("drift = repair\n"), true, 0, 100 },
		{ PROBED, true, 5, 0 },
		{ PROBED, true, 0, 100 }, /* perhaps it was never up before */
		{ PROBED, false, 5, 100 },
		{ WEB("initial = down\nprobe = up\n") "[probe up]\nurl = tcp://\n", true, 5, 100 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < countof(rows); i++) {
		struct rig r;

		start_at_zero(&r, rows[i].ini, rows[i].owned, rows[i].conns);
		if (!rows[i].weight)
			rig_run(&r, held); /* when it is on disk */
		if (weight_of(&r, VIP, W1) != rows[i].weight ||
		    (the_hold(&r, "web1") != NULL) != !rows[i].weight)
			fail_msg("row %zu: weight %d", i, weight_of(&r, VIP, W1));
		finish(&r);
	}
	/* Reported: left alone, and no hold. */
	{
		struct rig r;

		start_at_zero(&r, WEB("drift = report\n"), true, 0);
		assert_int_equal(weight_of(&r, VIP, W1), 0);
		assert_null(the_hold(&r, "web1"));
		assert_int_equal(r.stats.drift, 1);
		finish(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_is_a_hold),
		cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_lifted_hold_is_written),
		cmocka_unit_test(test_set_back_is_not_above_others),
		cmocka_unit_test(test_two_addresses),
		cmocka_unit_test(test_other_attributes),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_not_recorded),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_report_others),
		cmocka_unit_test(test_report_service),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_start),
	};
	int r;

	if (!mkdtemp(dir))
		return 1;
	r = cmocka_run_group_tests_name("reconcile, drift", tests, NULL, NULL);
	rmdir(dir);
	return r;
}
