/* test_addr.c: addresses in text, sockaddrs and order. */
#include "agent/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>

#include "agent/base/attr.h"
#include "tests/unit/t.h"

static void reads_and_writes(void **state ATTR_UNUSED)
{
	static const struct {
		const char *text, *back, *host;
		uint16_t port;
	} rows[] = {
		{ "10.1.2.3", "10.1.2.3", "10.1.2.3", 0 },
		{ "10.1.2.3:80", "10.1.2.3:80", "10.1.2.3", 80 },
		{ "10.1.2.3:65535", "10.1.2.3:65535", "10.1.2.3", 65535 },
		{ "2001:DB8:0::1", "2001:db8::1", "2001:db8::1", 0 },
		{ "[2001:db8::1]", "2001:db8::1", "2001:db8::1", 0 },
		{ "[2001:db8::1]:443", "[2001:db8::1]:443", "2001:db8::1", 443 },
		{ "::", "::", "::", 0 },
		{ "::ffff:1.2.3.4", "::ffff:1.2.3.4", "::ffff:1.2.3.4", 0 },
	};
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		struct buf out = BUF_INIT;
		struct addr a;

		assert_int_equal(addr_parse(rows[i].text, &a), 0);
		assert_int_equal(a.port, rows[i].port);
		addr_format(&out, &a);
		assert_string_equal(buf_str(&out), rows[i].back);
		buf_reset(&out);
		addr_format_host(&out, &a);
		assert_string_equal(buf_str(&out), rows[i].host);
		buf_fini(&out);
	}
}

static void refuses(void **state ATTR_UNUSED)
{
	static const char *const bad[] = {
		"",
		"10.1.2",
		"10.1.2.256",
		"10.1.2.3:0",
		"10.1.2.3:65536",
		"10.1.2.3:",
		"10.1.2.3:80 ",
		" 10.1.2.3",
		"[10.1.2.3]:80",
		"[2001:db8::1",
		"2001:db8::1]",
		"[2001:db8::1]x",
		"[2001:db8::1]:",
		"[]:80",
		"fe80::1%eth0",
		"localhost",
		"localhost:80",
		":80",
		"::1::2",
		"010.1.2.3",
		"10.1.2.03",
		"10.1.2.1000",
		"10.1.2.3.4",
		"10.1..3",
		"10.1.2.",
		"10.1.2.3x",
		"[::1]:-1",
		"1.2.3.4:+80",
	};
	struct addr a, was;
	size_t i;

	memset(&a, 0x5a, sizeof(a));
	was = a;
	for (i = 0; i < countof(bad); i++) {
		if (addr_parse(bad[i], &a) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_memory_equal(&a, &was, sizeof(a));
	}
}

static void all_bytes_count(void **state ATTR_UNUSED)
{
	struct addr a, b;

	memset(&a, 0xff, sizeof(a));
	memset(&b, 0x00, sizeof(b));
	addr_parse("10.1.2.3:80", &a);
	addr_parse("10.1.2.3:80", &b);
	assert_memory_equal(&a, &b, sizeof(a));
}

static void order(void **state ATTR_UNUSED)
{
	static const char *const sorted[] = { "10.0.0.1", "10.0.0.1:80", "10.0.0.1:443",
					      "10.0.0.2", "200.0.0.1",   "::1",
					      "[::1]:80", "ff::" };
	struct addr a, b;
	size_t i, k;

	for (i = 0; i < countof(sorted); i++) {
		for (k = 0; k < countof(sorted); k++) {
			int r;

			assert_int_equal(addr_parse(sorted[i], &a), 0);
			assert_int_equal(addr_parse(sorted[k], &b), 0);
			r = addr_cmp(&a, &b);
			assert_true(i == k ? r == 0 : i < k ? r < 0 : r > 0);
		}
	}
}

static void loopback(void **state ATTR_UNUSED)
{
	static const char *const yes[] = { "127.0.0.1", "127.9.9.9:80", "::1", "[::1]:80" };
	static const char *const no[] = { "128.0.0.1", "0.0.0.0", "::", "::2", "7f00::1" };
	struct addr a;
	size_t i;

	for (i = 0; i < countof(yes); i++) {
		assert_int_equal(addr_parse(yes[i], &a), 0);
		assert_true(addr_is_loopback(&a));
	}
	for (i = 0; i < countof(no); i++) {
		assert_int_equal(addr_parse(no[i], &a), 0);
		assert_false(addr_is_loopback(&a));
	}
}

static void sockaddrs(void **state ATTR_UNUSED)
{
	static const char *const rows[] = { "10.1.2.3:80", "[2001:db8::1]:443", "10.1.2.3" };
	struct sockaddr_storage ss;
	struct sockaddr other = { .sa_family = AF_UNIX };
	struct addr a, b;
	size_t i;

	for (i = 0; i < countof(rows); i++) {
		assert_int_equal(addr_parse(rows[i], &a), 0);
		assert_int_equal(addr_to_sockaddr(&a, &ss), a.family == AF_INET
								    ? sizeof(struct sockaddr_in)
								    : sizeof(struct sockaddr_in6));
		assert_int_equal(ss.ss_family, a.family);
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &b), 0);
		assert_memory_equal(&a, &b, sizeof(a));
	}
	assert_int_equal(addr_from_sockaddr(&other, &b), -EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes), cmocka_unit_test(refuses),
		cmocka_unit_test(all_bytes_count),  cmocka_unit_test(order),
		cmocka_unit_test(loopback),         cmocka_unit_test(sockaddrs),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
