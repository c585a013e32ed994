/* keepalived_address.c: the addresses of a virtual server, also those of its group: single
 * ones, ranges, networks and firewall marks; and the words of lvs_method. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/import/keepalived_model.h"
#include "agent/import/shape.h"

enum { ADDRESSES_MAX = 4096 }; /* of one service */

/* --- ranges ------------------------------------------------------------------------- */

static size_t bytes_of(const struct addr *a)
{
	return a->family == AF_INET ? 4 : 16;
}

static void increment(struct addr *a)
{
	size_t i = bytes_of(a);

	while (i-- > 0 && !++a->bytes[i])
		;
}

/* "…-23": the last part of the address, decimal or (IPv6) hexadecimal. */
static bool read_last(const char *text, const struct addr *first, struct addr *ret_last)
{
	bool four = first->family == AF_INET;
	struct addr last = *first;
	unsigned long n;
	char *end;

	if (!isxdigit((unsigned char)*text))
		return false;
	n = strtoul(text, &end, four ? 10 : 16);
	if (*end || n > (four ? 0xff : 0xffff))
		return false;
	if (!four)
		last.bytes[14] = (uint8_t)(n >> 8);
	last.bytes[four ? 3 : 15] = (uint8_t)n;
	*ret_last = last;
	return true;
}

/* "…/29": from the first of the network to the last. */
static bool read_network(const char *text, struct addr *first, struct addr *ret_last)
{
	size_t bits = 8 * bytes_of(first), i;
	uint64_t prefix;

	if (!shape_number(text, bits, &prefix))
		return false;
	*ret_last = *first;
	for (i = prefix; i < bits; i++) {
		first->bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
		ret_last->bytes[i / 8] |= (uint8_t)(0x80 >> i % 8);
	}
	return true;
}

/* An address, FIRST-LAST or NETWORK/PREFIX. */
static bool read_range(struct ka *k, const char *text, struct addr *ret_first,
		       struct addr *ret_last)
{
	size_t len = strcspn(text, "-/");
	char *host = arena_strndup(k->arena, text, len);
	const char *more = text + len;

	*ret_first = (struct addr){ 0 };
	k->oom |= !host;
	if (!host || addr_parse(host, ret_first) || ret_first->port)
		return false;
	*ret_last = *ret_first;
	if (!*more)
		return true;
	if (*more == '/')
		return read_network(more + 1, ret_first, ret_last);
	if (strpbrk(more + 1, ".:"))
		return !addr_parse(more + 1, ret_last) && !ret_last->port &&
		       ret_last->family == ret_first->family && addr_cmp(ret_first, ret_last) <= 0;
	return read_last(more + 1, ret_first, ret_last) && addr_cmp(ret_first, ret_last) <= 0;
}

/* --- addresses ---------------------------------------------------------------------- */

static int add_key(struct ka_virtual *v, const struct ka_stmt *s, const struct ipvs_key *key)
{
	struct ipvs_key *keys = arena_grow(v->k->arena, v->keys, v->n_keys, sizeof(*keys));
	const struct ka_stmt **origins =
		arena_grow(v->k->arena, (void *)v->origins, v->n_keys, sizeof(*origins));

	if (!keys || !origins)
		return -ENOMEM;
	keys[v->n_keys] = *key;
	origins[v->n_keys++] = s;
	v->keys = keys;
	v->origins = origins;
	return 0;
}

static int add_range(struct ka_virtual *v, const struct ka_stmt *s, const char *text,
		     const char *port_text)
{
	struct ipvs_key key = { .proto = v->service.key.proto };
	struct addr last;
	uint64_t port = 0;
	int r = 0;

	if (!read_range(v->k, text, &key.addr, &last)) {
		ka_note(v->k, NULL, IMPORT_DROPPED, s, "'%s' is no address, and no range of them",
			text);
		return 0;
	}
	if (port_text && !shape_number(port_text, 65535, &port)) {
		ka_note(v->k, NULL, IMPORT_DROPPED, s, "'%s' is no port", port_text);
		return 0;
	}
	for (;;) {
		if (v->n_keys >= ADDRESSES_MAX) {
			ka_note(v->k, NULL, IMPORT_DROPPED, s,
				"a service has %d addresses at most: the rest is left out",
				ADDRESSES_MAX);
			return 0;
		}
		key.addr.port = (uint16_t)port;
		r = add_key(v, s, &key);
		key.addr.port = 0;
		if (r || !addr_cmp(&key.addr, &last))
			return r;
		increment(&key.addr);
	}
}

