/* test_ipvs_attr.c: attributes ⇄ values: golden bytes of requests, every option there
 * and back, and replies that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/ipvs/attr.h"
#include "agent/ipvs/ipvs.h"
#include "agent/ipvs/nlreq.h"
#include "tests/unit/attr_rig.h"

static void assert_body(struct nlmsghdr *h, const uint8_t *bytes, size_t len)
{
	assert_int_equal(h->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, len);
	assert_memory_equal((const char *)h + NLMSG_HDRLEN + GENL_HDRLEN, bytes, len);
	free(h);
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static void test_service_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t bytes[] = {
		92, 0, 0x01, 0x80,			  /* SERVICE, nested */
		6, 0, 1, 0, 2, 0, 0, 0,			  /* AF: AF_INET */
		6, 0, 2, 0, 6, 0, 0, 0,			  /* PROTOCOL: TCP */
		20, 0, 3, 0, 10, 1, 2, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* ADDR */
		6, 0, 4, 0, 1, 187, 0, 0,		  /* PORT: 443, network order */
		8, 0, 6, 0, 'w', 'l', 'c', 0,		  /* SCHED_NAME */
		12, 0, 7, 0, 1, 0, 0, 0, 0x3d, 0, 0, 0,	  /* FLAGS: persistent; mask */
		8, 0, 8, 0, 0x2c, 1, 0, 0,		  /* TIMEOUT: 300 */
		8, 0, 9, 0, 255, 255, 255, 0,		  /* NETMASK */
		8, 0, 11, 0, 's', 'i', 'p', 0,		  /* PE_NAME */
	};
	/* clang-format on */
	struct ipvs_service s = { .key = { .addr = address("10.1.2.15:443"), .proto = IPPROTO_TCP },
				  .scheduler = "wlc",
				  .engine = "sip",
				  .flags = IPVS_SVC_PERSISTENT,
				  .timeout = 300,
				  .netmask = htonl(0xffffff00) };

	(void)state;
	assert_body(service_request(&s, true), bytes, sizeof(bytes));
}

static void test_mark_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t bytes[] = {
		20, 0, 0x01, 0x80,
		6, 0, 1, 0, 10, 0, 0, 0,	/* AF: AF_INET6 */
		8, 0, 5, 0, 7, 0, 0, 0,		/* FWMARK */
	};
	/* clang-format on */
	struct ipvs_service s = { .key = { .addr.family = AF_INET6, .fwmark = 7 },
				  .scheduler = "wlc" };

	(void)state;
	assert_body(service_request(&s, false), bytes, sizeof(bytes));
}

static void test_dest_bytes(void **state)
{
	/* clang-format off */
	static const uint8_t bytes[] = {
		96, 0, 0x02, 0x80,				/* DEST, nested */
		20, 0, 1, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, /* ADDR */
		6, 0, 2, 0, 0, 80, 0, 0,			/* PORT */
		8, 0, 3, 0, 2, 0, 0, 0,				/* FWD_METHOD: tunnel */
		8, 0, 4, 0, 50, 0, 0, 0,			/* WEIGHT */
		8, 0, 5, 0, 200, 0, 0, 0,			/* U_THRESH */
		8, 0, 6, 0, 100, 0, 0, 0,			/* L_THRESH */
		6, 0, 11, 0, 10, 0, 0, 0,			/* ADDR_FAMILY: AF_INET6 */
		5, 0, 13, 0, 1, 0, 0, 0,			/* TUN_TYPE: gue */
		6, 0, 14, 0, 0x15, 0xb3, 0, 0,			/* TUN_PORT: 5555 */
		6, 0, 15, 0, 2, 0, 0, 0,			/* TUN_FLAGS: remcsum */
	};
	/* clang-format on */
	struct ipvs_dest d = { .addr = address("[2001:db8::5]:80"),
			       .forward = IPVS_TUNNEL,
			       .weight = 50,
			       .upper = 200,
			       .lower = 100,
			       .tun_type = IPVS_TUN_GUE,
			       .tun_port = 5555,
			       .tun_flags = IPVS_TUN_REMCSUM };

	(void)state;
	assert_body(dest_request(&d, true), bytes, sizeof(bytes));
}
#endif

