/* pool_check.c: what the lines of one pool say against each other. Sorted arrays
 * of indices find what is there twice: a pool may have 100,000 realservers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/base/rows.h"
#include "agent/model/pool_conf.h"

static const char *family_name(unsigned int family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

/* Once for all that share them. */
static void fill_terms(const struct service_conf *s, struct realserver_terms *t)
{
	if (t->filled)
		return;
	if (!t->has_forward)
		t->forward = s->terms.forward;
	if (!t->has_tunnel)
		t->tunnel = s->terms.tunnel;
	if (!t->has_upper)
		t->upper = s->terms.upper;
	if (!t->has_lower)
		t->lower = s->terms.lower;
	if (!t->has_probes)
		t->probes = s->terms.probes;
	t->filled = true;
}

static void fill_in(const struct service_conf *s, struct realserver_conf *r)
{
	if (!r->has_weight)
		r->weight = (uint16_t)s->weight;
	fill_terms(s, r->terms);
}

/* --- one realserver against the service ------------------------------------------- */

static void check_ports(struct config *c, const struct service_conf *s,
			const struct realserver_conf *r, const struct addr *a)
{
	uint32_t i;

	if (!a->port || r->terms->forward == IPVS_MASQ)
		return;
	for (i = 0; i < s->n_addresses; i++) {
		const struct vip_conf *vip = &s->addresses[i];

		if (vip->key.fwmark || vip->key.addr.port == a->port ||
		    (vip->key.addr.family != a->family && r->terms->forward != IPVS_TUNNEL))
			continue;
		conf_report(c, CONF_ERROR, s->head.file, r->line,
			    "%s %s: port %u is not that of %s, and '%s' cannot change it (masq "
			    "can)",
			    realserver_word(r), r->name, a->port, vip->text,
			    forward_word(r->terms->forward));
		return;
	}
}

static void check_family(struct config *c, const struct service_conf *s,
			 const struct realserver_conf *r, const struct addr *a)
{
	uint32_t i;

	for (i = 0; i < s->n_addresses; i++)
		if (s->addresses[i].key.addr.family == a->family)
			return;
	if (r->terms->forward != IPVS_TUNNEL)
		conf_report(c, CONF_ERROR, s->head.file, r->line,
			    "%s %s: the service has no %s address (another family needs forward = "
			    "tunnel)",
			    realserver_word(r), r->name, family_name(a->family));
}

static void check_one(struct config *c, const struct service_conf *s,
		      const struct realserver_conf *r)
{
	const struct realserver_terms *t = r->terms;
	uint32_t i;

	if (r->terms->has_tunnel && r->terms->forward != IPVS_TUNNEL)
		conf_report(c, CONF_ERROR, s->head.file, r->line,
			    "%s %s: 'tunnel' is for forward = tunnel, not %s", realserver_word(r),
			    r->name, forward_word(r->terms->forward));
	if ((t->has_lower || t->has_upper) && t->lower > t->upper)
		conf_report(c, CONF_ERROR, s->head.file, r->line,
			    "%s %s: lower (%u) is above upper (%u)", realserver_word(r), r->name,
			    t->lower, t->upper);
	for (i = 0; i < r->n_addr; i++) {
		check_family(c, s, r, &r->addr[i]);
		check_ports(c, s, r, &r->addr[i]);
	}
}

/* --- duplicates --------------------------------------------------------------------- */

/* An address of a realserver, by position. */
struct place {
	uint32_t rs, addr;
};

static int cmp_names(const void *a, const void *b, void *arg)
{
	const struct realserver_conf *rs = arg;
	const struct place *x = a, *y = b;
	int r = name_cmp(rs[x->rs].name, rs[y->rs].name);

	return r ? r : x->rs < y->rs ? -1 : x->rs > y->rs;
}

