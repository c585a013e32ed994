/* test_hold.c: holds by id and by realserver, and what effects make of weights. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/holds/effect.h"

static struct hold *make(const char *id, enum hold_class hold_class, const char *realserver,
			 const char *holder, int effect)
{
	struct hold like = {
		.id = (char *)(uintptr_t)id,
		.hold_class = hold_class,
		.service = (char *)(uintptr_t) "web",
		.realserver = (char *)(uintptr_t)realserver,
		.holder = (char *)(uintptr_t)holder,
		.effect = effect,
		.since_wall_ms = 1,
	};
	struct hold *h = hold_new(&like);

	assert_non_null(h);
	assert_string_equal(h->reason, "");
	return h;
}

static void add(void *arg, const struct hold *hold)
{
	struct buf *b = arg;

	buf_printf(b, "%s ", hold->id);
}

static void assert_order(const struct holds *h, const char *expected)
{
	struct buf b = BUF_INIT;

	holds_each(h, add, &b);
	assert_string_equal(buf_str(&b), expected);
	buf_fini(&b);
}

static void test_place_and_take(void **state)
{
	struct holds *h;
	struct hold *hold;
	bool same = true;

	(void)state;
	assert_int_equal(holds_new(&h), 0);
	assert_null(holds_of(h, "web", "web1"));
	assert_int_equal(holds_place(h, make("a", HOLD_RULE, "web1", "probe-down", 0), &same), 0);
	assert_false(same);
	assert_int_equal(holds_place(h, make("b", HOLD_OPERATOR, "web1", "ann", -1), NULL), 0);
	assert_int_equal(holds_place(h, make("c", HOLD_RULE, "web2", "probe-down", 0), NULL), 0);
	assert_int_equal(holds_count(h), 3);
	assert_order(h, "a b c ");
	hold = holds_of(h, "web", "web1");
	assert_string_equal(hold->id, "a");
	assert_string_equal(hold->next->id, "b");
	assert_null(hold->next->next);
	assert_null(holds_of(h, "web", "web3"));
	assert_null(holds_of(h, "dns", "web1"));
	/* The names are two: "we" "bweb1" is not "web" "web1". */
	assert_null(holds_of(h, "we", "bweb1"));
	hold = holds_take(h, "a");
	assert_string_equal(hold->id, "a");
	assert_null(hold->next);
	hold_free(hold);
	assert_null(holds_take(h, "a"));
	assert_string_equal(holds_of(h, "web", "web1")->id, "b");
	assert_ptr_equal(holds_find(h, "b"), holds_of(h, "web", "web1"));
	hold_free(holds_take(h, "b"));
	assert_null(holds_of(h, "web", "web1"));
	assert_order(h, "c ");
	holds_free(h);
	holds_free(NULL);
}

static void test_replace(void **state)
{
	struct holds *h;
	struct hold *late;
	bool same = false;

	(void)state;
	assert_int_equal(holds_new(&h), 0);
	assert_int_equal(holds_place(h, make("a", HOLD_ALERT, "web1", "f1", 50), NULL), 0);
	assert_int_equal(holds_place(h, make("b", HOLD_RULE, "web1", "f1", 50), NULL), 0);
	/* The same id, only other words. */
	late = make("a", HOLD_ALERT, "web1", "f1", 50);
	late->until_wall_ms = 99;
	assert_int_equal(holds_place(h, late, &same), 0);
	assert_true(same);
	assert_ptr_equal(holds_find(h, "a"), late);
	assert_int_equal(holds_count(h), 2);
	/* Another effect, another id. */
	assert_int_equal(holds_place(h, make("d", HOLD_ALERT, "web1", "f1", 0), &same), 0);
	assert_false(same);
	assert_null(holds_find(h, "a"));
	assert_order(h, "b d ");
	/* Another's id is refused, and nothing changes. */
	late = make("b", HOLD_ALERT, "web1", "f1", 10);
	assert_int_equal(holds_place(h, late, &same), -EEXIST);
	hold_free(late);
	late = make("d", HOLD_ALERT, "web2", "f1", 10);
	assert_int_equal(holds_place(h, late, &same), -EEXIST);
	hold_free(late);
	assert_order(h, "b d ");
	assert_null(holds_of(h, "web", "web2"));
	assert_int_equal(holds_find(h, "d")->effect, 0);
	holds_free(h);
}

static void test_many(void **state)
{
	struct holds *h;
	char id[16], name[16];

	(void)state;
	assert_int_equal(holds_new(&h), 0);
	for (int i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "h%d", i);
		snprintf(name, sizeof(name), "rs%d", i % 1000);
		assert_int_equal(
			holds_place(h, make(id, (enum hold_class)(i / 1000), name, "x", 0), NULL),
			0);
	}
	assert_int_equal(holds_count(h), 3000);
	for (int i = 0; i < 3000; i += 3) {
		snprintf(id, sizeof(id), "h%d", i);
		hold_free(holds_take(h, id));
	}
	assert_int_equal(holds_count(h), 2000);
	/* 1: h1, h1001 and h2001; of these none is a multiple of 3 but h2001 = 3 × 667. */
	assert_string_equal(holds_of(h, "web", "rs1")->id, "h1");
	assert_string_equal(holds_of(h, "web", "rs1")->next->id, "h1001");
	assert_null(holds_of(h, "web", "rs1")->next->next);
	holds_free(h);
}

