/* test_route.c: rtnetlink's answers and the sync daemons' as bytes: good ones, and cut or
 * bent in every place; and the packets that tell the neighbours. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/genetlink.h>

#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>

#include "agent/base/attr.h"
#include "agent/ipvs/daemon.h"
#include "agent/ipvs/neighbours.h"
#include "agent/ipvs/nlreq.h"
#include "agent/ipvs/route.h"

struct bytes {
	_Alignas(8) uint8_t data[1024];
	size_t len;
};

static struct nlmsghdr *begin(struct bytes *b, uint16_t type, const void *body, size_t len)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)(b->data + b->len);

	h->nlmsg_type = type;
	h->nlmsg_seq = 1;
	h->nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(h), body, len);
	b->len += NLMSG_ALIGN(h->nlmsg_len);
	return h;
}

static void put(struct bytes *b, struct nlmsghdr *h, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)(b->data + b->len);

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	b->len += RTA_ALIGN(a->rta_len);
	h->nlmsg_len = (uint32_t)(b->data + b->len - (uint8_t *)h);
}

static void put_link(struct bytes *b)
{
	const struct ifinfomsg body = { .ifi_index = 3,
					.ifi_flags = IFF_UP,
					.ifi_type = ARPHRD_ETHER };
	struct nlmsghdr *h = begin(b, RTM_NEWLINK, &body, sizeof(body));

	put(b, h, IFLA_IFNAME, "eth0", 5);
	put(b, h, IFLA_ADDRESS, "\1\2\3\4\5\6", 6);
}

static void put_addr(struct bytes *b, const char *address, const char *local)
{
	const struct ifaddrmsg body = { .ifa_family = AF_INET,
					.ifa_prefixlen = 32,
					.ifa_index = 3 };
	struct nlmsghdr *h = begin(b, RTM_NEWADDR, &body, sizeof(body));

	put(b, h, IFA_ADDRESS, address, 4);
	if (local)
		put(b, h, IFA_LOCAL, local, 4);
}

static void put_done(struct bytes *b, int error)
{
	begin(b, error ? NLMSG_ERROR : NLMSG_DONE, &error, sizeof(error));
}

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void test_good(void **state ATTR_UNUSED)
{
	const struct addr own = address("10.1.2.3"), other = address("10.1.2.4");
	struct route_table t = { 0 };
	struct bytes b = { .len = 0 };
	bool done = false;

	put_link(&b);
	put_addr(&b, "\12\1\2\4", "\12\1\2\3"); /* point to point: the other end, ours */
	put_addr(&b, "\12\1\2\5", NULL);
	put_done(&b, 0);
	assert_int_equal(route_feed(&t, 2, b.data, b.len, &done), 0);
	assert_int_equal(t.n_links + t.n_addrs, 0); /* another talk's */
	assert_false(done);
	assert_int_equal(route_feed(&t, 1, b.data, b.len, &done), 0);
	assert_true(done);
	assert_non_null(route_find_link(&t, "eth0"));
	assert_null(route_find_link(&t, "eth1"));
	assert_memory_equal(t.links[0].mac, "\1\2\3\4\5\6", 6);
	assert_non_null(route_find_addr(&t, "eth0", &own));
	assert_null(route_find_addr(&t, "eth0", &other));
	assert_int_equal(t.n_addrs, 2);
	route_table_fini(&t);
}

static void test_refused(void **state ATTR_UNUSED)
{
	struct bytes b = { .len = 0 };
	bool done = false;
	struct nlmsghdr *h;

	put_done(&b, -EEXIST);
	assert_int_equal(route_feed(NULL, 1, b.data, b.len, &done), -EEXIST);
	assert_true(done);
	h = (struct nlmsghdr *)(void *)b.data;
	h->nlmsg_type = NLMSG_DONE;
	memset(NLMSG_DATA(h), 0, 4);
	h->nlmsg_flags = NLM_F_DUMP_INTR;
	done = false;
	assert_int_equal(route_feed(NULL, 1, b.data, b.len, &done), -EINTR);
}

