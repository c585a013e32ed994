/* route.c: rtnetlink by hand, a socket for each talk: it is asked once in a while, and
 * a socket that is not kept has no state to get wrong. */
#include "agent/ipvs/route.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent/base/attr.h"

enum {
	REQUEST_MAX = 512,
	DATAGRAM = 32768,
	ANSWER_S = 5, /* the kernel answers at once, or holds its lock for long */
	TRIES = 3,    /* of a dump that others interrupt */
};

struct request {
	union {
		struct nlmsghdr h;
		uint8_t bytes[REQUEST_MAX];
	};
};

/* --- requests -------------------------------------------------------------------- */

static void begin(struct request *q, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	memset(q, 0, sizeof(*q));
	q->h.nlmsg_type = type;
	q->h.nlmsg_flags = NLM_F_REQUEST | flags;
	q->h.nlmsg_seq = 1;
	q->h.nlmsg_len = NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(&q->h), body, len);
}

/* All that is put is small and counted at compile time: REQUEST_MAX holds it. */
static struct rtattr *put(struct request *q, uint16_t type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)(void *)(q->bytes + NLMSG_ALIGN(q->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	q->h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(q->h.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

/* --- answers --------------------------------------------------------------------- */

void route_table_fini(struct route_table *t)
{
	free(t->links);
	free(t->addrs);
	*t = (struct route_table){ 0 };
}

/* A zeroed row at the end; the room doubles whenever the count is a power of two. */
static void *add_row(void **rows, size_t *n, size_t size)
{
	void *grown;

	if ((*n & (*n - 1)) == 0) {
		grown = realloc(*rows, (*n ? *n * 2 : 1) * size);
		if (!grown)
			return NULL;
		*rows = grown;
	}
	grown = (char *)*rows + (*n)++ * size;
	memset(grown, 0, size);
	return grown;
}

/* The attributes behind a message's body; NULL = it is too short. */
static const struct rtattr *attrs(const struct nlmsghdr *h, size_t body, size_t *ret_len)
{
	if (h->nlmsg_len < NLMSG_LENGTH(body))
		return NULL;
	*ret_len = h->nlmsg_len - NLMSG_ALIGN(NLMSG_LENGTH(body));
	if (h->nlmsg_len < NLMSG_ALIGN(NLMSG_LENGTH(body)))
		*ret_len = 0;
	return (const struct rtattr *)(const void *)((const char *)NLMSG_DATA(h) +
						     NLMSG_ALIGN(body));
}

static bool attr_ok(const struct rtattr *a, size_t left)
{
	return left >= sizeof(*a) && a->rta_len >= sizeof(*a) && a->rta_len <= left;
}

static const struct rtattr *next_attr(const struct rtattr *a, size_t *left)
{
	size_t step = RTA_ALIGN(a->rta_len);

	*left -= step < *left ? step : *left;
	return (const struct rtattr *)(const void *)((const char *)a + step);
}

static int take_link(struct route_table *t, const struct nlmsghdr *h)
{
	void *rows = t->links;
	const struct ifinfomsg *body = NLMSG_DATA(h);
	size_t left = 0;
	const struct rtattr *a = attrs(h, sizeof(*body), &left);
	struct route_link *l;

	if (!a)
		return -EBADMSG;
	l = add_row(&rows, &t->n_links, sizeof(*l));
	t->links = rows;
	if (!l)
		return -ENOMEM;
	l->index = body->ifi_index;
	l->flags = body->ifi_flags;
	l->type = body->ifi_type;
	for (; attr_ok(a, left); a = next_attr(a, &left)) {
		size_t len = RTA_PAYLOAD(a);

		if (a->rta_type == IFLA_IFNAME && len > 0 && len <= IFNAMSIZ)
			memcpy(l->name, RTA_DATA(a), len - 1);
		if (a->rta_type == IFLA_ADDRESS && len == sizeof(l->mac) && l->type == ARPHRD_ETHER)
			memcpy(l->mac, RTA_DATA(a), len);
	}
	return 0;
}

/* IFA_LOCAL is the machine's own where there is one: on a point-to-point link IFA_ADDRESS
 * is the other end's. */
static int take_addr(struct route_table *t, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *body = NLMSG_DATA(h);
	void *rows = t->addrs;
	size_t left = 0, want;
	const struct rtattr *a = attrs(h, sizeof(*body), &left);
	struct route_addr *row;
	bool local = false;

	if (!a)
		return -EBADMSG;
	if (body->ifa_family != AF_INET && body->ifa_family != AF_INET6)
		return 0;
	want = body->ifa_family == AF_INET ? 4 : 16;
	row = add_row(&rows, &t->n_addrs, sizeof(*row));
	t->addrs = rows;
	if (!row)
		return -ENOMEM;
	row->index = (int)body->ifa_index;
	row->prefix = body->ifa_prefixlen;
	row->addr.family = body->ifa_family;
	for (; attr_ok(a, left); a = next_attr(a, &left)) {
		bool is_local = a->rta_type == IFA_LOCAL;

		if ((!is_local && a->rta_type != IFA_ADDRESS) || RTA_PAYLOAD(a) != want ||
		    (local && !is_local))
			continue;
		local = is_local;
		memcpy(row->addr.bytes, RTA_DATA(a), want);
	}
	return 0;
}

static int take_message(struct route_table *t, const struct nlmsghdr *h, bool *ret_done)
{
	int result = 0;

	switch (h->nlmsg_type) {
	case NLMSG_ERROR:
	case NLMSG_DONE:
		*ret_done = true;
		if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(result))
			memcpy(&result, NLMSG_DATA(h), sizeof(result));
		else if (h->nlmsg_type == NLMSG_ERROR)
			return -EBADMSG;
		return result > 0 ? -EBADMSG : result;
	case NLMSG_OVERRUN:
		return -ENOBUFS;
	case RTM_NEWLINK:
		return t ? take_link(t, h) : 0;
	case RTM_NEWADDR:
		return t ? take_addr(t, h) : 0;
	default:
		return 0;
	}
}

int route_feed(struct route_table *t, uint32_t seq, const void *bytes, size_t len, bool *ret_done)
{
	const char *at = bytes;
	int error = 0, e;

	while (len > 0 && !*ret_done) {
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)at;
		size_t step;

		if (len < NLMSG_HDRLEN || h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > len)
			return -EBADMSG;
		step = NLMSG_ALIGN(h->nlmsg_len);
		if (h->nlmsg_seq == seq) {
			e = take_message(t, h, ret_done);
			if (!e && (h->nlmsg_flags & NLM_F_DUMP_INTR))
				e = -EINTR;
			error = error ? error : e;
		}
		at += step < len ? step : len;
		len -= step < len ? step : len;
	}
	return error;
}

/* --- a talk ------------------------------------------------------------------------ */

static int open_socket(void)
{
	const struct timeval deadline = { .tv_sec = ANSWER_S };
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int error;

	if (fd == -1)
		return -errno;
	if (!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)) &&
	    !connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

/* Receives to the end of the answer; the first thing that is wrong is what it returns. */
static int receive(int fd, uint32_t seq, struct route_table *t)
{
	uint8_t *in = malloc(DATAGRAM);
	bool done = false;
	int error = 0, e;

	if (!in)
		return -ENOMEM;
	while (!done) {
		ssize_t n = recv(fd, in, DATAGRAM, MSG_TRUNC);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			e = errno == EAGAIN ? -ETIMEDOUT : -errno;
		else
			e = n == 0 || n > DATAGRAM ? -EBADMSG
						   : route_feed(t, seq, in, (size_t)n, &done);
		error = error ? error : e;
		/* Only an interrupted dump and a refusal leave the rest in order. */
		if (e && !done && e != -EINTR)
			break;
	}
	free(in);
	return error;
}

static int talk(const struct request *q, struct route_table *t)
{
	int fd = open_socket(), e = 0;

	if (fd < 0)
		return fd;
	if (send(fd, q->bytes, q->h.nlmsg_len, 0) == -1)
		e = -errno;
	if (!e)
		e = receive(fd, q->h.nlmsg_seq, t);
	close(fd);
	return e;
}

static int read_once(struct route_table *t)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC };
	const struct ifaddrmsg addr = { .ifa_family = AF_UNSPEC };
	struct request q;
	int e;

	begin(&q, RTM_GETLINK, NLM_F_DUMP, &link, sizeof(link));
	e = talk(&q, t);
	if (e)
		return e;
	begin(&q, RTM_GETADDR, NLM_F_DUMP, &addr, sizeof(addr));
	return talk(&q, t);
}

