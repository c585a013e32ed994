/* test_advice_line.c: the words of an agent, and what became of them by the next ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/probes/advice.h"
#include "collectors/advice_line.h"

enum { NO_SHARE = -1 };

static const struct {
	const char *line;
	enum probe_claim claim;
	enum probe_admin admin;
	int share;
	size_t n_known;
	const char *odd, *remark;
} lines[] = {
	{ "up", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "", "" },
	{ "DOWN", PROBE_CLAIM_DOWN, 0, NO_SHARE, 1, "", "" },
	{ "stopped", PROBE_CLAIM_DOWN, 0, NO_SHARE, 1, "", "" },
	{ "Fail", PROBE_CLAIM_DOWN, 0, NO_SHARE, 1, "", "" },
	{ "ready", 0, PROBE_ADMIN_READY, NO_SHARE, 1, "", "" },
	{ "drain", 0, PROBE_ADMIN_DRAIN, NO_SHARE, 1, "", "" },
	{ "maint", 0, PROBE_ADMIN_MAINT, NO_SHARE, 1, "", "" },
	{ "75%", 0, 0, 75, 1, "", "" },
	{ "0%", 0, 0, 0, 1, "", "" },
	{ "256%", 0, 0, 256, 1, "", "" },
	{ "weight:75%", 0, 0, 75, 1, "", "" },
	{ "WEIGHT:30", 0, 0, 30, 1, "", "" },
	{ "maxconn:30", 0, 0, NO_SHARE, 1, "", "" },
	/* HAProxy's own test */
	{ "75%,maxconn:30,maint,down", PROBE_CLAIM_DOWN, PROBE_ADMIN_MAINT, 75, 4, "", "" },
	/* any order, any separators, the last of a kind */
	{ " \tdown ,, 10%\tup,20% drain ready", PROBE_CLAIM_UP, PROBE_ADMIN_READY, 20, 6, "", "" },
	{ "up #  all\twell ", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "", "all well" },
	{ "drain # down 0% # twice", 0, PROBE_ADMIN_DRAIN, NO_SHARE, 1, "", "down 0% # twice" },
	{ "down#full", PROBE_CLAIM_DOWN, 0, NO_SHARE, 1, "", "full" },
	/* unknown words spoil nothing */
	{ "up foo bar", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "foo", "" },
	{ "257% up", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "257%", "" },
	{ "up 99999999999999999999%", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "99999999999999999999%", "" },
	{ "up -1%", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "-1%", "" },
	{ "up 75", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "75", "" },
	{ "up %", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "%", "" },
	{ "up 7%5%", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "7%5%", "" },
	{ "up weight:", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "weight:", "" },
	{ "up weight:5%x", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "weight:5%x", "" },
	{ "up maxconn:", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "maxconn:", "" },
	{ "up maxconn:x", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "maxconn:x", "" },
	{ "updown", 0, 0, NO_SHARE, 0, "updown", "" },
	{ "HTTP/1.1 400 Bad Request", 0, 0, NO_SHARE, 0, "HTTP/1.1", "" },
	{ "up \x1b[2J\x80", PROBE_CLAIM_UP, 0, NO_SHARE, 1, "?[2J?", "" },
	{ "", 0, 0, NO_SHARE, 0, "", "" },
	{ " ,\t,", 0, 0, NO_SHARE, 0, "", "" },
	{ "# only words", 0, 0, NO_SHARE, 0, "", "only words" },
};

static void test_lines(void **state ATTR_UNUSED)
{
	size_t i;

	for (i = 0; i < countof(lines); i++) {
		char *line = strdup(lines[i].line);
		struct advice_line got;

		assert_non_null(line);
		advice_line_read(line, strlen(lines[i].line), &got);
		if (got.claim != lines[i].claim || got.advice.admin != lines[i].admin ||
		    got.advice.has_share != (lines[i].share != NO_SHARE) ||
		    (got.advice.has_share && (int)got.advice.share != lines[i].share) ||
		    got.n_known != lines[i].n_known || strcmp(got.odd, lines[i].odd) != 0 ||
		    strcmp(got.remark, lines[i].remark) != 0)
			fail_msg("'%s': claim %d, admin %d, share %d (%u), %zu known, odd '%s', "
				 "remark '%s'",
				 lines[i].line, (int)got.claim, (int)got.advice.admin,
				 (int)got.advice.has_share, got.advice.share, got.n_known, got.odd,
				 got.remark);
		free(line);
	}
}

