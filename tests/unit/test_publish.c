/* test_publish.c: who asks for a snapshot gets one that is young enough; what the agent knows
 * is gathered while the kernel is read, and shown with that reading alone. */
#include "agent/base/clock.h"
#include "agent/intake.h"
#include "agent/probes/sched.h"
#include "agent/publish.h"
#include "agent/sync/tuner.h"
#include "collectors/table.h"
#include "tests/unit/ledger_dir.h"
#include "tests/unit/reconcile_rig.h"

#define VIP  "tcp://10.1.2.15:80"
#define HEAD "[service web]\naddress = " VIP "\n"
#define WEB1 "realserver = web1 10.1.2.21\n"
#define WEB2 "realserver = web2 10.1.2.22\n"
#define WEB3 "realserver = web3 10.1.2.23\n"

/* No collector but what the snapshot itself is. */
const struct collector *const collector_table[] = { NULL };

enum { ASKERS = 3 };

struct asker {
	struct view *view;
	enum command_status status;
	int64_t asked_ms;
	bool answered;
};

static struct asker askers[ASKERS];
static uint32_t n_answered;

static void on_answer(void *arg, struct command_reply *reply)
{
	struct asker *a = arg;

	a->answered = true;
	a->status = reply->status;
	a->view = reply->view ? view_ref(reply->view) : NULL;
	n_answered++;
}

static void ask_for(struct rig *r, unsigned int who, int64_t max_age_ms)
{
	askers[who].asked_ms = clock_mono_ms() - max_age_ms;
	publisher_round(r->a.publisher, max_age_ms, on_answer, &askers[who]);
}

static void ask(struct rig *r, unsigned int who)
{
	ask_for(r, who, 0);
}

/* What is to be done while the loop runs: what it is given when it is over it refuses. */
static void (*step)(struct rig *r);

static bool all_answered(struct rig *r)
{
	void (*next)(struct rig * r) = step;

	step = NULL;
	if (next)
		next(r);
	return n_answered >= r->wanted;
}

static void do_and_await(struct rig *r, void (*next)(struct rig *r), uint32_t n)
{
	step = next;
	r->wanted = n;
	rig_run(r, all_answered);
}

static void on_outcome(void *arg ATTR_UNUSED, uint32_t target ATTR_UNUSED, bool changed ATTR_UNUSED,
		       const struct probe_report *report ATTR_UNUSED)
{
}

static void begin_rig(struct rig *r, const char *dir)
{
	struct tuner_env tuner;
	struct sched_limits limits = { .max_running = 1 };

	memset(askers, 0, sizeof(askers));
	n_answered = 0;
	rig_open_in(r, HEAD WEB1 WEB2, fake_kernel_new(), dir);
	r->a.conf = r->a.state->layout->conf;
	tuner = (struct tuner_env){ r->a.loop, r->a.port, dir, "/proc" };
	assert_int_equal(tuner_new(&tuner, &r->a.tuner), 0);
	assert_int_equal(sched_new(r->a.loop, NULL, &limits, on_outcome, NULL, &r->a.sched), 0);
	assert_int_equal(intake_new(&r->a, &r->a.intake), 0);
	assert_int_equal(publisher_new(&r->a, &r->a.publisher), 0);
	r->take_reading = publisher_reading;
	rig_start(r, NEVER_MS);
	rig_passes(r, 1);
}

static void finish(struct rig *r)
{
	unsigned int i;

	publisher_free(r->a.publisher);
	for (i = 0; i < ASKERS; i++)
		view_unref(askers[i].view);
	sched_free(r->a.sched);
	intake_free(r->a.intake);
	tuner_free(r->a.tuner);
	rig_close(r);
	fake_kernel_free(r->kernel);
}

