/* metrics_conf.h: the [metrics] section. */
#ifndef METRICS_METRICS_CONF_H
#define METRICS_METRICS_CONF_H

#include "conf/config.h"

struct metrics_conf {
	struct conf_head head;
	int64_t max_age; /* ms: an older snapshot is made anew for a scrape */
	bool realserver_series, node_exporter_names;
};

extern const struct conf_section metrics_section;

#endif
