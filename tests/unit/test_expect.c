/* test_expect.c: keys for what is sent and expected: both ways, and their mistakes. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/stream_case.h"

static void test_bytes(void **state ATTR_UNUSED)
{
	/* given, and how it is written back */
	static const char *const good[][2] = {
		{ "PING", "PING" },
		{ "PING\\r\\n", "PING\\r\\n" },
		{ "a b", "a b" },
		{ "\\x20a b\\x20", "\\x20a b\\x20" },
		{ "\\x41\\x7a\\x00\\xfF\\x7F", "Az\\x00\\xff\\x7f" },
		{ "\\\\r\\t", "\\\\r\\t" },
		{ "\\x0d\\x0a\\x09\\x5c", "\\r\\n\\t\\\\" },
		{ "\xc3\xa4", "\\xc3\\xa4" },
	};
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "a\\", "column 2: a '\\' must be one of" },
		{ "\\q", "column 1: " },
		{ "ab\\x", "column 3: " },
		{ "ab\\x1", "column 3: " },
		{ "ab\\x1g", "column 3: " },
		{ "\\r\\xg1", "column 3: " },
		{ "\\0", "column 1: " },
	};
	struct kind_case k;
	size_t i;

	kind_init(&k, &probe_tcp, "tcp://");
	assert_string_equal(kind_get(&k, "send", 0), "");
	for (i = 0; i < countof(good); i++) {
		assert_int_equal(kind_set(&k, "send", good[i][0]), 0);
		assert_string_equal(kind_get(&k, "send", 0), good[i][1]);
		/* what is written is read as the same */
		assert_int_equal(kind_set(&k, "send", good[i][1]), 0);
		assert_string_equal(kind_get(&k, "send", 0), good[i][1]);
	}
	for (i = 0; i < countof(bad); i++) {
		assert_int_equal(kind_set(&k, "send", bad[i].text), -EINVAL);
		assert_non_null(strstr(buf_str(&k.why), bad[i].why));
	}
	assert_string_equal(kind_get(&k, "send", 0), good[countof(good) - 1][1]);
	kind_fini(&k);
}

static void test_patterns(void **state ATTR_UNUSED)
{
	struct kind_case k;

	kind_init(&k, &probe_tcp, "tcp://");
	assert_string_equal(kind_get(&k, "expect_regex", 0), "");
	assert_string_equal(kind_get(&k, "max_answer", 0), "4KB");
	assert_int_equal(kind_set(&k, "expect_regex", "^\\+P(O|U)NG"), 0);
	assert_string_equal(kind_get(&k, "expect_regex", 0), "^\\+P(O|U)NG");
	assert_int_equal(kind_set(&k, "expect_regex", "^\\+P(O|UNG"), -EINVAL);
	assert_string_equal(buf_str(&k.why), "column 11: missing closing parenthesis");
	assert_string_equal(kind_get(&k, "expect_regex", 0), "^\\+P(O|U)NG");
	assert_int_equal(kind_set(&k, "max_answer", "65KB"), -EINVAL);
	assert_int_equal(kind_set(&k, "max_answer", "0B"), -EINVAL);
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests_name("expect", tests, NULL, NULL);
}
