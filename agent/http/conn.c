/* conn.c: see conn.h. libmicrohttpd's own limits refuse who comes last, so that whoever
 * comes first, and then does nothing, keeps all others out, Prometheus and operators
 * too. Here who does nothing goes first. */
#include "agent/http/conn.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/http/internal.h"

enum {
	LONG_MS = 3600 * 1000,
	MIN_PER_ADDRESS = 16,
	RELIEF_MS = 250,
	NAME_BYTES = 4096, /* a row of the user database */
};

/* For how long a phase is left alone, however many wait. */
static const int64_t grace_ms[] = {
	[HTTP_PHASE_IDLE] = 0,
	[HTTP_PHASE_BODY] = 1000,
	[HTTP_PHASE_ANSWER] = 10 * 1000,
};

/* --- who is there ------------------------------------------------------------------- */

enum http_transport http_transport(const struct http_request *r)
{
	const struct http_daemon *d = r->conn->daemon;

	if (d->tls)
		return HTTP_TLS;
	return r->conn->is_unix ? HTTP_UNIX : HTTP_TCP;
}

bool http_from_loopback(const struct http_request *r)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const struct addr *a = &r->conn->peer;

	if (a->family == AF_INET6 && memcmp(a->bytes, mapped, sizeof(mapped)) == 0)
		return a->bytes[12] == 127;
	return a->family && addr_is_loopback(a);
}

char *http_peer_user(const struct http_request *r)
{
	struct passwd row, *found = NULL;
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	struct buf name = BUF_INIT;
	char *bytes;

	if (getsockopt(r->conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return NULL;
	bytes = malloc(NAME_BYTES);
	if (bytes && getpwuid_r(peer.uid, &row, bytes, NAME_BYTES, &found) == 0 && found)
		buf_puts(&name, row.pw_name);
	else
		buf_printf(&name, "uid%u", (unsigned int)peer.uid);
	free(bytes);
	return buf_take(&name);
}

void http_put_from(const struct http_request *r, struct buf *out)
{
	if (r->conn->is_unix)
		buf_puts(out, "unix");
	else
		addr_format(out, &r->conn->peer);
}

/* --- too many ------------------------------------------------------------------------- */

void http_conn_cut(struct http_conn *c, int64_t now_ms)
{
	shutdown(c->fd, SHUT_RDWR);
	/* Until its thread has closed it, this is not tried again and again. */
	c->cut = true;
	c->deadline_ms = now_ms + LONG_MS;
}

void http_conn_step(struct http_conn *c, enum http_phase phase, int64_t ms)
{
	struct http_server *s = c->daemon->server;

	pthread_mutex_lock(&s->lock);
	c->phase = phase;
	c->since_ms = clock_mono_ms();
	if (!c->cut)
		c->deadline_ms = c->since_ms + ms;
	http_watch_at(s, c->deadline_ms);
	pthread_mutex_unlock(&s->lock);
}

static bool same_host(const struct http_conn *a, const struct http_conn *b)
{
	return a->peer.family == b->peer.family &&
	       memcmp(a->peer.bytes, b->peer.bytes, sizeof(a->peer.bytes)) == 0;
}

static bool may_go(const struct http_conn *c, int64_t now)
{
	return !c->cut && !c->waiting && !c->streams && now - c->since_ms >= grace_ms[c->phase];
}

static bool goes_before(const struct http_conn *a, const struct http_conn *b)
{
	return !b || a->phase < b->phase || (a->phase == b->phase && a->since_ms <= b->since_ms);
}

static unsigned int per_address(const struct http_daemon *d)
{
	unsigned int half = d->max_connections / 2;

	if (half < MIN_PER_ADDRESS)
		half = MIN_PER_ADDRESS;
	return half < d->max_connections ? half : d->max_connections;
}

/* It has sent what no thread had the time to read yet: a whole request, for all that is
 * known. It is not idle; let it be one that sends. */
static bool was_unread(struct http_conn *c)
{
	char byte;

	if (c->phase != HTTP_PHASE_IDLE || recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
		return false;
	c->phase = HTTP_PHASE_BODY;
	return true;
}

/* Who goes, NULL = nobody may yet, or need; whether the daemon has too many. */
static struct http_conn *pick(const struct http_daemon *d, const struct http_conn *newcomer,
			      int64_t now, bool *ret_many)
{
	struct http_conn *first = NULL, *first_there = NULL, *o;
	unsigned int n = 0, n_there = 0;
	bool there;

	/* The newest are at the list's head: of equal ones the last is the oldest. */
	for (o = d->server->conns; o; o = o->next) {
		if (o->daemon != d || o->cut)
			continue;
		there = newcomer && !d->is_unix && same_host(o, newcomer);
		n++;
		n_there += there;
		if (o == newcomer || !may_go(o, now))
			continue;
		if (goes_before(o, first))
			first = o;
		if (there && goes_before(o, first_there))
			first_there = o;
	}
	*ret_many = n > d->max_connections;
	if (n_there > per_address(d) && first_there)
		return first_there;
	return *ret_many ? first : NULL;
}

/* Cuts one where the daemon has too many, or the newcomer's address; true when it has
 * too many and nobody may be cut yet. With the lock held. */
static bool make_room(struct http_daemon *d, const struct http_conn *newcomer, int64_t now)
{
	struct http_conn *c;
	bool many;

	do
		c = pick(d, newcomer, now, &many);
	while (c && was_unread(c));
	if (c)
		http_conn_cut(c, now);
	return many && !c;
}

void http_conn_admit(struct http_conn *c)
{
	struct http_daemon *d = c->daemon;
	int64_t now = clock_mono_ms();

	pthread_mutex_lock(&d->server->lock);
	if (make_room(d, c, now)) {
		/* No newcomer may come any more to ask again. */
		d->crowded = true;
		http_watch_at(d->server, now + RELIEF_MS);
	}
	pthread_mutex_unlock(&d->server->lock);
}

static unsigned int over(const struct http_daemon *d)
{
	unsigned int n = 0;

	for (const struct http_conn *c = d->server->conns; c; c = c->next)
		n += c->daemon == d && !c->cut;
	return n > d->max_connections ? n - d->max_connections : 0;
}

int64_t http_conn_relieve(struct http_server *s, int64_t now_ms)
{
	int64_t next = now_ms + LONG_MS;

	for (struct http_conn *c = s->conns; c; c = c->next) {
		struct http_daemon *d = c->daemon;

		if (!d->crowded)
			continue;
		d->crowded = false;
		for (unsigned int n = over(d); n > 0 && !d->crowded; n--)
			d->crowded = make_room(d, NULL, now_ms);
		if (d->crowded) {
			next = now_ms + RELIEF_MS;
			break; /* the others' turn comes with the next look */
		}
	}
	return next;
}
