/* probe_conf.h: the [probe NAME] section: what all kinds share. Each kind's own
 * keys come from its descriptor, chosen by the URL's scheme. */
#ifndef PROBES_PROBE_CONF_H
#define PROBES_PROBE_CONF_H

#include "agent/base/way_out.h"
#include "agent/probes/health.h"
#include "conf/config.h"

struct probe_type;
struct probe_scheme;

/* Which way an attempt takes to the realserver: straight to its own address, or to the
 * service's by the director's own forwarding. */
enum probe_via { VIA_DIRECT = 0, VIA_FORWARD };

struct probe_conf {
	struct conf_head head;
	const char *url;
	int64_t interval, timeout; /* ms */
	/* ms; 0 = as the interval, but the section's finish() fills them in */
	int64_t interval_down, fast_interval;
	uint32_t rise, fall;
	uint32_t jitter; /* percent of the interval */
	struct probe_sources {
		struct addr of[2]; /* IPv4, IPv6; family 0 = the kernel's choice */
	} sources;
	const char *interface; /* NULL = any */
	int via;               /* enum probe_via */
	bool histogram;        /* durations are counted */
	/* taken from the URL by the section's finish() */
	const struct probe_type *type;
	const struct probe_scheme *scheme;
	bool advises;     /* as the kind: its outcomes are no verdict */
	bool compares;    /* its answers' digests, one realserver's with the others' */
	const char *host; /* without brackets; may be "{address}" */
	uint16_t port;    /* 0 = the realserver's */
	const char *path; /* "/…", "" where none; with query */
};

extern const struct conf_section probe_section;

/* sections.c hands the registry of kinds over before any load: this room may not
 * see collectors/. NULL-terminated, must outlive everything. */
void probe_conf_types(const struct probe_type *const *types);

/* Time from one attempt to the next at that pace, without jitter, ms. None is fast that is
 * slower than the interval: `fall` failures take fall × interval + timeout at most. */
int64_t probe_conf_interval(const struct probe_conf *p, enum pace pace);

/* By which way out an attempt at `to` goes; the device is the configuration's. */
struct way_out probe_conf_way(const struct probe_conf *p, const struct addr *to);

/* What a status that such a probe reports is called; NULL = the number says it. */
const char *probe_conf_status(const struct probe_conf *probe, int status);

/* At how many addresses a realserver is probed: its own, or the one that its line says. */
struct service_conf;
struct realserver_conf;
uint32_t realserver_conf_n_probed(const struct realserver_conf *r);

/* Where a probe reaches address `addr` of those: port by the URL, else that address's own,
 * else the realserver's, else the first that an address of the service has, else the
 * scheme's. Port 0 when nothing names one. */
struct addr service_conf_probe_addr(const struct service_conf *s, const struct realserver_conf *r,
				    uint32_t addr, const struct probe_conf *probe);

/* Where a probe with via = forward goes to by address `address` of the service: port by
 * that address; where it has none (it is every port) by the URL, the realserver or the
 * scheme. False: by that address there is nothing to go to. */
bool service_conf_asked_addr(const struct service_conf *s, uint32_t address,
			     const struct realserver_conf *r, const struct probe_conf *probe,
			     struct addr *ret_addr);

#endif
