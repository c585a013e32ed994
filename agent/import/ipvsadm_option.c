/* ipvsadm_option.c: the options of ipvsadm as a table, long and short. */
#include "agent/import/ipvsadm_option.h"

#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"

static const char *set_number(const char *value, uint64_t min, uint64_t max, uint64_t *ret_n)
{
	return parse_u64(value, ret_n) || *ret_n < min || *ret_n > max
		       ? "a number that ipvsadm would not take"
		       : NULL;
}

static const char *set_vip(struct adm_command *c, const char *value, uint8_t proto)
{
	if (c->vip)
		return "two services in one command";
	c->vip = value;
	c->proto = proto;
	return NULL;
}

static const char *set_tcp(struct adm_command *c, const char *value)
{
	return set_vip(c, value, IPPROTO_TCP);
}

static const char *set_udp(struct adm_command *c, const char *value)
{
	return set_vip(c, value, IPPROTO_UDP);
}

static const char *set_sctp(struct adm_command *c, const char *value)
{
	return set_vip(c, value, IPPROTO_SCTP);
}

static const char *set_mark(struct adm_command *c, const char *value)
{
	uint64_t n;
	const char *why = set_number(value, 1, UINT32_MAX, &n);

	if (!why)
		c->service.key.fwmark = (uint32_t)n;
	return why;
}

static const char *set_six(struct adm_command *c, const char *value ATTR_UNUSED)
{
	c->six = true;
	return NULL;
}

static const char *set_name(char *room, const char *value)
{
	size_t len = strlen(value);

	if (!len || len >= IPVS_NAME_LEN)
		return "a name that is empty, or longer than the kernel's 15 bytes";
	memcpy(room, value, len + 1);
	return NULL;
}

static const char *set_scheduler(struct adm_command *c, const char *value)
{
	return set_name(c->service.scheduler, value);
}

static const char *set_engine(struct adm_command *c, const char *value)
{
	return set_name(c->service.engine, value);
}

static const struct {
	const char *name;
	uint32_t flag;
} sched_flags[] = {
	{ "flag-1", IPVS_SVC_SCHED1 },  { "flag-2", IPVS_SVC_SCHED2 },
	{ "flag-3", IPVS_SVC_SCHED3 },  { "sh-fallback", IPVS_SVC_SCHED1 },
	{ "sh-port", IPVS_SVC_SCHED2 }, { "mh-fallback", IPVS_SVC_SCHED1 },
	{ "mh-port", IPVS_SVC_SCHED2 },
};

/* Words with commas between them. */
static const char *set_sched_flags(struct adm_command *c, const char *value)
{
	size_t i, len;

	for (; *value; value += len + (value[len] == ',')) {
		len = strcspn(value, ",");
		for (i = 0; i < countof(sched_flags); i++)
			if (strlen(sched_flags[i].name) == len &&
			    !strncmp(sched_flags[i].name, value, len))
				break;
		if (i == countof(sched_flags))
			return "an unknown flag of a scheduler";
		c->service.flags |= sched_flags[i].flag;
	}
	return NULL;
}

static const char *set_persistent(struct adm_command *c, const char *value)
{
	uint64_t n = ADM_DEFAULT_PERSISTENCE;
	const char *why = value ? set_number(value, 1, UINT32_MAX, &n) : NULL;

	c->service.flags |= IPVS_SVC_PERSISTENT;
	c->service.timeout = (uint32_t)n;
	return why;
}

static const char *set_mask(struct adm_command *c, const char *value)
{
	c->mask = value;
	return NULL;
}

static const char *set_ops(struct adm_command *c, const char *value ATTR_UNUSED)
{
	c->service.flags |= IPVS_SVC_ONEPACKET;
	return NULL;
}

static const char *set_real(struct adm_command *c, const char *value)
{
	c->real = value;
	return NULL;
}

static const char *set_masq(struct adm_command *c, const char *value ATTR_UNUSED)
{
	c->dest.forward = IPVS_MASQ;
	return NULL;
}

static const char *set_gate(struct adm_command *c, const char *value ATTR_UNUSED)
{
	c->dest.forward = IPVS_ROUTE;
	return NULL;
}

static const char *set_tunnel(struct adm_command *c, const char *value ATTR_UNUSED)
{
	c->dest.forward = IPVS_TUNNEL;
	return NULL;
}

static const char *set_weight(struct adm_command *c, const char *value)
{
	uint64_t n;
	const char *why = set_number(value, 0, 65535, &n);

	if (!why)
		c->dest.weight = (uint32_t)n;
	return why;
}

static const char *set_upper(struct adm_command *c, const char *value)
{
	uint64_t n;
	const char *why = set_number(value, 0, INT32_MAX, &n);

	if (!why)
		c->dest.upper = (uint32_t)n;
	return why;
}

