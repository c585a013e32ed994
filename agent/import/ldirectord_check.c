/* ldirectord_check.c: checktype= and service= as [probe] sections. */
#include <errno.h>
#include <string.h>

#include "agent/base/dns.h"
#include "agent/import/ldirectord.h"
#include "agent/import/shape.h"

enum {
	INTERVAL_S = 10,
	CHECK_S = 5,
	NEGOTIATE_S = 30,
	SECOND_MS = 1000,
}; /* ldirectord's defaults */

/* One check of one real server. */
struct check {
	struct ld *ld;
	struct ld_virtual *v;
	const struct ld_real *r;
	const struct ld_line *type; /* NULL = none is given */
	struct import_at at;
	uint16_t port;   /* to connect to; 0 = none is known */
	uint64_t every;  /* of so many rounds */
	bool negotiates; /* by its timeout */
	struct buf *names;
};

static void make_http(struct check *c, const char *scheme);
static void make_plain(struct check *c, const char *scheme);
static void make_ftp(struct check *c, const char *scheme);
static void make_dns(struct check *c, const char *scheme);
static void make_nntp(struct check *c, const char *scheme);
static void make_mysql(struct check *c, const char *scheme);
static void make_simple(struct check *c, const char *scheme);
static void make_other(struct check *c, const char *scheme);

static const struct kind {
	const char *word;
	uint16_t port;
	void (*make)(struct check *c, const char *scheme); /* NULL: nothing is asked */
	const char *scheme;
} kinds[] = {
	{ "ftp", 21, make_ftp, "ftp" },
	{ "smtp", 25, make_plain, "smtp" },
	{ "dns", 53, make_dns, "dns" },
	{ "http", 80, make_http, "http" },
	{ "pop", 110, make_plain, "pop3" },
	{ "nntp", 119, make_nntp, "tcp" },
	{ "imap", 143, make_plain, "imap" },
	{ "ldap", 389, make_plain, "ldap" },
	{ "https", 443, make_http, "https" },
	{ "submission", 587, make_plain, "smtp" },
	{ "ldaps", 636, make_other, "tls" },
	{ "imaps", 993, make_plain, "imaps" },
	{ "pops", 995, make_plain, "pop3s" },
	{ "oracle", 1521, make_other, "tcp" },
	{ "radius", 1812, make_other, "icmp" },
	{ "http_proxy", 3128, make_other, "tcp" },
	{ "mysql", 3306, make_mysql, "mysql" },
	{ "sip", 5060, make_other, "tcp" },
	{ "pgsql", 5432, make_plain, "pgsql" },
	{ "simpletcp", 0, make_simple, "tcp" },
	{ "none", 0, NULL, NULL },
};

static const struct kind *find_kind(const char *word)
{
	size_t i;

	for (i = 0; i < countof(kinds); i++)
		if (!strcmp(kinds[i].word, word))
			return &kinds[i];
	return NULL;
}

uint16_t ld_port_of(const char *kind)
{
	const struct kind *k = find_kind(kind);

	return k ? k->port : 0;
}

const char *ld_kind_of(uint16_t port)
{
	size_t i;

	for (i = 0; port && i < countof(kinds); i++)
		if (kinds[i].port == port)
			return kinds[i].word;
	return "none";
}

/* --- what all have -------------------------------------------------------------------------- */

static const struct ld_line *line(const struct check *c, enum ld_id id)
{
	return ld_find(c->v->lines, id);
}

/* The two timeouts stand for each other, those of the virtual service first. */
static int64_t timeout_of(const struct check *c)
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

static int64_t interval_of(const struct check *c)
{
	const struct ld_line *l = line(c, LD_CHECKINTERVAL);
	uint64_t seconds;

	if (!l || !ld_yes(ld_find(c->ld->lines, LD_FORK)))
		l = ld_find(c->ld->lines, LD_CHECKINTERVAL);
	seconds = ld_number(c->ld, c->v->part, l, INTERVAL_S);
	return (int64_t)(seconds * SECOND_MS * c->every);
}