static void test_weight(void **state)
{
	static const struct {
		int effect;
		uint32_t configured;
		int32_t weight;
	} cases[] = {
		{ HOLD_ABSENT, 100, -1 },
		{ HOLD_ABSENT, 0, -1 },
		{ HOLD_ZERO, 100, 0 },
		{ 50, 100, 50 },
		{ 50, 1, 1 },
		{ 1, 1, 1 },
		{ 1, 100, 1 },
		{ 1, 101, 2 },
		{ 33, 10, 4 },
		{ 99, 3, 3 },
		{ 100, 7, 7 },
		{ 50, 0, 0 },
		{ 100, INT32_MAX, INT32_MAX },
		{ 100, UINT32_MAX, INT32_MAX },
		{ 50, UINT32_MAX, INT32_MAX },
		{ 1, UINT32_MAX, 42949673 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		assert_int_equal(hold_weight(cases[i].effect, cases[i].configured),
				 cases[i].weight);
	/* A stronger effect never gives more, and none gives more than was configured. */
	for (uint32_t configured = 0; configured < 130; configured++) {
		for (int effect = -1; effect < 100; effect++) {
			assert_true(hold_weight(effect, configured) <=
				    hold_weight(effect + 1, configured));
			assert_true(hold_weight(effect + 1, configured) <= (int32_t)configured);
		}
	}
}

static void test_format(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (int effect = -1; effect <= 1; effect++) {
		hold_format_effect(&b, effect);
		buf_putc(&b, ';');
	}
	for (int effect = HOLD_FALLBACK; effect <= HOLD_ADMIT; effect++) {
		hold_format_effect(&b, effect);
		buf_putc(&b, ';');
	}
	assert_string_equal(buf_str(&b), "absent;weight 0;1% of the weight;the backups serve;"
					 "rules and alerts change nothing;rules are ignored;");
	buf_reset(&b);
	hold_format(&b, &(struct hold){ .effect = HOLD_REPLACE, .weight = 30 });
	buf_putc(&b, ';');
	hold_format(&b, &(struct hold){ .effect = HOLD_REPLACE_SHARE, .weight = 150 });
	buf_putc(&b, ';');
	hold_format(&b, &(struct hold){ .effect = 50 });
	assert_string_equal(buf_str(&b),
			    "weight 30 instead;150% of the weight instead;50% of the weight");
	buf_fini(&b);
}

/* What operators may ask for besides takes nothing of a weight. */
static void test_besides(void **state)
{
	static const struct {
		int effect;
		uint32_t weight, configured, replaced;
	} cases[] = {
		{ HOLD_REPLACE, 30, 100, 30 },
		{ HOLD_REPLACE, 300, 100, 300 },
		{ HOLD_REPLACE, UINT32_MAX, 1, INT32_MAX },
		{ HOLD_REPLACE_SHARE, 150, 100, 150 },
		{ HOLD_REPLACE_SHARE, 50, 1, 1 },
		{ HOLD_REPLACE_SHARE, 50, 0, 0 },
		{ HOLD_REPLACE_SHARE, UINT32_MAX, UINT32_MAX, INT32_MAX },
		{ HOLD_ADMIT, 0, 100, 100 },
		{ HOLD_ZERO, 0, 100, 100 },
	};

	(void)state;
	for (int effect = HOLD_FALLBACK; effect <= HOLD_REPLACE_SHARE; effect++)
		assert_int_equal(hold_weight(effect, 70), 70);
	for (size_t i = 0; i < countof(cases); i++) {
		struct hold h = { .effect = cases[i].effect, .weight = cases[i].weight };

		assert_int_equal(hold_replaced(&h, cases[i].configured), cases[i].replaced);
	}
}

/* Of each kind an owner has one at a realserver; of an alert one for each rule. */
static void test_kinds(void **state)
{
	static const int effects[] = { HOLD_ZERO, HOLD_ADMIT, HOLD_REPLACE, HOLD_FREEZE };
	static const char *const ids[] = { "a", "b", "c", "d" };
	struct holds *h;
	struct hold *hold;
	bool same = true;

	(void)state;
	assert_int_equal(holds_new(&h), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(holds_place(h,
					     make(ids[i], HOLD_OPERATOR, "web1", "ann", effects[i]),
					     NULL),
				 0);
	assert_order(h, "a b c d ");
	assert_int_equal(holds_place(h, make("e", HOLD_OPERATOR, "web1", "ann", 50), &same), 0);
	assert_false(same);
	hold = make("f", HOLD_OPERATOR, "web1", "ann", HOLD_REPLACE_SHARE);
	hold->weight = 150;
	assert_int_equal(holds_place(h, hold, &same), 0);
	assert_false(same);
	assert_order(h, "b d e f ");
	hold = make("f", HOLD_OPERATOR, "web1", "ann", HOLD_REPLACE_SHARE);
	hold->weight = 160;
	assert_int_equal(holds_place(h, hold, &same), 0);
	assert_false(same);
	/* Two owners never take each other's place. */
	assert_int_equal(holds_place(h, make("g", HOLD_OPERATOR, "web1", "bob", 50), NULL), 0);
	assert_order(h, "b d e f g ");
	for (int i = 0; i < 2; i++) {
		hold = make(i ? "i" : "h", HOLD_ALERT, "web1", "8a3f", 0);
		free(hold->rule);
		hold->rule = strdup(i ? "load" : "heat");
		assert_int_equal(holds_place(h, hold, NULL), 0);
	}
	assert_order(h, "b d e f g h i ");
	holds_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place_and_take), cmocka_unit_test(test_replace),
		cmocka_unit_test(test_many),           cmocka_unit_test(test_weight),
		cmocka_unit_test(test_format),         cmocka_unit_test(test_besides),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