/* DEL_DEST: address, port and family, nothing else. */
static void test_dest_key(void **state)
{
	struct ipvs_dest d = { .addr = address("10.0.0.1:80"), .weight = 5, .tun_port = 9 };
	struct nlmsghdr *h = dest_request(&d, false);
	struct nlattr *nest, *a;
	unsigned int seen = 0;
	int rest;

	(void)state;
	nest = nlmsg_find_attr(h, GENL_HDRLEN, IPVS_CMD_ATTR_DEST);
	assert_non_null(nest);
	nla_for_each_nested (a, nest, rest)
		seen |= 1u << nla_type(a);
	assert_int_equal(seen, 1u << IPVS_DEST_ATTR_ADDR | 1u << IPVS_DEST_ATTR_PORT |
				       1u << IPVS_DEST_ATTR_ADDR_FAMILY);
	free(h);
}

/* Of what is no tunnel the kernel is told no tunnel; unless somebody had given it one. */
static void test_dest_without_tunnel(void **state)
{
	struct ipvs_dest d = { .addr = address("10.0.0.1:80"), .forward = IPVS_MASQ };
	struct nlmsghdr *h = dest_request(&d, true);
	struct nlattr *nest = nlmsg_find_attr(h, GENL_HDRLEN, IPVS_CMD_ATTR_DEST);

	(void)state;
	assert_null(nla_find(nla_data(nest), nla_len(nest), IPVS_DEST_ATTR_TUN_TYPE));
	free(h);
	d.tun_port = 9;
	h = dest_request(&d, true);
	nest = nlmsg_find_attr(h, GENL_HDRLEN, IPVS_CMD_ATTR_DEST);
	assert_non_null(nla_find(nla_data(nest), nla_len(nest), IPVS_DEST_ATTR_TUN_PORT));
	free(h);
}

/* Byte for byte what the tables say; and nothing of what it is not made for. */
static void test_quick_put(void **state)
{
	static const char *const addresses[] = { "10.1.2.3:80", "[2001:db8::5]:65535",
						 "255.255.255.255:1", "1.0.0.1:2" };
	struct ipvs_service s = { .scheduler = "wrr", .flags = 1 };
	size_t i, room;

	(void)state;
	for (i = 0; i < 16; i++) {
		struct ipvs_dest d = { .addr = address(addresses[i % 4]),
				       .forward = i % 2 ? IPVS_ROUTE : IPVS_MASQ,
				       .weight = 0x01020304u * (uint32_t)i,
				       .upper = 200,
				       .lower = 100 };
		struct nlreq quick = request(512), walked = request(512);

		s.key = (struct ipvs_key){ .addr = address(addresses[i / 4]),
					   .proto = i % 3 ? IPPROTO_TCP : IPPROTO_UDP };
		attr_put_service(&walked, &s, false);
		attr_put_dest(&walked, &d, true);
		assert_true(attr_quick_put(&quick, &s, &d));
		assert_int_equal(quick.len, walked.len);
		assert_memory_equal(quick.start, walked.start, walked.len);
		for (room = NLMSG_HDRLEN + GENL_HDRLEN; room < walked.len; room++) {
			struct nlreq small = request(room);

			assert_false(attr_quick_put(&small, &s, &d));
			assert_int_equal(small.len, NLMSG_HDRLEN + GENL_HDRLEN);
			free(small.start);
		}
		d.tun_type = IPVS_TUN_GUE;
		assert_false(attr_quick_put(&walked, &s, &d));
		d.tun_type = 0;
		s.key.fwmark = 1;
		assert_false(attr_quick_put(&walked, &s, &d));
		free(quick.start);
		free(walked.start);
	}
}

static void test_full_message(void **state)
{
	struct ipvs_service s = { .key = { .addr = address("10.0.0.1:80"), .proto = 6 } };
	struct nlreq q = request(64);

	(void)state;
	attr_put_service(&q, &s, true);
	assert_false(nlreq_finish(&q));
	assert_true(q.len <= 64);
	free(q.start);
}

/* --- there and back --------------------------------------------------------------- */

