/* kernel_cases.h: what the kernel shall be made to say, a row each. One user:
 * kernel_test.c. */
#ifndef GUEST_KERNEL_CASES_H
#define GUEST_KERNEL_CASES_H

#include <stdio.h>
#include <stdlib.h>

#include "agent/base/attr.h"
#include "agent/ipvs/ipvs.h"

struct case_dest {
	const char *addr;
	struct ipvs_dest d;
	const char *shown; /* what ipvsadm -Sn says behind the address; NULL = it cannot */
};

struct kernel_case {
	const char *name;
	const char *addr; /* NULL with a fwmark */
	struct ipvs_service s;
	const char *shown;
	struct case_dest dests[3];
};

#define V4          "10.1.2.15:80"
#define R4          "10.1.2.21:80"
#define V6          "[2001:db8::15]:80"
#define R6          "[2001:db8::21]:80"
#define TCP4(sched) .addr = V4, .s = { .key.proto = IPPROTO_TCP, .scheduler = (sched) }
#define ROUTE100                                                                                   \
	{                                                                                          \
		.addr = R4, .d = { .forward = IPVS_ROUTE, .weight = 100 }, .shown = "-g -w 100"    \
	}
#define SCHED(sched)                                                                               \
	{                                                                                          \
		.name = "scheduler " sched, TCP4(sched), .shown = "-t " V4 " -s " sched,           \
		.dests = {                                                                         \
			ROUTE100                                                                   \
		}                                                                                  \
	}
#define FLAGS(sched, bits, text)                                                                   \
	{                                                                                          \
		.name = "flags " text, .addr = V4,                                                 \
		.s = { .key.proto = IPPROTO_TCP, .scheduler = (sched), .flags = (bits) },          \
		.shown = "-t " V4 " -s " sched " -b " text, .dests = {                             \
			ROUTE100                                                                   \
		}                                                                                  \
	}
#define DEST4(label, text, ...)                                                                    \
	{                                                                                          \
		.name = (label), TCP4("wlc"), .shown = "-t " V4 " -s wlc", .dests = {              \
			{ .addr = R4, .d = { __VA_ARGS__ }, .shown = (text) }                      \
		}                                                                                  \
	}
#define PERSIST(label, text, ...)                                                                  \
	{                                                                                          \
		.name = (label), .addr = V4,                                                       \
		.s = { .key.proto = IPPROTO_TCP,                                                   \
		       .scheduler = "rr",                                                          \
		       .flags = IPVS_SVC_PERSISTENT,                                               \
		       __VA_ARGS__ },                                                              \
		.shown = "-t " V4 " -s rr " text, .dests = {                                       \
			ROUTE100                                                                   \
		}                                                                                  \
	}

