/* test_compare.c: who is compared with whom, for how long what he said counts, and what a
 * rule makes of it. */
#include "agent/check.h"
#include "agent/model/compare.h"
#include "tests/unit/engine_rig.h"

#define FOUR  THREE "realserver = d 10.1.2.24\n"
#define SORRY "backup = sorry 10.1.2.30\n"
#define RULE  "[rule stale]\nexpr = probe_stale == 1\nfor = 4s\naction = quiesce\n"

enum { OLD = 0x01d, NEW = 0x2e3 };

/* Of a configuration's probes `names` compare. */
static struct compare *compared(struct state *s, const char *const *names)
{
	struct compare *c;
	uint32_t i;

	for (; *names; names++)
		for (i = 0; i < s->layout->n_targets; i++) {
			struct probe_conf *p =
				(struct probe_conf *)(uintptr_t)s->layout->targets[i].conf;

			p->compares |= !strcmp(p->head.name, *names);
		}
	assert_int_equal(compare_new(s->layout, &c), 0);
	assert_non_null(c);
	return c;
}

/* Every target of a realserver by that probe. */
static void says(const struct state *s, struct compare *c, const char *who, const char *probe,
		 uint64_t digest, int64_t ms)
{
	const struct layout *l = s->layout;
	const struct layout_realserver *r = &l->realservers[id_of(l, who)];
	uint32_t i;

	for (i = r->first_link; i < r->first_link + r->n_links; i++)
		if (!strcmp(l->targets[l->links[i]].conf->head.name, probe))
			compare_note(c, l->links[i], digest, false, ms);
}

static const char *const p_only[] = { "p", NULL };

static enum consensus_word word_of(const struct state *s, struct compare *c, const char *who,
				   int64_t ms)
{
	uint32_t id = id_of(s->layout, who);

	compare_service(c, s->layout->realservers[id].service, ms);
	return compare_realserver(c, id, ms);
}

static void test_nobody_compares(void **state ATTR_UNUSED)
{
	struct state *s = make_state(HEAD THREE PROBE);
	struct compared d;

	assert_null(s->compare);
	compare_note(NULL, 0, OLD, false, 1);
	compare_service(NULL, 0, 1);
	assert_false(compare_probe(NULL, 0, s->layout->targets[0].conf, 1, &d));
	assert_int_equal(compare_realserver(NULL, 0, 1), CONSENSUS_UNKNOWN);
	state_free(s);
}

static void test_ages(void **state ATTR_UNUSED)
{
	struct state *s = make_state(HEAD THREE PROBE);
	struct compare *c = compared(s, p_only);
	/* three intervals of 2 s and the timeout */
	const int64_t fresh = 7000;

	assert_int_equal(word_of(s, c, "web/a", 0), CONSENSUS_UNKNOWN);
	says(s, c, "web/a", "p", NEW, 100);
	says(s, c, "web/b", "p", NEW, 200);
	assert_int_equal(word_of(s, c, "web/a", 300), CONSENSUS_UNKNOWN);
	says(s, c, "web/c", "p", OLD, 300);
	assert_int_equal(word_of(s, c, "web/a", 300), CONSENSUS_SAME);
	assert_int_equal(word_of(s, c, "web/c", 300), CONSENSUS_STALE);
	/* an attempt that fails leaves what was said, as long as it is fresh */
	says(s, c, "web/a", "p", 0, 400);
	assert_int_equal(word_of(s, c, "web/c", 100 + fresh), CONSENSUS_STALE);
	assert_int_equal(word_of(s, c, "web/c", 101 + fresh), CONSENSUS_UNKNOWN);
	says(s, c, "web/a", "p", NEW, 5000);
	says(s, c, "web/b", "p", NEW, 5000);
	says(s, c, "web/c", "p", NEW, 5000);
	assert_int_equal(word_of(s, c, "web/c", 5000), CONSENSUS_SAME);
	compare_free(c);
	state_free(s);
}

