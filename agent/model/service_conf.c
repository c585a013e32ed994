/* service_conf.c: the keys of [service NAME] and [defaults], and what they ask of
 * the kernel. */
#include "agent/model/service_conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/model/pool_conf.h"
#include "agent/model/service_types.h"
#include "conf/setter.h"

enum { PERSISTENCE_MAX_S = 31 * 86400 }; /* as ipvsadm has it: the kernel counts in jiffies */

/* --- names ---------------------------------------------------------------------- */

static int set_module(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		      struct conf_env *env)
{
	size_t len = strlen(text);

	if (len >= IPVS_NAME_LEN || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") != len)
		return conf_refuse(env, text,
				   "is not a name that the kernel takes (1 to 15 of a-z 0-9 _ -)");
	return conf_string.set(field, text, key, env);
}

static void get_module(const void *field, const struct conf_key *key, size_t i, struct buf *out)
{
	conf_string.get(field, key, i, out);
}

static const struct conf_type module_type = { .name = "name",
					      .set = set_module,
					      .get = get_module };

/* The scheduler's three flags by the names that each scheduler gives them. */
static const struct {
	const char *name, *scheduler; /* NULL = any */
	uint32_t flag;
} flag_names[] = {
	{ "sh-fallback", "sh", IPVS_SVC_SCHED1 }, { "sh-port", "sh", IPVS_SVC_SCHED2 },
	{ "mh-fallback", "mh", IPVS_SVC_SCHED1 }, { "mh-port", "mh", IPVS_SVC_SCHED2 },
	{ "flag-1", NULL, IPVS_SVC_SCHED1 },      { "flag-2", NULL, IPVS_SVC_SCHED2 },
	{ "flag-3", NULL, IPVS_SVC_SCHED3 },
};

/* Getters have the field's place in a const struct. */
static const struct service_conf *flags_owner(const void *field)
{
	return container_of((void *)(uintptr_t)field, struct service_conf, scheduler_flags);
}

static int set_flags(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		     struct conf_env *env)
{
	struct service_conf *s = container_of(field, struct service_conf, scheduler_flags);
	struct conf_strings words;
	uint32_t flags = 0, names = 0;
	size_t i, k;
	int r = conf_split(env->arena, text, &words);

	if (r)
		return r;
	for (i = 0; i < words.n; i++) {
		if (words.n == 1 && !strcmp(words.items[0], "none"))
			break;
		for (k = 0; k < countof(flag_names); k++)
			if (!strcmp(flag_names[k].name, words.items[i]))
				break;
		if (k == countof(flag_names))
			return conf_refuse(env, words.items[i],
					   "is none of sh-fallback, sh-port, mh-fallback, mh-port, "
					   "flag-1, flag-2, flag-3, none");
		flags |= flag_names[k].flag;
		names |= 1u << k;
	}
	s->scheduler_flags = flags;
	s->scheduler_flag_names = names;
	return 0;
}

static void get_flags(const void *field, const struct conf_key *key ATTR_UNUSED,
		      size_t i ATTR_UNUSED, struct buf *out)
{
	uint32_t names = flags_owner(field)->scheduler_flag_names;
	const char *sep = "";
	size_t k;

	if (!names)
		buf_puts(out, "none");
	for (k = 0; k < countof(flag_names); k++) {
		if (!(names & (1u << k)))
			continue;
		buf_printf(out, "%s%s", sep, flag_names[k].name);
		sep = " ";
	}
}

static const struct conf_type flags_type = { .name = "words", .set = set_flags, .get = get_flags };

/* --- the tables --------------------------------------------------------------------- */

static const struct conf_enum initial_names[] = {
	{ "keep", INITIAL_KEEP }, { "up", INITIAL_UP }, { "down", INITIAL_DOWN }, { NULL, 0 }
};
static const struct conf_enum panic_names[] = {
	{ "keep", PANIC_KEEP }, { "backup", PANIC_BACKUP }, { "none", PANIC_NONE }, { NULL, 0 }
};
static const struct conf_enum remove_names[] = { { "drain", REMOVE_DRAIN },
						 { "now", REMOVE_NOW },
						 { NULL, 0 } };
static const struct conf_enum drift_names[] = {
	{ "auto", DRIFT_AUTO },
	{ "repair", DRIFT_REPAIR },
	{ "adopt", DRIFT_ADOPT },
	{ "report", DRIFT_REPORT },
	{ NULL, 0 },
};

#define FIELD(f) .offset = offsetof(struct service_conf, f)

static const struct conf_key keys[] = {
	{ .name = "enabled",
	  .type = &conf_bool,
	  FIELD(enabled),
	  .def = "yes",
	  .help = "no takes the service out of the kernel and keeps its lines." },
	{ .name = "address",
	  .type = &conf_vip,
	  FIELD(addresses),
	  .flags = CONF_LIST | CONF_REQUIRED | CONF_NO_DEFAULTS,
	  .help = "Where clients come in; several addresses share one pool. Port 0 is every port, "
		  "with persistence only." },
	{ .name = "scheduler",
	  .type = &module_type,
	  FIELD(scheduler),
	  .def = "wlc",
	  .help = "Any scheduler that the kernel has, such as wlc, wrr, sh or mh." },
	{ .name = "scheduler_flags",
	  .type = &flags_type,
	  FIELD(scheduler_flags),
	  .def = "none",
	  .help = "sh-fallback sh-port mh-fallback mh-port flag-1 flag-2 flag-3, or none." },
	{ .name = "one_packet",
	  .type = &conf_bool,
	  FIELD(one_packet),
	  .def = "off",
	  .help = "Schedules every UDP packet by itself." },
	{ .name = "persistence",
	  .type = &conf_persistence,
	  FIELD(persistence),
	  .def = "0s",
	  .max = PERSISTENCE_MAX_S * INT64_C(1000),
	  .help = "So long a client stays with its realserver, in whole seconds; 0s is off." },
	{ .name = "persistence_netmask",
	  .type = &conf_netmask,
	  FIELD(persistence_netmask4),
	  .def = "32",
	  .min = 1,
	  .max = 32,
	  .help = "IPv4 clients of one such network count as one: 255.255.255.0 or 24." },
	{ .name = "persistence_netmask6",
	  .type = &conf_netmask,
	  FIELD(persistence_netmask6),
	  .def = "128",
	  .min = 1,
	  .max = 128,
	  .help = "The same for IPv6: a prefix length." },
	{ .name = "persistence_engine",
	  .type = &module_type,
	  FIELD(persistence_engine),
	  .help = "The kernel's persistence engine, such as sip." },
	{ .name = "forward",
	  .type = &conf_forward,
	  FIELD(terms.forward),
	  .def = "route",
	  .help = "route (dr, gate) | masq (nat) | tunnel (tun, ipip): how packets reach the "
		  "realservers." },
	{ .name = "tunnel",
	  .type = &conf_tunnel,
	  FIELD(terms.tunnel),
	  .def = "ipip",
	  .help = "ipip | gue:PORT | gre, then csum, nocsum or remcsum; for forward = tunnel." },
	{ .name = "weight",
	  .type = &conf_u32,
	  FIELD(weight),
	  .def = "100",
	  .max = 65535,
	  .help = "Weight of a realserver whose line gives none." },
	{ .name = "upper",
	  .type = &conf_u32,
	  FIELD(terms.upper),
	  .def = "0",
	  .max = INT32_MAX,
	  .help = "A realserver with so many connections gets no more; 0 is no limit." },
	{ .name = "lower",
	  .type = &conf_u32,
	  FIELD(terms.lower),
	  .def = "0",
	  .max = INT32_MAX,
	  .help = "… until it has fewer than these; 0 is three quarters of upper." },
	{ .name = "probe",
	  .type = &conf_words,
	  FIELD(terms.probes),
	  .help = "Names of the [probe] sections that check each realserver." },
	{ .name = "min_available",
	  .type = &conf_min_available,
	  FIELD(min_available),
	  .def = "1",
	  .help = "Rules leave at least so many realservers above weight 0: 2, 50% or 40% "
		  "weight." },
	{ .name = "initial",
	  .type = &conf_enum_type,
	  FIELD(initial),
	  .def = "keep",
	  .extra = initial_names,
	  .help = "keep | up | down: the weight until a realserver's first verdict; keep is what "
		  "the kernel has." },
	{ .name = "on_panic",
	  .type = &conf_enum_type,
	  FIELD(on_panic),
	  .def = "keep",
	  .extra = panic_names,
	  .help = "keep | backup | none: what serves when every probe fails." },
	{ .name = "on_remove",
	  .type = &conf_enum_type,
	  FIELD(on_remove),
	  .def = "drain",
	  .extra = remove_names,
	  .help = "drain | now: how a realserver goes that left the file." },
	{ .name = "drain_timeout",
	  .type = &conf_duration,
	  FIELD(drain_timeout),
	  .def = "5m",
	  .max = INT64_C(7) * 86400 * 1000,
	  .help = "So long a drain may take: then an operator's is late, and what left the file is "
		  "deleted all the same." },
	{ .name = "max_held",
	  .type = &conf_share,
	  FIELD(max_held),
	  .def = "100%",
	  .help = "Rules hold at most such a share of the realservers at once." },
	{ .name = "domain_guard",
	  .type = &conf_bool,
	  FIELD(domain_guard),
	  .def = "off",
	  .help = "on: rules hold realservers of one failure domain (domain=) at a time." },
	{ .name = "flap_max",
	  .type = &conf_duration,
	  FIELD(flap_max),
	  .def = "10m",
	  .max = INT64_C(24) * 3600 * 1000,
	  .help = "So long at most the return of a realserver that flaps is delayed." },
	{ .name = "ramp",
	  .type = &conf_duration,
	  FIELD(ramp),
	  .def = "0s",
	  .max = INT64_C(24) * 3600 * 1000,
	  .help = "A realserver that returns gets its weight back over such a time; 0s is at "
		  "once." },
	{ .name = "drift",
	  .type = &conf_enum_type,
	  FIELD(drift),
	  .def = "auto",
	  .extra = drift_names,
	  .help = "auto | repair | adopt | report: what becomes of what somebody else changes; "
		  "auto makes an operator's hold of a weight of 0 and puts the rest right." },
	{ .name = "drift_ttl",
	  .type = &conf_duration,
	  FIELD(drift_ttl),
	  .def = "4h",
	  .min = 1000,
	  .max = INT64_C(30) * 86400 * 1000,
	  .help = "So long such a hold lasts, unless the weight is set back by hand." },
	{ .name = "realserver",
	  .type = &conf_realserver,
	  FIELD(realservers),
	  .flags = CONF_LIST | CONF_NO_DEFAULTS | CONF_OWN_WORDS,
	  .help = "NAME ADDRESS[:PORT] [ADDRESS[:PORT]] and weight= domain= forward= tunnel= "
		  "upper= "
		  "lower= probe= probe_address= enabled=." },
	{ .name = "backup",
	  .type = &conf_realserver,
	  FIELD(realservers),
	  .extra = "backup",
	  .flags = CONF_LIST | CONF_NO_DEFAULTS | CONF_OWN_WORDS,
	  .help = "A realserver that serves only when the others do not." },
};

/* --- what a whole section says ------------------------------------------------------ */

static void check_flags(struct config *c, const struct service_conf *s)
{
	size_t k;

	for (k = 0; k < countof(flag_names); k++)
		if ((s->scheduler_flag_names & (1u << k)) && flag_names[k].scheduler &&
		    strcmp(flag_names[k].scheduler, s->scheduler))
			conf_report(c, CONF_ERROR, conf_key_file(c, s, "scheduler_flags"),
				    conf_key_line(c, s, "scheduler_flags"),
				    "scheduler_flags: '%s' is for scheduler %s; [service %s] has "
				    "%s",
				    flag_names[k].name, flag_names[k].scheduler, s->head.name,
				    s->scheduler);
}

static void check_vip(struct config *c, const struct service_conf *s, const struct vip_conf *vip)
{
	if (!vip->key.fwmark && !vip->key.addr.port && !s->persistence)
		conf_report(c, CONF_ERROR, s->head.file, vip->line,
			    "address: '%s': port 0 (every port) needs persistence", vip->text);
	if (s->one_packet && !vip->key.fwmark && vip->key.proto != IPPROTO_UDP)
		conf_report(c, CONF_ERROR, s->head.file, vip->line,
			    "address: '%s': one_packet is for udp:// and fwmark:// only",
			    vip->text);
}

static void finish(struct config *c, void *obj)
{
	struct service_conf *s = obj;
	uint32_t i;

	check_flags(c, s);
	if (s->terms.lower > s->terms.upper)
		conf_report(c, CONF_ERROR, conf_key_file(c, s, "lower"),
			    conf_key_line(c, s, "lower"),
			    "service %s: lower (%u) is above upper (%u)", s->head.name,
			    s->terms.lower, s->terms.upper);
	for (i = 0; i < s->n_addresses; i++)
		check_vip(c, s, &s->addresses[i]);
	pool_finish(c, s);
}

const struct conf_section service_section = {
	.name = "service",
	.help = "A virtual service: its addresses and the realservers behind them.",
	.named = true,
	.base = "defaults",
	.size = sizeof(struct service_conf),
	.keys = keys,
	.n_keys = countof(keys),
	.finish = finish,
};

const struct conf_section defaults_section = {
	.name = "defaults",
	.help = "Defaults of every [service]: any of its keys but address, realserver and backup.",
	.size = sizeof(struct service_conf),
	.keys = keys,
	.n_keys = countof(keys),
};

/* --- the kernel's ----------------------------------------------------------------- */

void service_conf_kernel(const struct service_conf *s, uint32_t address,
			 struct ipvs_service *ret_service)
{
	const struct ipvs_key *key = &s->addresses[address].key;
	struct ipvs_service k = { .key = *key, .flags = s->scheduler_flags };

	memcpy(k.scheduler, s->scheduler, strlen(s->scheduler));
	if (s->persistence_engine)
		memcpy(k.engine, s->persistence_engine, strlen(s->persistence_engine));
	if (s->persistence) {
		k.flags |= IPVS_SVC_PERSISTENT;
		k.timeout = (uint32_t)(s->persistence / 1000);
	}
	if (s->one_packet)
		k.flags |= IPVS_SVC_ONEPACKET;
	k.netmask = key->addr.family == AF_INET6
			    ? s->persistence_netmask6
			    : htonl(UINT32_MAX << (32 - s->persistence_netmask4));
	*ret_service = k;
}

bool service_conf_dest_addr(const struct service_conf *s, uint32_t address,
			    const struct realserver_conf *r, struct addr *ret_addr)
{
	const struct ipvs_key *key = &s->addresses[address].key;
	struct addr a;
	uint32_t i;

	for (i = 0; i < r->n_addr; i++)
		if (r->addr[i].family == key->addr.family)
			break;
	if (i == r->n_addr) {
		if (r->terms->forward != IPVS_TUNNEL || !r->n_addr)
			return false;
		i = 0;
	}
	a = r->addr[i];
	if (!a.port)
		a.port = key->addr.port;
	*ret_addr = a;
	return true;
}

bool service_conf_dest(const struct service_conf *s, uint32_t address,
		       const struct realserver_conf *r, struct ipvs_dest *ret_dest)
{
	const struct realserver_terms *t = r->terms;
	struct ipvs_dest d = { .forward = t->forward };

	if (!service_conf_dest_addr(s, address, r, &d.addr))
		return false;
	if (t->forward == IPVS_TUNNEL) {
		d.tun_type = t->tunnel.type;
		d.tun_flags = t->tunnel.flags;
		d.tun_port = t->tunnel.port;
	}
	d.weight = r->weight;
	d.upper = t->upper;
	d.lower = t->lower;
	*ret_dest = d;
	return true;
}
