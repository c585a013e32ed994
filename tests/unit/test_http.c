/* test_http.c: routes, methods, and bad requests over a real server. */
#include "tests/unit/http_fixture.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"

/* --- routes --------------------------------------------------------------------- */

struct route_case {
	const char *line, *headers;
	int status;
	const char *has, *body; /* somewhere in the answer; in its body */
};

static const struct route_case route_cases[] = {
	{ "GET /", NULL, 200, "Content-Security-Policy: default-src 'none'",
	  "<a href=\"/metrics\">" },
	{ "GET /", NULL, 200, "Content-Type: text/html; charset=utf-8", "/page/page.js" },
	{ "GET /page/page.js", NULL, 200, "Content-Type: text/javascript", "import" },
	{ "GET /page/page.css", NULL, 200, "Content-Type: text/css", ":root" },
	{ "GET /page/icon.svg", NULL, 200, "Content-Type: image/svg+xml", "<svg" },
	{ "GET /page/none.js", NULL, 404, NULL, "nothing here" },
	{ "POST /page/page.js", "Content-Length: 0\r\n", 405, "Allow: GET, HEAD\r\n", "only" },
	{ "GET /api/v1/whoami", NULL, 200, "application/json",
	  "{\"who\":null,\"writes\":false,\"by\":null}" },
	{ "HEAD /", NULL, 200, "text/html", "" },
	{ "GET /metrics", NULL, 200, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
	  "test_beta_total{row=\"4999\"} 4999\n" },
	{ "GET /metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n", 200,
	  "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n",
	  "# EOF\n" },
	{ "GET /metrics", NULL, 200, "Vary: Accept, Accept-Encoding\r\n", "test_alpha 0\n" },
	{ "GET /metrics?collect[]=alpha", NULL, 200, NULL, "test_alpha" },
	{ "GET /metrics?collect%5B%5D=alpha", NULL, 200, NULL, "test_alpha" },
	{ "GET /metrics?collect[]=gamma%0a%01", NULL, 400, NULL,
	  "unknown collector 'gamma?\?'; there are alpha, beta\n" },
	{ "GET /metrics?collect[]", NULL, 400, NULL, "unknown collector ''" },
	{ "HEAD /metrics", "Accept-Encoding: gzip\r\n", 200, "Content-Encoding: gzip\r\n", "" },
	{ "HEAD /metrics?collect[]=gamma", NULL, 400, NULL, "" },
	{ "GET /metrics", "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n", 200, NULL, "test_alpha" },
	{ "GET /metrics", "X-Prometheus-Scrape-Timeout-Seconds: ten\r\n", 400, NULL, "seconds" },
	{ "GET /metrics", "X-Prometheus-Scrape-Timeout-Seconds: -1\r\n", 400, NULL, "seconds" },
	{ "POST /metrics", "Content-Length: 0\r\n", 405, "Allow: GET, HEAD\r\n", "only GET, HEAD" },
	{ "GET /-/healthy", NULL, 200, "text/plain", "healthy" },
	{ "HEAD /-/healthy", NULL, 200, NULL, "" },
	{ "GET /-/ready", NULL, 200, NULL, "ready" },
	{ "GET /-/reload", NULL, 405, "Allow: POST, PUT\r\n", "only POST, PUT" },
	{ "POST /-/reload", "Content-Length: 0\r\n", 403, NULL, "loopback_writes = on" },
	{ "GET /-/nothing", NULL, 404, "text/plain", "nothing here" },
	{ "GET /api/v1/nothing", NULL, 404, "application/json",
	  "{\"error\":{\"code\":\"not_found\",\"message\":\"there is nothing here\"}}" },
	{ "DELETE /api/v1/services", NULL, 405, "Allow: GET, HEAD\r\n", "method_not_allowed" },
	{ "BREW /", NULL, 405, "Allow: GET, HEAD\r\n", "only" },
	{ "GET /api/v1/services", NULL, 200, "application/json",
	  "{\"services\":[{\"name\":\"web\"" },
	{ "GET /api/v1/services", NULL, 200, NULL, "],\"time\":\"2" },
	{ "GET /api/v1/services?max_age=0", NULL, 200, NULL, "Z\",\"troubles\":[" },
	{ "GET /api/v1/services?max_age=1h", NULL, 200, NULL, "{\"services\":[{" },
	{ "GET /api/v1/services?max_age=soon", NULL, 400, NULL, "max_age: a duration" },
	{ "GET /api/v1/services/web?max_age=0", NULL, 200, NULL, "],\"time\":\"2" },
	{ "GET /api/v1/services", NULL, 200, NULL,
	  "\"name\":\"tcp://10.0.0.9:81\",\"managed\":false" },
	{ "GET /api/v1/services/web", NULL, 200, NULL, "\"address\":\"tcp://10.1.2.15:443\"" },
	{ "GET /api/v1/services/tcp:%2f%2f10.0.0.9:81", NULL, 200, NULL,
	  "\"realserver\":\"10.0.0.21:81\"" },
	{ "GET /api/v1/services/tcp://10.0.0.9:81/realservers/10.0.0.21:81", NULL, 200, NULL,
	  "\"service_address\":\"tcp://10.0.0.9:81\"" },
	{ "GET /api/v1/services/web/realservers/web2", NULL, 200, NULL,
	  "\"effective_weight\":null,\"reason\":\"rule \\\"x\\\" ?\?\"" },
	{ "GET /api/v1/services/web/realservers/web2", NULL, 200, NULL,
	  "\"holds\":[{\"id\":\"h1\",\"class\":\"rule\"" },
	{ "GET /api/v1/services/web/realservers/web1", NULL, 200, NULL,
	  "\"text\":\"Host is blocked\"" },
	{ "GET /api/v1/services/web/realservers/web9", NULL, 404, NULL, "no realserver 'web9'" },
	{ "GET /api/v1/services/we", NULL, 404, NULL, "no service 'we'" },
	{ "GET /api/v1/services/web%00x", NULL, 404, NULL, "no service 'web%00x'" },
	{ "GET /api/v1/services/%3cb%3e%1b", NULL, 404, NULL, "no service '<b>?'" },
	{ "GET /api/v1/explain?target=web/web1", NULL, 200, "application/json",
	  "{\"target\":\"web/web1\"}" },
	{ "GET /api/v1/explain?target=web/web9", NULL, 404, NULL, "no 'web/web9'" },
	{ "GET /api/v1/explain?target=a%0ab", NULL, 400, NULL, "bad_request" },
	{ "GET /api/v1/explain?target=", NULL, 400, NULL, "missing" },
	{ "GET /api/v1/explain", NULL, 400, NULL, "missing" },
};

