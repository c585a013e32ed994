/* lookup.c: names in the place of numbers: hosts and ports. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/import/frame.h"

enum { HOST_MAX = 253 };

bool import_split(char *text, const char **ret_host, const char **ret_port, bool *ret_brackets)
{
	char *close = text[0] == '[' ? strchr(text, ']') : NULL, *colon = strchr(text, ':');

	*ret_brackets = text[0] == '[';
	*ret_host = text + *ret_brackets;
	*ret_port = NULL;
	if (*ret_brackets) {
		if (!close || (close[1] && close[1] != ':'))
			return false;
		if (close[1])
			*ret_port = close + 2;
		*close = '\0';
		return true;
	}
	if (colon && strchr(colon + 1, ':'))
		return false;
	if (colon) {
		*ret_port = colon + 1;
		*colon = '\0';
	}
	return true;
}

static int ask_host(const char *name, int family, struct addr *ret_addr)
{
	const struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int r;

	if (getaddrinfo(name, NULL, &hints, &found))
		return -ENOENT;
	r = addr_from_sockaddr(found->ai_addr, ret_addr);
	freeaddrinfo(found);
	return r ? -ENOENT : 0;
}

static bool host_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len <= HOST_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       len;
}

int import_host(struct import *im, struct import_part *p, struct import_at at, const char *host,
		int family, struct addr *ret_addr)
{
	struct addr a = { 0 };
	struct buf text = BUF_INIT, kind = BUF_INIT;
	struct import_seen *seen;
	int r = addr_parse(host, &a);

	if (!r && !a.port) {
		if (family != AF_UNSPEC && a.family != family)
			return -ENOENT;
		*ret_addr = a;
		return 0;
	}
	if (!host_name_ok(host))
		return -ENOENT;
	buf_printf(&kind, "resolved %d", family);
	seen = import_seen_find(im, buf_str(&kind), host);
	if (seen) {
		*ret_addr = seen->host;
		r = 0;
		goto out;
	}
	r = im->world.host ? im->world.host(im->world.arg, host, family, &a)
			   : ask_host(host, family, &a);
	if (r) {
		r = -ENOENT;
		goto out;
	}
	a.port = 0;
	addr_format_host(&text, &a);
	import_note(im, p, IMPORT_APPROXIMATED, at, host,
		    "the name is %s now, and that stands wherever the source has it: ipvs-agent "
		    "takes addresses only",
		    buf_str(&text));
	seen = import_seen_add(im, buf_str(&kind), host);
	if (seen)
		seen->host = a;
	*ret_addr = a;
out:
	im->oom |= !buf_ok(&text) || !buf_ok(&kind);
	buf_fini(&text);
	buf_fini(&kind);
	return r;
}

static int ask_port(const char *name, uint8_t proto, uint16_t *ret_port)
{
	const char *word = proto == IPPROTO_UDP ? "udp" : proto == IPPROTO_SCTP ? "sctp" : "tcp";
	struct servent entry, *found = NULL;
	char room[4096];

	if (getservbyname_r(name, word, &entry, room, sizeof(room), &found) || !found)
		return -ENOENT;
	*ret_port = ntohs((uint16_t)found->s_port);
	return 0;
}

int import_port(struct import *im, const char *text, uint8_t proto, uint16_t *ret_port)
{
	uint64_t n;

	if (!parse_u64(text, &n)) {
		if (n > 65535)
			return -ENOENT;
		*ret_port = (uint16_t)n;
		return 0;
	}
	if (!*text || strlen(text) > 64)
		return -ENOENT;
	return im->world.port ? im->world.port(im->world.arg, text, proto, ret_port)
			      : ask_port(text, proto, ret_port);
}
