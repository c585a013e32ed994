/* probe_conf.h: the [probe NAME] section: what all kinds share. Each kind's own
 * keys come from its descriptor, chosen by the URL's scheme. */
#ifndef PROBES_PROBE_CONF_H
#define PROBES_PROBE_CONF_H

#include "conf/config.h"

struct probe_type;

struct probe_conf {
	struct conf_head head;
	const char *url;
	int64_t interval, timeout; /* ms */
	uint32_t rise, fall;
	uint32_t jitter; /* percent of the interval */
	/* taken from the URL by the section's finish() */
	const struct probe_type *type;
	const char *scheme, *host; /* host without brackets; may be "{address}" */
	uint16_t port;             /* 0 = the realserver's */
	const char *path;          /* "/…", "" where none; with query */
};

/* The port that a scheme stands for: http 80, https 443; 0 = none. */
uint16_t probe_default_port(const struct probe_conf *p);

/* Whether such a probe can do nothing without a port. */
bool probe_needs_port(const struct probe_conf *p);

extern const struct conf_section probe_section;

/* sections.c hands the registry of kinds over before any load: this room may not
 * see collectors/. NULL-terminated, must outlive everything. */
void probe_conf_types(const struct probe_type *const *types);

/* Where a probe reaches address `addr` of a realserver: port by the URL, else the
 * realserver's, else the first that an address of the service has, else the
 * scheme's. Port 0 when nothing names one. */
struct service_conf;
struct realserver_conf;
struct addr service_conf_probe_addr(const struct service_conf *s, const struct realserver_conf *r,
				    uint32_t addr, const struct probe_conf *probe);

#endif
