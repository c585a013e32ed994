/* test_ipvs_conns.c: /proc/net/ip_vs_conn: which connections are over, which would be cut,
 * whose they are; and texts that are none. */
#include "tests/unit/t.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/ipvs/conns.h"

#define TITLE "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n"
#define V6    "fd09:0000:0000:0000:0000:0000:0000:0002"

static const struct conns_limits plenty = { 1 << 20, 1000, 120, 300 };

static struct conns_dest dest(const char *vip, const char *addr, uint8_t proto, bool one_way)
{
	struct conns_dest d = { .service.proto = proto, .one_way = one_way };

	assert_int_equal(addr_parse(vip, &d.service.addr), 0);
	assert_int_equal(addr_parse(addr, &d.dest), 0);
	return d;
}

static int feed(struct conns_dest *dests, uint32_t n, const char *text)
{
	struct conns *c;
	int e;

	assert_int_equal(conns_new(dests, n, &plenty, &c), 0);
	e = conns_feed(c, text, strlen(text));
	conns_free(c);
	return e;
}

/* What one line of a masq and of a route dest counts as: open, talking, over, templates. */
static void test_states(void **state ATTR_UNUSED)
{
	static const struct {
		const char *proto, *rest;
		bool one_way;
		const char *counts;
	} cases[] = {
		{ "TCP", "ESTABLISHED     890", false, "1000" },
		{ "TCP", "ESTABLISHED       2", true, "1000" },
		{ "TCP", "SYN_RECV         59", false, "1000" },
		{ "TCP", "NONE              3", false, "1000" },
		{ "TCP", "FIN_WAIT        115", false, "1000" },
		{ "TCP", "FIN_WAIT          1", false, "1000" },
		{ "TCP", "CLOSE_WAIT       58", false, "1000" },
		{ "TCP", "LAST_ACK         28", false, "1000" },
		{ "TCP", "TIME_WAIT       118", false, "0010" },
		{ "TCP", "CLOSE             9", false, "0010" },
		/* The server's end is not seen: 10 s without a packet, of 120. */
		{ "TCP", "FIN_WAIT        119", true, "1000" },
		{ "TCP", "FIN_WAIT        111", true, "1000" },
		{ "TCP", "FIN_WAIT        110", true, "0010" },
		{ "TCP", "CLOSE_WAIT       10", true, "1000" },
		{ "SCTP", "ESTABLISHED    100", false, "1000" },
		{ "SCTP", "SHUTDOWN_SENT  100", false, "1000" },
		{ "SCTP", "CLOSED           9", false, "0010" },
		{ "UDP", "UDP             299", false, "0100" },
		{ "UDP", "UDP             291", false, "0100" },
		{ "UDP", "UDP             290", false, "0010" },
		/* Due already: the kernel prints a time that wrapped. */
		{ "UDP", "UDP      4294967295", false, "0010" },
	};
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		uint8_t proto = cases[i].proto[0] == 'U'   ? IPPROTO_UDP
				: cases[i].proto[0] == 'S' ? IPPROTO_SCTP
							   : IPPROTO_TCP;
		struct conns_dest d =
			dest("10.9.0.100:80", "10.1.0.11:80", proto, cases[i].one_way);
		char text[512], got[16];

		(void)snprintf(text, sizeof(text),
			       TITLE "%s 0A090002 9C40 0A090064 0050 0A01000B 0050 %s\n",
			       cases[i].proto, cases[i].rest);
		assert_int_equal(feed(&d, 1, text), 0);
		(void)snprintf(got, sizeof(got), "%u%u%u%u", d.open, d.talking, d.over,
			       d.templates);
		if (strcmp(got, cases[i].counts) != 0)
			fail_msg("%s %s: %s, not %s", cases[i].proto, cases[i].rest, got,
				 cases[i].counts);
	}
}

static void test_whose(void **state ATTR_UNUSED)
{
	struct conns_dest d[5] = {
		dest("10.9.0.100:80", "10.1.0.12:80", IPPROTO_TCP, false),
		dest("10.9.0.100:80", "10.1.0.11:80", IPPROTO_TCP, false),
		dest("10.9.0.101:80", "10.1.0.11:80", IPPROTO_TCP, false),
		dest("10.9.0.100:80", "10.1.0.11:80", IPPROTO_UDP, false),
		dest("[fd09::100]:80", "[fd01::11]:80", IPPROTO_TCP, false),
	};
	uint32_t i, open = 0;

	assert_int_equal(feed(d, 5,
			      TITLE
			      "TCP 0A090002 9C40 0A090064 0050 0A01000B 0050 ESTABLISHED     890\n"
			      "TCP 0A090002 9C41 0A090065 0050 0A01000B 0050 FIN_WAIT         20\n"
			      "TCP 0A090002 9C41 0A090065 0050 0A01000B 0050 FIN_WAIT         10\n"
			      "TCP 0A090002 9C42 0A090066 0050 0A01000B 0050 ESTABLISHED     890\n"
			      "TCP 0A090002 9C42 0A090064 0050 0A01000D 0050 ESTABLISHED     890\n"
			      "TCP 0A090002 9C42 0A090064 0050 0A01000B 0051 ESTABLISHED     890\n"
			      "TCP " V6 " 9C42 fd09:0000:0000:0000:0000:0000:0000:0100 0050 "
			      "fd01:0000:0000:0000:0000:0000:0000:0011 0050 CLOSE_WAIT 7\n"),
			 0);
	for (i = 0; i < 5; i++) {
		open += d[i].open;
		if (d[i].service.addr.bytes[3] == 101 && d[i].service.addr.family == AF_INET) {
			assert_int_equal(d[i].open, 2);
			assert_int_equal(d[i].open_s, 20);
		}
		if (d[i].dest.family == AF_INET6)
			assert_int_equal(d[i].open_s, 7);
		if (d[i].service.proto == IPPROTO_UDP)
			assert_int_equal(d[i].open, 0);
	}
	assert_int_equal(open, 4);
}

