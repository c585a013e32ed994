/* service_conf.h: the [service NAME] and [defaults] sections as values: VIPs, the
 * pool, and how the kernel is to forward. */
#ifndef MODEL_SERVICE_CONF_H
#define MODEL_SERVICE_CONF_H

#include "agent/ipvs/ipvs.h"
#include "conf/config.h"

struct vip_conf {
	const char *text; /* as the INI writes it; the metrics' `address` label */
	struct ipvs_key key;
	unsigned int line;
};

struct tunnel_conf {
	uint8_t type;   /* enum ipvs_tunnel */
	uint16_t flags; /* IPVS_TUN_… */
	uint16_t port;  /* of GUE */
};

/* realserver = NAME ADDR[:PORT] [ADDR[:PORT]] key=value … */
struct realserver_conf {
	const char *name;
	struct addr addr[2]; /* at most one of a family; family 0 = none; port 0 = the VIP's */
	uint32_t n_addr;
	bool enabled, backup;
	bool has_weight, has_forward, has_tunnel, has_upper, has_lower; /* its own line says */
	bool probes_own;                                                /* so does it the probes */
	uint32_t weight, upper, lower;
	uint8_t forward;
	struct tunnel_conf tunnel;
	const char *domain;         /* NULL = none */
	struct conf_strings probes; /* n = 0: the service's */
	const char *file;
	unsigned int line;
};

enum min_kind { MIN_COUNT = 0, MIN_SHARE, MIN_WEIGHT };
struct min_available {
	enum min_kind kind;
	uint32_t n; /* a count, or percent */
};

enum initial { INITIAL_KEEP = 0, INITIAL_UP, INITIAL_DOWN };
enum on_panic { PANIC_KEEP = 0, PANIC_BACKUP, PANIC_NONE };
enum on_remove { REMOVE_DRAIN = 0, REMOVE_NOW };
enum drift_policy { DRIFT_AUTO = 0, DRIFT_REPAIR, DRIFT_ADOPT, DRIFT_REPORT };

struct service_conf {
	struct conf_head head; /* head.name: the service's */
	struct vip_conf *addresses;
	uint32_t n_addresses;
	/* In the order of the file, backups included (their `backup` is set). After
	 * finish() every value that a line does not give (has_…) is filled in from the
	 * service, `probes` too. */
	struct realserver_conf *realservers;
	uint32_t n_realservers;
	bool enabled;
	const char *scheduler;
	uint32_t scheduler_flags;      /* IPVS_SVC_SCHED1 … */
	uint32_t scheduler_flag_names; /* rows of the table of names, a bit each */
	bool one_packet;
	int64_t persistence;           /* ms; 0 = off */
	uint32_t persistence_netmask4; /* prefix lengths */
	uint32_t persistence_netmask6;
	const char *persistence_engine; /* NULL = none */
	uint8_t forward;
	struct tunnel_conf tunnel;
	uint32_t weight, upper, lower;
	struct conf_strings probes;
	struct min_available min_available;
	enum initial initial;
	enum on_panic on_panic;
	enum on_remove on_remove;
	int64_t drain_timeout; /* ms */
	uint32_t max_held;     /* percent */
	bool domain_guard;
	int64_t flap_max, ramp; /* ms; ramp 0 = off */
	enum drift_policy drift;
	int64_t drift_ttl; /* ms */
};

extern const struct conf_section service_section, defaults_section;

/* The kernel service that one address of a service asks for (no stats, no rows). */
void service_conf_kernel(const struct service_conf *s, uint32_t address,
			 struct ipvs_service *ret_service);

/* Where a realserver stands behind an address; false when it has no address that can
 * serve it. */
bool service_conf_dest_addr(const struct service_conf *s, uint32_t address,
			    const struct realserver_conf *r, struct addr *ret_addr);

/* The kernel destination of a realserver behind an address, at the configured
 * weight; false as above. */
bool service_conf_dest(const struct service_conf *s, uint32_t address,
		       const struct realserver_conf *r, struct ipvs_dest *ret_dest);

#endif
