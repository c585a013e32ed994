/* view_fixture.h: a small world as a view, for the tests of what reads views: two
 * managed services, foreign ones, realservers in every state, hostile names. All of
 * it is static: copy the struct, change what a case is about. */
#ifndef TESTS_VIEW_FIXTURE_H
#define TESTS_VIEW_FIXTURE_H

#include <string.h>

#include "agent/base/attr.h"
#include "agent/holds/drain.h"
#include "agent/holds/hold.h"
#include "agent/model/view.h"

#define V4(a, b, c, d, p)                                                                          \
	{                                                                                          \
		.bytes = { a, b, c, d }, .port = (p), .family = AF_INET                            \
	}
#define V6(last, p)                                                                                \
	{                                                                                          \
		.bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = (last) }, .port = (p),                   \
		.family = AF_INET6                                                                 \
	}
#define STATS(n)                                                                                   \
	{                                                                                          \
		(n), (n)*10, (n)*9, (n)*1000, (n)*900                                              \
	}

static struct ipvs_service fixture_kernel_services[] = {
	{ .key = { .addr = V4(10, 1, 2, 15, 80), .proto = IPPROTO_TCP },
	  .scheduler = "wlc",
	  .flags = IPVS_SVC_PERSISTENT,
	  .timeout = 300,
	  .netmask = 0xffffff00,
	  .stats = STATS(100),
	  .first_dest = 0,
	  .n_dests = 3 },
	{ .key = { .addr = V4(10, 1, 2, 15, 443), .proto = IPPROTO_TCP },
	  .scheduler = "mh",
	  .flags = IPVS_SVC_SCHED1 | IPVS_SVC_SCHED2,
	  .stats = STATS(200),
	  .first_dest = 3,
	  .n_dests = 1 },
	{ .key = { .addr = V6(0x53, 53), .proto = IPPROTO_UDP },
	  .scheduler = "rr",
	  .engine = "sip",
	  .flags = IPVS_SVC_PERSISTENT | IPVS_SVC_ONEPACKET | IPVS_SVC_SCHED3,
	  .timeout = 90,
	  .netmask = 64,
	  .stats = { UINT64_MAX, 0, 1, 4294967296, 4294967295 },
	  .first_dest = 4,
	  .n_dests = 1 },
	{ .key = { .addr = V4(10, 0, 0, 1, 3868), .proto = IPPROTO_SCTP },
	  .scheduler = "sh",
	  .flags = IPVS_SVC_SCHED1,
	  .stats = STATS(3),
	  .first_dest = 5,
	  .n_dests = 1 },
	{ .key = { .addr = { .family = AF_INET }, .fwmark = 0x1a2b },
	  .scheduler = "wrr",
	  .stats = STATS(4),
	  .first_dest = 6,
	  .n_dests = 1 },
	{ .key = { .addr = { .family = AF_INET6 }, .fwmark = 0x1a2b },
	  .scheduler = "wrr",
	  .first_dest = 7,
	  .n_dests = 1 },
};

static struct ipvs_dest fixture_kernel_dests[] = {
	{ .addr = V4(10, 1, 2, 21, 80),
	  .forward = IPVS_ROUTE,
	  .weight = 100,
	  .upper = 500,
	  .lower = 400,
	  .active = 7,
	  .inactive = 3,
	  .persistent = 2,
	  .stats = STATS(60) },
	{ .addr = V4(10, 1, 2, 22, 80), .forward = IPVS_MASQ, .weight = 0, .stats = STATS(40) },
	{ .addr = V4(10, 1, 2, 99, 80), .forward = IPVS_LOCAL, .weight = 1 },
	{ .addr = V4(10, 1, 2, 21, 443), .forward = IPVS_ROUTE, .weight = 100 },
	{ .addr = V6(0x21, 53),
	  .forward = IPVS_TUNNEL,
	  .tun_type = IPVS_TUN_GUE,
	  .tun_port = 5555,
	  .tun_flags = IPVS_TUN_REMCSUM,
	  .weight = 2147483647 },
	{ .addr = V4(10, 0, 0, 2, 3868), .forward = IPVS_TUNNEL, .weight = 5 },
	{ .addr = V6(0x31, 0), .forward = IPVS_TUNNEL, .weight = 3, .active = 1 },
	{ .addr = V6(0x31, 0), .forward = IPVS_TUNNEL, .weight = 4, .active = 2 },
};

