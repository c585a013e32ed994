/* test_http.c: routes, methods, and bad requests over a real server. */
#include "tests/unit/http_fixture.h"

#include <errno.h>
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
	{ "GET /", NULL, 200, "Content-Type: text/html; charset=utf-8", ">web</a>" },
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
	{ "GET /api/v1/services", NULL, 200, NULL, "],\"troubles\":[" },
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
	RAW(200, "GET /\x00metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
	RAW(400, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
	RAW(413, "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: "
		 "99999999999999999999999\r\n\r\n"),
	RAW(400, "POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
	RAW(400, "GET / HTTP/1.1\r\nHost: x\r\nno colon here\r\nConnection: close\r\n\r\n"),
	RAW(200, "GET / HTTP/1.1\r\nHost: x\r\n: empty\r\nConnection: close\r\n\r\n"),
	RAW(404, "GET /%zz%%%1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
	RAW(404, "GET http://elsewhere/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
};

static void test_malformed(void **state)
{
	struct world *w = *state;

	w->limits.head_ms = w->limits.body_ms = w->limits.idle_ms = 300;
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
	static const char post[] = "POST /-/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
	struct world *w = *state;
	char *answer = NULL;
	struct buf head = BUF_INIT;

	world_serve(w);
	answer = ask_long(w, "GET / HTTP/1.1\r\nHost: x\r\nX: ", 100000, "\r\n\r\n");
	assert_true(!answer || !*answer || status_of(answer) == 431 || status_of(answer) == 413);
	free(answer);
	answer = ask_long(w, "GET /", 100000, " HTTP/1.1\r\nHost: x\r\n\r\n");
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
	answer = ask_on(client_connect(w, NULL), "GET / HT", 8);
	assert_true(!answer || !*answer);
	free(answer);
	answer = ask_on(client_connect(w, NULL),
			"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab", 57);
	assert_true(!answer || status_of(answer) != 200);
	free(answer);
	/* keeps alive, says nothing more */
	answer = ask_on(client_connect(w, NULL), "GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n", 34);
	assert_int_equal(status_of(answer), 200);
	free(answer);
	assert_true(clock_mono_ms() - begin < 10000);
	assert_int_equal(atomic_load(&w->reloads), 0);
}

/* Gone in the middle: the server goes on. */
static void test_client_gone(void **state)
{
	struct world *w = *state;
	char *answer;

	world_serve(w);
	for (int i = 0; i < 20; i++) {
		int fd = client_connect(w, NULL);

		client_send(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 34);
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
		CASE(test_routes),      CASE(test_not_ready), CASE(test_loop_hangs),
		CASE(test_malformed),   CASE(test_too_large), CASE(test_slow_clients),
		CASE(test_client_gone),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
