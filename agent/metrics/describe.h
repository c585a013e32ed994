/* describe.h: every family that there may be, as a table for people. */
#ifndef METRICS_DESCRIBE_H
#define METRICS_DESCRIBE_H

#include "agent/collector.h"

/* Appends Markdown: a heading and a table of name, type, labels and help for each
 * collector of the registry (NULL-terminated), and for the collectors themselves. */
void metrics_describe(const struct collector *const *collectors, struct buf *out);

#endif
