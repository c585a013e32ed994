/* attr.c: the tables that say where each attribute of the IPVS family lies in our
 * values, and one reader and one writer that follow them. A new attribute is a row.
 *
 * Reading walks the bytes once and stores each attribute through its row: no array of
 * pointers to fill and search, for a dump of 100,000 dests has 4,000,000 attributes.
 * Source of numbers and widths: include/uapi/linux/ip_vs.h and the policies in
 * net/netfilter/ipvs/ip_vs_ctl.c. */
#include "agent/ipvs/attr.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <string.h>

#include "agent/base/attr.h"

enum attr_form {
	FORM_NONE = 0, /* passed over */
	FORM_HOST,     /* an integer in host order */
	FORM_NET,      /* an integer in network order */
	FORM_ADDR,     /* 16 bytes; shorter ones leave the rest 0 */
	FORM_NAME,     /* text with its NUL */
	FORM_FLAGS,    /* struct ip_vs_flags */
	FORM_STATS,    /* nested counters: 32 bits, or 64 */
	FORM_STATS64,  /* the same, and better where both are there */
};

/* When an attribute is sent, and must be there when read. */
enum {
	USE_KEY = 0x1,       /* in every request */
	USE_BY_ADDR = 0x2,   /* in the key of a service without a fwmark */
	USE_BY_MARK = 0x4,   /* in the key of one with a fwmark */
	USE_FULL = 0x8,      /* in NEW and SET */
	USE_OPTIONAL = 0x10, /* with another: a reply may lack it */
};

struct attr_row {
	uint8_t form;
	uint8_t wire; /* bytes in the message */
	uint8_t size; /* bytes in the value */
	uint8_t use;
	uint16_t offset; /* in the value */
};

#define ROW(f, w, type, member, u)                                                                 \
	{                                                                                          \
		.form = (f), .wire = (w), .size = sizeof(((type *)0)->member), .use = (u),         \
		.offset = offsetof(type, member)                                                   \
	}
#define SVC(f, w, member, u)  ROW(f, w, struct ipvs_service, member, u)
#define DEST(f, w, member, u) ROW(f, w, struct ipvs_dest, member, u)
#define INFO(w, member)       ROW(FORM_HOST, w, struct ipvs_info, member, USE_FULL)

static const struct attr_row service_rows[] = {
	[IPVS_SVC_ATTR_AF] = SVC(FORM_HOST, 2, key.addr.family, USE_KEY),
	[IPVS_SVC_ATTR_PROTOCOL] = SVC(FORM_HOST, 2, key.proto, USE_BY_ADDR),
	[IPVS_SVC_ATTR_ADDR] = SVC(FORM_ADDR, 16, key.addr.bytes, USE_BY_ADDR),
	[IPVS_SVC_ATTR_PORT] = SVC(FORM_NET, 2, key.addr.port, USE_BY_ADDR),
	[IPVS_SVC_ATTR_FWMARK] = SVC(FORM_HOST, 4, key.fwmark, USE_BY_MARK),
	[IPVS_SVC_ATTR_SCHED_NAME] = SVC(FORM_NAME, IPVS_NAME_LEN, scheduler, USE_FULL),
	[IPVS_SVC_ATTR_FLAGS] = SVC(FORM_FLAGS, 8, flags, USE_FULL),
	[IPVS_SVC_ATTR_TIMEOUT] = SVC(FORM_HOST, 4, timeout, USE_FULL),
	[IPVS_SVC_ATTR_NETMASK] = SVC(FORM_HOST, 4, netmask, USE_FULL),
	[IPVS_SVC_ATTR_STATS] = SVC(FORM_STATS, 0, stats, 0),
	[IPVS_SVC_ATTR_PE_NAME] = SVC(FORM_NAME, IPVS_NAME_LEN, engine, USE_FULL | USE_OPTIONAL),
	[IPVS_SVC_ATTR_STATS64] = SVC(FORM_STATS64, 0, stats, 0),
};