/* After a start and a reload: who is asked late could have been one of many. */
static void test_all_are_asked_first(void **state ATTR_UNUSED)
{
	struct state *s = make_state(HEAD FOUR "realserver = e 10.1.2.25\n" PROBE);
	struct compare *c = compared(s, p_only);

	says(s, c, "web/a", "p", OLD, 0);
	says(s, c, "web/b", "p", OLD, 0);
	says(s, c, "web/c", "p", NEW, 0);
	says(s, c, "web/d", "p", NEW, 0);
	assert_int_equal(word_of(s, c, "web/c", 1), CONSENSUS_UNKNOWN);
	says(s, c, "web/e", "p", NEW, 1);
	assert_int_equal(word_of(s, c, "web/c", 1), CONSENSUS_SAME);
	assert_int_equal(word_of(s, c, "web/a", 1), CONSENSUS_STALE);
	/* who was asked and is dead is not waited for */
	compare_free(c);
	c = compared(s, p_only);
	says(s, c, "web/e", "p", 0, 0);
	says(s, c, "web/a", "p", OLD, 0);
	says(s, c, "web/b", "p", NEW, 0);
	says(s, c, "web/c", "p", NEW, 0);
	says(s, c, "web/d", "p", NEW, 0);
	assert_int_equal(word_of(s, c, "web/a", 1), CONSENSUS_STALE);
	assert_int_equal(word_of(s, c, "web/e", 1), CONSENSUS_UNKNOWN);
	compare_free(c);
	state_free(s);
}

/* Backups have their own page; who is out of service is not asked. */
static void test_who_takes_part(void **state ATTR_UNUSED)
{
	struct state *s =
		make_state(HEAD THREE SORRY "realserver = off 10.1.2.25 enabled=no\n" PROBE);
	struct compare *c = compared(s, p_only);
	struct compared d;

	says(s, c, "web/a", "p", NEW, 0);
	says(s, c, "web/b", "p", OLD, 0);
	says(s, c, "web/c", "p", NEW, 0);
	says(s, c, "web/sorry", "p", OLD, 0);
	assert_int_equal(word_of(s, c, "web/b", 1), CONSENSUS_STALE);
	assert_int_equal(word_of(s, c, "web/sorry", 1), CONSENSUS_UNKNOWN);
	assert_int_equal(word_of(s, c, "web/off", 1), CONSENSUS_UNKNOWN);
	assert_false(
		compare_probe(c, id_of(s->layout, "web/sorry"), s->layout->targets[0].conf, 1, &d));
	compare_free(c);
	state_free(s);
}

/* Answers to one probe are not those to another, nor is one service another. */
static void test_probe_by_probe(void **state ATTR_UNUSED)
{
	static const char *const both[] = { "p", "q", NULL };
	struct state *s = make_state(
		"[service web]\naddress = tcp://10.1.2.15:80\nprobe = alive, p, q\n" THREE
		"[service other]\naddress = tcp://10.1.2.16:80\nprobe = q\n"
		"realserver = x 10.1.2.31\nrealserver = y 10.1.2.32\nrealserver = z "
		"10.1.2.33\n" PROBE "[probe q]\nurl = http://y/\n[probe alive]\nurl = tcp://\n");
	struct compare *c = compared(s, both);

	says(s, c, "web/a", "p", NEW, 0);
	says(s, c, "web/b", "p", NEW, 0);
	says(s, c, "web/c", "p", NEW, 0);
	assert_int_equal(word_of(s, c, "web/a", 0), CONSENSUS_SAME);
	says(s, c, "web/a", "q", OLD, 0);
	says(s, c, "web/b", "q", 7, 0);
	says(s, c, "web/c", "q", 7, 0);
	assert_int_equal(word_of(s, c, "web/a", 0), CONSENSUS_STALE);
	assert_int_equal(word_of(s, c, "web/b", 0), CONSENSUS_SAME);
	says(s, c, "other/x", "q", OLD, 0);
	says(s, c, "other/y", "q", OLD, 0);
	says(s, c, "other/z", "q", OLD, 0);
	assert_int_equal(word_of(s, c, "other/x", 0), CONSENSUS_SAME);
	assert_int_equal(word_of(s, c, "web/a", 0), CONSENSUS_STALE);
	compare_free(c);
	state_free(s);
}

