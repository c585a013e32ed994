/* test_sched.c: when the scheduler begins, and what becomes of outcomes. */
#include "tests/unit/sched_world.h"

/* --- when ------------------------------------------------------------------- */

/* 1,000 new ones are all begun within a second, and nowhere in a heap. */
static void test_spread(void **state ATTR_UNUSED)
{
	int64_t begin = clock_mono_ms();
	struct world *w = world_new(&at_once, 1000, 3600000);
	unsigned int bins[20] = { 0 };
	struct sched_stats stats;
	uint32_t i;

	run_until(w, 1000);
	sched_stats(w->sched, &stats);
	for (i = 0; i < 1000; i++) {
		int64_t at = w->first_ms[i] - begin - stats.late_us / 1000;

		assert_int_equal(w->starts[i], 1);
		assert_true(at < 1000);
		bins[at < 0 ? 0 : at / 50]++;
	}
	if (stats.late_us < 20000) /* a busy machine starts what is late at once */
		for (i = 0; i < 17; i++)
			assert_in_range(bins[i], 20, 110); /* 56 on average */
	world_free(w);
}

/* Two runs of the same targets are spread alike, another address differs. */
static void test_spread_is_deterministic(void **state ATTR_UNUSED)
{
	uint32_t order[2][20], k, i;

	for (k = 0; k < 2; k++) {
		struct world *w = world_new(&at_once, 20, 3600000);

		run_until(w, 20);
		memcpy(order[k], w->order, sizeof(order[k]));
		world_free(w);
	}
	assert_memory_equal(order[0], order[1], sizeof(order[0]));
	for (i = 0; i < 20 && order[0][i] == i; i++)
		;
	assert_int_not_equal(i, 20);
}

static void test_cap_and_fairness(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&delayed, 200, 10);
	struct layout_target *asked = calloc(200, sizeof(*asked));
	struct target *next = calloc(200, sizeof(*next));
	uint32_t from[200], before[200], i, least = UINT32_MAX, most = 0;

	w->limits.max_running = 10;
	w->delay_ms = 1;
	for (i = 0; i < 200; i++) {
		fill(&asked[i], &w->conf, i);
		from[i] = i;
	}
	assert_int_equal(sched_replace(w->sched, asked, next, 200, from, &w->limits), 0);
	put_targets(w, asked, next);
	run_for(w, 1000); /* all have begun */
	memcpy(before, w->starts, sizeof(before));
	run_until(w, 4000);
	assert_int_equal(w->max_running, 10);
	assert_true(w->max_waiting > 50);
	for (i = 0; i < 200; i++) {
		uint32_t turns = w->starts[i] - before[i];

		least = turns < least ? turns : least;
		most = turns > most ? turns : most;
	}
	/* 20 on average; who came later in a round stays there */
	assert_true(least >= 18);
	assert_true(most <= 22);
	world_free(w);
}

/* An attempt that takes longer than the interval: the next begins when it ends,
 * what was missed is not made up for. */
static void test_no_overlap(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&delayed, 1, 10);

	w->delay_ms = 40;
	run_until(w, 5);
	assert_int_equal(w->starts[0], 5);
	assert_true(w->gap_ms[0] >= 40);
	world_free(w);
}

/* From start to start: 30 ms of 80 are the attempt's own. */
static void test_interval(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&delayed, 1, 80);

	w->delay_ms = 30;
	run_until(w, 8);
	/* Who loses the processor between the scheduler's reading of the clock and ours sees
	 * the gap behind it shorter than it was. */
	assert_in_range(w->short_gaps, 0, 2);
	assert_true(w->gap_ms[0] < 110);
	world_free(w);
}

/* Jitter shortens, by its share at most. */
static void test_jitter(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&at_once, 1, 60);
	int64_t begin;

	w->conf.jitter = 50;
	run_until(w, 1);
	begin = clock_mono_ms();
	run_until(w, 20);
	assert_true(w->gap_ms[0] >= 29);
	assert_true(w->gap_ms[0] < 60);
	assert_true(clock_mono_ms() - begin >= 20 * 29);
	world_free(w);
}

/* Fast until there is a verdict, rarely while it is down, fast on the way back, and then as
 * ever. A pace that is not heeded waits an hour. */
