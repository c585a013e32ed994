/* probe_conf.c: the keys that all kinds of probes share, and the grammar of `url`.
 * A kind's own keys are chosen by the URL's scheme. */
#include "agent/probes/probe_conf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/model/service_conf.h"
#include "agent/probe.h"
#include "conf/setter.h"

/* What a scheme means beyond its kind; others have no port and may have a path. */
static const struct {
	const char *scheme;
	uint16_t port;
	bool no_path, needs_port;
} schemes[] = {
	{ "http", 80, false, true },
	{ "https", 443, false, true },
	{ "tcp", 0, true, true },
};

static const struct probe_type *const no_types[] = { NULL };
static const struct probe_type *const *types = no_types;

void probe_conf_types(const struct probe_type *const *t)
{
	types = t;
}

uint16_t probe_default_port(const struct probe_conf *p)
{
	size_t i;

	for (i = 0; i < countof(schemes); i++)
		if (!strcmp(schemes[i].scheme, p->scheme))
			return schemes[i].port;
	return 0;
}

bool probe_needs_port(const struct probe_conf *p)
{
	size_t i;

	for (i = 0; i < countof(schemes); i++)
		if (!strcmp(schemes[i].scheme, p->scheme))
			return schemes[i].needs_port;
	return false;
}

/* --- url -------------------------------------------------------------------------- */

/* The kind that serves the `len` bytes of a scheme; NULL = none. */
static const struct probe_type *type_of(const char *scheme, size_t len)
{
	const struct probe_type *const *t;
	const char *const *s;

	for (t = types; *t; t++)
		for (s = (*t)->schemes; *s; s++)
			if (strlen(*s) == len && !strncmp(*s, scheme, len))
				return *t;
	return NULL;
}

static const struct conf_part *part_of(const char *url, struct conf_env *env)
{
	const char *colon = strstr(url, "://");
	const struct probe_type *type = colon ? type_of(url, (size_t)(colon - url)) : NULL;
	const struct probe_type *const *t;
	const char *const *s;
	const char *sep = "";

	if (type)
		return &type->part;
	if (!colon)
		conf_refuse(env, url, "is not a URL; it begins with one of ");
	else
		conf_refuse(env, url, "has an unknown scheme; there are ");
	for (t = types; *t; t++) {
		for (s = (*t)->schemes; *s; s++) {
			buf_printf(env->why, "%s%s://", sep, *s);
			sep = ", ";
		}
	}
	return NULL;
}

static const struct conf_part *part_at(size_t i)
{
	size_t n = 0;

	while (n < i && types[n])
		n++;
	return types[n] ? &types[n]->part : NULL;
}

static void part_values(const struct conf_part *part, struct buf *out)
{
	const struct probe_type *type =
		container_of((void *)(uintptr_t)part, struct probe_type, part);
	const char *const *s;

	for (s = type->schemes; *s; s++)
		buf_printf(out, "%s%s", s == type->schemes ? "" : ", ", *s);
}

/* Each {…} must be one that the agent fills in. */
static int check_braces(const char *text, bool port_too, const char *url, struct conf_env *env)
{
	for (text = strpbrk(text, "{}"); text; text = strpbrk(text, "{}")) {
		if (!strncmp(text, "{address}", 9))
			text += 9;
		else if (port_too && !strncmp(text, "{port}", 6))
			text += 6;
		else
			return conf_refuse(env, url,
					   "has a '%c' that is neither {address} nor "
					   "{port} in its place",
					   *text);
	}
	return 0;
}

