/* judge_net.c: interfaces, addresses, routes. */
#include <errno.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/doctor/doctor.h"

enum { STRICT = 1, NEIGHBOURS_MIN = 1024, USUAL_PORTS = 60999 - 32768 + 1 };

/* None of it was looked at: said once for each check. */
static bool blind(struct doctor *d, const struct doctor_check *c)
{
	if (d->facts->net_error)
		doctor_misses(d, c, "interfaces and addresses", d->facts->net_error);
	return d->facts->net_error != 0;
}

/* Is that what the routing said, or could it not be asked: no file, no port was left? */
static bool says_no(int error)
{
	return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EACCES ||
	       error == -EPERM || error == -EINVAL || error == -EADDRNOTAVAIL;
}

/* The values of "all" and of an interface, the greater of which counts; unknown ones do
 * not. */
static int64_t greater(const struct fact *all, const struct fact *own)
{
	int64_t a = all->error ? 0 : all->value, b = own->error ? 0 : own->value;

	return a > b ? a : b;
}

static void put_interface_sysctl(struct buf *out, const char *interface, const char *name)
{
	struct buf path = BUF_INIT;

	buf_printf(&path, "net/ipv4/conf/%s/%s", interface, name);
	doctor_sysctl_name(out, buf_str(&path));
	buf_fini(&path);
}

static const char *service_of(const struct facts *f, const struct facts_host *h)
{
	return facts_service(f, f->layout->realservers[h->realserver].service);
}

/* "realserver web1 10.1.2.21 (service web)" */
static void put_host(struct buf *out, const struct facts *f, const struct facts_host *h)
{
	buf_printf(out, "realserver %s ", f->layout->realservers[h->realserver].conf->name);
	addr_format_host(out, &h->addr);
	buf_printf(out, " (service %s)", service_of(f, h));
}

/* --- addresses of services ---------------------------------------------------------- */

void judge_vip(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	uint32_t i;

	if (blind(d, c))
		return;
	for (i = 0; i < f->n_vips; i++) {
		const struct facts_vip *v = &f->vips[i];
		uint32_t to = v->interface == FACTS_NONE ? f->default_interface : v->interface;
		struct doctor_finding *found;

		if (v->local)
			continue;
		if (v->error && !says_no(v->error)) {
			doctor_misses(d, c, "the way to addresses of services", v->error);
			return;
		}
		found = doctor_find(d, c, c->severity);
		addr_format_host(&found->subject, &v->addr);
		buf_printf(&found->subject, " is on no interface (service %s)",
			   facts_service(f, v->service));
		buf_puts(&found->command, "ip address add ");
		addr_format_host(&found->command, &v->addr);
		buf_puts(&found->command, v->addr.family == AF_INET ? "/32 dev " : "/128 dev ");
		doctor_word(&found->command, to == FACTS_NONE ? "lo" : f->interfaces[to].name);
	}
}

void judge_ipv6(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	const struct fact *now = &f->sysctls[c->sysctl];
	uint32_t service = FACTS_NONE, i;
	struct doctor_finding *found;

	for (i = 0; i < f->n_vips && service == FACTS_NONE; i++)
		if (f->vips[i].addr.family == AF_INET6)
			service = f->vips[i].service;
	for (i = 0; i < f->n_hosts && service == FACTS_NONE; i++)
		if (f->hosts[i].addr.family == AF_INET6)
			service = f->layout->realservers[f->hosts[i].realserver].service;
	if (service == FACTS_NONE ||
	    (now->error != -ENOENT && !doctor_sees(d, c, now, "disable_ipv6")))
		return;
	if (!now->error && !now->value)
		return;
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject, "IPv6 is %s (service %s)",
		   now->error ? "not in this kernel" : "switched off", facts_service(f, service));
	buf_puts(&found->command,
		 now->error ? "modprobe ipv6" : "sysctl -w net.ipv6.conf.all.disable_ipv6=0");
}

/* Is a realserver of that service this machine? */
static bool serves_itself(const struct facts *f, uint32_t service)
{
	uint32_t i;

	for (i = 0; i < f->n_hosts; i++)
		if (f->hosts[i].local &&
		    f->layout->realservers[f->hosts[i].realserver].service == service)
			return true;
	return false;
}

