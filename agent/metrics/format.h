/* format.h: names, labels and numbers as the exposition formats spell them. Both
 * formats spell them alike. */
#ifndef METRICS_FORMAT_H
#define METRICS_FORMAT_H

#include "agent/metrics/metric.h"

/* Writes a value, without a NUL: integers as they are, doubles as the shortest decimal
 * that reads back the same, NaN, +Inf, -Inf. Returns its length, METRIC_VALUE_MAX at
 * most. */
enum { METRIC_VALUE_MAX = 32 };
size_t metric_format_value(char out[static METRIC_VALUE_MAX], const struct metric_value *value);

/* Appends a help text: \ and newline escaped, and " where `quotes` (OpenMetrics). */
void metric_put_help(struct buf *out, const char *help, bool quotes);

/* Length of a family's name without the suffix that its type puts on samples:
 * OpenMetrics' family name. */
size_t metric_family_len(const struct metric *m);

/* What a sample's name has behind the family's: "_bucket", "_sum" or "_count" of a
 * histogram, else "". */
const char *metric_suffix(const struct metric *m, uint32_t sub);

/* "counter", "gauge", "info", "histogram". */
const char *metric_type_name(enum metric_type type);

#endif
