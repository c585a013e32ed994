/* import_case.h: an import whose machine knows some names and no more, and the loader's
 * judgement of what comes of it: for the tests and the fuzz target. */
#ifndef TESTS_IMPORT_CASE_H
#define TESTS_IMPORT_CASE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/import/run.h"
#include "agent/sections.h"

static inline int case_host(void *arg ATTR_UNUSED, const char *name, int family,
			    struct addr *ret_addr)
{
	static const struct {
		const char *name, *address;
	} hosts[] = {
		{ "www.example.net", "192.0.2.80" },
		{ "db1.example.net", "10.0.0.33" },
		{ "web1", "10.0.0.11" },
		{ "web2", "10.0.0.12" },
		{ "six.example.net", "2001:db8::80" },
	};
	struct addr a;

	for (size_t i = 0; i < countof(hosts); i++) {
		if (strcmp(hosts[i].name, name) || addr_parse(hosts[i].address, &a) ||
		    (family != AF_UNSPEC && family != a.family))
			continue;
		*ret_addr = a;
		return 0;
	}
	return -ENOENT;
}

static inline int case_port(void *arg ATTR_UNUSED, const char *name, uint8_t proto ATTR_UNUSED,
			    uint16_t *ret_port)
{
	static const struct {
		const char *name;
		uint16_t port;
	} ports[] = {
		{ "ftp", 21 },  { "smtp", 25 },   { "domain", 53 },
		{ "http", 80 }, { "https", 443 }, { "mysql", 3306 },
	};

	for (size_t i = 0; i < countof(ports); i++) {
		if (strcmp(ports[i].name, name))
			continue;
		*ret_port = ports[i].port;
		return 0;
	}
	return -ENOENT;
}

/* What the loader says against an INI: nothing, if it is right. */
static inline void case_check(const struct buf *ini, struct buf *problems)
{
	int fd = memfd_create("ini", MFD_CLOEXEC);
	struct config *c = NULL;
	char path[64];

	if (fd == -1 || write(fd, ini->data, ini->len) != (ssize_t)ini->len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (agent_config_load(path, &c))
		abort();
	close(fd);
	if (config_errors(c))
		config_format_problems(c, problems);
	config_unref(c);
}

#endif
