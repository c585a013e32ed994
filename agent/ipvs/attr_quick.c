/* attr_quick.c: dests without a walk. One that is read as every kernel since 5.3 lays it
 * out: if the attributes stand where they always do, their values are loads from known
 * places, which takes a tenth of the instructions. One that is written: stores to
 * known places. Whatever looks different in any way is for attr.c and attr_put.c, which
 * know the rules. Source: ip_vs_genl_fill_dest() and ip_vs_genl_parse_dest() in
 * net/netfilter/ipvs/ip_vs_ctl.c. */
#include "agent/ipvs/attr.h"

#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>

#include "agent/ipvs/attr_rows.h"
#include "agent/ipvs/nlreq.h"

#define PLACE(name, size)                                                                          \
	struct nlattr name##_head;                                                                 \
	uint8_t name[NLA_ALIGN(size)]

struct wire {
	struct nlmsghdr message;
	struct genlmsghdr generic;
	struct nlattr dest_head;
	PLACE(addr, 16);
	PLACE(port, 2);
	PLACE(forward, 4);
	PLACE(weight, 4);
	PLACE(tun_type, 1);
	PLACE(tun_port, 2);
	PLACE(tun_flags, 2);
	PLACE(upper, 4);
	PLACE(lower, 4);
	PLACE(active, 4);
	PLACE(inactive, 4);
	PLACE(persistent, 4);
	PLACE(family, 2);
	PLACE(stats, 88); /* the old ones, not looked at */
	struct nlattr stats64_head;
	PLACE(conns, 8);
	PLACE(in_packets, 8);
	PLACE(out_packets, 8);
	PLACE(in_bytes, 8);
	PLACE(out_bytes, 8);
	uint8_t rates[60];
};

/* 0 when this attribute stands there. */
static inline uint32_t other(const struct nlattr *at, uint16_t type, size_t len)
{
	const struct nlattr wanted = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };
	uint32_t is, should;

	memcpy(&is, at, sizeof(is));
	memcpy(&should, &wanted, sizeof(should));
	return is ^ should;
}

/* One condition: a branch an attribute would take longer. */
static bool is_laid_out(const struct wire *w)
{
	const size_t all = sizeof(*w) - offsetof(struct wire, addr_head);
	const size_t stats64 = sizeof(*w) - offsetof(struct wire, conns_head);

	return !(other(&w->dest_head, IPVS_CMD_ATTR_DEST, all) |
		 other(&w->addr_head, IPVS_DEST_ATTR_ADDR, 16) |
		 other(&w->port_head, IPVS_DEST_ATTR_PORT, 2) |
		 other(&w->forward_head, IPVS_DEST_ATTR_FWD_METHOD, 4) |
		 other(&w->weight_head, IPVS_DEST_ATTR_WEIGHT, 4) |
		 other(&w->upper_head, IPVS_DEST_ATTR_U_THRESH, 4) |
		 other(&w->lower_head, IPVS_DEST_ATTR_L_THRESH, 4) |
		 other(&w->tun_type_head, IPVS_DEST_ATTR_TUN_TYPE, 1) |
		 other(&w->tun_port_head, IPVS_DEST_ATTR_TUN_PORT, 2) |
		 other(&w->tun_flags_head, IPVS_DEST_ATTR_TUN_FLAGS, 2) |
		 other(&w->active_head, IPVS_DEST_ATTR_ACTIVE_CONNS, 4) |
		 other(&w->inactive_head, IPVS_DEST_ATTR_INACT_CONNS, 4) |
		 other(&w->persistent_head, IPVS_DEST_ATTR_PERSIST_CONNS, 4) |
		 other(&w->family_head, IPVS_DEST_ATTR_ADDR_FAMILY, 2) |
		 other(&w->stats_head, IPVS_DEST_ATTR_STATS, sizeof(w->stats)) |
		 other(&w->stats64_head, IPVS_DEST_ATTR_STATS64, stats64) |
		 other(&w->conns_head, IPVS_STATS_ATTR_CONNS, 8) |
		 other(&w->in_packets_head, IPVS_STATS_ATTR_INPKTS, 8) |
		 other(&w->out_packets_head, IPVS_STATS_ATTR_OUTPKTS, 8) |
		 other(&w->in_bytes_head, IPVS_STATS_ATTR_INBYTES, 8) |
		 other(&w->out_bytes_head, IPVS_STATS_ATTR_OUTBYTES, 8));
}

static inline uint32_t load32(const uint8_t *at)
{
	return (uint32_t)attr_load(at, 4, false);
}

static inline uint16_t load16(const uint8_t *at, bool network)
{
	return (uint16_t)attr_load(at, 2, network);
}

