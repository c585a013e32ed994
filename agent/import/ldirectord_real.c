/* ldirectord_real.c: real= and fallback= lines as realservers and backups. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/import/ldirectord_check.h"
#include "agent/import/shape.h"

enum { RANGE_MAX = 4096 };

/* --- words -------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	uint8_t forward;
} methods[] = { { "gate", IPVS_ROUTE }, { "masq", IPVS_MASQ }, { "ipip", IPVS_TUNNEL } };

static bool read_method(const char *word, size_t len, struct ipvs_dest *d)
{
	size_t i;

	for (i = 0; i < countof(methods); i++) {
		if (strlen(methods[i].word) != len || strncmp(methods[i].word, word, len) != 0)
			continue;
		d->forward = methods[i].forward;
		return true;
	}
	return false;
}

/* "HOST:port", "[HOST]:port", "HOST": cut up in place. *ret_port NULL: there is none. */
static char *cut_host(char *text, char **ret_port)
{
	char *host = text, *colon;

	if (*text == '[') {
		host = text + 1;
		text = host + strcspn(host, "]");
		if (!*text)
			return NULL;
		*text++ = '\0';
	}
	colon = strrchr(text, ':');
	*ret_port = colon ? colon + 1 : NULL;
	if (colon)
		*colon = '\0';
	return host;
}

static char *copy(struct ld *ld, const char *text, size_t len)
{
	char *c = arena_strndup(ld->arena, text, len);

	ld->oom |= !c;
	return c;
}

static const char *resolve(struct ld *ld, struct ld_virtual *v, const struct ld_line *l,
			   const char *host, struct addr *ret_addr)
{
	int family = v->six ? AF_INET6 : AF_INET;

	if (import_host(ld->im, v->part, l->at, host, family, ret_addr))
		return v->six ? "this is no IPv6 address, and no name of one"
			      : "this is no IPv4 address, and no name of one";
	return shape_serves(ret_addr) ? NULL : "this cannot be a realserver's address";
}

/* --- real= --------------------------------------------------------------------------------- */

/* "text" at *p, which moves behind it. */
static const char *quoted(struct ld *ld, const char **p)
{
	const char *end;
	char *text;

	if (**p != '"')
		return NULL;
	end = strchr(*p + 1, '"');
	if (!end)
		return NULL;
	text = copy(ld, *p + 1, (size_t)(end - *p - 1));
	*p = end + 1;
	return text;
}

/* weight "request", "receive" l:N u:N: false where something else stands. */
static bool read_options(struct ld *ld, const char *p, struct ld_real *r)
{
	unsigned long n;
	char *end;

	r->dest.weight = 1;
	for (p += strspn(p, " \t,"); *p; p += strspn(p, " \t,")) {
		if (*p == '"') {
			r->request = quoted(ld, &p);
			p += strspn(p, " \t,");
			r->receive = quoted(ld, &p);
			if (!r->request || !r->receive)
				return false;
			continue;
		}
		n = strtoul(p + 2 * (p[1] == ':'), &end, 10);
		if (end == p || n > UINT32_MAX || (*end && !strchr(" \t,", *end)))
			return false;
		if (*p == 'l' && p[1] == ':')
			r->dest.lower = (uint32_t)n;
		else if (*p == 'u' && p[1] == ':')
			r->dest.upper = (uint32_t)n;
		else if (isdigit((unsigned char)*p))
			r->dest.weight = (uint32_t)n;
		else
			return false;
		p = end;
	}
	return true;
}

static const char *text_of(struct ld *ld, struct buf *text)
{
	char *c = buf_ok(text) ? copy(ld, buf_str(text), text->len) : NULL;

	ld->oom |= !c;
	buf_fini(text);
	return c ? c : "";
}

static int add_dest(struct ld *ld, struct ld_virtual *v, const struct import_dest *dest)
{
	struct import_dest *dests = arena_grow(ld->arena, v->dests, v->n_dests, sizeof(*dests));

	if (!dests)
		return -ENOMEM;
	dests[v->n_dests] = *dest;
	v->dests = dests;
	return 0;
}

/* ipvsadm, which ldirectord runs, gives all but masq the service's port, but behind a mark. */
static void fit_port(struct ld *ld, struct ld_virtual *v, const struct ld_line *l,
		     struct ipvs_dest *d)
{
	if (d->forward == IPVS_MASQ || v->service.key.fwmark)
		return;
	if (d->addr.port && d->addr.port != v->service.key.addr.port)
		ld_note(ld, v->part, IMPORT_APPROXIMATED, l,
			"only masq changes the port: the service's is the one that it gets");
	d->addr.port = 0;
}

static int put_real(struct ld *ld, struct ld_virtual *v, const struct ld_real *real,
		    const char *wish)
{
	const struct ld_line *type = ld_find(v->lines, LD_CHECKTYPE);
	struct import_dest dest = { .dest = real->dest,
				    .at = real->line->at,
				    .wish = wish,
				    .service_port = true,
				    .disabled = type && !strcmp(type->text, "off") };
	struct buf names = BUF_INIT, more = BUF_INIT, what = BUF_INIT;
	int r;

	ld_probes(ld, v, real, &names);
	if (names.len)
		buf_printf(&more, "probe=%s", buf_str(&names));
	buf_printf(&what, "%s = %s", real->line->key->word, real->line->text);
	v->n_probed += names.len > 0;
	ld->oom |= !buf_ok(&names);
	buf_fini(&names);
	dest.more = text_of(ld, &more);
	dest.what = text_of(ld, &what);
	r = add_dest(ld, v, &dest);
	v->n_dests += !r;
	return r;
}