static bool answers_arp(const struct facts *f)
{
	uint32_t i;

	for (i = 0; i < f->n_interfaces; i++)
		if (f->interfaces[i].up && !f->interfaces[i].loopback &&
		    !f->interfaces[i].arp_ignore.error &&
		    !greater(&f->sysctls[SYS_ARP_IGNORE], &f->interfaces[i].arp_ignore))
			return true;
	return false;
}

void judge_arp(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	struct doctor_finding *found;
	uint32_t i;

	if (blind(d, c) || !answers_arp(f))
		return;
	for (i = 0; i < f->n_vips; i++) {
		const struct facts_vip *v = &f->vips[i];

		if (v->addr.family != AF_INET || !v->on_loopback || !serves_itself(f, v->service))
			continue;
		found = doctor_find(d, c, c->severity);
		addr_format_host(&found->subject, &v->addr);
		buf_printf(&found->subject, " is on lo, and arp_ignore is 0 (service %s)",
			   facts_service(f, v->service));
		buf_puts(&found->command, "sysctl -w net.ipv4.conf.all.arp_ignore=1 "
					  "net.ipv4.conf.all.arp_announce=2");
		return;
	}
}

void judge_rp_filter(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	uint32_t i, k;

	if (blind(d, c) || f->default_interface == FACTS_NONE)
		return;
	for (i = 0; i < f->n_interfaces; i++) {
		const struct facts_interface *in = &f->interfaces[i];
		struct doctor_finding *found;

		if (in->loopback || i == f->default_interface ||
		    greater(&f->sysctls[SYS_RP_FILTER], &in->rp_filter) != STRICT)
			continue;
		for (k = 0; k < f->n_vips; k++)
			if (f->vips[k].on_interface && f->vips[k].interface == i &&
			    f->vips[k].addr.family == AF_INET)
				break;
		if (k == f->n_vips)
			continue;
		found = doctor_find(d, c, c->severity);
		buf_printf(&found->subject,
			   "rp_filter of %s is 1, and the default route leads out by %s "
			   "(service %s)",
			   in->name, f->interfaces[f->default_interface].name,
			   facts_service(f, f->vips[k].service));
		buf_puts(&found->command, "sysctl -w ");
		put_interface_sysctl(&found->command, in->name, "rp_filter");
		buf_puts(&found->command, "=2");
	}
}

void judge_way_back(struct doctor *d, const struct doctor_check *c)
{
	struct doctor_finding *found;

	if (!d->facts->way_back.len)
		return;
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject, "probes with via = forward need %s",
		   buf_str(&d->facts->way_back));
	buf_printf(&found->command, "sysctl -w %s", buf_str(&d->facts->way_back));
}

/* --- ways to realservers -------------------------------------------------------------- */

