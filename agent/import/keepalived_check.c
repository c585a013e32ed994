/* keepalived_check.c: the kinds of checkers as a table, and what all of them say. */
#include "agent/import/keepalived_check.h"

#include <string.h>

#include "agent/base/dns.h"
#include "agent/import/shape.h"

enum { INTERVAL_MS = 60000, TIMEOUT_MS = 5000, SECOND_MS = 1000 }; /* keepalived's defaults */

#define STMT(word, field)                                                                          \
	{                                                                                          \
		word, KA_STMT, offsetof(struct ka_check, field), 0, NULL                           \
	}
#define FLAG(word, field)                                                                          \
	{                                                                                          \
		word, KA_FLAG, offsetof(struct ka_check, field), 0, NULL                           \
	}
#define DROP(word, why)                                                                            \
	{                                                                                          \
		word, KA_NOTE, 0, IMPORT_DROPPED, why                                              \
	}
#define END                                                                                        \
	{                                                                                          \
		NULL, 0, 0, 0, NULL                                                                \
	}
#define LOG DROP("log_all_failures", "log_level = debug shows each attempt")
#define CONNECTS                                                                                   \
	KA_TERMS(ka_check), STMT("connect_ip", connect_ip), STMT("connect_port", connect_port),    \
		STMT("bindto", bindto), STMT("bind_if", bind_if),                                  \
		DROP("bind_port", "the kernel chooses the port that an attempt comes from"),       \
		DROP("fwmark", "attempts carry no mark"), LOG

/* clang-format off */
static const struct ka_key plain_keys[] = { CONNECTS, END };
static const struct ka_key http_keys[] = {
	CONNECTS,
	STMT("http_protocol", protocol),
	FLAG("enable_sni", enable_sni),
	STMT("sni_name", sni_name),
	DROP("fast_recovery", "each url is a probe of its own, and none waits for another"),
	{ "url", KA_ELSEWHERE, 0, 0, NULL },
	END,
};
static const struct ka_key smtp_keys[] = {
	CONNECTS,
	STMT("helo_name", helo),
	{ "host", KA_ELSEWHERE, 0, 0, NULL },
	END,
};
static const struct ka_key dns_keys[] = { CONNECTS, STMT("type", type), STMT("name", name), END };
static const struct ka_key udp_keys[] = {
	CONNECTS,
	STMT("payload", payload),
	STMT("require_reply", reply),
	STMT("min_reply_length", min_reply),
	STMT("max_reply_length", max_reply),
	END,
};
static const struct ka_key misc_keys[] = {
	KA_TERMS(ka_check),
	LOG,
	STMT("misc_path", path),
	STMT("misc_timeout", timeout),
	FLAG("misc_dynamic", dynamic),
	DROP("user", "programs run as the agent's user, without capabilities"),
	END,
};
/* clang-format on */

static void check_plain(struct ka_check *c, const char *scheme);
static void check_smtp(struct ka_check *c, const char *scheme);
static void check_dns(struct ka_check *c, const char *scheme);

static const struct kind {
	const char *word, *scheme;
	void (*read)(struct ka_check *c, const char *scheme); /* NULL: dropped */
	const struct ka_key *keys;
	uint64_t retry;
	int64_t before_ms;
	const char *why;
} kinds[] = {
	{ "TCP_CHECK", "tcp", check_plain, plain_keys, 1, SECOND_MS, NULL },
	{ "HTTP_GET", "http", ka_check_http, http_keys, 1, 3 * SECOND_MS, NULL },
	{ "SSL_GET", "https", ka_check_http, http_keys, 1, 3 * SECOND_MS, NULL },
	{ "SMTP_CHECK", "smtp", check_smtp, smtp_keys, 1, SECOND_MS, NULL },
	{ "DNS_CHECK", "dns", check_dns, dns_keys, 3, KA_UNSET, NULL },
	{ "PING_CHECK", "icmp", check_plain, plain_keys, 1, SECOND_MS, NULL },
	{ "UDP_CHECK", "udp", ka_check_udp, udp_keys, 1, SECOND_MS, NULL },
	{ "MISC_CHECK", "exec", ka_check_misc, misc_keys, 0, SECOND_MS, NULL },
	{ .word = "FILE_CHECK",
	  .why = "its file holds numbers; a probe of file:///PATH reads up, down or a share. "
		 "Without another check the realserver counts as up" },
	{ .word = "BFD_CHECK",
	  .why = "ipvs-agent speaks no BFD. Without another check the realserver counts as up" },
};

static const struct kind *find_kind(const char *word)
{
	size_t i;

	for (i = 0; i < countof(kinds); i++)
		if (!strcmp(kinds[i].word, word))
			return &kinds[i];
	return NULL;
}