static const struct attr_row dest_rows[] = {
	[IPVS_DEST_ATTR_ADDR] = DEST(FORM_ADDR, 16, addr.bytes, USE_KEY),
	[IPVS_DEST_ATTR_PORT] = DEST(FORM_NET, 2, addr.port, USE_KEY),
	[IPVS_DEST_ATTR_FWD_METHOD] = DEST(FORM_HOST, 4, forward, USE_FULL),
	[IPVS_DEST_ATTR_WEIGHT] = DEST(FORM_HOST, 4, weight, USE_FULL),
	[IPVS_DEST_ATTR_U_THRESH] = DEST(FORM_HOST, 4, upper, USE_FULL),
	[IPVS_DEST_ATTR_L_THRESH] = DEST(FORM_HOST, 4, lower, USE_FULL),
	[IPVS_DEST_ATTR_ACTIVE_CONNS] = DEST(FORM_HOST, 4, active, 0),
	[IPVS_DEST_ATTR_INACT_CONNS] = DEST(FORM_HOST, 4, inactive, 0),
	[IPVS_DEST_ATTR_PERSIST_CONNS] = DEST(FORM_HOST, 4, persistent, 0),
	[IPVS_DEST_ATTR_STATS] = DEST(FORM_STATS, 0, stats, 0),
	[IPVS_DEST_ATTR_ADDR_FAMILY] = DEST(FORM_HOST, 2, addr.family, USE_KEY | USE_OPTIONAL),
	[IPVS_DEST_ATTR_STATS64] = DEST(FORM_STATS64, 0, stats, 0),
	[IPVS_DEST_ATTR_TUN_TYPE] = DEST(FORM_HOST, 1, tun_type, USE_FULL | USE_OPTIONAL),
	[IPVS_DEST_ATTR_TUN_PORT] = DEST(FORM_NET, 2, tun_port, USE_FULL | USE_OPTIONAL),
	[IPVS_DEST_ATTR_TUN_FLAGS] = DEST(FORM_HOST, 2, tun_flags, USE_FULL | USE_OPTIONAL),
};

static const struct attr_row info_rows[] = {
	[IPVS_INFO_ATTR_VERSION] = INFO(4, version),
	[IPVS_INFO_ATTR_CONN_TAB_SIZE] = INFO(4, conn_tab_size),
};

static const struct attr_row config_rows[] = {
	[IPVS_CMD_ATTR_TIMEOUT_TCP] = INFO(4, tcp_timeout),
	[IPVS_CMD_ATTR_TIMEOUT_TCP_FIN] = INFO(4, tcp_fin_timeout),
	[IPVS_CMD_ATTR_TIMEOUT_UDP] = INFO(4, udp_timeout),
};

struct family {
	uint16_t id;
};
static const struct attr_row family_rows[] = {
	[CTRL_ATTR_FAMILY_ID] = ROW(FORM_HOST, 2, struct family, id, USE_FULL),
};

/* Five of the ten counters: the rates are what Prometheus computes itself. */
static const uint16_t stats_offsets[] = {
	[IPVS_STATS_ATTR_CONNS] = offsetof(struct ipvs_stats, conns),
	[IPVS_STATS_ATTR_INPKTS] = offsetof(struct ipvs_stats, in_packets),
	[IPVS_STATS_ATTR_OUTPKTS] = offsetof(struct ipvs_stats, out_packets),
	[IPVS_STATS_ATTR_INBYTES] = offsetof(struct ipvs_stats, in_bytes),
	[IPVS_STATS_ATTR_OUTBYTES] = offsetof(struct ipvs_stats, out_bytes),
};

/* --- reading ------------------------------------------------------------- */

struct bytes {
	const uint8_t *at;
	size_t len;
};

/* Takes the next attribute off; false at the end. Bytes that hold no whole one are
 * *ret_error = -EBADMSG. */
