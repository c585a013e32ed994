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
	struct buf name = BUF_INIT;
	struct ways *w = NULL;
	uint32_t way;

	(void)state;
	assert_int_equal(ways_new(4, &w), 0);
	way = ways_to(w, &one, NULL, 1000);
	assert_int_equal(way, 1);
	assert_int_equal(ways_to(w, &other, NULL, 1000), way);
	/* Remembered or looked up again. */
	assert_int_equal(ways_to(w, &one, NULL, 2000), way);
	assert_int_equal(ways_to(w, &one, NULL, 90000), way);
	/* A machine may have no IPv6: then it has no way there. */
	assert_in_range(ways_to(w, &six, NULL, 90000), 0, 1);
	assert_int_equal(ways_to(w, &none, NULL, 90000), 0);
	ways_put_name(w, way, &name);
	assert_string_equal(buf_str(&name), "lo");
	buf_reset(&name);
	ways_put_name(w, 0, &name);
	ways_put_name(w, 2, &name); /* not met */
	ways_put_name(w, 4, &name);
	assert_string_equal(buf_str(&name), "");
	buf_fini(&name);
	ways_free(w);
}

/* Where it is said by which way, routing is not asked: the address may be anywhere. */
static void test_said(void **state)
{
	struct addr far = an_address("192.0.2.1:80");
	struct way_out by_source = { .source = an_address("127.0.0.1") },
		       by_device = { .device = "lo" }, nowhere = { .device = "none0" },
		       not_ours = { .source = an_address("192.0.2.77") };
	struct ways *w = NULL;

	(void)state;
	assert_int_equal(ways_new(4, &w), 0);
	assert_int_equal(ways_to(w, &far, &by_source, 1000), 1);
	assert_int_equal(ways_to(w, &far, &by_device, 1000), 1);
	assert_int_equal(ways_to(w, &far, &nowhere, 1000), 0);
	assert_int_equal(ways_to(w, &far, &not_ours, 1000), 0);
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
	assert_int_equal(ways_to(w, &one, NULL, 1000), 0);
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
		assert_int_equal(ways_to(w, &a, NULL, 1000 + i), 1);
	}
	ways_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("ways", tests, NULL, NULL);
}
