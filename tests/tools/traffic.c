/*
 * A small load generator for the scenarios and the demo: what clients of a
 * virtual service see. It opens new connections at a steady rate (one HTTP/1.0
 * request each) and, with -l, holds connections open and asks something on each
 * of them at an interval. The page's first line names the server that answered,
 * so the figures say who served what, for how long nobody did, which connections
 * were cut. One thread, one epoll; not a benchmark.
 *
 * At the end (duration over, SIGTERM, SIGINT), and every -w seconds, it prints one line:
 *   requests ok failed max_gap_ms long exchanges cut NAME=... cut_NAME=...
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BACKENDS_MAX = 64, NAME_SIZE = 32, ANSWER_SIZE = 2048 };

struct backend {
	char name[NAME_SIZE];
	uint64_t ok, cut;
};

struct conn {
	TAILQ_ENTRY(conn) link;
	int64_t due; /* ms: its deadline, or when to ask again */
	int fd;
	bool lasting; /* one of -l */
	bool idle;    /* lasting, answered, waits for its next turn */
	bool sent;
	int64_t answers;         /* on a lasting one */
	struct backend *backend; /* who answered last */
	size_t length;
	char answer[ANSWER_SIZE];
};

TAILQ_HEAD(conn_list, conn);

struct options {
	int64_t rate;              /* new connections a second */
	int64_t duration;          /* ms; 0: until a signal */
	int64_t timeout;           /* ms for a whole request */
	int64_t watch;             /* ms between lines of figures; 0: at the end only */
	int64_t interval, lasting; /* ms between the questions of a lasting one; how many */
	int64_t keep;              /* answers after which a lasting one is replaced; 0: never */
	const char *path;
	bool verbose;
	struct sockaddr_storage to, from;
	socklen_t to_length;
};

struct traffic {
	struct options o;
	int epoll;
	int signals;
	char *request, *lasting_request;
	struct conn_list busy; /* by deadline: all have the same timeout */
	struct conn_list idle; /* by turn: all have the same interval */
	struct backend backends[BACKENDS_MAX];
	size_t backend_count;
	uint64_t ok, failed, exchanges, cut, lasting;
	int64_t start, opened, last_ok, max_gap;
};

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void say(const struct traffic *t, const struct conn *c, const char *what, const char *why)
{
	struct timespec wall;

	if (!t->o.verbose)
		return;
	clock_gettime(CLOCK_REALTIME, &wall);
	printf("%lld.%03ld %s reason=%s backend=%s\n", (long long)wall.tv_sec,
	       wall.tv_nsec / 1000000, what, why, c->backend ? c->backend->name : "none");
	fflush(stdout);
}

static void figures(struct traffic *t)
{
	int64_t gap = now() - t->last_ok;
	size_t i;

	/* The gap which is still open counts too. */
	printf("requests=%ju ok=%ju failed=%ju max_gap_ms=%jd long=%ju exchanges=%ju cut=%ju",
	       t->ok + t->failed, t->ok, t->failed, gap > t->max_gap ? gap : t->max_gap, t->lasting,
	       t->exchanges, t->cut);
	for (i = 0; i < t->backend_count; i++)
		printf(" %s=%ju", t->backends[i].name, t->backends[i].ok);
	for (i = 0; i < t->backend_count; i++)
		if (t->backends[i].cut)
			printf(" cut_%s=%ju", t->backends[i].name, t->backends[i].cut);
	putchar('\n');
	fflush(stdout);
}

/* Finds or makes the backend with the name at the start of the body. */
static struct backend *backend_named(struct traffic *t, const char *body)
{
	size_t length = strcspn(body, "\r\n= "), i;
	struct backend *b;

	if (!length)
		return NULL;
	if (length >= NAME_SIZE)
		length = NAME_SIZE - 1;
	for (i = 0; i < t->backend_count; i++) {
		b = &t->backends[i];
		if (strlen(b->name) == length && !memcmp(b->name, body, length))
			return b;
	}
	if (t->backend_count == BACKENDS_MAX)
		return NULL;
	b = &t->backends[t->backend_count++];
	memcpy(b->name, body, length);
	return b;
}

static void conn_free(struct traffic *t, struct conn *c)
{
	TAILQ_REMOVE(c->idle ? &t->idle : &t->busy, c, link);
	if (c->fd != -1)
		close(c->fd);
	free(c);
}

static void conn_failed(struct traffic *t, struct conn *c, const char *why)
{
	if (c->lasting) {
		t->cut++;
		if (c->backend)
			c->backend->cut++;
		say(t, c, "cut", why);
	} else {
		t->failed++;
		say(t, c, "failed", why);
	}
	conn_free(t, c);
}

