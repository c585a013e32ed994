/* raw.h: netlink with IPVS by hand, for the bench's own programs: no library that could
 * be slow, nothing of the agent's that they are the measure of. */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, DATAGRAMS = 8, DATAGRAM = 32 * 1024, REQUEST = 512, RCVBUF = 4 * 1024 * 1024 };

struct service {
	uint16_t af;
	uint16_t protocol;
	uint16_t port;
	uint32_t fwmark;
	uint8_t addr[16];
};

struct raw {
	int fd;
	uint16_t family;
	uint32_t seq;
	struct service *services;
	size_t n_services, room;
	uint64_t n_dests, errors;
	int error; /* the last errno that was answered */
	unsigned char *in;
	unsigned char out[BATCH * REQUEST];
	size_t out_len;
};

/* ---- building ---- */

static inline struct nlmsghdr *request(struct raw *f, uint16_t type, uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(f->out + f->out_len);
	struct genlmsghdr *g = NLMSG_DATA(h);

	*h = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
				.nlmsg_type = type,
				.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				.nlmsg_seq = ++f->seq };
	*g = (struct genlmsghdr){ .cmd = cmd, .version = 1 };
	return h;
}

static inline void put(struct nlmsghdr *h, uint16_t type, const void *value, size_t len)
{
	struct nlattr *a = (struct nlattr *)((unsigned char *)h + NLMSG_ALIGN(h->nlmsg_len));

	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy((unsigned char *)a + NLA_HDRLEN, value, len);
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + NLA_ALIGN(a->nla_len);
}

static inline void put_u16(struct nlmsghdr *h, uint16_t type, uint16_t value)
{
	put(h, type, &value, sizeof(value));
}

static inline void put_u32(struct nlmsghdr *h, uint16_t type, uint32_t value)
{
	put(h, type, &value, sizeof(value));
}

static inline struct nlattr *nest(struct nlmsghdr *h, uint16_t type)
{
	struct nlattr *a = (struct nlattr *)((unsigned char *)h + NLMSG_ALIGN(h->nlmsg_len));

	put(h, type | NLA_F_NESTED, "", 0);
	return a;
}

static inline void nest_end(struct nlmsghdr *h, struct nlattr *a)
{
	a->nla_len = (uint16_t)((unsigned char *)h + h->nlmsg_len - (unsigned char *)a);
}

static inline void put_key(struct nlmsghdr *h, const struct service *s)
{
	put_u16(h, IPVS_SVC_ATTR_AF, s->af);
	if (s->fwmark) {
		put_u32(h, IPVS_SVC_ATTR_FWMARK, s->fwmark);
		return;
	}
	put_u16(h, IPVS_SVC_ATTR_PROTOCOL, s->protocol);
	put(h, IPVS_SVC_ATTR_ADDR, s->addr, sizeof(s->addr));
	put_u16(h, IPVS_SVC_ATTR_PORT, s->port);
}

/* ---- talking ---- */

static inline int flush(struct raw *f)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	struct iovec iov = { f->out, f->out_len };
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1
	};

	f->out_len = 0;
	return sendmsg(f->fd, &m, 0) == -1 ? -errno : 0;
}

typedef int on_message(struct raw *f, const struct nlmsghdr *h);

/* Of one datagram; ret_end when the answer with the last sequence number has ended. */
static inline int datagram(struct raw *f, const unsigned char *p, size_t len, on_message *on,
			   bool *ret_end)
{
	const struct nlmsghdr *h;
	const struct nlmsgerr *e;
	int r = 0;

	for (h = (const void *)p; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_ERROR) {
			e = NLMSG_DATA(h);
			f->errors += e->error != 0;
			f->error = e->error ? -e->error : f->error;
		} else if (h->nlmsg_type != NLMSG_DONE) {
			r = on ? on(f, h) : 0;
			if (r)
				return r;
			continue;
		}
		*ret_end = *ret_end || h->nlmsg_seq == f->seq;
	}
	return 0;
}

