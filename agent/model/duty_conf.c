/* duty_conf.c: the keys of [vip NAME] and [sync], and what each says of itself. */
#include "agent/model/duty_conf.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "conf/setter.h"

static const struct conf_enum when_names[] = {
	{ "auto", WHEN_AUTO },
	{ "always", WHEN_ALWAYS },
	{ "available", WHEN_AVAILABLE },
	{ "master", WHEN_MASTER },
	{ NULL, 0 },
};

static const struct conf_enum sync_names[] = {
	{ "off", SYNC_OFF },   { "master", SYNC_MASTER }, { "backup", SYNC_BACKUP },
	{ "both", SYNC_BOTH }, { "role", SYNC_ROLE },     { NULL, 0 },
};

/* --- addresses ------------------------------------------------------------------------ */

/* "10.1.2.3" or "10.1.2.3/32". */
static bool read_host(const char *text, struct addr *ret_addr)
{
	const char *slash = strchr(text, '/');
	struct addr a;
	char host[64] = "";

	if (slash && (size_t)(slash - text) >= sizeof(host))
		return false;
	if (slash) {
		memcpy(host, text, (size_t)(slash - text));
		host[slash - text] = '\0';
	}
	if (addr_parse(slash ? host : text, &a) || a.port ||
	    (slash && strcmp(slash, a.family == AF_INET ? "/32" : "/128") != 0))
		return false;
	*ret_addr = a;
	return true;
}

/* The field is `addresses`; their count stands behind it. */
static size_t *count_behind(void *field)
{
	return &((struct duty_vip_conf *)(void *)((char *)field -
						  offsetof(struct duty_vip_conf, addresses)))
			->n_addresses;
}

static int append_address(void *field, const char *text, const struct conf_key *key,
			  struct conf_env *env)
{
	struct duty_address **list = field, *to;
	size_t *n = count_behind(field);
	void *items = *list;
	struct addr a;

	if (!read_host(text, &a))
		return conf_refuse(env, text, "is not an address, or not a host's (/32, /128)");
	to = conf_append(env, &items, *n, sizeof(*to), conf_lines(env, key->name));
	if (!to)
		return -ENOMEM;
	*list = items;
	*to = (struct duty_address){ .addr = a, .file = env->file, .line = env->line };
	to->text = arena_strdup(env->arena, text);
	if (!to->text)
		return -ENOMEM;
	(*n)++;
	return 0;
}

static void get_address(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i,
			struct buf *out)
{
	struct duty_address *const *list = field;

	buf_puts(out, (*list)[i].text);
}

static size_t count_addresses(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	return *count_behind((void *)(uintptr_t)field);
}

static const struct conf_type addresses_type = {
	.name = "address", .set = append_address, .get = get_address, .count = count_addresses
};

/* --- keys ------------------------------------------------------------------------------- */

#define FIELD(f) .offset = offsetof(struct duty_vip_conf, f)

static const struct conf_key vip_keys[] = {
	{ .name = "address",
	  .type = &addresses_type,
	  FIELD(addresses),
	  .flags = CONF_LIST | CONF_REQUIRED,
	  .help = "An address, put there as a host's (/32, /128); may be repeated." },
	{ .name = "interface",
	  .type = &conf_string,
	  FIELD(interface),
	  .flags = CONF_REQUIRED,
	  .help = "Where the addresses are put: lo, eth0, or a dummy." },
	{ .name = "dummy",
	  .type = &conf_bool,
	  FIELD(dummy),
	  .def = "off",
	  .help = "Whether the interface is a dummy, made by the agent when it is not there." },
	{ .name = "when",
	  .type = &conf_enum_type,
	  FIELD(when),
	  .def = "auto",
	  .extra = when_names,
	  .help = "auto | always | available | master: when they are there; available: while a "
		  "service on the address can serve; auto: master with [agent] roles = on, else "
		  "always." },
	{ .name = "withdraw_after",
	  .type = &conf_duration,
	  FIELD(withdraw_after),
	  .def = "1s",
	  .max = 3600 * 1000,
	  .help = "With when = available: taken away when nothing on it could serve for so long." },
	{ .name = "return_after",
	  .type = &conf_duration,
	  FIELD(return_after),
	  .def = "10s",
	  .max = 3600 * 1000,
	  .help = "With when = available: put back when something on it could serve for so long." },
};