static void test_two_addresses(void **state ATTR_UNUSED)
{
	struct state *s = make_state("[service web]\naddress = tcp://10.1.2.15:80\nprobe = p\n"
				     "address = tcp://[fd00::15]:80\n"
				     "realserver = a 10.1.2.21 [fd00::21]\n"
				     "realserver = b 10.1.2.22 [fd00::22]\n"
				     "realserver = c 10.1.2.23\n" PROBE);
	struct compare *c = compared(s, p_only);
	const struct layout_realserver *a = &s->layout->realservers[id_of(s->layout, "web/a")];
	struct buf words = BUF_INIT;
	struct compared d;

	/* one that has two has one voice */
	says(s, c, "web/a", "p", OLD, 0);
	says(s, c, "web/b", "p", NEW, 0);
	says(s, c, "web/c", "p", NEW, 0);
	assert_int_equal(word_of(s, c, "web/a", 0), CONSENSUS_STALE);
	compare_note(c, s->layout->links[a->first_link], NEW, false, 1);
	assert_int_equal(word_of(s, c, "web/a", 1), CONSENSUS_STALE);
	assert_true(compare_probe(c, id_of(s->layout, "web/a"), s->layout->targets[0].conf, 1, &d));
	assert_true(d.split);
	compare_words(&d, &words);
	assert_string_equal(buf_str(&words),
			    "two digests, its addresses answer differently, differs from 2 of 3");
	compare_note(c, s->layout->links[a->first_link + 1], NEW, false, 1);
	assert_int_equal(word_of(s, c, "web/a", 1), CONSENSUS_SAME);
	buf_fini(&words);
	compare_free(c);
	state_free(s);
}

static void in_words(const struct state *s, struct compare *c, const char *want)
{
	struct buf words = BUF_INIT;
	struct compared d;

	compare_service(c, 0, 1);
	assert_true(compare_probe(c, id_of(s->layout, "web/a"), s->layout->targets[0].conf, 1, &d));
	compare_words(&d, &words);
	assert_string_equal(buf_str(&words), want);
	buf_fini(&words);
}

static void test_words(void **state ATTR_UNUSED)
{
	const uint64_t some = 0x0123456789abcdefu;
	struct state *s = make_state(HEAD FOUR PROBE);
	struct compare *c = compared(s, p_only);

	in_words(s, c, "no digest of late");
	says(s, c, "web/a", "p", some, 0);
	in_words(s, c, "digest 0123456789ab, 3 not asked yet");
	says(s, c, "web/b", "p", some, 0);
	says(s, c, "web/c", "p", 0, 0);
	says(s, c, "web/d", "p", 0, 0);
	in_words(s, c, "digest 0123456789ab, 2 to compare where it takes 3");
	says(s, c, "web/c", "p", OLD, 0);
	in_words(s, c, "digest 0123456789ab, as 2 of 3 have it");
	says(s, c, "web/d", "p", OLD, 0);
	in_words(s, c, "digest 0123456789ab, no majority of 4");
	says(s, c, "web/b", "p", OLD, 0);
	in_words(s, c, "digest 0123456789ab, differs from 3 of 4");
	compare_note(c, s->layout->links[0], 0, true, 0);
	in_words(s, c, "no digest, the answer is longer than max_body");
	compare_free(c);
	state_free(s);
}

static void all_say(struct rig *r, uint64_t a, uint64_t b, uint64_t c, int64_t ms)
{
	struct state *s = r->w->state;

	says(s, s->compare, "web/a", "p", a, 1000 + ms);
	says(s, s->compare, "web/b", "p", b, 1000 + ms);
	says(s, s->compare, "web/c", "p", c, 1000 + ms);
	decide_at(r, ms);
}

/* The minority is taken out after `for`, stays out while nobody can tell, and returns when
 * it says what the others say. A deploy that is over sooner takes nobody out. */