int route_read(struct route_table *ret_table)
{
	struct route_table t = { 0 };
	int e = -EINTR, i;

	for (i = 0; i < TRIES && e == -EINTR; i++) {
		route_table_fini(&t);
		e = read_once(&t);
	}
	if (e)
		route_table_fini(&t);
	else
		*ret_table = t;
	return e;
}

const struct route_link *route_find_link(const struct route_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n_links; i++)
		if (!strcmp(t->links[i].name, name))
			return &t->links[i];
	return NULL;
}

const struct route_addr *route_find_addr(const struct route_table *t, const char *name,
					 const struct addr *a)
{
	const struct route_link *l = route_find_link(t, name);
	size_t i;

	for (i = 0; l && i < t->n_addrs; i++)
		if (t->addrs[i].index == l->index &&
		    t->addrs[i].prefix == (a->family == AF_INET ? 32 : 128) &&
		    !addr_cmp(&t->addrs[i].addr, a))
			return &t->addrs[i];
	return NULL;
}

/* --- writing ------------------------------------------------------------------------ */

int route_add_dummy(const char *name)
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC,
					.ifi_flags = IFF_UP,
					.ifi_change = IFF_UP };
	struct request q;
	struct rtattr *info;
	size_t start;

	begin(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &body, sizeof(body));
	put(&q, IFLA_IFNAME, name, strlen(name) + 1);
	start = NLMSG_ALIGN(q.h.nlmsg_len);
	info = put(&q, IFLA_LINKINFO, NULL, 0);
	put(&q, IFLA_INFO_KIND, "dummy", sizeof("dummy") - 1);
	info->rta_len = (uint16_t)(q.h.nlmsg_len - start);
	return talk(&q, NULL);
}

