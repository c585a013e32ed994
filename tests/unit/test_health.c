/* test_health.c: sequences of outcomes and the verdicts they lead to, and the
 * table of reasons. */
#include "agent/probes/health.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"

/* In `outcomes`: P passed, F failed, U unknown. In `verdicts`, after each: n none,
 * u up, d down; a capital where it changed. */
static const struct sequence {
	uint32_t rise, fall;
	const char *outcomes, *verdicts;
} sequences[] = {
	{ 2, 3, "P", "U" },
	{ 2, 3, "FFF", "nnD" },
	{ 2, 3, "FFP", "nnU" },
	{ 2, 3, "UUUUUU", "nnnnnn" },
	{ 2, 3, "UP", "nU" },
	{ 2, 3, "PFFF", "UuuD" },
	{ 2, 3, "PFFPFFPFFF", "UuuuuuuuuD" },
	{ 2, 3, "PFFFPFPP", "UuuDdddU" },
	{ 2, 3, "PFFUUF", "UuuuuD" }, /* unknown neither counts nor resets */
	{ 2, 3, "PFFFPUUP", "UuuDdddU" },
	{ 2, 3, "PFFUUPF", "Uuuuuuu" },
	{ 2, 3, "PFFFUUUU", "UuuDdddd" }, /* unknown never restores */
	{ 2, 3, "PUUUUUUU", "Uuuuuuuu" }, /* … and never acts */
	{ 1, 1, "PFPFUP", "UDUDdU" },
	{ 5, 2, "FFPPPPFPPPPP", "nDdddddddddU" },
	{ 0, 0, "PFP", "UDU" }, /* nonsense is taken as 1 */
};

static char letter(const struct health *h, bool changed)
{
	char c = verdict_name(h->verdict)[0];

	return changed ? (char)(c - 'a' + 'A') : c;
}

static void test_sequences(void **state ATTR_UNUSED)
{
	size_t i, k;

	for (i = 0; i < countof(sequences); i++) {
		const struct sequence *s = &sequences[i];
		struct health h = { 0 };
		char got[32] = "";

		for (k = 0; s->outcomes[k]; k++) {
			enum probe_reason r = s->outcomes[k] == 'P'   ? PROBE_OK
					      : s->outcomes[k] == 'F' ? PROBE_ANSWER_STATUS
								      : PROBE_LOCAL_ROUTE;
			bool changed = health_take(&h, r, s->rise, s->fall, 9000 + (int64_t)k);

			got[k] = letter(&h, changed);
			assert_int_equal(h.reason, r);
			assert_int_equal(h.unknown, r == PROBE_LOCAL_ROUTE);
			assert_int_equal(h.success, r == PROBE_OK);
			if (changed)
				assert_int_equal(h.since_wall_ms, 9000 + k);
		}
		assert_string_equal(got, s->verdicts);
	}
}

static void test_counters(void **state ATTR_UNUSED)
{
	struct health h = { .failures = UINT32_MAX, .verdict = VERDICT_DOWN };

	health_take(&h, PROBE_CONNECT_REFUSED, 2, 3, 1);
	assert_int_equal(h.failures, UINT32_MAX);
	health_take(&h, PROBE_OK, 2, 3, 1);
	assert_int_equal(h.failures, 0);
	assert_int_equal(h.passes, 1);
}

/* Every row is filled, slugs are unique and fit a label. */
static void test_reason_table(void **state ATTR_UNUSED)
{
	size_t i, k;

	for (i = 0; i < PROBE_N_REASONS; i++) {
		assert_non_null(probe_reasons[i].slug);
		assert_non_null(probe_reasons[i].sentence);
		assert_int_equal(strspn(probe_reasons[i].slug, "abcdefghijklmnopqrstuvwxyz-"),
				 strlen(probe_reasons[i].slug));
		assert_int_equal(probe_reasons[i].outcome == PROBE_PASSED, i == PROBE_OK);
		assert_int_equal(probe_reasons[i].outcome == PROBE_UNKNOWN,
				 i >= PROBE_ADVICE_UNREACHED);
		for (k = 0; k < i; k++)
			assert_string_not_equal(probe_reasons[i].slug, probe_reasons[k].slug);
	}
}

