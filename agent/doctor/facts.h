/* facts.h: what the doctor looked at, as values: gathered by gather*.c, judged by
 * judge*.c, which look at nothing else. */
#ifndef DOCTOR_FACTS_H
#define DOCTOR_FACTS_H

#include "agent/doctor/facts_rows.h"
#include "agent/model/layout.h"

enum fact_sysctl {
	SYS_FORWARD4 = 0,
	SYS_FORWARD6,
	SYS_DISABLE6,
	SYS_RP_FILTER,
	SYS_ARP_IGNORE,
	SYS_SEND_REDIRECTS,
	SYS_CONNTRACK_COUNT,
	SYS_CONNTRACK_MAX,
	SYS_NEIGHBOURS4,
	SYS_NEIGHBOURS6,
	SYS_PORTS,
	SYS_PING_GROUPS,
	SYS_EXPIRE_NODEST,
	SYS_EXPIRE_QUIESCENT,
	SYS_CONN_REUSE,
	SYS_VS_CONNTRACK,
	SYS_SLOPPY_TCP,
	SYS_DROP_ENTRY,
	SYS_DROP_PACKET,
	SYS_SECURE_TCP,
	SYS_ESTIMATION,
	SYS_N,
};
/* Path below /proc/sys of each: "net/ipv4/ip_forward". */
extern const char *const fact_sysctls[SYS_N];

struct facts {
	const struct layout *layout;
	struct fact sysctls[SYS_N];
	struct fact ip_vs; /* 1 = the kernel has it loaded */
	unsigned int kernel_major, kernel_minor;
	struct buf modules;   /* loaded: "\nip_vs\nip_vs_rr\n" */
	struct buf available; /* the same of ip_vs_* that could be; empty = not known */
	struct buf apps;      /* /proc/net/ip_vs_app */
	struct fact connections, connection_buckets, memory_kb; /* memory: available */
	struct fact unsynchronised;                             /* 1 = the clock is */
	struct facts_interface *interfaces;
	struct facts_address *addresses;
	struct facts_vip *vips;
	struct facts_host *hosts;
	struct facts_writer *writers;
	struct facts_setting *settings;
	uint32_t n_interfaces, n_addresses, n_vips, n_hosts, n_writers, n_settings;
	uint32_t default_interface; /* of IPv4's default route; FACTS_NONE = there is none */
	int routes_error;           /* why it is not known what is behind a gateway */
	int net_error;              /* why none of these is known */
	struct buf way_back;        /* sysctls that keep answers to via = forward from us */
	struct facts_agent {
		struct buf socket; /* its path; empty = the file names none */
		int error;         /* of connecting there */
		int pid;           /* 0 = not known */
		struct fact capabilities, nofile;
	} agent;
	struct facts_state {
		struct buf path, mount;
		int error;   /* why it cannot be written; -ENOENT: it is not there */
		bool memory; /* a tmpfs */
		struct fact free_bytes, used_bytes; /* and size of the file system; by our files */
		uint64_t journal_size;
	} state;
	uint32_t max_probes;
	int writers_error;
	bool failed; /* memory ran out */
};

/* What a connection takes of the kernel's memory, with what the allocator adds. */
enum { FACTS_CONN_BYTES = 320 };

/* Frees what it points to, not the layout. */
void facts_fini(struct facts *f);
/* Is the kernel's module loaded? False where that is not known. */
bool facts_module(const struct buf *names, const char *name);

#endif
