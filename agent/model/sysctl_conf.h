/* sysctl_conf.h: the [sysctl] section: what of the kernel's settings is to be as the file
 * says. What it does not say is left alone. */
#ifndef MODEL_SYSCTL_CONF_H
#define MODEL_SYSCTL_CONF_H

#include "agent/base/buf.h"
#include "conf/config.h"

enum { SYSCTL_N_KEYS = 20 };

struct sysctl_conf {
	struct conf_head head;
	const char *values[SYSCTL_N_KEYS]; /* as the kernel writes them; NULL = left alone */
	/* "eth1 2", as often as there are lines; the interface may be "all" */
	struct conf_strings rp_filter, accept_local;
};

extern const struct conf_section sysctl_section;

/* The settings that the file asks for, by index: appends the name of one, as tunable.h has
 * it, and gives its value; false behind the last. */
bool sysctl_conf_at(const struct sysctl_conf *c, uint32_t i, struct buf *name,
		    const char **ret_value);

#endif
