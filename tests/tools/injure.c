/*
 * A relay in front of real servers which spoils what they say, for scenarios: on each of its
 * ports in one way. What clients say goes through unharmed.
 *
 *   injure PORT=TARGET:WAY[:BYTES[:MS]]...
 *
 * takes clients at each PORT to 127.0.0.1:TARGET. The first BYTES (0) of what the server
 * answers go through; what it says next is spoilt by the WAY:
 *
 *   pass      it is not
 *   drip      a byte every MS (100)
 *   reset     the connection is reset, after MS
 *   close     the connection is ended in good order, after MS
 *   garbage   a line of no protocol's stands there instead, after MS, and nothing more
 *   flood     10 MB of a letter stand there instead, after MS, and nothing more
 *
 * "ready" is said when all ports are open, and for each client whose answer was spoilt, at
 * its end, a line "PORT WAY BYTES": how much was sent in the answer's place.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { QUEUE_SIZE = 65536, SEND_BUFFER = 32768, FLOOD_BYTES = 10 << 20, PAUSE_MS = 100 };

enum way { PASS, DRIP, RESET, CLOSE, GARBAGE, FLOOD };

static const char *const ways[] = { "pass", "drip", "reset", "close", "garbage", "flood" };

static const char garbage[] = "\x07\xff\x80\x01What is this? It is of no protocol.\r\n";

struct rule {
	uint16_t port, target;
	enum way way;
	size_t after;
	int64_t pause;
	int listener;
};

struct queue {
	size_t len;
	char bytes[QUEUE_SIZE];
};

/* A client and the connection to its server. */
struct pair {
	LIST_ENTRY(pair) link;
	const struct rule *rule;
	int client, server;
	bool client_ended, server_ended; /* they say no more */
	bool hurt;                       /* what the server says now is thrown away */
	bool struck;                     /* and what stands for it is on its way */
	size_t passed;                   /* of what the server said */
	size_t clear;                    /* of `down`: goes out at once; what is behind it drips */
	size_t spoilt;                   /* bytes sent that stand for the server's */
	int64_t due;                     /* the next drip, or the blow; 0 = none */
	struct queue up, down;
};

LIST_HEAD(pairs, pair);

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- sockets ----------------------------------------------------------------------- */

static struct sockaddr_in at(uint32_t host, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(host),
				     .sin_port = htons(port) };
}

