/* test_http_events.c: server-sent events: who listens gets each once and in order, who
 * is slow is told what he missed, who has gone is noticed, and whoever stops or reloads
 * the server waits for none of them. */
#include "tests/unit/http_fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/clock.h"

static const char listen_line[] = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
/* Without chunks, whose ends may be anywhere in a text. */
static const char plain_line[] = "GET /api/v1/events HTTP/1.0\r\n\r\n";

/* Reads until `text` is there. */
static void read_until(int fd, struct buf *out, const char *text)
{
	char part[4096];
	ssize_t n;
	size_t len = strlen(text), from = 0;

	while (!strstr(buf_str(out) + from, text)) {
		from = out->len > len ? out->len - len : 0;
		n = recv(fd, part, sizeof(part), 0);
		if (n <= 0)
			fail_msg("no '%s' in: %.2000s", text, buf_str(out));
		buf_put(out, part, (size_t)n);
	}
}

static void read_some(int fd, struct buf *out)
{
	char part[4096];
	ssize_t n = recv(fd, part, sizeof(part), 0);

	assert_true(n > 0);
	buf_put(out, part, (size_t)n);
}

/* A listener that has been greeted. */
static int listen_to(const struct world *w, const char *unix_path)
{
	int fd = client_connect(w, unix_path);
	struct buf out = BUF_INIT;

	assert_int_not_equal(fd, -1);
	client_send(fd, listen_line, strlen(listen_line));
	read_until(fd, &out, "\n\n");
	assert_int_equal(status_of(buf_str(&out)), 200);
	assert_non_null(strstr(buf_str(&out), "Content-Type: text/event-stream"));
	assert_non_null(strstr(buf_str(&out), "Cache-Control: no-store"));
	assert_non_null(strstr(buf_str(&out), "event: hello\ndata: {\"version\":\"" VERSION "\","
					      "\"time\":\"20"));
	buf_fini(&out);
	return fd;
}

static void say(struct world *w, uint64_t seq, const char *data)
{
	http_event(w->server, "journal", data, strlen(data), seq);
}

/* Waits until so many listen. */
static bool listened(struct world *w, bool wanted)
{
	int64_t end = clock_mono_ms() + 20 * 1000;

	while (http_listened(w->server) != wanted && clock_mono_ms() < end)
		poll(NULL, 0, 1);
	return http_listened(w->server) == wanted;
}

static void test_events(void **state)
{
	struct world *w = *state;
	struct buf out = BUF_INIT;
	int first, second;

	http_event(NULL, "journal", "{}", 2, 1);
	assert_false(http_listened(NULL));
	world_serve(w);
	assert_false(http_listened(w->server));
	say(w, 1, "{\"seq\":1}\n"); /* nobody hears it */
	first = listen_to(w, NULL);
	second = listen_to(w, NULL);
	assert_true(http_listened(w->server));
	say(w, 2, "{\"seq\":2}\n");
	say(w, 3, "{\"seq\":3}");
	read_until(first, &out, "event: journal\nid: 3\ndata: {\"seq\":3}\n\n");
	assert_non_null(strstr(buf_str(&out), "event: journal\nid: 2\ndata: {\"seq\":2}\n\n"));
	assert_null(strstr(buf_str(&out), "\"seq\":1"));
	buf_reset(&out);
	/* set aside in between, and taken up again, more than once */
	for (uint64_t i = 10; i < 30; i++) {
		struct buf want = BUF_INIT;

		buf_printf(&want, "id: %u\n", (unsigned int)i);
		say(w, i, "{}");
		read_until(first, &out, buf_str(&want));
		buf_fini(&want);
	}
	buf_reset(&out);
	read_until(second, &out, "id: 29\ndata: {}\n\n");
	/* one goes: the other goes on */
	close(first);
	say(w, 30, "{}");
	say(w, 31, "{}");
	read_until(second, &out, "id: 31\n");
	close(second);
	assert_true(listened(w, false));
	buf_fini(&out);
}

static void test_heartbeat(void **state)
{
	struct world *w = *state;
	struct buf out = BUF_INIT;
	int fd;

	/* An answer may take less time than passes until the next heartbeat. */
	w->limits.heartbeat_ms = 300;
	w->limits.answer_ms = 100;
	world_serve(w);
	fd = listen_to(w, NULL);
	for (int i = 0; i < 5; i++) {
		buf_reset(&out);
		read_until(fd, &out, "event: heartbeat\ndata: {\"time\":\"20");
	}
	close(fd);
	buf_fini(&out);
}

/* Who does not read misses what is too much, and is told so when he does. */
static void test_slow(void **state)
{
	struct world *w = *state;
	int small = 256 * 1024, fd; /* under a segment of loopback all would crawl */
	struct buf out = BUF_INIT, big = BUF_INIT, last = BUF_INIT;
	uint64_t seq = 1, got = 0, lost = 0;
	const char *at;

	world_serve(w);
	fd = client_connect(w, NULL);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(fd, plain_line, strlen(plain_line));
	read_until(fd, &out, "event: hello");
	for (int i = 0; i < 4000; i++)
		buf_putc(&big, 'a');
	/* More than queue and sockets take. */
	for (; seq <= 4000; seq++)
		say(w, seq, buf_str(&big));
	/* Told once there is room again; then the next ones come, the last one too. */
	read_until(fd, &out, "event: lost\ndata: {\"dropped\":");
	for (buf_puts(&last, "none"); !strstr(buf_str(&out), buf_str(&last)); seq++) {
		buf_reset(&last);
		buf_printf(&last, "id: %llu\n", (unsigned long long)seq);
		say(w, seq, "{}");
		while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 50) == 1)
			read_some(fd, &out);
	}
	seq--;
	for (at = buf_str(&out); (at = strstr(at, "event: journal\n")); at++)
		got++;
	for (at = buf_str(&out); (at = strstr(at, "\"dropped\":")); at++)
		lost += strtoul(at + 10, NULL, 10);
	/* Each was sent, or counted among those that were not. */
	assert_int_equal(got + lost, seq);
	assert_true(got > 100);
	close(fd);
	buf_fini(&out);
	buf_fini(&last);
	buf_fini(&big);
}

