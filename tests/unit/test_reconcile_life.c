/* test_reconcile_life.c: the reconciler while other things happen: weights decided
 * during a pass, reloads, scrapes, the ledger, and the end with writes under way. */
#include <errno.h>
#include <sys/stat.h>

#include "agent/base/clock.h"
#include "agent/holds/ledger.h"
#include "tests/unit/reconcile_rig.h"

#define VIP   "tcp://10.1.2.15:80"
#define HEAD  "[service web]\naddress = " VIP "\n"
#define WEB1  "realserver = web1 10.1.2.21\n"
#define WEB2  "realserver = web2 10.1.2.22\n"
#define WEB3  "realserver = web3 10.1.2.23\n"
#define OTHER "[service other]\naddress = tcp://10.1.2.16:80\nrealserver = o1 10.1.2.31\n"

/* --- during a pass ------------------------------------------------------------------ */

static void test_overtakes(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2 OTHER, fake_kernel_new());
	rig_fill(&r, 100);
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	/* A reading stands still before it lists the destinations of `web`. */
	fake_kernel_halt(r.kernel, 0);
	reconcile_read(r.a.reconcile);
	fake_kernel_await_halt(r.kernel);
	rig_hold(&r, "other/o1", HOLD_ZERO);
	agent_decide(&r.a);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 0);
	fake_kernel_go_on(r.kernel);
	rig_passes(&r, 0);
	assert_int_equal(weight_of(&r, "tcp://10.1.2.16:80", "10.1.2.31:80"), 0);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_SET_DEST), 1);
	assert_int_equal(r.stats.passes, 1);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* A full pass whose reading a write overlapped, so that it shows what was before: no
 * drift, no second write. */
static void test_overlap_is_no_drift(void **state)
{
	struct rig r;
	int64_t begun;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2 OTHER, fake_kernel_new());
	rig_fill(&r, 100);
	rig_start(&r, 1);
	rig_passes(&r, 1);
	for (begun = clock_mono_ms(); clock_mono_ms() <= begun + 1;)
		; /* the next reading is a full pass's */
	fake_kernel_halt(r.kernel, 99);
	reconcile_read(r.a.reconcile);
	fake_kernel_await_halt(r.kernel);
	rig_hold(&r, "other/o1", HOLD_ZERO);
	agent_decide(&r.a);
	fake_kernel_go_on(r.kernel);
	rig_passes(&r, 3);
	assert_int_equal(weight_of(&r, "tcp://10.1.2.16:80", "10.1.2.31:80"), 0);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 1);
	assert_int_equal(r.stats.drift, 0);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

static bool read_once(struct rig *r)
{
	return r->readings > 0;
}

/* At the start the writes come first, then what is shown … */
static void test_first_is_written_then_told(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2 OTHER, fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_run(&r, read_once);
	assert_int_equal(r.written, 5);
	rig_passes(&r, 0);
	assert_int_equal(r.readings, 1);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* … but who waits for it has it at once, and a second one behind it. */
static void test_first_is_told_who_waits(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2 OTHER, fake_kernel_new());
	r.read_first = true;
	rig_start(&r, NEVER_MS);
	rig_run(&r, read_once);
	assert_int_equal(r.written, 0);
	rig_passes(&r, 1);
	assert_int_equal(r.readings, 2);
	assert_int_equal(r.written, 5);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

static void test_reload_mid_pass(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2, fake_kernel_new());
	fake_kernel_halt(r.kernel, 99);
	rig_start(&r, NEVER_MS);
	fake_kernel_await_halt(r.kernel);
	rig_reload(&r, HEAD WEB2 WEB3, NEVER_MS);
	fake_kernel_go_on(r.kernel);
	rig_passes(&r, 1);
	assert_int_equal(r.stats.passes, 1); /* the old layout's reading was void */
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), -1);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 100);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.23:80"), 100);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* A reload writes the difference and nothing else, in one pass, also where weights
 * change along. */
static void test_reload_difference(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2 OTHER, fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	rig_reload(&r, HEAD "realserver = web1 10.1.2.21 weight=50\n" WEB3 OTHER, NEVER_MS);
	rig_passes(&r, 1);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 50);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 0);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.23:80"), 100);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_SET_DEST), 2);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_DEST), 4);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 8);
	assert_int_equal(r.stats.drift, 0);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* The write of the old layout is under way when the new one comes: no drift of it. */