static const char *set_lower(struct adm_command *c, const char *value)
{
	uint64_t n;
	const char *why = set_number(value, 0, INT32_MAX, &n);

	if (!why)
		c->dest.lower = (uint32_t)n;
	return why;
}

static const char *set_tun_type(struct adm_command *c, const char *value)
{
	unsigned int type;

	for (type = IPVS_TUN_IPIP; type <= IPVS_TUN_GRE; type++) {
		if (!strcmp(ipvs_tunnel_name(type), value)) {
			c->dest.tun_type = type & 0xf;
			return NULL;
		}
	}
	return "a tunnel that is none of ipip, gue, gre";
}

static const char *set_tun_port(struct adm_command *c, const char *value)
{
	uint64_t n;
	const char *why = set_number(value, 1, 65535, &n);

	if (!why)
		c->dest.tun_port = (uint16_t)n;
	return why;
}

static const char *set_nocsum(struct adm_command *c, const char *value ATTR_UNUSED)
{
	c->dest.tun_flags = 0;
	return NULL;
}

static const char *set_csum(struct adm_command *c, const char *value ATTR_UNUSED)
{
	c->dest.tun_flags = IPVS_TUN_CSUM;
	return NULL;
}

static const char *set_remcsum(struct adm_command *c, const char *value ATTR_UNUSED)
{
	c->dest.tun_flags = IPVS_TUN_REMCSUM;
	return NULL;
}

static const char *set_daemon(struct adm_command *c, const char *value)
{
	unsigned int state;

	for (state = 0; state < DAEMON_N; state++) {
		if (!strcmp(daemon_names[state], value)) {
			c->daemon_state = state;
			return NULL;
		}
	}
	return "a daemon that is none of master, backup";
}

static const char *set_interface(struct adm_command *c, const char *value)
{
	size_t len = strlen(value);

	if (!len || len >= sizeof(c->daemon.interface))
		return "no name of an interface";
	memcpy(c->daemon.interface, value, len + 1);
	return NULL;
}

static const char *set_group(struct adm_command *c, const char *value)
{
	struct addr a;

	if (addr_parse(value, &a) || a.port || !addr_is_multicast(&a))
		return "a group that is no multicast address";
	c->daemon.group = a;
	return NULL;
}

static const char *set_mcast_port(struct adm_command *c, const char *value)
{
	uint64_t n;
	const char *why = set_number(value, 1, 65535, &n);

	if (!why)
		c->daemon.port = (uint16_t)n;
	return why;
}

static const char *set_ttl(struct adm_command *c, const char *value)
{
	uint64_t n;
	const char *why = set_number(value, 1, 255, &n);

	if (!why)
		c->daemon.ttl = (uint8_t)n;
	return why;
}

static const char *set_sync_id(struct adm_command *c, const char *value)
{
	uint64_t n;
	const char *why = set_number(value, 0, 255, &n);

	if (!why)
		c->daemon.sync_id = (uint32_t)n;
	return why;
}

static const char *set_max_len(struct adm_command *c, const char *value)
{
	uint64_t n;
	const char *why = set_number(value, 1, 65507, &n);

	if (!why)
		c->daemon.max_len = (uint16_t)n;
	return why;
}

const char *adm_add_timeout(struct adm_command *c, const char *value)
{
	if (c->n_timeouts == DIRECTOR_TIMEOUTS)
		return "more than three timeouts";
	return set_number(value, 0, DIRECTOR_TIMEOUT_MAX, &c->timeouts[c->n_timeouts++]);
}

/* Of how a table is printed. */
static const char *set_aside(struct adm_command *c ATTR_UNUSED, const char *value ATTR_UNUSED)
{
	return NULL;
}

