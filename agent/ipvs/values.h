/* values.h: one service, one dest, and what the kernel tells about itself. No pointers
 * into anything, no text. The source of the numbers is include/uapi/linux/ip_vs.h. */
#ifndef IPVS_VALUES_H
#define IPVS_VALUES_H

#include <netinet/in.h>
#include <stdint.h>

#include "agent/base/addr.h"

enum { IPVS_NAME_LEN = 16 }; /* scheduler and engine names, NUL included */

/* Forward methods and tunnel kinds, as the kernel numbers them. */
enum ipvs_forward {
	IPVS_MASQ = 0,
	IPVS_LOCAL = 1,
	IPVS_TUNNEL = 2,
	IPVS_ROUTE = 3,
	IPVS_BYPASS = 4,
};
enum ipvs_tunnel { IPVS_TUN_IPIP = 0, IPVS_TUN_GUE = 1, IPVS_TUN_GRE = 2 };
enum { IPVS_TUN_CSUM = 1, IPVS_TUN_REMCSUM = 2 };
/* What the kernel has in these three that fits no room of ours is kept as this: no
 * forward method, tunnel or flag of ours equals it. */
enum { IPVS_OTHER = 15, IPVS_TUN_OTHER_FLAGS = 128 };

/* Service flags that are ours to set; the kernel's own (hashed) is masked out. */
enum {
	IPVS_SVC_PERSISTENT = 0x1,
	IPVS_SVC_ONEPACKET = 0x4,
	IPVS_SVC_SCHED1 = 0x8,  /* sh-fallback, mh-fallback */
	IPVS_SVC_SCHED2 = 0x10, /* sh-port, mh-port */
	IPVS_SVC_SCHED3 = 0x20,
	IPVS_SVC_FLAGS = 0x3d,
};

/* What a service is known by. With a fwmark: proto 0, no address or port, but the
 * family. All bytes count: memcmp() and hashing work. */
struct ipvs_key {
	struct addr addr; /* with port */
	uint32_t fwmark;  /* 0 = by address */
	uint8_t proto;    /* IPPROTO_TCP, _UDP, _SCTP; 0 with a fwmark */
	uint8_t pad[3];
};

struct ipvs_stats {
	uint64_t conns, in_packets, out_packets, in_bytes, out_bytes;
};

struct ipvs_service {
	struct ipvs_key key;
	char scheduler[IPVS_NAME_LEN];
	char engine[IPVS_NAME_LEN]; /* "" = none */
	uint32_t flags;             /* IPVS_SVC_… */
	uint32_t timeout;           /* of persistence, seconds */
	/* Of persistence: IPv4 mask in network order (all ones when not persistent),
	 * IPv6 prefix length (then 128). */
	uint32_t netmask;
	struct ipvs_stats stats;
	uint32_t first_dest, n_dests; /* rows of the table's dests */
};

/* There are as many of these as realservers, in each reading: 88 bytes. */
struct ipvs_dest {
	struct addr addr;     /* with port */
	uint16_t tun_port;    /* host order */
	uint8_t forward : 4;  /* enum ipvs_forward */
	uint8_t tun_type : 4; /* enum ipvs_tunnel */
	uint8_t tun_flags;    /* IPVS_TUN_… */
	uint32_t weight, upper, lower;
	uint32_t active, inactive, persistent;
	struct ipvs_stats stats;
};

struct ipvs_info {
	uint32_t version; /* 0x010201 = 1.2.1 */
	uint32_t conn_tab_size;
	uint32_t tcp_timeout, tcp_fin_timeout, udp_timeout; /* seconds */
};

#endif
