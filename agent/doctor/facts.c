/* facts.c: which sysctls are looked at. */
#include "agent/doctor/facts.h"

#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"

const char *const fact_sysctls[SYS_N] = {
	[SYS_FORWARD4] = "net/ipv4/ip_forward",
	[SYS_FORWARD6] = "net/ipv6/conf/all/forwarding",
	[SYS_DISABLE6] = "net/ipv6/conf/all/disable_ipv6",
	[SYS_RP_FILTER] = "net/ipv4/conf/all/rp_filter",
	[SYS_ARP_IGNORE] = "net/ipv4/conf/all/arp_ignore",
	[SYS_SEND_REDIRECTS] = "net/ipv4/conf/all/send_redirects",
	[SYS_CONNTRACK_COUNT] = "net/netfilter/nf_conntrack_count",
	[SYS_CONNTRACK_MAX] = "net/netfilter/nf_conntrack_max",
	[SYS_NEIGHBOURS4] = "net/ipv4/neigh/default/gc_thresh3",
	[SYS_NEIGHBOURS6] = "net/ipv6/neigh/default/gc_thresh3",
	[SYS_PORTS] = "net/ipv4/ip_local_port_range",
	[SYS_PING_GROUPS] = "net/ipv4/ping_group_range",
	[SYS_EXPIRE_NODEST] = "net/ipv4/vs/expire_nodest_conn",
	[SYS_EXPIRE_QUIESCENT] = "net/ipv4/vs/expire_quiescent_template",
	[SYS_CONN_REUSE] = "net/ipv4/vs/conn_reuse_mode",
	[SYS_VS_CONNTRACK] = "net/ipv4/vs/conntrack",
	[SYS_SLOPPY_TCP] = "net/ipv4/vs/sloppy_tcp",
	[SYS_DROP_ENTRY] = "net/ipv4/vs/drop_entry",
	[SYS_DROP_PACKET] = "net/ipv4/vs/drop_packet",
	[SYS_SECURE_TCP] = "net/ipv4/vs/secure_tcp",
	[SYS_ESTIMATION] = "net/ipv4/vs/run_estimation",
};

void facts_fini(struct facts *f)
{
	struct buf *const texts[] = {
		&f->modules,      &f->available,  &f->apps,        &f->way_back,
		&f->agent.socket, &f->state.path, &f->state.mount,
	};
	size_t i;

	for (i = 0; i < countof(texts); i++)
		buf_fini(texts[i]);
	for (i = 0; i < f->n_writers; i++)
		buf_fini(&f->writers[i].config);
	for (i = 0; i < f->n_settings; i++) {
		buf_fini(&f->settings[i].name);
		buf_fini(&f->settings[i].found);
	}
	free(f->settings);
	free(f->interfaces);
	free(f->addresses);
	free(f->vips);
	free(f->hosts);
	free(f->writers);
	*f = (struct facts){ 0 };
}

bool facts_module(const struct buf *names, const char *name)
{
	struct buf line = BUF_INIT;
	bool found;

	buf_printf(&line, "\n%s\n", name);
	found = buf_ok(&line) && strstr(buf_str(names), buf_str(&line));
	buf_fini(&line);
	return found;
}
