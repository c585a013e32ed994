/* ipvsadm.c: commands of ipvsadm, one after the other, as the table that they make. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/import/formats.h"
#include "agent/import/ipvsadm_line.h"
#include "agent/import/kernel.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct server {
	UT_hash_handle hh; /* in its service, by the address */
	struct addr addr;
	struct ipvs_dest dest;
	struct import_at at;
	bool noted;
	char *what, *name; /* name NULL: it stands there by its address */
};

struct service {
	UT_hash_handle hh; /* by the key */
	struct ipvs_key key;
	struct ipvs_service service;
	struct import_at at;
	char *what;
	struct import_part *part;
	struct server *servers;
};

struct adm {
	struct import *im;
	struct service *services;
	struct director director;
	struct import_at at;
	const char *what;         /* the line, whole */
	struct import_part *part; /* for its notes; NULL = the top */
	size_t commands;
	bool oom;
};

/* --- life ---------------------------------------------------------------------------- */

static void server_free(struct service *s, struct server *r)
{
	HASH_DELETE(hh, s->servers, r);
	free(r->what);
	free(r->name);
	free(r);
}

static void service_free(struct adm *a, struct service *s)
{
	while (s->servers)
		server_free(s, s->servers);
	HASH_DELETE(hh, a->services, s);
	free(s->what);
	free(s);
}

static void clear(struct adm *a)
{
	struct service *s, *next;

	HASH_ITER (hh, a->services, s, next) {
		import_discard(s->part);
		service_free(a, s);
	}
}

static void note(struct adm *a, enum import_fate fate, const char *text)
{
	import_note(a->im, a->part, fate, a->at, a->what, "%s", text);
}

static void drop(struct adm *a, const char *text)
{
	note(a, IMPORT_DROPPED, text);
}

/* --- addresses ------------------------------------------------------------------------- */

/* HOST[:PORT], by name or number. */
static bool read_place(struct adm *a, const char *text, uint8_t proto, struct addr *ret_addr,
		       bool *ret_has_port)
{
	char *copy = strdup(text);
	const char *host, *port, *why = NULL;
	struct addr addr = { 0 };
	bool brackets;

	if (!copy) {
		a->oom = true;
		return false;
	}
	if (!import_split(copy, &host, &port, &brackets))
		why = "an IPv6 address stands in brackets: [ADDRESS]:PORT";
	else if (import_host(a->im, a->part, a->at, host, brackets ? AF_INET6 : AF_INET, &addr))
		why = "an address that is none, and no name of a host that is known here";
	else if (port && import_port(a->im, port, proto, &addr.port))
		why = "a port that is no number, and no service that is known here";
	*ret_has_port = port != NULL;
	if (why)
		drop(a, why);
	else
		*ret_addr = addr;
	free(copy);
	return !why;
}

/* The host of a place where it stands there by name; else "". malloc'd, NULL: memory is out. */
static char *name_of(struct adm *a, const char *text)
{
	char *copy = strdup(text);
	const char *host = "", *port;
	struct addr addr;
	bool brackets;
	char *name = NULL;

	if (copy && (!import_split(copy, &host, &port, &brackets) || !addr_parse(host, &addr)))
		host = "";
	if (copy)
		name = strdup(host);
	a->oom |= !name;
	free(copy);
	return name;
}

static bool read_key(struct adm *a, const struct adm_command *c, struct ipvs_key *ret_key)
{
	struct ipvs_key key = c->service.key;
	bool has_port;

	if (key.fwmark) {
		key.addr.family = c->six ? AF_INET6 : AF_INET;
	} else {
		key.proto = c->proto;
		if (!read_place(a, c->vip, c->proto, &key.addr, &has_port))
			return false;
	}
	*ret_key = key;
	return true;
}

/* The mask as the kernel has it; without one each client counts. */
static bool read_mask(struct adm *a, const struct adm_command *c, struct ipvs_service *s)
{
	bool six = s->key.addr.family == AF_INET6;
	struct in_addr mask;
	uint64_t n;

	s->netmask = six ? 128 : UINT32_MAX;
	if (!c->mask)
		return true;
	if (!six && inet_pton(AF_INET, c->mask, &mask) == 1) {
		s->netmask = mask.s_addr;
		return true;
	}
	if (parse_u64(c->mask, &n) || n < 1 || n > (six ? 128 : 32)) {
		drop(a, "a netmask that is none");
		return false;
	}
	s->netmask = six ? (uint32_t)n : htonl(UINT32_MAX << (32 - n));
	return true;
}

/* --- services ---------------------------------------------------------------------------- */

static struct service *find(struct adm *a, const struct ipvs_key *key)
{
	struct service *s = NULL;