static void test_paces(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&at_once, 1, 3600000);

	w->conf.fast_interval = 20;
	w->conf.interval_down = 60;
	w->answer = PROBE_CONNECT_REFUSED;
	run_until(w, 3);
	assert_int_equal(w->targets->health.verdict, VERDICT_DOWN);
	assert_true(w->gap_ms[0] >= 19 && w->gap_ms[0] < 60);
	w->gap_ms[0] = 0;
	run_until(w, 2);
	assert_true(w->gap_ms[0] >= 59);
	w->answer = PROBE_OK;
	w->conf.interval_down = 3600000; /* not once the first good one was there */
	run_until(w, 2);
	assert_int_equal(w->targets->health.verdict, VERDICT_UP);
	run_for(w, 100);
	assert_int_equal(w->targets->attempts, 7);
	world_free(w);
}

/* `fall` failures are told in less than fall × interval + timeout, and jitter only helps. */
static void test_fast_is_in_time(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&silent, 1, 2000);
	int64_t begin;

	w->conf.timeout = 50;
	w->conf.fast_interval = 60;
	w->conf.jitter = 10;
	run_until(w, 1);
	begin = w->last_ms[0];
	run_until(w, 2);
	assert_int_equal(w->targets->health.verdict, VERDICT_DOWN);
	assert_in_range(w->last_ms[0] - begin, 2 * 53, 2 * 2000);
	world_free(w);
}

/* --- outcomes --------------------------------------------------------------- */

static void test_outcomes(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&at_once, 1, 10);
	struct target *t = w->targets;

	run_until(w, 1);
	assert_true(w->changed);
	assert_int_equal(t->health.verdict, VERDICT_UP);
	assert_int_equal(t->last_status, 7);
	assert_int_equal(t->last_errno, 8);
	assert_true(t->last_wall_ms > 0);
	assert_int_equal(t->n_failures, 0);
	w->answer = PROBE_CONNECT_REFUSED;
	run_until(w, 2);
	assert_false(w->changed);
	w->answer = PROBE_LOCAL_RESOURCES;
	run_until(w, 2);
	assert_true(t->health.unknown);
	assert_int_equal(t->health.verdict, VERDICT_UP);
	w->answer = PROBE_CONNECT_REFUSED;
	run_until(w, 1);
	assert_true(w->changed);
	assert_int_equal(t->health.verdict, VERDICT_DOWN);
	assert_int_equal(t->attempts, 6);
	assert_int_equal(t->n_failures, 2);
	assert_int_equal(target_failures(t)[0].reason, PROBE_CONNECT_REFUSED);
	assert_int_equal(target_failures(t)[0].count, 3);
	assert_int_equal(target_failures(t)[1].reason, PROBE_LOCAL_RESOURCES);
	assert_int_equal(target_failures(t)[1].count, 2);
	world_free(w);
}

/* What was said last is kept: some of it, in one line; and no longer than it is said. */
static void test_texts(void **state ATTR_UNUSED)
{
	static const struct {
		const char *said, *kept;
	} rows[] = {
		{ "Host is blocked", "Host is blocked" },
		{ " two\n\x1b[31mlines\x7f\r\n", "two  [31mlines" },
		{ "\xc2\x9b z\xc3\xbcrich \xff\xc3", "z\xc3\xbcrich ??" },
		{ "", NULL },
		{ "\n", NULL },
		{ "again", "again" },
		{ NULL, NULL },
	};
	struct world *w = world_new(&at_once, 1, 10);
	struct target *t = w->targets;
	char longest[2 * TARGET_TEXT_MAX];
	size_t i;

	for (i = 0; i < 2 * countof(rows); i++) {
		w->text = rows[i / 2].said;
		w->answer = i & 1 ? PROBE_CONNECT_REFUSED : PROBE_LOCAL_ROUTE;
		run_until(w, 1);
		assert_int_equal(!target_text(t), !rows[i / 2].kept);
		if (rows[i / 2].kept)
			assert_string_equal(target_text(t), rows[i / 2].kept);
	}
	/* the counts are beside it */
	assert_int_equal(t->n_failures, 2);
	assert_int_equal(target_failures(t)[0].count, countof(rows));
	assert_int_equal(target_failures(t)[1].count, countof(rows));
	/* cut, and not within the last character */
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest + TARGET_TEXT_MAX - 1, "\xe2\x82\xac", 3);
	w->text = longest;
	run_until(w, 1);
	assert_int_equal(strlen(target_text(t)), TARGET_TEXT_MAX - 1);
	world_free(w);
}

