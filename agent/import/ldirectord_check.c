/* ldirectord_check.c: checktype= as [probe] sections, and what all of them have. */
#include "agent/import/ldirectord_check.h"

#include <string.h>

#include "agent/import/shape.h"

enum {
	INTERVAL_S = 10,
	CHECK_S = 5,
	NEGOTIATE_S = 30,
	SECOND_MS = 1000,
}; /* ldirectord's defaults */

/* --- what all have -------------------------------------------------------------------------- */

const struct ld_line *ld_check_line(const struct ld_check *c, enum ld_id id)
{
	return ld_find(c->v->lines, id);
}

/* The two timeouts stand for each other, those of the virtual service first. */
static int64_t timeout_of(const struct ld_check *c)
{
	enum ld_id mine = c->negotiates ? LD_NEGOTIATETIMEOUT : LD_CHECKTIMEOUT;
	enum ld_id other = c->negotiates ? LD_CHECKTIMEOUT : LD_NEGOTIATETIMEOUT;
	const struct ld_line *lines[] = { ld_find(c->v->lines, mine), ld_find(c->v->lines, other),
					  ld_find(c->ld->lines, mine),
					  ld_find(c->ld->lines, other) };
	size_t i;

	for (i = 0; i < countof(lines); i++)
		if (lines[i])
			return (int64_t)ld_number(c->ld, c->v->part, lines[i], CHECK_S) * SECOND_MS;
	return (c->negotiates ? NEGOTIATE_S : CHECK_S) * SECOND_MS;
}

static int64_t interval_of(const struct ld_check *c)
{
	const struct ld_line *l = ld_check_line(c, LD_CHECKINTERVAL);
	uint64_t seconds;

	if (!l || !ld_yes(ld_find(c->ld->lines, LD_FORK)))
		l = ld_find(c->ld->lines, LD_CHECKINTERVAL);
	seconds = ld_number(c->ld, c->v->part, l, INTERVAL_S);
	return (int64_t)(seconds * SECOND_MS * c->every);
}

struct import_part *ld_check_probe(struct ld_check *c, const char *scheme, const char *host,
				   const char *path)
{
	const struct addr *own = &c->r->dest.addr;
	uint16_t there = own->port ? own->port : c->v->service.key.addr.port;
	bool write = c->port && c->port != there;
	struct buf wish = BUF_INIT, port = BUF_INIT;
	const struct ld_line *fall = ld_of(c->ld, c->v, LD_FAILURECOUNT);
	struct import_part *p;

	if (write)
		buf_printf(&port, ":%u", c->port);
	buf_puts(&wish, scheme);
	if (!strcmp(scheme, "exec"))
		buf_printf(&wish, "-%s", strrchr(path, '/') + 1);
	else if (*host && *host != '{')
		buf_printf(&wish, "-%s", host);
	if (write)
		buf_printf(&wish, "-%u", c->port);
	p = import_part(c->ld->im, "probe", buf_str(&wish), c->at);
	if (import_key(p, c->at, "url", "%s://%s%s%s", scheme, host, buf_str(&port), path)) {
		shape_probe(c->ld->im, p, c->at, interval_of(c), timeout_of(c),
			    ld_number(c->ld, c->v->part, fall, 1));
	} else {
		import_discard(p);
		p = NULL;
	}
	c->ld->oom |= !buf_ok(&wish) || !buf_ok(&port);
	buf_fini(&wish);
	buf_fini(&port);
	return p;
}

void ld_check_end(struct ld_check *c, struct import_part *p)
{
	if (p)
		buf_printf(c->names, "%s%s", c->names->len ? "," : "", import_share(p));
}

/* Whether a kind that needs a port has one. */
bool ld_check_port(struct ld_check *c)
{
	if (c->port || c->r->dest.addr.port || c->v->service.key.addr.port)
		return true;
	import_note(c->ld->im, c->v->part, IMPORT_DROPPED, c->at,
		    c->type ? c->type->text : c->v->kind,
		    "no port is known to connect to (checkport=): the realserver counts as up");
	return false;
}

void ld_check_near(struct ld_check *c, struct import_part *p, const char *why)
{
	import_note(c->ld->im, p, IMPORT_APPROXIMATED, c->at, c->v->kind, "%s", why);
}

/* --- types of checks -------------------------------------------------------------------------- */

static void ping(struct ld_check *c)
{
	const struct ld_line *count = ld_of(c->ld, c->v, LD_CHECKCOUNT);
	struct import_part *p;

	c->port = 0;
	p = ld_check_probe(c, "icmp", "{address}", "");
	if (ld_number(c->ld, c->v->part, count, 1) > 1)
		ld_note(c->ld, p, IMPORT_APPROXIMATED, count,
			"one echo request is an attempt: so many of them are for fall to count");
	ld_check_end(c, p);
}

