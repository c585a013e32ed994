/* ldirectord_virtual.c: a virtual service of ldirectord's as a [service]. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "agent/import/ldirectord_check.h"
#include "agent/import/shape.h"

/* --- its address ------------------------------------------------------------------------ */

/* What stands behind virtual=, up to a blank: a mark's number, or HOST and PORT. */
struct place {
	char *host, *port; /* host NULL: a mark */
	uint64_t mark;
};

/* Why it is none; NULL = it is one. */
static const char *read_place(struct ld *ld, const struct ld_virtual *v, struct place *p)
{
	size_t len = strcspn(v->text, " \t");
	char *text = arena_strndup(ld->arena, v->text, len), *end;

	*p = (struct place){ 0 };
	if (!text) {
		ld->oom = true;
		return "memory is out";
	}
	if (text[strspn(text, "0123456789")] == '\0')
		return shape_number(text, UINT32_MAX, &p->mark) && p->mark
			       ? NULL
			       : "this is no firewall mark";
	if (*text == '[') {
		if (!v->six)
			return "an IPv6 address is for virtual6";
		end = strchr(text, ']');
		if (!end || end[1] != ':')
			return "this is no [ADDRESS]:PORT";
		*end = '\0';
		p->host = text + 1;
		p->port = end + 2;
		return NULL;
	}
	end = strrchr(text, ':');
	if (!end)
		return "this is no ADDRESS:PORT, and no firewall mark";
	*end = '\0';
	p->host = text;
	p->port = end + 1;
	return NULL;
}

static uint8_t read_protocol(struct ld *ld, const struct ld_virtual *v, const struct place *p)
{
	const struct ld_line *l = ld_find(v->lines, LD_PROTOCOL);
	uint8_t proto =
		!strcmp(p->port, "53") || !strcmp(p->port, "domain") ? IPPROTO_UDP : IPPROTO_TCP;

	if (!l)
		return proto;
	if (!strcmp(l->text, "udp"))
		return IPPROTO_UDP;
	if (strcmp(l->text, "tcp") != 0)
		ld_note(ld, v->part, IMPORT_DROPPED, l, "it is neither tcp nor udp");
	return strcmp(l->text, "tcp") ? proto : IPPROTO_TCP;
}

/* Its key, and what checks are for. */
static const char *read_key(struct ld *ld, struct ld_virtual *v, const struct place *p)
{
	const struct ld_line *kind = ld_find(v->lines, LD_SERVICE);
	struct ipvs_key *key = &v->service.key;

	v->kind = kind ? kind->text : "none";
	if (!p->host) {
		key->fwmark = (uint32_t)p->mark;
		key->addr.family = v->six ? AF_INET6 : AF_INET;
		return NULL;
	}
	key->proto = read_protocol(ld, v, p);
	if (import_host(ld->im, v->part, v->at, p->host, v->six ? AF_INET6 : AF_INET, &key->addr))
		return v->six ? "this is no IPv6 address, and no name of one"
			      : "this is no IPv4 address, and no name of one";
	if (import_port(ld->im, p->port, key->proto, &key->addr.port) || !key->addr.port)
		return "its port is none";
	if (!kind)
		v->kind = ld_kind_of(key->addr.port);
	return NULL;
}

static struct import_part *make_part(struct ld *ld, const struct ld_virtual *v,
				     const struct place *p)
{
	const struct ld_line *name = ld_find(v->lines, LD_SERVICENAME);
	struct buf wish = BUF_INIT;
	struct import_part *part;

	if (name && *name->text)
		buf_puts(&wish, name->text);
	else if (p->host)
		buf_printf(&wish, "%s-%s", p->host, p->port);
	else
		buf_printf(&wish, "%s-%llu", v->six ? "fwmark6" : "fwmark",
			   (unsigned long long)p->mark);
	part = import_part(ld->im, "service", buf_str(&wish), v->at);
	ld->oom |= !buf_ok(&wish);
	buf_fini(&wish);
	return part;
}

/* --- scheduling ------------------------------------------------------------------------- */

static void read_scheduler(struct ld *ld, struct ld_virtual *v)
{
	const struct ld_line *l = ld_find(v->lines, LD_SCHEDULER);
	const struct ld_line *flags = ld_find(v->lines, LD_SCHEDFLAGS);
	const struct ld_line *ops = ld_find(v->lines, LD_OPS);
	const char *word = l ? l->text : "wrr";
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz");

	if (!len || len >= IPVS_NAME_LEN || word[len]) {
		ld_note(ld, v->part, IMPORT_DROPPED, l, "this is no scheduler's name: wrr stands");
		word = "wrr";
		len = 3;
	}
	memcpy(v->service.scheduler, word, len);
	v->service.scheduler[len] = '\0';
	if (flags)
		v->service.flags |=
			shape_flags(ld->im, v->part, flags->at, v->service.scheduler, flags->text);
	if (ld_yes(ops) && v->service.key.proto == IPPROTO_UDP)
		v->service.flags |= IPVS_SVC_ONEPACKET;
	else if (ld_yes(ops))
		ld_note(ld, v->part, IMPORT_DROPPED, ops, "ldirectord heeds it for udp only");
}

