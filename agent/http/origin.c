/* origin.c: see origin.h. A browser says where a request comes from, in headers that no
 * page can set: Sec-Fetch-Site where it is new, Origin in any case. Other clients send
 * neither, and nobody makes them send anything. */
#include "agent/http/origin.h"

#include <string.h>
#include <strings.h>

#include "agent/base/addr.h"

enum { HOST_MAX = 256 };

bool origin_foreign(const struct origin *o)
{
	const char *authority;

	/* "none": the address was typed, or a bookmark. */
	if (o->site)
		return strcasecmp(o->site, "same-origin") != 0 && strcasecmp(o->site, "none") != 0;
	if (!o->origin)
		return false;
	authority = strstr(o->origin, "://");
	return !authority || !o->host || strcasecmp(authority + 3, o->host) != 0;
}

bool origin_type_ok(const struct origin *o)
{
	static const char json[] = "application/json";
	size_t n = sizeof(json) - 1;

	return !o->type || (strncasecmp(o->type, json, n) == 0 &&
			    (o->type[n] == '\0' || strchr(" \t;", o->type[n])));
}

/* "localhost:10015", "[::1]:10015" → without port and brackets. */
static bool host_name(const char *host, char *name)
{
	const char *end;
	size_t len;

	if (*host == '[') {
		host++;
		end = strchr(host, ']');
		if (!end)
			return false;
	} else {
		end = host + strcspn(host, ":");
	}
	len = (size_t)(end - host);
	if (len == 0 || len >= HOST_MAX)
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return true;
}

bool origin_host_is_loopback(const struct origin *o)
{
	char name[HOST_MAX];
	struct addr a;
	size_t len;

	if (!o->host)
		return true; /* every browser sends one */
	if (!host_name(o->host, name))
		return false;
	len = strlen(name);
	if (strcasecmp(name, "localhost") == 0 ||
	    (len > 10 && strcasecmp(name + len - 10, ".localhost") == 0))
		return true;
	return addr_parse(name, &a) == 0 && a.port == 0 && addr_is_loopback(&a);
}
