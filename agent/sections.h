/* sections.h: the list of section types and of cross-checks; each room owns its
 * key table, this list only names them. */
#ifndef AGENT_SECTIONS_H
#define AGENT_SECTIONS_H

#include "conf/config.h"

/* NULL-terminated, in the order of the sample file. */
extern const struct conf_section *const agent_sections[];
extern conf_check_fn *const agent_checks[];

/* config_load() with the two. */
int agent_config_load(const char *path, struct config **ret_config);

#endif
