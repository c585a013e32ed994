/* check_forward.c: probes that go through the director's own forwarding: what they need of
 * the services that name them. */
#include <arpa/inet.h>

#include "agent/check.h"
#include "agent/model/lane.h"
#include "agent/model/service_conf.h"
#include "agent/probe.h"
#include "agent/probes/probe_conf.h"

/* What of address `address` stands against it; NULL = nothing. */
static const char *against(const struct service_conf *s, uint32_t address,
			   const struct realserver_conf *r, const struct probe_conf *p)
{
	const struct addr *vip = &s->addresses[address].key.addr;
	struct addr dest;

	if (!service_conf_dest_addr(s, address, r, &dest))
		return NULL;
	if (p->port && vip->port && p->port != vip->port)
		return "asks each address of the service at its own port, and its URL has another";
	if (p->scheme->datagrams && r->terms->forward == IPVS_MASQ)
		return "asks over UDP, and with masq the kernel gives a port that it has seen to "
		       "the realserver that had it then";
	if (dest.family != vip->family && !p->sources.of[vip->family == AF_INET6].family)
		return "needs a source of the service's family where the realserver has another";
	return NULL;
}

/* Reports what a realserver of the service cannot do; the first of it. */
static void check_realserver(struct config *c, const struct service_conf *s,
			     const struct realserver_conf *r, const struct probe_conf *p)
{
	const char *why = NULL;
	struct addr asked;
	uint32_t i, n = 0;

	for (i = 0; !why && i < s->n_addresses; i++) {
		if (s->addresses[i].key.fwmark)
			continue;
		why = against(s, i, r, p);
		n += service_conf_asked_addr(s, i, r, p, &asked);
	}
	if (!why && !n)
		why = "finds no address of the service that it could ask: a mark is none, and "
		      "every "
		      "other needs a port";
	if (why)
		conf_report(c, CONF_ERROR, s->head.file, r->line,
			    "%s %s: probe '%s' has via = forward: it %s",
			    r->backup ? "backup" : "realserver", r->name, p->head.name, why);
}

static void check_service(struct config *c, const struct service_conf *s)
{
	const struct probe_conf *p;
	uint32_t i;
	size_t k;

	for (i = 0; i < s->n_addresses; i++)
		if (lane_is_key(&s->addresses[i].key))
			conf_report(c, CONF_ERROR, s->head.file, s->addresses[i].line,
				    "address: '%s': marks from %u to %u are the agent's own, for "
				    "probes with via = forward",
				    s->addresses[i].text, LANE_FIRST_MARK,
				    LANE_FIRST_MARK + LANE_N_MARKS - 1);
	for (i = 0; i < s->n_realservers; i++) {
		const struct realserver_conf *r = &s->realservers[i];

		for (k = 0; k < r->terms->probes.n; k++) {
			p = config_named(c, &probe_section, r->terms->probes.items[k]);
			if (p && !p->head.bad && p->via == VIA_FORWARD)
				check_realserver(c, s, r, p);
		}
	}
}

void check_forward(struct config *c)
{
	size_t n, i;
	void *const *services = config_sections(c, &service_section, &n);

	for (i = 0; i < n; i++)
		if (!((const struct service_conf *)services[i])->head.bad)
			check_service(c, services[i]);
}