static struct import_part *probe(struct check *c, const char *scheme, const char *host,
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

static void end(struct check *c, struct import_part *p)
{
	if (p)
		buf_printf(c->names, "%s%s", c->names->len ? "," : "", import_share(p));
}

/* Whether a kind that needs a port has one. */
static bool has_port(struct check *c)
{
	if (c->port || c->r->dest.addr.port || c->v->service.key.addr.port)
		return true;
	import_note(c->ld->im, c->v->part, IMPORT_DROPPED, c->at,
		    c->type ? c->type->text : c->v->kind,
		    "no port is known to connect to (checkport=): the realserver counts as up");
	return false;
}

static void made_of(struct check *c, struct import_part *p, const char *why)
{
	import_note(c->ld->im, p, IMPORT_APPROXIMATED, c->at, c->v->kind, "%s", why);
}

/* --- kinds of service ------------------------------------------------------------------------ */

static const char *request_of(const struct check *c)
{
	const struct ld_line *l = line(c, LD_REQUEST);

	return c->r->request ? c->r->request : l ? l->text : "";
}

static const char *receive_of(const struct check *c)
{
	const struct ld_line *l = line(c, LD_RECEIVE);

	return c->r->request ? c->r->receive : l ? l->text : "";
}

static void put_receive(struct check *c, struct import_part *p)
{
	const struct ld_line *l = line(c, LD_RECEIVE);

	if (*receive_of(c))
		shape_regex(c->ld->im, p, c->r->request || !l ? c->at : l->at, receive_of(c),
			    "receive");
}

static void make_http(struct check *c, const char *scheme)
{
	const struct ld_line *vhost = line(c, LD_VIRTUALHOST), *method = line(c, LD_HTTPMETHOD);
	bool named = vhost && shape_host_ok(vhost->text);
	struct buf path = BUF_INIT;
	struct import_part *p;

	shape_path(&path, request_of(c), true);
	p = probe(c, scheme, named ? vhost->text : "{address}", buf_str(&path));
	if (vhost && !named)
		ld_note(c->ld, p, IMPORT_DROPPED, vhost,
			"this is no host's name: the address stands for it");
	if (method && !strcasecmp(method->text, "HEAD"))
		import_key(p, method->at, "method", "HEAD");
	put_receive(c, p);
	if (!strcmp(scheme, "https"))
		import_key(p, c->at, "verify", "off");
	if (!c->ld->said_redirect) {
		c->ld->said_redirect = true;
		import_note(
			c->ld->im, NULL, IMPORT_APPROXIMATED, c->at, c->v->kind,
			"ldirectord follows a redirect; here, and in all others, it is an answer, "
			"and only 200 to 299 pass: expect_status = 200-399 where servers redirect");
	}
	end(c, p);
	c->ld->oom |= !buf_ok(&path);
	buf_fini(&path);
}

static void make_plain(struct check *c, const char *scheme)
{
	size_t len = strlen(scheme);
	struct import_part *p = probe(c, scheme, "{address}", "");

	if (!strcmp(scheme, "imaps") || !strcmp(scheme, "pop3s"))
		import_key(p, c->at, "verify", "off");
	if (len && !strcmp(scheme, "pgsql") && line(c, LD_REQUEST))
		made_of(c, p, "its greeting is judged, and no query is asked");
	end(c, p);
}

static void make_ftp(struct check *c, const char *scheme)
{
	struct import_part *p = probe(c, scheme, "{address}", "");

	made_of(c, p, "its greeting is judged, and no file is fetched");
	end(c, p);
}

static void make_mysql(struct check *c, const char *scheme)
{
	const struct ld_line *user = line(c, LD_LOGIN);
	struct import_part *p = probe(c, scheme, "{address}", "");

	if (user && *user->text)
		import_key(p, user->at, "user", "%s", user->text);
	made_of(c, p, "its greeting is judged, without a password, and no query is asked");
	end(c, p);
}

static void make_nntp(struct check *c, const char *scheme)
{
	struct import_part *p;

	if (!has_port(c))
		return;
	p = probe(c, scheme, "", "");
	import_key(p, c->at, "expect_regex", "\\A2");
	end(c, p);
}

/* What comes near to a kind that there is no probe of. */
static void make_other(struct check *c, const char *scheme)
{
	bool udp = c->v->service.key.proto == IPPROTO_UDP;
	struct import_part *p;

	if (udp || !strcmp(scheme, "icmp")) {
		scheme = "icmp";
		c->port = 0;
	} else if (!has_port(c)) {
		return;
	}
	p = probe(c, scheme, *scheme == 't' && scheme[1] == 'c' ? "" : "{address}", "");
	if (!strcmp(scheme, "tls"))
		import_key(p, c->at, "verify", "off");
	made_of(c, p,
		*scheme == 'i' ? "there is no such probe: that the host answers an echo request is "
				 "all that is known"
		: scheme[1] == 'l'
			? "there is no such probe: a TLS handshake stands for it"
			: "there is no such probe: that the port takes a connection is all "
			  "that is known");
	end(c, p);
}

static void make_dns(struct check *c, const char *scheme)
{
	const char *name = request_of(c), *want = receive_of(c);
	struct buf query = BUF_INIT, path = BUF_INIT;
	struct import_part *p;
	struct addr a;
	bool asked;

	name += *name == '/';
	asked = *name && addr_parse(name, &a) && !strpbrk(name, "{}/?# \t") &&
		!dns_query(name, 1, 0, false, &query);
	if (asked)
		buf_printf(&path, "/%s?type=A", name);
	p = probe(c, scheme, "{address}", buf_str(&path));
	if (!asked)
		made_of(c, p, "what it asks for is no name: the root's SOA is asked for");
	else if (!addr_parse(want, &a) && a.family == AF_INET && !a.port)
		import_key(p, c->at, "expect_answer", "%s", want);
	else
		made_of(c, p,
			*want ? "receive is no whole address: any answer will do"
			      : "without receive ldirectord finds it down: here any answer will "
				"do");
	if (c->v->service.key.proto == IPPROTO_TCP)
		import_key(p, c->at, "transport", "tcp");
	end(c, p);
	c->ld->oom |= !buf_ok(&path);
	buf_fini(&query);
	buf_fini(&path);
}

/* "\n" in a request is a new line. */
static void put_send(struct check *c, struct import_part *p, const char *text)
{
	struct buf bytes = BUF_INIT, send = BUF_INIT;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] == 'n') {
			buf_putc(&bytes, '\n');
			text++;
		} else {
			buf_putc(&bytes, *text);
		}
	}
	shape_bytes(&send, buf_str(&bytes), bytes.len);
	if (bytes.len > 4096)
		made_of(c, p, "what it sends is longer than 4096 bytes, and is left out");
	else if (bytes.len)
		import_key(p, c->at, "send", "%s", buf_str(&send));
	c->ld->oom |= !buf_ok(&bytes) || !buf_ok(&send);
	buf_fini(&bytes);
	buf_fini(&send);
}

