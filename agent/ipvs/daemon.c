/* daemon.c: three commands of the IPVS family over a socket of their own, opened for each
 * talk. */
#include "agent/ipvs/daemon.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/ip_vs.h>
#include <netlink/genl/genl.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/ipvs/attr.h"
#include "agent/ipvs/nlsock.h"

enum { ANSWER_MS = 5000 };

const char *const daemon_names[DAEMON_N] = { "master", "backup" };

/* What is asked for the kernel cuts to what fits the interface, and lifts to what every
 * network takes (start_sync_thread(), net/netfilter/ipvs/ip_vs_sync.c). */
static uint16_t most_len(const struct daemon *want)
{
	uint16_t least = want->group.family == AF_INET6 ? 1280 - 48 : 576 - 28;

	return want->max_len > least ? want->max_len : least;
}

bool daemon_fits(const struct daemon *want, const struct daemon *seen)
{
	if (want->there != seen->there || !want->there)
		return want->there == seen->there;
	return !strcmp(want->interface, seen->interface) && want->sync_id == seen->sync_id &&
	       (!want->group.family || !addr_cmp(&want->group, &seen->group)) &&
	       (!want->port || want->port == seen->port) &&
	       (!want->max_len || seen->max_len <= most_len(want)) &&
	       (!want->ttl || want->ttl == seen->ttl);
}

/* --- attributes ---------------------------------------------------------------------- */

/* What the kernel's own policy says of each; strings and groups are read by hand. */
static struct nla_policy outer_policy[IPVS_CMD_ATTR_MAX + 1] = {
	[IPVS_CMD_ATTR_DAEMON] = { .type = NLA_NESTED },
};
static struct nla_policy policy[IPVS_DAEMON_ATTR_MAX + 1] = {
	[IPVS_DAEMON_ATTR_STATE] = { .type = NLA_U32 },
	[IPVS_DAEMON_ATTR_MCAST_IFN] = { .type = NLA_STRING, .minlen = 1, .maxlen = IFNAMSIZ },
	[IPVS_DAEMON_ATTR_SYNC_ID] = { .type = NLA_U32 },
	[IPVS_DAEMON_ATTR_SYNC_MAXLEN] = { .type = NLA_U16 },
	[IPVS_DAEMON_ATTR_MCAST_GROUP] = { .type = NLA_U32 },
	[IPVS_DAEMON_ATTR_MCAST_GROUP6] = { .minlen = 16, .maxlen = 16 },
	[IPVS_DAEMON_ATTR_MCAST_PORT] = { .type = NLA_U16 },
	[IPVS_DAEMON_ATTR_MCAST_TTL] = { .type = NLA_U8 },
};

static void get_rest(struct nlattr **a, struct daemon *d)
{
	if (a[IPVS_DAEMON_ATTR_SYNC_MAXLEN])
		d->max_len = nla_get_u16(a[IPVS_DAEMON_ATTR_SYNC_MAXLEN]);
	if (a[IPVS_DAEMON_ATTR_MCAST_PORT])
		d->port = nla_get_u16(a[IPVS_DAEMON_ATTR_MCAST_PORT]);
	if (a[IPVS_DAEMON_ATTR_MCAST_TTL])
		d->ttl = nla_get_u8(a[IPVS_DAEMON_ATTR_MCAST_TTL]);
	if (a[IPVS_DAEMON_ATTR_MCAST_GROUP6]) {
		d->group.family = AF_INET6;
		memcpy(d->group.bytes, nla_data(a[IPVS_DAEMON_ATTR_MCAST_GROUP6]), 16);
	} else if (a[IPVS_DAEMON_ATTR_MCAST_GROUP]) {
		d->group.family = AF_INET;
		memcpy(d->group.bytes, nla_data(a[IPVS_DAEMON_ATTR_MCAST_GROUP]), 4);
	}
}

int daemon_get(const struct nlmsghdr *h, struct daemon *rows)
{
	struct nlattr *outer[IPVS_CMD_ATTR_MAX + 1], *a[IPVS_DAEMON_ATTR_MAX + 1];
	struct daemon d = { .there = true };
	const char *name;
	uint32_t state;

	if (h->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN) ||
	    genlmsg_parse((struct nlmsghdr *)h, 0, outer, IPVS_CMD_ATTR_MAX, outer_policy) < 0 ||
	    !outer[IPVS_CMD_ATTR_DAEMON] ||
	    nla_parse_nested(a, IPVS_DAEMON_ATTR_MAX, outer[IPVS_CMD_ATTR_DAEMON], policy) < 0 ||
	    !a[IPVS_DAEMON_ATTR_STATE] || !a[IPVS_DAEMON_ATTR_MCAST_IFN] ||
	    !a[IPVS_DAEMON_ATTR_SYNC_ID])
		return -EBADMSG;
	state = nla_get_u32(a[IPVS_DAEMON_ATTR_STATE]);
	if (state < 1 || state > DAEMON_N)
		return -EBADMSG;
	name = nla_data(a[IPVS_DAEMON_ATTR_MCAST_IFN]);
	memcpy(d.interface, name,
	       strnlen(name, (size_t)nla_len(a[IPVS_DAEMON_ATTR_MCAST_IFN]) < IFNAMSIZ - 1
				     ? (size_t)nla_len(a[IPVS_DAEMON_ATTR_MCAST_IFN])
				     : IFNAMSIZ - 1));
	d.sync_id = nla_get_u32(a[IPVS_DAEMON_ATTR_SYNC_ID]);
	get_rest(a, &d);
	rows[state - 1] = d;
	return 0;
}