/* Everything up to the end of the answer to the last request: with one call where the
 * kernel has it all, for it makes the next datagram of a dump as this one is fetched. */
static inline int receive(struct raw *f, on_message *on)
{
	struct mmsghdr m[DATAGRAMS];
	struct iovec iov[DATAGRAMS];
	bool end = false;
	int i, n, r;

	for (i = 0; i < DATAGRAMS; i++) {
		iov[i] = (struct iovec){ f->in + (size_t)i * DATAGRAM, DATAGRAM };
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	while (!end) {
		n = recvmmsg(f->fd, m, DATAGRAMS, MSG_WAITFORONE, NULL);
		if (n == -1)
			return -errno;
		for (i = 0; i < n; i++) {
			r = datagram(f, iov[i].iov_base, m[i].msg_len, on, &end);
			if (r)
				return r;
		}
	}
	return 0;
}

/* ---- what comes ---- */

static inline const struct nlattr *first_in(const struct nlattr *a, size_t *ret_len)
{
	*ret_len = a->nla_len - (size_t)NLA_HDRLEN;
	return (const void *)((const unsigned char *)a + NLA_HDRLEN);
}

static inline bool attr_ok(const struct nlattr *a, size_t len)
{
	return len >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= len;
}

static inline const struct nlattr *attr_next(const struct nlattr *a, size_t *len)
{
	size_t step = NLA_ALIGN(a->nla_len);

	*len = *len > step ? *len - step : 0;
	return (const void *)((const unsigned char *)a + step);
}

static inline const struct nlattr *attrs(const struct nlmsghdr *h, size_t *ret_len)
{
	size_t skip = NLMSG_LENGTH(GENL_HDRLEN);

	*ret_len = h->nlmsg_len > skip ? h->nlmsg_len - skip : 0;
	return (const void *)((const unsigned char *)h + skip);
}

static inline int on_family(struct raw *f, const struct nlmsghdr *h)
{
	size_t len;
	const struct nlattr *a;

	for (a = attrs(h, &len); attr_ok(a, len); a = attr_next(a, &len))
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&f->family, (const unsigned char *)a + NLA_HDRLEN,
			       sizeof(f->family));
	return 0;
}

static inline int on_dest(struct raw *f, const struct nlmsghdr *h)
{
	(void)h;
	f->n_dests++;
	return 0;
}

/* ---- the kernel ---- */

static inline int raw_open(struct raw *f)
{
	int size = RCVBUF, r;
	struct nlmsghdr *h;

	f->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (f->fd == -1)
		return -errno;
	setsockopt(f->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(f->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	size = 1;
	setsockopt(f->fd, SOL_NETLINK, NETLINK_CAP_ACK, &size, sizeof(size));
	f->in = malloc((size_t)DATAGRAMS * DATAGRAM);
	if (!f->in)
		return -ENOMEM;
	h = request(f, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	put(h, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof(IPVS_GENL_NAME));
	f->out_len = h->nlmsg_len;
	r = flush(f);
	r = r ? r : receive(f, on_family);
	return r ? r : f->family ? 0 : -ENOENT;
}

static inline void service_key(uint32_t n, struct service *s)
{
	uint32_t addr = htonl(10u << 24 | 96u << 16 | n / 250 << 8 | (n % 250 + 1));

	*s = (struct service){ .af = AF_INET, .protocol = IPPROTO_TCP, .port = htons(80) };
	memcpy(s->addr, &addr, sizeof(addr));
}

/* Asks for the realservers of a service, and counts them. */
static inline int raw_dests(struct raw *f, const struct service *s)
{
	struct nlmsghdr *h = request(f, f->family, IPVS_CMD_GET_DEST, NLM_F_DUMP);
	struct nlattr *a = nest(h, IPVS_CMD_ATTR_SERVICE);
	int r;

	put_key(h, s);
	nest_end(h, a);
	f->out_len = h->nlmsg_len;
	r = flush(f);
	return r ? r : receive(f, on_dest);
}

static inline double now(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#endif