static int listen_at(uint16_t port)
{
	const struct sockaddr_in sin = at(INADDR_ANY, port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&sin, sizeof(sin)) == -1 || listen(fd, 64) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int connect_to(uint16_t port)
{
	const struct sockaddr_in sin = at(INADDR_LOOPBACK, port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&sin, sizeof(sin)) == -1 && errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void close_by_reset(int fd)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
}

/* Sends up to `n` bytes of the queue; how many, or -1 when nobody takes them any more. */
static ssize_t drain(struct queue *q, int fd, size_t n)
{
	ssize_t sent = send(fd, q->bytes, n < q->len ? n : q->len, MSG_NOSIGNAL);

	if (sent == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	q->len -= (size_t)sent;
	memmove(q->bytes, q->bytes + sent, q->len);
	return sent;
}

/* --- pairs ------------------------------------------------------------------------- */

static void pair_end(struct pair *p, bool by_reset)
{
	if (p->hurt || p->spoilt) {
		printf("%u %s %zu\n", p->rule->port, ways[p->rule->way], p->spoilt);
		fflush(stdout);
	}
	if (by_reset)
		close_by_reset(p->client);
	else
		close(p->client);
	close(p->server);
	LIST_REMOVE(p, link);
	free(p);
}

static void pair_begin(struct pairs *pairs, const struct rule *rule)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = accept4(rule->listener, (struct sockaddr *)&from, &len,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1, room = SEND_BUFFER;
	struct pair *p;

	if (fd == -1)
		return;
	p = calloc(1, sizeof(*p));
	if (p)
		p->server = connect_to(rule->target);
	if (!p || p->server == -1) {
		close_by_reset(fd);
		free(p);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	p->client = fd;
	p->rule = rule;
	LIST_INSERT_HEAD(pairs, p, link);
}

/* What the server said and is in p->down behind `before`: what of it goes out at once. */
static void judge(struct pair *p, size_t before)
{
	size_t n = p->down.len - before, left = p->rule->after - p->passed;

	if (p->rule->way == PASS || n <= left) {
		p->passed += n;
		p->clear += n;
		return;
	}
	p->passed = p->rule->after;
	p->clear += left;
	if (!p->due)
		p->due = now() + p->rule->pause;
	if (p->rule->way == DRIP)
		return;
	p->down.len = before + left;
	p->hurt = true;
}

/* False = the pair is over. */
static bool hear_server(struct pair *p)
{
	size_t before = p->down.len;
	char waste[4096];
	ssize_t n;

	if (p->hurt)
		n = recv(p->server, waste, sizeof(waste), 0);
	else
		n = recv(p->server, p->down.bytes + before, QUEUE_SIZE - before, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n == -1 && !p->hurt)
		return false;
	if (n <= 0)
		p->server_ended = true;
	else if (!p->hurt) {
		p->down.len += (size_t)n;
		judge(p, before);
	}
	return true;
}

static bool hear_client(struct pair *p)
{
	ssize_t n = recv(p->client, p->up.bytes + p->up.len, QUEUE_SIZE - p->up.len, 0);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (!n)
		p->client_ended = true;
	else
		p->up.len += (size_t)n;
	return true;
}

/* It is time for what stands in the place of the server's answer. */
static bool strike(struct pair *p)
{
	p->due = 0;
	p->struck = true;
	switch (p->rule->way) {
	case RESET:
		return false;
	case CLOSE:
		shutdown(p->client, SHUT_WR);
		break;
	case GARBAGE:
		memcpy(p->down.bytes, garbage, sizeof(garbage) - 1);
		p->down.len = p->clear = sizeof(garbage) - 1;
		break;
	default:
		break;
	}
	return true;
}

static bool speak_to_client(struct pair *p)
{
	bool flooding = p->struck && p->rule->way == FLOOD;
	ssize_t n;

	if (flooding && !p->down.len && p->spoilt < FLOOD_BYTES) {
		memset(p->down.bytes, 'x', QUEUE_SIZE);
		p->down.len = p->clear = QUEUE_SIZE;
	}
	if (p->clear) {
		n = drain(&p->down, p->client, p->clear);
		if (n < 0)
			return false;
		p->clear -= (size_t)n;
		p->spoilt += p->struck ? (size_t)n : 0;
	} else if (p->hurt && p->due && now() >= p->due) {
		return strike(p);
	} else if (!p->hurt && p->down.len && now() >= p->due) {
		n = drain(&p->down, p->client, 1);
		p->spoilt += n > 0 ? (size_t)n : 0;
		p->due = now() + p->rule->pause;
		return n >= 0;
	}
	return true;
}

/* One's end is passed on when all that it said has been. */
static bool pass_on(struct pair *p)
{
	if (p->up.len && drain(&p->up, p->server, p->up.len) < 0) {
		if (!p->hurt)
			return false;
		p->up.len = 0; /* what stands for the answer needs no server */
	}
	if (!speak_to_client(p))
		return false;
	if (p->hurt)
		return !p->client_ended;
	if (p->client_ended && !p->up.len)
		shutdown(p->server, SHUT_WR);
	if (p->server_ended && !p->down.len)
		shutdown(p->client, SHUT_WR);
	return !(p->client_ended && p->server_ended);
}

/* What there is to wait for on each side. */
static void pair_wants(const struct pair *p, struct pollfd fds[static 2])
{
	bool floods = p->struck && p->rule->way == FLOOD && p->spoilt < FLOOD_BYTES;

	fds[0] = (struct pollfd){ .fd = p->client };
	fds[1] = (struct pollfd){ .fd = p->server };
	if (!p->client_ended && p->up.len < QUEUE_SIZE)
		fds[0].events |= POLLIN;
	if (p->clear || floods)
		fds[0].events |= POLLOUT;
	if (p->server_ended || (!p->hurt && p->down.len == QUEUE_SIZE))
		fds[1].fd = -1;
	else
		fds[1].events |= POLLIN;
	if (p->up.len)
		fds[1].events |= POLLOUT;
}

/* By reset where that is the way, or the server's own. */
static void pair_go_on(struct pair *p, const struct pollfd fds[static 2])
{
	if ((fds[0].revents & (POLLIN | POLLERR | POLLHUP) && !hear_client(p)) ||
	    (fds[1].revents & (POLLIN | POLLERR | POLLHUP) && !hear_server(p)))
		pair_end(p, true);
	else if (!pass_on(p))
		pair_end(p, p->struck && p->rule->way == RESET);
}

/* --- running ----------------------------------------------------------------------- */

static int time_left(const struct pairs *pairs)
{
	int64_t left = 1000, when = now();
	const struct pair *p;

	LIST_FOREACH(p, pairs, link)
	if (p->due && (p->hurt || p->down.len) && p->due - when < left)
		left = p->due > when ? p->due - when : 0;
	return (int)left;
}

static bool turn(struct rule *rules, size_t n_rules, struct pairs *pairs)
{
	size_t n = n_rules, i;
	struct pair *p, *next;
	struct pollfd *fds;

	LIST_FOREACH(p, pairs, link)
	n += 2;
	fds = calloc(n, sizeof(*fds));
	if (!fds)
		return false;
	for (i = 0; i < n_rules; i++)
		fds[i] = (struct pollfd){ .fd = rules[i].listener, .events = POLLIN };
	LIST_FOREACH(p, pairs, link)
	{
		pair_wants(p, fds + i);
		i += 2;
	}
	poll(fds, n, time_left(pairs));
	i = n_rules;
	for (p = LIST_FIRST(pairs); p; p = next, i += 2) {
		next = LIST_NEXT(p, link);
		pair_go_on(p, fds + i);
	}
	for (i = 0; i < n_rules; i++)
		if (fds[i].revents)
			pair_begin(pairs, &rules[i]);
	free(fds);
	return true;
}

static bool parse(const char *text, struct rule *ret_rule)
{
	struct rule r = { 0 };
	intmax_t pause = PAUSE_MS;
	unsigned int port, target;
	char way[16];
	size_t i;
	int n = sscanf(text, "%u=%u:%15[a-z]:%zu:%jd", &port, &target, way, &r.after, &pause);

	if (n < 3 || port > UINT16_MAX || target > UINT16_MAX)
		return false;
	r.port = (uint16_t)port;
	r.target = (uint16_t)target;
	r.pause = pause;
	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (strcmp(ways[i], way) != 0)
			continue;
		r.way = (enum way)i;
		*ret_rule = r;
		return true;
	}
	return false;
}

/* Opens all ports; an exit status. */
static int open_rules(struct rule *rules, char **texts, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!parse(texts[i], &rules[i])) {
			fprintf(stderr, "injure: %s: not PORT=TARGET:WAY[:BYTES[:MS]]\n", texts[i]);
			return 64;
		}
		rules[i].listener = listen_at(rules[i].port);
		if (rules[i].listener == -1) {
			fprintf(stderr, "injure: port %u: %s\n", rules[i].port, strerror(errno));
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct pairs pairs = LIST_HEAD_INITIALIZER(pairs);
	struct rule *rules;
	size_t n;
	int status;

	if (argc < 2) {
		fputs("usage: injure PORT=TARGET:WAY[:BYTES[:MS]]...\n", stderr);
		return 64;
	}
	n = (size_t)argc - 1;
	rules = calloc(n, sizeof(*rules));
	if (!rules)
		return 1;
	status = open_rules(rules, argv + 1, n);
	if (!status) {
		puts("ready");
		fflush(stdout);
		while (turn(rules, n, &pairs))
			;
		status = 1;
	}
	free(rules);
	return status;
}