bool ka_is_checker(const char *word)
{
	return find_kind(word) != NULL;
}

static void note(struct ka_check *c, struct import_part *p, enum import_fate fate,
		 const struct ka_stmt *s, const char *text)
{
	ka_note(c->r->v->k, p, fate, s, "%s", text);
}

/* --- what all have --------------------------------------------------------------------- */

/* Where attempts come from. */
static void put_way(struct ka_check *c, struct import_part *p)
{
	const char *from = c->bindto ? ka_word(c->bindto, 1) : NULL, *device;
	struct addr a;

	if (from && !addr_parse(from, &a) && !a.port)
		import_key(p, c->bindto->at, "source", "%s", from);
	else if (c->bindto)
		note(c, p, IMPORT_DROPPED, c->bindto, "this is no address");
	if (!c->bind_if)
		return;
	device = ka_word(c->bind_if, 1);
	if (device && import_interface_ok(device))
		import_key(p, c->bind_if->at, "interface", "%s", device);
	else
		note(c, p, IMPORT_DROPPED, c->bind_if, "this is no interface's name");
}

static void put_times(struct ka_check *c, struct import_part *p)
{
	struct import *im = c->r->v->k->im;
	const struct import_at at = c->stmt->at;
	const struct ka_terms *t = &c->terms;
	int64_t interval = t->delay_loop == KA_UNSET ? INTERVAL_MS : t->delay_loop;
	int64_t timeout = t->connect_timeout == KA_UNSET ? TIMEOUT_MS : t->connect_timeout;
	int64_t before = t->delay_before_retry == KA_UNSET ? c->before_ms : t->delay_before_retry;
	uint64_t seconds, retry = t->retry == KA_UNSET ? c->retry : (uint64_t)t->retry;

	if (c->timeout || c->path) /* a program has the interval's time */
		timeout = interval;
	if (c->timeout && ka_word(c->timeout, 1) &&
	    shape_number(c->timeout->words[1], 1000000, &seconds) && seconds)
		timeout = (int64_t)seconds * SECOND_MS;
	shape_probe(im, p, at, interval, timeout, retry + 1);
	if (retry && before != KA_UNSET && before < interval)
		shape_duration(im, p, at, "fast_interval", before, 100, interval,
			       "delay_before_retry");
}

/* What connects without being told would go there already. */
static uint16_t own_port(const struct ka_real *r)
{
	return r->dest.addr.port ? r->dest.addr.port : r->v->keys[0].addr.port;
}

struct import_part *ka_probe(struct ka_check *c, const char *scheme, const char *host,
			     const char *path)
{
	struct import *im = c->r->v->k->im;
	bool own = !c->port || c->port == own_port(c->r);
	struct buf wish = BUF_INIT, port = BUF_INIT;
	struct import_part *p;

	if (!own)
		buf_printf(&port, ":%u", c->port);
	buf_puts(&wish, scheme);
	if (c->wish)
		buf_printf(&wish, "-%s", c->wish);
	else if (*host && *host != '{')
		buf_printf(&wish, "-%s", host);
	if (!own)
		buf_printf(&wish, "-%u", c->port);
	p = import_part(im, "probe", buf_str(&wish), c->stmt->at);
	if (!import_key(p, c->stmt->at, "url", "%s://%s%s%s", scheme, host, buf_str(&port), path)) {
		import_discard(p);
		p = NULL;
	}
	if (p) {
		put_times(c, p);
		put_way(c, p);
	}
	c->r->v->k->oom |= !buf_ok(&wish) || !buf_ok(&port);
	buf_fini(&wish);
	buf_fini(&port);
	return p;
}

/* Two checks may be alike. */
static bool has_probe(const struct ka_real *r, const char *name)
{
	const char *p = buf_str(&r->probes);
	size_t len = strlen(name), n;

	for (; *p; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (n == len && !strncmp(p, name, n))
			return true;
	}
	return false;
}

void ka_probe_end(struct ka_check *c, struct import_part *p)
{
	struct ka_real *r = c->r;
	const char *name;

	if (!p)
		return;
	name = import_share(p);
	if (!has_probe(r, name))
		buf_printf(&r->probes, "%s%s", r->probes.len ? "," : "", name);
	ka_note(r->v->k, p, IMPORT_IMPORTED, c->stmt, "[probe %s]", name);
}

/* --- kinds ------------------------------------------------------------------------------ */

static void check_plain(struct ka_check *c, const char *scheme)
{
	if (!strcmp(scheme, "tcp") && !c->port && !own_port(c->r)) {
		note(c, c->r->v->part, IMPORT_DROPPED, c->stmt,
		     "neither it, the real server nor the virtual server names a port. Without "
		     "another check the realserver counts as up");
		return;
	}
	if (!strcmp(scheme, "icmp"))
		c->port = 0;
	ka_probe_end(c, ka_probe(c, scheme, *scheme == 'i' ? "{address}" : "", ""));
}

