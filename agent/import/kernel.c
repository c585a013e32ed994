/* kernel.c: services and dests as the kernel has them, as sections. What both can say is
 * said so that plan finds nothing to change. */
#include "agent/import/kernel.h"

#include <arpa/inet.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/import/frame.h"
#include "agent/model/lane.h"

enum { PERSISTENCE_MAX_S = 31 * 86400, WEIGHT_MAX = 65535 };

void import_key_wish(struct buf *out, const struct ipvs_key *key)
{
	ipvs_key_format(out, key);
}

/* --- scheduling ------------------------------------------------------------------ */

static bool module_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len < IPVS_NAME_LEN &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static const struct {
	uint32_t flag;
	const char *sh, *mh, *other;
} flag_words[] = {
	{ IPVS_SVC_SCHED1, "sh-fallback", "mh-fallback", "flag-1" },
	{ IPVS_SVC_SCHED2, "sh-port", "mh-port", "flag-2" },
	{ IPVS_SVC_SCHED3, "flag-3", "flag-3", "flag-3" },
};

static void put_flags(struct import_part *service, struct import_at at,
		      const struct ipvs_service *s)
{
	struct buf words = BUF_INIT;
	size_t i;

	for (i = 0; i < countof(flag_words); i++) {
		if (!(s->flags & flag_words[i].flag))
			continue;
		buf_printf(&words, "%s%s", words.len ? " " : "",
			   !strcmp(s->scheduler, "sh")   ? flag_words[i].sh
			   : !strcmp(s->scheduler, "mh") ? flag_words[i].mh
							 : flag_words[i].other);
	}
	if (words.len)
		import_key(service, at, "scheduler_flags", "%s", buf_str(&words));
	buf_fini(&words);
}

/* The length of an IPv4 mask's prefix; -1: it is none. */
static int prefix_of(uint32_t netmask)
{
	uint32_t bits = ntohl(netmask);
	int n = __builtin_popcount(bits);

	return bits && bits == UINT32_MAX << (32 - n) ? n : -1;
}

static void put_netmask(struct import_part *service, struct import_at at, const char *what,
			const struct ipvs_service *s)
{
	bool six = s->key.addr.family == AF_INET6;
	int n = six ? s->netmask <= 128 ? (int)s->netmask : -1 : prefix_of(s->netmask);

	if (n < 1)
		import_note(service->im, service, IMPORT_DROPPED, at, what,
			    "a netmask that is no network's: each client counts for itself");
	else if (n < (six ? 128 : 32))
		import_key(service, at, six ? "persistence_netmask6" : "persistence_netmask", "%d",
			   n);
}

static void put_persistence(struct import_part *service, struct import_at at, const char *what,
			    const struct ipvs_service *s)
{
	uint32_t seconds = s->timeout;
	struct buf text = BUF_INIT;

	if (!seconds) {
		import_note(service->im, service, IMPORT_APPROXIMATED, at, what,
			    "persistence of no time at all: 1 second stands for it");
		seconds = 1;
	}
	if (seconds > PERSISTENCE_MAX_S) {
		import_note(service->im, service, IMPORT_APPROXIMATED, at, what,
			    "persistence of %u seconds: 31 days are the most", seconds);
		seconds = PERSISTENCE_MAX_S;
	}
	format_duration(&text, seconds * INT64_C(1000));
	import_key(service, at, "persistence", "%s", buf_str(&text));
	put_netmask(service, at, what, s);
	buf_fini(&text);
}

const char *import_impossible(const struct ipvs_service *s)
{
	const struct ipvs_key *k = &s->key;

	if (!k->fwmark && k->proto != IPPROTO_TCP && k->proto != IPPROTO_UDP &&
	    k->proto != IPPROTO_SCTP)
		return "a protocol that is neither TCP, UDP nor SCTP";
	if (lane_is_key(k))
		return "such marks are ipvs-agent's own, which it makes by itself for its probes";
	if (!k->fwmark && !k->addr.port && !(s->flags & IPVS_SVC_PERSISTENT))
		return "port 0, which is every port, needs persistence";
	return NULL;
}