static struct view_vip fixture_vips[] = {
	{ "web", "tcp://10.1.2.15:80", 0, 0, 0, 4 },
	{ "web", "tcp://10.1.2.15:443", 1, 0, 4, 3 },
	{ "dns", "udp://[2001:db8::53]:53", 2, 1, 7, 1 },
	{ "sctp://10.0.0.1:3868", "sctp://10.0.0.1:3868", 3, VIEW_NONE, 8, 1 },
	{ "fwmark://6699", "fwmark://6699", 4, VIEW_NONE, 9, 1 },
	{ "fwmark6://6699", "fwmark6://6699", 5, VIEW_NONE, 10, 1 },
	{ "later", "tcp://10.9.9.9:80", VIEW_NONE, 2, 11, 1 },
};

static struct view_dest fixture_dests[] = {
	{ "web1", 0, 0 },
	{ "web2", 1, 1 },
	{ "sorry", VIEW_NONE, 2 },
	{ "10.1.2.99:80", 2, VIEW_NONE },
	{ "web1", 3, 0 },
	{ "web2", VIEW_NONE, 1 },
	{ "sorry", VIEW_NONE, 2 },
	{ "ns1", 4, 3 },
	{ "10.0.0.2:3868", 5, VIEW_NONE },
	{ "2001:db8::31", 6, VIEW_NONE },
	{ "2001:db8::31", 7, VIEW_NONE },
	{ "a", VIEW_NONE, 4 },
};

static struct view_service fixture_services[] = {
	{ "web", 0, 3, { [VIEW_UP] = 1, [VIEW_DOWN] = 1, [VIEW_STANDBY] = 1 }, 1, 2, 1, false },
	{ "dns", 3, 1, { [VIEW_UNKNOWN] = 1 }, 1, 1, 1, false },
	{ "later", 4, 1, { [VIEW_DISABLED] = 1 }, 0, 0, 0, true },
};

/* What of the layout a view is asked for. */
static struct realserver_terms fixture_terms[] = { { .domain = "rack6" },
						   { .domain = "rack\"7" },
						   { .domain = NULL } };
static struct realserver_conf fixture_confs[] = {
	{ .name = "web1", .terms = &fixture_terms[0], .weight = 100 },
	{ .name = "web2", .terms = &fixture_terms[1], .weight = 50 },
	{ .name = "sorry", .terms = &fixture_terms[2], .weight = 100, .backup = true },
	{ .name = "ns1", .terms = &fixture_terms[2], .weight = 65535 },
	{ .name = "a", .terms = &fixture_terms[2] },
};
static struct probe_conf fixture_probe_confs[] = {
	{ .head = { .name = "http" } },
	{ .head = { .name = "http6" } },
	{ .head = { .name = "tcp-53" } },
};
static struct layout_target fixture_targets[] = {
	{ .conf = &fixture_probe_confs[0] },
	{ .conf = &fixture_probe_confs[1] },
	{ .conf = &fixture_probe_confs[2] },
};
/* web1's first probe goes to two addresses. */
static uint32_t fixture_links[] = { 0, 0, 1, 0, 2 };
static struct layout_realserver fixture_pool[] = {
	{ .service = 0, .conf = &fixture_confs[0], .first_link = 0, .n_links = 3 },
	{ .service = 0, .conf = &fixture_confs[1], .first_link = 3, .n_links = 1 },
	{ .service = 0, .conf = &fixture_confs[2], .first_link = 4 },
	{ .service = 1, .conf = &fixture_confs[3], .first_link = 4, .n_links = 1 },
	{ .service = 2, .conf = &fixture_confs[4], .first_link = 5 },
};
static struct layout fixture_layout = {
	.realservers = fixture_pool,
	.links = fixture_links,
	.targets = fixture_targets,
};