static int check_host(const char *host, bool brackets, const char *url, struct conf_env *env)
{
	struct in6_addr in6;
	const char *p;

	if (brackets)
		return inet_pton(AF_INET6, host, &in6) == 1
			       ? 0
			       : conf_refuse(env, url, "has no IPv6 address in its brackets");
	if (!strcmp(host, "{address}"))
		return 0;
	if (strlen(host) > 253)
		return conf_refuse(env, url, "has too long a host");
	if (check_braces(host, false, url, env))
		return -EINVAL;
	for (p = host; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._{}", *p))
			return conf_refuse(env, url, "has a '%c' in its host", *p);
	return 0;
}

/* Behind the host: "", ":", ":80", ":{port}". */
static int read_port(const char *text, size_t len, const char *url, struct conf_env *env,
		     uint16_t *ret_port)
{
	char digits[8];
	uint64_t port;

	*ret_port = 0;
	if (!len || (len == 7 && !strncmp(text, ":{port}", 7)))
		return 0;
	if (text[0] != ':')
		return conf_refuse(env, url, "has text between its host and its port");
	if (len > sizeof(digits))
		return conf_refuse(env, url, "has no port between 1 and 65535");
	memcpy(digits, text + 1, len - 1);
	digits[len - 1] = '\0';
	if (parse_u64(digits, &port) || port < 1 || port > 65535)
		return conf_refuse(env, url, "has no port between 1 and 65535");
	*ret_port = (uint16_t)port;
	return 0;
}

/* host[:port] of `len` bytes into p. */
static int read_authority(struct probe_conf *p, const char *rest, size_t len, const char *url,
			  struct conf_env *env)
{
	bool brackets = len && rest[0] == '[';
	const char *end = memchr(rest, brackets ? ']' : ':', len);
	size_t skip = brackets ? 1 : 0, host_len;
	int r;

	if (memchr(rest, '@', len))
		return conf_refuse(env, url, "has a user in it; secrets come from files only");
	if (brackets && !end)
		return conf_refuse(env, url, "has a '[' without its ']'");
	host_len = end ? (size_t)(end - rest) - skip : len;
	r = read_port(rest + host_len + 2 * skip, len - host_len - 2 * skip, url, env, &p->port);
	if (r)
		return r;
	p->host = host_len ? arena_strndup(env->arena, rest + skip, host_len)
			   : arena_strdup(env->arena, "{address}");
	return p->host ? check_host(p->host, brackets, url, env) : -ENOMEM;
}

static int set_url(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		   struct conf_env *env)
{
	struct probe_conf *p = container_of(field, struct probe_conf, url);
	const char *rest = strstr(text, "://");
	size_t len, i;
	int r;

	if (!rest) /* the section's part() said so already */
		return conf_refuse(env, text, "is not a URL");
	p->url = arena_strdup(env->arena, text);
	p->scheme = arena_strndup(env->arena, text, (size_t)(rest - text));
	rest += 3;
	len = strcspn(rest, "/?#");
	p->path = arena_strdup(env->arena, rest + len);
	if (!p->url || !p->scheme || !p->path)
		return -ENOMEM;
	r = read_authority(p, rest, len, text, env);
	if (r)
		return r;
	if (strchr(p->path, '#'))
		return conf_refuse(env, text, "has a '#': a fragment is never sent");
	if (strpbrk(p->path, " \t"))
		return conf_refuse(env, text, "has a blank in it (write %%20)");
	if (p->path[0] == '?')
		return conf_refuse(env, text, "has no '/' before its '?'");
	for (i = 0; i < countof(schemes); i++)
		if (p->path[0] && schemes[i].no_path && !strcmp(schemes[i].scheme, p->scheme))
			return conf_refuse(env, text, "has a path, and %s:// takes none",
					   p->scheme);
	return check_braces(p->path, true, text, env);
}

static void get_url(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i ATTR_UNUSED,
		    struct buf *out)
{
	const char *url = *(const char *const *)field;

	buf_puts(out, url ? url : "");
}

static const struct conf_type url_type = { .name = "URL", .set = set_url, .get = get_url };

static void finish(struct config *c ATTR_UNUSED, void *obj)
{
	struct probe_conf *p = obj;

	p->type = container_of((void *)(uintptr_t)p->head.part, struct probe_type, part);
}

struct addr service_conf_probe_addr(const struct service_conf *s, const struct realserver_conf *r,
				    uint32_t addr, const struct probe_conf *probe)
{
	struct addr a = r->addr[addr];
	uint32_t i;

	if (probe->port)
		a.port = probe->port;
	for (i = 0; !a.port && i < s->n_addresses; i++)
		a.port = s->addresses[i].key.addr.port;
	if (!a.port)
		a.port = probe_default_port(probe);
	return a;
}

#define FIELD(f) .offset = offsetof(struct probe_conf, f)

static const struct conf_key keys[] = {
	{ .name = "url",
	  .type = &url_type,
	  FIELD(url),
	  .flags = CONF_REQUIRED,
	  .help = "What is asked: SCHEME://[HOST][:PORT][/PATH]; {address} and {port} stand for "
		  "the "
		  "realserver's own." },
	{ .name = "interval",
	  .type = &conf_duration,
	  FIELD(interval),
	  .def = "2s",
	  .min = 100,
	  .max = 24 * 3600 * 1000,
	  .help = "Time from one attempt to the next." },
	{ .name = "timeout",
	  .type = &conf_duration,
	  FIELD(timeout),
	  .def = "1s",
	  .min = 10,
	  .max = 3600 * 1000,
	  .help = "The whole attempt's deadline." },
	{ .name = "rise",
	  .type = &conf_u32,
	  FIELD(rise),
	  .def = "2",
	  .min = 1,
	  .max = 1000,
	  .help = "So many good attempts in a row bring a realserver up." },
	{ .name = "fall",
	  .type = &conf_u32,
	  FIELD(fall),
	  .def = "3",
	  .min = 1,
	  .max = 1000,
	  .help = "So many bad attempts in a row take a realserver down." },
	{ .name = "jitter",
	  .type = &conf_share,
	  FIELD(jitter),
	  .def = "10%",
	  .min = 0,
	  .max = 50,
	  .help = "How far an attempt may stray from its time, as a share of the interval." },
};

const struct conf_section probe_section = {
	.name = "probe",
	.help = "A health check; services and realservers name it.",
	.named = true,
	.size = sizeof(struct probe_conf),
	.keys = keys,
	.n_keys = countof(keys),
	.select = "url",
	.part = part_of,
	.part_at = part_at,
	.part_values = part_values,
	.finish = finish,
};
