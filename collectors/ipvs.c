/* ipvs.c: the kernel's services and realservers with all their counters, foreign
 * ones too, as the last reading has them. Reads the view alone: the agent reads the
 * kernel once, for its own decisions and for this. What the reading did not tell
 * (counters, from /proc) is absent rather than 0. */
#include <string.h>

#include "agent/model/view.h"
#include "collectors/ipvs_labels.h"
#include "collectors/node_names.h"
#include "collectors/table.h"

static const struct ipvs_service *service_of(const struct view *v, uint32_t row)
{
	uint32_t at = v->vips[row].table;

	return at == VIEW_NONE ? NULL : &v->table.services[at];
}

static const struct ipvs_dest *dest_of(const struct view *v, uint32_t row)
{
	uint32_t at = v->dests[row].table;

	return at == VIEW_NONE ? NULL : &v->table.dests[at];
}

/* Getters of what only netlink tells (FULL) or what /proc tells too (ANY). */
#define FULL(v) ((v)->table.source == IPVS_FROM_NETLINK)
#define ANY(v)  true
#define GETTER(name, find, cond, field)                                                            \
	static bool name(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,       \
			 uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)                 \
	{                                                                                          \
		if (!cond(v) || !find(v, row))                                                     \
			return false;                                                              \
		*ret_value = metric_u64(find(v, row)->field);                                      \
		return true;                                                                       \
	}

GETTER(service_conns, service_of, FULL, stats.conns)
GETTER(service_in_packets, service_of, FULL, stats.in_packets)
GETTER(service_out_packets, service_of, FULL, stats.out_packets)
GETTER(service_in_bytes, service_of, FULL, stats.in_bytes)
GETTER(service_out_bytes, service_of, FULL, stats.out_bytes)

GETTER(dest_conns, dest_of, FULL, stats.conns)
GETTER(dest_in_packets, dest_of, FULL, stats.in_packets)
GETTER(dest_out_packets, dest_of, FULL, stats.out_packets)
GETTER(dest_in_bytes, dest_of, FULL, stats.in_bytes)
GETTER(dest_out_bytes, dest_of, FULL, stats.out_bytes)
GETTER(dest_weight, dest_of, ANY, weight)
GETTER(dest_active, dest_of, ANY, active)
GETTER(dest_inactive, dest_of, ANY, inactive)
GETTER(dest_persistent, dest_of, FULL, persistent)

static bool service_info(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			 uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	*ret_value = metric_u64(1);
	return service_of(v, row);
}

static bool dest_info(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		      uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	*ret_value = metric_u64(1);
	return dest_of(v, row);
}

/* Most have none: absent, rather than two more series for each. */
static bool dest_upper(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		       uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	const struct ipvs_dest *d = dest_of(v, row);

	if (!d || !d->upper)
		return false;
	*ret_value = metric_u64(d->upper);
	return true;
}

static bool dest_lower(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		       uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	const struct ipvs_dest *d = dest_of(v, row);

	if (!d || !d->lower)
		return false;
	*ret_value = metric_u64(d->lower);
	return true;
}

static bool configured_weight(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			      uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	uint32_t at = v->dests[row].realserver;

	if (at == VIEW_NONE)
		return false;
	*ret_value = metric_u64(view_conf(v, at)->weight);
	return true;
}

/* --- the kernel as a whole --- */

static bool up(const struct view *v, const void *values ATTR_UNUSED, uint32_t row ATTR_UNUSED,
	       uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	*ret_value = metric_u64(v->agent.kernel_ok);
	return true;
}

/* The version is 0 as long as GET_INFO was not answered. */
static bool kernel_info(const struct view *v, const void *values ATTR_UNUSED,
			uint32_t row ATTR_UNUSED, uint32_t sub ATTR_UNUSED,
			struct metric_value *ret_value)
{
	*ret_value = metric_u64(1);
	return v->agent.info.version != 0;
}

static bool table_size(const struct view *v, const void *values ATTR_UNUSED,
		       uint32_t row ATTR_UNUSED, uint32_t sub ATTR_UNUSED,
		       struct metric_value *ret_value)
{
	*ret_value = metric_u64(v->agent.info.conn_tab_size);
	return v->agent.info.conn_tab_size != 0;
}

static const char *const timeouts[] = { "tcp", "tcp_fin", "udp" };

static bool timeout(const struct view *v, const void *values ATTR_UNUSED, uint32_t row ATTR_UNUSED,
		    uint32_t sub, struct metric_value *ret_value)
{
	const struct ipvs_info *info = &v->agent.info;
	const uint32_t seconds[] = { info->tcp_timeout, info->tcp_fin_timeout, info->udp_timeout };

	*ret_value = metric_u64(seconds[sub]);
	return seconds[sub] != 0;
}

static const char *const sources[] = {
	[IPVS_FROM_NETLINK] = "netlink",
	[IPVS_FROM_PROC] = "proc",
};

/* Nothing was read before the first reading was done. */
static bool source(const struct view *v, const void *values ATTR_UNUSED, uint32_t row ATTR_UNUSED,
		   uint32_t sub, struct metric_value *ret_value)
{
	*ret_value = metric_u64(v->table.source == sub);
	return v->table.wall_ms != 0;
}