static char fixture_reasons[] = "\0http: connection refused\0a backup that waits\0disabled\0"
				"Host is blocked";

static struct view_realserver fixture_realservers[] = {
	{ 100, 0, 0, VIEW_UP },      { 0, 2, 1, VIEW_DOWN },
	{ -1, 3, 26, VIEW_STANDBY }, { 2147483647, 3, 0, VIEW_UNKNOWN },
	{ 0, 4, 46, VIEW_DISABLED },
};

static struct view_probe fixture_probes[] = {
	{ .realserver = 0,
	  .verdict = VERDICT_UP,
	  .success = true,
	  .streak = 12,
	  .since_wall_ms = 1763817000123,
	  .attempts = 12,
	  .last_us = 1234,
	  .connect_us = 300,
	  .first_byte_us = 1200,
	  .tls_not_after = 1795000000,
	  .last_wall_ms = 1763818000000 },
	{ .realserver = 0,
	  .verdict = VERDICT_UP,
	  .unknown = true,
	  .reason = PROBE_LOCAL_ROUTE,
	  .streak = 3,
	  .since_wall_ms = 1763817000500,
	  .attempts = 5,
	  .last_us = 15,
	  .last_wall_ms = 1763818000007 },
	{ .realserver = 1,
	  .verdict = VERDICT_DOWN,
	  .reason = PROBE_CONNECT_REFUSED,
	  .text = 55,
	  .streak = -3,
	  .since_wall_ms = 1763817900000,
	  .attempts = 40,
	  .first_failure = 1,
	  .last_us = 2000000,
	  .connect_us = 2000000,
	  .last_wall_ms = 1763818000100 },
	{ .realserver = 3, .first_failure = 4 },
};

static struct view_digest fixture_digests[] = {
	{ 0x0123456789ab, 2, 3, CONSENSUS_SAME, true, false },
	{ 0 },
	{ 0xfedcba987654, 2, 3, CONSENSUS_STALE, true, false },
	{ 0, 0, 2, CONSENSUS_UNKNOWN, true, true },
};

static struct durations fixture_durations[] = {
	{ 0 },
	{ .sum_us = 12345678, .counts = { 3, 0, 1, [13] = 2 }, .on = true },
	{ 0 },
	{ .on = true },
};

static struct view_failure fixture_failures[] = {
	{ PROBE_LOCAL_ROUTE, 2 },
	{ PROBE_CONNECT_TIMEOUT, 1 },
	{ PROBE_CONNECT_REFUSED, 3 },
	{ PROBE_CONNECT_TIMEOUT, 3 },
};

static struct view_canary fixture_canaries[] = { { "gw", true, true, NULL },
						 { "ns", true, false, NULL },
						 { "new", false, false, NULL } };

static struct view_peer fixture_peers[] = {
	{ .name = "lb2",
	  .why = "",
	  .known = true,
	  .up = true,
	  .since_wall_ms = 1763810000000,
	  .last_wall_ms = 1763818000100,
	  .skew_ms = -1250,
	  .exchanges = 8000,
	  .holds = { 7, 4 },
	  .failures = { 2, [PEER_TIMEOUT] = 1 } },
	{ .name = "lb3", .why = "" },
};

static struct view_hold fixture_holds[] = {
	{ "r-1", "web", "web2", "rule", "probe-down", "http: 3 of 3", HOLD_ZERO, 1763817900001, 0,
	  0, false, false },
	{ "o-1", "web", "web1", "operator", "J\xc3\xb6rg \"the\\ops\"\n\xff", "deploy", 50,
	  1763810000000, 1763820000000, 0, false, false },
};

