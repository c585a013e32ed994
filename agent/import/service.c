/* service.c: the lines of a service, and what goes with it: whatever the loader would find
 * there twice is found here first, where the source's line is known. */
#include <net/if.h>
#include <string.h>

#include "agent/import/frame.h"
#include "agent/model/lane.h"

/* --- addresses --------------------------------------------------------------------- */

static void note_port(struct import_part *service, uint16_t port)
{
	struct import *im = service->im;
	uint16_t *ports;
	size_t i;

	for (i = 0; i < service->n_ports; i++)
		if (service->ports[i] == port)
			return;
	ports = arena_grow(&im->arena, service->ports, service->n_ports, sizeof(*ports));
	if (!ports) {
		im->oom = true;
		return;
	}
	ports[service->n_ports++] = port;
	service->ports = ports;
}

static bool take_address(struct import_part *service, struct import_at at, const char *text)
{
	struct import *im = service->im;
	struct import_seen *seen = import_seen_find(im, "address", text);

	if (seen && !seen->part->gone) {
		import_note(im, service, IMPORT_DROPPED, at, text,
			    "it is an address of [service %s] already, by line %u",
			    seen->part->name, seen->at.line);
		return false;
	}
	if (!seen)
		seen = import_seen_add(im, "address", text);
	if (!seen)
		return false;
	seen->part = service;
	seen->at = at;
	return import_key(service, at, "address", "%s", text);
}

/* Port 0 is every port, and the loader wants to read it. */
static void put_address(struct buf *out, const struct ipvs_key *key)
{
	struct ipvs_key k = *key;

	if (!k.fwmark && !k.addr.port)
		k.addr.port = 1;
	ipvs_key_format(out, &k);
	if (k.addr.port != key->addr.port && buf_ok(out))
		out->data[out->len - 1] = '0';
}

bool import_address(struct import_part *service, struct import_at at, const struct ipvs_key *key)
{
	struct buf text = BUF_INIT;
	bool taken = false;
	const char *why;

	if (!service)
		return false;
	put_address(&text, key);
	why = lane_is_key(key) ? "such marks are ipvs-agent's own, for probes with via = forward"
	      : service->n_addresses >= IMPORT_ADDRESSES_MAX
		      ? "a service has 4096 addresses at most"
		      : NULL;
	if (why)
		import_note(service->im, service, IMPORT_DROPPED, at, buf_str(&text), "%s", why);
	service->im->oom |= !buf_ok(&text);
	if (buf_ok(&text) && !why)
		taken = take_address(service, at, buf_str(&text));
	if (taken) {
		note_port(service, key->addr.port);
		service->n_addresses++;
	}
	buf_fini(&text);
	return taken;
}

/* --- realservers ---------------------------------------------------------------------- */

static struct import_seen *find_dest(struct import_part *service, const struct addr *addr,
				     uint16_t port, bool add)
{
	struct buf kind = BUF_INIT, text = BUF_INIT;
	struct import_seen *seen = NULL;

	buf_printf(&kind, "dest %u", service->nth);
	addr_format_host(&text, addr);
	buf_printf(&text, " %u", port);
	if (buf_ok(&kind) && buf_ok(&text))
		seen = add ? import_seen_add(service->im, buf_str(&kind), buf_str(&text))
			   : import_seen_find(service->im, buf_str(&kind), buf_str(&text));
	service->im->oom |= !buf_ok(&kind) || !buf_ok(&text);
	buf_fini(&kind);
	buf_fini(&text);
	return seen;
}

static bool has_port(const struct import_part *service, uint16_t port)
{
	size_t i;

	for (i = 0; i < service->n_ports; i++)
		if (service->ports[i] == port)
			return true;
	return false;
}

/* What the service has at that place already: port 0 stands for each of its own. */
static struct import_seen *meets(struct import_part *service, const struct addr *addr)
{
	struct import_seen *seen = find_dest(service, addr, addr->port, false);
	size_t i;

	if (!seen && addr->port && has_port(service, addr->port))
		seen = find_dest(service, addr, 0, false);
	for (i = 0; !seen && !addr->port && i < service->n_ports; i++)
		seen = find_dest(service, addr, service->ports[i], false);
	return seen;
}