static int conn_connect(const struct traffic *t, struct conn *c)
{
	const struct options *o = &t->o;
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = c };

	c->fd = socket(o->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return -errno;
	if (o->from.ss_family && bind(c->fd, (const struct sockaddr *)&o->from, o->to_length) == -1)
		return -errno;
	if ((connect(c->fd, (const struct sockaddr *)&o->to, o->to_length) == -1 &&
	     errno != EINPROGRESS) ||
	    epoll_ctl(t->epoll, EPOLL_CTL_ADD, c->fd, &event) == -1)
		return -errno;
	return 0;
}

static int conn_open(struct traffic *t, bool lasting)
{
	struct conn *c = calloc(1, sizeof(*c));
	int error;

	if (!c)
		return -ENOMEM;
	c->lasting = lasting;
	c->due = now() + t->o.timeout;
	TAILQ_INSERT_TAIL(&t->busy, c, link);
	error = conn_connect(t, c);
	if (error)
		conn_failed(t, c, strerrorname_np(-error));
	return 0;
}

static void conn_ask(struct traffic *t, struct conn *c)
{
	const char *request = c->lasting ? t->lasting_request : t->request;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
		error = errno;
	/* A request fits into any socket's empty send buffer. */
	if (!error && send(c->fd, request, strlen(request), MSG_NOSIGNAL) == -1)
		error = errno;
	if (!error && epoll_ctl(t->epoll, EPOLL_CTL_MOD, c->fd, &event) == -1)
		error = errno;
	c->sent = true;
	c->length = 0;
	if (error)
		conn_failed(t, c, strerrorname_np(error));
}

/* The body of a whole 200 answer; NULL as long as there is none. */
static const char *answer_body(const struct conn *c, bool at_end)
{
	const char *body = strstr(c->answer, "\r\n\r\n"), *field;
	size_t wanted;

	if (!body || strncmp(c->answer, "HTTP/1.", 7) || strncmp(c->answer + 8, " 200", 4))
		return NULL;
	body += 4;
	if (at_end)
		return body;
	field = strcasestr(c->answer, "\r\nContent-Length:");
	if (!field || field > body)
		return NULL;
	wanted = strtoul(field + 17, NULL, 10);
	return c->length - (size_t)(body - c->answer) >= wanted ? body : NULL;
}

static void request_answered(struct traffic *t, struct conn *c, const char *body)
{
	int64_t when = now();

	c->backend = body ? backend_named(t, body) : NULL;
	if (!c->backend) {
		conn_failed(t, c, c->length ? "bad-answer" : "closed");
		return;
	}
	if (when - t->last_ok > t->max_gap)
		t->max_gap = when - t->last_ok;
	t->last_ok = when;
	t->ok++;
	c->backend->ok++;
	conn_free(t, c);
}

static void lasting_answered(struct traffic *t, struct conn *c, const char *body)
{
	c->backend = backend_named(t, body);
	t->exchanges++;
	/* As a browser does: it closes, and comes again with a new connection. */
	if (t->o.keep && ++c->answers >= t->o.keep) {
		conn_free(t, c);
		(void)conn_open(t, true);
		return;
	}
	TAILQ_REMOVE(&t->busy, c, link);
	c->idle = true;
	c->due = now() + t->o.interval;
	TAILQ_INSERT_TAIL(&t->idle, c, link);
}

static void conn_read(struct traffic *t, struct conn *c)
{
	const char *body;
	ssize_t got = recv(c->fd, c->answer + c->length, ANSWER_SIZE - 1 - c->length, 0);

	if (got == -1) {
		if (errno != EAGAIN && errno != EINTR)
			conn_failed(t, c, strerrorname_np(errno));
		return;
	}
	c->length += (size_t)got;
	c->answer[c->length] = '\0';
	if (!c->lasting) {
		if (got == 0 || c->length == ANSWER_SIZE - 1)
			request_answered(t, c, answer_body(c, true));
		return;
	}
	if (got == 0 || c->idle) {
		conn_failed(t, c, "closed");
		return;
	}
	body = answer_body(c, false);
	if (body)
		lasting_answered(t, c, body);
	else if (c->length == ANSWER_SIZE - 1)
		conn_failed(t, c, "bad-answer");
}

