/* sysctl_conf.c: the keys of [sysctl]: the kernel's own names, without net.ipv4.vs. */
#include "agent/model/sysctl_conf.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"
#include "conf/setter.h"

/* What stands behind a key. */
struct sysctl_row {
	const char *name; /* as in tunable.h */
	unsigned int numbers;
};

/* --- values -------------------------------------------------------------------- */

/* One number within the key's bounds; on and off where they are 0 and 1. */
static int parse_one(const char *text, const struct conf_key *key, uint64_t *ret_n)
{
	bool on;

	if (key->max == 1 && !parse_bool(text, &on)) {
		*ret_n = on;
		return 0;
	}
	if (parse_u64(text, ret_n))
		return -EINVAL;
	return *ret_n < (uint64_t)key->min || *ret_n > (uint64_t)key->max ? -ERANGE : 0;
}

static int refuse(const char *text, const struct conf_key *key, unsigned int numbers,
		  struct conf_env *env)
{
	if (key->max == 1)
		return conf_refuse(env, text, "is neither on nor off");
	return conf_refuse(env, text, "is not %s from %lld to %lld",
			   numbers > 1 ? "two numbers, each" : "a number", (long long)key->min,
			   (long long)key->max);
}

/* Takes `numbers` words at `items` to the kernel's form. */
static int take_numbers(struct conf_env *env, const char *text, const struct conf_key *key,
			const struct conf_strings *words, size_t first, unsigned int numbers,
			struct buf *out)
{
	size_t i;

	if (words->n != first + numbers)
		return refuse(text, key, numbers, env);
	for (i = first; i < words->n; i++) {
		uint64_t n;

		if (parse_one(words->items[i], key, &n))
			return refuse(text, key, numbers, env);
		buf_printf(out, "%s%llu", i > first ? " " : "", (unsigned long long)n);
	}
	return 0;
}

static int keep(struct conf_env *env, struct buf *value, const char **ret_text)
{
	char *copy = buf_ok(value) ? arena_strdup(env->arena, buf_str(value)) : NULL;

	buf_fini(value);
	if (!copy)
		return -ENOMEM;
	*ret_text = copy;
	return 0;
}

static int set_numbers(void *field, const char *text, const struct conf_key *key,
		       struct conf_env *env)
{
	const struct sysctl_row *row = key->extra;
	struct conf_strings words;
	struct buf value = BUF_INIT;
	int e = conf_split(env->arena, text, &words);

	if (!e)
		e = take_numbers(env, text, key, &words, 0, row->numbers, &value);
	if (e) {
		buf_fini(&value);
		return e;
	}
	return keep(env, &value, field);
}

static void get_text(const void *field, const struct conf_key *key ATTR_UNUSED,
		     size_t i ATTR_UNUSED, struct buf *out)
{
	const char *text = *(const char *const *)field;

	buf_puts(out, text ? text : "");
}

/* The kernel counts in seconds. */
static int set_timeout(void *field, const char *text, const struct conf_key *key,
		       struct conf_env *env)
{
	struct buf value = BUF_INIT;
	int64_t ms;

	if (parse_duration(text, &ms))
		return conf_refuse(env, text, "is not a duration (15m, 120s)");
	if (ms < key->min || ms > key->max || ms % 1000)
		return conf_refuse(env, text, "is not whole seconds, from 1s to %lldh",
				   (long long)key->max / 3600000);
	buf_put_i64(&value, ms / 1000);
	return keep(env, &value, field);
}

static void get_timeout(const void *field, const struct conf_key *key ATTR_UNUSED,
			size_t i ATTR_UNUSED, struct buf *out)
{
	const char *text = *(const char *const *)field;
	uint64_t s;

	if (text && !parse_u64(text, &s))
		format_duration(out, (int64_t)s * 1000);
}

/* "eth1 2": no path, and none of the directory's own. */
static bool interface_ok(const char *name)
{
	return strlen(name) < IF_NAMESIZE && !strchr(name, '/') && strcmp(name, ".") &&
	       strcmp(name, "..") && strcmp(name, "default");
}

static int set_of_interface(void *field, const char *text, const struct conf_key *key,
			    struct conf_env *env)
{
	struct conf_strings words, *list = field;
	struct buf value = BUF_INIT;
	const char **place;
	size_t i;
	int e = conf_split(env->arena, text, &words);