static struct view_drain fixture_drains[] = {
	{ .hold = 1,
	  .active = 3,
	  .inactive = 14,
	  .left = 3,
	  .state = DRAIN_STALLED,
	  .deadline_wall_ms = 1763810300000 },
};

static const char *const fixture_guards[] = { "", "settling", "min_available" };
static const uint64_t fixture_refused[] = { 0, 1, 18 };

static struct view_rule fixture_rules[] = {
	{ "probe-down", { 2, 0, 1, 0 }, 5, 4, fixture_refused },
};

static struct view_own_vip fixture_own_vips[] = {
	{ .vip = "web",
	  .address = "10.1.2.15",
	  .interface = "eth0",
	  .slug = "",
	  .sentence = "",
	  .known = true,
	  .wanted = true,
	  .present = true },
	{ .vip = "any",
	  .address = "2001:db8::15",
	  .interface = "vip0",
	  .slug = "unavailable",
	  .sentence = "no service on it can serve",
	  .known = true },
};

static struct view_duties fixture_duties = {
	.roles = true,
	.role = ROLE_MASTER,
	.vips = fixture_own_vips,
	.n_vips = countof(fixture_own_vips),
	.daemons_known = true,
	.daemons_ours = { true },
	.daemons = { { .there = true,
		       .interface = "eth1",
		       .sync_id = 7,
		       .group = { .bytes = { 224, 0, 0, 81 }, .family = AF_INET },
		       .port = 8848,
		       .max_len = 1472,
		       .ttl = 1 } },
	.writes = { 4, 1 },
};

/* The whole world; made in the future, so that its age is 0. */
static inline struct view view_fixture(void)
{
	struct view v = {
		.made_mono_ms = INT64_MAX,
		.generation = 3,
		.table = { .services = fixture_kernel_services,
			   .dests = fixture_kernel_dests,
			   .n_services = countof(fixture_kernel_services),
			   .n_dests = countof(fixture_kernel_dests),
			   .complete = true,
			   .taken_us = 1500,
			   .wall_ms = 1763818000200 },
		.layout = &fixture_layout,
		.reasons = { .data = fixture_reasons },
		.vips = fixture_vips,
		.n_vips = countof(fixture_vips),
		.dests = fixture_dests,
		.n_dests = countof(fixture_dests),
		.services = fixture_services,
		.n_services = countof(fixture_services),
		.realservers = fixture_realservers,
		.n_realservers = countof(fixture_realservers),
		.probes = fixture_probes,
		.n_probes = countof(fixture_probes),
		.digests = fixture_digests,
		.durations = fixture_durations,
		.failures = fixture_failures,
		.n_failures = countof(fixture_failures),
		.canaries = fixture_canaries,
		.n_canaries = countof(fixture_canaries),
		.duties = &fixture_duties,
		.peers = fixture_peers,
		.n_peers = countof(fixture_peers),
		.peers_refused = fixture_refused,
		.holds = fixture_holds,
		.n_holds = countof(fixture_holds),
		.drains = fixture_drains,
		.n_drains = countof(fixture_drains),
		.rules = fixture_rules,
		.n_rules = countof(fixture_rules),
		.guards = fixture_guards,
		.n_guards = countof(fixture_guards),
		.realserver_series = true,
		.agent = { .kernel_writes = { 3, 0, 1, 9, 40, 2 },
			   .kernel_write_failures = { [IPVS_SET_DEST] = 1 },
			   .drift = 2,
			   .reconciles = 77,
			   .loop_lag_us = 250,
			   .last_reconcile_wall_ms = 1763818000210,
			   .last_reload_wall_ms = 1763800000000,
			   .last_reload_ok = true,
			   .ledger_writable = true,
			   .kernel_ok = true,
			   .probes_running = 2,
			   .info = { 0x010201, 4096, 900, 120, 300 } },
	};

	/* Masks are in network order. */
	fixture_kernel_services[0].netmask = htonl(0xffffff00);
	return v;
}

#endif
