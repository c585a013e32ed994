/* duties.c: the role, the VIPs and the sync daemons, as the view has them. */
#include "agent/base/attr.h"
#include "agent/model/view.h"
#include "collectors/table.h"

#define ARGS                                                                                       \
	const struct view *v, const void *values ATTR_UNUSED, uint32_t row ATTR_UNUSED,            \
		uint32_t sub ATTR_UNUSED, struct metric_value *ret_value

static uint32_t vips_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->duties ? v->duties->n_vips : 0;
}

static void vip_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		       struct buf *out)
{
	metric_label(out, "vip", v->duties->vips[row].vip);
	metric_label(out, "address", v->duties->vips[row].address);
	metric_label(out, "interface", v->duties->vips[row].interface);
}

static const struct metric_rows vips = {
	.count = vips_count,
	.labels = vip_labels,
	.names = "vip,address,interface",
};

static uint32_t daemons_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->duties && v->duties->daemons_known ? DAEMON_N : 0;
}

static void daemon_labels(const struct view *v ATTR_UNUSED, const void *values ATTR_UNUSED,
			  uint32_t row, struct buf *out)
{
	metric_label(out, "state", daemon_names[row]);
}

static const struct metric_rows daemons = {
	.count = daemons_count,
	.labels = daemon_labels,
	.names = "state",
};

static bool role(ARGS)
{
	if (!v->duties || !v->duties->roles)
		return false;
	*ret_value = metric_u64(v->duties->role == sub);
	return true;
}

static bool vip_present(ARGS)
{
	if (!v->duties->vips[row].known)
		return false;
	*ret_value = metric_u64(v->duties->vips[row].present);
	return true;
}

static bool vip_wanted(ARGS)
{
	*ret_value = metric_u64(v->duties->vips[row].wanted);
	return true;
}

static const char *const results[] = { "done", "refused" };

static bool writes(ARGS)
{
	if (!v->duties)
		return false;
	*ret_value = metric_u64(v->duties->writes[sub]);
	return true;
}

static bool daemon_running(ARGS)
{
	*ret_value = metric_u64(v->duties->daemons[row].there);
	return true;
}

static bool daemon_info(ARGS)
{
	if (!v->duties->daemons[row].there)
		return false;
	*ret_value = metric_u64(1);
	return true;
}

static void info_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			struct buf *out)
{
	const struct daemon *d = &v->duties->daemons[row];
	struct buf text = BUF_INIT;

	metric_label(out, "interface", d->interface);
	buf_put_u64(&text, d->sync_id);
	metric_label(out, "sync_id", buf_str(&text));
	buf_reset(&text);
	if (d->group.family)
		addr_format_host(&text, &d->group);
	metric_label(out, "group", buf_str(&text));
	buf_reset(&text);
	buf_put_u64(&text, d->port);
	metric_label(out, "port", buf_str(&text));
	metric_label(out, "managed", v->duties->daemons_ours[row] ? "1" : "0");
	buf_fini(&text);
}

static const struct metric metrics[] = {
	{ .name = "ipvs_agent_role",
	  .help = "1 for the role in the pair, 0 for the others; absent with roles = off.",
	  .rows = &metric_one,
	  .get = role,
	  .label = "role",
	  .subs = view_role_names,
	  .n_subs = VIEW_N_ROLES },
	{ .name = "ipvs_vip_present",
	  .help = "Whether the address is on the interface.",
	  .rows = &vips,
	  .get = vip_present },
	{ .name = "ipvs_vip_wanted",
	  .help = "Whether the address should be on the interface.",
	  .rows = &vips,
	  .get = vip_wanted },
	{ .name = "ipvs_agent_vip_writes_total",
	  .type = METRIC_COUNTER,
	  .help = "Requests to the kernel about addresses, dummies and sync daemons.",
	  .rows = &metric_one,
	  .get = writes,
	  .label = "result",
	  .subs = results,
	  .n_subs = countof(results) },
	{ .name = "ipvs_sync_daemon_running",
	  .help = "Whether the kernel's connection sync daemon of that state runs, whoever started "
		  "it.",
	  .rows = &daemons,
	  .get = daemon_running },
	{ .name = "ipvs_sync_daemon_info",
	  .type = METRIC_INFO,
	  .help = "The sync daemon that runs; managed: the agent started it.",
	  .rows = &daemons,
	  .get = daemon_info,
	  .info = info_labels,
	  .info_names = "interface,sync_id,group,port,managed" },
};

const struct collector collector_duties = {
	.name = "duties",
	.help = "The role in a pair, VIPs, sync daemons",
	.metrics = metrics,
	.n_metrics = countof(metrics),
};
