/* name_server.h: for tests: a name server of a thread, over UDP and TCP at one port of
 * 127.0.0.1, whose answers are functions. */
#ifndef TESTS_NAME_SERVER_H
#define TESTS_NAME_SERVER_H

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "tests/unit/kind_case.h"

struct name_server;

/* One query that came; answers by name_send(), or not at all. */
struct name_query {
	struct name_server *server;
	const unsigned char *bytes;
	size_t len;
	int fd; /* of the connection; over UDP the server's socket */
	bool tcp;
	struct sockaddr_in from;
};

typedef void name_fn(const struct name_query *q);

struct name_server {
	name_fn *udp, *tcp; /* NULL: silence; TCP is then held until the client goes */
	bool no_tcp;        /* nobody listens there */
	const void *arg;
	struct addr addr;
	int udp_fd, listener, stop_fd;
	unsigned int n_udp, n_tcp;
	pthread_t thread;
};

/* False when the server is to stop. */
static inline bool name_wait(const struct name_server *s, int fd, short events, int ms)
{
	struct pollfd p[2] = { { .fd = s->stop_fd, .events = POLLIN },
			       { .fd = fd, .events = events } };

	(void)poll(p, 2, ms);
	return !p[0].revents;
}

static inline void name_send(const struct name_query *q, const void *bytes, size_t len)
{
	unsigned char prefix[2] = { (unsigned char)(len >> 8), (unsigned char)len };

	if (q->tcp) {
		(void)!send(q->fd, prefix, 2, MSG_NOSIGNAL | MSG_MORE);
		(void)!send(q->fd, bytes, len, MSG_NOSIGNAL);
	} else {
		sendto(q->fd, bytes, len, 0, (const struct sockaddr *)&q->from, sizeof(q->from));
	}
}

static inline void name_take_udp(struct name_server *s)
{
	unsigned char bytes[512];
	struct name_query q = { .server = s, .bytes = bytes, .fd = s->udp_fd };
	socklen_t len = sizeof(q.from);
	ssize_t n = recvfrom(s->udp_fd, bytes, sizeof(bytes), MSG_DONTWAIT,
			     (struct sockaddr *)&q.from, &len);

	if (n <= 0)
		return;
	s->n_udp++;
	q.len = (size_t)n;
	if (s->udp)
		s->udp(&q);
}

static inline void name_take_tcp(struct name_server *s)
{
	unsigned char bytes[514];
	struct name_query q = { .server = s, .bytes = bytes + 2, .tcp = true };
	ssize_t n;

	q.fd = accept(s->listener, NULL, NULL);
	if (q.fd == -1)
		return;
	s->n_tcp++;
	if (!s->tcp) {
		while (name_wait(s, q.fd, POLLIN, -1) && recv(q.fd, bytes, sizeof(bytes), 0) > 0)
			;
	} else {
		n = recv(q.fd, bytes, 2, MSG_WAITALL);
		if (n == 2)
			n = recv(q.fd, bytes + 2, (size_t)bytes[1], MSG_WAITALL);
		if (n > 0) {
			q.len = (size_t)n;
			s->tcp(&q);
		}
	}
	close(q.fd);
}

static inline void *name_main(void *arg)
{
	struct name_server *s = arg;
	struct pollfd p[3] = { { .fd = s->stop_fd, .events = POLLIN },
			       { .fd = s->udp_fd, .events = POLLIN },
			       { .fd = s->listener, .events = POLLIN } };

	for (;;) {
		if (poll(p, 3, -1) == -1)
			continue;
		if (p[0].revents)
			return NULL;
		if (p[1].revents)
			name_take_udp(s);
		if (p[2].revents)
			name_take_tcp(s);
	}
}

/* A port that is free for both. */
static inline void name_bind(struct name_server *s)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		s->listener = case_listen(s->no_tcp ? -1 : 8, &s->addr);
		s->udp_fd = socket(AF_INET, SOCK_DGRAM, 0);
		len = addr_to_sockaddr(&s->addr, &ss);
		if (bind(s->udp_fd, (struct sockaddr *)&ss, len) == 0)
			return;
		close(s->udp_fd);
		close(s->listener);
	}
	fail_msg("no port is free for UDP and TCP");
}

static inline void name_start(struct name_server *s)
{
	name_bind(s);
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_not_equal(s->stop_fd, -1);
	assert_int_equal(pthread_create(&s->thread, NULL, name_main, s), 0);
}

static inline void name_stop(struct name_server *s)
{
	assert_int_equal(eventfd_write(s->stop_fd, 1), 0);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close(s->udp_fd);
	close(s->listener);
	close(s->stop_fd);
}

/* An answer to the query: header, question, then records as they are given. */
struct reply {
	unsigned int flags;    /* of byte 2, beside QR and RD: 2 = cut */
	unsigned int rcode, n; /* n = of records */
	const char *records;
	size_t len;
};

#define RECORDS(s) .records = (s), .len = sizeof(s) - 1
/* Class IN and a TTL, between type and length; the asked name again. */
#define IN         "\0\1\0\0\0\x3c"
#define SAME       "\xc0\x0c"

static inline size_t build(const struct name_query *q, const struct reply *r, unsigned char *to)
{
	memcpy(to, q->bytes, q->len);
	to[2] = (unsigned char)(q->bytes[2] | 0x80 | r->flags);
	to[3] = (unsigned char)(0x80 | r->rcode);
	to[6] = (unsigned char)(r->n >> 8);
	to[7] = (unsigned char)r->n;
	if (r->len)
		memcpy(to + q->len, r->records, r->len);
	return q->len + r->len;
}

static inline void answer(const struct name_query *q)
{
	const struct reply *r = q->server->arg;
	unsigned char bytes[2048];

	name_send(q, bytes, build(q, r, bytes));
}

/* One attempt, while it serves. */
static inline struct target name_ask(struct name_server *s, struct kind_case *k)
{
	struct target t;

	name_start(s);
	t = kind_probe(k, &s->addr);
	name_stop(s);
	return t;
}

#endif
