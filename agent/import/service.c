/* service.c: the lines of a service, and what goes with it: whatever the loader would find
 * there twice is found here first, where the source's line is known. */
#include <string.h>

#include "agent/import/frame.h"

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

	if (!service)
		return false;
	put_address(&text, key);
	service->im->oom |= !buf_ok(&text);
	if (buf_ok(&text))
		taken = take_address(service, at, buf_str(&text));
	if (taken)
		note_port(service, key->addr.port);
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
	if (!seen)
		return put_server(service, at, key, wish, &a, more);
	addr_format(&text, addr);
	import_note(service->im, service, IMPORT_DROPPED, at, buf_str(&text),
		    "the service has that server already, by line %u", seen->at.line);
	buf_fini(&text);
	return false;
}

/* --- what goes with it ---------------------------------------------------------------------- */

void import_remove_failed(struct import_part *service)
{
	struct import *im = service ? service->im : NULL;
	struct import_part *rule;

	if (!im)
		return;
	rule = im->remove_failed;
	if (!rule) {
		rule = import_part(im, "rule", "remove-failed", service->at);
		if (!rule)
			return;
		im->remove_failed = rule;
		import_key(rule, service->at, "expr", "probe_up == 0");
		import_key(rule, service->at, "action", "remove");
	}
	import_key(rule, service->at, "service", "%s", service->name);
}

void import_vip(struct import *im, struct import_at at, const struct addr *addr,
		unsigned int prefix, const char *interface, const char *what)
{
	const char *commented = import_commented("vip");
	struct buf text = BUF_INIT, wish = BUF_INIT;
	struct import_part *p = NULL;
	struct import_seen *seen;
	bool known = false;

	buf_printf(&wish, "%s-", interface);
	addr_format_host(&text, addr);
	buf_puts(&wish, buf_str(&text));
	seen = import_seen_find(im, "put", buf_str(&wish));
	if (!seen) {
		seen = import_seen_add(im, "put", buf_str(&wish));
		p = import_part(im, "vip", buf_str(&wish), at);
		if (seen)
			seen->part = p;
	} else {
		known = true;
		p = seen->part;
	}
	if (p && !known) {
		import_key(p, at, "address", "%s", buf_str(&text));
		import_key(p, at, "interface", "%s", interface);
	}
	if (commented)
		import_note(im, p, IMPORT_APPROXIMATED, at, what, "%s", commented);
	else if (prefix < (addr->family == AF_INET6 ? 128 : 32))
		import_note(im, p, IMPORT_APPROXIMATED, at, what,
			    "/%u there; ipvs-agent puts the one address, without its network",
			    prefix);
	else
		import_note(im, p, IMPORT_IMPORTED, at, what, "%s", "");
	im->oom |= !buf_ok(&text) || !buf_ok(&wish);
	buf_fini(&text);
	buf_fini(&wish);
}
