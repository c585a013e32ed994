/* attr.c: replies become values, by the tables in attr_rows.c.
 *
 * Reading walks the bytes once and stores each attribute through its row: no array of
 * pointers to fill and search, for a dump of 100,000 dests has 4,000,000 attributes. */
#include "agent/ipvs/attr.h"

#include <errno.h>

#include "agent/base/attr.h"
#include "agent/ipvs/attr_rows.h"

#define BIT(type) (1u << (type))

/* What a reply must have. */
static const uint32_t service_must = BIT(IPVS_SVC_ATTR_AF) | BIT(IPVS_SVC_ATTR_SCHED_NAME) |
				     BIT(IPVS_SVC_ATTR_FLAGS) | BIT(IPVS_SVC_ATTR_TIMEOUT) |
				     BIT(IPVS_SVC_ATTR_NETMASK);
static const uint32_t service_by_addr_must =
	BIT(IPVS_SVC_ATTR_PROTOCOL) | BIT(IPVS_SVC_ATTR_ADDR) | BIT(IPVS_SVC_ATTR_PORT);

/* Tunnels came with 5.3, the address family with 3.18. */
static const uint32_t dest_must = BIT(IPVS_DEST_ATTR_ADDR) | BIT(IPVS_DEST_ATTR_PORT) |
				  BIT(IPVS_DEST_ATTR_FWD_METHOD) | BIT(IPVS_DEST_ATTR_WEIGHT) |
				  BIT(IPVS_DEST_ATTR_U_THRESH) | BIT(IPVS_DEST_ATTR_L_THRESH);
static const uint32_t info_must = BIT(IPVS_INFO_ATTR_VERSION) | BIT(IPVS_INFO_ATTR_CONN_TAB_SIZE);
static const uint32_t config_must = BIT(IPVS_CMD_ATTR_TIMEOUT_TCP) |
				    BIT(IPVS_CMD_ATTR_TIMEOUT_TCP_FIN) |
				    BIT(IPVS_CMD_ATTR_TIMEOUT_UDP);

/* Five of the ten counters: the rates are what Prometheus computes itself. */
static const uint16_t stats_offsets[] = {
	[IPVS_STATS_ATTR_CONNS] = offsetof(struct ipvs_stats, conns),
	[IPVS_STATS_ATTR_INPKTS] = offsetof(struct ipvs_stats, in_packets),
	[IPVS_STATS_ATTR_OUTPKTS] = offsetof(struct ipvs_stats, out_packets),
	[IPVS_STATS_ATTR_INBYTES] = offsetof(struct ipvs_stats, in_bytes),
	[IPVS_STATS_ATTR_OUTBYTES] = offsetof(struct ipvs_stats, out_bytes),
};

static const uint32_t stats_all = BIT(IPVS_STATS_ATTR_CONNS) | BIT(IPVS_STATS_ATTR_INPKTS) |
				  BIT(IPVS_STATS_ATTR_OUTPKTS) | BIT(IPVS_STATS_ATTR_INBYTES) |
				  BIT(IPVS_STATS_ATTR_OUTBYTES);

struct bytes {
	const uint8_t *at;
	size_t len;
};

/* Takes the next attribute off; false at the end. Bytes that hold no whole one are
 * *ret_error = -EBADMSG. */
static inline bool next_attr(struct bytes *rest, unsigned int *ret_type, struct bytes *ret_value,
			     int *ret_error)
{
	struct nlattr a;
	size_t step;

	if (rest->len < NLA_HDRLEN) {
		if (rest->len)
			*ret_error = -EBADMSG;
		return false;
	}
	memcpy(&a, rest->at, sizeof(a));
	if (a.nla_len < NLA_HDRLEN || a.nla_len > rest->len) {
		*ret_error = -EBADMSG;
		return false;
	}
	*ret_type = a.nla_type & NLA_TYPE_MASK;
	ret_value->at = rest->at + NLA_HDRLEN;
	ret_value->len = a.nla_len - (size_t)NLA_HDRLEN;
	step = NLA_ALIGN((size_t)a.nla_len);
	if (step > rest->len)
		step = rest->len;
	rest->at += step;
	rest->len -= step;
	return true;
}