	if (e)
		return e;
	if (words.n != 2 || !interface_ok(words.items[0]))
		return conf_refuse(env, text,
				   "is not an interface (or all) and its value: eth1 %lld",
				   (long long)key->max);
	for (i = 0; i < list->n; i++)
		if (!strncmp(list->items[i], words.items[0], strlen(words.items[0])) &&
		    list->items[i][strlen(words.items[0])] == ' ')
			return conf_refuse(env, text, "says it a second time for that interface");
	buf_printf(&value, "%s ", words.items[0]);
	e = take_numbers(env, text, key, &words, 1, 1, &value);
	if (e) {
		buf_fini(&value);
		return e;
	}
	place = conf_append(env, (void **)&list->items, list->n, sizeof(*list->items), 0);
	if (!place) {
		buf_fini(&value);
		return -ENOMEM;
	}
	e = keep(env, &value, place);
	list->n += !e;
	return e;
}

static void get_of_interface(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i,
			     struct buf *out)
{
	buf_puts(out, ((const struct conf_strings *)field)->items[i]);
}

static size_t count_of_interfaces(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	return ((const struct conf_strings *)field)->n;
}

static const struct conf_type numbers_type = { .name = "number",
					       .set = set_numbers,
					       .get = get_text };
static const struct conf_type timeout_type = { .name = "duration",
					       .set = set_timeout,
					       .get = get_timeout };
static const struct conf_type interface_type = { .name = "interface and number",
						 .set = set_of_interface,
						 .get = get_of_interface,
						 .count = count_of_interfaces };

/* --- keys ------------------------------------------------------------------------ */

static const struct sysctl_row rows[SYSCTL_N_KEYS] = {
	{ "net/ipv4/ip_forward", 1 }, /* first: it resets others */
	{ "net/ipv6/conf/all/forwarding", 1 },
	{ "net/ipv4/vs/expire_nodest_conn", 1 },
	{ "net/ipv4/vs/expire_quiescent_template", 1 },
	{ "net/ipv4/vs/conn_reuse_mode", 1 },
	{ "net/ipv4/vs/conntrack", 1 },
	{ "net/ipv4/vs/sloppy_tcp", 1 },
	{ "net/ipv4/vs/sloppy_sctp", 1 },
	{ "net/ipv4/vs/backup_only", 1 },
	{ "net/ipv4/vs/sync_version", 1 },
	{ "net/ipv4/vs/sync_ports", 1 },
	{ "net/ipv4/vs/sync_persist_mode", 1 },
	{ "net/ipv4/vs/sync_qlen_max", 1 },
	{ "net/ipv4/vs/sync_sock_size", 1 },
	{ "net/ipv4/vs/sync_threshold", 2 },
	{ "net/ipv4/vs/sync_refresh_period", 1 },
	{ "net/ipv4/vs/sync_retries", 1 },
	{ "timeout/tcp", 1 },
	{ "timeout/tcp_fin", 1 },
	{ "timeout/udp", 1 },
};

#define AT(i)             .offset = offsetof(struct sysctl_conf, values[i]), .extra = &rows[i]
#define NUMBER(i, lo, hi) .type = &numbers_type, AT(i), .min = (lo), .max = (hi)
#define MAX_TIMEOUT       (INT64_C(31) * 24 * 3600000)
#define TIMEOUT(i)        .type = &timeout_type, AT(i), .min = 1000, .max = MAX_TIMEOUT
#define LIST(f)           .offset = offsetof(struct sysctl_conf, f), .flags = CONF_LIST
#define INTERFACE(f, hi)  .type = &interface_type, LIST(f), .max = (hi)

