/* probe_icmp.c: does the host there answer an echo request? One raw socket a family serves
 * all attempts: it has a random id, each attempt has a sequence number of it and a random
 * cookie, and a table leads from the number back to the attempt. Where raw sockets are not
 * allowed the kernel's own kind for pings does, with its id; it does not tell of errors,
 * so there a host that cannot be reached is a silent one. The deadline is the
 * scheduler's. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/probe.h"
#include "collectors/icmp_packet.h"
#include "collectors/table.h"
#include "conf/key.h"

enum {
	N_SEQ = 65536,
	FIRST_ROOM = 64,
	TURN = 64,                      /* packets, then others get their turn */
	RECEIVE_ROOM = 4 * 1024 * 1024, /* many answer in the same moment */
	MAX_PACKET = 65536,
	NO_SEQ = UINT32_MAX,
};

struct icmp_conf {
	uint32_t size, ttl;
	bool dont_fragment;
};

/* A family's socket, and who waits for what. */
struct icmp_socket {
	int fd; /* -1 = not open */
	int family;
	bool raw;
	uint16_t id; /* of a raw one */
	struct loop_io *io;
	struct probe_run **waiting; /* by sequence number; room of them */
	uint32_t room, next, n;     /* next: where the search for a free one begins */
	struct icmp_commons *commons;
};

struct icmp_commons {
	struct loop *loop;
	struct icmp_socket sockets[2]; /* IPv4, IPv6 */
	struct buf request;
	uint8_t packet[MAX_PACKET];
};

struct icmp_run {
	struct icmp_socket *socket; /* NULL = not waiting */
	struct icmp_echo echo;
	uint32_t size;
	int64_t begin_us;
};

/* --- numbers ------------------------------------------------------------------ */

static bool more_room(struct icmp_socket *s)
{
	uint32_t n = s->room ? 2 * s->room : FIRST_ROOM;
	struct probe_run **more = n <= N_SEQ ? reallocarray(s->waiting, n, sizeof(*more)) : NULL;

	if (!more)
		return false;
	memset((void *)(more + s->room), 0, (n - s->room) * sizeof(*more));
	s->next = s->room;
	s->waiting = more;
	s->room = n;
	return true;
}

/* At most half of the table is in use, so that a search is short and a number rests
 * before it comes again. */
static uint32_t take_seq(struct icmp_socket *s, struct probe_run *run)
{
	uint32_t seq;

	if (2 * s->n >= s->room && !more_room(s) && s->n >= s->room)
		return NO_SEQ;
	while (s->waiting[s->next % s->room])
		s->next++;
	seq = s->next++ % s->room;
	s->waiting[seq] = run;
	s->n++;
	return seq;
}

static void give_seq(struct icmp_run *i)
{
	if (!i->socket)
		return;
	i->socket->waiting[i->echo.seq] = NULL;
	i->socket->n--;
	i->socket = NULL;
}

/* --- ends --------------------------------------------------------------------- */

static void end(struct probe_run *run, enum probe_reason reason, int os_errno, const char *text)
{
	struct icmp_run *i = run->state;
	struct probe_report report = { .reason = reason, .os_errno = os_errno, .text = text };

	if (reason == PROBE_OK)
		report.first_byte_us = clock_mono_us() - i->begin_us;
	give_seq(i);
	probe_done(run, &report);
}

/* Whether the packet is about that attempt and no other: anybody can send an answer, but
 * only who has seen the request knows its cookie. */
static bool is_about(const struct probe_run *run, const struct icmp_seen *seen,
		     const struct addr *from)
{
	const struct icmp_run *i = run->state;
	size_t len = run->addr.family == AF_INET ? 4 : 16;

	if (seen->has_cookie ? seen->echo.cookie != i->echo.cookie : seen->said == ICMP_REPLY)
		return false;
	return !memcmp(seen->said == ICMP_REPLY ? from->bytes : seen->to, run->addr.bytes, len);
}

static void take_packet(struct icmp_socket *s, size_t len, const struct addr *from)
{
	struct icmp_seen seen;
	struct probe_run *run;
	struct icmp_run *i;

	icmp_read(s->family, s->raw && s->family == AF_INET, s->commons->packet, len, &seen);
	if (seen.said == ICMP_NOTHING || (s->raw && seen.echo.id != s->id) ||
	    seen.echo.seq >= s->room)
		return;
	run = s->waiting[seen.echo.seq];
	if (!run || !is_about(run, &seen, from))
		return;
	i = run->state;
	if (seen.said == ICMP_UNREACHABLE)
		end(run, PROBE_CONNECT_UNREACHABLE, 0, NULL);
	else if (!seen.whole || seen.size != i->size)
		end(run, PROBE_ANSWER_MALFORMED, 0, "not the data that were sent");
	else
		end(run, PROBE_OK, 0, NULL);
}