/* A mark's dests take any address, and keep the client's port where theirs is 0. */
static void test_marks_and_templates(void **state ATTR_UNUSED)
{
	struct conns_dest d = dest("10.9.0.100:1", "10.1.0.11:1", 0, false);

	d.dest.port = 0;
	memset(&d.service, 0, sizeof(d.service));
	d.service.fwmark = 7;
	d.service.addr.family = AF_INET;
	assert_int_equal(
		feed(&d, 1,
		     TITLE "TCP 0A090002 9C40 0A090064 01BB 0A01000B 01BB ESTABLISHED     890\n"
			   "UDP 0A090002 9C40 0A090064 01BB 0A01000B 01BB UDP             299\n"
			   "IP  0A090002 0000 00000007 0000 0A01000B 0000 NONE            250\n"
			   "IP  0A090003 0000 00000007 0000 0A01000B 0000 ASSURED          50\n"),
		0);
	assert_int_equal(d.open, 1);
	assert_int_equal(d.talking, 1);
	assert_int_equal(d.templates, 2);
	assert_int_equal(d.sticky_s, 250);
}

static void test_pieces_and_limits(void **state ATTR_UNUSED)
{
	const char *text =
		TITLE "UDP 0A090002 13C4 0A090064 13C4 0A01000B 13C4 UDP 297 sip call-17@a b\n";
	struct conns_dest d = dest("10.9.0.100:5060", "10.1.0.11:5060", IPPROTO_UDP, false);
	struct conns_limits few = plenty;
	struct conns *c;
	size_t i;

	assert_int_equal(conns_new(&d, 1, &plenty, &c), 0);
	for (i = 0; text[i]; i++)
		assert_int_equal(conns_feed(c, text + i, 1), 0);
	conns_free(c);
	assert_int_equal(d.talking, 1);

	few.bytes = strlen(text) - 1;
	assert_int_equal(conns_new(&d, 1, &few, &c), 0);
	assert_int_equal(conns_feed(c, text, strlen(text)), -E2BIG);
	conns_free(c);
}

static void test_no_such_text(void **state ATTR_UNUSED)
{
	static const char *const texts[] = {
		"\n",
		"TCP\n",
		"TCP 0A090002 9C40 0A090064 0050 0A01000B 0050 ESTABLISHED\n",
		"TCP 0A090002 9C40 0A090064 0050 0A01000B 0050 ESTABLISHED -1\n",
		"TCP 0A090002 9C40 0A090064 0050 0A01000B 0050 ESTABLISHED 99999999999\n",
		"TCP 0A09000 9C40 0A090064 0050 0A01000B 0050 ESTABLISHED 1\n",
		"TCP 0A0900020 9C40 0A090064 0050 0A01000B 0050 ESTABLISHED 1\n",
		"TCP 0x090002 9C40 0A090064 0050 0A01000B 0050 ESTABLISHED 1\n",
		"TCP 0A090002 19C40 0A090064 0050 0A01000B 0050 ESTABLISHED 1\n",
		"TCP fd09::zz 9C40 0A090064 0050 0A01000B 0050 ESTABLISHED 1\n",
	};
	struct conns_dest d = dest("10.9.0.100:80", "10.1.0.11:80", IPPROTO_TCP, false);
	char *line = malloc(5000);
	struct conns *c;
	size_t i;

	assert_non_null(line);
	for (i = 0; i < countof(texts); i++)
		if (feed(&d, 1, texts[i]) != -EBADMSG)
			fail_msg("taken: %s", texts[i]);
	memset(line, 'A', 4999);
	line[4999] = '\0';
	assert_int_equal(feed(&d, 1, line), -EBADMSG);
	free(line);
	assert_int_equal(conns_new(&d, 1, &plenty, &c), 0);
	assert_int_equal(conns_feed(c, "TCP\0", 4), -EBADMSG);
	conns_free(c);
}

static void test_file(void **state ATTR_UNUSED)
{
	struct conns_dest d = dest("10.9.0.100:80", "10.1.0.11:80", IPPROTO_TCP, false);
	char root[] = "/tmp/ipvs-conns-XXXXXX", net[64], path[80];
	struct conns_limits few = plenty;
	FILE *out;

	assert_non_null(mkdtemp(root));
	(void)snprintf(net, sizeof(net), "%s/net", root);
	(void)snprintf(path, sizeof(path), "%s/ip_vs_conn", net);
	assert_int_equal(conns_read(root, &d, 1, &plenty), -ENOENT);
	assert_int_equal(mkdir(net, 0700), 0);
	out = fopen(path, "we");
	assert_non_null(out);
	(void)fputs(TITLE "TCP 0A090002 9C40 0A090064 0050 0A01000B 0050 TIME_WAIT 100\n", out);
	assert_int_equal(fclose(out), 0);
	d.open = 9;
	assert_int_equal(conns_read(root, &d, 1, &plenty), 0);
	assert_int_equal(d.over, 1);
	assert_int_equal(d.open, 0);
	few.bytes = 100;
	assert_int_equal(conns_read(root, &d, 1, &few), -E2BIG);
	few = plenty;
	few.ms = -1;
	assert_int_equal(conns_read(root, &d, 1, &few), -ETIME);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(net), 0);
	assert_int_equal(rmdir(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_marks_and_templates),
		cmocka_unit_test(test_pieces_and_limits),
		cmocka_unit_test(test_no_such_text),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
