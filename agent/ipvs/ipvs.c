/* ipvs.c: what the kernel's values have in common: their order, their names, when
 * two of them say the same. Everything here is pure. */
#include "agent/ipvs/ipvs.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"

static const char *const forward_names[] = {
	[IPVS_MASQ] = "masq",   [IPVS_LOCAL] = "local",   [IPVS_TUNNEL] = "tunnel",
	[IPVS_ROUTE] = "route", [IPVS_BYPASS] = "bypass",
};

static const char *const tunnel_names[] = {
	[IPVS_TUN_IPIP] = "ipip",
	[IPVS_TUN_GUE] = "gue",
	[IPVS_TUN_GRE] = "gre",
};

const char *ipvs_forward_name(unsigned int forward)
{
	return forward < countof(forward_names) ? forward_names[forward] : "unknown";
}

const char *ipvs_tunnel_name(unsigned int tunnel)
{
	return tunnel < countof(tunnel_names) ? tunnel_names[tunnel] : "unknown";
}

void ipvs_table_fini(struct ipvs_table *t)
{
	if (!t)
		return;
	free(t->services);
	free(t->dests);
	*t = (struct ipvs_table){ 0 };
}

bool ipvs_table_may_act(const struct ipvs_table *t)
{
	return t->complete && !t->error && t->source == IPVS_FROM_NETLINK;
}

static int compare_key(const void *key, const void *row)
{
	return ipvs_key_cmp(key, &((const struct ipvs_service *)row)->key);
}

static int compare_addr(const void *addr, const void *row)
{
	return addr_cmp(addr, &((const struct ipvs_dest *)row)->addr);
}

const struct ipvs_service *ipvs_table_service(const struct ipvs_table *t, const struct ipvs_key *k)
{
	if (!t->n_services)
		return NULL;
	return bsearch(k, t->services, t->n_services, sizeof(*t->services), compare_key);
}

const struct ipvs_dest *ipvs_table_dest(const struct ipvs_table *t, const struct ipvs_service *s,
					const struct addr *addr)
{
	if (!s->n_dests)
		return NULL;
	return bsearch(addr, t->dests + s->first_dest, s->n_dests, sizeof(*t->dests), compare_addr);
}

int ipvs_key_cmp(const struct ipvs_key *a, const struct ipvs_key *b)
{
	int r;

	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	r = addr_cmp(&a->addr, &b->addr);
	if (r)
		return r;
	return (a->fwmark > b->fwmark) - (a->fwmark < b->fwmark);
}

void ipvs_key_format(struct buf *out, const struct ipvs_key *k)
{
	static const struct {
		uint8_t proto;
		const char *scheme;
	} schemes[] = {
		{ IPPROTO_TCP, "tcp" },
		{ IPPROTO_UDP, "udp" },
		{ IPPROTO_SCTP, "sctp" },
	};

	if (k->fwmark) {
		buf_puts(out, k->addr.family == AF_INET6 ? "fwmark6://" : "fwmark://");
		buf_put_u64(out, k->fwmark);
		return;
	}
	for (size_t i = 0; i < countof(schemes); i++) {
		if (schemes[i].proto != k->proto)
			continue;
		buf_puts(out, schemes[i].scheme);
		buf_puts(out, "://");
		addr_format(out, &k->addr);
		return;
	}
	/* The kernel takes any protocol over netlink: show what others put there. */
	buf_printf(out, "proto%u://", k->proto);
	addr_format(out, &k->addr);
}