/* Whatever is cut or bent: nothing is read behind the end, and it ends. */
static void test_hostile(void **state ATTR_UNUSED)
{
	struct bytes b = { .len = 0 };

	put_link(&b);
	put_addr(&b, "\12\1\2\4", "\12\1\2\3");
	put_done(&b, 0);
	for (size_t len = 0; len < b.len; len++) {
		struct route_table t = { 0 };
		uint8_t *copy = malloc(len ? len : 1);
		bool done = false;

		memcpy(copy, b.data, len);
		(void)route_feed(&t, 1, copy, len, &done);
		assert_false(done);
		route_table_fini(&t);
		free(copy);
	}
	for (size_t at = 0; at < b.len; at++) {
		static const uint8_t values[] = { 0, 1, 3, 0x7f, 0xff };

		for (size_t i = 0; i < countof(values); i++) {
			struct route_table t = { 0 };
			uint8_t *copy = malloc(b.len);
			bool done = false;

			memcpy(copy, b.data, b.len);
			copy[at] = values[i];
			(void)route_feed(&t, 1, copy, b.len, &done);
			route_table_fini(&t);
			free(copy);
		}
	}
}

/* --- daemons --------------------------------------------------------------------------- */

static size_t daemon_bytes(uint8_t *room, size_t size, const struct daemon *d)
{
	struct nlreq q = { .start = room, .room = size };

	nlreq_start(&q, 30, 0, 1, IPVS_CMD_NEW_DAEMON, 1);
	daemon_put(&q, DAEMON_BACKUP, d);
	assert_true(nlreq_finish(&q));
	return q.len;
}

static void test_daemon(void **state ATTR_UNUSED)
{
	const struct daemon d = { .there = true,
				  .interface = "fifteen-letters",
				  .sync_id = 200,
				  .group = address("239.1.2.3"),
				  .port = 8849,
				  .max_len = 1400,
				  .ttl = 3 };
	_Alignas(8) uint8_t room[512];
	struct daemon rows[DAEMON_N] = { 0 };
	size_t len = daemon_bytes(room, sizeof(room), &d);

	assert_int_equal(daemon_get((struct nlmsghdr *)(void *)room, rows), 0);
	assert_false(rows[DAEMON_MASTER].there);
	assert_true(daemon_fits(&d, &rows[DAEMON_BACKUP]));
	assert_string_equal(rows[DAEMON_BACKUP].interface, "fifteen-letters");
	/* Cut short in every place. */
	for (uint32_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(len);

		memcpy(copy, room, len);
		memcpy(copy, &cut, sizeof(cut));
		if (cut >= NLMSG_HDRLEN)
			assert_int_equal(daemon_get((struct nlmsghdr *)(void *)copy, rows) <= 0, 1);
		free(copy);
	}
	/* Without its interface it is none. */
	(void)daemon_bytes(room, sizeof(room), NULL);
	assert_int_equal(daemon_get((struct nlmsghdr *)(void *)room, rows), -EBADMSG);
}

/* --- packets ----------------------------------------------------------------------------- */

static void test_packets(void **state ATTR_UNUSED)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	static const uint8_t arp[NEIGHBOURS_ARP] = { 0,  1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0, 0, 9,
						     10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 10, 1, 2, 3 };
	const struct addr a = address("10.1.2.3"), a6 = address("fd00::1");
	const struct route_link lo = { .index = 1,
				       .flags = IFF_UP | IFF_LOOPBACK,
				       .type = ARPHRD_ETHER };
	uint8_t packet[NEIGHBOURS_ARP], na[NEIGHBOURS_NA];

	neighbours_arp(mac, &a, packet);
	assert_memory_equal(packet, arp, sizeof(arp));
	neighbours_na(mac, &a6, na);
	assert_int_equal(na[0], 136);
	assert_int_equal(na[4], 0x20);
	assert_memory_equal(na + 8, a6.bytes, 16);
	assert_memory_equal(na + 24, "\2\1", 2);
	assert_memory_equal(na + 26, mac, 6);
	/* Nobody to tell: no socket is even opened. */
	assert_int_equal(neighbours_tell(&lo, &a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_daemon),
		cmocka_unit_test(test_packets),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