static const struct kernel_case cases[] = {
	SCHED("rr"),
	SCHED("wrr"),
	SCHED("lc"),
	SCHED("wlc"),
	SCHED("lblc"),
	SCHED("lblcr"),
	SCHED("dh"),
	SCHED("sh"),
	SCHED("mh"),
	SCHED("sed"),
	SCHED("nq"),
	SCHED("fo"),
	SCHED("ovf"),
	FLAGS("sh", IPVS_SVC_SCHED1, "sh-fallback"),
	FLAGS("sh", IPVS_SVC_SCHED2, "sh-port"),
	FLAGS("mh", IPVS_SVC_SCHED1, "mh-fallback"),
	FLAGS("mh", IPVS_SVC_SCHED1 | IPVS_SVC_SCHED2, "mh-fallback,mh-port"),
	FLAGS("rr", IPVS_SVC_SCHED3, "flag-3"),
	{
		.name = "one packet, UDP",
		.addr = "10.1.2.15:53",
		.s = { .key.proto = IPPROTO_UDP, .scheduler = "rr", .flags = IPVS_SVC_ONEPACKET },
		.shown = "-u 10.1.2.15:53 -s rr -o",
		.dests = { { .addr = "10.1.2.21:53",
			     .d = { .forward = IPVS_MASQ, .weight = 1 },
			     .shown = "-m -w 1" } },
	},
	{
		.name = "SCTP",
		.addr = "10.1.2.15:3868",
		.s = { .key.proto = IPPROTO_SCTP, .scheduler = "rr" },
		.shown = "--sctp-service 10.1.2.15:3868 -s rr",
		.dests = { { .addr = "10.1.2.21:3869",
			     .d = { .forward = IPVS_MASQ, .weight = 1 },
			     .shown = "-m -w 1" } },
	},
	{
		.name = "IPv6, TCP",
		.addr = V6,
		.s = { .key.proto = IPPROTO_TCP, .scheduler = "wrr", .netmask = 128 },
		.shown = "-t " V6 " -s wrr",
		.dests = { { .addr = R6,
			     .d = { .forward = IPVS_ROUTE, .weight = 7 },
			     .shown = "-g -w 7" } },
	},
	{
		.name = "IPv6, UDP, persistent with prefix",
		.addr = "[2001:db8::15]:53",
		.s = { .key.proto = IPPROTO_UDP,
		       .scheduler = "rr",
		       .flags = IPVS_SVC_PERSISTENT,
		       .timeout = 60,
		       .netmask = 64 },
		.shown = "-u [2001:db8::15]:53 -s rr -p 60 -M 64",
		.dests = { { .addr = "[2001:db8::21]:53",
			     .d = { .forward = IPVS_TUNNEL, .weight = 1 },
			     .shown = "-i -w 1 --tun-type ipip" } },
	},
	{
		.name = "fwmark",
		.s = { .key.fwmark = 7, .key.addr.family = AF_INET, .scheduler = "rr" },
		.shown = "-f 7 -s rr",
		.dests = { { .addr = "10.1.2.21",
			     .d = { .forward = IPVS_ROUTE, .weight = 1 },
			     .shown = "-g -w 1" } },
	},
	{
		.name = "fwmark, IPv6",
		.s = { .key.fwmark = 2147483647,
		       .key.addr.family = AF_INET6,
		       .scheduler = "rr",
		       .netmask = 128 },
		.shown = "-f 2147483647 -6 -s rr",
		.dests = { { .addr = "2001:db8::21",
			     .d = { .forward = IPVS_ROUTE, .weight = 1 },
			     .shown = "-g -w 1" } },
	},
	DEST4("route", "-g -w 1", .forward = IPVS_ROUTE, .weight = 1),
	DEST4("masq", "-m -w 1", .forward = IPVS_MASQ, .weight = 1),
	DEST4("local", NULL, .forward = IPVS_LOCAL, .weight = 1),
	DEST4("bypass", NULL, .forward = IPVS_BYPASS, .weight = 1),
	DEST4("weight 0", "-g -w 0", .forward = IPVS_ROUTE),
	DEST4("greatest weight", "-g -w 2147483647", .forward = IPVS_ROUTE, .weight = INT32_MAX),
	DEST4("upper threshold", "-g -w 1", .forward = IPVS_ROUTE, .weight = 1, .upper = 200),
	DEST4("both thresholds", "-g -w 1", .forward = IPVS_ROUTE, .weight = 1, .upper = 200,
	      .lower = 150),
	DEST4("ipip", "-i -w 1 --tun-type ipip", .forward = IPVS_TUNNEL, .weight = 1),
	DEST4("gue", "-i -w 1 --tun-type gue --tun-port 5555 --tun-nocsum", .forward = IPVS_TUNNEL,
	      .weight = 1, .tun_type = IPVS_TUN_GUE, .tun_port = 5555),
	DEST4("gue, checksum", "-i -w 1 --tun-type gue --tun-port 5555 --tun-csum",
	      .forward = IPVS_TUNNEL, .weight = 1, .tun_type = IPVS_TUN_GUE, .tun_port = 5555,
	      .tun_flags = IPVS_TUN_CSUM),
	DEST4("gue, remote checksum", "-i -w 1 --tun-type gue --tun-port 5555 --tun-remcsum",
	      .forward = IPVS_TUNNEL, .weight = 1, .tun_type = IPVS_TUN_GUE, .tun_port = 5555,
	      .tun_flags = IPVS_TUN_REMCSUM),
	DEST4("gre", "-i -w 1 --tun-type gre --tun-nocsum", .forward = IPVS_TUNNEL, .weight = 1,
	      .tun_type = IPVS_TUN_GRE),
	DEST4("gre, checksum", "-i -w 1 --tun-type gre --tun-csum", .forward = IPVS_TUNNEL,
	      .weight = 1, .tun_type = IPVS_TUN_GRE, .tun_flags = IPVS_TUN_CSUM),
	PERSIST("persistence", "-p 300", .timeout = 300, .netmask = UINT32_MAX),
	PERSIST("persistence, netmask", "-p 60 -M 255.255.255.0", .timeout = 60,
		.netmask = 0x00ffffff),
	PERSIST("persistence, netmask 0", "-p 60 -M 0.0.0.0", .timeout = 60, .netmask = 0),
	{
		.name = "persistence engine",
		.addr = "10.1.2.15:5060",
		.s = { .key.proto = IPPROTO_UDP,
		       .scheduler = "rr",
		       .flags = IPVS_SVC_PERSISTENT,
		       .timeout = 60,
		       .netmask = UINT32_MAX,
		       .engine = "sip" },
		.shown = "-u 10.1.2.15:5060 -s rr -p 60 --pe sip",
		.dests = { { .addr = "10.1.2.21:5060",
			     .d = { .forward = IPVS_MASQ, .weight = 1 },
			     .shown = "-m -w 1" } },
	},
	{
		.name = "mixed: an IPv6 server of an IPv4 service, and two of its own family",
		TCP4("wlc"),
		.shown = "-t " V4 " -s wlc",
		.dests = { { .addr = R4,
			     .d = { .forward = IPVS_ROUTE, .weight = 1 },
			     .shown = "-g -w 1" },
			   { .addr = "10.1.2.22:80",
			     .d = { .forward = IPVS_TUNNEL, .weight = 2 },
			     .shown = "-i -w 2 --tun-type ipip" },
			   { .addr = R6,
			     .d = { .forward = IPVS_TUNNEL, .weight = 3 },
			     .shown = "-i -w 3 --tun-type ipip" } },
	},
	{ .name = "without servers", TCP4("none"), .shown = "-t " V4 " -s none" },
};

/* A row as values. */
struct built {
	struct ipvs_service service;
	struct ipvs_dest dests[3];
	uint32_t n_dests;
};

static inline struct addr address(const char *text)
{
	struct addr a = { 0 };

	if (addr_parse(text, &a)) {
		printf("Bail out! bad address %s\n", text);
		exit(1);
	}
	return a;
}

static inline struct built build(const struct kernel_case *c)
{
	struct built b = { .service = c->s };

	if (c->addr)
		b.service.key.addr = address(c->addr);
	if (!b.service.netmask && !(c->s.flags & IPVS_SVC_PERSISTENT))
		b.service.netmask = UINT32_MAX;
	while (b.n_dests < countof(c->dests) && c->dests[b.n_dests].addr) {
		b.dests[b.n_dests] = c->dests[b.n_dests].d;
		b.dests[b.n_dests].addr = address(c->dests[b.n_dests].addr);
		b.n_dests++;
	}
	return b;
}

#endif
