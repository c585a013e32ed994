/* test_drift.c: the judgement on what somebody else changed, every policy against
 * every kind of change, and the memory of repairs in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/holds/hold.h"
#include "agent/sync/drift.h"

enum { NO = 0, YES = 1, NONE = -99 };

/* A weight that was found, and what each policy says to it. */
struct row {
	const char *what;
	bool weight, adopted;
	int32_t want, found;
	enum drift_verdict verdict[4]; /* auto, repair, adopt, report */
	int effect;                    /* where it is taken over */
};

#define ALL(a, r, d)                                                                               \
	{                                                                                          \
		a, r, d, DRIFT_TELL                                                                \
	}

static const struct row rows[] = {
	{ "a foreign 0", YES, NO, 100, 0, ALL(DRIFT_TAKE_OVER, DRIFT_PUT_RIGHT, DRIFT_TAKE_OVER),
	  HOLD_ZERO },
	{ "a foreign 0 under a hold of 50%", YES, NO, 50, 0,
	  ALL(DRIFT_TAKE_OVER, DRIFT_PUT_RIGHT, DRIFT_TAKE_OVER), HOLD_ZERO },
	{ "lowered", YES, NO, 100, 5, ALL(DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT, DRIFT_TAKE_OVER), 5 },
	{ "raised above the file's", YES, NO, 100, 150,
	  ALL(DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT), NONE },
	{ "raised above a hold of ours", YES, NO, 0, 50,
	  ALL(DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT), NONE },
	{ "an attribute at the right weight", YES, NO, 100, 100,
	  ALL(DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT), NONE },
	{ "an attribute at a held 0", YES, YES, 0, 0,
	  ALL(DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT), NONE },
	{ "added again where it is to be absent", YES, NO, -1, 0,
	  ALL(DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT), NONE },
	{ "no weight at all: a service", NO, NO, 0, 0,
	  ALL(DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT, DRIFT_PUT_RIGHT), NONE },
	{ "set back", YES, YES, 0, 100, ALL(DRIFT_LET_GO, DRIFT_LET_GO, DRIFT_LET_GO), NONE },
	{ "set back beyond", YES, YES, 0, 200, ALL(DRIFT_LET_GO, DRIFT_LET_GO, DRIFT_LET_GO),
	  NONE },
	{ "set back in part", YES, YES, 0, 40, ALL(DRIFT_LET_GO, DRIFT_LET_GO, DRIFT_TAKE_OVER),
	  40 },
	{ "adopted, and lowered more", YES, YES, 40, 0,
	  ALL(DRIFT_TAKE_OVER, DRIFT_PUT_RIGHT, DRIFT_TAKE_OVER), HOLD_ZERO },
};

static void test_policies(void **state)
{
	size_t i;
	int p;

	(void)state;
	for (i = 0; i < countof(rows); i++) {
		for (p = DRIFT_AUTO; p <= DRIFT_REPORT; p++) {
			const struct row *r = &rows[i];
			struct drift_input in = { .policy = (enum drift_policy)p,
						  .weight = r->weight,
						  .want = r->want,
						  .found = r->found,
						  .configured = 100,
						  .adopted = r->adopted };
			int effect = NONE;
			enum drift_verdict v = drift_judge(&in, &effect);

			if (v != r->verdict[p] ||
			    effect != (v == DRIFT_TAKE_OVER ? r->effect : NONE))
				fail_msg("%s, policy %d: verdict %d effect %d", r->what, p, v,
					 effect);
			/* A stop withholds repairs and nothing else. */
			in.stopped = true;
			v = drift_judge(&in, &effect);
			if (v != (r->verdict[p] == DRIFT_PUT_RIGHT ? DRIFT_STOPPED : r->verdict[p]))
				fail_msg("%s, policy %d, stopped: verdict %d", r->what, p, v);
		}
	}
}

/* Exact where it can be, never above, and never nothing for something. */
static void test_effects(void **state)
{
	uint32_t c, w;

	(void)state;
	assert_int_equal(drift_effect(0, 100), HOLD_ZERO);
	for (c = 1; c <= 1000; c++) {
		for (w = 1; w < c; w++) {
			int e = drift_effect(w, c);
			int32_t got = hold_weight(e, c);

			assert_in_range(e, 1, 99);
			if (c <= 100 && got != (int32_t)w)
				fail_msg("%u of %u: %d%% gives %d", w, c, e, got);
			if (got > (int32_t)w && e != 1)
				fail_msg("%u of %u: %d%% gives %d, more", w, c, e, got);
			if (e < 99 && hold_weight(e + 1, c) <= (int32_t)w)
				fail_msg("%u of %u: %d%% is not the nearest", w, c, e);
		}
	}
	assert_int_equal(drift_effect(123, 1000), 12);
	assert_int_equal(drift_effect(5, 1000), 1);
}

