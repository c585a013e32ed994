/* test_reload.c: what of an old state lives on in a new one: by name and address,
 * whatever the order of the file. */
#include "agent/model/reload.h"
#include "tests/unit/kernel_text.h"

#define PROBE "[probe p]\nurl = http://x/\n"
#define HEAD  "[service web]\naddress = tcp://10.1.2.15:80\nprobe = p\n"

struct pair {
	struct state *old, *now;
	struct reload_map *map;
};

/* An old state in which nothing is at its default. */
static void begin(struct pair *p, const char *ini)
{
	uint32_t i;

	p->old = make_state(ini);
	for (i = 0; i < p->old->layout->n_dests; i++) {
		p->old->dests[i].seen = 50 + (int32_t)i;
		p->old->dests[i].cap = 60 + (int32_t)i;
		p->old->dests[i].want = 40 + (int32_t)i;
		p->old->dests[i].error = -(int)i - 1;
		p->old->dests[i].settled = true;
	}
	for (i = 0; i < p->old->layout->n_vips; i++) {
		p->old->vips[i].present = p->old->vips[i].settled = true;
		p->old->vips[i].writes = 1;
		p->old->vips[i].written_us = 1000 + i;
		p->old->vips[i].error = -(int)i - 1;
	}
	for (i = 0; i < p->old->layout->n_realservers; i++) {
		p->old->realservers[i].proven = true;
		p->old->realservers[i].verdict = VERDICT_DOWN;
		p->old->realservers[i].weight = 40 + (int32_t)i;
		p->old->realservers[i].down_since_ms = 7 + i;
	}
	for (i = 0; i < p->old->layout->n_services; i++) {
		p->old->services[i].panic = true;
		p->old->services[i].available = 3 + i;
	}
}

static void carry(struct pair *p, const char *ini)
{
	p->now = make_state(ini);
	assert_int_equal(reload_map_new(p->old->layout, p->now->layout, &p->map), 0);
	reload_carry(p->old, p->now, p->map);
}

static void finish(struct pair *p)
{
	reload_map_free(p->map);
	state_free(p->old);
	state_free(p->now);
}

static uint32_t dest_of(const struct state *s, const char *target)
{
	return s->layout
		->dest_links[s->layout->realservers[id_of(s->layout, target)].first_dest_link];
}

static uint32_t target_of(const struct state *s, const char *target)
{
	return s->layout->links[s->layout->realservers[id_of(s->layout, target)].first_link];
}

static void kept(const struct pair *p, const char *was, const char *is)
{
	uint32_t o = id_of(p->old->layout, was), n = id_of(p->now->layout, is);
	uint32_t od = dest_of(p->old, was), nd = dest_of(p->now, is);

	assert_true(p->now->realservers[n].proven);
	assert_int_equal(p->now->realservers[n].down_since_ms,
			 p->old->realservers[o].down_since_ms);
	assert_int_equal(p->now->dests[nd].seen, p->old->dests[od].seen);
	assert_int_equal(p->now->dests[nd].cap, p->old->dests[od].cap);
	assert_int_equal(p->now->dests[nd].want, p->old->dests[od].want);
	assert_int_equal(p->now->realservers[n].weight, p->old->realservers[o].weight);
	assert_int_equal(p->now->realservers[n].verdict, VERDICT_DOWN);
	assert_int_equal(p->map->kept[n], KEPT_MACHINE | KEPT_PROOF | KEPT_VERDICT);
	assert_int_equal(p->now->dests[nd].error, p->old->dests[od].error);
	assert_false(p->now->dests[nd].settled); /* the file may ask for something else */
	assert_false(p->now->dests[nd].busy);
	assert_int_equal(p->map->targets[target_of(p->now, is)], target_of(p->old, was));
}

static void is_new(const struct pair *p, const char *is)
{
	uint32_t n = id_of(p->now->layout, is);

	assert_false(p->now->realservers[n].proven);
	assert_int_equal(p->now->dests[dest_of(p->now, is)].cap, CAP_NONE);
	assert_int_equal(p->now->dests[dest_of(p->now, is)].want, WANT_OUT);
	assert_int_equal(p->map->kept[n], 0);
}

