/* ways.c: a UDP socket that is connected asks the routing which source address it would
 * use, as any other kind of socket does; the interface that has this address is the way. */
#include "agent/base/ways.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

enum { SOURCES = 32, REMEMBER_MS = 60000, DISCARD_PORT = 9 };

struct source {
	struct addr addr;
	uint32_t way;
};

struct ways {
	int fds[2];            /* IPv4, IPv6; -1 = not opened yet */
	unsigned int *indices; /* n, by way: the interface's index; 0 = none yet */
	uint32_t n;
	struct source sources[SOURCES]; /* met since … */
	uint32_t n_sources;
	int64_t since_ms;
};

int ways_new(uint32_t n, struct ways **ret_ways)
{
	struct ways *w;

	if (!n)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->fds[0] = w->fds[1] = -1;
	w->n = n;
	w->indices = calloc(n, sizeof(*w->indices));
	if (!w->indices) {
		ways_free(w);
		return -ENOMEM;
	}
	*ret_ways = w;
	return 0;
}

void ways_free(struct ways *w)
{
	int i;

	if (!w)
		return;
	for (i = 0; i < 2; i++)
		if (w->fds[i] != -1)
			close(w->fds[i]);
	free(w->indices);
	free(w);
}

int ways_source(struct ways *w, const struct addr *to, struct addr *ret_source)
{
	static const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct addr aim = *to, source;
	struct sockaddr_storage ss;
	socklen_t len;
	int *fd = &w->fds[to->family == AF_INET6];
	int e;

	if (to->family != AF_INET && to->family != AF_INET6)
		return -EAFNOSUPPORT;
	if (*fd == -1)
		*fd = socket(to->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*fd == -1)
		return -errno;
	aim.port = aim.port ? aim.port : DISCARD_PORT;
	len = addr_to_sockaddr(&aim, &ss);
	/* What it was connected to before would keep its source. */
	(void)connect(*fd, &none, sizeof(none));
	if (connect(*fd, (struct sockaddr *)&ss, len) == -1)
		return -errno;
	len = sizeof(ss);
	if (getsockname(*fd, (struct sockaddr *)&ss, &len) == -1)
		return -errno;
	e = addr_from_sockaddr((struct sockaddr *)&ss, &source);
	if (e)
		return e;
	source.port = 0;
	*ret_source = source;
	return 0;
}

static uint32_t way_of(struct ways *w, unsigned int index)
{
	uint32_t i;

	for (i = 1; i < w->n; i++) {
		if (!w->indices[i])
			w->indices[i] = index;
		if (w->indices[i] == index)
			return i;
	}
	return 0;
}

/* The interface that has the address; 0 = none. */
static unsigned int index_of(const struct addr *source)
{
	struct ifaddrs *all, *p;
	unsigned int index = 0;
	struct addr addr;

	if (getifaddrs(&all) == -1)
		return 0;
	for (p = all; p && !index; p = p->ifa_next) {
		if (!p->ifa_addr || addr_from_sockaddr(p->ifa_addr, &addr))
			continue;
		addr.port = 0;
		if (!addr_cmp(&addr, source))
			index = if_nametoindex(p->ifa_name);
	}
	freeifaddrs(all);
	return index;
}

uint32_t ways_to(struct ways *w, const struct addr *to, const struct way_out *from, int64_t now_ms)
{
	struct addr source = { 0 };
	unsigned int index;
	uint32_t i;

	if (from && from->device) {
		index = if_nametoindex(from->device);
		return index ? way_of(w, index) : 0;
	}
	if (from)
		source = from->source;
	source.port = 0;
	if (!source.family && ways_source(w, to, &source))
		return 0;
	/* Addresses move, though rarely. */
	if (w->n_sources == SOURCES || now_ms - w->since_ms >= REMEMBER_MS)
		w->n_sources = 0;
	for (i = 0; i < w->n_sources; i++)
		if (!addr_cmp(&w->sources[i].addr, &source))
			return w->sources[i].way;
	index = addr_is_loopback(&source) ? if_nametoindex("lo") : index_of(&source);
	if (!w->n_sources)
		w->since_ms = now_ms;
	w->sources[w->n_sources++] = (struct source){ source, index ? way_of(w, index) : 0 };
	return w->sources[w->n_sources - 1].way;
}

void ways_put_name(const struct ways *w, uint32_t way, struct buf *out)
{
	char name[IF_NAMESIZE];

	if (way && way < w->n && if_indextoname(w->indices[way], name))
		buf_puts(out, name);
}
