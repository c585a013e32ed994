/* addr.h: an address with an optional port, as one comparable value. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "agent/base/buf.h"

/* All bytes are significant: unused ones are 0, so memcmp() and hashing over
 * the whole struct work. */
struct addr {
	uint8_t bytes[16]; /* network order; IPv4 in the first four */
	uint16_t port;     /* host order; 0 = none */
	uint8_t family;    /* AF_INET, AF_INET6; 0 = no address */
	uint8_t pad;
};

/* Reads "10.1.2.3", "10.1.2.3:80", "2001:db8::1" or "[2001:db8::1]:80" whole;
 * zones, names and port 0 are refused. -EINVAL leaves *ret_addr untouched. */
int addr_parse(const char *text, struct addr *ret_addr);

/* Appends the address without its port: 10.1.2.3, 2001:db8::1. */
void addr_format_host(struct buf *out, const struct addr *a);

/* Appends it with its port where it has one: 10.1.2.3:80, [2001:db8::1]:80. */
void addr_format(struct buf *out, const struct addr *a);

/* Order by family, bytes, port; <0, 0, >0. */
int addr_cmp(const struct addr *a, const struct addr *b);

bool addr_is_loopback(const struct addr *a);
bool addr_is_multicast(const struct addr *a); /* 224.0.0.0/4, ff00::/8 */

/* Whether the kernel takes it for a realserver: neither multicast, broadcast, unspecified
 * nor link-local. */
bool addr_can_serve(const struct addr *a);

/* Fills a sockaddr for connect() or bind(); returns its length. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ret_ss);

/* -EAFNOSUPPORT for other families. */
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret_addr);

#endif
