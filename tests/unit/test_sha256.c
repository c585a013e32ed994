/* test_sha256.c: sums that everybody knows, of bytes that come in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/base/sha256.h"

static void is_sum(struct sha256 **s, const char *want)
{
	unsigned char sum[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	size_t i;

	assert_int_equal(sha256_end(s, sum), 0);
	assert_null(*s);
	for (i = 0; i < sizeof(sum); i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned int)sum[i]);
	assert_string_equal(hex, want);
}

static void test_sums(void **state ATTR_UNUSED)
{
	static const char abc[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	static const char nothing[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct sha256 *s = NULL;

	is_sum(&s, nothing);
	assert_int_equal(sha256_add(&s, "abc", 3), 0);
	is_sum(&s, abc);
	assert_int_equal(sha256_add(&s, "a", 1), 0);
	assert_int_equal(sha256_add(&s, NULL, 0), 0);
	assert_int_equal(sha256_add(&s, "bc", 2), 0);
	is_sum(&s, abc);
	sha256_free(NULL);
	assert_int_equal(sha256_add(&s, "abc", 3), 0);
	sha256_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sums) };

	return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
