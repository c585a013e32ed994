/* route.h: the machine's interfaces and addresses as values, by rtnetlink: what is read of
 * them, and the few things that are written. On the port's thread, in its namespace. */
#ifndef IPVS_ROUTE_H
#define IPVS_ROUTE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/addr.h"

struct route_link {
	int index;
	unsigned int flags; /* IFF_… */
	uint16_t type;      /* ARPHRD_… */
	uint8_t mac[6];     /* of an Ethernet; else zeroes */
	char name[IFNAMSIZ];
};

struct route_addr {
	struct addr addr; /* without a port */
	int index;        /* of its interface */
	uint8_t prefix;
};

struct route_table {
	struct route_link *links;
	struct route_addr *addrs;
	size_t n_links, n_addrs;
};
void route_table_fini(struct route_table *t);

/* Takes one datagram of answers in, for the tests too: what is cut short or no message is
 * -EBADMSG, NLMSG_ERROR the kernel's -errno; *ret_done at the answer's end. What does not
 * belong to `seq` is passed over; -EINTR where the dump was not of one piece. */
int route_feed(struct route_table *t, uint32_t seq, const void *bytes, size_t len, bool *ret_done);

/* Reads all. -EINTR: others changed it meanwhile; -errno. */
int route_read(struct route_table *ret_table);

/* The row of that name, or NULL. */
const struct route_link *route_find_link(const struct route_table *t, const char *name);
/* The row of that address with a host's prefix (/32, /128) there, or NULL. */
const struct route_addr *route_find_addr(const struct route_table *t, const char *name,
					 const struct addr *a);

/* Each is one acknowledged request. Adding what is there is -EEXIST, deleting what is not
 * there -EADDRNOTAVAIL or -ENODEV. An IPv6 address is not looked for among neighbours
 * first (nodad): others must not make us wait for it. */
int route_add_dummy(const char *name); /* and it is up */
int route_del_link(const char *name);
int route_add_addr(const char *name, const struct addr *a);
int route_del_addr(const char *name, const struct addr *a);

#endif
