/* print.h: the tables as files: a sample, and what is in force. */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include "conf/config.h"

/* Every key, commented, at its default, with its sentence. */
void config_print_sample(const struct conf_section *const *sections, struct buf *out);

/* The configuration with all defaults filled in; loading it gives the same again,
 * but for includes, which are merged, and secrets, which read "(redacted)". */
void config_print(const struct config *c, struct buf *out);

/* For reloads: the values of the CONF_RESTART keys, to be kept from the start on ... */
void config_restart_values(const struct config *c, struct buf *out);
/* ... and a warning for each that is another in `fresh`, appended. */
void config_print_restarts(const struct buf *kept, const struct config *fresh, struct buf *out);

#endif