int route_del_link(const char *name)
{
	struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name) };
	struct request q;

	if (!body.ifi_index)
		return -ENODEV;
	begin(&q, RTM_DELLINK, NLM_F_ACK, &body, sizeof(body));
	return talk(&q, NULL);
}

static int write_addr(uint16_t type, uint16_t flags, const char *name, const struct addr *a)
{
	const struct ifaddrmsg body = { .ifa_family = a->family,
					.ifa_prefixlen = a->family == AF_INET ? 32 : 128,
					.ifa_index = if_nametoindex(name) };
	const uint32_t nodad = IFA_F_NODAD;
	size_t len = a->family == AF_INET ? 4 : 16;
	struct request q;

	if (!body.ifa_index)
		return -ENODEV;
	begin(&q, type, flags | NLM_F_ACK, &body, sizeof(body));
	put(&q, IFA_LOCAL, a->bytes, len);
	put(&q, IFA_ADDRESS, a->bytes, len);
	if (a->family == AF_INET6 && type == RTM_NEWADDR)
		put(&q, IFA_FLAGS, &nodad, sizeof(nodad));
	return talk(&q, NULL);
}

int route_add_addr(const char *name, const struct addr *a)
{
	return write_addr(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, name, a);
}

int route_del_addr(const char *name, const struct addr *a)
{
	return write_addr(RTM_DELADDR, 0, name, a);
}
