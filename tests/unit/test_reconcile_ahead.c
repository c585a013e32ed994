/* test_reconcile_ahead.c: the kernel is read while a configuration is: one reading is
 * enough for it, unless something was written meanwhile or nothing came of the file. */
#include "tests/unit/reconcile_rig.h"

#define VIP  "tcp://10.1.2.15:80"
#define W1   "10.1.2.21:80"
#define HEAD "[service web]\naddress = " VIP "\n"
#define WEB1 "realserver = web1 10.1.2.21\n"
#define WEB2 "realserver = web2 10.1.2.22\n"
#define WEB3 "realserver = web3 10.1.2.23\n"

static void begin_rig(struct rig *r)
{
	rig_open(r, HEAD WEB1 WEB2, fake_kernel_new());
	rig_fill(r, 100);
	rig_start(r, NEVER_MS);
	rig_passes(r, 1);
}

static void finish(struct rig *r)
{
	rig_close(r);
	fake_kernel_free(r->kernel);
}

static bool told;

static void on_info(void *arg, const struct ipvs_info *info, int error)
{
	(void)arg, (void)info, (void)error;
	told = true;
}

static bool was_told(struct rig *r)
{
	(void)r;
	return told;
}

/* Until the loop has all that the kernel was asked for before. */
static void await_answers(struct rig *r)
{
	told = false;
	assert_int_equal(ipvs_port_info(r->a.port, on_info, NULL), 0);
	rig_run(r, was_told);
}

static void (*then)(struct rig *r);
static bool (*at_last)(struct rig *r);

static bool done_at_last(struct rig *r)
{
	if (told && then) {
		then(r);
		then = NULL;
	}
	return !then && at_last(r);
}

/* … and then, in the same run of the loop, for its work ends with it: `next`, and what
 * follows from that. */
static void await_answers_then(struct rig *r, void (*next)(struct rig *r),
			       bool (*until)(struct rig *r))
{
	told = false;
	then = next;
	at_last = until;
	r->wanted = (until == passed ? r->stats.passes : r->readings) + 1;
	assert_int_equal(ipvs_port_info(r->a.port, on_info, NULL), 0);
	rig_run(r, done_at_last);
}

static void reload(struct rig *r)
{
	rig_reload(r, HEAD WEB1 WEB2 WEB3, NEVER_MS);
}

static bool held_and_written(struct rig *r)
{
	return weight_of(r, VIP, W1) == 0 && r->stats.writes.done[IPVS_SET_DEST];
}

static void hold(struct rig *r)
{
	rig_hold(r, "web/web1", HOLD_ZERO);
	agent_decide(&r->a);
}

static void hold_and_reload(struct rig *r)
{
	hold(r);
	reload(r);
}

static void read_and_go_on(struct rig *r)
{
	reconcile_read(r->a.reconcile);
	reconcile_go_on(r->a.reconcile);
	reconcile_go_on(r->a.reconcile);
}

static bool read_again(struct rig *r)
{
	return r->readings >= r->wanted && quiet(r);
}

static bool passed_and_quiet(struct rig *r)
{
	return r->stats.passes >= r->wanted && quiet(r);
}

static void read_ahead_and_reload(struct rig *r)
{
	reconcile_ahead(r->a.reconcile, FAST_MS);
	reload(r);
}

/* It was there in time, and is not waited for any more: no second reading follows. */
static void test_in_time(void **state)
{
	uint32_t before;
	struct rig r;

	(void)state;
	begin_rig(&r);
	before = fake_kernel_dumps(r.kernel);
	r.first_ms = 2 * FAST_MS;
	await_answers_then(&r, read_ahead_and_reload, passed_and_quiet);
	assert_int_equal(fake_kernel_dumps(r.kernel), before + 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_DEST), 1);
	finish(&r);
}

/* Who asks for a reading does not wait for the file. */
static void test_scraped_meanwhile(void **state)
{
	struct rig r;

	(void)state;
	begin_rig(&r);
	r.wanted = r.readings + 1;
	reconcile_ahead(r.a.reconcile, NEVER_MS);
	reconcile_read(r.a.reconcile);
	rig_run(&r, read_again);
	finish(&r);
}

