/* icmp_packet.h: echo requests as bytes, and what a packet that came has to do with them.
 * PURE but for icmp_filter(). */
#ifndef COLLECTORS_ICMP_PACKET_H
#define COLLECTORS_ICMP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

enum {
	ICMP_MIN_SIZE = 8,     /* of the data: the cookie */
	ICMP_MAX_SIZE = 65000, /* below what IPv4 and IPv6 hold beside their headers */
};

/* What tells one request from all others. */
struct icmp_echo {
	uint16_t id, seq;
	uint64_t cookie;
};

/* Appends a request with `size` bytes of data: the cookie, and a pattern. The checksum is
 * IPv4's; for IPv6 the kernel makes it. */
void icmp_request(int family, const struct icmp_echo *e, size_t size, struct buf *out);

enum icmp_said {
	ICMP_NOTHING = 0, /* no reply, no error about a request, or damaged */
	ICMP_REPLY,
	ICMP_UNREACHABLE, /* an error that quotes a request: not reached, expired, refused */
};

struct icmp_seen {
	enum icmp_said said;
	struct icmp_echo echo;
	bool has_cookie; /* a quotation may be short */
	bool whole;      /* of a reply: its data are those of a request */
	size_t size;     /* of a reply: of its data */
	uint8_t type, code;
	uint8_t to[16]; /* of a quotation: whom the request was for; IPv4 in the first four */
};

/* Reads what a socket gave: `header` = an IPv4 header comes first, and nobody has looked
 * at the checksum yet (a raw IPv4 socket). */
void icmp_read(int family, bool header, const void *packet, size_t len, struct icmp_seen *ret_seen);

/* Lets a raw socket have replies to that id and errors about its requests, nothing else:
 * requests and others' replies wake nobody. -errno. */
int icmp_filter(int fd, int family, uint16_t id);

#endif