bool attr_quick_dest(const struct nlmsghdr *h, struct ipvs_dest *ret_dest)
{
	const struct wire *w = (const struct wire *)(const void *)h;
	uint32_t forward;
	uint16_t family, flags;

	if (h->nlmsg_len != sizeof(*w) || !is_laid_out(w))
		return false;
	forward = load32(w->forward);
	family = load16(w->family, false);
	flags = load16(w->tun_flags, false);
	if ((family != AF_INET && family != AF_INET6) || forward >= IPVS_OTHER ||
	    w->tun_type[0] >= IPVS_OTHER || flags >= IPVS_TUN_OTHER_FLAGS)
		return false;
	memset(&ret_dest->addr, 0, sizeof(ret_dest->addr));
	memcpy(ret_dest->addr.bytes, w->addr, family == AF_INET ? 4 : 16);
	ret_dest->addr.port = load16(w->port, true);
	ret_dest->addr.family = (uint8_t)family;
	ret_dest->tun_port = load16(w->tun_port, true);
	ret_dest->forward = forward & IPVS_OTHER;
	ret_dest->tun_type = w->tun_type[0] & IPVS_OTHER;
	ret_dest->tun_flags = (uint8_t)flags;
	ret_dest->weight = load32(w->weight);
	ret_dest->upper = load32(w->upper);
	ret_dest->lower = load32(w->lower);
	ret_dest->active = load32(w->active);
	ret_dest->inactive = load32(w->inactive);
	ret_dest->persistent = load32(w->persistent);
	memcpy(&ret_dest->stats.conns, w->conns, 8);
	memcpy(&ret_dest->stats.in_packets, w->in_packets, 8);
	memcpy(&ret_dest->stats.out_packets, w->out_packets, 8);
	memcpy(&ret_dest->stats.in_bytes, w->in_bytes, 8);
	memcpy(&ret_dest->stats.out_bytes, w->out_bytes, 8);
	return true;
}

/* --- writing ------------------------------------------------------------------- */

struct request {
	struct nlattr service_head;
	PLACE(vip_family, 2);
	PLACE(proto, 2);
	PLACE(vip, 16);
	PLACE(vip_port, 2);
	struct nlattr dest_head;
	PLACE(addr, 16);
	PLACE(port, 2);
	PLACE(forward, 4);
	PLACE(weight, 4);
	PLACE(upper, 4);
	PLACE(lower, 4);
	PLACE(family, 2);
};

#define HEAD(type, len)                                                                            \
	{                                                                                          \
		.nla_len = (uint16_t)(NLA_HDRLEN + (len)), .nla_type = (type)                      \
	}
#define SERVICE_LEN                                                                                \
	(offsetof(struct request, dest_head) - offsetof(struct request, vip_family_head))
#define DEST_LEN (sizeof(struct request) - offsetof(struct request, addr_head))

static const struct request blank = {
	.service_head = HEAD(IPVS_CMD_ATTR_SERVICE | NLA_F_NESTED, SERVICE_LEN),
	.vip_family_head = HEAD(IPVS_SVC_ATTR_AF, 2),
	.proto_head = HEAD(IPVS_SVC_ATTR_PROTOCOL, 2),
	.vip_head = HEAD(IPVS_SVC_ATTR_ADDR, 16),
	.vip_port_head = HEAD(IPVS_SVC_ATTR_PORT, 2),
	.dest_head = HEAD(IPVS_CMD_ATTR_DEST | NLA_F_NESTED, DEST_LEN),
	.addr_head = HEAD(IPVS_DEST_ATTR_ADDR, 16),
	.port_head = HEAD(IPVS_DEST_ATTR_PORT, 2),
	.forward_head = HEAD(IPVS_DEST_ATTR_FWD_METHOD, 4),
	.weight_head = HEAD(IPVS_DEST_ATTR_WEIGHT, 4),
	.upper_head = HEAD(IPVS_DEST_ATTR_U_THRESH, 4),
	.lower_head = HEAD(IPVS_DEST_ATTR_L_THRESH, 4),
	.family_head = HEAD(IPVS_DEST_ATTR_ADDR_FAMILY, 2),
};

static inline void store16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline void store32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

bool attr_quick_put(struct nlreq *q, const struct ipvs_service *s, const struct ipvs_dest *d)
{
	struct request *r;

	if (s->key.fwmark || attr_says_tunnel(d) || q->room - q->len < sizeof(*r))
		return false;
	r = (struct request *)(void *)nlreq_take(q, sizeof(*r));
	if (!r)
		return false;
	*r = blank;
	store16(r->vip_family, s->key.addr.family);
	store16(r->proto, s->key.proto);
	memcpy(r->vip, s->key.addr.bytes, sizeof(r->vip));
	store16(r->vip_port, htons(s->key.addr.port));
	memcpy(r->addr, d->addr.bytes, sizeof(r->addr));
	store16(r->port, htons(d->addr.port));
	store32(r->forward, d->forward);
	store32(r->weight, d->weight);
	store32(r->upper, d->upper);
	store32(r->lower, d->lower);
	store16(r->family, d->addr.family);
	return true;
}