bool import_scheduling(struct import_part *service, struct import_at at, const char *what,
		       const struct ipvs_service *s)
{
	const struct ipvs_key *k = &s->key;
	size_t before;

	if (!service)
		return false;
	before = service->im->n_noted;
	if (module_name_ok(s->scheduler))
		import_key(service, at, "scheduler", "%s", s->scheduler);
	else
		import_note(service->im, service, IMPORT_APPROXIMATED, at, what,
			    "'%s' is no name of a scheduler: the default stands (wlc)",
			    s->scheduler);
	put_flags(service, at, s);
	if (s->flags & IPVS_SVC_ONEPACKET && (k->fwmark || k->proto == IPPROTO_UDP))
		import_key(service, at, "one_packet", "on");
	else if (s->flags & IPVS_SVC_ONEPACKET)
		import_note(service->im, service, IMPORT_DROPPED, at, what,
			    "packets are scheduled one by one for UDP and firewall marks only");
	if (s->flags & IPVS_SVC_PERSISTENT)
		put_persistence(service, at, what, s);
	if (*s->engine && module_name_ok(s->engine))
		import_key(service, at, "persistence_engine", "%s", s->engine);
	else if (*s->engine)
		import_note(service->im, service, IMPORT_DROPPED, at, what,
			    "'%s' is no name of a persistence engine", s->engine);
	return service->im->n_noted == before;
}

/* --- the pool ----------------------------------------------------------------------- */

/* One that is carried over as it stands in `dest`, behind the notes of why not quite. */
struct carried {
	struct ipvs_dest dest;
	const struct import_dest *source;
	struct import_part *service;
	struct buf what;
};

static void note(const struct carried *c, enum import_fate fate, const char *text)
{
	import_note(c->service->im, c->service, fate, c->source->at, buf_str(&c->what), "%s", text);
}

static bool fit_forward(struct carried *c)
{
	switch (c->dest.forward) {
	case IPVS_MASQ:
	case IPVS_ROUTE:
	case IPVS_TUNNEL:
		return true;
	case IPVS_LOCAL:
		note(c, IMPORT_APPROXIMATED,
		     "forwarding method 'local': route stands for it, and the kernel delivers to "
		     "this machine by itself");
		c->dest.forward = IPVS_ROUTE;
		return true;
	default:
		note(c, IMPORT_DROPPED, "a forwarding method that is none of route, masq, tunnel");
		return false;
	}
}

/* What each kind of tunnel takes. */
static const struct {
	uint8_t type, flags;
	bool port;
} tunnels[] = {
	{ IPVS_TUN_IPIP, 0, false },
	{ IPVS_TUN_GUE, IPVS_TUN_CSUM | IPVS_TUN_REMCSUM, true },
	{ IPVS_TUN_GRE, IPVS_TUN_CSUM, false },
};

static bool fit_tunnel(struct carried *c)
{
	struct ipvs_dest *d = &c->dest;
	size_t i;

	if (d->forward != IPVS_TUNNEL) {
		d->tun_type = d->tun_flags = 0;
		d->tun_port = 0;
		return true;
	}
	for (i = 0; i < countof(tunnels) && tunnels[i].type != d->tun_type; i++)
		;
	if (i == countof(tunnels)) {
		note(c, IMPORT_DROPPED, "a tunnel that is none of ipip, gue, gre");
		return false;
	}
	if (tunnels[i].port && !d->tun_port) {
		note(c, IMPORT_DROPPED, "a gue tunnel needs its port");
		return false;
	}
	if (!tunnels[i].port)
		d->tun_port = 0;
	if (d->tun_flags & ~tunnels[i].flags ||
	    d->tun_flags == (IPVS_TUN_CSUM | IPVS_TUN_REMCSUM)) {
		note(c, IMPORT_APPROXIMATED, "checksums that such a tunnel has not: left out");
		d->tun_flags = 0;
	}
	return true;
}

/* A port that is none, or is the service's, needs no word. */
static void fit_port(struct carried *c, const struct ipvs_key *key)
{
	struct addr *a = &c->dest.addr;

	if (key->fwmark || a->port == key->addr.port)
		return;
	if (c->dest.forward != IPVS_MASQ)
		note(c, IMPORT_APPROXIMATED,
		     "only masq changes the port: the service's is the one that it gets");
	else if (!a->port)
		note(c, IMPORT_APPROXIMATED, "port 0: the service's is the one that it gets");
	if (c->dest.forward != IPVS_MASQ || !a->port)
		a->port = key->addr.port;
}

