/* floor.c: what the kernel itself takes, as the measure for every other figure. Raw
 * netlink, no library, nothing of the agent's: a read is one dump of the services and
 * one dump of the realservers of each, the answers only counted; an apply sends 64
 * requests a sendmsg() and asks for one acknowledgement a batch (errors are answered
 * in any case). A program that does less than this cannot know the table.
 *
 *   floor read                         times one reading of the whole table
 *   floor apply SERVICES EACH [FIRST]  adds that many services, EACH realservers each
 *   floor change N                     one SET_DEST, the first realserver's weight to N
 *   floor sink PORT                    accepts connections for ever, and closes them
 *
 * Prints `services=… dests=… wall=… cpu=…` (seconds). Addresses are those that the
 * harness (lib.sh) writes into everybody's configuration. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH = 64,
	DATAGRAMS = 8,
	DATAGRAM = 32 * 1024,
	REQUEST = 512,
	RCVBUF = 4 * 1024 * 1024,
	WEIGHT = 100
};

struct service {
	uint16_t af;
	uint16_t protocol;
	uint16_t port;
	uint32_t fwmark;
	uint8_t addr[16];
};

struct floor {
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

static struct nlmsghdr *request(struct floor *f, uint16_t type, uint8_t cmd, uint16_t flags)
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

static void put(struct nlmsghdr *h, uint16_t type, const void *value, size_t len)
{
	struct nlattr *a = (struct nlattr *)((unsigned char *)h + NLMSG_ALIGN(h->nlmsg_len));

	a->nla_type = type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	memcpy((unsigned char *)a + NLA_HDRLEN, value, len);
	h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + NLA_ALIGN(a->nla_len);
}

static void put_u16(struct nlmsghdr *h, uint16_t type, uint16_t value)
{
	put(h, type, &value, sizeof(value));
}

static void put_u32(struct nlmsghdr *h, uint16_t type, uint32_t value)
{
	put(h, type, &value, sizeof(value));
}

static struct nlattr *nest(struct nlmsghdr *h, uint16_t type)
{
	struct nlattr *a = (struct nlattr *)((unsigned char *)h + NLMSG_ALIGN(h->nlmsg_len));

	put(h, type | NLA_F_NESTED, "", 0);
	return a;
}

static void nest_end(struct nlmsghdr *h, struct nlattr *a)
{
	a->nla_len = (uint16_t)((unsigned char *)h + h->nlmsg_len - (unsigned char *)a);
}

static void put_key(struct nlmsghdr *h, const struct service *s)
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

static int flush(struct floor *f)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	struct iovec iov = { f->out, f->out_len };
	struct msghdr m = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &iov, .msg_iovlen = 1
	};

	f->out_len = 0;
	return sendmsg(f->fd, &m, 0) == -1 ? -errno : 0;
}

typedef int on_message(struct floor *f, const struct nlmsghdr *h);

/* Of one datagram; ret_end when the answer with the last sequence number has ended. */
static int datagram(struct floor *f, const unsigned char *p, size_t len, on_message *on,
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
static int receive(struct floor *f, on_message *on)
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

static const struct nlattr *first_in(const struct nlattr *a, size_t *ret_len)
{
	*ret_len = a->nla_len - (size_t)NLA_HDRLEN;
	return (const void *)((const unsigned char *)a + NLA_HDRLEN);
}

static bool attr_ok(const struct nlattr *a, size_t len)
{
	return len >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= len;
}

static const struct nlattr *attr_next(const struct nlattr *a, size_t *len)
{
	size_t step = NLA_ALIGN(a->nla_len);

	*len = *len > step ? *len - step : 0;
	return (const void *)((const unsigned char *)a + step);
}

static const struct nlattr *attrs(const struct nlmsghdr *h, size_t *ret_len)
{
	size_t skip = NLMSG_LENGTH(GENL_HDRLEN);

	*ret_len = h->nlmsg_len > skip ? h->nlmsg_len - skip : 0;
	return (const void *)((const unsigned char *)h + skip);
}

static int on_family(struct floor *f, const struct nlmsghdr *h)
{
	size_t len;
	const struct nlattr *a;

	for (a = attrs(h, &len); attr_ok(a, len); a = attr_next(a, &len))
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&f->family, (const unsigned char *)a + NLA_HDRLEN,
			       sizeof(f->family));
	return 0;
}