/* The rows are in the order of their addresses. */
static const struct facts_vip *vip_of(const struct facts *f, uint32_t vip)
{
	uint32_t low = 0, high = f->n_vips;
	struct addr a = f->layout->vips[vip].key.addr;

	a.port = 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int r = addr_cmp(&a, &f->vips[middle].addr);

		if (!r)
			return &f->vips[middle];
		if (r < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct facts_host *host_of(const struct facts *f, uint32_t dest)
{
	const struct layout *l = f->layout;
	uint8_t forward = l->realservers[l->dests[dest].realserver].conf->terms->forward;
	uint32_t low = 0, high = f->n_hosts;
	struct addr a = layout_dest_addr(l, dest);

	a.port = 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int r = addr_cmp(&a, &f->hosts[middle].addr);

		r = r ? r : forward - f->hosts[middle].forward;
		if (!r)
			return &f->hosts[middle];
		if (r < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The interface that has the address of a destination's service; FACTS_NONE = none that
 * clients come in by. */
static uint32_t clients_interface(const struct facts *f, uint32_t dest)
{
	const struct facts_vip *v = vip_of(f, f->layout->dests[dest].vip);

	if (!v || !v->on_interface || f->interfaces[v->interface].loopback)
		return FACTS_NONE;
	return v->interface;
}

/* "realserver web1 10.1.2.21 (service web)" of one destination. */
static void put_dest(struct buf *out, const struct facts *f, uint32_t dest)
{
	struct facts_host h = *host_of(f, dest);

	h.realserver = f->layout->dests[dest].realserver;
	put_host(out, f, &h);
}

static bool on_one_arm(const struct facts *f, uint32_t dest, uint32_t interface)
{
	const struct facts_host *h = host_of(f, dest);

	return h && h->forward == IPVS_MASQ && h->addr.family == AF_INET && !h->local &&
	       h->interface == interface && clients_interface(f, dest) == interface;
}

void judge_redirects(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	uint32_t i, k;

	if (blind(d, c))
		return;
	for (i = 0; i < f->n_interfaces; i++) {
		const struct facts_interface *in = &f->interfaces[i];
		struct doctor_finding *found;

		if (in->loopback || !greater(&f->sysctls[SYS_SEND_REDIRECTS], &in->send_redirects))
			continue;
		for (k = 0; k < f->layout->n_dests; k++)
			if (on_one_arm(f, k, i))
				break;
		if (k == f->layout->n_dests)
			continue;
		found = doctor_find(d, c, c->severity);
		put_dest(&found->subject, f, k);
		buf_printf(&found->subject, " and the service's address are both on %s", in->name);
		buf_puts(&found->command, "sysctl -w net.ipv4.conf.all.send_redirects=0 ");
		put_interface_sysctl(&found->command, in->name, "send_redirects");
		buf_puts(&found->command, "=0");
	}
}

static bool in_prefix(const struct facts_address *a, const struct addr *addr)
{
	uint32_t whole = a->prefix / 8, rest = a->prefix % 8;

	if (a->addr.family != addr->family || memcmp(a->addr.bytes, addr->bytes, whole))
		return false;
	return !rest || !((a->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest));
}

/* An interface that is down and would lead there. */
static uint32_t sleeping_interface(const struct facts *f, const struct addr *to)
{
	uint32_t i;

	for (i = 0; i < f->n_addresses; i++)
		if (!f->interfaces[f->addresses[i].interface].up && f->addresses[i].prefix &&
		    in_prefix(&f->addresses[i], to))
			return f->addresses[i].interface;
	return FACTS_NONE;
}

void judge_no_route(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	uint32_t i, in;

	if (blind(d, c))
		return;
	for (i = 0; i < f->n_hosts; i++) {
		const struct facts_host *h = &f->hosts[i];
		struct doctor_finding *found;

		if (!h->error)
			continue;
		if (!says_no(h->error)) {
			doctor_misses(d, c, "the way to realservers", h->error);
			return;
		}
		found = doctor_find(d, c, c->severity);
		put_host(&found->subject, f, h);
		buf_printf(&found->subject, ": %s", strerrordesc_np(-h->error) ?: "no way there");
		in = sleeping_interface(f, &h->addr);
		if (in != FACTS_NONE) {
			buf_puts(&found->command, "ip link set up dev ");
			doctor_word(&found->command, f->interfaces[in].name);
		} else {
			buf_puts(&found->command, "ip route get ");
			addr_format_host(&found->command, &h->addr);
		}
	}
}

void judge_on_link(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	uint32_t i;

	if (f->routes_error)
		doctor_misses(d, c, "the routes", f->routes_error);
	for (i = 0; i < f->n_hosts; i++) {
		const struct facts_host *h = &f->hosts[i];
		struct doctor_finding *found;

		if (h->forward != IPVS_ROUTE || !h->gateway || h->local ||
		    h->interface == FACTS_NONE)
			continue;
		found = doctor_find(d, c, c->severity);
		put_host(&found->subject, f, h);
		buf_puts(&found->subject, " is behind a gateway");
		/* A host's own route is in the way of the network's. */
		buf_printf(&found->command, "ip route %s ", h->host_route ? "delete" : "add");
		addr_format_host(&found->command, &h->addr);
		if (!h->host_route) {
			buf_puts(&found->command, "/32 dev ");
			doctor_word(&found->command, f->interfaces[h->interface].name);
		}
	}
}

/* What the headers of a tunnel take. */
static uint32_t overhead(const struct facts_host *h)
{
	static const uint32_t bytes[] = {
		[IPVS_TUN_IPIP] = 0, [IPVS_TUN_GUE] = 12, [IPVS_TUN_GRE] = 4
	};
	uint32_t ip = h->addr.family == AF_INET6 ? 40 : 20;

	return ip + (h->tunnel < countof(bytes) ? bytes[h->tunnel] : 0);
}

/* What a full packet of a client needs on the way to it; 0 = it is not known, or fits. */
static uint32_t lacks_room(const struct facts *f, uint32_t dest, uint32_t interface)
{
	const struct facts_host *h = host_of(f, dest);
	uint32_t from = clients_interface(f, dest), need;

	if (!h || h->forward != IPVS_TUNNEL || h->local || !h->mtu || h->interface != interface ||
	    from == FACTS_NONE)
		return 0;
	need = f->interfaces[from].mtu + overhead(h);
	return h->mtu < need ? need : 0;
}

void judge_mtu(struct doctor *d, const struct doctor_check *c)
{
	const struct facts *f = d->facts;
	uint32_t i, k;

	if (blind(d, c))
		return;
	for (i = 0; i < f->n_interfaces; i++) {
		uint32_t worst = 0, need = 0, n;
		struct doctor_finding *found;

		for (k = 0; k < f->layout->n_dests; k++) {
			n = lacks_room(f, k, i);
			if (n <= need)
				continue;
			need = n;
			worst = k;
		}
		if (!need)
			continue;
		found = doctor_find(d, c, c->severity);
		put_dest(&found->subject, f, worst);
		buf_printf(&found->subject,
			   ": the way by %s takes %u bytes, a full packet needs %u",
			   f->interfaces[i].name, host_of(f, worst)->mtu, need);
		buf_puts(&found->command, "ip link set dev ");
		doctor_word(&found->command, f->interfaces[i].name);
		buf_printf(&found->command, " mtu %u", need);
	}
}

static void judge_neighbours(struct doctor *d, const struct doctor_check *c, uint8_t family)
{
	const struct facts *f = d->facts;
	const struct fact *now = &f->sysctls[c->sysctl];
	struct doctor_finding *found;
	uint32_t n = 0, i;
	int64_t want;

	for (i = 0; i < f->n_hosts; i++)
		if (f->hosts[i].addr.family == family && !f->hosts[i].gateway &&
		    (!i || addr_cmp(&f->hosts[i].addr, &f->hosts[i - 1].addr)))
			n++;
	if (!n || !doctor_sees(d, c, now, fact_sysctls[c->sysctl]) || now->value >= 2 * (int64_t)n)
		return;
	want = n * INT64_C(4) > NEIGHBOURS_MIN ? n * INT64_C(4) : NEIGHBOURS_MIN;
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject, "it has room for %lld neighbours; there are %u realservers",
		   (long long)now->value, n);
	buf_puts(&found->command, "sysctl -w ");
	doctor_sysctl_name(&found->command, fact_sysctls[c->sysctl]);
	buf_printf(&found->command, "=%lld", (long long)want);
}

void judge_neighbours4(struct doctor *d, const struct doctor_check *c)
{
	judge_neighbours(d, c, AF_INET);
}

void judge_neighbours6(struct doctor *d, const struct doctor_check *c)
{
	judge_neighbours(d, c, AF_INET6);
}

void judge_ports(struct doctor *d, const struct doctor_check *c)
{
	const struct fact *now = &d->facts->sysctls[c->sysctl];
	uint32_t probes = facts_probes(d->facts);
	int64_t ports = now->second - now->value + 1;
	struct doctor_finding *found;

	if (!probes || !doctor_sees(d, c, now, fact_sysctls[c->sysctl]) ||
	    ports >= 2 * (int64_t)probes)
		return;
	found = doctor_find(d, c, c->severity);
	buf_printf(&found->subject, "%lld ports for %u probes", (long long)ports, probes);
	buf_printf(&found->command, "sysctl -w net.ipv4.ip_local_port_range=\"%s\"",
		   probes * 2 <= USUAL_PORTS ? "32768 60999" : "1024 65535");
}