static void assert_service_returns(const struct ipvs_service *s)
{
	struct nlmsghdr *h = service_request(s, true);
	struct ipvs_service back;

	memset(&back, 0xaa, sizeof(back));
	assert_int_equal(attr_get_service(h, &back), 0);
	free(h);
	assert_int_equal(ipvs_key_cmp(&back.key, &s->key), 0);
	assert_memory_equal(&back.key, &s->key, sizeof(back.key));
	assert_memory_equal(back.scheduler, s->scheduler, sizeof(back.scheduler));
	assert_memory_equal(back.engine, s->engine, sizeof(back.engine));
	assert_int_equal(back.flags, s->flags);
	assert_int_equal(back.timeout, s->timeout);
	assert_int_equal(back.netmask, s->netmask);
	assert_int_equal(back.stats.conns, 0);
}

static void test_services_return(void **state)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	static const char *const addresses[] = { "10.1.2.15:80", "[2001:db8::1]:65535" };
	static const uint32_t flags[] = { 0,
					  IPVS_SVC_PERSISTENT,
					  IPVS_SVC_ONEPACKET,
					  IPVS_SVC_SCHED1,
					  IPVS_SVC_SCHED2,
					  IPVS_SVC_SCHED3,
					  IPVS_SVC_FLAGS };
	struct ipvs_service s;

	(void)state;
	for (size_t p = 0; p < countof(protos); p++)
		for (size_t a = 0; a < countof(addresses); a++)
			for (size_t f = 0; f < countof(flags); f++) {
				s = (struct ipvs_service){ .scheduler = "fifteen-letters",
							   .engine = "fifteen-letterz",
							   .timeout = UINT32_MAX,
							   .netmask = 64 };
				s.key.addr = address(addresses[a]);
				s.key.proto = protos[p];
				s.flags = flags[f];
				assert_service_returns(&s);
			}
	for (int family = 0; family < 2; family++) {
		s = (struct ipvs_service){ .scheduler = "rr", .netmask = UINT32_MAX };
		s.key.addr.family = family ? AF_INET6 : AF_INET;
		s.key.fwmark = UINT32_MAX;
		assert_service_returns(&s);
	}
}

static void assert_dest_returns(const struct ipvs_dest *d)
{
	struct nlmsghdr *h = dest_request(d, true);
	struct ipvs_dest back;

	memset(&back, 0xaa, sizeof(back));
	assert_int_equal(attr_get_dest(h, AF_UNSPEC, &back), 0);
	free(h);
	assert_memory_equal(&back.addr, &d->addr, sizeof(back.addr));
	assert_int_equal(back.forward, d->forward);
	assert_int_equal(back.tun_type, d->tun_type);
	assert_int_equal(back.tun_flags, d->tun_flags);
	assert_int_equal(back.tun_port, d->tun_port);
	assert_int_equal(back.weight, d->weight);
	assert_int_equal(back.upper, d->upper);
	assert_int_equal(back.lower, d->lower);
}

static void test_dests_return(void **state)
{
	static const char *const addresses[] = { "10.1.2.21:80", "10.1.2.21", "[2001:db8::21]:80" };
	struct ipvs_dest d;

	(void)state;
	for (unsigned int forward = IPVS_MASQ; forward <= IPVS_BYPASS; forward++)
		for (unsigned int tun = IPVS_TUN_IPIP; tun <= IPVS_TUN_GRE; tun++)
			for (size_t a = 0; a < countof(addresses); a++) {
				d = (struct ipvs_dest){ .addr = address(addresses[a]),
							.forward = (uint8_t)forward,
							.tun_type = (uint8_t)tun,
							.tun_port = 6080,
							.tun_flags = IPVS_TUN_CSUM,
							.weight = INT32_MAX,
							.upper = 3000000000u,
							.lower = 1 };
				assert_dest_returns(&d);
			}
}

/* --- replies as the kernel writes them ------------------------------------------------ */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_service_bytes),       cmocka_unit_test(test_mark_bytes),
		cmocka_unit_test(test_dest_bytes),          cmocka_unit_test(test_dest_key),
		cmocka_unit_test(test_dest_without_tunnel), cmocka_unit_test(test_quick_put),
		cmocka_unit_test(test_full_message),        cmocka_unit_test(test_services_return),
		cmocka_unit_test(test_dests_return),
	};

	return cmocka_run_group_tests_name("ipvs_attr", tests, NULL, NULL);
}
