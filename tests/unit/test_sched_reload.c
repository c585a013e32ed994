/* test_sched_reload.c: targets are replaced while attempts are under way. */
#include <errno.h>

#include "tests/unit/sched_world.h"

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
	struct layout_target *asked = calloc(6, sizeof(*asked));
	struct target *targets = calloc(6, sizeof(*targets));
	struct probe_run *run1, *run2;
	uint32_t i;

	for (i = 0; i < 6; i++)
		w->asked[i].conf = old;
	w->targets[1].attempts = 11;
	w->targets[2].attempts = 22;
	target_count_failure(&w->targets[2], PROBE_CONNECT_RESET);
	target_count_failure(&w->targets[2], PROBE_CONNECT_TIMEOUT);
	target_set_text(&w->targets[1], "kept");
	target_set_text(&w->targets[0], "gone");
	target_count_failure(&w->targets[0], PROBE_CONNECT_RESET);
	target_count_failure(&w->targets[0], PROBE_CONNECT_TIMEOUT);
	while (w->now_running < 6)
		run_for(w, 20);
	run1 = w->running[1];
	run2 = w->running[2];
	next->fall = 1;
	other->type = &at_once;
	fill(&asked[0], next, 2);
	fill(&asked[1], next, 1);
	fill(&asked[2], next, 6);
	fill(&asked[3], next, 33);
	fill(&asked[4], other, 4);
	fill(&asked[5], next, 5);
	assert_int_equal(sched_replace(w->sched, asked, targets, 6, from, &w->limits), 0);
	memset(old, 0xaa, sizeof(*old));
	free(old);
	put_targets(w, asked, targets);

	assert_int_equal(w->cancels, 3);
	assert_ptr_equal(w->running[1], run1);
	assert_ptr_equal(w->running[2], run2);
	assert_ptr_equal(run2->conf, next);
	assert_int_equal(targets[0].attempts, 22);
	assert_int_equal(targets[0].n_failures, 2);
	assert_int_equal(target_failures(&targets[0])[1].reason, PROBE_CONNECT_TIMEOUT);
	assert_int_equal(targets[1].attempts, 11);
	assert_string_equal(target_text(&targets[1]), "kept");
	assert_int_equal(targets[1].n_failures, 0);
	assert_null(target_text(&targets[0]));

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
	struct layout_target asked[2];
	struct target targets[2] = { 0 };

	while (w->now_running < 2)
		run_for(w, 20);
	fill(&asked[0], &w->conf, 0);
	fill(&asked[1], &w->conf, 1);
	assert_int_equal(sched_replace(w->sched, asked, targets, 2, twice, &w->limits), -EINVAL);
	assert_int_equal(sched_replace(w->sched, asked, targets, 2, beyond, &w->limits), -EINVAL);
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
	struct layout_target *asked = calloc(1, sizeof(*asked));
	struct target *t = calloc(1, sizeof(*t));
	struct probe_conf *next = conf_copy(w);
	uint32_t starts;

	run_until(w, 1);
	next->interval = 50;
	fill(asked, next, 0);
	assert_int_equal(sched_replace(w->sched, asked, t, 1, from, &w->limits), 0);
	put_targets(w, asked, t);
	run_until(w, 3);
	assert_int_equal(t->attempts, 4);
	starts = w->starts[0];
	assert_int_equal(sched_replace(w->sched, NULL, NULL, 0, NULL, &w->limits), 0);
	run_for(w, 120);
	assert_int_equal(w->starts[0], starts);
	world_free(w);
	free(next);
}

/* Who is down is not asked anew by each reload; with the next attempt an hour off, none
 * comes. */
static void test_replace_while_down(void **state ATTR_UNUSED)
{
	static const uint32_t from[1] = { 0 };
	struct world *w = world_new(&at_once, 1, 50);
	struct layout_target *asked = calloc(1, sizeof(*asked));
	struct target *t = calloc(1, sizeof(*t));

	w->conf.fall = 1;
	w->conf.interval_down = 3600000;
	w->answer = PROBE_CONNECT_REFUSED;
	run_until(w, 1);
	fill(asked, &w->conf, 0);
	assert_int_equal(sched_replace(w->sched, asked, t, 1, from, &w->limits), 0);
	put_targets(w, asked, t);
	run_for(w, 300);
	assert_int_equal(t->attempts, 1);
	world_free(w);
}

/* An attempt goes on by its way; one that is to go by another begins anew. */
static void test_replace_way_out(void **state ATTR_UNUSED)
{
	static const uint32_t from[2] = { 0, 1 };
	struct world *w = world_new(&silent, 2, 3600000);
	struct layout_target *asked = calloc(2, sizeof(*asked));
	struct target *t = calloc(2, sizeof(*t));
	struct probe_conf *next = conf_copy(w), *other = conf_copy(w);
	char device[] = "eth0";
	struct probe_run *kept;

	w->conf.interface = device;
	while (w->now_running < 2)
		run_for(w, 20);
	kept = w->running[0];
	assert_ptr_equal(kept->from.device, device);
	next->interface = "eth0";
	other->interface = "eth0";
	assert_int_equal(addr_parse("10.0.0.9", &other->sources.of[0]), 0);
	fill(&asked[0], next, 0);
	fill(&asked[1], other, 1);
	assert_int_equal(sched_replace(w->sched, asked, t, 2, from, &w->limits), 0);
	put_targets(w, asked, t);
	assert_int_equal(w->cancels, 1);
	assert_ptr_equal(w->running[0], kept);
	assert_ptr_equal(kept->from.device, next->interface);
	while (!w->running[1])
		run_for(w, 20);
	assert_int_equal(addr_cmp(&w->from.source, &other->sources.of[0]), 0);
	world_free(w);
	free(next);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replace_under_way), cmocka_unit_test(test_replace_refuses),
		cmocka_unit_test(test_replace_interval),  cmocka_unit_test(test_replace_while_down),
		cmocka_unit_test(test_replace_way_out),
	};

	return cmocka_run_group_tests_name("sched_reload", tests, NULL, NULL);
}
