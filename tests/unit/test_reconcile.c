/* test_reconcile.c: the only writer to the kernel, event by event: what it writes and
 * what it leaves alone, refusals, readings that are not whole, and somebody else's
 * hands in the same table. */
#include <errno.h>

#include "tests/unit/reconcile_rig.h"

#define VIP "tcp://10.1.2.15:80"
#define WEB                                                                                        \
	"[service web]\naddress = " VIP                                                            \
	"\nrealserver = web1 10.1.2.21\nrealserver = web2 10.1.2.22\n"

/* --- takeover and cold apply ------------------------------------------------------ */

static void test_takeover(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	rig_fill(&r, 100);
	foreign(&r, IPVS_NEW_SERVICE, "tcp://10.9.9.9:80", NULL, 0);
	rig_start(&r, FAST_MS);
	rig_passes(&r, 3);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 0);
	assert_int_equal(r.firsts, 1);
	assert_int_equal(r.stats.drift, 0);
	assert_true(r.stats.kernel_known);
	assert_int_equal(r.stats.kernel_error, 0);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

static void test_cold_apply(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	rig_start(&r, FAST_MS);
	rig_passes(&r, 3);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 100);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 100);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_SERVICE), 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_DEST), 2);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 3);
	assert_int_equal(r.stats.writes.done[IPVS_NEW_DEST], 2);
	assert_int_equal(r.stats.drift, 0);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* More than a batch has room for. */
static void test_cold_apply_large(void **state)
{
	struct buf ini = BUF_INIT;
	struct rig r;
	unsigned int i;

	(void)state;
	buf_puts(&ini, "[service web]\naddress = " VIP "\n");
	for (i = 0; i < 3000; i++)
		buf_printf(&ini, "realserver = web%u 10.2.%u.%u\n", i, i / 250, i % 250 + 1);
	rig_open(&r, buf_str(&ini), fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_DEST), 3000);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 3001);
	rig_close(&r);
	fake_kernel_free(r.kernel);
	buf_fini(&ini);
}

/* Held at 0 by the kernel's table until the first good verdict, then at once. */
static void test_unproven(void **state)
{
	struct rig r;
	uint32_t web2;

	(void)state;
	rig_open(&r, WEB "probe = up\n[probe up]\nurl = tcp://\n", fake_kernel_new());
	rig_fill(&r, 0);
	web2 = id_of(r.a.state->layout, "web/web2");
	r.a.state->realservers[web2].proven = false;
	end_probes(r.a.state, web2, VERDICT_NONE, PROBE_OK, 0);
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 100);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 0);
	end_probes(r.a.state, web2, VERDICT_UP, PROBE_OK, 1);
	agent_decide(&r.a);
	rig_passes(&r, 0);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 100);
	assert_int_equal(r.stats.passes, 1);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* --- refusals --------------------------------------------------------------------- */

static void test_refused_is_retried(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	fake_kernel_fail(r.kernel, IPVS_NEW_DEST, 2, 2, -ENOMEM);
	rig_start(&r, FAST_MS);
	rig_passes(&r, 5);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 100);
	assert_int_equal(r.stats.writes.refused[IPVS_NEW_DEST], 2);
	assert_int_equal(r.stats.writes.done[IPVS_NEW_DEST], 2);
	assert_int_equal(r.stats.writes.done[IPVS_NEW_SERVICE], 1);
	assert_int_equal(r.stats.drift, 0);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* Refused for good: tried again with every pass, and nothing else suffers. */
static void test_refused_for_good(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r,
		 "[service bad]\naddress = tcp://10.1.2.14:80\nscheduler = nosuch\n"
		 "realserver = a 10.1.2.31\n" WEB,
		 fake_kernel_new());
	rig_start(&r, FAST_MS);
	rig_passes(&r, 3);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 100);
	assert_true(r.stats.writes.refused[IPVS_NEW_SERVICE] >= 2);
	assert_int_equal(r.stats.drift, 0);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

static bool reads_twice(struct rig *r)
{
	return r->readings >= 2 && quiet(r);
}

/* Without the capability /proc is shown, and nothing is asked of the kernel. */
static void test_not_permitted(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	foreign(&r, IPVS_NEW_SERVICE, VIP, NULL, 0);
	fake_kernel_break(r.kernel, -EPERM);
	rig_start(&r, FAST_MS);
	rig_run(&r, reads_twice);
	assert_int_equal(r.stats.kernel_error, -EPERM);
	assert_false(r.stats.kernel_known);
	assert_int_equal(r.stats.passes, 0);
	assert_int_equal(r.stats.writes.refused[IPVS_NEW_DEST], 0);
	fake_kernel_break(r.kernel, 0);
	rig_passes(&r, 1);
	assert_int_equal(r.stats.kernel_error, 0);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 100);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

static void test_no_module_at_start(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	fake_kernel_break(r.kernel, -ENOPROTOOPT);
	rig_start(&r, FAST_MS);
	rig_run(&r, reads_twice);
	assert_int_equal(r.stats.kernel_error, -ENOPROTOOPT);
	assert_false(r.stats.kernel_known);
	fake_kernel_break(r.kernel, 0);
	rig_passes(&r, 1);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 100);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

