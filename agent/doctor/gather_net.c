/* gather_net.c: interfaces and their addresses, IPv4's routes, and where the addresses of
 * the file are: a UDP socket that is connected asks the routing, and nothing is sent. */
#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/procfile.h"
#include "agent/base/ways.h"
#include "agent/doctor/gather.h"

/* A table of routes is searched from end to end for each realserver. */
enum { MAX_ROUTES = 4 * 1024 * 1024, MAX_LOOKS = 100 * 1000 * 1000, DISCARD_PORT = 9 };

static bool same_host(const struct addr *a, const struct addr *b)
{
	struct addr host = *a;

	host.port = b->port;
	return !addr_cmp(&host, b);
}

/* --- interfaces ------------------------------------------------------------- */

static uint32_t find_interface(const struct facts *f, const char *name)
{
	uint32_t i;

	for (i = 0; i < f->n_interfaces; i++)
		if (!strcmp(f->interfaces[i].name, name))
			return i;
	return FACTS_NONE;
}

static struct fact own_sysctl(const char *procfs, const char *interface, const char *name)
{
	struct fact value = { .error = -ENOMEM };
	struct buf path = BUF_INIT;

	buf_printf(&path, "sys/net/ipv4/conf/%s/%s", interface, name);
	if (buf_ok(&path))
		value = gather_numbers(procfs, buf_str(&path));
	buf_fini(&path);
	return value;
}

static uint32_t mtu_of(int fd, const char *name)
{
	struct ifreq r = { 0 };

	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	return ioctl(fd, SIOCGIFMTU, &r) ? 0 : (uint32_t)r.ifr_mtu;
}

static uint32_t add_interface(const char *procfs, struct facts *f, const struct ifaddrs *p, int fd)
{
	uint32_t at = find_interface(f, p->ifa_name);
	struct facts_interface *grown, *i;

	if (at != FACTS_NONE)
		return at;
	grown = reallocarray(f->interfaces, f->n_interfaces + 1, sizeof(*grown));
	if (!grown) {
		f->failed = true;
		return FACTS_NONE;
	}
	f->interfaces = grown;
	i = &grown[f->n_interfaces];
	*i = (struct facts_interface){
		.up = p->ifa_flags & IFF_UP,
		.loopback = p->ifa_flags & IFF_LOOPBACK,
		.mtu = mtu_of(fd, p->ifa_name),
		.rp_filter = own_sysctl(procfs, p->ifa_name, "rp_filter"),
		.arp_ignore = own_sysctl(procfs, p->ifa_name, "arp_ignore"),
		.send_redirects = own_sysctl(procfs, p->ifa_name, "send_redirects"),
	};
	(void)snprintf(i->name, sizeof(i->name), "%s", p->ifa_name);
	return f->n_interfaces++;
}

static uint32_t prefix_of(const struct sockaddr *mask)
{
	struct addr a;
	uint32_t bits = 0;
	size_t i;

	if (!mask || addr_from_sockaddr(mask, &a))
		return 0;
	for (i = 0; i < sizeof(a.bytes); i++)
		bits += (uint32_t)__builtin_popcount(a.bytes[i]);
	return bits;
}

static void add_address(struct facts *f, const struct ifaddrs *p, uint32_t interface)
{
	struct facts_address *grown, a = { .interface = interface };

	if (!p->ifa_addr || addr_from_sockaddr(p->ifa_addr, &a.addr))
		return;
	a.addr.port = 0;
	a.prefix = prefix_of(p->ifa_netmask);
	grown = reallocarray(f->addresses, f->n_addresses + 1, sizeof(*grown));
	if (!grown) {
		f->failed = true;
		return;
	}
	f->addresses = grown;
	f->addresses[f->n_addresses++] = a;
}

static int gather_interfaces(const char *procfs, struct facts *f)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), e = 0;
	struct ifaddrs *all = NULL, *p;

	if (fd == -1 || getifaddrs(&all) == -1)
		e = -errno;
	for (p = all; p; p = p->ifa_next) {
		uint32_t i = add_interface(procfs, f, p, fd);

		if (i != FACTS_NONE)
			add_address(f, p, i);
	}
	if (all)
		freeifaddrs(all);
	if (fd != -1)
		close(fd);
	return e;
}

