/* procfs.h: /proc/net/ip_vs, for those who may not use netlink. */
#ifndef IPVS_PROCFS_H
#define IPVS_PROCFS_H

#include <stdio.h>

#include "agent/ipvs/ipvs.h"

/* Reads the text of /proc/net/ip_vs into an empty table and the version line into
 * *ret_info (its timeouts stay 0). The text has neither counters nor thresholds nor
 * tunnels, a persistence's timeout is in the kernel's ticks and left 0, and a fwmark
 * service without destinations does not tell its family (taken as IPv4). -EBADMSG for
 * what is no such text, -ENOMEM, -EIO: what was read until then is in the table. */
int procfs_parse(FILE *in, struct ipvs_table *ret_table, struct ipvs_info *ret_info);

/* The same from ROOT/net/ip_vs; -ENOENT when ip_vs is not loaded. */
int procfs_read(const char *root, struct ipvs_table *ret_table, struct ipvs_info *ret_info);

/* Whether ROOT/net/ip_vs is there: ip_vs is loaded. */
bool procfs_present(const char *root);

#endif
