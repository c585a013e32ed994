/* facts_rows.h: what there is many of, of what the doctor looked at. */
#ifndef DOCTOR_FACTS_ROWS_H
#define DOCTOR_FACTS_ROWS_H

#include <net/if.h>

#include "agent/base/addr.h"
#include "agent/base/buf.h"

#define FACTS_NONE UINT32_MAX

/* error: 0 = known; -ENOENT: this kernel has no such thing, and nothing is wrong with that;
 * any other: it could not be looked at. */
struct fact {
	int error;
	int64_t value, second; /* second: of two numbers */
};

struct facts_interface {
	char name[IF_NAMESIZE];
	bool up, loopback;
	uint32_t mtu;
	struct fact rp_filter, arp_ignore, send_redirects; /* IPv4's, of its own */
};
struct facts_address {
	struct addr addr;
	uint32_t interface;
	uint32_t prefix;
};
/* An address of a service, whatever the port. */
struct facts_vip {
	struct addr addr;
	uint32_t service;   /* of the layout; the first that has it */
	bool local;         /* packets to it are this machine's */
	int error;          /* of asking for the way there */
	uint32_t interface; /* that has it, or the one that leads there; FACTS_NONE = none */
	bool on_interface, on_loopback;
};
/* A realserver's address by one forwarding method, however often it serves. */
struct facts_host {
	struct addr addr;
	uint32_t realserver; /* of the layout; the first that is there */
	uint8_t forward, tunnel;
	int error;          /* 0, or why no packet gets there (-ENETUNREACH) */
	uint32_t interface; /* by which they leave; FACTS_NONE = not known */
	uint32_t mtu;       /* of the path, as far as the kernel knows it; 0 = not known */
	bool local;         /* it is this machine */
	bool gateway, host_route;
};
/* Somebody else who writes IPVS tables in our network namespace. */
struct facts_writer {
	int pid;
	const char *name;  /* "keepalived"; static */
	struct buf config; /* the file that says so; empty = none */
	bool also_vrrp;    /* it has another job as well */
};

/* A setting that [sysctl] names. */
struct facts_setting {
	struct buf name; /* as in tunable.h */
	struct buf found;
	const char *want;
	int error; /* why it is not known what is there */
};

#endif