/* -EBADMSG when it does not fit. */
static int store(uint8_t *to, unsigned int size, uint64_t v)
{
	uint32_t v32 = (uint32_t)v;
	uint16_t v16 = (uint16_t)v;

	if (size < 8 && v >> (8 * size))
		return -EBADMSG;
	switch (size) {
	case 1:
		*to = (uint8_t)v;
		break;
	case 2:
		memcpy(to, &v16, 2);
		break;
	default:
		memcpy(to, &v32, 4);
		break;
	}
	return 0;
}

static int read_stats(struct bytes in, struct ipvs_stats *ret_stats)
{
	struct bytes value;
	uint32_t seen = 0;
	unsigned int type;
	uint64_t n;
	int r = 0;

	/* The rates stand behind and are not looked at. */
	while (seen != stats_all && next_attr(&in, &type, &value, &r)) {
		if (!type || type >= countof(stats_offsets))
			continue;
		if (value.len == 8)
			n = attr_load(value.at, 8, false);
		else if (value.len == 4)
			n = attr_load(value.at, 4, false);
		else
			return -EBADMSG;
		memcpy((char *)ret_stats + stats_offsets[type], &n, sizeof(n));
		seen |= BIT(type);
	}
	return r;
}

static int read_value(const struct attr_row *row, struct bytes in, void *value)
{
	uint8_t *to = (uint8_t *)value + row->offset;
	uint64_t flags;

	switch (row->form) {
	case FORM_U32:
		if (in.len < 4)
			return -EBADMSG;
		memcpy(to, in.at, 4);
		return 0;
	case FORM_HOST:
	case FORM_NET:
		if (in.len < row->wire)
			return -EBADMSG;
		return store(to, row->size, attr_load(in.at, row->wire, row->form == FORM_NET));
	case FORM_ADDR:
		if (in.len != 4 && in.len != row->wire)
			return -EBADMSG;
		memcpy(to, in.at, in.len);
		return 0;
	case FORM_NAME:
		if (!in.len || in.len > row->wire || !memchr(in.at, 0, in.len))
			return -EBADMSG;
		/* Nothing behind the NUL: values are compared and hashed as bytes. */
		memset(to, 0, row->size);
		memcpy(to, in.at, strlen((const char *)in.at));
		return 0;
	case FORM_FLAGS:
		if (in.len < row->wire)
			return -EBADMSG;
		flags = attr_load(in.at, 4, false) & IPVS_SVC_FLAGS;
		return store(to, row->size, flags);
	default:
		return 0;
	}
}

/* Reads what the rows name into `value`, which is zeroed; *ret_seen has a bit for each
 * type that was there. */
static int read_rows(const struct attr_row *rows, size_t n_rows, struct bytes in, void *value,
		     uint32_t *ret_seen)
{
	const struct attr_row *stats_row = NULL;
	struct bytes attr, stats = { 0 };
	uint32_t seen = 0;
	unsigned int type;
	int r = 0;

	while (next_attr(&in, &type, &attr, &r)) {
		if (type >= n_rows)
			continue;
		if (rows[type].form == FORM_STATS64 ||
		    (rows[type].form == FORM_STATS && !stats_row)) {
			stats_row = &rows[type];
			stats = attr;
			continue;
		}
		r = read_value(&rows[type], attr, value);
		if (r)
			return r;
		seen |= BIT(type);
	}
	if (!r && stats_row)
		r = read_stats(stats,
			       (struct ipvs_stats *)(void *)((char *)value + stats_row->offset));
	if (!r)
		*ret_seen = seen;
	return r;
}

/* The attributes of a message, behind its two headers. */
static int body_of(const struct nlmsghdr *h, struct bytes *ret_body)
{
	const size_t head = NLMSG_HDRLEN + GENL_HDRLEN;

	if (h->nlmsg_len < head)
		return -EBADMSG;
	ret_body->at = (const uint8_t *)h + head;
	ret_body->len = h->nlmsg_len - head;
	return 0;
}

static int find_nested(const struct nlmsghdr *h, unsigned int wanted, struct bytes *ret_body)
{
	struct bytes rest, value;
	unsigned int type;
	int r;

	r = body_of(h, &rest);
	while (!r && next_attr(&rest, &type, &value, &r)) {
		if (type != wanted)
			continue;
		*ret_body = value;
		return 0;
	}
	return -EBADMSG;
}

