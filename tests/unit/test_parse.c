/* test_parse.c: numbers, durations, shares, sizes, and the name that was meant. */
#include "agent/base/parse.h"

#include <errno.h>

#include "tests/unit/t.h"

static void numbers(void **state ATTR_UNUSED)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1e3", "1.0" };
	uint64_t n = 7;
	size_t i;

	for (i = 0; i < countof(bad); i++)
		assert_int_equal(parse_u64(bad[i], &n), -EINVAL);
	assert_int_equal(parse_u64("18446744073709551616", &n), -ERANGE);
	assert_int_equal(n, 7);
	assert_int_equal(parse_u64("18446744073709551615", &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(parse_u64("007", &n), 0);
	assert_int_equal(n, 7);
}

static void bools(void **state ATTR_UNUSED)
{
	bool b = false;

	assert_int_equal(parse_bool("Yes", &b), 0);
	assert_true(b);
	assert_int_equal(parse_bool("o", &b), -EINVAL);
	assert_true(b);
	assert_int_equal(parse_bool("0", &b), 0);
	assert_false(b);
}

static void durations(void **state ATTR_UNUSED)
{
	static const struct {
		const char *text;
		int r;
		int64_t ms;
		const char *back;
	} rows[] = {
		{ "0", 0, 0, "0s" },
		{ "500ms", 0, 500, "500ms" },
		{ "2s", 0, 2000, "2s" },
		{ "1h30m", 0, 5400000, "1h30m" },
		{ "90s", 0, 90000, "1m30s" },
		{ "1w1d1h1m1s1ms", 0, 694861001, "1w1d1h1m1s1ms" },
		{ "", -EINVAL, 0, NULL },
		{ "5", -EINVAL, 0, NULL },
		{ "s", -EINVAL, 0, NULL },
		{ "1.5s", -EINVAL, 0, NULL },
		{ "-1s", -EINVAL, 0, NULL },
		{ "1m1h", -EINVAL, 0, NULL },
		{ "1s1s", -EINVAL, 0, NULL },
		{ "1s 1ms", -EINVAL, 0, NULL },
		{ "1y", -EINVAL, 0, NULL },
		{ "1S", -EINVAL, 0, NULL },
		{ "3661d", -ERANGE, 0, NULL },
		{ "99999999999999999999s", -ERANGE, 0, NULL },
		{ "522w6d24h", -ERANGE, 0, NULL },
	};
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		struct buf out = BUF_INIT;
		int64_t ms = -5;

		assert_int_equal(parse_duration(rows[i].text, &ms), rows[i].r);
		if (rows[i].r) {
			assert_int_equal(ms, -5);
			continue;
		}
		assert_int_equal(ms, rows[i].ms);
		format_duration(&out, ms);
		assert_string_equal(buf_str(&out), rows[i].back);
		buf_fini(&out);
	}
}

static void shares_and_sizes(void **state ATTR_UNUSED)
{
	unsigned int percent = 1;
	uint64_t bytes = 1;

	assert_int_equal(parse_share("100%", &percent), 0);
	assert_int_equal(percent, 100);
	assert_int_equal(parse_share("101%", &percent), -ERANGE);
	assert_int_equal(parse_share("50", &percent), -EINVAL);
	assert_int_equal(parse_share("%", &percent), -EINVAL);
	assert_int_equal(parse_share("50%%", &percent), -EINVAL);
	assert_int_equal(parse_share("50 %", &percent), -EINVAL);
	assert_int_equal(percent, 100);
	assert_int_equal(parse_size("64MB", &bytes), 0);
	assert_int_equal(bytes, 64 << 20);
	assert_int_equal(parse_size("17179869184GB", &bytes), -ERANGE);
	assert_int_equal(parse_size("1", &bytes), -EINVAL);
	assert_int_equal(parse_size("1mb", &bytes), -EINVAL);
	assert_int_equal(bytes, 64 << 20);
}

static void nearest(void **state ATTR_UNUSED)
{
	static const char *const names[] = { "scheduler", "weight", "upper", "lower", "probe" };
	char text[200];

	assert_string_equal(nearest_name("schedular", names, 5), "scheduler");
	assert_string_equal(nearest_name("wieght", names, 5), "weight");
	assert_string_equal(nearest_name("Upper", names, 5), "upper");
	assert_string_equal(nearest_name("prob", names, 5), "probe");
	assert_null(nearest_name("persistence", names, 5));
	assert_null(nearest_name("weight", names, 0));
	/* longer than any name is none, however hostile */
	memset(text, 'w', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_null(nearest_name(text, names, 5));
}

static void order_of_names(void **state ATTR_UNUSED)
{
	static const char *const sorted[] = { "", "a", "b", "\xff", "a1", "b0", "web2", "web10" };
	size_t i, j;

	for (i = 0; i < countof(sorted); i++)
		for (j = 0; j < countof(sorted); j++) {
			int c = name_cmp(sorted[i], sorted[j]);

			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),   cmocka_unit_test(bools),
		cmocka_unit_test(durations), cmocka_unit_test(shares_and_sizes),
		cmocka_unit_test(nearest),   cmocka_unit_test(order_of_names),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
