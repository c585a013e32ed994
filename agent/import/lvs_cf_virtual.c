/* lvs_cf_virtual.c: a virtual server of piranha as a service, its backup and its address. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/import/kernel.h"
#include "agent/import/lvs_cf.h"

struct carrying {
	struct import *im;
	const struct lvs_virtual *v;
	struct import_part *service;
	struct ipvs_service kernel;
	uint16_t port; /* also behind a firewall mark, for the probe */
};

static const struct lvs_value *value(const struct carrying *c, enum lvs_virtual_key key)
{
	return &c->v->values[key];
}

static void note(const struct carrying *c, enum import_fate fate, enum lvs_virtual_key key,
		 const char *text)
{
	lvs_note(c->im, c->service, fate, lvs_virtual_keys[key], value(c, key), "%s", text);
}

/* --- its key ------------------------------------------------------------------------- */

/* About the virtual server as a whole. */
static void note_virtual(const struct carrying *c, struct import_part *p, enum import_fate fate,
			 const char *text)
{
	struct buf what = BUF_INIT;

	buf_printf(&what, "virtual %s", c->v->name);
	import_note(c->im, p, fate, c->v->at, buf_str(&what), "%s", text);
	buf_fini(&what);
}

/* Whether a virtual server can be made of it at all; else it is noted, all of it. */
static bool impossible(const struct carrying *c, const char *why)
{
	struct buf text = BUF_INIT;

	buf_printf(&text, "all of it: %s", why);
	note_virtual(c, NULL, IMPORT_DROPPED, buf_str(&text));
	buf_fini(&text);
	return false;
}

static bool read_port(struct carrying *c)
{
	const struct lvs_value *v = value(c, V_PORT);
	uint64_t n;

	c->port = 80;
	if (!v->text)
		return true;
	if (lvs_number(v->text, 65535, &n))
		c->port = (uint16_t)n;
	else if (import_port(c->im, v->text, IPPROTO_TCP, &c->port))
		return false;
	return c->port != 0;
}

static bool read_key(struct carrying *c)
{
	const struct lvs_value *mark = value(c, V_FWMARK), *address = value(c, V_ADDRESS);
	const struct lvs_value *proto = value(c, V_PROTOCOL);
	struct ipvs_key *key = &c->kernel.key;
	uint64_t n;

	if (!read_port(c))
		return impossible(c, "its port is neither a number nor a service known here");
	key->proto = IPPROTO_TCP;
	if (proto->text && !strcmp(proto->text, "udp"))
		key->proto = IPPROTO_UDP;
	else if (proto->text && strcmp(proto->text, "tcp"))
		return impossible(c, "its protocol is neither tcp nor udp");
	if (mark->text && strcmp(mark->text, "0")) {
		if (!lvs_number(mark->text, UINT32_MAX, &n))
			return impossible(c, "its fwmark is no number");
		key->proto = 0;
		key->fwmark = (uint32_t)n;
		key->addr.family = AF_INET;
		return true;
	}
	if (!address->text)
		return impossible(c, "it has no address");
	if (import_host(c->im, NULL, address->at, address->text, AF_INET, &key->addr))
		return impossible(c, "its address is none, and no name of a host known here");
	key->addr.port = c->port;
	return true;
}

/* What the key was made of. */
static void note_key(const struct carrying *c)
{
	static const enum lvs_virtual_key keys[] = { V_FWMARK, V_PROTOCOL, V_PORT };
	size_t i;

	for (i = 0; i < countof(keys); i++)
		if (value(c, keys[i])->text)
			note(c, IMPORT_IMPORTED, keys[i], "");
}

/* --- what the kernel is to do ------------------------------------------------------------ */

static void read_netmask(struct carrying *c)
{
	const struct lvs_value *v = value(c, V_PMASK);
	struct in_addr mask;

	c->kernel.netmask = UINT32_MAX;
	if (!v->text)
		return;
	if (!(c->kernel.flags & IPVS_SVC_PERSISTENT)) {
		note(c, IMPORT_DROPPED, V_PMASK, "it says nothing without persistent");
	} else if (inet_pton(AF_INET, v->text, &mask) != 1 || !mask.s_addr) {
		note(c, IMPORT_DROPPED, V_PMASK, "it is no netmask: each client counts for itself");
	} else {
		c->kernel.netmask = mask.s_addr;
		note(c, IMPORT_IMPORTED, V_PMASK, "");
	}
}

