/* print.h: the tables as files: a sample, and what is in force. */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include "conf/config.h"

/* Every key, commented, at its default, with its sentence. */
void config_print_sample(const struct conf_section *const *sections, struct buf *out);

/* The configuration with all defaults filled in; loading it gives the same again,
 * but for includes, which are merged, and secrets, which read "(redacted)". */
void config_print(const struct config *c, struct buf *out);

/* The sections that config_print() writes, in its order: each call gives the next, until
 * NULL. Begin with {0}. */
struct config_cursor {
	size_t type, object;
};
const struct conf_head *config_next(const struct config *c, struct config_cursor *at,
				    const struct conf_section **ret_type);
/* Their values as it writes them, several of a list; false when memory was out. */
typedef void config_value_fn(void *arg, const struct conf_key *key, const char *value);
bool config_values(const struct conf_section *s, const struct conf_head *obj, config_value_fn *fn,
		   void *arg);

/* For reloads: the values of the CONF_RESTART keys, to be kept from the start on ... */
void config_restart_values(const struct config *c, struct buf *out);
/* ... and a warning for each that is another in `fresh`, appended. */
void config_print_restarts(const struct buf *kept, const struct config *fresh, struct buf *out);

#endif
