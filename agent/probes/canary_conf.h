/* canary_conf.h: the [canary NAME] section: an address behind an interface that answers
 * as long as the way there is whole. */
#ifndef PROBES_CANARY_CONF_H
#define PROBES_CANARY_CONF_H

#include "agent/probes/probe_conf.h"

struct canary_conf {
	struct conf_head head;
	struct addr address;
	const char *probe; /* the name of a [probe] */
};

extern const struct conf_section canary_section;

/* Where a canary is probed: the port by the probe's URL, else its own, else the scheme's. */
struct addr canary_conf_addr(const struct canary_conf *c, const struct probe_conf *probe);

#endif