#define SERVICE(suffix, fn, text)                                                                  \
	{                                                                                          \
		.name = "ipvs_service_" suffix "_total", .type = METRIC_COUNTER, .help = text,     \
		.rows = &metric_vips, .get = (fn)                                                  \
	}
#define DEST(suffix, fn, text)                                                                     \
	{                                                                                          \
		.name = "ipvs_realserver_" suffix, .help = text, .rows = &metric_dests,            \
		.get = (fn)                                                                        \
	}
#define DEST_TOTAL(suffix, fn, text)                                                               \
	{                                                                                          \
		.name = "ipvs_realserver_" suffix "_total", .type = METRIC_COUNTER, .help = text,  \
		.rows = &metric_dests, .get = (fn)                                                 \
	}

static const struct metric metrics[] = {
	{ .name = "ipvs_up",
	  .help = "Whether the last reading of the kernel's IPVS table succeeded.",
	  .rows = &metric_one,
	  .get = up },
	{ .name = "ipvs_info",
	  .type = METRIC_INFO,
	  .help = "The kernel's IPVS.",
	  .rows = &metric_one,
	  .get = kernel_info,
	  .info = kernel_info_labels,
	  .info_names = KERNEL_INFO_NAMES },
	{ .name = "ipvs_source",
	  .help = "Where the table was read from; proc tells no counters.",
	  .rows = &metric_one,
	  .get = source,
	  .label = "source",
	  .subs = sources,
	  .n_subs = countof(sources) },
	{ .name = "ipvs_connection_table_size",
	  .help = "Buckets of the kernel's connection table.",
	  .rows = &metric_one,
	  .get = table_size },
	{ .name = "ipvs_timeout_seconds",
	  .help = "The kernel's timeouts of idle connections.",
	  .rows = &metric_one,
	  .get = timeout,
	  .label = "timeout",
	  .subs = timeouts,
	  .n_subs = countof(timeouts) },
	{ .name = "ipvs_service_info",
	  .type = METRIC_INFO,
	  .help = "How the kernel has the service; managed = the configuration names it.",
	  .rows = &metric_vips,
	  .get = service_info,
	  .info = service_info_labels,
	  .info_names = SERVICE_INFO_NAMES },
	SERVICE("connections", service_conns, "Connections made through the service."),
	SERVICE("incoming_packets", service_in_packets, "Packets from clients to the service."),
	SERVICE("outgoing_packets", service_out_packets,
		"Packets from the service to clients, as far as they pass the director."),
	SERVICE("incoming_bytes", service_in_bytes, "Bytes from clients to the service."),
	SERVICE("outgoing_bytes", service_out_bytes,
		"Bytes from the service to clients, as far as they pass the director."),
	{ .name = "ipvs_realserver_info",
	  .type = METRIC_INFO,
	  .help = "How the kernel forwards to the realserver; managed = the configuration "
		  "names it.",
	  .rows = &metric_dests,
	  .get = dest_info,
	  .info = dest_info_labels,
	  .info_names = DEST_INFO_NAMES },
	DEST("weight", dest_weight, "Weight in the kernel."),
	DEST("configured_weight", configured_weight, "Weight in the configuration."),
	DEST("active_connections", dest_active, "Connections in an active state."),
	DEST("inactive_connections", dest_inactive, "Connections in any other state."),
	DEST("persistent_connections", dest_persistent, "Clients bound by persistence."),
	DEST("upper_threshold", dest_upper,
	     "Connections above which it gets no new ones; absent = no limit."),
	DEST("lower_threshold", dest_lower,
	     "Connections below which it gets new ones again; absent = by the upper threshold."),
	DEST_TOTAL("connections", dest_conns, "Connections made to the realserver."),
	DEST_TOTAL("incoming_packets", dest_in_packets, "Packets to the realserver."),
	DEST_TOTAL("outgoing_packets", dest_out_packets,
		   "Packets from the realserver, as far as they pass the director."),
	DEST_TOTAL("incoming_bytes", dest_in_bytes, "Bytes to the realserver."),
	DEST_TOTAL("outgoing_bytes", dest_out_bytes,
		   "Bytes from the realserver, as far as they pass the director."),
	{ .name = "node_ipvs_backend_connections_active",
	  .help = "The current active connections by local and remote address.",
	  .rows = &node_backends,
	  .get = node_active },
	{ .name = "node_ipvs_backend_connections_inactive",
	  .help = "The current inactive connections by local and remote address.",
	  .rows = &node_backends,
	  .get = node_inactive },
	{ .name = "node_ipvs_backend_weight",
	  .help = "The current backend weight by local and remote address.",
	  .rows = &node_backends,
	  .get = node_weight },
};

static int judge(const struct view *v)
{
	return v->agent.kernel_error;
}

static int64_t took_us(const struct view *v)
{
	return v->table.taken_us;
}

const struct collector collector_ipvs = {
	.name = "ipvs",
	.help = "Services and realservers in the kernel",
	.metrics = metrics,
	.n_metrics = countof(metrics),
	.judge = judge,
	.took_us = took_us,
};
