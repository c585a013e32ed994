/* director.h: PURE: what a source says of the whole director, in the order in which it says
 * so: the kernel's timeouts, and its sync daemons. */
#ifndef IMPORT_DIRECTOR_H
#define IMPORT_DIRECTOR_H

#include "agent/import/import.h"
#include "agent/ipvs/daemon.h"

enum director_timeout { DIRECTOR_TCP = 0, DIRECTOR_TCP_FIN, DIRECTOR_UDP, DIRECTOR_TIMEOUTS };
/* As the kernel has it: 31 days in seconds. */
enum { DIRECTOR_TIMEOUT_MAX = 31 * 24 * 3600 };

struct director {
	uint64_t timeouts[DIRECTOR_TIMEOUTS]; /* seconds; 0 = the kernel's stay */
	struct daemon daemons[DAEMON_N];      /* `there`: it is to run */
	bool by_role;                         /* they change with the director's role */
	struct import_at timeouts_at, daemons_at;
};

/* What stands for ipvsadm and piranha where no interface is named. */
#define DIRECTOR_INTERFACE "eth0"

/* Those that are above 0 are to be so from now on: the last word counts, and 0 leaves one as
 * it is (ip_vs_set_timeout(), net/netfilter/ipvs/ip_vs_ctl.c). */
void director_time(struct director *d, const uint64_t seconds[static DIRECTOR_TIMEOUTS],
		   struct import_at at);

/* Why [sync] cannot have the daemon beside the other one, which it names alike; NULL = it can,
 * and it is to run from now on. */
const char *director_start(struct director *d, unsigned int state, const struct daemon *daemon,
			   struct import_at at);

/* [sysctl] and [sync], as far as there is something for them. */
void director_carry(struct import *im, const struct director *d);

#endif