static const struct adm_option options[] = {
	{ "add-service", 'A', NO_VALUE, ADM_ADD_SERVICE, NULL },
	{ "edit-service", 'E', NO_VALUE, ADM_EDIT_SERVICE, NULL },
	{ "delete-service", 'D', NO_VALUE, ADM_DELETE_SERVICE, NULL },
	{ "add-server", 'a', NO_VALUE, ADM_ADD_SERVER, NULL },
	{ "edit-server", 'e', NO_VALUE, ADM_EDIT_SERVER, NULL },
	{ "delete-server", 'd', NO_VALUE, ADM_DELETE_SERVER, NULL },
	{ "clear", 'C', NO_VALUE, ADM_CLEAR, NULL },
	{ "restore", 'R', NO_VALUE, ADM_RESTORE, NULL },
	{ "set", '\0', NO_VALUE, ADM_SET, NULL },
	{ "start-daemon", '\0', VALUE, ADM_START_DAEMON, set_daemon },
	{ "stop-daemon", '\0', VALUE, ADM_STOP_DAEMON, set_daemon },
	{ "save", 'S', NO_VALUE, ADM_LOOK, NULL },
	{ "list", 'L', NO_VALUE, ADM_LOOK, NULL },
	{ "list", 'l', NO_VALUE, ADM_LOOK, NULL },
	{ "zero", 'Z', NO_VALUE, ADM_LOOK, NULL },
	{ "help", 'h', NO_VALUE, ADM_LOOK, NULL },
	{ "version", 'v', NO_VALUE, ADM_LOOK, NULL },
	{ "tcp-service", 't', VALUE, ADM_NOTHING, set_tcp },
	{ "udp-service", 'u', VALUE, ADM_NOTHING, set_udp },
	{ "sctp-service", '\0', VALUE, ADM_NOTHING, set_sctp },
	{ "fwmark-service", 'f', VALUE, ADM_NOTHING, set_mark },
	{ "ipv6", '6', NO_VALUE, ADM_NOTHING, set_six },
	{ "scheduler", 's', VALUE, ADM_NOTHING, set_scheduler },
	{ "sched-flags", 'b', VALUE, ADM_NOTHING, set_sched_flags },
	{ "persistent", 'p', MAY_HAVE_VALUE, ADM_NOTHING, set_persistent },
	{ "netmask", 'M', VALUE, ADM_NOTHING, set_mask },
	{ "pe", '\0', VALUE, ADM_NOTHING, set_engine },
	{ "ops", 'o', NO_VALUE, ADM_NOTHING, set_ops },
	{ "ops", 'O', NO_VALUE, ADM_NOTHING, set_ops },
	{ "real-server", 'r', VALUE, ADM_NOTHING, set_real },
	{ "gatewaying", 'g', NO_VALUE, ADM_NOTHING, set_gate },
	{ "masquerading", 'm', NO_VALUE, ADM_NOTHING, set_masq },
	{ "ipip", 'i', NO_VALUE, ADM_NOTHING, set_tunnel },
	{ "weight", 'w', VALUE, ADM_NOTHING, set_weight },
	{ "u-threshold", 'x', VALUE, ADM_NOTHING, set_upper },
	{ "l-threshold", 'y', VALUE, ADM_NOTHING, set_lower },
	{ "tun-type", '\0', VALUE, ADM_NOTHING, set_tun_type },
	{ "tun-port", '\0', VALUE, ADM_NOTHING, set_tun_port },
	{ "tun-nocsum", '\0', NO_VALUE, ADM_NOTHING, set_nocsum },
	{ "tun-csum", '\0', NO_VALUE, ADM_NOTHING, set_csum },
	{ "tun-remcsum", '\0', NO_VALUE, ADM_NOTHING, set_remcsum },
	{ "mcast-interface", '\0', VALUE, ADM_NOTHING, set_interface },
	{ "mcast-group", '\0', VALUE, ADM_NOTHING, set_group },
	{ "mcast-port", '\0', VALUE, ADM_NOTHING, set_mcast_port },
	{ "mcast-ttl", '\0', VALUE, ADM_NOTHING, set_ttl },
	{ "syncid", '\0', VALUE, ADM_NOTHING, set_sync_id },
	{ "sync-maxlen", '\0', VALUE, ADM_NOTHING, set_max_len },
	{ "numeric", 'n', NO_VALUE, ADM_NOTHING, set_aside },
	{ "connection", 'c', NO_VALUE, ADM_NOTHING, set_aside },
	{ "timeout", '\0', NO_VALUE, ADM_NOTHING, set_aside },
	{ "daemon", '\0', NO_VALUE, ADM_NOTHING, set_aside },
	{ "stats", '\0', NO_VALUE, ADM_NOTHING, set_aside },
	{ "rate", '\0', NO_VALUE, ADM_NOTHING, set_aside },
	{ "thresholds", '\0', NO_VALUE, ADM_NOTHING, set_aside },
	{ "persistent-conn", '\0', NO_VALUE, ADM_NOTHING, set_aside },
	{ "tun-info", '\0', NO_VALUE, ADM_NOTHING, set_aside },
	{ "sort", '\0', NO_VALUE, ADM_NOTHING, set_aside },
	{ "nosort", '\0', NO_VALUE, ADM_NOTHING, set_aside },
	{ "exact", 'X', NO_VALUE, ADM_NOTHING, set_aside },
};

const struct adm_option *adm_option_long(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < countof(options); i++)
		if (strlen(options[i].name) == len && !strncmp(options[i].name, name, len))
			return &options[i];
	return NULL;
}

const struct adm_option *adm_option_short(char letter)
{
	size_t i;

	for (i = 0; letter && i < countof(options); i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}