/* The interface that has the address; FACTS_NONE. */
static uint32_t interface_of(const struct facts *f, const struct addr *addr)
{
	uint32_t i;

	for (i = 0; i < f->n_addresses; i++)
		if (same_host(&f->addresses[i].addr, addr))
			return f->addresses[i].interface;
	return FACTS_NONE;
}

/* --- routes of IPv4 --------------------------------------------------------- */

struct route {
	uint32_t to, mask, gateway; /* host order */
	unsigned int metric;
	char interface[IF_NAMESIZE];
};

struct routes {
	struct route *rows;
	size_t n;
};

/* "eth0 00000A0A 00000000 0001 0 0 0 00FFFFFF 0 0 0": words of memory, in hex. */
static void read_routes(const char *procfs, struct facts *f, struct routes *ret_routes)
{
	struct buf text = BUF_INIT;
	struct routes r = { 0 };
	char *save = NULL, *line;

	f->routes_error = procfile_read_below(procfs, "net/route", MAX_ROUTES, &text);
	line = !f->routes_error && text.data ? strtok_r(text.data, "\n", &save) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &save)) {
		struct route *grown, row;
		unsigned int flags;

		if (sscanf(line, "%15s %x %x %x %*d %*d %u %x", row.interface, &row.to,
			   &row.gateway, &flags, &row.metric, &row.mask) != 6)
			continue;
		row.to = ntohl(row.to);
		row.mask = ntohl(row.mask);
		row.gateway = ntohl(row.gateway);
		grown = reallocarray(r.rows, r.n + 1, sizeof(*grown));
		if (!grown) {
			f->failed = true;
			break;
		}
		r.rows = grown;
		r.rows[r.n++] = row;
	}
	buf_fini(&text);
	*ret_routes = r;
}

/* The longest prefix that has it, then the least metric. */
static const struct route *find_route(const struct routes *r, const struct addr *addr)
{
	const struct route *best = NULL;
	uint32_t to;
	size_t i;

	memcpy(&to, addr->bytes, sizeof(to));
	to = ntohl(to);
	for (i = 0; i < r->n; i++) {
		const struct route *row = &r->rows[i];

		if ((to & row->mask) != row->to)
			continue;
		if (!best || row->mask > best->mask ||
		    (row->mask == best->mask && row->metric < best->metric))
			best = row;
	}
	return best;
}

/* --- where addresses are ------------------------------------------------------ */

static int cmp_vips(const void *a, const void *b)
{
	const struct facts_vip *x = a, *y = b;
	int r = addr_cmp(&x->addr, &y->addr);

	return r ? r : x->service < y->service ? -1 : x->service > y->service;
}

static void look_at_vip(struct facts *f, struct ways *ways, struct facts_vip *v)
{
	struct addr source;
	uint32_t i;

	v->interface = FACTS_NONE;
	for (i = 0; i < f->n_addresses; i++) {
		const struct facts_address *a = &f->addresses[i];

		if (!same_host(&a->addr, &v->addr))
			continue;
		v->on_interface = true;
		v->on_loopback |= f->interfaces[a->interface].loopback;
		v->interface = a->interface;
	}
	v->local = v->on_interface;
	if (v->local)
		return;
	v->error = ways_source(ways, &v->addr, &source);
	if (v->error)
		return;
	v->local = same_host(&source, &v->addr);
	if (v->interface == FACTS_NONE)
		v->interface = interface_of(f, &source);
}

static void gather_vips(struct facts *f, struct ways *ways)
{
	const struct layout *l = f->layout;
	uint32_t i, n = 0;

	f->vips = calloc(l->n_vips ? l->n_vips : 1, sizeof(*f->vips));
	if (!f->vips) {
		f->failed = true;
		return;
	}
	for (i = 0; i < l->n_vips; i++) {
		if (l->vips[i].key.fwmark)
			continue;
		f->vips[n] = (struct facts_vip){ .addr = l->vips[i].key.addr,
						 .service = l->vips[i].service };
		f->vips[n++].addr.port = 0;
	}
	if (n)
		qsort(f->vips, n, sizeof(*f->vips), cmp_vips);
	for (i = 0; i < n; i++)
		if (!i || addr_cmp(&f->vips[i].addr, &f->vips[f->n_vips - 1].addr))
			f->vips[f->n_vips++] = f->vips[i];
	for (i = 0; i < f->n_vips; i++)
		look_at_vip(f, ways, &f->vips[i]);
}

