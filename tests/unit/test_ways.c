/* test_ways.c: the machine's own routing, as far as every machine has it. */
#include <errno.h>

#include "agent/base/ways.h"
#include "tests/unit/t.h"

static struct addr an_address(const char *text)
{
	struct addr a = { 0 };

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void test_loopback(void **state)
{
	struct addr one = an_address("127.0.0.1:80"), other = an_address("127.3.2.1"),
		    six = an_address("[::1]:80"), none = { 0 };
	struct ways *w = NULL;
	uint32_t way;

	(void)state;
	assert_int_equal(ways_new(4, &w), 0);
	way = ways_to(w, &one, 1000);
	assert_int_equal(way, 1);
	assert_int_equal(ways_to(w, &other, 1000), way);
	/* Remembered or looked up again. */
	assert_int_equal(ways_to(w, &one, 2000), way);
	assert_int_equal(ways_to(w, &one, 90000), way);
	/* A machine may have no IPv6: then it has no way there. */
	assert_in_range(ways_to(w, &six, 90000), 0, 1);
	assert_int_equal(ways_to(w, &none, 90000), 0);
	ways_free(w);
}

static void test_no_room(void **state)
{
	struct addr one = an_address("127.0.0.1:80");
	struct ways *w = NULL;

	(void)state;
	assert_int_equal(ways_new(0, &w), -EINVAL);
	assert_null(w);
	assert_int_equal(ways_new(1, &w), 0);
	assert_int_equal(ways_to(w, &one, 1000), 0);
	ways_free(w);
	ways_free(NULL);
}

/* More sources than are remembered. */
static void test_many(void **state)
{
	struct ways *w = NULL;
	struct addr a = an_address("127.0.0.1:80");
	int i;

	(void)state;
	assert_int_equal(ways_new(2, &w), 0);
	for (i = 0; i < 100; i++) {
		a.bytes[3] = (uint8_t)(i + 1);
		assert_int_equal(ways_to(w, &a, 1000 + i), 1);
	}
	ways_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("ways", tests, NULL, NULL);
}
