/* keepalived_real.c: real_server and sorry_server as realservers and a backup. */
#include <errno.h>
#include <string.h>

#include "agent/import/keepalived_check.h"

static const char scripts[] = "ipvs-agent runs no script of keepalived's: a [rule] with action = "
			      "exec /PATH, or notify NAME, tells of changes";

#define DROP(word, why)                                                                            \
	{                                                                                          \
		word, KA_NOTE, 0, IMPORT_DROPPED, why                                              \
	}

/* clang-format off */
static const struct ka_key keys[] = {
	KA_TERMS(ka_real),
	{ "lvs_method", KA_STMT, offsetof(struct ka_real, method), 0, NULL },
	{ "weight", KA_COUNT, offsetof(struct ka_real, weight), 0, NULL },
	{ "uthreshold", KA_COUNT, offsetof(struct ka_real, upper), 0, NULL },
	{ "lthreshold", KA_COUNT, offsetof(struct ka_real, lower), 0, NULL },
	{ "snmp_name", KA_STMT, offsetof(struct ka_real, name), 0, NULL },
	{ "TCP_CHECK", KA_ELSEWHERE, 0, 0, NULL },
	{ "HTTP_GET", KA_ELSEWHERE, 0, 0, NULL },
	{ "SSL_GET", KA_ELSEWHERE, 0, 0, NULL },
	{ "SMTP_CHECK", KA_ELSEWHERE, 0, 0, NULL },
	{ "DNS_CHECK", KA_ELSEWHERE, 0, 0, NULL },
	{ "MISC_CHECK", KA_ELSEWHERE, 0, 0, NULL },
	{ "PING_CHECK", KA_ELSEWHERE, 0, 0, NULL },
	{ "UDP_CHECK", KA_ELSEWHERE, 0, 0, NULL },
	{ "FILE_CHECK", KA_ELSEWHERE, 0, 0, NULL },
	{ "BFD_CHECK", KA_ELSEWHERE, 0, 0, NULL },
	DROP("notify_up", scripts),
	DROP("notify_down", scripts),
	DROP("smtp_alert", "ipvs-agent sends no mail: its metrics, and Alertmanager, do that"),
	{ NULL, 0, 0, 0, NULL },
};
/* clang-format on */

/* The port that it gets in the table: only NAT has one of its own. */
static void fit_port(struct ka_virtual *v, const struct ka_stmt *s, struct ipvs_dest *d)
{
	bool marks = v->service.key.fwmark;
	size_t i;

	if (d->forward == IPVS_MASQ)
		return;
	for (i = 0; !marks && d->addr.port && i < v->n_keys; i++) {
		if (v->keys[i].fwmark || v->keys[i].addr.port == d->addr.port)
			continue;
		ka_note(v->k, v->part, IMPORT_APPROXIMATED, s,
			"only NAT changes the port: the service's is the one that it gets");
		break;
	}
	d->addr.port = 0;
}

/* Method, address and what else the row of the table has. */
static bool read_dest(struct ka_virtual *v, const struct ka_stmt *s, const struct ka_stmt *method,
		      struct ipvs_dest *d)
{
	const char *why = NULL;

	d->forward = IPVS_MASQ;
	if (v->method)
		why = ka_method(v->method, d);
	if (why)
		ka_note(v->k, v->part, IMPORT_DROPPED, v->method, "%s: NAT is the default", why);
	why = method ? ka_method(method, d) : NULL;
	if (why)
		ka_note(v->k, v->part, IMPORT_DROPPED, method, "%s: the service's stands", why);
	why = ka_server_address(v->k, s, v->service.key.proto, &d->addr);
	if (why)
		ka_note(v->k, v->part, IMPORT_DROPPED, s, "%s", why);
	return !why;
}

/* Behind all others, so that the sorry server is the last. */
static int add_dest(struct ka_virtual *v, const struct import_dest *dest)
{
	struct import_dest *dests = arena_grow(v->k->arena, v->dests, v->n_dests, sizeof(*dests));

	if (!dests)
		return -ENOMEM;
	dests[v->n_dests] = *dest;
	v->dests = dests;
	return 0;
}

static uint32_t count_of(int64_t n, uint32_t other)
{
	return n == KA_UNSET ? other : (uint32_t)n;
}

static const char *text_of(struct ka *k, struct buf *text)
{
	const char *copy = buf_ok(text) ? arena_strdup(k->arena, buf_str(text)) : NULL;

	k->oom |= !copy;
	buf_fini(text);
	return copy ? copy : "";
}

static int put_real(struct ka_real *r)
{
	struct ka_virtual *v = r->v;
	struct buf more = BUF_INIT, what = BUF_INIT;
	struct import_dest dest = { .dest = r->dest, .at = r->stmt->at, .service_port = true };
	int e;

	if (r->probes.len)
		buf_printf(&more, "probe=%s", buf_str(&r->probes));
	if (r->probe_address && r->own_address)
		ka_note(v->k, v->part, IMPORT_APPROXIMATED, r->stmt,
			"a realserver is probed at one address: all of its checks go to the "
			"connect_ip "
			"of one");
	if (r->probe_address)
		buf_printf(&more, "%sprobe_address=%s", more.len ? " " : "", r->probe_address);
	ka_put(&what, r->stmt);
	dest.more = text_of(v->k, &more);
	dest.what = text_of(v->k, &what);
	dest.wish = r->name ? ka_word(r->name, 1) : NULL;
	e = add_dest(v, &dest);
	if (e)
		return e;
	v->n_dests++;
	v->n_alpha += r->terms.alpha == 1;
	v->n_removed += r->probes.len && r->terms.inhibit != 1;
	v->n_kept += r->probes.len && r->terms.inhibit == 1;
	return 0;
}

int ka_real(struct ka_virtual *v, const struct ka_stmt *s)
{
	struct ka_real r = { .v = v,
			     .stmt = s,
			     .terms = v->terms,
			     .weight = v->weight,
			     .upper = KA_UNSET,
			     .lower = KA_UNSET };
	const struct ka_stmt *check;
	int e;

	ka_set(v->k, v->part, s->first, keys, &r);
	if (!read_dest(v, s, r.method, &r.dest))
		return 0;
	r.check_port = r.dest.addr.port;
	fit_port(v, s, &r.dest);
	r.dest.weight = count_of(r.weight, 1);
	r.dest.upper = count_of(r.upper, 0);
	r.dest.lower = count_of(r.lower, 0);
	ka_notes(v->k, v->part, s->first, keys);
	for (check = s->first; check; check = check->next)
		if (ka_is_checker(check->words[0]))
			ka_check(&r, check);
	v->k->oom |= !buf_ok(&r.probes);
	e = put_real(&r);
	buf_fini(&r.probes);
	return e;
}

int ka_sorry(struct ka_virtual *v)
{
	struct import_dest dest = { .wish = "sorry", .backup = true, .service_port = true };
	struct buf what = BUF_INIT;
	int e;

	if (!v->sorry || !read_dest(v, v->sorry, v->sorry_method, &dest.dest))
		return 0;
	fit_port(v, v->sorry, &dest.dest);
	dest.dest.weight = 1;
	dest.at = v->sorry->at;
	ka_put(&what, v->sorry);
	dest.what = text_of(v->k, &what);
	dest.noted = v->sorry_inhibit != 1;
	if (dest.noted)
		ka_note(v->k, v->part, IMPORT_APPROXIMATED, v->sorry,
			"while it does not serve, it stays in the table at weight 0");
	e = add_dest(v, &dest);
	if (e)
		return e;
	v->sorry_there = true;
	return 0;
}
