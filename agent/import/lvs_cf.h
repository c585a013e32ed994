/* lvs_cf.h: what the files of the lvs.cf reader share. */
#ifndef IMPORT_LVS_CF_H
#define IMPORT_LVS_CF_H

#include "agent/import/import.h"

/* A value as the file has it, without its quotes; the second word where there are two. */
struct lvs_value {
	const char *text, *second; /* NULL = not given; no second word */
	struct import_at at;
};

enum lvs_virtual_key {
	V_ACTIVE = 0,
	V_ADDRESS,
	V_NMASK,
	V_FWMARK,
	V_PROTOCOL,
	V_PORT,
	V_SCHEDULER,
	V_PERSISTENT,
	V_PMASK,
	V_SEND,
	V_EXPECT,
	V_REGEX,
	V_PROGRAM,
	V_TIMEOUT,
	V_REENTRY,
	V_MONITOR,
	V_QUIESCE,
	V_SORRY,
	V_N,
};
enum lvs_global_key {
	G_NETWORK = 0,
	G_ROUTER,
	G_ROUTER_MASK,
	G_PAIR,
	G_SYNC,
	G_SYNC_DEVICE,
	G_SYNC_ID,
	G_TCP, /* timeouts, in the order of enum director_timeout */
	G_TCP_FIN,
	G_UDP,
	G_N,
};
enum lvs_server_key { S_ADDRESS = 0, S_ACTIVE, S_PORT, S_WEIGHT, S_N };

struct lvs_server {
	struct lvs_server *next;
	const char *name;
	struct import_at at;
	struct lvs_value values[S_N];
	struct lvs_value port; /* the virtual's, as far as it was read when this began */
};

struct lvs_virtual {
	struct lvs_virtual *next;
	const char *name;
	struct import_at at;
	struct lvs_value values[V_N];
	struct lvs_server *servers, **last_server;
};

/* What the file says for all virtual servers, and what was told for all. */
struct lvs_site {
	struct lvs_value globals[G_N];
	uint8_t network; /* enum ipvs_forward */
	bool told_panic;
};

/* Why nothing comes of what is about two directors. */
#define LVS_FAILOVER                                                                               \
	"directors take over from each other by VRRP (keepalived), which ipvs-agent leaves to "    \
	"others"

/* Appends "timeout = 6", "address = 10.0.0.1 eth0:1". */
void lvs_what(struct buf *out, const char *key, const struct lvs_value *v);
/* Numbers as strtol() reads them with base 0, up to `max`; false: it is none. */
bool lvs_number(const char *text, uint64_t max, uint64_t *ret_n);
/* Exactly "1" or "0"; NULL is false. */
bool lvs_on(const struct lvs_value *v);
/* Notes of a key of `v`. */
void lvs_note(struct import *im, struct import_part *p, enum import_fate fate, const char *key,
	      const struct lvs_value *v, const char *fmt, ...) ATTR_PRINTF(6, 7);
extern const char *const lvs_global_keys[G_N], *const lvs_virtual_keys[V_N];
/* The address of a key `IP dev[:label]` as a [vip], with its key's mask; notes both. */
void lvs_vip(struct import *im, const char *key, const struct lvs_value *v, const char *mask_key,
	     const struct lvs_value *mask);

/* lvs_cf_site.c: the global keys; site->network is set. */
void lvs_carry_site(struct import *im, struct lvs_site *site);
/* lvs_cf_probe.c: the [probe] of a virtual server, and its name in the service. `port` is
 * where to ask behind a firewall mark; 0 = at each server's own. False: there is none. */
bool lvs_probe(struct import *im, struct import_part *service, const struct lvs_virtual *v,
	       uint8_t proto, uint16_t port);
/* lvs_cf_virtual.c: a virtual server as sections. -ENOMEM. */
int lvs_carry(struct import *im, const struct lvs_virtual *v, struct lvs_site *site);

#endif
