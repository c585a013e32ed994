/* test_scheduler.c: every scheduler's row, against a list written apart. */
#include "tests/unit/t.h"

#include "agent/base/attr.h"
#include "agent/ipvs/values.h"
#include "agent/model/scheduler.h"

static const struct row {
	const char *name;
	bool unsafe, unsafe_with_flag;
	enum scheduler_ramp ramp;
} rows[] = {
	{ "rr", false, false, RAMP_NONE },   { "lc", false, false, RAMP_NONE },
	{ "wrr", false, false, RAMP_FINE },  { "wlc", false, false, RAMP_FINE },
	{ "sed", false, false, RAMP_FINE },  { "nq", false, false, RAMP_FINE },
	{ "lblc", false, false, RAMP_FINE }, { "lblcr", false, false, RAMP_FINE },
	{ "ovf", false, false, RAMP_FINE },  { "twos", false, false, RAMP_FINE },
	{ "fo", false, false, RAMP_NONE },   { "none", false, false, RAMP_NONE },
	{ "dh", true, true, RAMP_NONE },     { "sh", true, false, RAMP_COARSE },
	{ "mh", true, false, RAMP_COARSE },  { "a_module", false, false, RAMP_COARSE },
	{ "", false, false, RAMP_COARSE },   { "wl", false, false, RAMP_COARSE },
};

static void test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		uint32_t others = IPVS_SVC_SCHED2 | IPVS_SVC_SCHED3;

		assert_int_equal(guard_scheduler_unsafe(r->name, 0), r->unsafe);
		assert_int_equal(guard_scheduler_unsafe(r->name, others), r->unsafe);
		assert_int_equal(guard_scheduler_unsafe(r->name, others | IPVS_SVC_SCHED1),
				 r->unsafe_with_flag);
		assert_int_equal(scheduler_ramps(r->name), r->ramp);
	}
}

/* Every row is in the list above, once, and says the same as a whole. */
static void test_table(void **state)
{
	size_t i, k, found;

	(void)state;
	for (i = 0; i < scheduler_count; i++) {
		const struct scheduler *s = &scheduler_table[i];

		for (found = 0, k = 0; k < countof(rows); k++)
			found += !strcmp(rows[k].name, s->name);
		assert_int_equal(found, 1);
		assert_ptr_equal(scheduler_find(s->name), s);
		/* A flag is named where there is one to set. */
		assert_int_equal(s->fallback != NULL, s->quiesce == QUIESCE_WITH_FALLBACK);
		/* What cannot be reweighted cannot be ramped, and a ramp on fo is one
		 * failover after the other. */
		assert_int_equal(s->ramp == RAMP_NONE, s->reweight != REWEIGHT_SHARE);
	}
	assert_int_equal(scheduler_find("fo")->reweight, REWEIGHT_IS_FAILOVER);
	assert_string_equal(scheduler_find("a_module")->name, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
