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

static struct nl_msg *message(void)
{
	struct nl_msg *msg = nlmsg_alloc_size(1024);

	assert_non_null(msg);
	assert_non_null(genlmsg_put(msg, 0, 1, 0x20, 0, NLM_F_REQUEST, IPVS_CMD_NEW_DEST, 1));
	return msg;
}

/* A request in memory of its own. */
static struct nlreq request(size_t room)
{
	struct nlreq q = { .start = calloc(1, room), .room = room };

	assert_non_null(q.start);
	nlreq_start(&q, 0x20, NLM_F_REQUEST, 1, IPVS_CMD_NEW_DEST, 1);
	return q;
}

/* The message; free() it. */
static struct nlmsghdr *finished(struct nlreq *q)
{
	assert_true(nlreq_finish(q));
	return (struct nlmsghdr *)(void *)q->start;
}

static struct nlmsghdr *service_request(const struct ipvs_service *s, bool full)
{
	struct nlreq q = request(512);

	attr_put_service(&q, s, full);
	return finished(&q);
}

static struct nlmsghdr *dest_request(const struct ipvs_dest *d, bool full)
{
	struct nlreq q = request(512);

	attr_put_dest(&q, d, full);
	return finished(&q);
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

/* --- golden bytes ------------------------------------------------------------- */

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

static void put_stats(struct nl_msg *msg, int nest, bool wide, uint64_t base)
{
	struct nlattr *start = nla_nest_start(msg, nest);

	for (int type = IPVS_STATS_ATTR_CONNS; type <= IPVS_STATS_ATTR_OUTBPS; type++) {
		bool u64 =
			wide || type == IPVS_STATS_ATTR_INBYTES || type == IPVS_STATS_ATTR_OUTBYTES;

		if (u64)
			nla_put_u64(msg, type, base + (uint64_t)type);
		else
			nla_put_u32(msg, type, (uint32_t)base + (uint32_t)type);
	}
	nla_nest_end(msg, start);
}

/* What a reply consists of; each can be left out or spoilt. */
struct reply {
	bool stats, stats64, family;
	int without; /* an attribute not sent */
	int cut;     /* an attribute of one byte less */
};

static void put(struct nl_msg *msg, const struct reply *r, int type, const void *data, int len)
{
	if (type != r->without)
		assert_int_equal(nla_put(msg, type, type == r->cut ? len - 1 : len, data), 0);
}

static struct nl_msg *dest_reply(const struct reply *r)
{
	static const uint8_t addr[16] = { 10, 1, 2, 21, 9, 9, 9, 9 };
	const uint32_t forward = 3, weight = 100, upper = 20, lower = 10, active = 7, inact = 8,
		       persist = 9;
	const uint16_t port = htons(80), af = AF_INET;
	struct nl_msg *msg = message();
	struct nlattr *nest = nla_nest_start(msg, IPVS_CMD_ATTR_DEST);