static void test_connect_errno(void **state ATTR_UNUSED)
{
	static const struct {
		int os_errno;
		bool at_once;
		enum probe_reason reason;
	} rows[] = {
		{ ECONNREFUSED, false, PROBE_CONNECT_REFUSED },
		{ EHOSTUNREACH, false, PROBE_CONNECT_UNREACHABLE }, /* ARP was not answered */
		{ EHOSTUNREACH, true, PROBE_LOCAL_ROUTE },
		{ ENETUNREACH, false, PROBE_CONNECT_UNREACHABLE },
		{ ENETUNREACH, true, PROBE_LOCAL_ROUTE },
		{ EACCES, true, PROBE_LOCAL_ROUTE },
		{ EPERM, true, PROBE_LOCAL_ROUTE },
		{ ENETDOWN, false, PROBE_LOCAL_ROUTE },
		{ EMFILE, true, PROBE_LOCAL_RESOURCES },
		{ ENFILE, true, PROBE_LOCAL_RESOURCES },
		{ ENOBUFS, true, PROBE_LOCAL_RESOURCES },
		{ ENOMEM, true, PROBE_LOCAL_RESOURCES },
		{ EADDRNOTAVAIL, true, PROBE_LOCAL_RESOURCES },
		{ ENOPROTOOPT, true, PROBE_LOCAL_ERROR },
		{ EDOM, false, PROBE_LOCAL_ERROR },
		{ 0, false, PROBE_LOCAL_ERROR },
	};
	size_t i;

	for (i = 0; i < countof(rows); i++)
		assert_int_equal(probe_reason_of_connect(rows[i].os_errno, rows[i].at_once),
				 rows[i].reason);
}

/* What was held before the start comes back by `rise` passes, not by the first. */
static void test_cautious(void **state)
{
	struct health h = { .cautious = true };

	(void)state;
	assert_false(health_take(&h, PROBE_OK, 2, 3, 1));
	assert_int_equal(h.verdict, VERDICT_NONE);
	assert_false(health_take(&h, PROBE_CONNECT_REFUSED, 2, 3, 2));
	assert_false(health_take(&h, PROBE_OK, 2, 3, 3));
	assert_true(health_take(&h, PROBE_OK, 2, 3, 4));
	assert_int_equal(h.verdict, VERDICT_UP);
}

/* After each outcome: s steady, d down, f fast; at first it is in question. */
static void test_pace(void **state ATTR_UNUSED)
{
	static const struct {
		const char *outcomes, *paces;
	} rows[] = {
		{ "P", "s" },           { "PPFP", "ssfs" }, { "PFFFF", "sffdd" },
		{ "FFF", "ffd" },       { "FFP", "ffs" },   { "PFFFPFPP", "sffdfdfs" },
		{ "U", "s" },           { "PFUF", "sfsf" }, /* what is wrong here is not asked
							       faster */
		{ "FFFPUP", "ffdfds" },                     /* nor on the way back */
	};
	static const char letters[] = { [PACE_STEADY] = 's', [PACE_DOWN] = 'd', [PACE_FAST] = 'f' };
	size_t i, k;

	for (i = 0; i < countof(rows); i++) {
		struct health h = { 0 };
		char got[32] = "";

		assert_int_equal(health_pace(&h), PACE_FAST);
		for (k = 0; rows[i].outcomes[k]; k++) {
			char c = rows[i].outcomes[k];

			health_take(&h,
				    c == 'P'   ? PROBE_OK
				    : c == 'F' ? PROBE_ANSWER_STATUS
					       : PROBE_LOCAL_ROUTE,
				    2, 3, 1);
			got[k] = letters[health_pace(&h)];
		}
		assert_string_equal(got, rows[i].paces);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequences),    cmocka_unit_test(test_counters),
		cmocka_unit_test(test_reason_table), cmocka_unit_test(test_connect_errno),
		cmocka_unit_test(test_cautious),     cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