static void read_persistence(struct ld *ld, struct ld_virtual *v)
{
	const struct ld_line *l = ld_find(v->lines, LD_PERSISTENT);
	const struct ld_line *mask = ld_find(v->lines, LD_NETMASK);
	uint64_t seconds = ld_number(ld, v->part, l, 0), prefix;
	struct in_addr in;

	v->service.netmask = v->six ? 128 : UINT32_MAX;
	if (l && seconds) {
		v->service.flags |= IPVS_SVC_PERSISTENT;
		v->service.timeout = (uint32_t)seconds;
	}
	if (!mask)
		return;
	if (v->six && shape_number(mask->text, 128, &prefix) && prefix)
		v->service.netmask = (uint32_t)prefix;
	else if (!v->six && inet_pton(AF_INET, mask->text, &in) == 1)
		v->service.netmask = in.s_addr;
	else
		ld_note(ld, v->part, IMPORT_DROPPED, mask,
			"this is no netmask of the service's address");
	if (!l)
		ld_note(ld, v->part, IMPORT_DROPPED, mask, "without persistent= it does nothing");
}

/* --- what happens when servers fail -------------------------------------------------------- */

static void put_failed(struct ld *ld, struct ld_virtual *v, bool fallback)
{
	if (v->n_probed && !ld_yes(ld_of(ld, v, LD_QUIESCENT)))
		import_remove_failed(v->part);
	if (fallback) {
		import_key(v->part, v->at, "on_panic", "backup");
		return;
	}
	if (!v->n_probed || ld->said_panic)
		return;
	ld->said_panic = true;
	import_note(
		ld->im, NULL, IMPORT_APPROXIMATED, v->at, "virtual",
		"when all real servers fail, ldirectord leaves nobody in; here, and in all others "
		"without a fallback, that is taken to be the check's fault, and all serve "
		"(on_panic = keep)");
}

/* --- the whole ------------------------------------------------------------------------------ */

static void put_notes(struct ld *ld, struct ld_virtual *v)
{
	const struct ld_line *fork = ld_find(ld->lines, LD_FORK), *l;

	for (l = v->lines; l; l = l->next) {
		if (l->key->id == LD_NOTE)
			ld_note(ld, v->part, IMPORT_DROPPED, l, "%s", l->key->why);
		else if (l->key->id == LD_LOGIN && strcmp(v->kind, "mysql") != 0)
			ld_note(ld, v->part, IMPORT_DROPPED, l, "probes log in nowhere");
		else if (l->key->id == LD_CHECKINTERVAL && !ld_yes(fork))
			ld_note(ld, v->part, IMPORT_DROPPED, l,
				"ldirectord passes over it without fork=yes: the file's stands");
		else if (l->key->id == (v->six ? LD_FALLBACK : LD_FALLBACK6))
			ld_note(ld, v->part, IMPORT_DROPPED, l, "it is for the other family");
	}
}

static int put_pool(struct ld *ld, struct ld_virtual *v)
{
	const struct ld_line *type = ld_find(v->lines, LD_CHECKTYPE);
	bool off = type && !strcmp(type->text, "off"), fallback = false;
	int r = ld_reals(ld, v);

	if (!r && !off)
		r = ld_fallback(ld, v, &fallback);
	if (r)
		return r;
	if (off)
		ld_note(ld, v->part, IMPORT_APPROXIMATED, type,
			"ldirectord puts nobody in: all are enabled=no, and there is no backup");
	put_failed(ld, v, fallback);
	put_notes(ld, v);
	import_pool(v->part, &v->service.key, v->dests, v->n_dests + fallback);
	return 0;
}

int ld_put_virtual(struct ld *ld, struct ld_virtual *v)
{
	const char *word = v->six ? "virtual6" : "virtual", *why;
	struct buf what = BUF_INIT;
	struct place place;
	int r = 0;

	buf_printf(&what, "%s = %s", word, v->text);
	why = read_place(ld, v, &place);
	if (!why) {
		v->part = make_part(ld, v, &place);
		if (!v->part)
			r = -ENOMEM;
		else
			why = read_key(ld, v, &place);
	}
	if (r || why || !import_address(v->part, v->at, &v->service.key)) {
		if (why)
			import_note(ld->im, NULL, IMPORT_DROPPED, v->at, buf_str(&what), "%s", why);
		import_discard(v->part);
		goto out;
	}
	read_scheduler(ld, v);
	read_persistence(ld, v);
	import_scheduling(v->part, v->at, buf_str(&what), &v->service);
	r = put_pool(ld, v);
	if (!r)
		import_note(ld->im, v->part, IMPORT_IMPORTED, v->at, buf_str(&what), "[service %s]",
			    import_part_name(v->part));
out:
	ld->oom |= !buf_ok(&what);
	buf_fini(&what);
	return r;
}
