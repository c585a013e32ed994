/* test_http_flood.c: many who do nothing, or do it slowly, or send too much: whoever
 * means it is served in time all the same. */
#include "tests/unit/http_fixture.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/clock.h"

enum { FLOOD = 1000, IN_TIME_MS = 8000 };

/* From 127.0.0.1, or each from an address of its own. */
static int connect_from(const struct world *w, unsigned int host)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_not_equal(fd, -1);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons(w->port);
	(void)connect(fd, (struct sockaddr *)&in, sizeof(in));
	return fd;
}

struct flood {
	int fds[FLOOD];
};

/* `text` is what each sends: a part of a request, or nothing. */
static void flood(const struct world *w, struct flood *f, bool many, const char *text, bool gently)
{
	for (unsigned int i = 0; i < FLOOD; i++) {
		struct pollfd p;

		f->fds[i] = connect_from(w, many ? i + 1 : 0);
		p = (struct pollfd){ .fd = f->fds[i], .events = POLLOUT };
		/* The kernel's queue of those not accepted may be full for a moment. */
		(void)poll(&p, 1, 100);
		(void)send(f->fds[i], text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (gently && i < 200)
			(void)poll(NULL, 0, 1);
	}
}

static void close_all(struct flood *f)
{
	for (unsigned int i = 0; i < FLOOD; i++)
		close(f->fds[i]);
}

static void check_served(const struct world *w, const char *line, int status)
{
	int64_t begin = clock_mono_ms();
	char *answer = ask(w, line, NULL);

	if (status_of(answer) != status)
		fail_msg("%s: %s", line, answer ? answer : "(nothing)");
	assert_in_range(clock_mono_ms() - begin, 0, IN_TIME_MS);
	free(answer);
}

static const struct {
	bool many;
	const char *text;
} floods[] = {
	{ false, "" },
	{ true, "" },
	{ false, "GET /metrics HTTP/1.1\r\nHost: loc" },
	{ true, "GET /metrics HTTP/1.1\r\nHost: loc" },
	{ true, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n" }, /* and stays */
};

static void test_idle(void **state)
{
	struct world *w = *state;
	struct flood *f = malloc(sizeof(*f));

	assert_non_null(f);
	/* No deadline comes to help. */
	w->limits.head_ms = w->limits.idle_ms = 600 * 1000;
	w->conf.max_connections = 256;
	w->conf.loopback_writes = true;
	world_serve(w);
	for (size_t i = 0; i < countof(floods); i++) {
		flood(w, f, floods[i].many, floods[i].text, false);
		check_served(w, "GET /metrics", 200);
		check_served(w, "GET /-/healthy", 200);
		check_served(w, "POST /api/v1/freeze", 200);
		close_all(f);
	}
	free(f);
}

/* Bodies that never come: their time is limited, and after a second they may be cut. */
static void test_slow_bodies(void **state)
{
	static const char body[] = "POST /api/v1/holds HTTP/1.1\r\nHost: localhost\r\n"
				   "Content-Length: 60000\r\n\r\n{";
	struct world *w = *state;
	struct flood *f = malloc(sizeof(*f));

	assert_non_null(f);
	w->limits.body_ms = 600 * 1000;
	w->conf.max_connections = 64;
	w->conf.loopback_writes = true;
	world_serve(w);
	flood(w, f, true, body, false);
	check_served(w, "GET /metrics", 200);
	close_all(f);
	/* Each is read before the next one comes: all are at their bodies at last. */
	flood(w, f, true, body, true);
	check_served(w, "GET /metrics", 200);
	close_all(f);
	free(f);
}

/* Without credentials a body is not even read. */
static void test_early(void **state)
{
	static const char *const heads[] = {
		"POST /api/v1/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
		"1000000\r\n\r\n",
		"POST /api/v1/holds HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
		"chunked\r\n\r\n",
		"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n"
		"Content-Length: 9\r\n\r\n",
	};
	struct world *w = *state;
	char *token = file_with(w, "token", "0123456789abcdef\n");

	w->conf.token_file = token;
	world_serve(w);
	for (size_t i = 0; i < countof(heads); i++) {
		char *answer = ask_on(client_connect(w, NULL), heads[i], strlen(heads[i]));

		assert_int_equal(status_of(answer), 401);
		free(answer);
	}
	free(token);
}

/* `n` bytes of body, with its length or in chunks; the status, 0 = cut off. */
static int send_large(const struct world *w, const char *line, size_t n, bool chunked)
{
	int fd = client_connect(w, NULL), status;
	struct buf head = BUF_INIT, out = BUF_INIT;
	char *part = malloc(65536);
	char bytes[4096];
	ssize_t got;

	assert_int_not_equal(fd, -1);
	memset(part, ' ', 65536);
	buf_printf(&head, "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", line);
	if (chunked)
		buf_puts(&head, "Transfer-Encoding: chunked\r\n\r\n");
	else
		buf_printf(&head, "Content-Length: %zu\r\n\r\n", n);
	client_send(fd, head.data, head.len);
	for (size_t done = 0; done < n; done += 65536) {
		if (chunked)
			client_send(fd, "10000\r\n", 7);
		client_send(fd, part, 65536);
		if (chunked)
			client_send(fd, "\r\n", 2);
	}
	if (chunked)
		client_send(fd, "0\r\n\r\n", 5);
	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		buf_put(&out, bytes, (size_t)got);
	close(fd);
	status = status_of(buf_str(&out));
	buf_fini(&head);
	buf_fini(&out);
	free(part);
	return status;
}

static void test_large(void **state)
{
	static const char refused[] = "POST /api/v1/alerts HTTP/1.1\r\nHost: localhost\r\n"
				      "Content-Length: 10485760\r\n\r\n";
	struct world *w = *state;
	char *answer;

	w->conf.loopback_writes = true;
	world_serve(w);
	/* 10 MB: told before one byte of it is sent. */
	answer = ask_on(client_connect(w, NULL), refused, strlen(refused));
	assert_int_equal(status_of(answer), 413);
	assert_non_null(strstr(answer, "1048576 bytes at most"));
	free(answer);
	/* Sent all the same: what comes of it is its own affair, but it is not read. */
	assert_true(send_large(w, "POST /api/v1/alerts", 10 << 20, false) != 200);
	assert_true(send_large(w, "POST /api/v1/alerts", 10 << 20, true) != 200);
	assert_int_equal(send_large(w, "POST /api/v1/alerts", 1 << 20, false), 200);
	assert_int_equal(send_large(w, "POST /api/v1/alerts", 1 << 20, true), 200);
	assert_int_equal(send_large(w, "POST /api/v1/alerts", (1 << 20) + 65536, true), 413);
	assert_int_equal(send_large(w, "POST /api/v1/holds", 1 << 17, true), 413);
	assert_int_equal(w->n_asked, 2);
	/* None of it is kept: as many again, and again. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(send_large(w, "POST /api/v1/alerts", 1 << 20, false), 200);
	check_served(w, "GET /metrics", 200);
}

/* Large bodies under way: so many at once, the next ones are told to come later. */
static void test_many_large(void **state)
{
	static const char head[] = "POST /api/v1/alerts HTTP/1.1\r\nHost: localhost\r\n"
				   "Content-Length: 200000\r\n\r\n";
	struct world *w = *state;
	char *part = malloc(100000);
	int fds[8], status;

	memset(part, ' ', 100000);
	w->limits.body_ms = 600 * 1000;
	w->conf.loopback_writes = true;
	world_serve(w);
	for (size_t i = 0; i < countof(fds); i++) {
		fds[i] = client_connect(w, NULL);
		client_send(fds[i], head, strlen(head));
		client_send(fds[i], part, 100000);
	}
	/* They have been read once one more is refused. */
	for (int64_t end = clock_mono_ms() + 20000;;) {
		status = send_large(w, "POST /api/v1/alerts", 1 << 17, false);
		if (status == 503)
			break;
		assert_int_equal(status, 200);
		assert_true(clock_mono_ms() < end);
	}
	check_served(w, "POST /api/v1/freeze", 200); /* small ones go on */
	for (size_t i = 0; i < countof(fds); i++)
		close(fds[i]);
	for (int64_t end = clock_mono_ms() + 20000;;) {
		status = send_large(w, "POST /api/v1/alerts", 1 << 17, false);
		if (status == 200)
			break;
		assert_int_equal(status, 503);
		assert_true(clock_mono_ms() < end);
	}
	free(part);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_idle),  CASE(test_slow_bodies), CASE(test_early),
		CASE(test_large), CASE(test_many_large),
	};
	struct rlimit files = { 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
	setrlimit(RLIMIT_NOFILE, &files);
	return cmocka_run_group_tests_name("http flood", tests, NULL, NULL);
}
