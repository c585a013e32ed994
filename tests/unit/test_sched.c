/* test_sched.c: the scheduler on a real loop, with kinds of probes that end when
 * the test wants. */
#include "agent/probes/sched.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"

enum { MAX = 2000 };

/* One test's world; the kinds reach it by run->conf->url. */
struct world {
	struct loop *loop;
	struct sched *sched;
	struct sched_limits limits;
	struct sched_target *targets;
	uint32_t n;
	struct probe_conf conf;
	struct probe_run *running[MAX]; /* by the address's last bytes */
	int64_t first_ms[MAX], last_ms[MAX], gap_ms[MAX];
	uint32_t starts[MAX];
	uint32_t now_running, max_running, outcomes, cancels, stop_after, max_waiting;
	bool overlapped, changed;
	uint32_t last_target, order[MAX]; /* of the first outcomes */
	enum probe_reason answer;
	struct loop_timer *timer;
	int64_t delay_ms;
};

struct fake_state {
	struct world *w;
	struct loop_timer *timer;
	uint32_t key;
	char zero; /* must be 0 at start */
};

static uint32_t key_of(const struct addr *a)
{
	return (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

static void fake_start(struct probe_run *run)
{
	struct fake_state *st = run->state;
	struct world *w = (struct world *)(void *)run->conf->url;
	uint32_t key = key_of(&run->addr);

	assert_int_equal(st->zero, 0);
	st->zero = 1;
	st->w = w;
	st->key = key;
	w->overlapped |= w->running[key] != NULL;
	w->running[key] = run;
	if (!w->starts[key]++)
		w->first_ms[key] = clock_mono_ms();
	else if (!w->gap_ms[key] || clock_mono_ms() - w->last_ms[key] < w->gap_ms[key])
		w->gap_ms[key] = clock_mono_ms() - w->last_ms[key];
	w->last_ms[key] = clock_mono_ms();
	if (++w->now_running > w->max_running)
		w->max_running = w->now_running;
}

static void fake_end(struct probe_run *run)
{
	struct fake_state *st = run->state;

	st->w->running[st->key] = NULL;
	st->w->now_running--;
	loop_timer_free(st->timer);
}

static void fake_cancel(struct probe_run *run)
{
	((struct fake_state *)run->state)->w->cancels++;
	fake_end(run);
}

static void finish(struct probe_run *run, enum probe_reason reason)
{
	fake_end(run);
	probe_done(run, &(struct probe_report){ .reason = reason, .status = 7, .os_errno = 8 });
}

static void at_once_start(struct probe_run *run)
{
	fake_start(run);
	finish(run, ((struct fake_state *)run->state)->w->answer);
}

static void on_delay(void *arg)
{
	struct probe_run *run = arg;

	finish(run, ((struct fake_state *)run->state)->w->answer);
}

static void delayed_start(struct probe_run *run)
{
	struct fake_state *st = run->state;

	fake_start(run);
	assert_int_equal(loop_timer_new(run->loop, "delay", on_delay, run, &st->timer), 0);
	loop_timer_start(st->timer, st->w->delay_ms);
}

static const struct probe_type at_once = { .name = "at_once",
					   .run_size = sizeof(struct fake_state),
					   .start = at_once_start,
					   .cancel = fake_cancel };
static const struct probe_type delayed = { .name = "delayed",
					   .run_size = sizeof(struct fake_state) + 100,
					   .start = delayed_start,
					   .cancel = fake_cancel };
static const struct probe_type silent = { .name = "silent",
					  .run_size = sizeof(struct fake_state),
					  .on_timeout = PROBE_CONNECT_TIMEOUT,
					  .start = fake_start,
					  .cancel = fake_cancel };
static const struct probe_type broken = { .name = "broken",
					  .run_size = sizeof(struct fake_state),
					  .start = fake_start,
					  .cancel = fake_cancel };

static void on_outcome(void *arg, uint32_t target, bool changed)
{
	struct world *w = arg;
	struct sched_stats stats;

	sched_stats(w->sched, &stats);
	if (stats.waiting > w->max_waiting)
		w->max_waiting = stats.waiting;
	w->last_target = target;
	w->changed = changed;
	if (w->outcomes < MAX)
		w->order[w->outcomes] = target;
	if (++w->outcomes == w->stop_after)
		loop_stop(w->loop);
}

static void fill(struct sched_target *t, const struct probe_conf *conf, uint32_t key)
{
	*t = (struct sched_target){ .conf = conf };
	t->addr.family = AF_INET;
	t->addr.port = 80;
	t->addr.bytes[0] = 10;
	t->addr.bytes[2] = (uint8_t)(key >> 8);
	t->addr.bytes[3] = (uint8_t)key;
}

static struct world *world_new(const struct probe_type *type, uint32_t n, int64_t interval)
{
	struct world *w = calloc(1, sizeof(*w));
	uint32_t *from = malloc((n + 1) * sizeof(*from)), i;

	w->limits.max_running = MAX;
	w->conf = (struct probe_conf){ .head.name = "fake",
				       .url = (const char *)w,
				       .type = type,
				       .interval = interval,
				       .timeout = 100000,
				       .rise = 2,
				       .fall = 3 };
	w->n = n;
	w->targets = calloc(n + 1, sizeof(*w->targets));
	for (i = 0; i < n; i++) {
		fill(&w->targets[i], &w->conf, i);
		from[i] = SCHED_NEW;
	}
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(sched_new(w->loop, NULL, &w->limits, on_outcome, w, &w->sched), 0);
	assert_int_equal(sched_replace(w->sched, w->targets, n, from, &w->limits), 0);
	free(from);
	return w;
}

static void targets_free(struct sched_target *targets, uint32_t n)
{
	while (n--)
		sched_target_fini(&targets[n]);
	free(targets);
}

static void world_free(struct world *w)
{
	sched_free(w->sched);
	assert_int_equal(w->now_running, 0);
	assert_false(w->overlapped);
	loop_free(w->loop);
	targets_free(w->targets, w->n);
	free(w);
}

static void run_until(struct world *w, uint32_t outcomes)
{
	w->stop_after = w->outcomes + outcomes;
	loop_run(w->loop);
}

static void on_stop(void *arg)
{
	loop_stop(((struct world *)arg)->loop);
}

static void run_for(struct world *w, int64_t ms)
{
	assert_int_equal(loop_timer_new(w->loop, "stop", on_stop, w, &w->timer), 0);
	loop_timer_start(w->timer, ms);
	loop_run(w->loop);
	loop_timer_free(w->timer);
}

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
	struct sched_target *next = calloc(200, sizeof(*next));
	uint32_t from[200], before[200], i, least = UINT32_MAX, most = 0;

	w->limits.max_running = 10;
	w->delay_ms = 1;
	for (i = 0; i < 200; i++) {
		fill(&next[i], &w->conf, i);
		from[i] = i;
	}
	assert_int_equal(sched_replace(w->sched, next, 200, from, &w->limits), 0);
	targets_free(w->targets, 200);
	w->targets = next;
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
	assert_true(w->gap_ms[0] >= 79); /* two readings in whole ms */
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

/* --- outcomes --------------------------------------------------------------- */

static void test_outcomes(void **state ATTR_UNUSED)
{
	struct world *w = world_new(&at_once, 1, 10);
	struct sched_target *t = w->targets;

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
	assert_int_equal(t->failures[0].reason, PROBE_CONNECT_REFUSED);
	assert_int_equal(t->failures[0].count, 3);
	assert_int_equal(t->failures[1].reason, PROBE_LOCAL_RESOURCES);
	assert_int_equal(t->failures[1].count, 2);
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

/* --- reload ----------------------------------------------------------------- */

static struct probe_conf *conf_copy(const struct world *w)
{
	struct probe_conf *c = malloc(sizeof(*c));

	*c = w->conf;
	return c;
}

/* Six targets are under way: 0 is dropped, 1 and 2 change places and configuration,
 * 3 gets another address, 4 another kind, 5 stays; 6 is new. */
static void test_replace_under_way(void **state ATTR_UNUSED)
{
	static const uint32_t from[6] = { 2, 1, SCHED_NEW, 3, 4, 5 };
	struct world *w = world_new(&silent, 6, 3600000);
	struct probe_conf *old = conf_copy(w), *next = conf_copy(w), *other = conf_copy(w);
	struct sched_target *targets = calloc(6, sizeof(*targets));
	struct probe_run *run1, *run2;
	uint32_t i;

	for (i = 0; i < 6; i++)
		w->targets[i].conf = old;
	w->targets[1].attempts = 11;
	w->targets[2].attempts = 22;
	w->targets[2].failures = calloc(1, sizeof(*w->targets->failures));
	w->targets[2].n_failures = 1;
	w->targets[0].failures = calloc(1, sizeof(*w->targets->failures));
	w->targets[0].n_failures = 1;
	while (w->now_running < 6)
		run_for(w, 20);
	run1 = w->running[1];
	run2 = w->running[2];
	next->fall = 1;
	other->type = &at_once;
	fill(&targets[0], next, 2);
	fill(&targets[1], next, 1);
	fill(&targets[2], next, 6);
	fill(&targets[3], next, 33);
	fill(&targets[4], other, 4);
	fill(&targets[5], next, 5);
	assert_int_equal(sched_replace(w->sched, targets, 6, from, &w->limits), 0);
	memset(old, 0xaa, sizeof(*old));
	free(old);
	targets_free(w->targets, 6);
	w->targets = targets;

	assert_int_equal(w->cancels, 3);
	assert_ptr_equal(w->running[1], run1);
	assert_ptr_equal(w->running[2], run2);
	assert_ptr_equal(run2->conf, next);
	assert_int_equal(targets[0].attempts, 22);
	assert_int_equal(targets[0].n_failures, 1);
	assert_int_equal(targets[1].attempts, 11);

	finish(run2, PROBE_CONNECT_REFUSED);
	assert_int_equal(w->last_target, 0);
	assert_true(w->changed); /* the new fall is 1 */
	assert_int_equal(targets[0].health.verdict, VERDICT_DOWN);
	finish(run1, PROBE_OK);
	assert_int_equal(w->last_target, 1);

	/* the other address, the other kind and the new one begin soon */
	while (!w->starts[33] || w->starts[4] < 2 || !w->starts[6])
		run_for(w, 20);
	assert_int_equal(targets[4].attempts, 1);
	assert_int_equal(w->starts[5], 1);
	assert_non_null(w->running[5]);
	world_free(w);
	free(next);
	free(other);
}

static void test_replace_refuses(void **state ATTR_UNUSED)
{
	static const uint32_t twice[2] = { 0, 0 }, beyond[2] = { 0, 2 };
	struct world *w = world_new(&silent, 2, 3600000);
	struct sched_target targets[2];

	while (w->now_running < 2)
		run_for(w, 20);
	fill(&targets[0], &w->conf, 0);
	fill(&targets[1], &w->conf, 1);
	assert_int_equal(sched_replace(w->sched, targets, 2, twice, &w->limits), -EINVAL);
	assert_int_equal(sched_replace(w->sched, targets, 2, beyond, &w->limits), -EINVAL);
	assert_int_equal(w->cancels, 0);
	finish(w->running[1], PROBE_OK);
	assert_int_equal(w->last_target, 1);
	world_free(w);
}

/* A shorter interval is felt at once, not after the old one; no targets at all. */
static void test_replace_interval(void **state ATTR_UNUSED)
{
	static const uint32_t from[1] = { 0 };
	struct world *w = world_new(&at_once, 1, 3600000);
	struct sched_target *t = calloc(1, sizeof(*t));
	struct probe_conf *next = conf_copy(w);
	uint32_t starts;

	run_until(w, 1);
	next->interval = 50;
	fill(t, next, 0);
	assert_int_equal(sched_replace(w->sched, t, 1, from, &w->limits), 0);
	targets_free(w->targets, 1);
	w->targets = t;
	run_until(w, 3);
	assert_int_equal(t->attempts, 4);
	starts = w->starts[0];
	assert_int_equal(sched_replace(w->sched, NULL, 0, NULL, &w->limits), 0);
	run_for(w, 120);
	assert_int_equal(w->starts[0], starts);
	world_free(w);
	free(next);
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
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_kind_never_reports),
		cmocka_unit_test(test_stall_is_unknown),
		cmocka_unit_test(test_replace_under_way),
		cmocka_unit_test(test_replace_refuses),
		cmocka_unit_test(test_replace_interval),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