static void check_young(const struct asker *a, uint32_t realservers)
{
	assert_true(a->answered);
	assert_int_equal(a->status, COMMAND_OK);
	assert_true(a->view->made_mono_ms >= a->asked_ms);
	assert_int_equal(a->view->n_realservers, realservers);
	assert_int_equal(a->view->n_dests, realservers);
	assert_int_equal(a->view->table.n_dests, realservers);
	assert_int_equal(a->view->dests[0].table, 0);
	assert_string_equal(a->view->dests[0].name, "web1");
	assert_non_null(a->view->rounds);
}

static void ask_twice(struct rig *r)
{
	ask_for(r, 0, NEVER_MS);
	ask_for(r, 1, NEVER_MS);
}

static bool third_written(struct rig *r)
{
	return r->stats.writes.done[IPVS_NEW_DEST] == 3 && quiet(r);
}

/* One reading is for both. */
static void test_one_for_all(void **state)
{
	const struct place *p = *state;
	uint32_t dumps;
	struct rig r;

	begin_rig(&r, p->dir);
	dumps = fake_kernel_dumps(r.kernel);
	do_and_await(&r, ask_twice, 2);
	check_young(&askers[0], 2);
	check_young(&askers[1], 2);
	assert_ptr_equal(askers[0].view, askers[1].view);
	assert_int_equal(fake_kernel_dumps(r.kernel), dumps + 1);
	finish(&r);
}

/* In a millisecond of its own: what was read in the same one would do. */
static void ask_later(struct rig *r)
{
	int64_t now = clock_mono_ms();

	while (clock_mono_ms() <= now)
		;
	ask(r, 1);
}

static void ask_again_meanwhile(struct rig *r)
{
	fake_kernel_halt(r->kernel, 0);
	ask(r, 0);
	fake_kernel_await_halt(r->kernel);
	ask_later(r);
	fake_kernel_go_on(r->kernel);
}

/* Who asks while the kernel is read gets one that was begun later. */
static void test_too_late(void **state)
{
	const struct place *p = *state;
	uint32_t dumps;
	struct rig r;

	begin_rig(&r, p->dir);
	dumps = fake_kernel_dumps(r.kernel);
	do_and_await(&r, ask_again_meanwhile, 2);
	check_young(&askers[0], 2);
	check_young(&askers[1], 2);
	assert_ptr_not_equal(askers[0].view, askers[1].view);
	assert_int_equal(fake_kernel_dumps(r.kernel), dumps + 2);
	finish(&r);
}

static void reload_meanwhile(struct rig *r)
{
	fake_kernel_halt(r->kernel, 0);
	ask(r, 0);
	fake_kernel_await_halt(r->kernel);
	rig_reload(r, HEAD WEB1 WEB2 WEB3, NEVER_MS);
	r->a.conf = r->a.state->layout->conf;
	fake_kernel_go_on(r->kernel);
}

/* Another configuration comes into force meanwhile: nothing of the old one is shown. */
static void test_reload(void **state)
{
	const struct place *p = *state;
	struct rig r;

	begin_rig(&r, p->dir);
	do_and_await(&r, reload_meanwhile, 1);
	assert_int_equal(askers[0].view->n_realservers, 3);
	rig_run(&r, third_written);
	do_and_await(&r, ask_later, 2);
	check_young(&askers[1], 3);
	finish(&r);
}

static void ask_and_halt(struct rig *r)
{
	fake_kernel_halt(r->kernel, 0);
	ask(r, 0);
	fake_kernel_await_halt(r->kernel);
}

/* An end while the reading is still to come. */
static void test_end(void **state)
{
	const struct place *p = *state;
	struct rig r;

	begin_rig(&r, p->dir);
	do_and_await(&r, ask_and_halt, 0);
	publisher_free(r.a.publisher);
	r.a.publisher = NULL;
	r.take_reading = NULL;
	assert_true(askers[0].answered);
	assert_int_equal(askers[0].status, COMMAND_STOPPING);
	fake_kernel_go_on(r.kernel);
	finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end, setup, teardown),
	};

	return cmocka_run_group_tests_name("publish", tests, NULL, NULL);
}
