/* probe_conf.c: the keys that all kinds of probes share, and the grammar of `url`.
 * A kind's own keys are chosen by the URL's scheme. */
#include "agent/probes/probe_conf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/model/service_conf.h"
#include "agent/probe.h"
#include "conf/setter.h"

static const struct probe_type *const no_types[] = { NULL };
static const struct probe_type *const *types = no_types;

void probe_conf_types(const struct probe_type *const *t)
{
	types = t;
}

/* --- url -------------------------------------------------------------------------- */

/* What the `len` bytes of a scheme mean; NULL = nothing. */
static const struct probe_scheme *find_scheme(const char *scheme, size_t len,
					      const struct probe_type **ret_type)
{
	const struct probe_type *const *t;
	const struct probe_scheme *s;

	for (t = types; *t; t++)
		for (s = (*t)->schemes; s->name; s++)
			if (strlen(s->name) == len && !strncmp(s->name, scheme, len)) {
				*ret_type = *t;
				return s;
			}
	return NULL;
}

static const struct conf_part *part_of(const char *url, struct conf_env *env)
{
	const char *colon = strstr(url, "://");
	const struct probe_type *type = NULL;
	const struct probe_type *const *t;
	const struct probe_scheme *s;
	const char *sep = "";

	if (colon && find_scheme(url, (size_t)(colon - url), &type))
		return &type->part;
	if (!colon)
		conf_refuse(env, url, "is not a URL; it begins with one of ");
	else
		conf_refuse(env, url, "has an unknown scheme; there are ");
	for (t = types; *t; t++) {
		for (s = (*t)->schemes; s->name; s++) {
			buf_printf(env->why, "%s%s://", sep, s->name);
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
	const struct probe_scheme *s;

	for (s = type->schemes; s->name; s++)
		buf_printf(out, "%s%s", s == type->schemes ? "" : ", ", s->name);
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
	const struct probe_type *type;
	size_t len;
	int r;

	if (rest)
		p->scheme = find_scheme(text, (size_t)(rest - text), &type);
	if (!rest || !p->scheme) /* the section's part() said so already */
		return conf_refuse(env, text, "is not a URL");
	p->url = arena_strdup(env->arena, text);
	rest += 3;
	len = strcspn(rest, "/?#");
	p->path = arena_strdup(env->arena, rest + len);
	if (!p->url || !p->path)
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
	if (p->path[0] && !p->scheme->path)
		return conf_refuse(env, text, "has a path, and %s:// takes none", p->scheme->name);
	return check_braces(p->path, true, text, env);
}

static void get_url(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i ATTR_UNUSED,
		    struct buf *out)
{
	const char *url = *(const char *const *)field;

	buf_puts(out, url ? url : "");
}

static const struct conf_type url_type = { .name = "URL", .set = set_url, .get = get_url };

int64_t probe_conf_interval(const struct probe_conf *p, enum pace pace)
{
	const int64_t intervals[] = {
		[PACE_STEADY] = p->interval,
		[PACE_DOWN] = p->interval_down,
		[PACE_FAST] = p->fast_interval,
	};

	return intervals[pace] ? intervals[pace] : p->interval;
}

static void check_intervals(struct config *c, const struct probe_conf *p)
{
	struct buf fast = BUF_INIT, interval = BUF_INIT;

	if (p->fast_interval > p->interval) {
		format_duration(&fast, p->fast_interval);
		format_duration(&interval, p->interval);
		conf_report(c, CONF_ERROR, conf_key_file(c, p, "fast_interval"),
			    conf_key_line(c, p, "fast_interval"),
			    "fast_interval: '%s' is longer than interval (%s)", buf_str(&fast),
			    buf_str(&interval));
	}
	buf_fini(&fast);
	buf_fini(&interval);
}

/* --- way out ---------------------------------------------------------------------- */

static int set_source(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		      struct conf_env *env)
{
	struct probe_sources *sources = field;
	struct addr a, *place;

	if (addr_parse(text, &a))
		return conf_refuse(env, text, "is not an address");
	if (a.port)
		return conf_refuse(env, text, "has a port, and a source takes none");
	place = &sources->of[a.family == AF_INET6];
	if (place->family)
		return conf_refuse(env, text, "is a second %s address (at most one of a family)",
				   a.family == AF_INET ? "IPv4" : "IPv6");
	*place = a;
	return 0;
}

static size_t count_sources(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	const struct probe_sources *sources = field;

	return (sources->of[0].family != 0) + (sources->of[1].family != 0);
}

static void get_source(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i,
		       struct buf *out)
{
	const struct probe_sources *sources = field;

	if (i < count_sources(field, key))
		addr_format_host(out, &sources->of[i + !sources->of[0].family]);
}

static const struct conf_type source_type = {
	.name = "address", .set = set_source, .get = get_source, .count = count_sources
};

/* As the kernel takes them. */
static int set_interface(void *field, const char *text, const struct conf_key *key,
			 struct conf_env *env)
{
	if (!*text || strlen(text) >= IFNAMSIZ || strpbrk(text, "/: \t") || !strcmp(text, ".") ||
	    !strcmp(text, ".."))
		return conf_refuse(env, text, "is not the name of an interface");
	return conf_string.set(field, text, key, env);
}

static void get_interface(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	conf_string.get(field, key, i, out);
}

static const struct conf_type interface_type = { .name = "interface",
						 .set = set_interface,
						 .get = get_interface };

struct way_out probe_conf_way(const struct probe_conf *p, const struct addr *to)
{
	return (struct way_out){ .source = p->sources.of[to->family == AF_INET6],
				 .device = p->interface };
}

static void check_via(struct config *c, const struct probe_conf *p)
{
	const char *why = p->interface             ? "takes no interface"
			  : !p->scheme->needs_port ? "is not for what goes to no port"
						   : NULL;

	if (p->via == VIA_FORWARD && why)
		conf_report(c, CONF_ERROR, conf_key_file(c, p, "via"), conf_key_line(c, p, "via"),
			    "via: 'forward' %s", why);
}

/* --- the section ------------------------------------------------------------------ */

static void finish(struct config *c, void *obj)
{
	struct probe_conf *p = obj;
	struct buf why = BUF_INIT;
	int r = 0;

	p->type = container_of((void *)(uintptr_t)p->head.part, struct probe_type, part);
	p->advises = p->type->advises;
	p->interval_down = probe_conf_interval(p, PACE_DOWN);
	p->fast_interval = probe_conf_interval(p, PACE_FAST);
	check_intervals(c, p);
	check_via(c, p);
	if (p->type->finish)
		r = p->type->finish(p, config_arena(c), &why);
	if (r)
		conf_report(c, CONF_ERROR, conf_key_file(c, p, "url"), conf_key_line(c, p, "url"),
			    "%s", r == -ENOMEM ? "out of memory" : buf_str(&why));
	p->head.bad = p->head.bad || r != 0;
	buf_fini(&why);
}

uint32_t realserver_conf_n_probed(const struct realserver_conf *r)
{
	return r->has_probe_addr ? 1 : r->n_addr;
}

const char *probe_conf_status(const struct probe_conf *probe, int status)
{
	return probe->type && probe->type->status_text ? probe->type->status_text(status) : NULL;
}

struct addr service_conf_probe_addr(const struct service_conf *s, const struct realserver_conf *r,
				    uint32_t addr, const struct probe_conf *probe)
{
	struct addr a = r->addr[r->has_probe_addr ? r->n_addr : addr];
	uint32_t i;

	if (r->has_probe_addr && !a.port)
		a.port = r->addr[0].port;
	if (probe->port)
		a.port = probe->port;
	for (i = 0; !a.port && i < s->n_addresses; i++)
		a.port = s->addresses[i].key.addr.port;
	if (!a.port)
		a.port = probe->scheme->port;
	return a;
}

bool service_conf_asked_addr(const struct service_conf *s, uint32_t address,
			     const struct realserver_conf *r, const struct probe_conf *probe,
			     struct addr *ret_addr)
{
	const struct ipvs_key *key = &s->addresses[address].key;
	struct addr asked = key->addr, dest;

	if (key->fwmark || !service_conf_dest_addr(s, address, r, &dest))
		return false;
	if (!asked.port)
		asked.port = probe->port ? probe->port : dest.port;
	if (!asked.port)
		asked.port = probe->scheme->port;
	if (!asked.port)
		return false;
	*ret_addr = asked;
	return true;
}

static const struct conf_enum via_names[] = { { "direct", VIA_DIRECT },
					      { "forward", VIA_FORWARD },
					      { NULL, 0 } };

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
	{ .name = "interval_down",
	  .type = &conf_duration,
	  FIELD(interval_down),
	  .min = 100,
	  .max = 24 * 3600 * 1000,
	  .help = "The same while the realserver is down; interval where it is not given." },
	{ .name = "fast_interval",
	  .type = &conf_duration,
	  FIELD(fast_interval),
	  .min = 100,
	  .max = 24 * 3600 * 1000,
	  .help = "The same while it is in question: before the first verdict, and while attempts "
		  "count towards rise or fall; interval where it is not given, and never longer." },
	{ .name = "timeout",
	  .type = &conf_duration,
	  FIELD(timeout),
	  .def = "1s",
	  .min = 10,
	  .max = 3600 * 1000,
	  .help = "The whole attempt's deadline." },
	{ .name = "source",
	  .type = &source_type,
	  FIELD(sources),
	  .flags = CONF_LIST,
	  .help = "An address of this machine that attempts come from, one for each family; the "
		  "kernel chooses where none is given." },
	{ .name = "interface",
	  .type = &interface_type,
	  FIELD(interface),
	  .help = "The interface by which attempts go out, whatever the routes say." },
	{ .name = "via",
	  .type = &conf_enum_type,
	  FIELD(via),
	  .def = "direct",
	  .extra = via_names,
	  .help = "direct | forward: to the realserver's own address, or to each of the service's "
		  "as a client does, by the forwarding method to this one realserver." },
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
	{ .name = "histogram",
	  .type = &conf_bool,
	  FIELD(histogram),
	  .def = "off",
	  .help = "on counts how long attempts take that pass: ipvs_probe_response_seconds, 16 "
		  "series a realserver." },
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