static void test_permuted(void **state)
{
	struct pair p;
	uint32_t i;

	(void)state;
	begin(&p,
	      HEAD "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\nrealserver = c 10.1.2.23\n"
		   "[service app]\naddress = fwmark://7\naddress = udp://10.1.2.16:53\nprobe = p\n"
		   "realserver = a 10.1.2.21:53\n" PROBE);
	carry(&p, PROBE
	      "[service app]\naddress = udp://10.1.2.16:53\naddress = fwmark://7\nprobe = p\n"
	      "realserver = a 10.1.2.21:53\n" HEAD
	      "realserver = c 10.1.2.23\nrealserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n");
	kept(&p, "web/a", "web/a");
	kept(&p, "web/b", "web/b");
	kept(&p, "web/c", "web/c");
	for (i = 0; i < p.now->layout->n_vips; i++) {
		uint32_t was = layout_find_vip(p.old->layout, &p.now->layout->vips[i].key);

		assert_true(p.now->vips[i].present);
		assert_false(p.now->vips[i].settled);
		assert_int_equal(p.now->vips[i].writes, 0);
		assert_int_equal(p.now->vips[i].written_us, p.old->vips[was].written_us);
		assert_int_equal(p.now->vips[i].error, p.old->vips[was].error);
	}
	for (i = 0; i < p.now->layout->n_services; i++) {
		uint32_t was = p.map->services[i];

		assert_true(p.now->services[i].panic);
		assert_true(p.now->services[i].dirty);
		assert_int_equal(p.now->services[i].available, p.old->services[was].available);
	}
	assert_int_equal(p.map->services_added + p.map->services_removed, 0);
	assert_int_equal(p.map->realservers_added + p.map->realservers_removed, 0);
	assert_int_equal(p.map->targets_added + p.map->targets_removed, 0);
	finish(&p);
}

static void test_added_and_removed(void **state)
{
	struct pair p;
	uint32_t i;

	(void)state;
	begin(&p, HEAD "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n"
		       "[service gone]\naddress = tcp://10.1.2.16:80\n" PROBE);
	carry(&p, HEAD "realserver = b 10.1.2.22\nrealserver = c 10.1.2.23\n"
		       "[service n1]\naddress = tcp://10.1.2.17:80\n"
		       "[service n2]\naddress = tcp://10.1.2.18:80\n" PROBE);
	kept(&p, "web/b", "web/b");
	is_new(&p, "web/c");
	assert_int_equal(p.now->dests[dest_of(p.now, "web/c")].seen, SEEN_UNKNOWN);
	assert_int_equal(p.map->targets[target_of(p.now, "web/c")], LAYOUT_NONE);
	assert_int_equal(p.map->services_added, 2);
	assert_int_equal(p.map->services_removed, 1);
	assert_int_equal(p.map->realservers_added, 1);
	assert_int_equal(p.map->realservers_removed, 1);
	assert_int_equal(p.map->targets_kept, 1);
	for (i = 0; i < p.now->layout->n_services; i++)
		assert_true(p.map->changed[i]);
	finish(&p);
}

/* One that lost a realserver is not as it was; the others are. */
static void test_unchanged(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, HEAD "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n"
		       "[service app]\naddress = tcp://10.1.2.16:80\nprobe = p\n"
		       "realserver = a 10.1.2.21\n" PROBE);
	carry(&p, "[service app]\naddress = tcp://10.1.2.16:80\nprobe = p\n"
		  "realserver = a 10.1.2.21\n" HEAD "realserver = b 10.1.2.22\n" PROBE);
	assert_false(p.map->changed[0]);
	assert_true(p.map->changed[1]);
	finish(&p);
}

/* The place in the kernel is the same, and so is what is probed; the proof is not. */
static void test_renamed(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, HEAD "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n" PROBE);
	carry(&p, HEAD "realserver = z 10.1.2.21\nrealserver = b 10.1.2.22\n" PROBE);
	is_new(&p, "web/z");
	assert_int_equal(p.now->dests[dest_of(p.now, "web/z")].seen,
			 p.old->dests[dest_of(p.old, "web/a")].seen);
	assert_int_equal(p.map->targets[target_of(p.now, "web/z")], target_of(p.old, "web/a"));
	kept(&p, "web/b", "web/b");
	finish(&p);
}

static void test_moved(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, HEAD "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n" PROBE);
	carry(&p, HEAD "realserver = a 10.1.2.31\nrealserver = b 10.1.2.22\n" PROBE);
	is_new(&p, "web/a");
	assert_int_equal(p.now->dests[dest_of(p.now, "web/a")].seen, SEEN_UNKNOWN);
	kept(&p, "web/b", "web/b");
	finish(&p);
}

/* Two that change places are two others. */
static void test_swapped(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, HEAD "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n" PROBE);
	carry(&p, HEAD "realserver = a 10.1.2.22\nrealserver = b 10.1.2.21\n" PROBE);
	is_new(&p, "web/a");
	is_new(&p, "web/b");
	assert_int_equal(p.map->targets_kept, 2);
	finish(&p);
}

