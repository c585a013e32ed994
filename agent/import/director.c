/* director.c: [sysctl] and [sync] of what a source says of timeouts and sync daemons. */
#include "agent/import/director.h"

#include <string.h>

void director_time(struct director *d, const uint64_t seconds[static DIRECTOR_TIMEOUTS],
		   struct import_at at)
{
	size_t i;

	for (i = 0; i < DIRECTOR_TIMEOUTS; i++)
		if (seconds[i])
			d->timeouts[i] = seconds[i];
	d->timeouts_at = at;
}

static bool same(const struct daemon *a, const struct daemon *b)
{
	return !strcmp(a->interface, b->interface) && a->sync_id == b->sync_id &&
	       !addr_cmp(&a->group, &b->group) && a->port == b->port && a->ttl == b->ttl &&
	       a->max_len == b->max_len;
}

const char *director_start(struct director *d, unsigned int state, const struct daemon *daemon,
			   struct import_at at)
{
	const struct daemon *other = &d->daemons[!state];

	if (!import_interface_ok(daemon->interface))
		return "the daemon needs the name of an interface";
	if (d->daemons[state].there)
		return "that daemon runs by then: the kernel would refuse a second one";
	if (other->there && !same(daemon, other))
		return "[sync] is for both daemons: they cannot have an interface, an id or a "
		       "group "
		       "each";
	d->daemons[state] = *daemon;
	d->daemons[state].there = true;
	d->daemons_at = at;
	return NULL;
}

static void carry_timeouts(struct import *im, const struct director *d)
{
	static const char *const keys[] = {
		[DIRECTOR_TCP] = "tcp_timeout",
		[DIRECTOR_TCP_FIN] = "tcp_fin_timeout",
		[DIRECTOR_UDP] = "udp_timeout",
	};
	size_t i;

	for (i = 0; i < countof(keys); i++)
		if (d->timeouts[i])
			import_key(import_part(im, "sysctl", NULL, d->timeouts_at), d->timeouts_at,
				   keys[i], "%llus", (unsigned long long)d->timeouts[i]);
}

static const char *state_of(const struct director *d)
{
	if (d->by_role)
		return "role";
	if (d->daemons[DAEMON_MASTER].there && d->daemons[DAEMON_BACKUP].there)
		return "both";
	return daemon_names[d->daemons[DAEMON_MASTER].there ? DAEMON_MASTER : DAEMON_BACKUP];
}

static void carry_daemon(struct import *im, const struct director *d, const struct daemon *daemon)
{
	struct import_at at = d->daemons_at;
	struct import_part *p = import_part(im, "sync", NULL, at);
	struct buf group = BUF_INIT;

	import_key(p, at, "state", "%s", state_of(d));
	import_key(p, at, "interface", "%s", daemon->interface);
	import_key(p, at, "id", "%u", daemon->sync_id);
	if (daemon->group.family) {
		addr_format_host(&group, &daemon->group);
		import_key(p, at, "group", "%s", buf_str(&group));
	}
	if (daemon->port)
		import_key(p, at, "port", "%u", daemon->port);
	if (daemon->ttl)
		import_key(p, at, "ttl", "%u", daemon->ttl);
	if (daemon->max_len)
		import_key(p, at, "max_len", "%u", daemon->max_len);
	buf_fini(&group);
}

void director_carry(struct import *im, const struct director *d)
{
	unsigned int state;

	carry_timeouts(im, d);
	for (state = DAEMON_MASTER; state < DAEMON_N; state++)
		if (d->daemons[state].there)
			break;
	if (state == DAEMON_N)
		return;
	carry_daemon(im, d, &d->daemons[state]);
}