static void take(struct service *s, const struct nlattr *a)
{
	static const struct {
		size_t offset, size;
	} rows[] = {
		[IPVS_SVC_ATTR_AF] = { offsetof(struct service, af), 2 },
		[IPVS_SVC_ATTR_PROTOCOL] = { offsetof(struct service, protocol), 2 },
		[IPVS_SVC_ATTR_ADDR] = { offsetof(struct service, addr), 16 },
		[IPVS_SVC_ATTR_PORT] = { offsetof(struct service, port), 2 },
		[IPVS_SVC_ATTR_FWMARK] = { offsetof(struct service, fwmark), 4 },
	};
	unsigned int type = a->nla_type & NLA_TYPE_MASK;
	size_t len;
	const void *value = first_in(a, &len);

	if (type >= sizeof(rows) / sizeof(rows[0]) || !rows[type].size)
		return;
	memcpy((unsigned char *)s + rows[type].offset, value,
	       len < rows[type].size ? len : rows[type].size);
}

static int on_service(struct floor *f, const struct nlmsghdr *h)
{
	const struct nlattr *a, *in;
	size_t len, in_len;
	struct service *more;

	if (f->n_services == f->room) {
		more = realloc(f->services, (f->room * 2 + 64) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		f->services = more;
		f->room = f->room * 2 + 64;
	}
	f->services[f->n_services] = (struct service){ 0 };
	for (a = attrs(h, &len); attr_ok(a, len); a = attr_next(a, &len))
		for (in = first_in(a, &in_len); attr_ok(in, in_len); in = attr_next(in, &in_len))
			take(&f->services[f->n_services], in);
	f->n_services++;
	return 0;
}

static int on_dest(struct floor *f, const struct nlmsghdr *h)
{
	(void)h;
	f->n_dests++;
	return 0;
}

/* ---- the work ---- */

static int open_kernel(struct floor *f)
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

static int read_table(struct floor *f)
{
	struct nlmsghdr *h = request(f, f->family, IPVS_CMD_GET_SERVICE, NLM_F_DUMP);
	struct nlattr *a;
	size_t i;
	int r;

	f->out_len = h->nlmsg_len;
	r = flush(f);
	r = r ? r : receive(f, on_service);
	for (i = 0; !r && i < f->n_services; i++) {
		h = request(f, f->family, IPVS_CMD_GET_DEST, NLM_F_DUMP);
		a = nest(h, IPVS_CMD_ATTR_SERVICE);
		put_key(h, &f->services[i]);
		nest_end(h, a);
		f->out_len = h->nlmsg_len;
		r = flush(f);
		r = r ? r : receive(f, on_dest);
	}
	return r;
}

static void service_key(uint32_t n, struct service *s)
{
	uint32_t addr = htonl(10u << 24 | 96u << 16 | n / 250 << 8 | (n % 250 + 1));

	*s = (struct service){ .af = AF_INET, .protocol = IPPROTO_TCP, .port = htons(80) };
	memcpy(s->addr, &addr, sizeof(addr));
}

static void put_service(struct floor *f, struct nlmsghdr *h, const struct service *s)
{
	struct ip_vs_flags flags = { .flags = 0, .mask = ~0u };
	struct nlattr *a = nest(h, IPVS_CMD_ATTR_SERVICE);

	(void)f;
	put_key(h, s);
	put(h, IPVS_SVC_ATTR_SCHED_NAME, "wrr", 4);
	put(h, IPVS_SVC_ATTR_FLAGS, &flags, sizeof(flags));
	put_u32(h, IPVS_SVC_ATTR_TIMEOUT, 0);
	put_u32(h, IPVS_SVC_ATTR_NETMASK, ~0u);
	nest_end(h, a);
}

static void put_dest(struct nlmsghdr *h, const struct service *s, uint32_t n, uint32_t weight)
{
	uint8_t addr[16] = { 10, (uint8_t)(32 + n / 62500), (uint8_t)(n / 250 % 250),
			     (uint8_t)(n % 250 + 1) };
	struct nlattr *a = nest(h, IPVS_CMD_ATTR_SERVICE);

	put_key(h, s);
	nest_end(h, a);
	a = nest(h, IPVS_CMD_ATTR_DEST);
	put(h, IPVS_DEST_ATTR_ADDR, addr, sizeof(addr));
	put_u16(h, IPVS_DEST_ATTR_PORT, s->port);
	put_u16(h, IPVS_DEST_ATTR_ADDR_FAMILY, AF_INET);
	put_u32(h, IPVS_DEST_ATTR_FWD_METHOD, IP_VS_CONN_F_MASQ);
	put_u32(h, IPVS_DEST_ATTR_WEIGHT, weight);
	put_u32(h, IPVS_DEST_ATTR_U_THRESH, 0);
	put_u32(h, IPVS_DEST_ATTR_L_THRESH, 0);
	nest_end(h, a);
}

/* A request is complete: sent when it is the batch's last, which is acknowledged. */
static int queued(struct floor *f, struct nlmsghdr *h, unsigned int *n, bool last)
{
	int r;

	f->out_len += NLMSG_ALIGN(h->nlmsg_len);
	if (++*n < BATCH && !last)
		return 0;
	*n = 0;
	h->nlmsg_flags |= NLM_F_ACK;
	r = flush(f);
	return r ? r : receive(f, NULL);
}

static int apply_table(struct floor *f, uint32_t services, uint32_t each, uint32_t first)
{
	struct nlmsghdr *h;
	struct service s;
	unsigned int n = 0;
	uint32_t i, k;
	int r = 0;

	for (i = first; !r && i < first + services; i++) {
		service_key(i, &s);
		h = request(f, f->family, IPVS_CMD_NEW_SERVICE, 0);
		put_service(f, h, &s);
		r = queued(f, h, &n, each == 0 && i + 1 == first + services);
		for (k = 0; !r && k < each; k++) {
			h = request(f, f->family, IPVS_CMD_NEW_DEST, 0);
			put_dest(h, &s, i * each + k, WEIGHT);
			r = queued(f, h, &n, i + 1 == first + services && k + 1 == each);
		}
	}
	f->n_services = services;
	f->n_dests = (uint64_t)services * each;
	return r;
}

static int change_weight(struct floor *f, uint32_t weight)
{
	struct nlmsghdr *h = request(f, f->family, IPVS_CMD_SET_DEST, 0);
	struct service s;
	unsigned int n = 0;

	service_key(0, &s);
	put_dest(h, &s, 0, weight);
	return queued(f, h, &n, true);
}

static int sink(uint16_t port)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct linger reset = { 1, 0 };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1 ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) == -1 || listen(fd, 4096) == -1)
		return -errno;
	for (;;) {
		peer = accept(fd, NULL, NULL);
		if (peer == -1)
			continue;
		setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(peer);
	}
}