/* Back in service it must prove itself: nobody looked meanwhile. */
static void test_enabled_again(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, HEAD "realserver = a 10.1.2.21 enabled=no\nrealserver = b 10.1.2.22\n" PROBE);
	carry(&p, HEAD "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n" PROBE);
	assert_false(p.now->realservers[id_of(p.now->layout, "web/a")].proven);
	assert_int_equal(p.map->kept[id_of(p.now->layout, "web/a")], KEPT_MACHINE);
	assert_int_equal(p.now->dests[dest_of(p.now, "web/a")].cap, CAP_NONE);
	kept(&p, "web/b", "web/b");
	finish(&p);
}

/* Out of service, it is not proven by having no probes. */
static void test_disabled_is_no_proof(void **state)
{
	struct state *s = make_state(HEAD "realserver = a 10.1.2.21 enabled=no\n"
					  "realserver = b 10.1.2.22\n" PROBE);

	(void)state;
	assert_false(s->realservers[0].proven);
	state_judge(s, 0, 1);
	assert_false(s->realservers[0].proven);
	state_free(s);
}

/* Another URL is another question; another interval is not. */
static void test_changed_probe(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, HEAD "realserver = a 10.1.2.21\n" PROBE);
	carry(&p, HEAD "realserver = a 10.1.2.21\n[probe p]\nurl = http://x/other\n");
	assert_int_equal(p.map->targets[0], LAYOUT_NONE);
	assert_true(p.now->realservers[0].proven);
	assert_int_equal(p.map->kept[0], KEPT_MACHINE | KEPT_PROOF);
	assert_int_equal(p.now->realservers[0].verdict, VERDICT_NONE);
	finish(&p);
	begin(&p, HEAD "realserver = a 10.1.2.21\n" PROBE);
	carry(&p, HEAD "realserver = a 10.1.2.21\n" PROBE "interval = 7s\n");
	assert_int_equal(p.map->targets[0], 0);
	finish(&p);
}

/* Several realservers share a target, before and after. */
static void test_shared_target(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, HEAD "realserver = a 10.1.2.21\n[service s2]\naddress = tcp://10.1.2.16:80\n"
		       "probe = p\nrealserver = other 10.1.2.21\n" PROBE);
	assert_int_equal(p.old->layout->n_targets, 1);
	carry(&p, "[service s2]\naddress = tcp://10.1.2.16:80\nprobe = p\nrealserver = other "
		  "10.1.2.21\n" PROBE);
	assert_int_equal(p.map->targets[0], 0);
	assert_int_equal(p.map->targets_kept, 1);
	finish(&p);
}

/* Nobody tells the new state what a write of the old one came to. */
static void test_write_under_way(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, HEAD "realserver = a 10.1.2.21\n" PROBE);
	p.old->dests[0].busy = true;
	carry(&p, HEAD "realserver = a 10.1.2.21\n" PROBE);
	assert_int_equal(p.now->dests[0].seen, SEEN_UNKNOWN);
	assert_false(p.now->dests[0].busy);
	finish(&p);
}

static void large(struct buf *ini, bool backwards)
{
	unsigned int i, j;

	for (i = 0; i < 2000; i++) {
		unsigned int s = backwards ? 1999 - i : i;

		buf_printf(ini, "[service s%u]\naddress = tcp://10.1.%u.%u:80\nprobe = p\n", s,
			   s / 250, s % 250 + 1);
		for (j = 0; j < 10; j++)
			buf_printf(ini, "realserver = r%u 10.2.%u.%u\n", backwards ? 9 - j : j,
				   s / 20, s % 20 * 10 + (backwards ? 9 - j : j) + 1);
	}
	buf_puts(ini, PROBE);
}

static void test_large(void **state)
{
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct pair p;

	(void)state;
	large(&before, false);
	large(&after, true);
	begin(&p, buf_str(&before));
	carry(&p, buf_str(&after));
	assert_int_equal(p.map->targets_kept, 20000);
	assert_int_equal(p.map->realservers_added + p.map->realservers_removed, 0);
	kept(&p, "s0/r0", "s0/r0");
	kept(&p, "s1999/r9", "s1999/r9");
	kept(&p, "s1234/r5", "s1234/r5");
	finish(&p);
	buf_fini(&before);
	buf_fini(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permuted),        cmocka_unit_test(test_added_and_removed),
		cmocka_unit_test(test_unchanged),       cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_moved),           cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_enabled_again),   cmocka_unit_test(test_disabled_is_no_proof),
		cmocka_unit_test(test_changed_probe),   cmocka_unit_test(test_shared_target),
		cmocka_unit_test(test_write_under_way), cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