static void test_nul(void **state ATTR_UNUSED)
{
	char line[] = "up\0down";
	struct advice_line got;

	advice_line_read(line, sizeof(line) - 1, &got);
	assert_int_equal(got.n_known, 0);
	assert_string_equal(got.odd, "up?down");
}

/* One word after the other; what is asked for after each. */
static const struct {
	const char *line;
	int share;
	bool changed;
	const char *says;
} story[] = {
	{ "up", 100, false, "100%" },
	{ "50%", 50, true, "50%" },
	{ "up", 50, false, "50%" },
	{ "drain", 0, true, "drain, 50%" },
	{ "ready", 50, true, "50%" },
	{ "down", 0, true, "down, 50%" },
	/* each kind by itself: neither a share nor "ready" makes it up */
	{ "80% ready", 0, true, "down, 80%" },
	{ "maint", 0, true, "down, maint, 80%" },
	{ "up", 0, true, "maint, 80%" },
	{ "drain", 0, true, "drain, 80%" },
	{ "ready up 100%", 100, true, "100%" },
	{ "0%", 0, true, "0%" },
	/* only an operator raises */
	{ "200%", 100, true, "100%" },
	{ "maxconn:7", 100, false, "100%" },
};

static void test_story(void **state ATTR_UNUSED)
{
	struct advice a = { 0 };
	struct buf says = BUF_INIT;
	size_t i;

	assert_int_equal(advice_share(&a), 100);
	for (i = 0; i < countof(story); i++) {
		char *line = strdup(story[i].line);
		struct advice_line got;
		struct probe_report report = { .advice = &got.advice };

		assert_non_null(line);
		advice_line_read(line, strlen(story[i].line), &got);
		report.claim = got.claim;
		assert_int_equal(advice_take(&a, &report, true), story[i].changed);
		assert_int_equal(advice_share(&a), story[i].share);
		buf_reset(&says);
		advice_format(&says, &a);
		assert_string_equal(buf_str(&says), story[i].says);
		free(line);
	}
	buf_fini(&says);
}

/* Of a kind that gives verdicts what it does not say again is taken back, where it passes. */
static void test_whole(void **state ATTR_UNUSED)
{
	static const struct probe_advice half = { .has_share = true, .share = 50 },
					 drain = { .admin = PROBE_ADMIN_DRAIN }, nothing;
	static const struct {
		struct probe_report report;
		int share;
		bool changed;
	} steps[] = {
		{ { .reason = PROBE_OK }, 100, false },
		{ { .reason = PROBE_OK, .advice = &half }, 50, true },
		{ { .reason = PROBE_OK, .advice = &half }, 50, false },
		{ { .reason = PROBE_CONNECT_REFUSED }, 50, false },
		{ { .reason = PROBE_LOCAL_RESOURCES }, 50, false },
		{ { .reason = PROBE_OK, .advice = &drain }, 0, true },
		{ { .reason = PROBE_OK, .advice = &half }, 50, true },
		{ { .reason = PROBE_OK, .advice = &nothing }, 100, true },
		{ { .reason = PROBE_ANSWER_STATUS, .advice = &drain }, 0, true },
		{ { .reason = PROBE_OK }, 100, true },
	};
	struct advice a = { .silent = true };
	size_t i;

	for (i = 0; i < countof(steps); i++) {
		assert_int_equal(advice_take(&a, &steps[i].report, false), steps[i].changed);
		assert_int_equal(advice_share(&a), steps[i].share);
	}
	assert_true(a.silent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_whole),
	};

	return cmocka_run_group_tests_name("advice_line", tests, NULL, NULL);
}
