/* neighbours.h: tells the others on an interface who has an address now: a gratuitous ARP
 * request, or an unsolicited neighbour advertisement. */
#ifndef IPVS_NEIGHBOURS_H
#define IPVS_NEIGHBOURS_H

#include "agent/ipvs/route.h"

enum { NEIGHBOURS_ARP = 28, NEIGHBOURS_NA = 32 }; /* bytes of each */

/* The packets, without the headers that the kernel makes. */
void neighbours_arp(const uint8_t mac[6], const struct addr *a, uint8_t ret_packet[NEIGHBOURS_ARP]);
void neighbours_na(const uint8_t mac[6], const struct addr *a, uint8_t ret_packet[NEIGHBOURS_NA]);

/* Sends one. 0 also where there is nobody to tell: a loopback, a dummy, what is no Ethernet
 * or is down. -EPERM without CAP_NET_RAW; -errno. */
int neighbours_tell(const struct route_link *l, const struct addr *a);

#endif
