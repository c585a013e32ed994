/* neighbours.c: RFC 5227 announcements and RFC 4861 advertisements, a packet each. */
#include "agent/ipvs/neighbours.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An announcement is a request in which both addresses are the sender's. */
void neighbours_arp(const uint8_t mac[6], const struct addr *a, uint8_t ret_packet[NEIGHBOURS_ARP])
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4, 0, 1 }; /* Ethernet, IPv4, request */

	memset(ret_packet, 0, NEIGHBOURS_ARP);
	memcpy(ret_packet, head, sizeof(head));
	memcpy(ret_packet + 8, mac, 6);
	memcpy(ret_packet + 14, a->bytes, 4);
	memcpy(ret_packet + 24, a->bytes, 4);
}

/* With the override flag, and the address of the link; the kernel puts the checksum in. */
void neighbours_na(const uint8_t mac[6], const struct addr *a, uint8_t ret_packet[NEIGHBOURS_NA])
{
	memset(ret_packet, 0, NEIGHBOURS_NA);
	ret_packet[0] = ND_NEIGHBOR_ADVERT;
	ret_packet[4] = 0x20;
	memcpy(ret_packet + 8, a->bytes, 16);
	ret_packet[24] = ND_OPT_TARGET_LINKADDR;
	ret_packet[25] = 1; /* times 8 bytes */
	memcpy(ret_packet + 26, mac, 6);
}

static int send_arp(const struct route_link *l, const struct addr *a)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ARP),
				  .sll_ifindex = l->index,
				  .sll_halen = 6 };
	uint8_t packet[NEIGHBOURS_ARP];
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int e = 0;

	if (fd == -1)
		return -errno;
	memset(to.sll_addr, 0xff, 6);
	neighbours_arp(l->mac, a, packet);
	if (sendto(fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) ==
	    -1)
		e = -errno;
	close(fd);
	return e;
}

/* From the address itself: another one of the machine's may be of another network. */
static int send_na(const struct route_link *l, const struct addr *a)
{
	struct sockaddr_in6 from = { .sin6_family = AF_INET6 };
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = (uint32_t)l->index };
	const int hops = 255;
	uint8_t packet[NEIGHBOURS_NA];
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	int e = 0;

	if (fd == -1)
		return -errno;
	memcpy(&from.sin6_addr, a->bytes, 16);
	to.sin6_addr.s6_addr[0] = 0xff; /* ff02::1 */
	to.sin6_addr.s6_addr[1] = 2;
	to.sin6_addr.s6_addr[15] = 1;
	neighbours_na(l->mac, a, packet);
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &l->index, sizeof(l->index)) ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    sendto(fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) ==
		    -1)
		e = -errno;
	close(fd);
	return e;
}

int neighbours_tell(const struct route_link *l, const struct addr *a)
{
	if (l->type != ARPHRD_ETHER || (l->flags & (IFF_LOOPBACK | IFF_NOARP)) ||
	    !(l->flags & IFF_UP))
		return 0;
	return a->family == AF_INET ? send_arp(l, a) : send_na(l, a);
}