static void test_rule(void **state ATTR_UNUSED)
{
	struct rig r;

	open_rig(&r, HEAD THREE PROBE RULE);
	r.w->state->compare = compared(r.w->state, p_only);
	all_say(&r, NEW, OLD, NEW, 2000);
	all_say(&r, NEW, OLD, NEW, 4000);
	assert_false(held(&r, "web/b"));
	all_say(&r, NEW, OLD, NEW, 6000);
	assert_true(held(&r, "web/b"));
	assert_int_equal(want(&r, "web/b"), 0);
	assert_int_equal(want(&r, "web/a"), 100);
	all_say(&r, 0, OLD, NEW, 8000);
	decide_at(&r, 14000); /* a was heard last at 6 s: two are left */
	assert_true(held(&r, "web/b"));
	decide_at(&r, 60000); /* nobody */
	assert_true(held(&r, "web/b"));
	all_say(&r, NEW, NEW, NEW, 62000);
	assert_false(held(&r, "web/b"));
	assert_int_equal(want(&r, "web/b"), 100);
	/* the new content is the minority at first, the old one then */
	all_say(&r, 7, NEW, NEW, 64000);
	all_say(&r, 7, NEW, NEW, 66000);
	all_say(&r, 7, 7, NEW, 68000);
	all_say(&r, 7, 7, NEW, 70000);
	all_say(&r, 7, 7, 7, 72000);
	all_say(&r, 7, 7, 7, 80000);
	assert_false(held(&r, "web/a") || held(&r, "web/b") || held(&r, "web/c"));
	assert_int_equal(rule(&r, "stale")->detected, 1);
	close_rig(&r);
}

/* Two are too few, and `check` says so. */
static void test_too_few(void **state ATTR_UNUSED)
{
	static const char two[] = "realserver = a 10.1.2.21\nrealserver = b 10.1.2.22\n" SORRY
				  "realserver = off 10.1.2.23 enabled=no\n";
	static const struct {
		const char *pool;
		bool compares, warns;
	} cases[] = { { two, true, true }, { two, false, false }, { THREE SORRY, true, false } };
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		struct buf ini = BUF_INIT;
		struct probe_conf *p;
		struct config *c;
		size_t before;

		buf_printf(&ini, HEAD "%s" PROBE, cases[i].pool);
		c = load_conf(buf_str(&ini));
		before = config_warnings(c);
		p = config_named(c, &probe_section, "p");
		p->compares = cases[i].compares;
		lint_services(c);
		assert_int_equal(config_warnings(c) - before, cases[i].warns);
		buf_fini(&ini);
		config_unref(c);
	}
}

/* A rule that never has data. */
static void test_nothing_to_read(void **state ATTR_UNUSED)
{
	static const struct {
		const char *tail; /* [service web] is compared … */
		bool warns;
	} cases[] = {
		{ "[rule r]\nexpr = probe_stale == 1\naction = quiesce\n", false },
		{ "[rule r]\nservice = w*\nexpr = probe_stale == 1\naction = quiesce\n", false },
		/* … and this one is not */
		{ "[rule r]\nservice = other\nexpr = probe_stale == 1\naction = quiesce\n", true },
		{ "[rule r]\nservice = other\nexpr = probe_up == 0\naction = quiesce\n", false },
		{ "[rule r]\nservice = own\nexpr = probe_stale == 1\naction = quiesce\n", false },
	};
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		struct buf ini = BUF_INIT;
		struct probe_conf *p;
		struct config *c;
		size_t before;

		buf_printf(&ini,
			   HEAD "%s"
				"[service other]\naddress = tcp://10.1.2.16:80\nprobe = q\n"
				"realserver = x 10.1.2.31\nrealserver = y 10.1.2.32\n"
				"[service own]\naddress = tcp://10.1.2.17:80\nprobe = q\n"
				"realserver = x 10.1.2.31\nrealserver = y 10.1.2.32 probe=p\n" PROBE
				"[probe q]\nurl = http://y/\n%s",
			   THREE, cases[i].tail);
		c = load_conf(buf_str(&ini));
		p = config_named(c, &probe_section, "p");
		p->compares = true;
		before = config_warnings(c);
		lint_rules(c);
		assert_int_equal(config_warnings(c) - before, cases[i].warns);
		buf_fini(&ini);
		config_unref(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_compares),
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_all_are_asked_first),
		cmocka_unit_test(test_who_takes_part),
		cmocka_unit_test(test_probe_by_probe),
		cmocka_unit_test(test_two_addresses),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_nothing_to_read),
	};

	return cmocka_run_group_tests_name("compare", tests, NULL, NULL);
}
