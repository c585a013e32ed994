/* duty_conf.h: the [vip NAME] and [sync] sections as values: what a director does beside
 * its table. */
#ifndef MODEL_DUTY_CONF_H
#define MODEL_DUTY_CONF_H

#include "agent/base/addr.h"
#include "conf/config.h"

enum duty_when {
	WHEN_AUTO = 0,  /* always; with roles = on: master */
	WHEN_ALWAYS,    /* whatever happens */
	WHEN_AVAILABLE, /* while a service on it can serve, whatever the role */
	WHEN_MASTER,    /* while the role is master */
};

struct duty_address {
	struct addr addr; /* without a port */
	const char *text; /* as the INI writes it; the metrics' `address` label */
	const char *file; /* where it stands */
	unsigned int line;
};

struct duty_vip_conf {
	struct conf_head head; /* head.name */
	struct duty_address *addresses;
	size_t n_addresses;
	const char *interface;
	bool dummy;
	enum duty_when when;
	int64_t withdraw_after, return_after; /* ms; of WHEN_AVAILABLE */
};

enum duty_sync { SYNC_OFF = 0, SYNC_MASTER, SYNC_BACKUP, SYNC_BOTH, SYNC_ROLE };

struct duty_sync_conf {
	struct conf_head head;
	enum duty_sync state;
	const char *interface;           /* NULL = not given */
	uint32_t id, port, ttl, max_len; /* the last three: 0 = the kernel's own */
	struct addr group;               /* no family = the kernel's own */
};

extern const struct conf_section duty_vip_section, duty_sync_section;

/* Whether it may be an interface's name. */
bool duty_interface_ok(const char *name);

#endif