static void test_deadline(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&silent, 3, 1000);

	w->conf.timeout = 30;
	run_until(w, 3);
	assert_int_equal(w->cancels, 3);
	assert_int_equal(w->targets[0].health.reason, PROBE_CONNECT_TIMEOUT);
	assert_in_range(w->targets[0].last_us, 30000, 1000000);
	world_free(w);
}

/* A kind that promised to report and does not is our error, not the server's. */
static void test_kind_never_reports(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&broken, 1, 1000);

	w->conf.timeout = 10;
	run_until(w, 1);
	assert_int_equal(w->cancels, 1);
	assert_int_equal(w->targets[0].health.reason, PROBE_LOCAL_ERROR);
	assert_true(w->targets[0].health.unknown);
	world_free(w);
}

static void stand_still(void *arg)
{
	struct world *w = arg;
	int64_t until = clock_mono_ms() + 400;

	assert_non_null(w->running[0]);
	while (clock_mono_ms() < until)
		;
}

/* Nobody listened for 400 ms of a timeout of 200: that is no timeout. */
static void test_stall_is_unknown(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&silent, 1, 1000);
	struct loop_timer *t;

	w->conf.timeout = 200;
	assert_int_equal(loop_timer_new(w->loop, "still", stand_still, w, &t), 0);
	loop_timer_start(t, 950); /* it began within 900 ms */
	while (!w->running[0] && w->outcomes == 0)
		run_for(w, 5);
	loop_timer_start(t, 20);
	run_until(w, 1);
	assert_int_equal(w->targets[0].health.reason, PROBE_LOCAL_STALL);
	assert_true(w->targets[0].health.unknown);
	loop_timer_free(t);
	world_free(w);
}

/* More attempts at once than are kept for the next ones: their memory goes when they
 * end, and nothing of them is read afterwards. */
static void test_many_at_once(void **state ATTR_UNUSED)
{
	enum { MANY = 1500 };
	struct world *w = world_new(&silent, MANY, 100000);
	uint32_t i;

	for (i = 0; i < 100 && w->now_running < MANY; i++)
		run_for(w, 100);
	assert_int_equal(w->now_running, MANY);
	for (i = 0; i < MANY; i++)
		finish(w->running[i], PROBE_OK);
	assert_int_equal(w->outcomes, MANY);
	world_free(w);
}

static enum probe_reason fake_way(void *arg, uint32_t target ATTR_UNUSED, struct way_out *way)
{
	struct world *w = arg;

	way->mark = 5;
	return w->ways_asked++ < 3 ? SCHED_LATER : w->way_says;
}

/* A target with a lane waits until its way is known, without an outcome; what stands in
 * the way is one. */
static void test_lane(void **state ATTR_UNUSED)
{
	const struct lane lane = { .key.fwmark = 5 };
	struct world *w = world_new(&at_once, 1, 20);

	w->asked[0].lane = &lane;
	run_until(w, 1); /* nobody knows lanes */
	assert_int_equal(w->targets[0].health.reason, PROBE_LOCAL_FORWARD);
	sched_set_way(w->sched, fake_way);
	run_until(w, 1);
	assert_int_equal(w->ways_asked, 4);
	assert_int_equal(w->from.mark, 5);
	assert_int_equal(w->targets[0].attempts, 2);
	assert_int_equal(w->targets[0].health.reason, PROBE_OK);
	w->way_says = PROBE_LOCAL_ROUTE;
	run_until(w, 1);
	assert_int_equal(w->targets[0].health.reason, PROBE_LOCAL_ROUTE);
	assert_true(w->targets[0].health.unknown);
	assert_int_equal(w->starts[0], 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_spread_is_deterministic),
		cmocka_unit_test(test_cap_and_fairness),
		cmocka_unit_test(test_no_overlap),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_paces),
		cmocka_unit_test(test_fast_is_in_time),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_kind_never_reports),
		cmocka_unit_test(test_stall_is_unknown),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_lane),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