static bool put_server(struct import_part *service, struct import_at at, const char *key,
		       const char *wish, const struct addr *addr, const char *more)
{
	struct import_seen *seen = find_dest(service, addr, addr->port, true);
	const char *name = import_host_name_for(service, wish, addr);
	struct buf text = BUF_INIT;
	bool put = false;

	addr_format(&text, addr);
	service->im->oom |= !buf_ok(&text);
	if (seen && name && buf_ok(&text)) {
		seen->at = at;
		put = import_key(service, at, key, "%s %s%s%s", name, buf_str(&text),
				 *more ? " " : "", more);
	}
	buf_fini(&text);
	return put;
}

bool import_server(struct import_part *service, struct import_at at, const char *key,
		   const char *wish, const struct addr *addr, const char *more)
{
	struct buf text = BUF_INIT;
	struct import_seen *seen;
	struct addr a = *addr;

	if (!service)
		return false;
	if (service->n_ports == 1 && service->ports[0] == a.port)
		a.port = 0;
	seen = meets(service, &a);
	if (!seen && addr_can_serve(&a))
		return put_server(service, at, key, wish, &a, more);
	addr_format(&text, addr);
	if (seen)
		import_note(service->im, service, IMPORT_DROPPED, at, buf_str(&text),
			    "the service has that server already, by line %u", seen->at.line);
	else
		import_note(service->im, service, IMPORT_DROPPED, at, buf_str(&text),
			    "the kernel takes no realserver with such an address");
	buf_fini(&text);
	return false;
}

/* --- what goes with it ---------------------------------------------------------------------- */

void import_remove_failed(struct import_part *service)
{
	if (service)
		service->remove_failed = true;
}

/* The rule about them, whose services are all there by now. */
static void put_remove_failed(struct import *im)
{
	struct import_part *rule = NULL, *p;

	for (p = im->parts; p; p = p->next) {
		if (p->gone || !p->remove_failed)
			continue;
		if (!rule) {
			rule = import_part(im, "rule", "remove-failed", p->at);
			import_key(rule, p->at, "expr", "probe_up == 0");
			import_key(rule, p->at, "action", "remove");
		}
		import_key(rule, p->at, "service", "%s", p->name);
	}
}

void import_settle(struct import *im)
{
	struct import_part *p;

	for (p = im->parts; p; p = p->next) {
		if (p->gone || p->n_addresses || strcmp(p->type, "service"))
			continue;
		import_note(
			im, NULL, IMPORT_DROPPED, p->at, p->name,
			"no address of the service could be carried over, and so nothing of it");
		import_discard(p);
	}
	put_remove_failed(im);
}

bool import_interface_ok(const char *name)
{
	const char *c;

	if (!*name || strlen(name) >= IF_NAMESIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (c = name; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '/' || *c == ':')
			return false;
	return true;
}

/* An address is on one interface: the section of who was first. NULL: it is another's. */
static struct import_part *vip_part(struct import *im, struct import_at at, const char *address,
				    const char *interface)
{
	struct import_seen *seen = import_seen_find(im, "put", address);
	struct buf wish = BUF_INIT;

	if (seen)
		return strcmp(seen->interface, interface) ? NULL : seen->part;
	buf_printf(&wish, "%s-%s", interface, address);
	seen = import_seen_add(im, "put", address);
	if (seen) {
		seen->part = import_part(im, "vip", buf_str(&wish), at);
		seen->interface = arena_strdup(&im->arena, interface);
		im->oom |= !seen->interface;
		import_key(seen->part, at, "address", "%s", address);
		import_key(seen->part, at, "interface", "%s", interface);
	}
	im->oom |= !buf_ok(&wish);
	buf_fini(&wish);
	return seen && seen->interface ? seen->part : NULL;
}

void import_vip(struct import *im, struct import_at at, const struct addr *addr,
		unsigned int prefix, const char *interface, const char *what)
{
	const char *commented = import_commented("vip");
	struct buf text = BUF_INIT;
	struct import_part *p = NULL;

	addr_format_host(&text, addr);
	if (buf_ok(&text) && import_interface_ok(interface))
		p = vip_part(im, at, buf_str(&text), interface);
	if (!p)
		import_note(im, NULL, IMPORT_DROPPED, at, what,
			    "no interface of that name, or another one has the address already");
	else if (commented)
		import_note(im, p, IMPORT_APPROXIMATED, at, what, "%s", commented);
	else if (prefix < (addr->family == AF_INET6 ? 128 : 32))
		import_note(im, p, IMPORT_APPROXIMATED, at, what,
			    "/%u there; ipvs-agent puts the one address, without its network",
			    prefix);
	else
		import_note(im, p, IMPORT_IMPORTED, at, what, "%s", "");
	im->oom |= !buf_ok(&text);
	buf_fini(&text);
}
