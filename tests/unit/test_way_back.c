/* test_way_back.c: which sysctls let answers with one of our own addresses in, read from a
 * procfs of the test's own. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/way_back.h"
#include "tests/unit/t.h"

static char proc[] = "/tmp/way-back-XXXXXX";

static void put(const char *interface, const char *name, const char *value)
{
	static const char *const parts[] = { "sys", "net", "ipv4", "conf", NULL };
	struct buf path = BUF_INIT;
	FILE *f;
	int i;

	buf_puts(&path, proc);
	for (i = 0; parts[i]; i++) {
		buf_printf(&path, "/%s", parts[i]);
		(void)mkdir(buf_str(&path), 0700);
	}
	buf_printf(&path, "/%s", interface);
	(void)mkdir(buf_str(&path), 0700);
	buf_printf(&path, "/%s", name);
	f = fopen(buf_str(&path), "we");
	assert_non_null(f);
	assert_true(fputs(value, f) >= 0);
	assert_int_equal(fclose(f), 0);
	buf_fini(&path);
}

static struct addr an_address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void set(const char *all_local, const char *lo_local, const char *all_filter,
		const char *lo_filter)
{
	put("all", "accept_local", all_local);
	put("lo", "accept_local", lo_local);
	put("all", "rp_filter", all_filter);
	put("lo", "rp_filter", lo_filter);
}

static void test_accept_local(void **state)
{
	struct addr here = an_address("127.0.0.1"), vip = an_address("127.0.0.1:80");
	struct buf why = BUF_INIT;

	(void)state;
	set("0\n", "0\n", "0\n", "0\n");
	assert_int_equal(way_back(proc, &here, &vip, &why), -EACCES);
	assert_string_equal(buf_str(&why), "net.ipv4.conf.lo.accept_local=1");
	buf_reset(&why);
	set("1\n", "0\n", "0\n", "0\n");
	assert_int_equal(way_back(proc, &here, &vip, &why), 0);
	set("0\n", "1\n", "0\n", "0\n");
	assert_int_equal(way_back(proc, &here, &vip, &why), 0);
	/* by the interface that has it: as forged as any other */
	set("0\n", "1\n", "1\n", "1\n");
	assert_int_equal(way_back(proc, &here, &vip, &why), 0);
	assert_int_equal(why.len, 0);
	buf_fini(&why);
}

/* An address of another interface than lo; false = there is none. */
static bool other_address(struct addr *ret_addr)
{
	struct ifaddrs *all, *p;
	bool found = false;

	assert_int_equal(getifaddrs(&all), 0);
	for (p = all; p && !found; p = p->ifa_next)
		found = p->ifa_addr && p->ifa_addr->sa_family == AF_INET &&
			!(p->ifa_flags & IFF_LOOPBACK) &&
			!addr_from_sockaddr(p->ifa_addr, ret_addr);
	freeifaddrs(all);
	return found;
}

/* Strict, and the answer comes in by another interface than the one that has its source:
 * the greater of the two counts. */
static void test_strict(void **state)
{
	struct addr here = an_address("127.0.0.1"), vip;
	struct buf why = BUF_INIT;

	(void)state;
	if (!other_address(&vip))
		skip();
	set("1\n", "0\n", "1\n", "0\n");
	assert_int_equal(way_back(proc, &here, &vip, &why), -EACCES);
	assert_string_equal(buf_str(&why), "net.ipv4.conf.lo.rp_filter=2");
	buf_reset(&why);
	set("0\n", "0\n", "0\n", "1\n");
	assert_int_equal(way_back(proc, &here, &vip, &why), -EACCES);
	assert_string_equal(buf_str(&why),
			    "net.ipv4.conf.lo.accept_local=1 net.ipv4.conf.lo.rp_filter=2");
	buf_reset(&why);
	set("0\n", "1\n", "2\n", "1\n");
	assert_int_equal(way_back(proc, &here, &vip, &why), 0);
	buf_fini(&why);
}

/* Not ours, IPv6, or nothing to read: nothing is said against it. */
static void test_nothing(void **state)
{
	struct addr here = an_address("127.0.0.1"), far = an_address("192.0.2.1"),
		    six = an_address("::1"), vip = here;
	struct buf why = BUF_INIT;

	(void)state;
	set("0\n", "0\n", "1\n", "1\n");
	assert_int_equal(way_back(proc, &here, &far, &why), 0);
	assert_int_equal(way_back(proc, &six, &six, &why), 0);
	assert_int_equal(way_back("/nowhere", &here, &vip, &why), 0);
	set("junk\n", "9999999999999999999999\n", "", "\n");
	assert_int_equal(way_back(proc, &here, &vip, &why), 0);
	assert_int_equal(why.len, 0);
	buf_fini(&why);
}

static int begin(void **state)
{
	(void)state;
	return mkdtemp(proc) ? 0 : -1;
}

static int end(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", proc);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept_local),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests_name("way back", tests, begin, end);
}