static uint32_t number_of(const struct addr *a)
{
	uint32_t n;

	memcpy(&n, a->bytes, sizeof(n));
	return ntohl(n);
}

/* All of first->last, each a realserver of its own. */
static int put_range(struct ld *ld, struct ld_virtual *v, struct ld_real *real,
		     const struct addr *last)
{
	uint32_t from = number_of(&real->dest.addr), n = number_of(last) - from, i, next;
	int r = 0;

	if (v->six || number_of(last) < from || n >= RANGE_MAX) {
		ld_note(ld, v->part, IMPORT_DROPPED, real->line,
			"this is no range of up to %d IPv4 addresses", RANGE_MAX);
		return 0;
	}
	for (i = 0; i <= n && !r; i++) {
		next = htonl(from + i);
		memcpy(real->dest.addr.bytes, &next, sizeof(next));
		r = put_real(ld, v, real, NULL);
	}
	return r;
}

static bool is_name(const char *host)
{
	struct addr a;

	return addr_parse(host, &a) != 0;
}

static int read_real(struct ld *ld, struct ld_virtual *v, const struct ld_line *l)
{
	size_t len = strcspn(l->text, " \t"), skip = len + strspn(l->text + len, " \t");
	size_t method = strcspn(l->text + skip, " \t");
	char *host = copy(ld, l->text, len), *to, *port = NULL, *other = NULL;
	struct ld_real real = { .line = l };
	struct addr last = { 0 };
	const char *why = NULL;

	if (!host)
		return -ENOMEM;
	to = strstr(host, "->");
	if (to)
		*to = '\0';
	if (to)
		to = cut_host(to + 2, &port);
	host = cut_host(host, to ? &other : &port);
	if (!host || other || (host == to))
		why = "this is no host, no range of them, and no port";
	if (!why)
		why = resolve(ld, v, l, host, &real.dest.addr);
	if (!why && to)
		why = resolve(ld, v, l, to, &last);
	if (!why && port && import_port(ld->im, port, v->service.key.proto, &real.port))
		why = "its port is none";
	if (!why && !read_method(l->text + skip, method, &real.dest))
		why = "its method is none of gate, masq, ipip";
	if (!why && !read_options(ld, l->text + skip + method, &real))
		why = "behind the method only a weight, \"request\", \"receive\", l:N and u:N may "
		      "stand";
	if (why) {
		ld_note(ld, v->part, IMPORT_DROPPED, l, "%s", why);
		return 0;
	}
	real.dest.addr.port = real.port;
	fit_port(ld, v, l, &real.dest);
	return to ? put_range(ld, v, &real, &last)
		  : put_real(ld, v, &real, is_name(host) ? host : NULL);
}

int ld_reals(struct ld *ld, struct ld_virtual *v)
{
	const struct ld_line *l;
	int r = 0;

	for (l = v->lines; l && !r; l = l->next)
		if (l->key->id == LD_REAL)
			r = read_real(ld, v, l);
	return r;
}

/* --- fallback= ------------------------------------------------------------------------------- */

int ld_fallback(struct ld *ld, struct ld_virtual *v, bool *ret_there)
{
	const struct ld_line *l = ld_of(ld, v, v->six ? LD_FALLBACK6 : LD_FALLBACK);
	struct import_dest dest = { .wish = "fallback", .backup = true, .service_port = true };
	struct buf what = BUF_INIT;
	size_t len = l ? strcspn(l->text, " \t") : 0, skip;
	char *host = l ? copy(ld, l->text, len) : NULL, *port = NULL;
	const char *why = NULL;
	int r;

	*ret_there = false;
	if (!l)
		return 0;
	if (!host)
		return -ENOMEM;
	skip = len + strspn(l->text + len, " \t");
	dest.dest.forward = IPVS_ROUTE;
	if (l->text[skip] &&
	    !read_method(l->text + skip, strcspn(l->text + skip, " \t"), &dest.dest))
		why = "its method is none of gate, masq, ipip";
	host = cut_host(host, &port);
	if (!why)
		why = host ? resolve(ld, v, l, host, &dest.dest.addr) : "this is no host";
	if (!why && port && import_port(ld->im, port, v->service.key.proto, &dest.dest.addr.port))
		why = "its port is none";
	if (why) {
		ld_note(ld, v->part, IMPORT_DROPPED, l, "%s", why);
		return 0;
	}
	fit_port(ld, v, l, &dest.dest);
	dest.dest.weight = 1;
	dest.at = l->at;
	buf_printf(&what, "%s = %s", l->key->word, l->text);
	dest.what = text_of(ld, &what);
	dest.noted = true;
	ld_note(ld, v->part, IMPORT_APPROXIMATED, l,
		"while it does not serve, it stays in the table at weight 0");
	r = add_dest(ld, v, &dest);
	*ret_there = !r;
	return r;
}
