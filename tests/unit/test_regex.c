/* test_regex.c: what a pattern may cost, and where its mistakes are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "agent/base/regex.h"

static const struct regex *compile(struct arena *a, const char *pattern)
{
	const struct regex *r = NULL;
	struct buf why = BUF_INIT;
	unsigned int column = 0;

	assert_int_equal(regex_compile(a, pattern, &why, &column, &r), 0);
	assert_int_equal(why.len, 0);
	assert_non_null(r);
	return r;
}

static void test_mistakes(void **state ATTR_UNUSED)
{
	static const struct {
		const char *pattern, *why;
		unsigned int column;
	} rows[] = {
		{ "ab(cd", "missing closing parenthesis", 6 },
		{ "a[b", "missing terminating ]", 4 },
		{ "*a", "quantifier does not follow a repeatable item", 1 },
		{ "a\\", "\\ at end of pattern", 3 },
		{ "(*UTF)a", "using UTF is disabled", 7 },
	};
	struct arena a = ARENA_INIT;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		struct buf why = BUF_INIT;
		const struct regex *r = NULL;
		unsigned int column = 0;

		assert_int_equal(regex_compile(&a, rows[i].pattern, &why, &column, &r), -EINVAL);
		if (!strstr(buf_str(&why), rows[i].why) || column != rows[i].column)
			print_error("%s: column %u: %s\n", rows[i].pattern, column, buf_str(&why));
		assert_non_null(strstr(buf_str(&why), rows[i].why));
		assert_int_equal(column, rows[i].column);
		assert_null(r);
		buf_fini(&why);
	}
	arena_fini(&a);
}

static void test_matches(void **state ATTR_UNUSED)
{
	static const struct {
		const char *pattern, *subject;
		size_t len; /* 0 = by strlen() */
		int match;
	} rows[] = {
		{ "b+", "abbc", 0, 1 },
		{ "^b", "ab", 0, 0 },
		{ "", "", 0, 1 },
		{ "a", "", 0, 0 },
		/* lines end as protocols end them */
		{ "(?m)^200 .*k$", "220 x\r\n200 ok\r\n", 0, 1 },
		{ "(?m)^b$", "a\rb\nc", 0, 1 },
		/* bytes, and none of them ends the subject or is refused */
		{ "\\x00\\xff.c",
		  "a\0\xff\x80"
		  "c",
		  5, 1 },
		{ "\xc3\xa4", "\xc3\xa4", 0, 1 },
		{ "^.$", "\xc3\xa4", 0, 0 },
		/* only within the length */
		{ "abc", "abc", 2, 0 },
		{ "b$", "abc", 2, 1 },
	};
	struct arena a = ARENA_INIT;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].subject);
		uint32_t steps = regex_steps(len);
		int match = regex_match(compile(&a, rows[i].pattern), rows[i].subject, len, &steps);

		if (match != rows[i].match)
			print_error("%s: %d\n", rows[i].pattern, match);
		assert_int_equal(match, rows[i].match);
	}
	arena_fini(&a);
}

/* Whatever makes a match long: nesting, many places to begin at, recursion, depth. */
static void test_bounds(void **state ATTR_UNUSED)
{
	static const char *const patterns[] = {
		"(a+)+$",     "(a|aa)+$",         "a*a*a*a*a*[bc]",
		"(a(?1)?)+$", "(?:(?:a?)*)*[bc]", "a.*a.*a.*[bc]",
	};
	struct arena a = ARENA_INIT;
	char subject[4096];
	size_t i;

	memset(subject, 'a', sizeof(subject));
	subject[sizeof(subject) - 1] = '!';
	for (i = 0; i < countof(patterns); i++) {
		uint32_t steps = regex_steps(sizeof(subject));

		assert_int_equal(
			regex_match(compile(&a, patterns[i]), subject, sizeof(subject), &steps),
			-E2BIG);
	}
	arena_fini(&a);
}

/* The bound is of the whole subject, not of each place where a match may begin: PCRE2's own
 * would be good for a thousand times as much here. */
static void test_bound_is_total(void **state ATTR_UNUSED)
{
	struct arena a = ARENA_INIT;
	char subject[65536];
	uint32_t steps = regex_steps(sizeof(subject)), before = steps;
	size_t i;

	for (i = 0; i < sizeof(subject); i++)
		subject[i] = i % 400 == 399 ? ' ' : 'a';
	assert_int_equal(regex_match(compile(&a, "a\\w*\\w*!"), subject, sizeof(subject), &steps),
			 0);
	assert_true(before - steps < 10); /* there is no '!' at all: not even begun */
	subject[sizeof(subject) - 1] = '!';
	subject[sizeof(subject) - 2] = ' ';
	assert_int_equal(regex_match(compile(&a, "a\\w*\\w*!"), subject, sizeof(subject), &steps),
			 -E2BIG);
	assert_int_equal(steps, 0);
	arena_fini(&a);
}

/* What is asked for in earnest fits, in the longest answer too; and one allowance goes for
 * all looks at an answer that grows. */
static void test_allowance(void **state ATTR_UNUSED)
{
	struct arena a = ARENA_INIT;
	const struct regex *r = compile(&a, "(?s)status.*ok");
	char *subject = malloc(16 << 20);
	uint32_t steps = regex_steps(16 << 20), before;

	assert_non_null(subject);
	memset(subject, 'x', 16 << 20);
	memcpy(subject, "status kok", sizeof("status kok"));
	assert_int_equal(regex_match(r, subject, 16 << 20, &steps), 1);
	steps = regex_steps(64);
	before = steps;
	assert_int_equal(regex_match(r, subject, 8, &steps), 0);
	assert_true(steps < before);
	before = steps;
	assert_int_equal(regex_match(r, subject, 10, &steps), 1);
	assert_true(steps < before);
	steps = 0;
	assert_int_equal(regex_match(r, subject, 10, &steps), -E2BIG);
	assert_int_equal(regex_steps(SIZE_MAX), UINT32_MAX);
	free(subject);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),  cmocka_unit_test(test_matches),
		cmocka_unit_test(test_bounds),    cmocka_unit_test(test_bound_is_total),
		cmocka_unit_test(test_allowance),
	};

	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