static void put_smtp(struct ka_check *c, const char *scheme)
{
	struct import_part *p = ka_probe(c, scheme, "{address}", "");
	const char *helo = c->helo ? ka_word(c->helo, 1) : NULL;

	if (helo && shape_host_ok(helo))
		import_key(p, c->helo->at, "helo", "%s", helo);
	else if (c->helo)
		note(c, p, IMPORT_DROPPED, c->helo, "this is no host's name");
	ka_probe_end(c, p);
}

static void read_connect(struct ka_check *c);

/* Its host blocks are each a check of their own. */
static void check_smtp(struct ka_check *c, const char *scheme)
{
	const struct ka_stmt *s;
	bool any = false;

	for (s = c->stmt->first; s; s = s->next) {
		struct ka_check host = *c;

		if (strcmp(s->words[0], "host") != 0)
			continue;
		any = true;
		ka_set(c->r->v->k, c->r->v->part, s->first, plain_keys, &host);
		ka_notes(c->r->v->k, c->r->v->part, s->first, plain_keys);
		read_connect(&host);
		put_smtp(&host, scheme);
	}
	if (!any)
		put_smtp(c, scheme);
}

static void check_dns(struct ka_check *c, const char *scheme)
{
	const char *name = c->name ? ka_word(c->name, 1) : NULL;
	const char *type = c->type ? ka_word(c->type, 1) : NULL;
	struct buf path = BUF_INIT, query = BUF_INIT;
	struct import_part *p;
	uint16_t number;

	if (name && (strpbrk(name, "{}/?# \t") || dns_query(name, 1, 0, false, &query))) {
		note(c, c->r->v->part, IMPORT_DROPPED, c->name,
		     "this is no name of the DNS: the root is asked for");
		name = NULL;
	}
	if (type && dns_type(type, &number)) {
		note(c, c->r->v->part, IMPORT_DROPPED, c->type,
		     "a type that is not asked for here: SOA is");
		type = NULL;
	}
	if ((name && strcmp(name, ".") != 0) || type)
		buf_printf(&path, "/%s", name && strcmp(name, ".") != 0 ? name : "");
	if (type)
		buf_printf(&path, "?type=%s", type);
	p = ka_probe(c, scheme, "{address}", buf_str(&path));
	ka_probe_end(c, p);
	c->r->v->k->oom |= !buf_ok(&path);
	buf_fini(&query);
	buf_fini(&path);
}

/* --- the whole ---------------------------------------------------------------------------- */

/* connect_ip and connect_port. A realserver is probed at one address by all its probes. */
static void read_connect(struct ka_check *c)
{
	const char *host = c->connect_ip ? ka_word(c->connect_ip, 1) : NULL;
	const char *port = c->connect_port ? ka_word(c->connect_port, 1) : NULL;
	struct ka_real *r = c->r;
	struct addr a;
	uint64_t n;

	c->port = r->check_port;
	if (port && shape_number(port, 65535, &n) && n)
		c->port = (uint16_t)n;
	else if (c->connect_port)
		note(c, r->v->part, IMPORT_DROPPED, c->connect_port, "this is no port");
	if (!c->connect_ip)
		r->own_address = true;
	else if (!host || addr_parse(host, &a) || a.port || !shape_serves(&a))
		note(c, r->v->part, IMPORT_DROPPED, c->connect_ip, "this is no address to probe");
	else if (r->probe_address && strcmp(r->probe_address, host) != 0)
		note(c, r->v->part, IMPORT_APPROXIMATED, c->connect_ip,
		     "a realserver is probed at one address: the first connect_ip stands");
	else
		r->probe_address = host;
}

void ka_check(struct ka_real *r, const struct ka_stmt *s)
{
	const struct kind *kind = find_kind(s->words[0]);
	struct ka_check c = { .r = r,
			      .stmt = s,
			      .terms = r->terms,
			      .retry = kind->retry,
			      .before_ms = kind->before_ms };
	struct ka *k = r->v->k;

	if (!kind->read) {
		ka_note(k, r->v->part, IMPORT_DROPPED, s, "%s", kind->why);
		return;
	}
	ka_set(k, r->v->part, s->first, kind->keys, &c);
	ka_notes(k, r->v->part, s->first, kind->keys);
	read_connect(&c);
	if (c.terms.connect_timeout != KA_UNSET && !k->said_deadline) {
		k->said_deadline = true;
		ka_note(k, NULL, IMPORT_APPROXIMATED, s,
			"connect_timeout is for each step of a check; timeout is here, and in all "
			"others, the whole attempt's");
	}
	kind->read(&c, kind->scheme);
}
