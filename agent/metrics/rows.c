/* rows.c: the sets of rows that many families share, with their labels: the
 * contract of what a series is known by. */
#include "agent/metrics/metric.h"
#include "agent/model/view.h"

static uint32_t one_count(const struct view *v ATTR_UNUSED, const void *values ATTR_UNUSED)
{
	return 1;
}

static uint32_t vips_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_vips;
}

static void vip_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		       struct buf *out)
{
	metric_label(out, "ipvs_service", v->vips[row].service);
	metric_label(out, "address", v->vips[row].address);
}

static uint32_t dests_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_dests;
}

static void dest_labels(const struct view *v, const void *values, uint32_t row, struct buf *out)
{
	vip_labels(v, values, v->dests[row].vip, out);
	metric_label(out, "realserver", v->dests[row].name);
}

static uint32_t services_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_services;
}

static void service_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			   struct buf *out)
{
	metric_label(out, "ipvs_service", v->services[row].name);
}

static uint32_t realservers_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_realservers;
}

static void realserver_labels(const struct view *v, const void *values, uint32_t row,
			      struct buf *out)
{
	service_labels(v, values, v->realservers[row].service, out);
	metric_label(out, "realserver", v->realservers[row].name);
}

static uint32_t probes_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_probes;
}

/* `target` only where it is needed: for Prometheus an absent label is an empty
 * one, so all series of a family still have the same labels. */
static void probe_labels(const struct view *v, const void *values, uint32_t row, struct buf *out)
{
	const struct view_probe *p = &v->probes[row];

	realserver_labels(v, values, p->realserver, out);
	metric_label(out, "probe", p->name);
	if (p->target)
		metric_label(out, "target", p->target);
}

const struct metric_rows metric_one = { .count = one_count };

const struct metric_rows metric_vips = {
	.count = vips_count,
	.labels = vip_labels,
	.names = "ipvs_service,address",
};

const struct metric_rows metric_dests = {
	.count = dests_count,
	.labels = dest_labels,
	.names = "ipvs_service,address,realserver",
	.per_realserver = true,
};

const struct metric_rows metric_services = {
	.count = services_count,
	.labels = service_labels,
	.names = "ipvs_service",
};

const struct metric_rows metric_realservers = {
	.count = realservers_count,
	.labels = realserver_labels,
	.names = "ipvs_service,realserver",
	.per_realserver = true,
};

const struct metric_rows metric_probes = {
	.count = probes_count,
	.labels = probe_labels,
	.names = "ipvs_service,realserver,probe",
	.per_realserver = true,
};