	put(msg, r, IPVS_DEST_ATTR_ADDR, addr, sizeof(addr));
	put(msg, r, IPVS_DEST_ATTR_PORT, &port, 2);
	put(msg, r, IPVS_DEST_ATTR_FWD_METHOD, &forward, 4);
	put(msg, r, IPVS_DEST_ATTR_WEIGHT, &weight, 4);
	put(msg, r, IPVS_DEST_ATTR_U_THRESH, &upper, 4);
	put(msg, r, IPVS_DEST_ATTR_L_THRESH, &lower, 4);
	put(msg, r, IPVS_DEST_ATTR_ACTIVE_CONNS, &active, 4);
	put(msg, r, IPVS_DEST_ATTR_INACT_CONNS, &inact, 4);
	put(msg, r, IPVS_DEST_ATTR_PERSIST_CONNS, &persist, 4);
	if (r->family)
		put(msg, r, IPVS_DEST_ATTR_ADDR_FAMILY, &af, 2);
	if (r->stats)
		put_stats(msg, IPVS_DEST_ATTR_STATS, false, 1000);
	if (r->stats64)
		put_stats(msg, IPVS_DEST_ATTR_STATS64, true, 1ull << 40);
	nla_put_u32(msg, 99, 1); /* of a later kernel */
	nla_nest_end(msg, nest);
	return msg;
}

static void test_dest_reply(void **state)
{
	struct nl_msg *msg =
		dest_reply(&(struct reply){ .stats = true, .stats64 = true, .family = true });
	struct addr addr = address("10.1.2.21:80");
	struct ipvs_dest d;

	(void)state;
	assert_int_equal(attr_get_dest(nlmsg_hdr(msg), AF_INET6, &d), 0);
	assert_memory_equal(&d.addr, &addr, sizeof(addr));
	assert_int_equal(d.forward, IPVS_ROUTE);
	assert_int_equal(d.weight, 100);
	assert_int_equal(d.upper, 20);
	assert_int_equal(d.lower, 10);
	assert_int_equal(d.active, 7);
	assert_int_equal(d.inactive, 8);
	assert_int_equal(d.persistent, 9);
	assert_int_equal(d.tun_type, IPVS_TUN_IPIP);
	assert_true(d.stats.conns == (1ull << 40) + 1);
	assert_true(d.stats.in_packets == (1ull << 40) + 2);
	assert_true(d.stats.out_packets == (1ull << 40) + 3);
	assert_true(d.stats.in_bytes == (1ull << 40) + 4);
	assert_true(d.stats.out_bytes == (1ull << 40) + 5);
	nlmsg_free(msg);
}

/* A kernel before 4.1 has no STATS64, one before 3.18 no ADDR_FAMILY. */
static void test_old_dest_reply(void **state)
{
	struct nl_msg *msg = dest_reply(&(struct reply){ .stats = true });
	struct ipvs_dest d;

	(void)state;
	assert_int_equal(attr_get_dest(nlmsg_hdr(msg), AF_INET, &d), 0);
	assert_int_equal(d.addr.family, AF_INET);
	assert_int_equal(d.stats.conns, 1001);
	assert_int_equal(d.stats.out_bytes, 1005);
	assert_int_equal(attr_get_dest(nlmsg_hdr(msg), AF_UNSPEC, &d), -EBADMSG);
	nlmsg_free(msg);
}

static void test_spoilt_dest(void **state)
{
	struct ipvs_dest d, before;
	struct nl_msg *msg;

	(void)state;
	memset(&before, 0x55, sizeof(before));
	for (int type = IPVS_DEST_ATTR_ADDR; type <= IPVS_DEST_ATTR_PERSIST_CONNS; type++) {
		bool must = type <= IPVS_DEST_ATTR_L_THRESH;

		d = before;
		msg = dest_reply(&(struct reply){ .family = true, .without = type });
		assert_int_equal(attr_get_dest(nlmsg_hdr(msg), AF_INET, &d), must ? -EBADMSG : 0);
		nlmsg_free(msg);
		if (must)
			assert_memory_equal(&d, &before, sizeof(d));
		msg = dest_reply(&(struct reply){ .family = true, .cut = type });
		assert_int_equal(attr_get_dest(nlmsg_hdr(msg), AF_INET, &d), -EBADMSG);
		nlmsg_free(msg);
	}
}

static void test_service_reply(void **state)
{
	const struct ip_vs_flags flags = { .flags = 0x3 | 0x4000, .mask = ~0u };
	const uint8_t addr[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };
	struct addr wanted = address("[2001:db8::1]:53");
	struct nl_msg *msg = message();
	struct nlattr *nest = nla_nest_start(msg, IPVS_CMD_ATTR_SERVICE);
	struct ipvs_service s;

	(void)state;
	nla_put_u16(msg, IPVS_SVC_ATTR_AF, AF_INET6);
	nla_put_u16(msg, IPVS_SVC_ATTR_PROTOCOL, IPPROTO_UDP);
	nla_put(msg, IPVS_SVC_ATTR_ADDR, 16, addr);
	nla_put_u16(msg, IPVS_SVC_ATTR_PORT, htons(53));
	/* The kernel's policy lets bytes behind the NUL pass. */
	nla_put(msg, IPVS_SVC_ATTR_SCHED_NAME, 8, "rr\0junk");
	nla_put(msg, IPVS_SVC_ATTR_FLAGS, sizeof(flags), &flags);
	nla_put_u32(msg, IPVS_SVC_ATTR_TIMEOUT, 360);
	nla_put_u32(msg, IPVS_SVC_ATTR_NETMASK, 64);
	put_stats(msg, IPVS_SVC_ATTR_STATS, false, 0);
	put_stats(msg, IPVS_SVC_ATTR_STATS64, true, 5ull << 32);
	nla_nest_end(msg, nest);
	assert_int_equal(attr_get_service(nlmsg_hdr(msg), &s), 0);
	assert_memory_equal(&s.key.addr, &wanted, sizeof(wanted));
	assert_int_equal(s.key.proto, IPPROTO_UDP);
	assert_memory_equal(s.scheduler, "rr\0\0\0\0\0\0\0\0\0\0\0\0\0", IPVS_NAME_LEN);
	assert_string_equal(s.engine, "");
	assert_int_equal(s.flags, IPVS_SVC_PERSISTENT);
	assert_int_equal(s.netmask, 64);
	assert_true(s.stats.in_bytes == (5ull << 32) + 4);
	nlmsg_free(msg);
}

static void assert_bad_service(int type, const void *data, int len)
{
	struct ipvs_service s = { .key = { .addr = address("10.0.0.1:80"), .proto = 6 },
				  .scheduler = "rr" };
	struct nl_msg *msg = message();
	struct nlattr *nest = nla_nest_start(msg, IPVS_CMD_ATTR_SERVICE);
	struct nlmsghdr *good = service_request(&s, true);
	struct nlattr *from, *a;
	int rest;

	from = nlmsg_find_attr(good, GENL_HDRLEN, IPVS_CMD_ATTR_SERVICE);
	nla_for_each_nested (a, from, rest)
		if (nla_type(a) != type)
			nla_put(msg, nla_type(a), nla_len(a), nla_data(a));
	if (data)
		nla_put(msg, type, len, data);
	nla_nest_end(msg, nest);
	assert_int_equal(attr_get_service(nlmsg_hdr(msg), &s), -EBADMSG);
	free(good);
	nlmsg_free(msg);
}

static void test_spoilt_service(void **state)
{
	const uint16_t family = 7, protocol = 256;
	const uint8_t five[5] = { 1 };

	(void)state;
	assert_bad_service(IPVS_SVC_ATTR_AF, &family, 2);
	assert_bad_service(IPVS_SVC_ATTR_AF, NULL, 0);
	assert_bad_service(IPVS_SVC_ATTR_PROTOCOL, &protocol, 2);
	assert_bad_service(IPVS_SVC_ATTR_PORT, NULL, 0);
	assert_bad_service(IPVS_SVC_ATTR_ADDR, five, 5);
	assert_bad_service(IPVS_SVC_ATTR_SCHED_NAME, "no end", 6);
	assert_bad_service(IPVS_SVC_ATTR_SCHED_NAME, "0123456789abcdef", 17);
	assert_bad_service(IPVS_SVC_ATTR_SCHED_NAME, "", 0);
	assert_bad_service(IPVS_SVC_ATTR_FLAGS, five, 4);
	assert_bad_service(IPVS_SVC_ATTR_TIMEOUT, five, 3);
	assert_bad_service(IPVS_SVC_ATTR_NETMASK, NULL, 0);
	assert_bad_service(IPVS_SVC_ATTR_STATS64, "\x06\0\x01\0\x01\0", 6);
	assert_bad_service(IPVS_SVC_ATTR_STATS64, "\xff\0\x01\0\x01\0\0\0", 8);
}

/* Every prefix of a whole reply is refused, in memory of exactly its size. */
static void test_truncated(void **state)
{
	struct nl_msg *msg =
		dest_reply(&(struct reply){ .stats = true, .stats64 = true, .family = true });
	const struct nlmsghdr *h = nlmsg_hdr(msg);
	struct ipvs_dest d;

	(void)state;
	for (uint32_t len = NLMSG_HDRLEN; len < h->nlmsg_len; len++) {
		struct nlmsghdr *cut = malloc(len);

		assert_non_null(cut);
		memcpy(cut, h, len);
		cut->nlmsg_len = len;
		assert_int_equal(attr_get_dest(cut, AF_INET, &d), -EBADMSG);
		free(cut);
	}
	nlmsg_free(msg);
}

static void test_info_and_config(void **state)
{
	struct ipvs_info info = { 0 };
	struct nl_msg *msg = message();
	uint16_t id = 0;

	(void)state;
	nla_put_u32(msg, IPVS_INFO_ATTR_VERSION, 0x010201);
	assert_int_equal(attr_get_info(nlmsg_hdr(msg), &info), -EBADMSG);
	assert_int_equal(info.version, 0);
	nla_put_u32(msg, IPVS_INFO_ATTR_CONN_TAB_SIZE, 4096);
	assert_int_equal(attr_get_info(nlmsg_hdr(msg), &info), 0);
	assert_int_equal(info.version, 0x010201);
	assert_int_equal(info.conn_tab_size, 4096);
	nlmsg_free(msg);
	msg = message();
	nla_put_u32(msg, IPVS_CMD_ATTR_TIMEOUT_TCP, 900);
	nla_put_u32(msg, IPVS_CMD_ATTR_TIMEOUT_TCP_FIN, 120);
	nla_put_u32(msg, IPVS_CMD_ATTR_TIMEOUT_UDP, 300);
	assert_int_equal(attr_get_config(nlmsg_hdr(msg), &info), 0);
	assert_int_equal(info.version, 0x010201);
	assert_int_equal(info.tcp_timeout, 900);
	assert_int_equal(info.tcp_fin_timeout, 120);
	assert_int_equal(info.udp_timeout, 300);
	assert_int_equal(attr_get_family_id(nlmsg_hdr(msg), &id), -EBADMSG);
	nla_put_u16(msg, CTRL_ATTR_FAMILY_ID, 0x1c);
	assert_int_equal(attr_get_family_id(nlmsg_hdr(msg), &id), 0);
	assert_int_equal(id, 0x1c);
	nlmsg_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		cmocka_unit_test(test_service_bytes),
		cmocka_unit_test(test_mark_bytes),
		cmocka_unit_test(test_dest_bytes),
#endif
		cmocka_unit_test(test_dest_key),
		cmocka_unit_test(test_full_message),
		cmocka_unit_test(test_services_return),
		cmocka_unit_test(test_dests_return),
		cmocka_unit_test(test_dest_reply),
		cmocka_unit_test(test_old_dest_reply),
		cmocka_unit_test(test_spoilt_dest),
		cmocka_unit_test(test_service_reply),
		cmocka_unit_test(test_spoilt_service),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_info_and_config),
	};

	return cmocka_run_group_tests_name("ipvs_attr", tests, NULL, NULL);
}