/* Who takes nothing at all is cut. */
static void test_stuck(void **state)
{
	struct world *w = *state;
	struct buf big = BUF_INIT;
	int small = 256 * 1024, fd;

	w->limits.heartbeat_ms = 50;
	w->limits.answer_ms = 100;
	world_serve(w);
	fd = client_connect(w, NULL);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	client_send(fd, plain_line, strlen(plain_line));
	assert_true(listened(w, true));
	for (int i = 0; i < 60000; i++)
		buf_putc(&big, 'a');
	for (uint64_t seq = 1; seq < 500 && http_listened(w->server); seq++) {
		say(w, seq, buf_str(&big));
		poll(NULL, 0, 1); /* so that the sockets' buffers are filled, not the queue alone */
	}
	assert_true(listened(w, false));
	close(fd);
	buf_fini(&big);
}

static void test_gone(void **state)
{
	struct world *w = *state;

	/* Long before the next heartbeat. */
	w->limits.heartbeat_ms = 3600 * 1000;
	world_serve(w);
	close(listen_to(w, NULL));
	assert_true(listened(w, false));
}

static void test_too_many(void **state)
{
	struct world *w = *state;
	char *path = path_in(w, "a.sock"), *answer;
	struct listen_conf *l = &w->listens[w->conf.n_listens++];
	int fds[64];

	l->unix_path = l->text = path;
	w->limits.heartbeat_ms = 3600 * 1000;
	w->conf.max_connections = 100;
	world_serve(w);
	/* Half of a listener's connections, and 64 in all. */
	for (size_t i = 0; i < 50; i++)
		fds[i] = listen_to(w, NULL);
	answer = ask(w, "GET /api/v1/events", NULL);
	assert_int_equal(status_of(answer), 503);
	assert_non_null(strstr(answer, "Retry-After: "));
	free(answer);
	for (size_t i = 50; i < 64; i++)
		fds[i] = listen_to(w, path);
	answer = ask_on(client_connect(w, path), plain_line, strlen(plain_line));
	assert_int_equal(status_of(answer), 503);
	free(answer);
	/* One goes: there is room at once. */
	close(fds[0]);
	fds[0] = listen_to(w, NULL);
	for (size_t i = 0; i < countof(fds); i++)
		close(fds[i]);
	assert_true(listened(w, false));
	answer = ask(w, "HEAD /api/v1/events", NULL);
	assert_int_equal(status_of(answer), 200);
	assert_string_equal(body_of(answer), "");
	free(answer);
	assert_false(http_listened(w->server));
	free(path);
}

/* A listener that a reload drops, and the server's end: streams end at once and whole. */
static void test_stop(void **state)
{
	struct world *w = *state;
	char *path = path_in(w, "a.sock");
	struct listen_conf *l = &w->listens[w->conf.n_listens++];
	struct buf why = BUF_INIT, out = BUF_INIT;
	int64_t begin;
	int tcp, un;

	l->unix_path = l->text = path;
	world_serve(w);
	tcp = listen_to(w, NULL);
	un = listen_to(w, path);
	w->listens[0] = w->listens[1];
	w->conf.n_listens = 1;
	begin = clock_mono_ms();
	assert_int_equal(http_reload(w->server, &w->conf, &why), 0);
	client_read(tcp, &out);
	assert_non_null(strstr(buf_str(&out), "0\r\n\r\n")); /* the last chunk */
	say(w, 7, "{}");
	buf_reset(&out);
	read_until(un, &out, "id: 7\ndata: {}\n\n");
	http_free(w->server);
	w->server = NULL;
	buf_reset(&out);
	client_read(un, &out);
	assert_string_equal(buf_str(&out), "0\r\n\r\n");
	assert_true(clock_mono_ms() - begin < 10000);
	buf_fini(&why);
	buf_fini(&out);
	free(path);
}

static void test_plain_http(void **state)
{
	struct world *w = *state;
	struct buf out = BUF_INIT;
	int fd;

	world_serve(w);
	fd = client_connect(w, NULL);
	client_send(fd, plain_line, strlen(plain_line));
	read_until(fd, &out, "event: hello");
	say(w, 9, "{}");
	read_until(fd, &out, "\n\nevent: journal\nid: 9\ndata: {}\n\n");
	close(fd);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_events), CASE(test_heartbeat), CASE(test_slow), CASE(test_stuck),
		CASE(test_gone),   CASE(test_too_many),  CASE(test_stop), CASE(test_plain_http),
	};

	return cmocka_run_group_tests_name("http events", tests, NULL, NULL);
}
