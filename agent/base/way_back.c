/* way_back.c: accept_local is on where either the interface's or that of "all" is;
 * rp_filter is the greater of the two. In strict mode (1) an answer must come in by the
 * interface that has its source address. */
#include "agent/base/way_back.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/parse.h"

enum { STRICT = 1 };

/* Copies the name of the interface that has the address; NULL = none has it. */
static char *name_of(const struct ifaddrs *all, const struct addr *address)
{
	struct addr a;

	for (; all; all = all->ifa_next) {
		if (!all->ifa_addr || addr_from_sockaddr(all->ifa_addr, &a))
			continue;
		a.port = address->port;
		if (!addr_cmp(&a, address))
			return strdup(all->ifa_name);
	}
	return NULL;
}

/* A sysctl of an interface; `otherwise` where it cannot be read. */
static uint64_t read_sysctl(const char *procfs, const char *interface, const char *name,
			    uint64_t otherwise)
{
	struct buf path = BUF_INIT;
	char text[16];
	uint64_t value;
	ssize_t n = -1;
	int fd;

	buf_printf(&path, "%s/sys/net/ipv4/conf/%s/%s", procfs, interface, name);
	fd = buf_ok(&path) ? open(buf_str(&path), O_RDONLY | O_CLOEXEC) : -1;
	buf_fini(&path);
	if (fd != -1) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0)
		return otherwise;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, &value) ? otherwise : value;
}

static void demand(struct buf *why, const char *interface, const char *name, int value)
{
	buf_printf(why, "%snet.ipv4.conf.%s.%s=%d", why->len ? " " : "", interface, name, value);
}

static void judge(const char *procfs, const char *in, const char *home, struct buf *why)
{
	uint64_t all = read_sysctl(procfs, "all", "rp_filter", 0);
	uint64_t own = read_sysctl(procfs, in, "rp_filter", 0);

	if (!read_sysctl(procfs, "all", "accept_local", 1) &&
	    !read_sysctl(procfs, in, "accept_local", 1))
		demand(why, in, "accept_local", 1);
	if (strcmp(in, home) && (all > own ? all : own) == STRICT)
		demand(why, in, "rp_filter", 2);
}

int way_back(const char *procfs, const struct addr *here, const struct addr *from, struct buf *why)
{
	struct ifaddrs *all;
	char *in, *home;
	struct buf needs = BUF_INIT;
	int e = 0;

	if (from->family != AF_INET || getifaddrs(&all) == -1)
		return 0;
	in = name_of(all, here);
	home = name_of(all, from);
	freeifaddrs(all);
	if (in && home)
		judge(procfs, in, home, &needs);
	if (needs.len) {
		buf_puts(why, buf_str(&needs));
		e = -EACCES;
	}
	buf_fini(&needs);
	free(in);
	free(home);
	return e;
}
