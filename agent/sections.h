/* sections.h: the list of section types and of cross-checks; each room owns its
 * key table, this list only names them. */
#ifndef AGENT_SECTIONS_H
#define AGENT_SECTIONS_H

#include "conf/config.h"

/* NULL-terminated, in the order of the sample file. */
extern const struct conf_section *const agent_sections[];
extern conf_check_fn *const agent_checks[];

/* Hands the registries to the rooms whose keys depend on them. */
void agent_sections_init(void);

/* config_load() with the two, and the registries handed over. */
int agent_config_load(const char *path, struct config **ret_config);

#endif