static double now(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t number(char **argv, int argc, int i)
{
	return i < argc ? (uint32_t)strtoul(argv[i], NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	static struct floor f;
	const char *what = argc > 1 ? argv[1] : "";
	double wall, cpu;
	int r;

	if (!strcmp(what, "sink"))
		r = sink((uint16_t)number(argv, argc, 2));
	else
		r = open_kernel(&f);
	wall = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	if (r)
		;
	else if (!strcmp(what, "read"))
		r = read_table(&f);
	else if (!strcmp(what, "apply"))
		r = apply_table(&f, number(argv, argc, 2), number(argv, argc, 3),
				number(argv, argc, 4));
	else if (!strcmp(what, "change"))
		r = change_weight(&f, number(argv, argc, 2));
	else
		r = -EINVAL;
	wall = now(CLOCK_MONOTONIC) - wall;
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	if (!r && f.errors)
		r = -f.error;
	if (r) {
		fprintf(stderr, "floor %s: %s (%llu requests refused)\n", what, strerror(-r),
			(unsigned long long)f.errors);
		return 1;
	}
	printf("services=%zu dests=%llu wall=%.6f cpu=%.6f\n", f.n_services,
	       (unsigned long long)f.n_dests, wall, cpu);
	free(f.services);
	free(f.in);
	close(f.fd);
	return 0;
}