/* Deadlines, lasting connections whose turn it is, new connections. */
static void turn(struct traffic *t)
{
	int64_t when = now(), wanted;
	struct conn *c;

	while ((c = TAILQ_FIRST(&t->busy)) && c->due <= when)
		conn_failed(t, c, "timeout");
	while ((c = TAILQ_FIRST(&t->idle)) && c->due <= when) {
		TAILQ_REMOVE(&t->idle, c, link);
		c->idle = false;
		c->due = when + t->o.timeout;
		TAILQ_INSERT_TAIL(&t->busy, c, link);
		conn_ask(t, c);
	}
	wanted = (when - t->start) * t->o.rate / 1000;
	/* After a stall (of this machine) the rate goes on; it is not made up for. */
	if (wanted - t->opened > t->o.rate / 10 + 1)
		t->opened = wanted - t->o.rate / 10 - 1;
	for (; t->opened < wanted; t->opened++)
		if (conn_open(t, false))
			return;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t wait_for(const struct traffic *t, int64_t next_figures, int64_t end)
{
	const struct conn *busy = TAILQ_FIRST(&t->busy), *idle = TAILQ_FIRST(&t->idle);
	int64_t when = now(), next = when + 1000;

	if (busy)
		next = earlier(next, busy->due);
	if (idle)
		next = earlier(next, idle->due);
	if (t->o.rate)
		next = earlier(next,
			       t->start + ((t->opened + 1) * 1000 + t->o.rate - 1) / t->o.rate);
	if (next_figures)
		next = earlier(next, next_figures);
	if (end)
		next = earlier(next, end);
	return next > when ? next - when : 0;
}

static void run(struct traffic *t)
{
	struct epoll_event events[64];
	int64_t end, next_figures;
	int i, count;

	t->start = t->last_ok = now();
	end = t->o.duration ? t->start + t->o.duration : 0;
	next_figures = t->o.watch ? t->start + t->o.watch : 0;
	for (; t->lasting < (uint64_t)t->o.lasting; t->lasting++)
		if (conn_open(t, true))
			return;
	while (!end || now() < end) {
		count = epoll_wait(t->epoll, events, 64, (int)wait_for(t, next_figures, end));
		/* An event's connection is freed by that event only, or by turn(). */
		for (i = 0; i < count; i++) {
			if (!events[i].data.ptr)
				return;
			if (((struct conn *)events[i].data.ptr)->sent)
				conn_read(t, events[i].data.ptr);
			else
				conn_ask(t, events[i].data.ptr);
		}
		turn(t);
		if (next_figures && now() >= next_figures) {
			figures(t);
			next_figures += t->o.watch;
		}
	}
}

static int address(const char *text, uint16_t port, struct sockaddr_storage *ret,
		   socklen_t *ret_length)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*ret_length = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		*ret_length = sizeof(*v6);
		return 0;
	}
	return -EINVAL;
}

static void usage(void)
{
	fputs("usage: traffic [options] ADDRESS PORT\n"
	      "  -r N   new connections a second (20)\n  -d S   seconds to run (until SIGTERM)\n"
	      "  -t MS  timeout of a request (1000)\n  -l N   lasting connections (0)\n"
	      "  -i MS  interval of the questions on each of them (200)\n"
	      "  -k N   answers after which one is replaced (never)\n  -p P   path (/)\n"
	      "  -s A   source address\n  -w S   the figures every S seconds too\n  -v  each "
	      "failure\n",
	      stderr);
	exit(64);
}

static int64_t number(const char *text, int64_t factor)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || *end || end == text || value < 0 || value > 1000000)
		usage();
	return value * factor;
}

/* Where the option's number goes; NULL = it has none. */
static int64_t *number_of(struct options *o, int option)
{
	static const char letters[] = "rtlikdw";
	int64_t *const numbers[] = { &o->rate, &o->timeout,  &o->lasting, &o->interval,
				     &o->keep, &o->duration, &o->watch };
	const char *at = strchr(letters, option);

	return at ? numbers[at - letters] : NULL;
}

static void parse(int argc, char **argv, struct options *o)
{
	socklen_t from_length = 0;
	int option;

	*o = (struct options){ .rate = 20, .timeout = 1000, .interval = 200, .path = "/" };
	while ((option = getopt(argc, argv, "r:d:t:l:i:k:p:s:w:v")) != -1) {
		int64_t *n = number_of(o, option);

		if (n)
			*n = number(optarg, strchr("dw", option) ? 1000 : 1);
		else if (option == 'p')
			o->path = optarg;
		else if (option == 'v')
			o->verbose = true;
		else if (option != 's' || address(optarg, 0, &o->from, &from_length))
			usage();
	}
	if (argc - optind != 2 ||
	    address(argv[optind], (uint16_t)number(argv[optind + 1], 1), &o->to, &o->to_length) ||
	    (from_length && from_length != o->to_length))
		usage();
}

static int setup(struct traffic *t)
{
	struct rlimit files;
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t set;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	TAILQ_INIT(&t->busy);
	TAILQ_INIT(&t->idle);
	if (asprintf(&t->request, "GET %s HTTP/1.0\r\nHost: test\r\n\r\n", t->o.path) == -1 ||
	    asprintf(&t->lasting_request, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", t->o.path) == -1)
		return -ENOMEM;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (t->epoll == -1 || t->signals == -1 ||
	    epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->signals, &event) == -1)
		return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	struct traffic t = { 0 };
	int error;

	parse(argc, argv, &t.o);
	error = setup(&t);
	if (error) {
		fprintf(stderr, "traffic: %s\n", strerror(-error));
		return 1;
	}
	run(&t);
	figures(&t);
	while (!TAILQ_EMPTY(&t.busy))
		conn_free(&t, TAILQ_FIRST(&t.busy));
	while (!TAILQ_EMPTY(&t.idle))
		conn_free(&t, TAILQ_FIRST(&t.idle));
	free(t.request);
	free(t.lasting_request);
	return 0;
}
