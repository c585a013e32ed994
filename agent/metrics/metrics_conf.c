/* metrics_conf.c: the keys of [metrics]. */
#include "agent/metrics/metrics_conf.h"

#define FIELD(f) .offset = offsetof(struct metrics_conf, f)

static const struct conf_key keys[] = {
	{ .name = "max_age",
	  .type = &conf_duration,
	  FIELD(max_age),
	  .def = "1s",
	  .min = 0,
	  .max = 300 * 1000,
	  .help = "A scrape that finds the last reading older than this waits for a fresh one." },
	{ .name = "realserver_series",
	  .type = &conf_bool,
	  FIELD(realserver_series),
	  .def = "on",
	  .help = "off leaves the realservers' series out and keeps those of the services." },
	{ .name = "node_exporter_names",
	  .type = &conf_bool,
	  FIELD(node_exporter_names),
	  .def = "off",
	  .help = "Adds the node_ipvs_* series under node_exporter's names." },
};

const struct conf_section metrics_section = {
	.name = "metrics",
	.help = "What is exported to Prometheus.",
	.size = sizeof(struct metrics_conf),
	.keys = keys,
	.n_keys = countof(keys),
};
