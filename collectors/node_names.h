/* node_names.h: node_exporter's node_ipvs_* set, for [metrics] node_exporter_names.
 * Names, labels and values as its ipvs collector has them. */
#ifndef COLLECTORS_NODE_NAMES_H
#define COLLECTORS_NODE_NAMES_H

#include "agent/collector.h"

/* {local_address,local_mark,local_port,proto,remote_address,remote_port}; no rows
 * where node_exporter_names is off. Not subject to realserver_series: who asks for
 * the set wants the set. */
extern const struct metric_rows node_backends;
/* {}; no row where it is off. */
extern const struct metric_rows node_one;

/* Getters over node_backends. */
bool node_active(const struct view *v, const void *values, uint32_t row, uint32_t sub,
		 struct metric_value *ret_value);
bool node_inactive(const struct view *v, const void *values, uint32_t row, uint32_t sub,
		   struct metric_value *ret_value);
bool node_weight(const struct view *v, const void *values, uint32_t row, uint32_t sub,
		 struct metric_value *ret_value);

#endif