static void fit_numbers(struct carried *c)
{
	struct ipvs_dest *d = &c->dest;

	if (d->weight > WEIGHT_MAX) {
		note(c, IMPORT_APPROXIMATED, "65535 is the greatest weight");
		d->weight = WEIGHT_MAX;
	}
	if (d->upper > INT32_MAX || d->lower > INT32_MAX) {
		note(c, IMPORT_DROPPED, "a threshold that large is no limit");
		d->upper = d->lower = 0;
	}
	if (d->lower > d->upper) {
		note(c, IMPORT_DROPPED,
		     "a lower threshold above the upper one: three quarters of the upper one "
		     "stand");
		d->lower = 0;
	}
}

static bool fit(struct carried *c, const struct ipvs_key *key)
{
	if (!fit_forward(c) || !fit_tunnel(c))
		return false;
	if (c->dest.addr.family != key->addr.family && c->dest.forward != IPVS_TUNNEL) {
		note(c, IMPORT_DROPPED, "a server of another family needs a tunnel");
		return false;
	}
	fit_port(c, key);
	fit_numbers(c);
	return true;
}

/* As the INI has it: gue:6080 csum, parted by `sep`. */
static void put_tunnel(struct buf *out, const struct ipvs_dest *d, char sep)
{
	buf_puts(out, ipvs_tunnel_name(d->tun_type));
	if (d->tun_port)
		buf_printf(out, ":%u", d->tun_port);
	if (d->tun_flags)
		buf_printf(out, "%c%s", sep, d->tun_flags & IPVS_TUN_REMCSUM ? "remcsum" : "csum");
}

static bool same_tunnel(const struct ipvs_dest *a, const struct ipvs_dest *b)
{
	return a->tun_type == b->tun_type && a->tun_port == b->tun_port &&
	       a->tun_flags == b->tun_flags;
}

/* What the first says is the service's; the others say where they differ. */
static void put_more(struct buf *out, const struct carried *c, const struct ipvs_dest *first)
{
	const struct ipvs_dest *d = &c->dest;

	buf_printf(out, "weight=%u", d->weight);
	if (d->forward != first->forward)
		buf_printf(out, " forward=%s", ipvs_forward_name(d->forward));
	if (d->forward == IPVS_TUNNEL && !same_tunnel(d, first)) {
		buf_puts(out, " tunnel=");
		put_tunnel(out, d, ',');
	}
	if (d->upper)
		buf_printf(out, " upper=%u", d->upper);
	if (d->lower)
		buf_printf(out, " lower=%u", d->lower);
	if (c->source->disabled)
		buf_puts(out, " enabled=no");
}

static void put_method(const struct carried *c)
{
	struct buf text = BUF_INIT;

	import_key(c->service, c->source->at, "forward", "%s", ipvs_forward_name(c->dest.forward));
	put_tunnel(&text, &c->dest, ' ');
	if (c->dest.forward == IPVS_TUNNEL && strcmp(buf_str(&text), "ipip"))
		import_key(c->service, c->source->at, "tunnel", "%s", buf_str(&text));
	buf_fini(&text);
}

/* The next one; the first that is carried over says what the service's method is. */
static void carry(struct carried *c, const struct ipvs_key *key, struct ipvs_dest *first)
{
	struct import *im = c->service->im;
	struct buf more = BUF_INIT;
	size_t before = im->n_noted;

	if (!fit(c, key))
		return;
	if (!first->addr.family) {
		put_method(c);
		*first = c->dest;
	}
	put_more(&more, c, first);
	im->n_zero += !c->dest.weight;
	if (import_server(c->service, c->source->at, c->source->backup ? "backup" : "realserver",
			  c->source->wish, &c->dest.addr, buf_str(&more)) &&
	    im->n_noted == before && !c->source->noted)
		note(c, IMPORT_IMPORTED, "");
	im->oom |= !buf_ok(&more) || !buf_ok(&c->what);
	buf_fini(&more);
}

void import_pool(struct import_part *service, const struct ipvs_key *key,
		 const struct import_dest *dests, size_t n)
{
	struct carried c = { .service = service };
	struct ipvs_dest first = { .weight = 0 };
	size_t i;

	for (i = 0; service && i < n; i++) {
		c.source = &dests[i];
		c.dest = dests[i].dest;
		buf_reset(&c.what);
		if (dests[i].what)
			buf_puts(&c.what, dests[i].what);
		else
			addr_format(&c.what, &c.dest.addr);
		carry(&c, key, &first);
	}
	buf_fini(&c.what);
}