static void on_packet(void *arg, int events ATTR_UNUSED)
{
	struct icmp_socket *s = arg;
	struct sockaddr_storage ss;
	struct addr from;
	socklen_t from_len;
	ssize_t n;
	int turn;

	for (turn = 0; turn < TURN; turn++) {
		from_len = sizeof(ss);
		n = recvfrom(s->fd, s->commons->packet, MAX_PACKET, 0, (struct sockaddr *)&ss,
			     &from_len);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n >= 0 && !addr_from_sockaddr((struct sockaddr *)&ss, &from))
			take_packet(s, (size_t)n, &from);
	}
}

/* --- sockets ------------------------------------------------------------------ */

static int try_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
			family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);

	if (fd == -1)
		return -errno;
	return fd;
}

static int new_socket(struct icmp_socket *s)
{
	int fd = try_socket(s->family, SOCK_RAW);

	s->raw = fd >= 0;
	return fd == -EPERM || fd == -EACCES ? try_socket(s->family, SOCK_DGRAM) : fd;
}

static int open_socket(struct icmp_socket *s)
{
	const int room = RECEIVE_ROOM;
	int fd = new_socket(s), r = 0;

	if (fd < 0)
		return fd;
	if (getrandom(&s->id, sizeof(s->id), GRND_NONBLOCK) != sizeof(s->id))
		r = -EAGAIN;
	if (!r && s->raw)
		r = icmp_filter(fd, s->family, s->id);
	/* with less room there is more silence where many answer at once, no more */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == -1)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (!r)
		r = loop_io_new(s->commons->loop, "probe_icmp", fd, LOOP_READ, on_packet, s,
				&s->io);
	if (r)
		close(fd);
	else
		s->fd = fd;
	return r;
}

static int icmp_commons_new(struct loop *loop, void **ret_commons)
{
	struct icmp_commons *c = calloc(1, sizeof(*c));
	size_t i;

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	for (i = 0; i < countof(c->sockets); i++)
		c->sockets[i] = (struct icmp_socket){ .fd = -1,
						      .family = i ? AF_INET6 : AF_INET,
						      .commons = c };
	*ret_commons = c;
	return 0;
}

static void icmp_commons_free(void *commons)
{
	struct icmp_commons *c = commons;
	size_t i;

	for (i = 0; i < countof(c->sockets); i++) {
		loop_io_free(c->sockets[i].io);
		if (c->sockets[i].fd != -1)
			close(c->sockets[i].fd);
		free((void *)c->sockets[i].waiting);
	}
	buf_fini(&c->request);
	free(c);
}

/* --- sending ------------------------------------------------------------------ */

static void put_control(struct msghdr *m, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)((char *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	m->msg_controllen += CMSG_SPACE(len);
}

/* Source and device go with the packet: the socket is everybody's. -ENODEV. */
static int put_way(struct msghdr *m, const struct way_out *from, int family)
{
	unsigned int index = from->device ? if_nametoindex(from->device) : 0;
	struct in_pktinfo info4 = { .ipi_ifindex = (int)index };
	struct in6_pktinfo info6 = { .ipi6_ifindex = index };

	if (from->device && !index)
		return -errno;
	if (from->mark)
		put_control(m, SOL_SOCKET, SO_MARK, &from->mark, sizeof(from->mark));
	if (!from->device && !from->source.family)
		return 0;
	memcpy(&info4.ipi_spec_dst, from->source.bytes, sizeof(info4.ipi_spec_dst));
	memcpy(&info6.ipi6_addr, from->source.bytes, sizeof(info6.ipi6_addr));
	if (family == AF_INET)
		put_control(m, IPPROTO_IP, IP_PKTINFO, &info4, sizeof(info4));
	else
		put_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
	return 0;
}

/* What the path was found to take is not asked: a probe that may not be cut goes out as it
 * is, each time. */
static int set_fragments(const struct icmp_socket *s, bool dont)
{
	int discover = dont ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT, whole = dont, r;

	if (s->family == AF_INET) {
		r = setsockopt(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover));
	} else {
		r = setsockopt(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover, sizeof(discover));
		if (!r)
			r = setsockopt(s->fd, IPPROTO_IPV6, IPV6_DONTFRAG, &whole, sizeof(whole));
	}
	return r == -1 ? -errno : 0;
}

