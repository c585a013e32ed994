/* privilege.h: what the process may do, cut down to what it needs. */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include "agent/base/buf.h"

enum privilege { PRIVILEGE_NETNS = 1 }; /* CAP_SYS_ADMIN: to enter a network namespace */

/* Keeps CAP_NET_ADMIN (IPVS), CAP_NET_RAW (ICMP, marks), CAP_NET_BIND_SERVICE (low
 * ports) and CAP_DAC_READ_SEARCH (files of others, read only) as far as the process
 * has them, and what `more` (enum privilege) names until it is called again; drops all
 * others, clears the ambient set and forbids to gain any. It is the calling thread's, and
 * of those that it starts: to be called before there are others. -errno with a reason. */
int privilege_drop(unsigned int more, struct buf *why);

#endif
