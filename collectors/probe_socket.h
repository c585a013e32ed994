/* probe_socket.h: a socket as a probe's attempt wants it. */
#ifndef COLLECTORS_PROBE_SOCKET_H
#define COLLECTORS_PROBE_SOCKET_H

#include "agent/probe.h"

/* A non-blocking socket of the address's family, which goes out by the way that the
 * attempt is to take: bound to its source and device, with its mark (the latter two need
 * CAP_NET_RAW or CAP_NET_ADMIN). The caller's to close; -errno: the fault is ours, as
 * probe_reason_of_connect(errno, true) says it. */
int probe_socket(const struct probe_run *run, int type, int protocol);

#endif
