/* wire_server.h: for tests: a TCP server that misbehaves, one connection at a time. */
#ifndef TESTS_WIRE_SERVER_H
#define TESTS_WIRE_SERVER_H

#include <poll.h>
#include <pthread.h>

#include "tests/unit/probe_case.h"

struct wire_server {
	void (*serve)(struct wire_server *w, int fd); /* fd is closed behind it */
	const void *bytes;
	size_t n;
	struct addr addr;
	int listener;
	pthread_t thread;
};

/* Takes what comes until the client goes. */
static inline void wire_silent(struct wire_server *w ATTR_UNUSED, int fd)
{
	char some[4096];

	while (read(fd, some, sizeof(some)) > 0)
		;
}

/* Resets the connection at the client's first word, after `bytes`. */
static inline void wire_reset(struct wire_server *w, int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	char some[4096];

	(void)!read(fd, some, sizeof(some));
	if (w->n) {
		(void)!send(fd, w->bytes, w->n, MSG_NOSIGNAL);
		/* what is in its socket is lost with a reset: until it was read */
		poll(NULL, 0, 50);
	}
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

/* `bytes` at once and then, again and again, until the client goes, 10 MB at most. */
static inline void wire_flood(struct wire_server *w, int fd)
{
	size_t sent = 0;
	ssize_t n;

	while (sent < 10000000) {
		n = send(fd, w->bytes, w->n, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		sent += (size_t)n;
	}
	wire_silent(w, fd);
}

/* `bytes` one by one, the last of them for ever, until the client goes. */
static inline void wire_drip(struct wire_server *w, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };
	size_t i = 0;

	while (poll(&p, 1, 20) == 0) {
		if (send(fd, (const char *)w->bytes + i, 1, MSG_NOSIGNAL) <= 0)
			return;
		i += i + 1 < w->n;
	}
}

/* `bytes`, when the client has said something; then silence. */
static inline void wire_say(struct wire_server *w, int fd)
{
	char some[4096];

	if (read(fd, some, sizeof(some)) > 0 && send(fd, w->bytes, w->n, MSG_NOSIGNAL) > 0)
		wire_silent(w, fd);
}

static inline void *wire_main(void *arg)
{
	struct wire_server *w = arg;
	struct pollfd p = { .fd = w->listener, .events = POLLIN };
	int fd;

	/* accept() takes a descriptor before there is a client: the test may want none left */
	while (poll(&p, 1, -1) > 0 && (fd = accept(w->listener, NULL, NULL)) != -1) {
		w->serve(w, fd);
		close(fd);
	}
	return NULL;
}

/* `bytes` stand until wire_stop(). */
static inline void wire_start(struct wire_server *w, void (*serve)(struct wire_server *, int),
			      const void *bytes, size_t n)
{
	*w = (struct wire_server){ .serve = serve, .bytes = bytes, .n = n };
	w->listener = case_listen(16, &w->addr);
	assert_int_equal(pthread_create(&w->thread, NULL, wire_main, w), 0);
}

static inline void wire_stop(struct wire_server *w)
{
	shutdown(w->listener, SHUT_RDWR); /* accept() returns */
	pthread_join(w->thread, NULL);
	close(w->listener);
}

#endif
