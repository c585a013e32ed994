/* collector.h: the door for those who look. A collector is one file in
 * collectors/ with a const descriptor at its end, and one row in
 * collectors/table.c. It gets the world by value: fixtures are a directory, a
 * thread is harmless, a test is a function call. */
#ifndef AGENT_COLLECTOR_H
#define AGENT_COLLECTOR_H

#include <stddef.h>

#include "agent/metrics/metric.h"

struct collect_env {
	const char *procfs; /* "/proc" */
};

struct collector {
	const char *name; /* as in collect[] and in {collector="…"} */
	const char *help;
	const struct metric *metrics; /* every family it may ever emit */
	size_t n_metrics;
	size_t values_size; /* of what collect() fills; 0 = its families read the view alone */
	/* On the work queue: looks and fills zeroed `values`. 0, -ENODATA: nothing here,
	 * not a failure, or -errno. NULL where values_size is 0. */
	int (*collect)(const struct collect_env *env, void *values);
	void (*fini)(void *values); /* frees what values point to; may be NULL */
	/* For one that only reads the view: did it succeed? NULL = yes. */
	int (*judge)(const struct view *v);
	/* And how long did the reading take that it shows? NULL = no time. */
	int64_t (*took_us)(const struct view *v);
};

#endif