static void make_simple(struct check *c, const char *scheme)
{
	bool udp = c->v->service.key.proto == IPPROTO_UDP;
	const char *request = request_of(c);
	struct import_part *p;

	if (!has_port(c))
		return;
	p = probe(c, udp ? "udp" : scheme, "", "");
	put_send(c, p, request + (*request == '/'));
	if (udp)
		import_key(p, c->at, "silence", "failed");
	put_receive(c, p);
	end(c, p);
}

/* --- types of checks -------------------------------------------------------------------------- */

static void negotiate(struct check *c)
{
	const struct kind *kind = find_kind(c->v->kind);

	c->negotiates = true;
	if (!kind)
		import_note(c->ld->im, c->v->part, IMPORT_DROPPED, c->at, c->v->kind,
			    "ldirectord knows no such service: the realserver counts as up");
	else if (kind->make)
		kind->make(c, kind->scheme);
}

static void ping(struct check *c)
{
	const struct ld_line *count = ld_of(c->ld, c->v, LD_CHECKCOUNT);
	struct import_part *p;

	c->port = 0;
	p = probe(c, "icmp", "{address}", "");
	if (ld_number(c->ld, c->v->part, count, 1) > 1)
		ld_note(c->ld, p, IMPORT_APPROXIMATED, count,
			"one echo request is an attempt: so many of them are for fall to count");
	end(c, p);
}

static void connects(struct check *c)
{
	if (c->v->service.key.proto == IPPROTO_UDP)
		ping(c);
	else if (has_port(c))
		end(c, probe(c, "tcp", "", ""));
}

/* The command with address and port of both, as ldirectord gives them. */
static void external(struct check *c)
{
	const struct ld_line *l = line(c, LD_CHECKCOMMAND);
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
	p = probe(c, "exec", "", buf_str(&path));
	import_key(p, c->at, "warning", "failed");
	import_key(p, c->at, "overrun", "failed");
	import_key(p, c->at, "arg", key->addr.family == AF_INET6 && !key->fwmark ? "[%s]" : "%s",
		   buf_str(&vip));
	import_key(p, c->at, "arg", "%u", key->addr.port);
	import_key(p, c->at, "arg", key->addr.family == AF_INET6 ? "[{address}]" : "{address}");
	import_key(p, c->at, "arg", "%u", c->r->port);
	made_of(c, p,
		"exit status 1 and 2 are failures; with any other but 0, which ldirectord takes "
		"for "
		"failures too, nothing is known");
	end(c, p);
	c->ld->oom |= !buf_ok(&path) || !buf_ok(&vip);
	buf_fini(&path);
	buf_fini(&vip);
}

/* N connections, then one that negotiates: two probes, both of which must pass. */
static void combined(struct check *c)
{
	uint64_t n = ld_number(c->ld, c->v->part, c->type, 1);

	connects(c);
	c->every = n < 1 ? 1 : n > 10000 ? 10000 : n + 1;
	negotiate(c);
	c->every = 1;
	ld_note(c->ld, c->v->part, IMPORT_APPROXIMATED, c->type,
		"two probes, both of which must pass: one connects, and one negotiates that much "
		"more "
		"rarely");
}

static void perl(struct check *c)
{
	ld_note(c->ld, c->v->part, IMPORT_DROPPED, c->type,
		"Perl that runs within ldirectord runs nowhere else: the realserver counts as up "
		"(a "
		"program of its own can be a probe of exec:///PATH)");
}

static void nothing(struct check *c ATTR_UNUSED)
{
}

static const struct {
	const char *word;
	void (*make)(struct check *c);
} types[] = {
	{ "negotiate", negotiate }, { "connect", connects }, { "external", external },
	{ "external-perl", perl },  { "ping", ping },        { "on", nothing },
	{ "off", nothing },
};

void ld_probes(struct ld *ld, struct ld_virtual *v, const struct ld_real *r, struct buf *names)
{
	const struct ld_line *type = ld_find(v->lines, LD_CHECKTYPE);
	const struct ld_line *port = ld_find(v->lines, LD_CHECKPORT);
	struct check c = { .ld = ld,
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
		negotiate(&c);
	else
		types[i].make(&c);
}
