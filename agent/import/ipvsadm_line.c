/* ipvsadm_line.c: the options of ipvsadm as a table, long and short, as popt reads them. */
#include "agent/import/ipvsadm_line.h"

#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"

/* --- words -------------------------------------------------------------------------- */

struct words {
	char *list[ADM_WORDS_MAX];
	size_t n;
	bool shell; /* there is something that only a shell understands */
};

/* One word at *p, its quotes taken out in place; *p moves behind it. */
static const char *cut_word(char **p, struct words *w)
{
	char *from = *p, *to = *p, quote = '\0';

	w->list[w->n] = to;
	for (; *from && (quote || !strchr(" \t", *from)); from++) {
		if (*from == quote) {
			quote = '\0';
		} else if (!quote && (*from == '"' || *from == '\'')) {
			quote = *from;
		} else {
			w->shell |= quote != '\'' && strchr("$`", *from);
			w->shell |= !quote && strchr(";|&<>()*?~\\", *from);
			*to++ = *from;
		}
	}
	*p = *from ? from + 1 : from;
	*to = '\0';
	w->n++;
	return quote ? "a quote without its end" : NULL;
}

static const char *cut(char *line, struct words *w)
{
	const char *why = NULL;

	w->n = 0;
	w->shell = false;
	while (!why) {
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			break;
		if (w->n == ADM_WORDS_MAX)
			why = "more than 64 words";
		else
			why = cut_word(&line, w);
	}
	return why;
}

/* --- options --------------------------------------------------------------------------- */

typedef const char *set_fn(struct adm_command *c, const char *value);

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

/* Of how a table is printed, or of the daemon, whose commands are noted as a whole. */
static const char *set_aside(struct adm_command *c ATTR_UNUSED, const char *value ATTR_UNUSED)
{
	return NULL;
}

enum argument { NO_VALUE = 0, VALUE, MAY_HAVE_VALUE };

/* A row is a verb (then `set` is NULL), or what goes with one. */
static const struct option {
	const char *name;
	char letter;
	enum argument argument;
	enum adm_verb verb;
	set_fn *set;
} options[] = {
	{ "add-service", 'A', NO_VALUE, ADM_ADD_SERVICE, NULL },
	{ "edit-service", 'E', NO_VALUE, ADM_EDIT_SERVICE, NULL },
	{ "delete-service", 'D', NO_VALUE, ADM_DELETE_SERVICE, NULL },
	{ "add-server", 'a', NO_VALUE, ADM_ADD_SERVER, NULL },
	{ "edit-server", 'e', NO_VALUE, ADM_EDIT_SERVER, NULL },
	{ "delete-server", 'd', NO_VALUE, ADM_DELETE_SERVER, NULL },
	{ "clear", 'C', NO_VALUE, ADM_CLEAR, NULL },
	{ "restore", 'R', NO_VALUE, ADM_RESTORE, NULL },
	{ "set", '\0', NO_VALUE, ADM_SET, NULL },
	{ "start-daemon", '\0', VALUE, ADM_DAEMON, NULL },
	{ "stop-daemon", '\0', VALUE, ADM_DAEMON, NULL },
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
	{ "mcast-interface", '\0', VALUE, ADM_NOTHING, set_aside },
	{ "mcast-group", '\0', VALUE, ADM_NOTHING, set_aside },
	{ "mcast-port", '\0', VALUE, ADM_NOTHING, set_aside },
	{ "mcast-ttl", '\0', VALUE, ADM_NOTHING, set_aside },
	{ "syncid", '\0', VALUE, ADM_NOTHING, set_aside },
	{ "sync-maxlen", '\0', VALUE, ADM_NOTHING, set_aside },
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

static const struct option *find_long(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < countof(options); i++)
		if (strlen(options[i].name) == len && !strncmp(options[i].name, name, len))
			return &options[i];
	return NULL;
}

