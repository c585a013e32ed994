/* node_names.c: rows of the kernel's table under node_exporter's labels. Its parser
 * takes realservers of an SCTP service for those of the service before; here they
 * stand under proto="SCTP". */
#include "collectors/node_names.h"

#include <string.h>

#include "agent/model/view.h"

static uint32_t one_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->node_exporter_names;
}

static uint32_t backends_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->node_exporter_names ? v->n_dests : 0;
}

static const char *proto_name(const struct ipvs_key *k)
{
	if (k->fwmark)
		return "FWM";
	switch (k->proto) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	default:
		return "SCTP";
	}
}

static const struct ipvs_service *service_of(const struct view *v, uint32_t row)
{
	uint32_t at = v->vips[view_vip_of(v, row)].table;

	return at == VIEW_NONE ? NULL : &v->table.services[at];
}

static const struct ipvs_dest *dest_of(const struct view *v, uint32_t row)
{
	uint32_t at = v->dests[row].table;

	return at == VIEW_NONE ? NULL : &v->table.dests[at];
}

/* The services of one fwmark for IPv4 and IPv6 look alike in this label set, and a
 * tunnel may lead either to the same realserver. */
static const struct ipvs_dest *twin_of(const struct view *v, uint32_t row,
				       const struct ipvs_service *s, const struct ipvs_dest *d)
{
	uint32_t i, j, vip_of_row;

	if (!s->key.fwmark || d->forward != IPVS_TUNNEL)
		return NULL;
	vip_of_row = view_vip_of(v, row);
	for (i = 0; i < v->n_vips; i++) {
		const struct view_vip *vip = &v->vips[i];

		if (i == vip_of_row || vip->table == VIEW_NONE ||
		    v->table.services[vip->table].key.fwmark != s->key.fwmark)
			continue;
		for (j = vip->first_dest; j < vip->first_dest + vip->n_dests; j++) {
			const struct ipvs_dest *other = dest_of(v, j);

			if (other && !addr_cmp(&other->addr, &d->addr))
				return other;
		}
	}
	return NULL;
}

/* As node_exporter does it, values that fall onto one label set are added up; the
 * IPv4 service's row has the sum. */
static bool sum(const struct view *v, uint32_t row, size_t field, struct metric_value *ret_value)
{
	const struct ipvs_dest *d = dest_of(v, row), *twin;
	const struct ipvs_service *s = service_of(v, row);
	uint32_t n, more = 0;

	if (!d || !s)
		return false;
	twin = twin_of(v, row, s, d);
	if (twin && s->key.addr.family == AF_INET6)
		return false;
	memcpy(&n, (const char *)d + field, sizeof(n));
	if (twin)
		memcpy(&more, (const char *)twin + field, sizeof(more));
	*ret_value = metric_u64((uint64_t)n + more);
	return true;
}

bool node_active(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		 uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	return sum(v, row, offsetof(struct ipvs_dest, active), ret_value);
}

bool node_inactive(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		   uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	return sum(v, row, offsetof(struct ipvs_dest, inactive), ret_value);
}

bool node_weight(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		 uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	return sum(v, row, offsetof(struct ipvs_dest, weight), ret_value);
}

/* A host as Go's net.IP prints it: a mapped IPv4 address as IPv4. */
static void host_label(struct buf *out, const char *name, const struct addr *a, struct buf *text)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct addr plain = *a;

	if (a->family == AF_INET6 && !memcmp(a->bytes, mapped, sizeof(mapped))) {
		plain = (struct addr){ .family = AF_INET };
		memcpy(plain.bytes, a->bytes + 12, 4);
	}
	addr_format_host(text, &plain);
	metric_label(out, name, buf_str(text));
	buf_reset(text);
}

static void port_label(struct buf *out, const char *name, uint16_t port, struct buf *text)
{
	buf_put_u64(text, port);
	metric_label(out, name, buf_str(text));
	buf_reset(text);
}

/* Eight upper-case digits, as /proc prints it: not decimal. */
static void mark_label(struct buf *out, uint32_t mark)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[9] = "";
	int i;

	for (i = 7; i >= 0 && mark; i--, mark >>= 4)
		text[i] = digits[mark & 0xf];
	for (; i >= 0 && text[7]; i--)
		text[i] = '0';
	metric_label(out, "local_mark", text);
}

static void backend_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			   struct buf *out)
{
	const struct ipvs_key *k = &service_of(v, row)->key;
	const struct addr *remote = &dest_of(v, row)->addr;
	struct buf text = BUF_INIT;

	if (k->fwmark)
		metric_label(out, "local_address", "");
	else
		host_label(out, "local_address", &k->addr, &text);
	mark_label(out, k->fwmark);
	port_label(out, "local_port", k->fwmark ? 0 : k->addr.port, &text);
	metric_label(out, "proto", proto_name(k));
	host_label(out, "remote_address", remote, &text);
	port_label(out, "remote_port", remote->port, &text);
	buf_fini(&text);
}

const struct metric_rows node_backends = {
	.count = backends_count,
	.labels = backend_labels,
	.names = "local_address,local_mark,local_port,proto,remote_address,remote_port",
};

const struct metric_rows node_one = { .count = one_count };
