/* ipvs_labels.c: how the kernel has a service or realserver, in words. They stand
 * on info families only, so that a changed scheduler or forward method does not
 * start every counter anew. */
#include "collectors/ipvs_labels.h"

#include <string.h>

#include "agent/base/parse.h"
#include "agent/ipvs/ipvs.h"
#include "agent/model/view.h"

/* A label whose value has to be put together first; "" where memory is out: then
 * `out` fails too, or the scrape shows an empty label once. */
static void put_built(struct buf *out, const char *name, struct buf *value)
{
	metric_label(out, name, buf_str(value));
	buf_reset(value);
}

void kernel_info_labels(const struct view *v, const void *values ATTR_UNUSED,
			uint32_t row ATTR_UNUSED, struct buf *out)
{
	uint32_t version = v->agent.info.version;
	struct buf text = BUF_INIT;

	buf_put_u64(&text, version >> 16 & 0xff);
	buf_putc(&text, '.');
	buf_put_u64(&text, version >> 8 & 0xff);
	buf_putc(&text, '.');
	buf_put_u64(&text, version & 0xff);
	put_built(out, "version", &text);
	buf_fini(&text);
}

static const char *protocol_name(const struct ipvs_key *k)
{
	if (k->fwmark)
		return "fwmark";
	switch (k->proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	default:
		return "";
	}
}

/* The three scheduler flags mean what the scheduler takes them for; the names are
 * ipvsadm's. */
static const struct {
	uint32_t flag;
	const char *scheduler; /* NULL = any other */
	const char *name;
} flag_names[] = {
	{ IPVS_SVC_ONEPACKET, NULL, "one-packet" }, { IPVS_SVC_SCHED1, "sh", "sh-fallback" },
	{ IPVS_SVC_SCHED2, "sh", "sh-port" },       { IPVS_SVC_SCHED1, "mh", "mh-fallback" },
	{ IPVS_SVC_SCHED2, "mh", "mh-port" },       { IPVS_SVC_SCHED1, NULL, "flag-1" },
	{ IPVS_SVC_SCHED2, NULL, "flag-2" },        { IPVS_SVC_SCHED3, NULL, "flag-3" },
};

static void format_flags(struct buf *out, const struct ipvs_service *s)
{
	uint32_t left = s->flags;
	size_t i;

	for (i = 0; i < countof(flag_names); i++) {
		if (!(left & flag_names[i].flag))
			continue;
		if (flag_names[i].scheduler && strcmp(flag_names[i].scheduler, s->scheduler))
			continue;
		left &= ~flag_names[i].flag;
		if (out->len)
			buf_putc(out, ',');
		buf_puts(out, flag_names[i].name);
	}
}

/* As a prefix length, for both families. */
static unsigned int netmask_len(const struct ipvs_service *s)
{
	return s->key.addr.family == AF_INET6 ? s->netmask
					      : (unsigned int)__builtin_popcount(s->netmask);
}

/* /proc tells the persistence timeout in jiffies, and little of the rest. */
static void persistence_labels(const struct view *v, const struct ipvs_service *s, struct buf *text,
			       struct buf *out)
{
	bool told = s->flags & IPVS_SVC_PERSISTENT && v->table.source == IPVS_FROM_NETLINK;

	if (told)
		format_duration(text, (int64_t)s->timeout * 1000);
	put_built(out, "persistence", text);
	if (told)
		buf_put_u64(text, netmask_len(s));
	put_built(out, "persistence_netmask", text);
	metric_label(out, "persistence_engine", s->engine);
}

void service_info_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			 struct buf *out)
{
	const struct view_vip *vip = &v->vips[row];
	const struct ipvs_service *s = &v->table.services[vip->table];
	struct buf text = BUF_INIT;

	metric_label(out, "protocol", protocol_name(&s->key));
	metric_label(out, "family", s->key.addr.family == AF_INET6 ? "inet6" : "inet");
	metric_label(out, "scheduler", s->scheduler);
	format_flags(&text, s);
	put_built(out, "flags", &text);
	persistence_labels(v, s, &text, out);
	metric_label(out, "managed", vip->owner == VIEW_NONE ? "false" : "true");
	buf_fini(&text);
}

/* "ipip", "gre", "gue:5555". */
static void format_tunnel(struct buf *out, const struct ipvs_dest *d)
{
	buf_puts(out, ipvs_tunnel_name(d->tun_type));
	if (d->tun_type == IPVS_TUN_GUE) {
		buf_putc(out, ':');
		buf_put_u64(out, d->tun_port);
	}
}

static const char *checksum_name(uint16_t flags)
{
	if (flags & IPVS_TUN_REMCSUM)
		return "remcsum";
	return flags & IPVS_TUN_CSUM ? "csum" : "";
}

void dest_info_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		      struct buf *out)
{
	const struct view_dest *dest = &v->dests[row];
	const struct ipvs_dest *d = &v->table.dests[dest->table];
	const struct realserver_conf *r =
		dest->realserver == VIEW_NONE ? NULL : view_conf(v, dest->realserver);
	bool tunnel = d->forward == IPVS_TUNNEL && v->table.source == IPVS_FROM_NETLINK;
	struct buf text = BUF_INIT;

	addr_format(&text, &d->addr);
	put_built(out, "realserver_address", &text);
	metric_label(out, "forward", ipvs_forward_name(d->forward));
	if (tunnel)
		format_tunnel(&text, d);
	put_built(out, "tunnel", &text);
	metric_label(out, "tunnel_checksum", tunnel ? checksum_name(d->tun_flags) : "");
	metric_label(out, "domain", r && r->terms->domain ? r->terms->domain : "");
	metric_label(out, "managed", r ? "true" : "false");
	metric_label(out, "backup", r && r->backup ? "true" : "false");
	buf_fini(&text);
}