	HASH_FIND(hh, a->services, key, sizeof(*key), s);
	return s;
}

static bool read_service(struct adm *a, const struct adm_command *c, const struct ipvs_key *key,
			 struct ipvs_service *ret_service)
{
	struct ipvs_service s = c->service;
	const char *why;

	s.key = *key;
	why = import_impossible(&s);
	if (why)
		drop(a, why);
	if (why || !read_mask(a, c, &s))
		return false;
	*ret_service = s;
	return true;
}

/* A host's name says more than the address behind it. */
static struct import_part *make_part(struct adm *a, const struct adm_command *c,
				     const struct ipvs_key *key)
{
	char *name = c->vip ? name_of(a, c->vip) : NULL;
	struct import_part *part = NULL;
	struct buf wish = BUF_INIT;

	if (name && *name)
		buf_printf(&wish, "%s-%u", name, key->addr.port);
	else
		import_key_wish(&wish, key);
	if (buf_ok(&wish))
		part = import_part(a->im, "service", buf_str(&wish), a->at);
	a->oom |= !buf_ok(&wish);
	buf_fini(&wish);
	free(name);
	return part;
}

static void add_service(struct adm *a, const struct adm_command *c, const struct ipvs_key *key)
{
	struct ipvs_service service;
	struct service *s;

	if (find(a, key)) {
		drop(a, "the service is there already, and ipvsadm would refuse this");
		return;
	}
	if (!read_service(a, c, key, &service))
		return;
	s = calloc(1, sizeof(*s));
	if (s)
		s->what = strdup(a->what);
	if (!s || !s->what) {
		free(s);
		a->oom = true;
		return;
	}
	s->key = *key;
	s->service = service;
	s->at = a->at;
	s->part = make_part(a, c, key);
	HASH_ADD(hh, a->services, key, sizeof(s->key), s);
	if (!s->hh.tbl) {
		free(s->what);
		free(s);
		a->oom = true;
		return;
	}
}

static void edit_service(struct adm *a, const struct adm_command *c, struct service *s)
{
	struct ipvs_service service;

	a->part = s->part;
	if (!read_service(a, c, &s->key, &service))
		return;
	s->service = service;
	note(a, IMPORT_IMPORTED, "");
}

/* --- servers -------------------------------------------------------------------------------- */

static bool read_server(struct adm *a, const struct adm_command *c, const struct service *s,
			struct addr *ret_addr, bool *ret_noted)
{
	bool has_port;

	*ret_noted = false;
	if (!read_place(a, c->real, s->key.proto ? s->key.proto : IPPROTO_TCP, ret_addr, &has_port))
		return false;
	if (!has_port)
		ret_addr->port = s->key.addr.port;
	/* as ipvsadm does it, whatever was asked for */
	if (!s->key.fwmark && c->dest.forward != IPVS_MASQ && ret_addr->port != s->key.addr.port) {
		note(a, IMPORT_APPROXIMATED,
		     "only masq (-m) changes the port: ipvsadm takes the service's, and so does "
		     "this");
		ret_addr->port = s->key.addr.port;
		*ret_noted = true;
	}
	return true;
}

/* What is carried over of it, is told when the service is whole. */
static struct server *add_server(struct adm *a, const struct adm_command *c, struct service *s,
				 const struct addr *addr)
{
	struct server *r = calloc(1, sizeof(*r));

	if (r) {
		r->what = strdup(a->what);
		r->name = name_of(a, c->real);
		r->addr = *addr;
		r->at = a->at;
	}
	if (r && r->what && r->name) {
		HASH_ADD(hh, s->servers, addr, sizeof(r->addr), r);
		if (r->hh.tbl)
			return r;
	}
	if (r) {
		free(r->what);
		free(r->name);
	}
	free(r);
	a->oom = true;
	return NULL;
}

static void set_server(const struct adm_command *c, struct server *r, bool noted)
{
	r->dest = c->dest;
	r->dest.addr = r->addr;
	r->noted |= noted;
}

static void change_server(struct adm *a, const struct adm_command *c, struct service *s)
{
	struct server *r = NULL;
	struct addr addr;
	bool noted;

	a->part = s->part;
	if (!read_server(a, c, s, &addr, &noted))
		return;
	HASH_FIND(hh, s->servers, &addr, sizeof(addr), r);
	if (c->verb == ADM_ADD_SERVER && r) {
		drop(a, "the server is there already, and ipvsadm would refuse this");
	} else if (c->verb == ADM_ADD_SERVER) {
		r = add_server(a, c, s, &addr);
		if (r)
			set_server(c, r, noted);
	} else if (!r) {
		drop(a, "the service has no such server before this line");
	} else if (c->verb == ADM_DELETE_SERVER) {
		server_free(s, r);
		note(a, IMPORT_IMPORTED, "");
	} else {
		set_server(c, r, false);
		if (!noted)
			note(a, IMPORT_IMPORTED, "");
	}
}