static void test_partial_dump(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	rig_fill(&r, 7);
	foreign(&r, IPVS_NEW_SERVICE, "tcp://10.1.2.99:80", NULL, 0);
	fake_kernel_cut_dump(r.kernel, 1, -EIO);
	rig_start(&r, FAST_MS);
	rig_run(&r, reads_twice);
	assert_int_equal(r.complete, 0);
	assert_int_equal(r.stats.kernel_error, -EIO);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 0);
	fake_kernel_cut_dump(r.kernel, 0, 0);
	rig_passes(&r, 1);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 100);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* --- somebody else ------------------------------------------------------------------ */

static void test_concurrent_delete(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	foreign(&r, IPVS_DEL_DEST, VIP, "10.1.2.22:80", 0);
	rig_hold(&r, "web/web2", HOLD_ZERO);
	rig_passes(&r, 1); /* ENOENT, so it looks again by itself */
	assert_int_equal(r.stats.writes.refused[IPVS_SET_DEST], 1);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 0);
	foreign(&r, IPVS_DEL_SERVICE, VIP, NULL, 0);
	rig_hold(&r, "web/web1", 50);
	rig_passes(&r, 1); /* ESRCH */
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 50);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 0);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

static bool drifted(struct rig *r)
{
	return r->stats.drift >= r->wanted && quiet(r);
}

static void test_drift(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	rig_fill(&r, 100);
	rig_start(&r, FAST_MS);
	rig_passes(&r, 1);
	foreign(&r, IPVS_SET_DEST, VIP, "10.1.2.21:80", 5);
	r.wanted = 1;
	rig_run(&r, drifted);
	rig_passes(&r, 2);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 100);
	assert_int_equal(r.stats.drift, 1);
	foreign(&r, IPVS_DEL_DEST, VIP, "10.1.2.22:80", 0);
	r.wanted = 2;
	rig_run(&r, drifted);
	rig_passes(&r, 2);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 100);
	assert_int_equal(r.stats.drift, 2);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 2);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* A repair that is refused is one drift, not one a pass. */
static void test_drift_refused(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	rig_fill(&r, 100);
	rig_start(&r, FAST_MS);
	rig_passes(&r, 1);
	fake_kernel_fail(r.kernel, IPVS_SET_DEST, 1, 2, -ENOMEM);
	foreign(&r, IPVS_SET_DEST, VIP, "10.1.2.21:80", 5);
	r.wanted = 1;
	rig_run(&r, drifted);
	rig_passes(&r, 4);
	assert_int_equal(r.stats.drift, 1);
	assert_int_equal(r.stats.writes.refused[IPVS_SET_DEST], 2);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 100);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* An add said EEXIST; the next reading shows that all is well: from then on a weight is
 * written at once again. */
static void test_refused_but_well(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	rig_fill(&r, 100);
	foreign(&r, IPVS_DEL_DEST, VIP, "10.1.2.22:80", 0);
	fake_kernel_fail(r.kernel, IPVS_NEW_DEST, 1, 1, -EEXIST);
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	assert_int_equal(r.stats.writes.refused[IPVS_NEW_DEST], 1);
	foreign(&r, IPVS_NEW_DEST, VIP, "10.1.2.22:80", 100);
	rig_passes(&r, 1);
	rig_hold(&r, "web/web2", HOLD_ZERO);
	agent_decide(&r.a);
	rig_passes(&r, 0);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 0);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* SET_DEST replaces everything: what is not sent is lost. */
static void test_all_attributes(void **state)
{
	struct ipvs_key key = key_of(VIP);
	struct addr addr = addr_of("10.1.2.21:80");
	struct ipvs_dest d;
	struct rig r;

	(void)state;
	rig_open(&r,
		 "[service web]\naddress = " VIP "\nrealserver = web1 10.1.2.21 forward=tunnel "
		 "tunnel=gue:6080,csum upper=9 lower=7\n"
		 "realserver = web2 10.1.2.22\n",
		 fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	rig_hold(&r, "web/web1", HOLD_ZERO);
	agent_decide(&r.a);
	rig_passes(&r, 0);
	assert_true(fake_kernel_dest(r.kernel, &key, &addr, &d));
	assert_int_equal(d.weight, 0);
	assert_int_equal(d.forward, IPVS_TUNNEL);
	assert_int_equal(d.tun_type, IPVS_TUN_GUE);
	assert_int_equal(d.tun_port, 6080);
	assert_int_equal(d.tun_flags, IPVS_TUN_CSUM);
	assert_int_equal(d.upper, 9);
	assert_int_equal(d.lower, 7);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

static void test_hold_absent(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, WEB, fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	rig_hold(&r, "web/web1", HOLD_ABSENT);
	agent_decide(&r.a);
	rig_passes(&r, 0);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), -1);
	rig_release(&r, "web/web1");
	agent_decide(&r.a);
	rig_passes(&r, 0);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 100);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 5);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takeover),
		cmocka_unit_test(test_cold_apply),
		cmocka_unit_test(test_cold_apply_large),
		cmocka_unit_test(test_unproven),
		cmocka_unit_test(test_refused_is_retried),
		cmocka_unit_test(test_refused_for_good),
		cmocka_unit_test(test_not_permitted),
		cmocka_unit_test(test_no_module_at_start),
		cmocka_unit_test(test_partial_dump),
		cmocka_unit_test(test_concurrent_delete),
		cmocka_unit_test(test_drift),
		cmocka_unit_test(test_drift_refused),
		cmocka_unit_test(test_refused_but_well),
		cmocka_unit_test(test_all_attributes),
		cmocka_unit_test(test_hold_absent),
	};

	return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
