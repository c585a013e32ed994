/* tunable.h: settings of the kernel as texts by name: sysctls by their path below
 * /proc/sys ("net/ipv4/vs/conntrack"), and IPVS's timeouts, which only netlink has
 * ("timeout/tcp", "timeout/tcp_fin", "timeout/udp", in seconds). */
#ifndef IPVS_TUNABLE_H
#define IPVS_TUNABLE_H

#include <stdbool.h>

#include "agent/base/buf.h"

/* Whether a text is such a name: what stands in a file may be anything. */
bool tunable_name_ok(const char *name);
/* Whether a text is such a value: numbers, one blank between two. */
bool tunable_value_ok(const char *value);

/* Appends the value, as tunable_value_ok() has it. -ENOENT where this kernel has none,
 * -EPERM, -ENOPROTOOPT: there is no ip_vs, -EBADMSG for what is no number. Loads nothing. */
int tunable_read(const char *procfs, const char *name, struct buf *out);
/* Sets it; the kernel's own refusals, as -EINVAL, come back. */
int tunable_write(const char *procfs, const char *name, const char *value);

/* Appends the name as people write it: net.ipv4.vs.conntrack; tcp_timeout. */
void tunable_format(struct buf *out, const char *name);

#endif
