/* privilege.h: what the process may do, cut down to what it needs. */
#ifndef BASE_PRIVILEGE_H
#define BASE_PRIVILEGE_H

#include "agent/base/buf.h"

/* Keeps CAP_NET_ADMIN (IPVS), CAP_NET_RAW (ICMP, marks), CAP_NET_BIND_SERVICE (low
 * ports) and CAP_DAC_READ_SEARCH (files of others, read only) as far as the process
 * has them, drops all others, clears the ambient set and forbids to gain any. To be
 * called before any thread. -errno with a reason. */
int privilege_drop(struct buf *why);

#endif
