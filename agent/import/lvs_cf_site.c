/* lvs_cf_site.c: what an lvs.cf says for all virtual servers: how packets go, the address that
 * realservers answer by, the other director. */
#include <arpa/inet.h>
#include <string.h>

#include "agent/import/director.h"
#include "agent/import/lvs_cf.h"

const char *const lvs_global_keys[G_N] = {
	[G_NETWORK] = "network",    [G_ROUTER] = "nat_router", [G_ROUTER_MASK] = "nat_nmask",
	[G_PAIR] = "backup_active", [G_SYNC] = "syncdaemon",   [G_SYNC_DEVICE] = "syncd_iface",
	[G_SYNC_ID] = "syncd_id",   [G_TCP] = "tcp_timeout",   [G_TCP_FIN] = "tcpfin_timeout",
	[G_UDP] = "udp_timeout",
};

/* The label of an alias (eth0:1) is of no use to anybody but ifconfig. */
void lvs_vip(struct import *im, const char *key, const struct lvs_value *v, const char *mask_key,
	     const struct lvs_value *mask)
{
	struct buf what = BUF_INIT, device = BUF_INIT;
	struct in_addr bits;
	struct addr addr;
	int prefix = 32;

	if (mask->text && inet_pton(AF_INET, mask->text, &bits) == 1)
		prefix = __builtin_popcount(bits.s_addr);
	if (mask->text)
		lvs_note(im, NULL, IMPORT_IMPORTED, mask_key, mask, "%s", "");
	if (!v->text)
		return;
	if (!v->second || import_host(im, NULL, v->at, v->text, AF_INET, &addr)) {
		lvs_note(im, NULL, IMPORT_DROPPED, key, v,
			 "no interface stands there, or no address, to put it on one");
		return;
	}
	lvs_what(&what, key, v);
	buf_put(&device, v->second, strcspn(v->second, ":"));
	import_vip(im, v->at, &addr, (unsigned int)prefix, buf_str(&device), buf_str(&what));
	buf_fini(&what);
	buf_fini(&device);
}

static const struct {
	const char *word;
	uint8_t forward;
} networks[] = {
	{ "nat", IPVS_MASQ },
	{ "direct", IPVS_ROUTE },
	{ "tunnel", IPVS_TUNNEL },
};

static uint8_t network(struct import *im, const struct lvs_site *site)
{
	const struct lvs_value *v = &site->globals[G_NETWORK];
	size_t i;

	for (i = 0; v->text && i < countof(networks); i++) {
		if (strcmp(networks[i].word, v->text))
			continue;
		lvs_note(im, NULL, IMPORT_IMPORTED, "network", v, "%s", "");
		return networks[i].forward;
	}
	if (v->text)
		lvs_note(im, NULL, IMPORT_APPROXIMATED, "network", v,
			 "it is none of nat, direct, tunnel: nat stands for it, the default");
	return IPVS_MASQ;
}

/* Two directors: which one has the addresses, somebody must tell the agent. */
static void carry_pair(struct import *im, const struct lvs_site *site)
{
	const struct lvs_value *v = &site->globals[G_PAIR];

	if (!v->text)
		return;
	if (!lvs_on(v)) {
		lvs_note(im, NULL, IMPORT_IMPORTED, lvs_global_keys[G_PAIR], v, "%s", "");
	} else {
		import_key(import_part(im, "agent", NULL, v->at), v->at, "roles", "on");
		lvs_note(im, import_part(im, "agent", NULL, v->at), IMPORT_APPROXIMATED,
			 lvs_global_keys[G_PAIR], v,
			 "pulse decided which of the two directors has the addresses; here "
			 "keepalived's VRRP does, and tells by 'ipvs-agent role'");
	}
}

static void note_sync(struct import *im, const struct lvs_site *site, enum import_fate fate,
		      const char *text)
{
	size_t i;

	for (i = G_SYNC; i <= G_SYNC_ID; i++)
		if (site->globals[i].text)
			lvs_note(im, NULL, fate, lvs_global_keys[i], &site->globals[i], "%s", text);
}

/* The daemon's side follows the director's. */
static void carry_sync(struct import *im, const struct lvs_site *site, struct director *d)
{
	const struct lvs_value *device = &site->globals[G_SYNC_DEVICE],
			       *id = &site->globals[G_SYNC_ID];
	const char *interface = device->text ? device->text : DIRECTOR_INTERFACE;
	struct daemon daemon = { .there = true };
	uint64_t n = 0;

	if (!lvs_on(&site->globals[G_SYNC])) {
		note_sync(im, site, IMPORT_IMPORTED, "");
		return;
	}
	if ((id->text && !lvs_number(id->text, 255, &n)) || !import_interface_ok(interface)) {
		note_sync(im, site, IMPORT_DROPPED,
			  "the daemon needs the name of an interface, and an id up to 255");
		return;
	}
	memcpy(daemon.interface, interface, strlen(interface) + 1);
	daemon.sync_id = (uint32_t)n;
	d->by_role = lvs_on(&site->globals[G_PAIR]);
	d->daemons[DAEMON_MASTER] = daemon;
	d->daemons_at = site->globals[G_SYNC].at;
	note_sync(im, site, IMPORT_IMPORTED, "");
}

static void carry_timeouts(struct import *im, const struct lvs_site *site, struct director *d)
{
	size_t i;

	for (i = 0; i < DIRECTOR_TIMEOUTS; i++) {
		const struct lvs_value *v = &site->globals[G_TCP + i];
		bool good = lvs_number(v->text, DIRECTOR_TIMEOUT_MAX, &d->timeouts[i]);

		if (!v->text)
			continue;
		d->timeouts_at = v->at;
		lvs_note(im, NULL, good ? IMPORT_IMPORTED : IMPORT_DROPPED,
			 lvs_global_keys[G_TCP + i], v, "%s",
			 good ? "" : "that is no number of seconds, or more than 31 days");
	}
}

void lvs_carry_site(struct import *im, struct lvs_site *site)
{
	struct director d = { .by_role = false };

	site->network = network(im, site);
	carry_pair(im, site);
	carry_sync(im, site, &d);
	carry_timeouts(im, site, &d);
	director_carry(im, &d);
	lvs_vip(im, lvs_global_keys[G_ROUTER], &site->globals[G_ROUTER],
		lvs_global_keys[G_ROUTER_MASK], &site->globals[G_ROUTER_MASK]);
}
