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

static void put_realserver(const struct view *v, uint32_t realserver, struct buf *out)
{
	const char *name;

	if (v->name_of) {
		name = v->names.data + v->name_of[realserver];
		metric_label_copy(out, name + 1, (unsigned char)*name);
	} else {
		metric_label_value(out, view_conf(v, realserver)->name);
	}
}

static uint32_t dests_group(const struct view *v, uint32_t row, uint32_t *at, struct buf *out)
{
	const struct view_vip *vip = &v->vips[*at];

	for (; vip->first_dest + vip->n_dests <= row; vip++)
		++*at;
	vip_labels(v, NULL, *at, out);
	buf_puts(out, ",realserver=\"");
	return vip->first_dest + vip->n_dests;
}

static void dest_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			struct buf *out)
{
	if (v->dests[row].realserver == VIEW_NONE)
		metric_label_value(out, v->dests[row].name);
	else
		put_realserver(v, v->dests[row].realserver, out);
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

/* Of the service of a realserver, up to the realserver's name; returns the realserver behind it. */
static uint32_t pool_group(const struct view *v, uint32_t realserver, uint32_t *at ATTR_UNUSED,
			   struct buf *out)
{
	const struct view_service *s = &v->services[view_service(v, realserver)];

	metric_label(out, "ipvs_service", s->name);
	buf_puts(out, ",realserver=\"");
	return s->first_realserver + s->n_realservers;
}

static void realserver_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			      struct buf *out)
{
	put_realserver(v, row, out);
}

static uint32_t probes_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_probes;
}

static uint32_t probes_group(const struct view *v, uint32_t row, uint32_t *at, struct buf *out)
{
	uint32_t end = pool_group(v, v->probes[row].realserver, at, out);

	return view_probes_end(v, end - 1);
}

static void probe_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			 struct buf *out)
{
	put_realserver(v, v->probes[row].realserver, out);
	metric_label(out, "probe", view_probe_name(v, row));
}

const struct metric_rows metric_one = { .count = one_count };

const struct metric_rows metric_vips = {
	.count = vips_count,
	.labels = vip_labels,
	.names = "ipvs_service,address",
};

const struct metric_rows metric_dests = {
	.count = dests_count,
	.group = dests_group,
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
	.group = pool_group,
	.labels = realserver_labels,
	.names = "ipvs_service,realserver",
	.per_realserver = true,
};

const struct metric_rows metric_probes = {
	.count = probes_count,
	.group = probes_group,
	.labels = probe_labels,
	.names = "ipvs_service,realserver,probe",
	.per_realserver = true,
};
