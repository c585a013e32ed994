/* value.h: what there is to do with the kernel's values: look up, compare, name. */
#ifndef IPVS_VALUE_H
#define IPVS_VALUE_H

#include "agent/base/buf.h"
#include "agent/ipvs/ipvs.h"

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