static int add_mark(struct ka_virtual *v, const struct ka_stmt *s, const char *text,
		    const char *family)
{
	struct ipvs_key key = { 0 };
	uint64_t mark;

	if (!text || !shape_number(text, UINT32_MAX, &mark) || !mark) {
		ka_note(v->k, NULL, IMPORT_DROPPED, s, "this is no firewall mark");
		return 0;
	}
	key.fwmark = (uint32_t)mark;
	/* 0: as its real servers are */
	if (family)
		key.addr.family = !strcmp(family, "inet6") ? AF_INET6 : AF_INET;
	return add_key(v, s, &key);
}

static const struct ka_stmt *find_group(const struct ka *k, const char *name)
{
	const struct ka_stmt *s;

	for (s = k->first; s; s = s->next)
		if (!strcmp(s->words[0], "virtual_server_group") && ka_word(s, 1) &&
		    !strcmp(s->words[1], name))
			return s;
	return NULL;
}

int ka_addresses(struct ka_virtual *v)
{
	const struct ka_stmt *s = v->stmt, *group;
	const char *what = ka_word(s, 1), *more = ka_word(s, 2);
	int r = 0;

	if (!what)
		return 0;
	if (!strcmp(what, "fwmark"))
		return add_mark(v, s, more, NULL);
	if (strcmp(what, "group") != 0)
		return add_range(v, s, what, more);
	group = more ? find_group(v->k, more) : NULL;
	if (!group)
		return 0;
	for (s = group->first; s && !r; s = s->next) {
		if (!strcmp(s->words[0], "fwmark"))
			r = add_mark(v, s, ka_word(s, 1), ka_word(s, 2));
		else
			r = add_range(v, s, s->words[0], ka_word(s, 1));
	}
	return r;
}

const char *ka_server_address(struct ka *k, const struct ka_stmt *s, uint8_t proto,
			      struct addr *ret_addr)
{
	const char *host = ka_word(s, 1), *port_text = ka_word(s, 2);
	struct addr a = { 0 };

	if (!host || addr_parse(host, &a) || a.port)
		return "this is no address";
	if (!shape_serves(&a))
		return "this cannot be a realserver's address";
	if (port_text && import_port(k->im, port_text, proto, &a.port))
		return "its port is none";
	*ret_addr = a;
	return NULL;
}

/* --- methods ------------------------------------------------------------------------ */

static const struct {
	const char *word;
	uint16_t flags;
} checksums[] = { { "nocsum", 0 }, { "csum", IPVS_TUN_CSUM }, { "remcsum", IPVS_TUN_REMCSUM } };

/* Behind TUN: type ipip | gre | gue port N, and a checksum. */
static const char *read_tunnel(const struct ka_stmt *s, struct ipvs_dest *d)
{
	const char *word;
	uint32_t i = 2;
	uint64_t port;
	size_t n;

	while ((word = ka_word(s, i++)) != NULL) {
		if (!strcmp(word, "type"))
			continue;
		if (!strcmp(word, "ipip")) {
			d->tun_type = IPVS_TUN_IPIP;
		} else if (!strcmp(word, "gre")) {
			d->tun_type = IPVS_TUN_GRE;
		} else if (!strcmp(word, "gue")) {
			d->tun_type = IPVS_TUN_GUE;
		} else if (!strcmp(word, "port")) {
			word = ka_word(s, i++);
			if (!word || !shape_number(word, 65535, &port) || !port)
				return "its tunnel has no port";
			d->tun_port = (uint16_t)port;
		} else {
			for (n = 0; n < countof(checksums); n++)
				if (!strcmp(checksums[n].word, word))
					break;
			if (n == countof(checksums))
				return "there is no such tunnel";
			d->tun_flags = checksums[n].flags;
		}
	}
	return NULL;
}

const char *ka_method(const struct ka_stmt *s, struct ipvs_dest *d)
{
	static const struct {
		const char *word;
		uint8_t forward;
	} methods[] = { { "NAT", IPVS_MASQ }, { "DR", IPVS_ROUTE }, { "TUN", IPVS_TUNNEL } };
	const char *word = ka_word(s, 1);
	struct ipvs_dest method = *d;
	const char *why = NULL;
	size_t i;

	for (i = 0; word && i < countof(methods); i++)
		if (!strcmp(methods[i].word, word))
			break;
	if (!word || i == countof(methods))
		return "it is none of NAT, DR, TUN";
	method.forward = methods[i].forward;
	method.tun_type = IPVS_TUN_IPIP;
	method.tun_flags = 0;
	method.tun_port = 0;
	if (method.forward == IPVS_TUNNEL)
		why = read_tunnel(s, &method);
	if (!why)
		*d = method;
	return why;
}