static int cmp_hosts(const void *a, const void *b)
{
	const struct facts_host *x = a, *y = b;
	int r = addr_cmp(&x->addr, &y->addr);

	r = r ? r : x->forward - y->forward;
	return r ? r : x->realserver < y->realserver ? -1 : x->realserver > y->realserver;
}

/* What the kernel knows of the path's MTU; 0 = nothing. */
static uint32_t path_mtu(const struct addr *to)
{
	int fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu = 0;
	bool six = to->family == AF_INET6;
	struct addr aim = *to;
	struct sockaddr_storage ss;
	socklen_t len, size = sizeof(mtu);

	if (fd == -1)
		return 0;
	aim.port = DISCARD_PORT;
	len = addr_to_sockaddr(&aim, &ss);
	if (connect(fd, (struct sockaddr *)&ss, len) ||
	    getsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU : IP_MTU, &mtu, &size))
		mtu = 0;
	close(fd);
	return mtu > 0 ? (uint32_t)mtu : 0;
}

static void look_at_host(struct facts *f, struct ways *ways, const struct routes *routes,
			 struct facts_host *h)
{
	const struct route *route = NULL;
	struct addr source;

	h->interface = FACTS_NONE;
	h->local = interface_of(f, &h->addr) != FACTS_NONE;
	h->error = ways_source(ways, &h->addr, &source);
	if (h->error)
		return;
	h->interface = interface_of(f, &source);
	if (h->forward == IPVS_TUNNEL)
		h->mtu = path_mtu(&h->addr);
	if (h->addr.family == AF_INET)
		route = find_route(routes, &h->addr);
	if (route) {
		h->gateway = route->gateway != 0;
		h->host_route = route->mask == UINT32_MAX;
		if (find_interface(f, route->interface) != FACTS_NONE)
			h->interface = find_interface(f, route->interface);
	}
}

static void gather_hosts(struct facts *f, struct ways *ways, const struct routes *routes)
{
	const struct layout *l = f->layout;
	uint32_t i;

	f->hosts = calloc(l->n_dests ? l->n_dests : 1, sizeof(*f->hosts));
	if (!f->hosts) {
		f->failed = true;
		return;
	}
	for (i = 0; i < l->n_dests; i++) {
		const struct realserver_terms *t =
			l->realservers[l->dests[i].realserver].conf->terms;

		f->hosts[i] = (struct facts_host){ .addr = layout_dest_addr(l, i),
						   .realserver = l->dests[i].realserver,
						   .forward = t->forward,
						   .tunnel = t->tunnel.type };
		f->hosts[i].addr.port = 0;
	}
	if (l->n_dests)
		qsort(f->hosts, l->n_dests, sizeof(*f->hosts), cmp_hosts);
	for (i = 0; i < l->n_dests; i++) {
		const struct facts_host *last = f->n_hosts ? &f->hosts[f->n_hosts - 1] : NULL;

		if (!last || addr_cmp(&f->hosts[i].addr, &last->addr) ||
		    f->hosts[i].forward != last->forward)
			f->hosts[f->n_hosts++] = f->hosts[i];
	}
	for (i = 0; i < f->n_hosts; i++)
		look_at_host(f, ways, routes, &f->hosts[i]);
}

void gather_net(const struct gather_asked *asked, struct facts *f)
{
	static const struct addr anywhere = { .family = AF_INET };
	struct routes routes = { 0 };
	const struct route *out;
	struct ways *ways = NULL;

	f->net_error = gather_interfaces(asked->procfs, f);
	if (f->net_error)
		return;
	if (ways_new(1, &ways)) {
		f->failed = true;
		return;
	}
	read_routes(asked->procfs, f, &routes);
	if (routes.n > MAX_LOOKS / ((size_t)f->layout->n_dests + 1)) {
		f->routes_error = -E2BIG;
		routes.n = 0;
	}
	out = find_route(&routes, &anywhere);
	if (out && !out->mask)
		f->default_interface = find_interface(f, out->interface);
	gather_vips(f, ways);
	gather_hosts(f, ways, &routes);
	ways_free(ways);
	free(routes.rows);
}