static bool next_attr(struct bytes *rest, unsigned int *ret_type, struct bytes *ret_value,
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

static uint64_t load(const uint8_t *at, unsigned int width, bool network)
{
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	switch (width) {
	case 1:
		return *at;
	case 2:
		memcpy(&v16, at, 2);
		return network ? ntohs(v16) : v16;
	case 4:
		memcpy(&v32, at, 4);
		return network ? ntohl(v32) : v32;
	default:
		memcpy(&v64, at, 8);
		return v64;
	}
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
	unsigned int type;
	uint64_t n;
	int r = 0;

	while (next_attr(&in, &type, &value, &r)) {
		if (!type || type >= countof(stats_offsets))
			continue;
		if (value.len != 4 && value.len != 8)
			return -EBADMSG;
		n = load(value.at, (unsigned int)value.len, false);
		memcpy((char *)ret_stats + stats_offsets[type], &n, sizeof(n));
	}
	return r;
}

static int read_value(const struct attr_row *row, struct bytes in, void *value)
{
	uint8_t *to = (uint8_t *)value + row->offset;
	uint64_t flags;

	switch (row->form) {
	case FORM_HOST:
	case FORM_NET:
		if (in.len < row->wire)
			return -EBADMSG;
		return store(to, row->size, load(in.at, row->wire, row->form == FORM_NET));
	case FORM_ADDR:
		if (in.len != 4 && in.len != row->wire)
			return -EBADMSG;
		memcpy(to, in.at, in.len);
		return 0;
	case FORM_NAME:
		if (!in.len || in.len > row->wire || !memchr(in.at, 0, in.len))
			return -EBADMSG;
		/* Nothing behind the NUL: values are compared and hashed as bytes. */
		memcpy(to, in.at, strlen((const char *)in.at));
		return 0;
	case FORM_FLAGS:
		if (in.len < row->wire)
			return -EBADMSG;
		flags = load(in.at, 4, false) & IPVS_SVC_FLAGS;
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
		seen |= 1u << type;
	}
	if (!r && stats_row)
		r = read_stats(stats,
			       (struct ipvs_stats *)(void *)((char *)value + stats_row->offset));
	if (!r)
		*ret_seen = seen;
	return r;
}

/* Whether all is there that has one of the `uses`. */
static bool has_all(const struct attr_row *rows, size_t n_rows, uint32_t seen, unsigned int uses)
{
	for (size_t type = 0; type < n_rows; type++)
		if ((rows[type].use & uses) && !(rows[type].use & USE_OPTIONAL) &&
		    !(seen & 1u << type))
			return false;
	return true;
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
	unsigned int uses;
	struct bytes in;
	uint32_t seen;
	int r;

	r = find_nested(h, IPVS_CMD_ATTR_SERVICE, &in);
	if (!r)
		r = read_rows(service_rows, countof(service_rows), in, &s, &seen);
	if (!r)
		r = settle_addr(&s.key.addr);
	if (r)
		return r;
	uses = USE_KEY | USE_FULL | (s.key.fwmark ? USE_BY_MARK : USE_BY_ADDR);
	if (!has_all(service_rows, countof(service_rows), seen, uses))
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

int attr_get_dest(const struct nlmsghdr *h, uint8_t family, struct ipvs_dest *ret_dest)
{
	struct ipvs_dest d = { 0 };
	struct bytes in;
	uint32_t seen;
	int r;

	r = find_nested(h, IPVS_CMD_ATTR_DEST, &in);
	if (!r)
		r = read_rows(dest_rows, countof(dest_rows), in, &d, &seen);
	if (!r && !has_all(dest_rows, countof(dest_rows), seen, USE_KEY | USE_FULL))
		r = -EBADMSG;
	if (r)
		return r;
	if (!d.addr.family)
		d.addr.family = family;
	r = settle_addr(&d.addr);
	if (!r)
		*ret_dest = d;
	return r;
}

/* Attributes without a nest around them. */
static int get_flat(const struct nlmsghdr *h, const struct attr_row *rows, size_t n_rows,
		    void *value)
{
	struct bytes in;
	uint32_t seen;
	int r;

	r = body_of(h, &in);
	if (!r)
		r = read_rows(rows, n_rows, in, value, &seen);
	if (!r && !has_all(rows, n_rows, seen, USE_FULL))
		r = -EBADMSG;
	return r;
}

int attr_get_info(const struct nlmsghdr *h, struct ipvs_info *ret_info)
{
	struct ipvs_info info = *ret_info;
	int r;

	r = get_flat(h, info_rows, countof(info_rows), &info);
	if (!r)
		*ret_info = info;
	return r;
}

int attr_get_config(const struct nlmsghdr *h, struct ipvs_info *ret_info)
{
	struct ipvs_info info = *ret_info;
	int r;

	r = get_flat(h, config_rows, countof(config_rows), &info);
	if (!r)
		*ret_info = info;
	return r;
}

int attr_get_family_id(const struct nlmsghdr *h, uint16_t *ret_id)
{
	struct family f = { 0 };
	int r;

	r = get_flat(h, family_rows, countof(family_rows), &f);
	if (!r)
		*ret_id = f.id;
	return r;
}

/* --- writing ------------------------------------------------------------- */

static int put_value(struct nl_msg *msg, int type, const struct attr_row *row, const void *value)
{
	const uint8_t *from = (const uint8_t *)value + row->offset;
	bool network = row->form == FORM_NET;
	struct ip_vs_flags flags = { .mask = IPVS_SVC_FLAGS };
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;

	switch (row->form) {
	case FORM_HOST:
	case FORM_NET:
		v32 = (uint32_t)load(from, row->size, false);
		v16 = network ? htons((uint16_t)v32) : (uint16_t)v32;
		v8 = (uint8_t)v32;
		if (row->wire == 1)
			return nla_put(msg, type, 1, &v8);
		if (row->wire == 2)
			return nla_put(msg, type, 2, &v16);
		return nla_put(msg, type, 4, &v32);
	case FORM_ADDR:
		return nla_put(msg, type, row->wire, from);
	case FORM_NAME:
		/* No engine is no attribute. */
		if (!*from && (row->use & USE_OPTIONAL))
			return 0;
		return nla_put(msg, type, (int)strnlen((const char *)from, row->size - 1u) + 1,
			       from);
	case FORM_FLAGS:
		flags.flags = (uint32_t)load(from, row->size, false);
		return nla_put(msg, type, sizeof(flags), &flags);
	default:
		return 0;
	}
}

static int put_rows(struct nl_msg *msg, int nest, const struct attr_row *rows, size_t n_rows,
		    const void *value, unsigned int uses)
{
	struct nlattr *start;

	start = nla_nest_start(msg, nest);
	if (!start)
		return -EMSGSIZE;
	for (size_t type = 0; type < n_rows; type++)
		if ((rows[type].use & uses) && put_value(msg, (int)type, &rows[type], value) < 0)
			return -EMSGSIZE;
	return nla_nest_end(msg, start) < 0 ? -EMSGSIZE : 0;
}

int attr_put_service(struct nl_msg *msg, const struct ipvs_service *s, bool full)
{
	unsigned int uses = USE_KEY | (s->key.fwmark ? USE_BY_MARK : USE_BY_ADDR);

	return put_rows(msg, IPVS_CMD_ATTR_SERVICE, service_rows, countof(service_rows), s,
			full ? uses | USE_FULL : uses);
}

int attr_put_dest(struct nl_msg *msg, const struct ipvs_dest *d, bool full)
{
	return put_rows(msg, IPVS_CMD_ATTR_DEST, dest_rows, countof(dest_rows), d,
			full ? USE_KEY | USE_FULL : USE_KEY);
}