/* Only IPv4 and IPv6 are values of ours; unused bytes are 0. */
static int settle_addr(struct addr *a)
{
	if (a->family == AF_INET)
		memset(a->bytes + 4, 0, sizeof(a->bytes) - 4);
	else if (a->family != AF_INET6)
		return -EBADMSG;
	return 0;
}

int attr_get_service(const struct nlmsghdr *h, struct ipvs_service *ret_service)
{
	struct ipvs_service s = { 0 };
	uint32_t seen, must;
	struct bytes in;
	int r;

	r = find_nested(h, IPVS_CMD_ATTR_SERVICE, &in);
	if (!r)
		r = read_rows(attr_service_rows, ATTR_SERVICE_ROWS, in, &s, &seen);
	if (!r)
		r = settle_addr(&s.key.addr);
	if (r)
		return r;
	must = s.key.fwmark ? service_must : service_must | service_by_addr_must;
	if ((seen & must) != must)
		return -EBADMSG;
	if (s.key.fwmark) {
		/* A fwmark is the whole key, whatever a kernel says besides. */
		memset(s.key.addr.bytes, 0, sizeof(s.key.addr.bytes));
		s.key.addr.port = 0;
		s.key.proto = 0;
	}
	*ret_service = s;
	return 0;
}

/* Out of the places of their own; what fits no room is marked as such. */
static void pack(struct attr_dest *a)
{
	a->d.forward = a->forward < IPVS_OTHER ? a->forward & IPVS_OTHER : IPVS_OTHER;
	a->d.tun_type = a->tun_type < IPVS_OTHER ? a->tun_type & IPVS_OTHER : IPVS_OTHER;
	a->d.tun_flags = a->tun_flags < IPVS_TUN_OTHER_FLAGS
				 ? (uint8_t)a->tun_flags
				 : (uint8_t)(IPVS_TUN_OTHER_FLAGS | a->tun_flags);
}

/* By the rules, in whatever order. */
static int walk_dest(const struct nlmsghdr *h, uint8_t family, struct ipvs_dest *ret_dest)
{
	struct attr_dest a = { 0 };
	struct bytes in;
	uint32_t seen;
	int r;

	r = find_nested(h, IPVS_CMD_ATTR_DEST, &in);
	if (!r)
		r = read_rows(attr_dest_rows, ATTR_DEST_ROWS, in, &a, &seen);
	if (!r && (seen & dest_must) != dest_must)
		r = -EBADMSG;
	if (r)
		return r;
	pack(&a);
	if (!a.d.addr.family)
		a.d.addr.family = family;
	r = settle_addr(&a.d.addr);
	if (!r)
		*ret_dest = a.d;
	return r;
}

int attr_get_dest(const struct nlmsghdr *h, uint8_t family, struct ipvs_dest *ret_dest)
{
	if (attr_quick_dest(h, ret_dest))
		return 0;
	return walk_dest(h, family, ret_dest);
}

/* Attributes without a nest around them. */
static int get_flat(const struct nlmsghdr *h, const struct attr_row *rows, size_t n_rows,
		    uint32_t must, void *value)
{
	struct bytes in;
	uint32_t seen;
	int r;

	r = body_of(h, &in);
	if (!r)
		r = read_rows(rows, n_rows, in, value, &seen);
	if (!r && (seen & must) != must)
		r = -EBADMSG;
	return r;
}

int attr_get_info(const struct nlmsghdr *h, struct ipvs_info *ret_info)
{
	struct ipvs_info info = *ret_info;
	int r;

	r = get_flat(h, attr_info_rows, ATTR_INFO_ROWS, info_must, &info);
	if (!r)
		*ret_info = info;
	return r;
}

int attr_get_config(const struct nlmsghdr *h, struct ipvs_info *ret_info)
{
	struct ipvs_info info = *ret_info;
	int r;

	r = get_flat(h, attr_config_rows, ATTR_CONFIG_ROWS, config_must, &info);
	if (!r)
		*ret_info = info;
	return r;
}

int attr_get_family_id(const struct nlmsghdr *h, uint16_t *ret_id)
{
	struct attr_family f = { 0 };
	int r;

	r = get_flat(h, attr_family_rows, ATTR_FAMILY_ROWS, BIT(CTRL_ATTR_FAMILY_ID), &f);
	if (!r)
		*ret_id = f.id;
	return r;
}