static int send_request(struct probe_run *run, struct icmp_socket *s)
{
	const struct icmp_conf *c = run->conf->head.part_conf;
	const struct icmp_run *i = run->state;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
					      CMSG_SPACE(sizeof(uint32_t)) +
					      CMSG_SPACE(sizeof(int))] = { 0 };
	struct addr host = run->addr;
	struct sockaddr_storage to;
	struct buf *request = &s->commons->request;
	int ttl = (int)c->ttl, r;
	struct iovec iov;
	struct msghdr m = {
		.msg_name = &to, .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control
	};

	host.port = 0; /* for a raw socket it would be the protocol */
	m.msg_namelen = addr_to_sockaddr(&host, &to);
	buf_reset(request);
	icmp_request(s->family, &i->echo, i->size, request);
	if (!buf_ok(request))
		return -ENOMEM;
	iov = (struct iovec){ .iov_base = request->data, .iov_len = request->len };
	r = put_way(&m, &run->from, s->family);
	if (s->family == AF_INET)
		put_control(&m, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	else
		put_control(&m, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
	if (!r)
		r = set_fragments(s, c->dont_fragment);
	if (!r && sendmsg(s->fd, &m, 0) == -1)
		r = -errno;
	return r;
}

/* --- an attempt --------------------------------------------------------------- */

static int begin(struct probe_run *run, struct icmp_socket *s)
{
	const struct icmp_conf *c = run->conf->head.part_conf;
	struct icmp_run *i = run->state;
	uint32_t seq;

	i->size = c->size;
	i->echo.id = s->id;
	if (getrandom(&i->echo.cookie, sizeof(i->echo.cookie), GRND_NONBLOCK) !=
	    sizeof(i->echo.cookie))
		return -EAGAIN;
	seq = take_seq(s, run);
	if (seq == NO_SEQ)
		return -ENOBUFS;
	i->socket = s;
	i->echo.seq = (uint16_t)seq;
	i->begin_us = clock_mono_us();
	return send_request(run, s);
}

static void icmp_start(struct probe_run *run)
{
	struct icmp_commons *c = run->commons;
	struct icmp_socket *s = &c->sockets[run->addr.family == AF_INET ? 0 : 1];
	int r = s->fd == -1 ? open_socket(s) : 0;
	bool opened = r == 0;

	if (opened)
		r = begin(run, s);
	if (!opened && (r == -EPERM || r == -EACCES))
		end(run, PROBE_LOCAL_CONFIG, -r,
		    "ICMP needs CAP_NET_RAW, or a group of ours in net.ipv4.ping_group_range");
	else if (r == -EMSGSIZE)
		end(run, PROBE_LOCAL_CONFIG, -r,
		    "size is more than the interface takes, and dont_fragment is on");
	else if (r)
		end(run, probe_reason_of_connect(-r, true), -r, NULL);
}

static void icmp_cancel(struct probe_run *run)
{
	give_seq(run->state);
}

static int icmp_finish(struct probe_conf *conf, struct arena *arena ATTR_UNUSED, struct buf *why)
{
	if (conf->port)
		buf_puts(why, "url: ICMP has no ports");
	return conf->port ? -EINVAL : 0;
}

/* clang-format off */
static const struct conf_key keys[] = {
	{ .name = "dont_fragment", .type = &conf_bool,
	  .offset = offsetof(struct icmp_conf, dont_fragment),
	  .def = "off",
	  .help = "Whether a packet that is too long for the path is lost, not cut." },
	{ .name = "size", .type = &conf_u32, .offset = offsetof(struct icmp_conf, size),
	  .def = "56", .min = ICMP_MIN_SIZE, .max = ICMP_MAX_SIZE,
	  .help = "Bytes of data in the request, which must come back." },
	{ .name = "ttl", .type = &conf_u32, .offset = offsetof(struct icmp_conf, ttl),
	  .def = "64", .min = 1, .max = 255,
	  .help = "Hops that the request may take." },
};
/* clang-format on */

static const struct probe_scheme schemes[] = {
	{ .name = "icmp" },
	{ .name = "ping" },
	{ .name = NULL },
};

const struct probe_type probe_icmp = {
	.name = "icmp",
	.schemes = schemes,
	.help = "Sends an echo request and waits for the reply.",
	.part = { .name = "icmp",
		  .keys = keys,
		  .n_keys = countof(keys),
		  .size = sizeof(struct icmp_conf) },
	.run_size = sizeof(struct icmp_run),
	.finish = icmp_finish,
	.commons_new = icmp_commons_new,
	.commons_free = icmp_commons_free,
	.on_timeout = PROBE_ANSWER_TIMEOUT,
	.start = icmp_start,
	.cancel = icmp_cancel,
};