/* The configuration is there before the reading is. */
static void test_while_it_is_read(void **state)
{
	struct rig r;
	uint32_t before;

	(void)state;
	begin_rig(&r);
	before = fake_kernel_dumps(r.kernel);
	fake_kernel_halt(r.kernel, 0);
	reconcile_ahead(r.a.reconcile, NEVER_MS);
	fake_kernel_await_halt(r.kernel);
	rig_reload(&r, HEAD WEB1 WEB2 WEB3, NEVER_MS);
	fake_kernel_go_on(r.kernel);
	rig_passes(&r, 1);
	assert_int_equal(fake_kernel_dumps(r.kernel), before + 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_NEW_DEST), 1);
	finish(&r);
}

/* The reading is there before the configuration is. */
static void test_before_it_is_there(void **state)
{
	struct rig r;
	uint32_t before;

	(void)state;
	begin_rig(&r);
	before = fake_kernel_dumps(r.kernel);
	reconcile_ahead(r.a.reconcile, NEVER_MS);
	reconcile_ahead(r.a.reconcile, NEVER_MS);
	await_answers_then(&r, reload, passed);
	assert_int_equal(fake_kernel_dumps(r.kernel), before + 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 1);
	finish(&r);
}

/* A weight that goes down while the file is read: the reading may be from before that,
 * and what it shows would be taken for somebody else's hand. */
static void test_written_meanwhile(void **state)
{
	struct rig r;
	uint32_t before;

	(void)state;
	begin_rig(&r);
	before = fake_kernel_dumps(r.kernel);
	reconcile_ahead(r.a.reconcile, NEVER_MS);
	await_answers_then(&r, hold, held_and_written);
	await_answers_then(&r, reload, passed);
	assert_int_equal(fake_kernel_dumps(r.kernel), before + 2);
	assert_int_equal(weight_of(&r, VIP, W1), 0);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 2);
	assert_int_equal(r.stats.drift, 0);
	finish(&r);
}

/* … and one that is still on its way. */
static void test_being_written(void **state)
{
	struct rig r;
	uint32_t before;

	(void)state;
	begin_rig(&r);
	before = fake_kernel_dumps(r.kernel);
	reconcile_ahead(r.a.reconcile, NEVER_MS);
	await_answers_then(&r, hold_and_reload, passed);
	assert_int_equal(fake_kernel_dumps(r.kernel), before + 2);
	assert_int_equal(weight_of(&r, VIP, W1), 0);
	assert_int_equal(r.stats.drift, 0);
	finish(&r);
}

/* The file was refused: who waits for a reading has it. */
static void test_nothing_came(void **state)
{
	struct rig r;
	uint32_t before;

	(void)state;
	begin_rig(&r);
	before = fake_kernel_dumps(r.kernel);
	reconcile_ahead(r.a.reconcile, NEVER_MS);
	await_answers_then(&r, read_and_go_on, read_again);
	assert_int_equal(fake_kernel_dumps(r.kernel), before + 1);
	assert_int_equal(fake_kernel_writes(r.kernel, IPVS_N_OPS), 0);
	finish(&r);
}

/* Nothing comes in time: it is a pass as any other. */
static void test_nothing_comes(void **state)
{
	struct rig r;

	(void)state;
	begin_rig(&r);
	foreign(&r, IPVS_DEL_DEST, VIP, W1, 0);
	reconcile_ahead(r.a.reconcile, 1);
	rig_passes(&r, 1);
	assert_int_equal(weight_of(&r, VIP, W1), 100);
	finish(&r);
}

/* The end comes first. */
static void test_stop(void **state)
{
	struct rig r;

	(void)state;
	begin_rig(&r);
	reconcile_ahead(r.a.reconcile, NEVER_MS);
	await_answers(&r);
	finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_time),
		cmocka_unit_test(test_scraped_meanwhile),
		cmocka_unit_test(test_while_it_is_read),
		cmocka_unit_test(test_before_it_is_there),
		cmocka_unit_test(test_written_meanwhile),
		cmocka_unit_test(test_being_written),
		cmocka_unit_test(test_nothing_came),
		cmocka_unit_test(test_nothing_comes),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests_name("reconcile, ahead", tests, NULL, NULL);
}
