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

/* What the service says for all its realservers, and a line may say otherwise. */
struct realserver_terms {
	struct conf_strings probes;
	const char *domain; /* NULL = none */
	uint32_t upper, lower;
	struct tunnel_conf tunnel;
	uint8_t forward;
	/* The line says so itself. */
	bool has_probes : 1, has_upper : 1, has_lower : 1, has_tunnel : 1, has_forward : 1;
	bool filled : 1; /* the service's values stand where the line says nothing */
};

/* realserver = NAME ADDR[:PORT] [ADDR[:PORT]] key=value … A pool may have 100,000 of
 * them, which differ in little: what they say alike is there once. */
struct realserver_conf {
	const char *name;
	const struct addr *addr; /* n_addr, one a family; port 0 = the VIP's; then probe_addr */
	struct realserver_terms *terms; /* the service's, or its own, shared with its like */
	unsigned int line;              /* in the service's file */
	uint16_t weight;
	uint8_t n_addr;
	bool enabled : 1, backup : 1, has_weight : 1, has_probe_addr : 1;
};

struct min_available {
	enum min_kind { MIN_COUNT = 0, MIN_SHARE, MIN_WEIGHT } kind;
	uint32_t n; /* a count, or percent */
};

enum initial { INITIAL_KEEP = 0, INITIAL_UP, INITIAL_DOWN };
enum on_panic { PANIC_KEEP = 0, PANIC_BACKUP, PANIC_NONE };
enum on_remove { REMOVE_DRAIN = 0, REMOVE_NOW };
enum drift_policy { DRIFT_AUTO = 0, DRIFT_REPAIR, DRIFT_ADOPT, DRIFT_REPORT };

struct service_conf {
	struct conf_head head; /* head.name: the service's */
	struct vip_conf *addresses;
	uint32_t n_addresses, room_realservers;
	/* In the order of the file, backups included. After finish() every value that a
	 * line does not give (has_…) is filled in from the service. */
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
	uint32_t weight;
	struct realserver_terms terms;
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

/* Where a realserver stands behind an address; false when none of its own can serve it. */
bool service_conf_dest_addr(const struct service_conf *s, uint32_t address,
			    const struct realserver_conf *r, struct addr *ret_addr);

/* The kernel destination there, at the configured weight; false as above. */
bool service_conf_dest(const struct service_conf *s, uint32_t address,
		       const struct realserver_conf *r, struct ipvs_dest *ret_dest);

#endif
