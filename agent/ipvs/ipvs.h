/* ipvs.h: the kernel's IPVS as values: a whole reading of it, and what can be said about
 * its services and dests without asking anybody. */
#ifndef IPVS_IPVS_H
#define IPVS_IPVS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/buf.h"
#include "agent/ipvs/values.h"

enum ipvs_source { IPVS_FROM_NETLINK = 0, IPVS_FROM_PROC };

/* One reading, services in the order of ipvs_key_cmp(), each one's dests in that of
 * addr_cmp(), none twice. A long kernel list that others change while it is read can
 * lack a row that is there: adding that row then says -EEXIST, and only a second
 * reading without it tells that it has vanished. One from /proc has no counters,
 * thresholds or tunnels: it may be shown (complete, error -EPERM), never acted upon:
 * ask ipvs_table_may_act(). */
struct ipvs_table {
	struct ipvs_service *services;
	struct ipvs_dest *dests; /* of service 0, then of service 1, … */
	uint32_t n_services, n_dests;
	enum ipvs_source source;
	bool complete;
	int error;          /* 0, or why it is not complete or not from netlink (-errno);
			       -ENOPROTOOPT: the kernel has no ip_vs */
	int64_t started_us; /* monotonic */
	int64_t taken_us;   /* how long it took */
	int64_t wall_ms;    /* when it was done */
};

/* Frees the arrays and zeroes it. */
void ipvs_table_fini(struct ipvs_table *t);

/* True for a complete reading over netlink. */
bool ipvs_table_may_act(const struct ipvs_table *t);

/* Binary search; NULL when it is not there. */
const struct ipvs_service *ipvs_table_service(const struct ipvs_table *t, const struct ipvs_key *k);
const struct ipvs_dest *ipvs_table_dest(const struct ipvs_table *t, const struct ipvs_service *s,
					const struct addr *addr);

/* Order by proto, address, port, fwmark; <0, 0, >0. */
int ipvs_key_cmp(const struct ipvs_key *a, const struct ipvs_key *b);

/* Appends it as the INI writes it: tcp://10.1.2.15:80, fwmark://7, fwmark6://7. */
void ipvs_key_format(struct buf *out, const struct ipvs_key *k);
/* "route", "masq", "tunnel", "local", "bypass"; "unknown" for what has no name. */
const char *ipvs_forward_name(unsigned int forward);
/* "ipip", "gue", "gre"; "unknown". */
const char *ipvs_tunnel_name(unsigned int tunnel);

#endif
