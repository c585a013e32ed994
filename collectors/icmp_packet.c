/* icmp_packet.c: the few bytes of an echo, for both families; what comes may be anything.
 * A raw IPv4 socket gets its packets before the kernel has looked at ICMP's checksum. */
#include "collectors/icmp_packet.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/base/attr.h"

enum {
	HEADER = 8, /* of an echo, and of an error before its quotation */
	IP4_MIN = 20,
	IP4_PROTOCOL = 9,
	IP4_TO = 16,
	IP6_LEN = 40,
	IP6_NEXT = 6,
	IP6_TO = 24,
};

/* The types of each family. */
static const struct types {
	uint8_t request, reply;
	uint8_t errors[4]; /* that quote; 0xff = none */
} types4 = { ICMP_ECHO,
	     ICMP_ECHOREPLY,
	     { ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED, ICMP_PARAMETERPROB, 0xff } },
  types6 = { ICMP6_ECHO_REQUEST,
	     ICMP6_ECHO_REPLY,
	     { ICMP6_DST_UNREACH, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED, ICMP6_PARAM_PROB } };

static const struct types *types_of(int family)
{
	return family == AF_INET ? &types4 : &types6;
}

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i & 0xff);
}

/* RFC 1071; 0 over a packet with its checksum in place. */
static uint16_t checksum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void icmp_request(int family, const struct icmp_echo *e, size_t size, struct buf *out)
{
	uint8_t *p;
	uint16_t sum;
	size_t i;

	if (!buf_reserve(out, HEADER + size))
		return;
	p = (uint8_t *)out->data + out->len;
	memset(p, 0, HEADER);
	p[0] = types_of(family)->request;
	p[4] = (uint8_t)(e->id >> 8);
	p[5] = (uint8_t)e->id;
	p[6] = (uint8_t)(e->seq >> 8);
	p[7] = (uint8_t)e->seq;
	memcpy(p + HEADER, &e->cookie, sizeof(e->cookie));
	for (i = sizeof(e->cookie); i < size; i++)
		p[HEADER + i] = pattern(i);
	if (family == AF_INET) {
		sum = checksum(p, HEADER + size);
		p[2] = (uint8_t)(sum >> 8);
		p[3] = (uint8_t)sum;
	}
	out->len += HEADER + size;
}

/* --- reading ------------------------------------------------------------------ */

/* The length of the IPv4 header there; 0 = there is none. */
static size_t ip4_header(const uint8_t *p, size_t len)
{
	size_t header = len >= IP4_MIN ? 4 * (size_t)(p[0] & 0xf) : 0;

	return header >= IP4_MIN && header <= len && p[0] >> 4 == 4 ? header : 0;
}

static void read_echo(const uint8_t *p, size_t len, struct icmp_seen *s)
{
	s->echo.id = (uint16_t)(p[4] << 8 | p[5]);
	s->echo.seq = (uint16_t)(p[6] << 8 | p[7]);
	s->has_cookie = len >= HEADER + sizeof(s->echo.cookie);
	if (s->has_cookie)
		memcpy(&s->echo.cookie, p + HEADER, sizeof(s->echo.cookie));
}

static bool is_whole(const uint8_t *data, size_t size)
{
	size_t i;

	for (i = sizeof(uint64_t); i < size; i++)
		if (data[i] != pattern(i))
			return false;
	return true;
}

/* The packet that an error is about: ours if it is an echo request. */
static bool read_quotation(int family, const uint8_t *p, size_t len, struct icmp_seen *s)
{
	size_t header = family == AF_INET ? ip4_header(p, len) : IP6_LEN;
	uint8_t protocol;

	if (!header || len < header + HEADER)
		return false;
	protocol = p[family == AF_INET ? IP4_PROTOCOL : IP6_NEXT];
	if (protocol != (family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6) ||
	    p[header] != types_of(family)->request)
		return false;
	memcpy(s->to, p + (family == AF_INET ? IP4_TO : IP6_TO), family == AF_INET ? 4 : 16);
	read_echo(p + header, len - header, s);
	return true;
}

void icmp_read(int family, bool header, const void *packet, size_t len, struct icmp_seen *ret_seen)
{
	const struct types *types = types_of(family);
	const uint8_t *p = packet;
	size_t skip = header ? ip4_header(p, len) : 0;
	struct icmp_seen s = { 0 };

	p += skip;
	len -= skip;
	if ((header && !skip) || len < HEADER || (header && checksum(p, len))) {
		*ret_seen = s;
		return;
	}
	s.type = p[0];
	s.code = p[1];
	if (s.type == types->reply) {
		s.said = ICMP_REPLY;
		s.size = len - HEADER;
		read_echo(p, len, &s);
		s.whole = s.has_cookie && is_whole(p + HEADER, s.size);
	} else if (memchr(types->errors, s.type, sizeof(types->errors)) &&
		   read_quotation(family, p + HEADER, len - HEADER, &s)) {
		s.said = ICMP_UNREACHABLE;
	}
	*ret_seen = s;
}

/* --- the filter --------------------------------------------------------------- */

#define LOAD(at)       BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at)
#define LOAD_X(at)     BPF_STMT(BPF_LD | BPF_B | BPF_IND, at)
#define HALF(at)       BPF_STMT(BPF_LD | BPF_H | BPF_ABS, at)
#define HALF_X(at)     BPF_STMT(BPF_LD | BPF_H | BPF_IND, at)
#define IF(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, yes, no)
#define TAKE           BPF_STMT(BPF_RET | BPF_K, 0xffffffff)
#define DROP           BPF_STMT(BPF_RET | BPF_K, 0)

int icmp_filter(int fd, int family, uint16_t id)
{
	/* clang-format off */
	struct sock_filter ip4[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X = the IP header's length */
		LOAD_X(0),
		IF(ICMP_ECHOREPLY, 0, 2),
		HALF_X(4),
		IF(id, 12, 13),
		IF(ICMP_DEST_UNREACH, 2, 0),
		IF(ICMP_TIME_EXCEEDED, 1, 0),
		IF(ICMP_PARAMETERPROB, 0, 10),
		LOAD_X(HEADER),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf), /* X += that of the quoted header */
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		LOAD_X(HEADER),
		IF(ICMP_ECHO, 0, 3),
		HALF_X(HEADER + 4),
		IF(id, 0, 1),
		TAKE,
		DROP,
	};
	struct sock_filter ip6[] = {
		LOAD(0),
		IF(ICMP6_ECHO_REPLY, 0, 2),
		HALF(4),
		IF(id, 10, 11),
		IF(ICMP6_DST_UNREACH, 3, 0),
		IF(ICMP6_PACKET_TOO_BIG, 2, 0),
		IF(ICMP6_TIME_EXCEEDED, 1, 0),
		IF(ICMP6_PARAM_PROB, 0, 7),
		LOAD(HEADER + IP6_NEXT),
		IF(IPPROTO_ICMPV6, 0, 5),
		LOAD(HEADER + IP6_LEN),
		IF(ICMP6_ECHO_REQUEST, 0, 3),
		HALF(HEADER + IP6_LEN + 4),
		IF(id, 0, 1),
		TAKE,
		DROP,
	};
	/* clang-format on */
	const struct sock_fprog program = {
		.len = family == AF_INET ? countof(ip4) : countof(ip6),
		.filter = family == AF_INET ? ip4 : ip6,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == -1
		       ? -errno
		       : 0;
}