static const struct conf_key keys[] = {
	{ .name = "ip_forward",
	  NUMBER(0, 0, 1),
	  .help = "net.ipv4.ip_forward; masq needs it. A change of it sets others of "
		  "net.ipv4.conf "
		  "back to their defaults." },
	{ .name = "ip_forward6",
	  NUMBER(1, 0, 1),
	  .help = "net.ipv6.conf.all.forwarding; masq needs it." },
	{ .name = "expire_nodest_conn",
	  NUMBER(2, 0, 1),
	  .help = "on: a client that uses its source port again is not sent to a server "
		  "that is "
		  "out; connections to a deleted one end at once." },
	{ .name = "expire_quiescent_template",
	  NUMBER(3, 0, 1),
	  .help = "on: persistence lets go of servers at weight 0." },
	{ .name = "conn_reuse_mode",
	  NUMBER(4, 0, 3),
	  .help = "0 to 3: when a source port that is used again is a new connection." },
	{ .name = "conntrack",
	  NUMBER(5, 0, 1),
	  .help = "on: netfilter sees the connections of IPVS; its rules can translate "
		  "them." },
	{ .name = "sloppy_tcp",
	  NUMBER(6, 0, 1),
	  .help = "on: connections are taken over whose beginning was not seen." },
	{ .name = "sloppy_sctp", NUMBER(7, 0, 1), .help = "The same for SCTP." },
	{ .name = "backup_only",
	  NUMBER(8, 0, 1),
	  .help = "on: while the sync daemon is backup, the director balances nothing." },
	{ .name = "sync_version",
	  NUMBER(9, 0, 1),
	  .help = "Version of the messages of the sync daemon." },
	{ .name = "sync_ports",
	  NUMBER(10, 1, 64),
	  .help = "How many threads and ports the sync daemon has." },
	{ .name = "sync_persist_mode",
	  NUMBER(11, 0, 1),
	  .help = "on: of persistent connections the sync daemon tells the templates "
		  "alone." },
	{ .name = "sync_qlen_max",
	  NUMBER(12, 1, INT_MAX),
	  .help = "How many messages may wait for the sync daemon." },
	{ .name = "sync_sock_size",
	  NUMBER(13, 0, INT_MAX),
	  .help = "Buffer of the sync daemon's socket, in bytes; 0 = the system's "
		  "default." },
	{ .name = "sync_threshold",
	  NUMBER(14, 0, INT_MAX),
	  .help = "Two numbers: packets of a connection before it is told, and between two "
		  "tellings." },
	{ .name = "sync_refresh_period",
	  NUMBER(15, 0, INT_MAX),
	  .help = "Seconds after which a connection is told again; 0 = as sync_threshold "
		  "says." },
	{ .name = "sync_retries",
	  NUMBER(16, 0, 3),
	  .help = "How often a connection is told again within sync_refresh_period." },
	{ .name = "tcp_timeout",
	  TIMEOUT(17),
	  .help = "How long a TCP connection without packets is kept (the kernel's: "
		  "15m)." },
	{ .name = "tcp_fin_timeout", TIMEOUT(18), .help = "… and after its end was seen (2m)." },
	{ .name = "udp_timeout", TIMEOUT(19), .help = "… and the same of UDP (5m)." },
	{ .name = "rp_filter",
	  INTERFACE(rp_filter, 2),
	  .help = "An interface, or all, and its net.ipv4.conf.INTERFACE.rp_filter: eth1 "
		  "2; the "
		  "greater of both counts." },
	{ .name = "accept_local",
	  INTERFACE(accept_local, 1),
	  .help = "An interface, or all, and its net.ipv4.conf.INTERFACE.accept_local: "
		  "eth1 1; "
		  "probes with via = forward need it." },
};

const struct conf_section sysctl_section = {
	.name = "sysctl",
	.help = "Settings of the kernel that are to be so. What is not given is left alone; what "
		"is, "
		"is set, put right when it drifts, and put back as it was when it leaves the file "
		"or "
		"the agent stops with on_exit = remove.",
	.size = sizeof(struct sysctl_conf),
	.keys = keys,
	.n_keys = countof(keys),
};

bool sysctl_conf_at(const struct sysctl_conf *c, uint32_t i, struct buf *name,
		    const char **ret_value)
{
	static const char *const names[] = { "rp_filter", "accept_local" };
	const struct conf_strings *const lists[] = { &c->rp_filter, &c->accept_local };
	size_t k;

	for (k = 0; k < SYSCTL_N_KEYS; k++) {
		if (!c->values[k] || i--)
			continue;
		buf_puts(name, rows[k].name);
		*ret_value = c->values[k];
		return true;
	}
	for (k = 0; k < countof(lists); k++) {
		const char *blank;

		if (i >= lists[k]->n) {
			i -= (uint32_t)lists[k]->n;
			continue;
		}
		blank = strchr(lists[k]->items[i], ' ');
		buf_printf(name, "net/ipv4/conf/%.*s/%s", (int)(blank - lists[k]->items[i]),
			   lists[k]->items[i], names[k]);
		*ret_value = blank + 1;
		return true;
	}
	return false;
}
