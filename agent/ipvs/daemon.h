/* daemon.h: the kernel's connection synchronisation: its daemons as values, read and
 * written by generic netlink. On the port's thread. */
#ifndef IPVS_DAEMON_H
#define IPVS_DAEMON_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/addr.h"

struct nlmsghdr;
struct nlreq;

/* As the kernel numbers them, but for 0. */
enum { DAEMON_MASTER = 0, DAEMON_BACKUP, DAEMON_N };
extern const char *const daemon_names[DAEMON_N]; /* "master", "backup" */

struct daemon {
	bool there;
	char interface[IFNAMSIZ];
	uint32_t sync_id;
	struct addr group; /* no family: the kernel's own, 224.0.0.81 */
	uint16_t port;     /* 0: the kernel's own, 8848 */
	uint16_t max_len;  /* 0: what fits the interface */
	uint8_t ttl;       /* 0: the kernel's own, 1 */
};

/* Whether what runs is what is wanted, as far as the latter says. */
bool daemon_fits(const struct daemon *want, const struct daemon *seen);

/* A reply of IPVS_CMD_GET_DAEMON into its row of DAEMON_N. -EBADMSG. */
int daemon_get(const struct nlmsghdr *h, struct daemon *rows);
/* The attributes of IPVS_CMD_NEW_DAEMON, or with `state` alone of DEL_DAEMON. */
void daemon_put(struct nlreq *q, unsigned int state, const struct daemon *d);

/* Reads both. -ENOPROTOOPT where the kernel has no ip_vs: none is loaded for it. */
int daemon_read(struct daemon ret_rows[DAEMON_N]);
/* -EEXIST where one of that state runs. */
int daemon_start(unsigned int state, const struct daemon *d);
/* -ESRCH where none does. */
int daemon_stop(unsigned int state);

#endif