#undef FIELD
#define FIELD(f) .offset = offsetof(struct duty_sync_conf, f)

static const struct conf_key sync_keys[] = {
	{ .name = "state",
	  .type = &conf_enum_type,
	  FIELD(state),
	  .def = "off",
	  .extra = sync_names,
	  .help = "off | master | backup | both | role: which of the kernel's sync daemons run; "
		  "role: the master's while the role is master, else the backup's." },
	{ .name = "interface",
	  .type = &conf_string,
	  FIELD(interface),
	  .help = "The interface by which connections are told." },
	{ .name = "id",
	  .type = &conf_u32,
	  FIELD(id),
	  .def = "0",
	  .max = 255,
	  .help = "The group of directors it belongs to; a backup with 0 takes those of all." },
	{ .name = "group",
	  .type = &conf_addr,
	  FIELD(group),
	  .help = "The multicast group, where it is not the kernel's own (224.0.0.81)." },
	{ .name = "port",
	  .type = &conf_u32,
	  FIELD(port),
	  .def = "0",
	  .max = 65535,
	  .help = "The UDP port; 0 is the kernel's own (8848)." },
	{ .name = "ttl",
	  .type = &conf_u32,
	  FIELD(ttl),
	  .def = "0",
	  .max = 255,
	  .help = "How many hops the datagrams may take; 0 is the kernel's own (1)." },
	{ .name = "max_len",
	  .type = &conf_u32,
	  FIELD(max_len),
	  .def = "0",
	  .max = 65507,
	  .help = "Bytes of a datagram; 0 is what fits the interface." },
};

bool duty_interface_ok(const char *name)
{
	size_t len = strlen(name);
	const char *c;

	if (len == 0 || len >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (c = name; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '/' || *c == ':')
			return false;
	return true;
}

static void check_interface(struct config *c, void *obj, const char *name)
{
	if (name && !duty_interface_ok(name))
		conf_report(c, CONF_ERROR, conf_key_file(c, obj, "interface"),
			    conf_key_line(c, obj, "interface"),
			    "interface: '%s' is no interface's name (1 to %d characters)", name,
			    IFNAMSIZ - 1);
}

static void finish_vip(struct config *c, void *obj)
{
	check_interface(c, obj, ((const struct duty_vip_conf *)obj)->interface);
}

static void finish_sync(struct config *c, void *obj)
{
	const struct duty_sync_conf *s = obj;

	if (s->interface)
		check_interface(c, obj, s->interface);
	else if (s->state != SYNC_OFF)
		conf_report(c, CONF_ERROR, conf_key_file(c, obj, "state"),
			    conf_key_line(c, obj, "state"),
			    "state: a sync daemon needs an interface = NAME");
	if (s->group.family && (s->group.port || !addr_is_multicast(&s->group)))
		conf_report(c, CONF_ERROR, conf_key_file(c, obj, "group"),
			    conf_key_line(c, obj, "group"),
			    "group: that is no multicast group's address");
}

const struct conf_section duty_vip_section = {
	.name = "vip",
	.help = "Addresses that the agent puts on an interface. Only what it put there itself is "
		"ever taken away.",
	.named = true,
	.size = sizeof(struct duty_vip_conf),
	.keys = vip_keys,
	.n_keys = countof(vip_keys),
	.finish = finish_vip,
};

const struct conf_section duty_sync_section = {
	.name = "sync",
	.help = "The kernel's daemons that tell a second director of connections.",
	.size = sizeof(struct duty_sync_conf),
	.keys = sync_keys,
	.n_keys = countof(sync_keys),
	.finish = finish_sync,
};