/* --- the memory ------------------------------------------------------------- */

static struct drift_object object(const char *dest)
{
	struct drift_object o;

	memset(&o, 0, sizeof(o));
	o.service.proto = IPPROTO_TCP;
	assert_int_equal(addr_parse("10.1.2.15:80", &o.service.addr), 0);
	if (dest)
		assert_int_equal(addr_parse(dest, &o.dest), 0);
	return o;
}

static void test_three_are_enough(void **state)
{
	struct drift_object web1 = object("10.1.2.21:80"), service = object(NULL);
	struct drift_memory m = { 0 };

	(void)state;
	assert_false(drift_repaired(&m, &web1, 1000));
	assert_false(drift_repaired(&m, &web1, 1000)); /* the same moment is the same one */
	assert_false(drift_repaired(&m, &web1, 2000));
	assert_int_equal(drift_stopped_until(&m, &web1, 2000), 0);
	assert_true(drift_repaired(&m, &web1, 3000));
	assert_int_equal(drift_stopped_until(&m, &web1, 3000), 3000 + DRIFT_STOP_MS);
	assert_int_equal(drift_stopped_until(&m, &service, 3000), 0);
	assert_int_equal(drift_count_stopped(&m, 3000), 1);
	assert_int_equal(drift_stopped_until(&m, &web1, 3000 + DRIFT_STOP_MS - 1),
			 3000 + DRIFT_STOP_MS);
	assert_int_equal(drift_stopped_until(&m, &web1, 3000 + DRIFT_STOP_MS), 0);
	assert_int_equal(drift_count_stopped(&m, 3000 + DRIFT_STOP_MS), 0);
	/* After it, three again. */
	assert_false(drift_repaired(&m, &web1, 3001 + DRIFT_STOP_MS));
	assert_false(drift_repaired(&m, &web1, 3002 + DRIFT_STOP_MS));
	assert_true(drift_repaired(&m, &web1, 3003 + DRIFT_STOP_MS));
	drift_fini(&m);
}

static void test_the_window_slides(void **state)
{
	struct drift_object o = object("10.1.2.21:80");
	struct drift_memory m = { 0 };
	int64_t t;
	int i;

	(void)state;
	/* One in five minutes and a bit: never three in ten. */
	for (i = 0, t = 1; i < 100; i++, t += DRIFT_WINDOW_MS / 2 + 1)
		assert_false(drift_repaired(&m, &o, t));
	/* Exactly ten minutes are within. */
	drift_fini(&m);
	m = (struct drift_memory){ 0 };
	assert_false(drift_repaired(&m, &o, 0));
	assert_false(drift_repaired(&m, &o, 1));
	assert_true(drift_repaired(&m, &o, DRIFT_WINDOW_MS));
	drift_fini(&m);
}

/* What is long ago takes no memory. */
static void test_forgets(void **state)
{
	struct drift_memory m = { 0 };
	struct drift_object o = object("10.1.2.21:80");

	(void)state;
	assert_false(drift_repaired(&m, &o, 1000));
	assert_int_equal(drift_count_stopped(&m, 1000 + DRIFT_WINDOW_MS), 0);
	assert_non_null(m.table);
	assert_int_equal(drift_count_stopped(&m, 1001 + DRIFT_WINDOW_MS), 0);
	assert_null(m.table);
	drift_fini(&m);
}

/* And what is recent is kept. */
static void test_forgets_only_the_old(void **state)
{
	struct drift_memory m = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct drift_object o = object("10.1.2.21:80");

		o.dest.port = (uint16_t)(1 + i);
		assert_false(drift_repaired(&m, &o, 1));
		assert_false(drift_repaired(&m, &o, i % 2 ? 2 : 1000));
	}
	assert_int_equal(drift_count_stopped(&m, 3 + DRIFT_WINDOW_MS), 0);
	for (i = 0; i < 200; i++) {
		struct drift_object o = object("10.1.2.21:80");

		o.dest.port = (uint16_t)(1 + i);
		assert_false(drift_repaired(&m, &o, 900 + DRIFT_WINDOW_MS));
		assert_int_equal(drift_repaired(&m, &o, 1000 + DRIFT_WINDOW_MS), !(i % 2));
	}
	assert_int_equal(drift_count_stopped(&m, 1000 + DRIFT_WINDOW_MS), 100);
	drift_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_effects),
		cmocka_unit_test(test_three_are_enough),
		cmocka_unit_test(test_the_window_slides),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_forgets_only_the_old),
	};

	return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