static void test_routes(void **state)
{
	struct world *w = *state;

	world_serve(w);
	for (size_t i = 0; i < countof(route_cases); i++) {
		const struct route_case *c = &route_cases[i];
		char *answer = ask(w, c->line, c->headers);
		const char *body;
		bool head = strncmp(c->line, "HEAD", 4) == 0;

		if (!answer)
			answer = strdup("(no answer)");
		body = body_of(answer);
		if (status_of(answer) != c->status || (c->has && !strstr(answer, c->has)) ||
		    (head ? *body != '\0' : !strstr(body, c->body)))
			fail_msg("%s: %.1500s", c->line, answer);
		if (strstr(c->line, "collect") && c->status == 200)
			assert_null(strstr(body, "test_beta"));
		assert_non_null(strstr(answer, "X-Content-Type-Options: nosniff"));
		free(answer);
	}
	assert_int_equal(atomic_load(&w->reloads), 0);
}

/* --- readiness, health --------------------------------------------------------------- */

static void test_not_ready(void **state)
{
	struct world *w = *state;
	struct view *v = view_make(w);
	char *answer;

	w->limits.view_ms = 100;
	w->hold_rounds = true;
	world_view(w, NULL);
	world_serve(w);
	answer = ask(w, "GET /-/ready", NULL);
	assert_int_equal(status_of(answer), 503);
	assert_non_null(strstr(answer, "nothing has been read yet"));
	free(answer);
	answer = ask(w, "GET /api/v1/services", NULL);
	assert_int_equal(status_of(answer), 503);
	free(answer);
	answer = ask(w, "GET /", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	v->agent.kernel_ok = false;
	v->agent.kernel_error = -ENOENT;
	world_view(w, v);
	answer = ask(w, "GET /-/ready", NULL);
	assert_int_equal(status_of(answer), 503);
	assert_non_null(strstr(answer, "No such file or directory"));
	free(answer);
	world_view(w, view_make(w));
	answer = ask(w, "GET /-/ready", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	release_rounds(w); /* too late: nobody takes them */
}

ATTR_PRINTF(1, 2)
static char *said(const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	return buf_take(&text);
}

/* All that the page's files ask for is there, and nothing of it comes from elsewhere. */
static void test_page(void **state)
{
	static const char *const files[] = { "/",
					     "/page/page.js",
					     "/page/base.js",
					     "/page/pool.js",
					     "/page/lists.js",
					     "/page/dialogs.js",
					     "/page/page.css" };
	static const char *const marks[] = { "src=\"", "href=\"", "from './" };
	struct world *w = *state;
	unsigned int found = 0;

	world_serve(w);
	for (size_t i = 0; i < countof(files); i++) {
		char *line = said("GET %s", files[i]), *answer = ask(w, line, NULL);

		assert_int_equal(status_of(answer), 200);
		assert_null(strstr(answer, "innerHTML"));
		for (size_t m = 0; m < countof(marks); m++) {
			for (char *at = strstr(answer, marks[m]); at; at = strstr(at, marks[m])) {
				bool module = marks[m][0] == 'f';
				char *path, *other;

				at += strlen(marks[m]);
				path = said("GET %s%.*s", module ? "/page/" : "",
					    (int)strcspn(at, "\"'"), at);
				other = ask(w, path, NULL);
				assert_int_equal(status_of(other), 200);
				free(other);
				free(path);
				found++;
			}
		}
		free(answer);
		free(line);
	}
	assert_true(found >= 12);
}

/* Who has a file is not sent it again. */
static void test_page_known(void **state)
{
	struct world *w = *state;
	char *first, *again, *tag, *header;

	world_serve(w);
	first = ask(w, "GET /page/page.css", NULL);
	tag = strstr(first, "ETag: ");
	assert_non_null(tag);
	header = said("If-None-Match: %.*s\r\n", (int)strcspn(tag + 6, "\r"), tag + 6);
	again = ask(w, "GET /page/page.css", header);
	assert_int_equal(status_of(again), 304);
	free(again);
	free(header);
	free(first);
}

/* What was let go while nobody looked is made anew for him who comes. */
static void test_none_kept(void **state)
{
	static const char *const paths[] = {
		"GET /metrics",       "GET /api/v1/services", "GET /api/v1/services/web",
		"GET /api/v1/config", "GET /-/ready",
	};
	struct world *w = *state;
	unsigned int i;

	world_serve(w);
	for (i = 0; i < countof(paths); i++) {
		char *answer;

		world_view(w, NULL);
		answer = ask(w, paths[i], NULL);
		assert_int_equal(status_of(answer), 200);
		free(answer);
		assert_int_equal(atomic_load(&w->rounds), i + 1);
	}
	/* Once the kernel was read, readiness asks for nothing. */
	atomic_store(&w->was_read, true);
	world_view(w, NULL);
	free(ask(w, "GET /-/ready", NULL));
	assert_int_equal(atomic_load(&w->rounds), i);
}

/* Who asks for a young reading is given one, and nobody else costs one. */
static void test_max_age(void **state)
{
	static const struct {
		const char *line;
		unsigned int rounds;
	} cases[] = {
		{ "GET /api/v1/services", 0 },
		{ "GET /api/v1/services?max_age=1h", 0 },
		{ "GET /api/v1/services?max_age=0", 1 },
		{ "GET /api/v1/services/web?max_age=0", 2 },
		{ "GET /api/v1/services/web", 2 },
	};
	struct world *w = *state;

	world_serve(w);
	for (size_t i = 0; i < countof(cases); i++) {
		char *answer = ask(w, cases[i].line, NULL);

		assert_int_equal(status_of(answer), 200);
		assert_int_equal(atomic_load(&w->rounds), cases[i].rounds);
		free(answer);
		usleep(2000); /* max_age=0 is of this millisecond */
	}
}

static void hang(void *arg)
{
	struct world *w = arg;

	pthread_mutex_lock(&w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void test_loop_hangs(void **state)
{
	struct world *w = *state;
	char *answer;

	w->limits.loop_ms = 200;
	world_serve(w);
	pthread_mutex_lock(&w->lock);
	assert_int_equal(loop_post(w->loop, "test", hang, w), 0);
	answer = ask(w, "GET /-/healthy", NULL);
	pthread_mutex_unlock(&w->lock);
	assert_int_equal(status_of(answer), 503);
	assert_non_null(strstr(answer, "has not answered for 200 ms"));
	free(answer);
	answer = ask(w, "GET /-/healthy", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
}

/* --- bad requests --------------------------------------------------------------------- */

#define RAW(status, text)                                                                          \
	{                                                                                          \
		text, sizeof(text) - 1, (status)                                                   \
	}
static const struct {
	const char *bytes;
	size_t len;
	int status; /* 0 = closed without a word */
} raw_cases[] = {
	RAW(0, "\r\n\r\n\r\n"),
	RAW(0, "GET\r\n\r\n"),
	RAW(505, "GET / HTTP/9.9\r\n\r\n"),
	RAW(400, "GET / HTTP/1.1\r\n\r\n"), /* no Host */
	RAW(0, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	RAW(200, "GET /\x00metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
	RAW(400, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"),
	RAW(413, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
		 "99999999999999999999999\r\n\r\n"),
	RAW(400, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
		 "chunked\r\n\r\nzz\r\n"),
	RAW(400, "GET / HTTP/1.1\r\nHost: localhost\r\nno colon here\r\nConnection: close\r\n\r\n"),
	RAW(200, "GET / HTTP/1.1\r\nHost: localhost\r\n: empty\r\nConnection: close\r\n\r\n"),
	RAW(404, "GET /%zz%%%1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
	RAW(404, "GET http://elsewhere/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
};

static void test_malformed(void **state)
{
	struct world *w = *state;

	w->limits.head_ms = w->limits.body_ms = w->limits.idle_ms = 300;
	w->conf.loopback_writes = true;
	world_serve(w);
	for (size_t i = 0; i < countof(raw_cases); i++) {
		int fd = client_connect(w, NULL);
		struct buf out = BUF_INIT;

		client_send(fd, raw_cases[i].bytes, raw_cases[i].len);
		shutdown(fd, SHUT_WR);
		client_read(fd, &out);
		if (status_of(buf_str(&out)) != raw_cases[i].status)
			fail_msg("case %zu: %s", i, buf_str(&out));
		buf_fini(&out);
	}
	assert_int_equal(atomic_load(&w->reloads), 0);
}

static char *ask_long(const struct world *w, const char *before, size_t n, const char *after)
{
	struct buf text = BUF_INIT;
	char *answer;

	buf_puts(&text, before);
	for (size_t i = 0; i < n; i++)
		buf_putc(&text, 'a');
	buf_puts(&text, after);
	answer = ask_on(client_connect(w, NULL), text.data, text.len);
	buf_fini(&text);
	return answer;
}

static void test_too_large(void **state)
{
	static const char post[] =
		"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
	struct world *w = *state;
	char *answer = NULL;
	struct buf head = BUF_INIT;

	w->conf.loopback_writes = true;
	world_serve(w);
	answer = ask_long(w, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", 100000, "\r\n\r\n");
	assert_true(!answer || !*answer || status_of(answer) == 431 || status_of(answer) == 413);
	free(answer);
	answer = ask_long(w, "GET /", 100000, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_true(!answer || !*answer || status_of(answer) == 414 || status_of(answer) == 431);
	free(answer);
	/* By its length, before it is sent; then in chunks that do not say. */
	buf_printf(&head, "%sContent-Length: 70000\r\n\r\n", post);
	answer = ask_on(client_connect(w, NULL), head.data, head.len);
	assert_int_equal(status_of(answer), 413);
	free(answer);
	buf_reset(&head);
	buf_printf(&head, "%sTransfer-Encoding: chunked\r\n\r\n11170\r\n", post);
	answer = ask_long(w, buf_str(&head), 0x11170, "\r\n0\r\n\r\n");
	assert_int_equal(status_of(answer), 413);
	free(answer);
	buf_fini(&head);
	assert_int_equal(atomic_load(&w->reloads), 0);
}

/* Who drips is cut by one deadline for the head, another for the body. */
static char *ask_text(const struct world *w, const char *text)
{
	return ask_on(client_connect(w, NULL), text, strlen(text));
}

static void test_slow_clients(void **state)
{
	struct world *w = *state;
	int64_t begin;
	char *answer;

	w->limits.head_ms = 200;
	w->limits.body_ms = 200;
	w->limits.idle_ms = 200;
	world_serve(w);
	begin = clock_mono_ms();
	answer = ask_text(w, "GET / HT");
	assert_true(!answer || !*answer);
	free(answer);
	answer = ask_text(
		w, "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab");
	assert_true(!answer || status_of(answer) != 200);
	free(answer);
	/* keeps alive, says nothing more */
	answer = ask_text(w, "GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(status_of(answer), 200);
	free(answer);
	assert_true(clock_mono_ms() - begin < 10000);
	assert_int_equal(atomic_load(&w->reloads), 0);
}

/* Gone in the middle: the server goes on. */
static void test_client_gone(void **state)
{
	static const char get[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
	struct world *w = *state;
	char *answer;

	world_serve(w);
	for (int i = 0; i < 20; i++) {
		int fd = client_connect(w, NULL);

		client_send(fd, get, strlen(get));
		if (i % 2)
			assert_int_equal(recv(fd, &(char){ 0 }, 1, 0), 1);
		close(fd);
	}
	answer = ask(w, "GET /metrics", NULL);
	assert_int_equal(status_of(answer), 200);
	free(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_routes),       CASE(test_not_ready),   CASE(test_none_kept),
		CASE(test_page),         CASE(test_page_known),  CASE(test_loop_hangs),
		CASE(test_max_age),      CASE(test_malformed),   CASE(test_too_large),
		CASE(test_slow_clients), CASE(test_client_gone),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