void daemon_put(struct nlreq *q, unsigned int state, const struct daemon *d)
{
	uint32_t number = state + 1;
	size_t nest = nlreq_nest(q, IPVS_CMD_ATTR_DAEMON);

	nlreq_put(q, IPVS_DAEMON_ATTR_STATE, &number, sizeof(number));
	if (d) {
		nlreq_put(q, IPVS_DAEMON_ATTR_MCAST_IFN, d->interface, strlen(d->interface) + 1);
		nlreq_put(q, IPVS_DAEMON_ATTR_SYNC_ID, &d->sync_id, sizeof(d->sync_id));
	}
	if (d && d->max_len)
		nlreq_put(q, IPVS_DAEMON_ATTR_SYNC_MAXLEN, &d->max_len, sizeof(d->max_len));
	if (d && d->group.family == AF_INET)
		nlreq_put(q, IPVS_DAEMON_ATTR_MCAST_GROUP, d->group.bytes, 4);
	if (d && d->group.family == AF_INET6)
		nlreq_put(q, IPVS_DAEMON_ATTR_MCAST_GROUP6, d->group.bytes, 16);
	if (d && d->port)
		nlreq_put(q, IPVS_DAEMON_ATTR_MCAST_PORT, &d->port, sizeof(d->port));
	if (d && d->ttl)
		nlreq_put(q, IPVS_DAEMON_ATTR_MCAST_TTL, &d->ttl, sizeof(d->ttl));
	nlreq_nest_end(q, nest);
}

/* --- talks ---------------------------------------------------------------------------- */

static int on_family(void *arg, const struct nlmsghdr *h)
{
	return attr_get_family_id(h, arg);
}

static int find_family(struct nlsock *s, uint16_t *ret_id)
{
	struct nlreq *q = nlsock_begin(s, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	uint16_t id = 0;
	int result = 0, r;

	if (!q)
		return -EMSGSIZE;
	nlreq_put(q, CTRL_ATTR_FAMILY_NAME, IPVS_GENL_NAME, sizeof(IPVS_GENL_NAME));
	r = nlsock_end(s);
	if (!r)
		r = nlsock_talk(s, &result, on_family, &id);
	r = r ? r : result;
	if (r == -ENOENT)
		return -ENOPROTOOPT;
	if (!r && id < GENL_MIN_ID)
		return -EBADMSG;
	if (!r)
		*ret_id = id;
	return r;
}

static int on_daemon(void *arg, const struct nlmsghdr *h)
{
	return daemon_get(h, arg);
}

/* One command; `state` of DAEMON_N = none is sent. */
static int command(uint8_t cmd, uint16_t flags, unsigned int state, const struct daemon *d,
		   struct daemon *rows)
{
	struct nlsock s;
	struct nlreq *q;
	uint16_t family = 0;
	int result = 0, r = nlsock_open(&s, ANSWER_MS, NLSOCK_SMALL);

	if (r)
		return r;
	r = find_family(&s, &family);
	if (r)
		goto out;
	q = nlsock_begin(&s, family, cmd, flags);
	r = -EMSGSIZE;
	if (!q)
		goto out;
	if (state < DAEMON_N)
		daemon_put(q, state, d);
	r = nlsock_end(&s);
	if (!r)
		r = nlsock_talk(&s, &result, rows ? on_daemon : NULL, rows);
	r = r ? r : result;
out:
	nlsock_close(&s);
	return r;
}

int daemon_read(struct daemon ret_rows[DAEMON_N])
{
	struct daemon rows[DAEMON_N] = { 0 };
	int r = command(IPVS_CMD_GET_DAEMON, NLM_F_DUMP, DAEMON_N, NULL, rows);

	if (!r)
		memcpy(ret_rows, rows, sizeof(rows));
	return r;
}

int daemon_start(unsigned int state, const struct daemon *d)
{
	return command(IPVS_CMD_NEW_DAEMON, NLM_F_ACK, state, d, NULL);
}

int daemon_stop(unsigned int state)
{
	return command(IPVS_CMD_DEL_DAEMON, NLM_F_ACK, state, NULL, NULL);
}