static int cmp_addresses(const void *a, const void *b, void *arg)
{
	const struct realserver_conf *rs = arg;
	const struct place *x = a, *y = b;
	int r = addr_cmp(&rs[x->rs].addr[x->addr], &rs[y->rs].addr[y->addr]);

	return r ? r : x->rs < y->rs ? -1 : x->rs > y->rs;
}

static void find_names(struct config *c, const struct service_conf *s, struct place *places)
{
	struct realserver_conf *rs = s->realservers;
	uint32_t i, first = 0;

	for (i = 0; i < s->n_realservers; i++)
		places[i] = (struct place){ .rs = i };
	rows_sort(places, s->n_realservers, sizeof(*places), cmp_names, rs);
	for (i = 1; i < s->n_realservers; i++) {
		const struct realserver_conf *a = &rs[places[first].rs], *b = &rs[places[i].rs];

		if (strcmp(a->name, b->name))
			first = i;
		else
			conf_report(c, CONF_ERROR, s->head.file, b->line,
				    "%s %s is there twice in [service %s]; first at %s:%u",
				    realserver_word(b), b->name, s->head.name, s->head.file,
				    a->line);
	}
}

/* Whether two ports of one address meet behind some address of the service, where
 * 0 stands for the service's own. Ports come sorted: only the first can be 0. */
static bool ports_meet(const struct service_conf *s, uint16_t first, uint16_t second)
{
	uint32_t i;

	if (first == second)
		return true;
	for (i = 0; first == 0 && i < s->n_addresses; i++)
		if (s->addresses[i].key.addr.port == second)
			return true;
	return false;
}

static void report_address(struct config *c, const char *file, const struct realserver_conf *a,
			   const struct realserver_conf *b, const struct addr *addr)
{
	const struct realserver_conf *second = b->line >= a->line ? b : a;
	const struct realserver_conf *first = second == b ? a : b;
	struct buf text = BUF_INIT;

	addr_format(&text, addr);
	conf_report(c, CONF_ERROR, file, second->line,
		    "%s %s: %s is the address of %s already; first at %s:%u",
		    realserver_word(second), second->name, buf_str(&text), first->name, file,
		    first->line);
	buf_fini(&text);
}

static void find_addresses(struct config *c, const struct service_conf *s, struct place *places)
{
	struct realserver_conf *rs = s->realservers;
	uint32_t n = 0, i, host = 0, same = 0;

	for (i = 0; i < s->n_realservers; i++) {
		uint32_t k;

		for (k = 0; k < rs[i].n_addr; k++)
			places[n++] = (struct place){ .rs = i, .addr = k };
	}
	rows_sort(places, n, sizeof(*places), cmp_addresses, rs);
	for (i = 1; i < n; i++) {
		const struct addr *a = &rs[places[i].rs].addr[places[i].addr];
		const struct addr *h = &rs[places[host].rs].addr[places[host].addr];
		const struct addr *e = &rs[places[same].rs].addr[places[same].addr];

		if (a->family != h->family || memcmp(a->bytes, h->bytes, sizeof(a->bytes)))
			host = same = i;
		else if (a->port == e->port)
			report_address(c, s->head.file, &rs[places[same].rs], &rs[places[i].rs], a);
		else if (ports_meet(s, h->port, a->port))
			report_address(c, s->head.file, &rs[places[host].rs], &rs[places[i].rs], a);
		else
			same = i;
	}
}

void pool_finish(struct config *c, struct service_conf *s)
{
	struct place *places;
	uint32_t i;

	for (i = 0; i < s->n_realservers; i++) {
		fill_in(s, &s->realservers[i]);
		check_one(c, s, &s->realservers[i]);
	}
	if (s->n_realservers < 2)
		return;
	places = calloc((size_t)s->n_realservers * 2, sizeof(*places));
	if (!places) {
		conf_report(c, CONF_ERROR, s->head.file, s->head.line, "out of memory");
		return;
	}
	find_names(c, s, places);
	find_addresses(c, s, places);
	free(places);
}