static void put_scheduling(struct carrying *c)
{
	const struct lvs_value *scheduler = value(c, V_SCHEDULER);
	const struct lvs_value *persistent = value(c, V_PERSISTENT);
	const struct lvs_value *at = scheduler->text ? scheduler : persistent;
	struct buf what = BUF_INIT;
	uint64_t n = 0;

	if (scheduler->text && strlen(scheduler->text) < IPVS_NAME_LEN) {
		memcpy(c->kernel.scheduler, scheduler->text, strlen(scheduler->text) + 1);
		note(c, IMPORT_IMPORTED, V_SCHEDULER, "");
	} else {
		memcpy(c->kernel.scheduler, "wlc", sizeof("wlc"));
		if (scheduler->text)
			note(c, IMPORT_APPROXIMATED, V_SCHEDULER,
			     "it is no name of a scheduler: wlc stands for it, the default");
	}
	if (persistent->text && !lvs_number(persistent->text, UINT32_MAX, &n))
		note(c, IMPORT_DROPPED, V_PERSISTENT, "it is no number of seconds");
	else if (persistent->text)
		note(c, IMPORT_IMPORTED, V_PERSISTENT, "");
	c->kernel.flags = n ? IPVS_SVC_PERSISTENT : 0;
	c->kernel.timeout = (uint32_t)n;
	read_netmask(c);
	lvs_what(&what, lvs_virtual_keys[scheduler->text ? V_SCHEDULER : V_PERSISTENT], at);
	(void)import_scheduling(c->service, at->text ? at->at : c->v->at, buf_str(&what),
				&c->kernel);
	buf_fini(&what);
}

/* --- servers ---------------------------------------------------------------------------------- */

static uint16_t server_port(const struct carrying *c, const struct lvs_server *s)
{
	const struct lvs_value *v = &s->values[S_PORT];
	uint64_t n;
	uint16_t port;

	if (v->text && lvs_number(v->text, 65535, &n) && n)
		return (uint16_t)n;
	if (v->text)
		lvs_note(c->im, c->service, IMPORT_APPROXIMATED, "port", v,
			 "it is no number of a port: the virtual server's stands for it");
	/* as piranha has it: the virtual's port, as it was when the block began */
	if (!s->port.text)
		return 80;
	if (lvs_number(s->port.text, 65535, &n))
		return (uint16_t)n;
	return import_port(c->im, s->port.text, IPPROTO_TCP, &port) ? c->port : port;
}

static bool read_server(const struct carrying *c, const struct lvs_server *s, uint8_t network,
			struct import_dest *ret)
{
	const struct lvs_value *address = &s->values[S_ADDRESS], *weight = &s->values[S_WEIGHT];
	struct buf what = BUF_INIT;
	struct addr addr = { 0 };
	uint64_t n = 1;

	if (!address->text ||
	    import_host(c->im, c->service, address->at, address->text, AF_INET, &addr)) {
		buf_printf(&what, "server %s", s->name);
		import_note(c->im, c->service, IMPORT_DROPPED, s->at, buf_str(&what),
			    "all of it: it has no address that is one, or is known here by name");
		buf_fini(&what);
		return false;
	}
	addr.port = c->kernel.key.fwmark ? 0 : server_port(c, s);
	if (weight->text && !lvs_number(weight->text, INT32_MAX, &n)) {
		lvs_note(c->im, c->service, IMPORT_APPROXIMATED, "weight", weight,
			 "it is no number: 1 stands for it, the default");
		n = 1;
	}
	*ret = (struct import_dest){ .at = s->at, .wish = s->name };
	ret->dest = (struct ipvs_dest){ .addr = addr, .weight = (uint32_t)n };
	ret->dest.forward = network & 0xf;
	ret->disabled = !lvs_on(&s->values[S_ACTIVE]);
	return true;
}