/* --- commands --------------------------------------------------------------------------------- */

static void change_service(struct adm *a, const struct adm_command *c)
{
	struct ipvs_key key;
	struct service *s;

	if (!read_key(a, c, &key))
		return;
	s = find(a, &key);
	if (c->verb == ADM_ADD_SERVICE) {
		add_service(a, c, &key);
	} else if (!s) {
		drop(a, "there is no such service before this line");
	} else if (c->verb == ADM_EDIT_SERVICE) {
		edit_service(a, c, s);
	} else if (c->verb == ADM_DELETE_SERVICE) {
		import_discard(s->part);
		service_free(a, s);
		note(a, IMPORT_IMPORTED, "");
	} else {
		change_server(a, c, s);
	}
}

static void take(struct adm *a, const struct adm_command *c)
{
	const char *why;

	switch (c->verb) {
	case ADM_CLEAR:
		clear(a);
		note(a, IMPORT_IMPORTED, "");
		break;
	case ADM_RESTORE:
		drop(a, "the commands that it reads are in another file: import that one");
		break;
	case ADM_SET:
		director_time(&a->director, c->timeouts, a->at);
		note(a, IMPORT_IMPORTED, "");
		break;
	case ADM_START_DAEMON:
		why = director_start(&a->director, c->daemon_state, &c->daemon, a->at);
		note(a, why ? IMPORT_DROPPED : IMPORT_IMPORTED, why ? why : "");
		break;
	case ADM_STOP_DAEMON:
		a->director.daemons[c->daemon_state].there = false;
		note(a, IMPORT_IMPORTED, "");
		break;
	case ADM_NOTHING:
	case ADM_LOOK:
		note(a, IMPORT_IMPORTED, "");
		break;
	default:
		change_service(a, c);
		break;
	}
}

/* The next line, with those that a '\' at its end joins to it; the result has no more than
 * the source. */
static bool next_line(struct import_source *source, char **ret_line, unsigned int *ret_number)
{
	char *line, *more;
	size_t len;

	if (!import_line(source, &line))
		return false;
	*ret_line = line;
	*ret_number = source->line;
	for (len = strlen(line); len && line[len - 1] == '\\'; len += strlen(line + len)) {
		line[len - 1] = ' ';
		if (!import_line(source, &more))
			break;
		line[len] = ' '; /* where the line ended */
	}
	return true;
}

/* The servers of a service, in the order of their lines. */
static void carry(struct adm *a, const struct service *s)
{
	unsigned int n = HASH_COUNT(s->servers), i = 0;
	struct import_dest *dests = calloc(n + 1ul, sizeof(*dests));
	const struct server *r;

	if (!dests) {
		a->oom = true;
		return;
	}
	for (r = s->servers; r; r = r->hh.next)
		dests[i++] = (struct import_dest){ .dest = r->dest,
						   .at = r->at,
						   .what = r->what,
						   .noted = r->noted,
						   .wish = *r->name ? r->name : NULL };
	import_address(s->part, s->at, &s->key);
	if (import_scheduling(s->part, s->at, s->what, &s->service))
		import_note(a->im, s->part, IMPORT_IMPORTED, s->at, s->what, "%s", "");
	import_pool(s->part, &s->key, dests, n);
	free(dests);
}

static void take_line(struct adm *a, char *line)
{
	struct adm_command command;
	char *what = strdup(line + strspn(line, " \t"));
	const char *why;

	if (!what) {
		a->oom = true;
		return;
	}
	a->what = what;
	a->part = NULL;
	if (adm_read(line, &command, &why)) {
		if (why)
			drop(a, why);
		else
			take(a, &command);
		a->commands += !why;
	}
	free(what);
}

int import_ipvsadm(struct import *im, struct import_source *source)
{
	struct adm a = { .im = im, .at = { source->path, 0 } };
	const struct service *s;
	char *line;
	int r = 0;

	while (!a.oom && next_line(source, &line, &a.at.line))
		take_line(&a, line);
	if (!a.commands)
		r = import_refuse(im, (struct import_at){ source->path, 0 },
				  "there is no command of ipvsadm in it");
	if (!r)
		director_carry(im, &a.director);
	for (s = a.services; s && !r && !a.oom; s = s->hh.next)
		carry(&a, s);
	if (a.oom)
		r = -ENOMEM;
	while (a.services)
		service_free(&a, a.services);
	return r;
}