static const struct option *find_short(char letter)
{
	size_t i;

	for (i = 0; letter && i < countof(options); i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}

/* --- a line ------------------------------------------------------------------------------ */

static const char *apply(struct adm_command *c, const struct option *o, const char *value)
{
	if (o->set)
		return o->set(c, value);
	/* of ipvsadm -l -Z and the like any is as good */
	if (c->verb && c->verb != o->verb)
		return "two commands in one";
	c->verb = o->verb;
	return NULL;
}

/* Takes option `o`, whose value may be joined to it (not NULL); *i stands on its word. */
static const char *take(struct adm_command *c, const struct option *o, const char *joined,
			struct words *w, size_t *i)
{
	const char *value = joined;

	if (o->argument == NO_VALUE)
		return joined ? "a value for an option that takes none" : apply(c, o, NULL);
	if (!value && *i + 1 < w->n && (o->argument == VALUE || strspn(w->list[*i + 1], "-") == 0))
		value = w->list[++*i];
	if (!value && o->argument == VALUE)
		return "an option without its value";
	return apply(c, o, value);
}

static const char *take_long(struct adm_command *c, struct words *w, size_t *i)
{
	const char *word = w->list[*i] + 2;
	size_t len = strcspn(word, "=");
	const struct option *o = find_long(word, len);

	return o ? take(c, o, word[len] ? word + len + 1 : NULL, w, i) : "an unknown option";
}

/* -A, -t ADDRESS, -tADDRESS, -At ADDRESS. */
static const char *take_short(struct adm_command *c, struct words *w, size_t *i)
{
	const char *p = w->list[*i] + 1, *why = *p ? NULL : "a word that is no option";

	while (*p && !why) {
		const struct option *o = find_short(*p++);

		if (!o)
			return "an unknown option";
		if (o->argument != NO_VALUE)
			return take(c, o, *p ? p : NULL, w, i);
		why = take(c, o, NULL, w, i);
	}
	return why;
}

/* ipvsadm 1.26 saves --pe NAME and --ops without their dashes, and cannot read it itself. */
static const char *take_old(struct adm_command *c, struct words *w, size_t *i)
{
	const char *word = w->list[*i];

	if (!strcmp(word, "ops") || !strcmp(word, "pe"))
		return take(c, find_long(word, strlen(word)), NULL, w, i);
	return "a word that is no option";
}

static const char *take_words(struct adm_command *c, struct words *w, size_t i)
{
	const char *why = NULL;

	for (; i < w->n && !why; i++) {
		if (!strncmp(w->list[i], "--", 2))
			why = take_long(c, w, &i);
		else if (w->list[i][0] == '-')
			why = take_short(c, w, &i);
		else if (c->verb != ADM_SET) /* its three numbers */
			why = take_old(c, w, &i);
	}
	return why;
}

static bool is_ipvsadm(const char *word)
{
	const char *slash = strrchr(word, '/');

	return !strcmp(slash ? slash + 1 : word, "ipvsadm");
}

static const char *check(const struct adm_command *c)
{
	bool keyed = c->verb >= ADM_ADD_SERVICE && c->verb <= ADM_DELETE_SERVER;

	if (!c->verb)
		return "no command among the options";
	if (keyed && !c->vip == !c->service.key.fwmark)
		return "exactly one of -t, -u, --sctp-service, -f belongs there";
	if (c->verb >= ADM_ADD_SERVER && c->verb <= ADM_DELETE_SERVER && !c->real)
		return "no -r";
	return NULL;
}

bool adm_read(char *line, struct adm_command *ret_command, const char **ret_why)
{
	struct adm_command c = {
		.service = { .scheduler = "wlc" },
		.dest = { .forward = IPVS_ROUTE, .weight = 1 },
	};
	struct words w;
	size_t first;

	*ret_why = cut(line, &w);
	if (!*ret_why && !w.n)
		return false;
	first = !*ret_why && is_ipvsadm(w.list[0]) ? 1 : 0;
	if (*ret_why)
		;
	else if (!first && w.list[0][0] != '-')
		*ret_why = "no command of ipvsadm";
	else if (w.shell)
		*ret_why = "only a shell understands that: import what 'ipvsadm -S -n' prints";
	else
		*ret_why = take_words(&c, &w, first) ?: check(&c);
	if (!*ret_why)
		*ret_command = c;
	return true;
}