/* The server of last resort, which lvsd never checks. */
static bool read_sorry(const struct carrying *c, uint8_t network, struct import_dest *ret)
{
	const struct lvs_value *v = value(c, V_SORRY);
	struct addr addr = { 0 };

	if (!v->text)
		return false;
	if (import_host(c->im, c->service, v->at, v->text, AF_INET, &addr)) {
		note(c, IMPORT_DROPPED, V_SORRY, "it is no address, and no host known here");
		return false;
	}
	addr.port = c->kernel.key.addr.port;
	note(c, IMPORT_APPROXIMATED, V_SORRY,
	     "a backup is probed as the others are, and lvsd never asked it");
	*ret = (struct import_dest){ .at = v->at, .wish = "sorry", .backup = true };
	ret->dest = (struct ipvs_dest){ .addr = addr, .weight = 1 };
	ret->dest.forward = network & 0xf;
	import_key(c->service, v->at, "on_panic", "backup");
	return true;
}

static int put_servers(const struct carrying *c, uint8_t network)
{
	const struct lvs_server *s;
	struct import_dest *dests;
	size_t n = 2, i = 0;

	for (s = c->v->servers; s; s = s->next)
		n++;
	dests = calloc(n, sizeof(*dests));
	if (!dests)
		return -ENOMEM;
	for (s = c->v->servers; s; s = s->next)
		i += read_server(c, s, network, &dests[i]);
	i += read_sorry(c, network, &dests[i]);
	import_pool(c->service, &c->kernel.key, dests, i);
	free(dests);
	return 0;
}

/* --- what goes with it ---------------------------------------------------------------------------
 */

/* lvsd puts the address of an active one on its interface. */
static void put_vip(const struct carrying *c)
{
	const struct lvs_value *v = value(c, V_ADDRESS), *mask = value(c, V_NMASK);

	if (v->text && !lvs_on(value(c, V_ACTIVE))) {
		note(c, IMPORT_APPROXIMATED, V_ADDRESS,
		     "it is put on no interface: whoever enables the service, adds a [vip]");
		if (mask->text)
			note(c, IMPORT_IMPORTED, V_NMASK, "");
		return;
	}
	lvs_vip(c->im, lvs_virtual_keys[V_ADDRESS], v, lvs_virtual_keys[V_NMASK], mask);
}

static void put_rest(const struct carrying *c, bool probed, struct lvs_site *site)
{
	const struct lvs_value *monitor = value(c, V_MONITOR);

	if (monitor->text && strcmp(monitor->text, "none"))
		note(c, IMPORT_DROPPED, V_MONITOR,
		     "weights that follow the load are told by an agent on each server: a [probe] "
		     "with url = agent://:PORT");
	else if (monitor->text)
		note(c, IMPORT_IMPORTED, V_MONITOR, "");
	if (!probed) {
		if (value(c, V_QUIESCE)->text)
			note(c, IMPORT_DROPPED, V_QUIESCE, "no probe, no failure");
		return;
	}
	if (!lvs_on(value(c, V_QUIESCE)))
		import_remove_failed(c->service);
	if (value(c, V_QUIESCE)->text)
		note(c, IMPORT_IMPORTED, V_QUIESCE, "");
	if (!value(c, V_SORRY)->text && !site->told_panic)
		note_virtual(c, c->service, IMPORT_APPROXIMATED,
			     "as of all others without sorry_server: when all of its servers "
			     "fail, ipvs-agent goes on with the configured weights (on_panic = "
			     "keep); lvsd took them all out");
	site->told_panic |= !value(c, V_SORRY)->text;
}

int lvs_carry(struct import *im, const struct lvs_virtual *v, struct lvs_site *site)
{
	struct carrying c = { .im = im, .v = v };
	bool probed;

	if (!read_key(&c))
		return 0;
	c.service = import_part(im, "service", v->name, v->at);
	if (!c.service)
		return -ENOMEM;
	if (!lvs_on(value(&c, V_ACTIVE)))
		import_key(c.service, v->at, "enabled", "no");
	if (value(&c, V_ACTIVE)->text)
		note(&c, IMPORT_IMPORTED, V_ACTIVE, "");
	if (!import_address(c.service, v->at, &c.kernel.key)) {
		import_discard(c.service);
		(void)impossible(&c, "it cannot have its address");
		return 0;
	}
	note_key(&c);
	put_vip(&c);
	put_scheduling(&c);
	probed = lvs_probe(im, c.service, v, c.kernel.key.proto ? c.kernel.key.proto : IPPROTO_TCP,
			   c.kernel.key.fwmark ? c.port : 0);
	put_rest(&c, probed, site);
	return put_servers(&c, site->network);
}