static void test_reload_with_writes_under_way(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2 OTHER, fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	rig_hold(&r, "web/web1", HOLD_ZERO);
	agent_decide(&r.a);
	rig_release(&r, "web/web1");
	rig_reload(&r, HEAD WEB1 WEB2 OTHER, NEVER_MS);
	rig_passes(&r, 1);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.21:80"), 100);
	assert_int_equal(r.stats.drift, 0);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

static bool passes_somehow(struct rig *r)
{
	return r->stats.passes >= 4;
}

/* However often somebody scrapes, full passes come at their time. */
static void test_scrapes_do_not_starve(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2, fake_kernel_new());
	r.read_on = true;
	rig_start(&r, FAST_MS);
	rig_run(&r, passes_somehow);
	assert_true(r.readings > 4);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* --- what adds comes first ------------------------------------------------------------ */

static bool refused_thrice(struct rig *r)
{
	return r->stats.writes.refused[IPVS_NEW_DEST] >= 3 && quiet(r);
}

/* A realserver moved, and its new address is refused: the old one goes on serving. */
static void test_delete_waits_for_add(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD "on_remove = now\n" WEB1 WEB2, fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	fake_kernel_fail(r.kernel, IPVS_NEW_DEST, 1, 1000, -ENOMEM);
	rig_reload(&r, HEAD "on_remove = now\n" WEB1 "realserver = web2 10.1.2.32\n", FAST_MS);
	rig_run(&r, refused_thrice);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), 100);
	fake_kernel_fail(r.kernel, IPVS_NEW_DEST, 1, 0, 0);
	rig_passes(&r, 3);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.22:80"), -1);
	assert_int_equal(weight_of(&r, VIP, "10.1.2.32:80"), 100);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* A service of 1,500, which takes several batches; at 10.3.x.x, or elsewhere. */
static char *many(unsigned int second_byte)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, HEAD "on_remove = now\n");
	for (unsigned int i = 0; i < 1500; i++)
		buf_printf(&b, "realserver = r%u 10.%u.%u.%u\n", i, second_byte, i / 250,
			   i % 250 + 1);
	assert_true(buf_ok(&b));
	return buf_take(&b);
}

/* The same where the refused one is the last of several batches: those that take away
 * wait for the answers to all that add. */
static void test_deletes_wait_for_all_batches(void **state)
{
	char *before = many(3), *after = many(4);
	struct rig r;

	(void)state;
	rig_open(&r, before, fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_DEST), 1500);
	fake_kernel_fail(r.kernel, IPVS_NEW_DEST, 1500, 1, -ENOMEM);
	rig_reload(&r, after, NEVER_MS);
	rig_passes(&r, 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_DEST), 3000);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_DEL_DEST), 0);
	assert_int_equal(weight_of(&r, VIP, "10.3.0.1:80"), 100);
	rig_passes(&r, 1); /* the retry */
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_DEST), 3001);
	rig_passes(&r, 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_DEL_DEST), 1500);
	rig_close(&r);
	fake_kernel_free(r.kernel);
	free(before);
	free(after);
}

/* The difference is not worked out from what nobody has decided yet: all would be let go
 * of. What does not come to be decided by itself is, when nothing else is waited for. */
static void test_difference_waits_for_decisions(void **state)
{
	for (int never = 0; never <= 1; never++) {
		struct rig r;

		(void)state;
		rig_open(&r, HEAD WEB1 WEB2 OTHER, fake_kernel_new());
		r.later = !never;
		r.never = never;
		rig_fill(&r, 100);
		rig_start(&r, NEVER_MS);
		rig_passes(&r, 1);
		assert_int_equal(r.firsts, 1);
		assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 0);
		rig_close(&r);
		fake_kernel_free(r.kernel);
	}
}

/* A reload of what is in force costs one reading. */
static void test_same_reload(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2 OTHER, fake_kernel_new());
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	assert_int_equal(fake_kernel_dumps(r.kernel), 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 5);
	rig_reload(&r, HEAD WEB1 WEB2 OTHER, NEVER_MS);
	rig_passes(&r, 1);
	assert_int_equal(fake_kernel_dumps(r.kernel), 2);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 5);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* --- the ledger --------------------------------------------------------------------- */

static void ledger_in(struct rig *r, const char *dir)
{
	struct ledger_state kept;
	struct buf why = BUF_INIT;

	assert_int_equal(ledger_open(dir, r->a.loop, &why, &kept, &r->a.ledger), 0);
	ledger_state_fini(&kept);
	buf_fini(&why);
}

static size_t owned_in(const char *dir, struct ipvs_key *ret_first)
{
	struct ledger_state kept;
	struct buf why = BUF_INIT;
	size_t n;

	assert_int_equal(ledger_read(dir, &why, &kept), 0);
	n = kept.n_owned;
	if (n)
		*ret_first = kept.owned[0];
	ledger_state_fini(&kept);
	buf_fini(&why);
	return n;
}

static void remove_dir(const char *dir)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/ledger", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock", dir);
	unlink(path);
	rmdir(dir);
}

static void test_own_and_disown(void **state)
{
	char dir[] = "/tmp/reconcile-XXXXXX";
	struct ipvs_key key = { 0 }, web = key_of(VIP);
	struct rig r;

	(void)state;
	assert_non_null(mkdtemp(dir));
	rig_open(&r, HEAD WEB1 OTHER, fake_kernel_new());
	ledger_in(&r, dir);
	foreign(&r, IPVS_NEW_SERVICE, "tcp://10.9.9.9:80", NULL, 0);
	rig_start(&r, FAST_MS);
	rig_passes(&r, 1);
	rig_reload(&r, HEAD WEB1, FAST_MS);
	rig_passes(&r, 4); /* drained, deleted */
	assert_false(fake_kernel_service(r.kernel, &(struct ipvs_key){ 0 }, NULL));
	assert_int_equal(weight_of(&r, "tcp://10.1.2.16:80", "10.1.2.31:80"), -1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_DEL_SERVICE), 1);
	rig_close(&r);
	assert_int_equal(owned_in(dir, &key), 1);
	assert_int_equal(ipvs_key_cmp(&key, &web), 0);
	fake_kernel_free(r.kernel);
	remove_dir(dir);
}

