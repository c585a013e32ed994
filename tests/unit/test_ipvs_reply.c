/* test_ipvs_reply.c: the kernel's replies read back, as they are, as old kernels send them,
 * and spoilt. */
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

static struct nl_msg *message(void)
{
	struct nl_msg *msg = nlmsg_alloc_size(1024);

	assert_non_null(msg);
	assert_non_null(genlmsg_put(msg, 0, 1, 0x20, 0, NLM_F_REQUEST, IPVS_CMD_NEW_DEST, 1));
	return msg;
}

static void put_stats(struct nl_msg *msg, int nest, bool wide, uint64_t base)
{
	struct nlattr *start = nla_nest_start(msg, nest);

	start->nla_type = (uint16_t)nest;
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

/* --- the quick way ------------------------------------------------------------------- */

/* As ip_vs_genl_fill_dest() has it since 5.3, and what else a later kernel may say. */
static struct nl_msg *kernel_dest(uint16_t family, uint32_t forward, uint16_t flags, bool more)
{
	static const uint8_t addr[16] = { 10, 1, 2, 21, 9, 9, 9, 9, [15] = 1 };
	struct nl_msg *msg = message();
	struct nlattr *nest = nla_nest_start(msg, IPVS_CMD_ATTR_DEST);

	nest->nla_type = IPVS_CMD_ATTR_DEST; /* the kernel does not mark nests */
	nla_put(msg, IPVS_DEST_ATTR_ADDR, sizeof(addr), addr);
	nla_put_u16(msg, IPVS_DEST_ATTR_PORT, htons(80));
	nla_put_u32(msg, IPVS_DEST_ATTR_FWD_METHOD, forward);
	nla_put_u32(msg, IPVS_DEST_ATTR_WEIGHT, 100);
	nla_put_u8(msg, IPVS_DEST_ATTR_TUN_TYPE, IPVS_TUN_GUE);
	nla_put_u16(msg, IPVS_DEST_ATTR_TUN_PORT, htons(5555));
	nla_put_u16(msg, IPVS_DEST_ATTR_TUN_FLAGS, flags);
	nla_put_u32(msg, IPVS_DEST_ATTR_U_THRESH, 20);
	nla_put_u32(msg, IPVS_DEST_ATTR_L_THRESH, 10);
	nla_put_u32(msg, IPVS_DEST_ATTR_ACTIVE_CONNS, 7);
	nla_put_u32(msg, IPVS_DEST_ATTR_INACT_CONNS, 8);
	nla_put_u32(msg, IPVS_DEST_ATTR_PERSIST_CONNS, 9);
	nla_put_u16(msg, IPVS_DEST_ATTR_ADDR_FAMILY, family);
	put_stats(msg, IPVS_DEST_ATTR_STATS, false, 1000);
	put_stats(msg, IPVS_DEST_ATTR_STATS64, true, 1ull << 40);
	if (more)
		nla_put_u32(msg, 99, 1);
	nla_nest_end(msg, nest);
	return msg;
}

/* It reads what the walk reads, which one more attribute asks for. */
static void test_quick_dest(void **state)
{
	static const uint16_t families[] = { AF_INET, AF_INET6 };
	struct ipvs_dest quick, walked;
	struct nl_msg *known, *later;

	(void)state;
	for (size_t i = 0; i < countof(families); i++) {
		known = kernel_dest(families[i], IPVS_TUNNEL, IPVS_TUN_REMCSUM, false);
		later = kernel_dest(families[i], IPVS_TUNNEL, IPVS_TUN_REMCSUM, true);
		memset(&quick, 0x55, sizeof(quick));
		assert_true(attr_quick_dest(nlmsg_hdr(known), &quick));
		assert_false(attr_quick_dest(nlmsg_hdr(later), &walked));
		assert_int_equal(attr_get_dest(nlmsg_hdr(later), AF_INET, &walked), 0);
		assert_memory_equal(&quick, &walked, sizeof(quick));
		assert_int_equal(quick.tun_port, 5555);
		assert_true(quick.stats.out_bytes == (1ull << 40) + 5);
		nlmsg_free(known);
		nlmsg_free(later);
	}
}

/* Every byte that says where something is must be as it is: those of 21 attributes, the
 * message's length, the family; and the upper bytes of what has little room with us. */
static void test_quick_dest_spoilt(void **state)
{
	struct nl_msg *msg = kernel_dest(AF_INET, IPVS_ROUTE, 0, false);
	struct nlmsghdr *h = nlmsg_hdr(msg);
	uint8_t *bytes = malloc(h->nlmsg_len);
	struct ipvs_dest d, before;
	unsigned int refused = 0;

	(void)state;
	assert_non_null(bytes);
	memset(&before, 0x55, sizeof(before));
	for (size_t i = 0; i < h->nlmsg_len; i++) {
		memcpy(bytes, h, h->nlmsg_len);
		bytes[i] ^= 0xff;
		d = before;
		if (attr_quick_dest((struct nlmsghdr *)(void *)bytes, &d))
			continue;
		assert_memory_equal(&d, &before, sizeof(d));
		refused++;
	}
	assert_int_equal(refused, 4 + 21 * 4 + 2 + 4 + 1 + 2);
	free(bytes);
	nlmsg_free(msg);
}

/* What is more than we know differs from all that we know. */
static void test_other_values(void **state)
{
	struct nl_msg *msg = kernel_dest(AF_INET, 77, 0x102, false);
	struct ipvs_dest d;

	(void)state;
	assert_false(attr_quick_dest(nlmsg_hdr(msg), &d));
	assert_int_equal(attr_get_dest(nlmsg_hdr(msg), AF_INET, &d), 0);
	assert_int_equal(d.forward, IPVS_OTHER);
	assert_string_equal(ipvs_forward_name(d.forward), "unknown");
	assert_int_equal(d.tun_flags, IPVS_TUN_OTHER_FLAGS | IPVS_TUN_REMCSUM);
	nlmsg_free(msg);
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
		cmocka_unit_test(test_dest_reply),        cmocka_unit_test(test_old_dest_reply),
		cmocka_unit_test(test_spoilt_dest),       cmocka_unit_test(test_quick_dest),
		cmocka_unit_test(test_quick_dest_spoilt), cmocka_unit_test(test_other_values),
		cmocka_unit_test(test_service_reply),     cmocka_unit_test(test_spoilt_service),
		cmocka_unit_test(test_truncated),         cmocka_unit_test(test_info_and_config),
	};

	return cmocka_run_group_tests_name("ipvs_reply", tests, NULL, NULL);
}