static void connects(struct ld_check *c)
{
	if (c->v->service.key.proto == IPPROTO_UDP)
		ping(c);
	else if (ld_check_port(c))
		ld_check_end(c, ld_check_probe(c, "tcp", "", ""));
}

/* The command with address and port of both, as ldirectord gives them. */
static void external(struct ld_check *c)
{
	const struct ld_line *l = ld_check_line(c, LD_CHECKCOMMAND);
	const char *command = l ? l->text : "/bin/true";
	const struct ipvs_key *key = &c->v->service.key;
	struct buf path = BUF_INIT, vip = BUF_INIT;
	struct import_part *p;

	if (*command != '/' || command[strlen(command) - 1] == '/') {
		ld_note(c->ld, c->v->part, IMPORT_DROPPED, l ? l : c->type,
			"it has no program by its whole path: the realserver counts as up");
		return;
	}
	if (key->fwmark)
		buf_printf(&vip, "%u", key->fwmark);
	else
		addr_format_host(&vip, &key->addr);
	shape_path(&path, command, false);
	c->port = 0;
	p = ld_check_probe(c, "exec", "", buf_str(&path));
	import_key(p, c->at, "warning", "failed");
	import_key(p, c->at, "overrun", "failed");
	import_key(p, c->at, "arg", key->addr.family == AF_INET6 && !key->fwmark ? "[%s]" : "%s",
		   buf_str(&vip));
	import_key(p, c->at, "arg", "%u", key->addr.port);
	import_key(p, c->at, "arg", key->addr.family == AF_INET6 ? "[{address}]" : "{address}");
	import_key(p, c->at, "arg", "%u", c->r->port);
	ld_check_near(
		c, p,
		"exit status 1 and 2 are failures; with any other but 0, which ldirectord takes "
		"for "
		"failures too, nothing is known");
	ld_check_end(c, p);
	c->ld->oom |= !buf_ok(&path) || !buf_ok(&vip);
	buf_fini(&path);
	buf_fini(&vip);
}

/* N connections, then one that negotiates: two probes, both of which must pass. */
static void combined(struct ld_check *c)
{
	uint64_t n = ld_number(c->ld, c->v->part, c->type, 1);

	connects(c);
	c->every = n < 1 ? 1 : n > 10000 ? 10000 : n + 1;
	ld_check_negotiate(c);
	c->every = 1;
	ld_note(c->ld, c->v->part, IMPORT_APPROXIMATED, c->type,
		"two probes, both of which must pass: one connects, and one negotiates that much "
		"more "
		"rarely");
}

static void perl(struct ld_check *c)
{
	ld_note(c->ld, c->v->part, IMPORT_DROPPED, c->type,
		"Perl that runs within ldirectord runs nowhere else: the realserver counts as up "
		"(a "
		"program of its own can be a probe of exec:///PATH)");
}

static void nothing(struct ld_check *c ATTR_UNUSED)
{
}

static const struct {
	const char *word;
	void (*make)(struct ld_check *c);
} types[] = {
	{ "negotiate", ld_check_negotiate },
	{ "connect", connects },
	{ "external", external },
	{ "external-perl", perl },
	{ "ping", ping },
	{ "on", nothing },
	{ "off", nothing },
};

void ld_probes(struct ld *ld, struct ld_virtual *v, const struct ld_real *r, struct buf *names)
{
	const struct ld_line *type = ld_find(v->lines, LD_CHECKTYPE);
	const struct ld_line *port = ld_find(v->lines, LD_CHECKPORT);
	struct ld_check c = { .ld = ld,
			      .v = v,
			      .r = r,
			      .type = type,
			      .at = type ? type->at : v->at,
			      .every = 1,
			      .names = names };
	uint64_t n = ld_number(ld, v->part, port, 0);
	size_t i;

	c.port = n && n < 65536 ? (uint16_t)n : r->port ? r->port : ld_port_of(v->kind);
	if (type && strpbrk(type->text, "0123456789")) {
		combined(&c);
		return;
	}
	for (i = 0; type && i < countof(types); i++)
		if (!strcmp(types[i].word, type->text))
			break;
	if (type && i == countof(types))
		ld_note(ld, v->part, IMPORT_DROPPED, type,
			"there is no such check: negotiate stands");
	if (!type || i == countof(types))
		ld_check_negotiate(&c);
	else
		types[i].make(&c);
}
