/* ldirectord_kinds.c: service= as a table: what comes nearest to each of ldirectord's checks
 * that negotiate. */
#include <string.h>

#include "agent/base/dns.h"
#include "agent/import/ldirectord_check.h"
#include "agent/import/shape.h"

static void make_http(struct ld_check *c, const char *scheme);
static void make_plain(struct ld_check *c, const char *scheme);
static void make_ftp(struct ld_check *c, const char *scheme);
static void make_dns(struct ld_check *c, const char *scheme);
static void make_nntp(struct ld_check *c, const char *scheme);
static void make_mysql(struct ld_check *c, const char *scheme);
static void make_simple(struct ld_check *c, const char *scheme);
static void make_other(struct ld_check *c, const char *scheme);

static const struct kind {
	const char *word;
	uint16_t port;
	void (*make)(struct ld_check *c, const char *scheme); /* NULL: nothing is asked */
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

/* --- kinds of service ------------------------------------------------------------------------ */

static const char *request_of(const struct ld_check *c)
{
	const struct ld_line *l = ld_check_line(c, LD_REQUEST);

	return c->r->request ? c->r->request : l ? l->text : "";
}

static const char *receive_of(const struct ld_check *c)
{
	const struct ld_line *l = ld_check_line(c, LD_RECEIVE);

	return c->r->request ? c->r->receive : l ? l->text : "";
}

static void put_receive(struct ld_check *c, struct import_part *p)
{
	const struct ld_line *l = ld_check_line(c, LD_RECEIVE);

	if (*receive_of(c))
		shape_regex(c->ld->im, p, c->r->request || !l ? c->at : l->at, receive_of(c),
			    "receive");
}

static void make_http(struct ld_check *c, const char *scheme)
{
	const struct ld_line *vhost = ld_check_line(c, LD_VIRTUALHOST),
			     *method = ld_check_line(c, LD_HTTPMETHOD);
	const char *host = vhost && shape_host_ok(vhost->text) ? vhost->text : "{address}";
	struct buf path = BUF_INIT;
	struct import_part *p;

	shape_path(&path, request_of(c), true);
	p = ld_check_probe(c, scheme, host, buf_str(&path));
	if (vhost && *host == '{')
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
	ld_check_end(c, p);
	c->ld->oom |= !buf_ok(&path);
	buf_fini(&path);
}

static void make_plain(struct ld_check *c, const char *scheme)
{
	size_t len = strlen(scheme);
	struct import_part *p = ld_check_probe(c, scheme, "{address}", "");

	if (!strcmp(scheme, "imaps") || !strcmp(scheme, "pop3s"))
		import_key(p, c->at, "verify", "off");
	if (len && !strcmp(scheme, "pgsql") && ld_check_line(c, LD_REQUEST))
		ld_check_near(c, p, "its greeting is judged, and no query is asked");
	ld_check_end(c, p);
}

static void make_ftp(struct ld_check *c, const char *scheme)
{
	struct import_part *p = ld_check_probe(c, scheme, "{address}", "");

	ld_check_near(c, p, "its greeting is judged, and no file is fetched");
	ld_check_end(c, p);
}

static void make_mysql(struct ld_check *c, const char *scheme)
{
	const struct ld_line *user = ld_check_line(c, LD_LOGIN);
	struct import_part *p = ld_check_probe(c, scheme, "{address}", "");

	if (user && *user->text)
		import_key(p, user->at, "user", "%s", user->text);
	ld_check_near(c, p, "its greeting is judged, without a password, and no query is asked");
	ld_check_end(c, p);
}

static void make_nntp(struct ld_check *c, const char *scheme)
{
	struct import_part *p;

	if (!ld_check_port(c))
		return;
	p = ld_check_probe(c, scheme, "", "");
	import_key(p, c->at, "expect_regex", "\\A2");
	ld_check_end(c, p);
}

/* What comes near to a kind that there is no probe of. */
static void make_other(struct ld_check *c, const char *scheme)
{
	bool udp = c->v->service.key.proto == IPPROTO_UDP;
	struct import_part *p;

	if (udp || !strcmp(scheme, "icmp")) {
		scheme = "icmp";
		c->port = 0;
	} else if (!ld_check_port(c)) {
		return;
	}
	p = ld_check_probe(c, scheme, *scheme == 't' && scheme[1] == 'c' ? "" : "{address}", "");
	if (!strcmp(scheme, "tls"))
		import_key(p, c->at, "verify", "off");
	ld_check_near(c, p,
		      *scheme == 'i'
			      ? "there is no such probe: that the host answers an echo request is "
				"all that is known"
		      : scheme[1] == 'l'
			      ? "there is no such probe: a TLS handshake stands for it"
			      : "there is no such probe: that the port takes a connection is all "
				"that is known");
	ld_check_end(c, p);
}

static void make_dns(struct ld_check *c, const char *scheme)
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
	p = ld_check_probe(c, scheme, "{address}", buf_str(&path));
	if (!asked)
		ld_check_near(c, p, "what it asks for is no name: the root's SOA is asked for");
	else if (!addr_parse(want, &a) && a.family == AF_INET && !a.port)
		import_key(p, c->at, "expect_answer", "%s", want);
	else
		ld_check_near(
			c, p,
			*want ? "receive is no whole address: any answer will do"
			      : "without receive ldirectord finds it down: here any answer will "
				"do");
	if (c->v->service.key.proto == IPPROTO_TCP)
		import_key(p, c->at, "transport", "tcp");
	ld_check_end(c, p);
	c->ld->oom |= !buf_ok(&path);
	buf_fini(&query);
	buf_fini(&path);
}

/* "\n" in a request is a new line. */
static void put_send(struct ld_check *c, struct import_part *p, const char *text)
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
		ld_check_near(c, p, "what it sends is longer than 4096 bytes, and is left out");
	else if (bytes.len)
		import_key(p, c->at, "send", "%s", buf_str(&send));
	c->ld->oom |= !buf_ok(&bytes) || !buf_ok(&send);
	buf_fini(&bytes);
	buf_fini(&send);
}

static void make_simple(struct ld_check *c, const char *scheme)
{
	bool udp = c->v->service.key.proto == IPPROTO_UDP;
	const char *request = request_of(c);
	struct import_part *p;

	if (!ld_check_port(c))
		return;
	p = ld_check_probe(c, udp ? "udp" : scheme, "", "");
	put_send(c, p, request + (*request == '/'));
	if (udp)
		import_key(p, c->at, "silence", "failed");
	put_receive(c, p);
	ld_check_end(c, p);
}

void ld_check_negotiate(struct ld_check *c)
{
	const struct kind *kind = find_kind(c->v->kind);

	c->negotiates = true;
	if (!kind)
		import_note(c->ld->im, c->v->part, IMPORT_DROPPED, c->at, c->v->kind,
			    "ldirectord knows no such service: the realserver counts as up");
	else if (kind->make)
		kind->make(c, kind->scheme);
}