/* Ours by the ledger, gone from the file, and somebody deleted it: whoever makes it
 * anew may keep it. */
static void test_vanished_is_disowned(void **state)
{
	struct ipvs_key gone = key_of("tcp://10.1.2.16:80");
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1, fake_kernel_new());
	rig_start(&r, FAST_MS);
	assert_int_equal(reconcile_own(r.a.reconcile, &gone), 0);
	rig_passes(&r, 2);
	foreign(&r, IPVS_NEW_SERVICE, "tcp://10.1.2.16:80", NULL, 0);
	rig_passes(&r, 3);
	assert_true(fake_kernel_service(r.kernel, &gone, NULL));
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* What left the file while the agent was stopped goes too. */
static void test_left_while_stopped(void **state)
{
	struct ipvs_key left = key_of("tcp://10.1.2.16:80");
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1, fake_kernel_new());
	foreign(&r, IPVS_NEW_SERVICE, "tcp://10.1.2.16:80", NULL, 0);
	foreign(&r, IPVS_NEW_DEST, "tcp://10.1.2.16:80", "10.1.2.31:80", 100);
	rig_start(&r, FAST_MS);
	assert_int_equal(reconcile_own(r.a.reconcile, &left), 0);
	rig_passes(&r, 3);
	assert_false(fake_kernel_service(r.kernel, &left, NULL));
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* --- the end -------------------------------------------------------------------------- */

static void on_removed(void *arg)
{
	struct rig *r = arg;

	r->removed = true;
}

static bool removed(struct rig *r)
{
	return r->removed && quiet(r);
}

/* on_exit = remove, while a pass is about to write: all that is ours is gone, and
 * stays so. */
static void test_remove_all(void **state)
{
	struct ipvs_key ours = key_of(VIP), theirs = key_of("tcp://10.9.9.9:80");
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2, fake_kernel_new());
	foreign(&r, IPVS_NEW_SERVICE, "tcp://10.9.9.9:80", NULL, 0);
	rig_start(&r, FAST_MS);
	rig_passes(&r, 1);
	foreign(&r, IPVS_DEL_DEST, VIP, "10.1.2.22:80", 0);
	fake_kernel_halt(r.kernel, 99);
	reconcile_read(r.a.reconcile);
	fake_kernel_await_halt(r.kernel);
	assert_int_equal(reconcile_remove(r.a.reconcile, false, on_removed, &r), 0);
	state_dirty_all(r.a.state);
	fake_kernel_go_on(r.kernel);
	rig_run(&r, removed);
	assert_false(fake_kernel_service(r.kernel, &ours, NULL));
	assert_true(fake_kernel_service(r.kernel, &theirs, NULL));
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_SERVICE), 1);
	rig_close(&r);
	fake_kernel_free(r.kernel);
}

/* Ended with writes that wait at the port: nothing is lost, nothing is called. */
static void test_stop_with_writes(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, HEAD WEB1 WEB2, fake_kernel_new());
	rig_fill(&r, 100);
	rig_start(&r, NEVER_MS);
	rig_passes(&r, 1);
	fake_kernel_halt(r.kernel, 0);
	reconcile_read(r.a.reconcile);
	fake_kernel_await_halt(r.kernel);
	rig_hold(&r, "web/web1", HOLD_ZERO);
	agent_decide(&r.a);
	rig_hold(&r, "web/web2", 50);
	agent_decide(&r.a);
	assert_int_equal(reconcile_remove(r.a.reconcile, false, on_removed, &r), 0);
	fake_kernel_go_on(r.kernel);
	rig_close(&r);
	assert_false(r.removed);
	fake_kernel_free(r.kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overtakes),
		cmocka_unit_test(test_overlap_is_no_drift),
		cmocka_unit_test(test_first_is_written_then_told),
		cmocka_unit_test(test_first_is_told_who_waits),
		cmocka_unit_test(test_reload_mid_pass),
		cmocka_unit_test(test_reload_difference),
		cmocka_unit_test(test_reload_with_writes_under_way),
		cmocka_unit_test(test_scrapes_do_not_starve),
		cmocka_unit_test(test_delete_waits_for_add),
		cmocka_unit_test(test_deletes_wait_for_all_batches),
		cmocka_unit_test(test_difference_waits_for_decisions),
		cmocka_unit_test(test_same_reload),
		cmocka_unit_test(test_own_and_disown),
		cmocka_unit_test(test_vanished_is_disowned),
		cmocka_unit_test(test_left_while_stopped),
		cmocka_unit_test(test_remove_all),
		cmocka_unit_test(test_stop_with_writes),
	};

	return cmocka_run_group_tests_name("reconcile, life", tests, NULL, NULL);
}
