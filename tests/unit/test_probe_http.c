/* test_probe_http.c: the http kind: what it asks, how it judges answers, and its keys. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/kind_case.h"
#include "tests/unit/web_server.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define OK_POOL  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
#define NAME     "www.test.example"

static void http_case_init(struct kind_case *h, const char *url)
{
	kind_init(h, &probe_http, url);
}

static struct target probe_answer(struct kind_case *h, const char *answer)
{
	struct web_server w = { 0 };
	struct target t;

	web_start(&w, answer, NULL);
	t = kind_probe(h, &w.addr);
	web_stop(&w);
	return t;
}

/* --- answers ---------------------------------------------------------------- */

static const struct answer_case {
	const char *key, *value; /* of the probe; may be NULL */
	const char *answer;
	enum probe_reason reason;
	int status;
} answers[] = {
	{ NULL, NULL, OK_HELLO, PROBE_OK, 200 },
	{ NULL, NULL, "HTTP/1.1 204 No\r\n\r\n", PROBE_OK, 204 },
	{ NULL, NULL, "HTTP/1.0 200 OK\r\n\r\nuntil the end", PROBE_OK, 200 },
	{ NULL, NULL, "HTTP/1.1 100 Continue\r\n\r\n" OK_HELLO, PROBE_OK, 200 },
	{ NULL, NULL, "HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", PROBE_ANSWER_STATUS, 503 },
	/* a redirect is an answer, not a place to go */
	{ NULL, NULL, "HTTP/1.1 302 F\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
	  PROBE_ANSWER_STATUS, 302 },
	{ "expect_status", "302,401", "HTTP/1.1 302 F\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
	  PROBE_OK, 302 },
	{ "expect_status", "302,401", OK_HELLO, PROBE_ANSWER_STATUS, 200 },
	{ "expect_body", "ell", OK_HELLO, PROBE_OK, 200 },
	{ "expect_body", "hello!", OK_HELLO, PROBE_ANSWER_BODY, 200 },
	{ "expect_body", "x", "HTTP/1.1 204 No\r\n\r\n", PROBE_ANSWER_BODY, 204 },
	{ "max_body", "3B", OK_HELLO, PROBE_OK, 200 }, /* the rest is not waited for */
	{ "expect_header", "x-pool: blue", OK_POOL "X-Pool: darkblue2\r\n\r\n", PROBE_OK, 200 },
	{ "expect_header", "X-Pool:blue", OK_POOL "x-pool:blue\r\n\r\n", PROBE_OK, 200 },
	{ "expect_header", "X-Pool: Blue", OK_POOL "X-Pool: blue\r\n\r\n", PROBE_ANSWER_HEADER,
	  200 },
	{ "expect_header", "X-Pool: blue", OK_POOL "X-Pools: blue\r\n\r\n", PROBE_ANSWER_HEADER,
	  200 },
	{ "expect_header", "X-Pool: blue", OK_POOL "X-Pool:\r\nX-Next: blue\r\n\r\n",
	  PROBE_ANSWER_HEADER, 200 },
	{ "expect_header", "X-Pool: blue", "HTTP/1.1 103 E\r\nX-Pool: blue\r\n\r\n" OK_HELLO,
	  PROBE_ANSWER_HEADER, 200 },
	{ "method", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", PROBE_OK, 200 },
	{ NULL, NULL, "hello\r\n\r\n", PROBE_ANSWER_MALFORMED, 0 },
	{ NULL, NULL, "SSH-2.0-x\r\n", PROBE_ANSWER_MALFORMED, 0 },
	{ NULL, NULL, "", PROBE_CONNECT_RESET, 0 }, /* closed without a word */
	{ NULL, NULL, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", PROBE_CONNECT_RESET,
	  200 },
};

static void test_answers(void **state ATTR_UNUSED)
{
	struct kind_case h;
	struct target t;
	size_t i;

	for (i = 0; i < countof(answers); i++) {
		http_case_init(&h, "http://" NAME "/healthz");
		if (answers[i].key)
			assert_int_equal(kind_set(&h, answers[i].key, answers[i].value), 0);
		t = probe_answer(&h, answers[i].answer);
		if (t.health.reason != answers[i].reason)
			print_error("answer %zu: %s\n", i, probe_reasons[t.health.reason].slug);
		assert_int_equal(t.health.reason, answers[i].reason);
		assert_int_equal(t.last_status, answers[i].status);
		kind_fini(&h);
	}
}

/* A flood of headers ends early and is the server's fault. */
static void test_header_flood(void **state ATTR_UNUSED)
{
	struct kind_case h;
	struct buf answer = BUF_INIT;
	struct target t;
	int i;

	buf_puts(&answer, "HTTP/1.1 200 OK\r\n");
	for (i = 0; i < 3000; i++)
		buf_printf(&answer, "X-Flood-%d: %0100d\r\n", i, i);
	buf_puts(&answer, "\r\n");
	http_case_init(&h, "http://" NAME "/");
	t = probe_answer(&h, buf_str(&answer));
	assert_int_equal(t.health.reason, PROBE_ANSWER_MALFORMED);
	kind_fini(&h);
	buf_fini(&answer);
}

/* libcurl calls a line of over 100 KB a want of memory. It is the server's fault as well:
 * unknown would keep it in traffic for ever. */
static void test_endless_line(void **state ATTR_UNUSED)
{
	static const char *const begins[] = {
		"HTTP/1.1 200 OK\r\nX-Long: ",
		"HTTP/1.1 200 ",
		"HTTP/1.1 ",
	};
	struct kind_case h;
	struct target t;
	size_t i;

	for (i = 0; i < countof(begins); i++) {
		struct buf answer = BUF_INIT;

		buf_printf(&answer, "%s%0200000d\r\n\r\n", begins[i], 0);
		http_case_init(&h, "http://" NAME "/");
		t = probe_answer(&h, buf_str(&answer));
		assert_int_equal(t.health.reason, PROBE_ANSWER_MALFORMED);
		kind_fini(&h);
		buf_fini(&answer);
	}
}

/* Who wants to see it is shown the head and the begin of what comes behind it. */
static void test_shown(void **state ATTR_UNUSED)
{
	static const char head[] = "HTTP/1.1 503 No\r\nContent-Length: 10000000\r\n\r\n";
	struct buf answer = BUF_INIT, said = BUF_INIT;
	struct web_server w = { 0 };
	struct probe_report r;
	struct kind_case h;

	buf_puts(&answer, head);
	buf_printf(&answer, "%010000000d", 7);
	web_start(&w, buf_str(&answer), NULL);
	http_case_init(&h, "http://" NAME "/");
	r = case_ask(&h.conf, &w.addr, &said);
	assert_int_equal(r.reason, PROBE_ANSWER_STATUS);
	assert_int_equal(r.status, 503);
	assert_in_range(said.len, sizeof(head) - 1, sizeof(head) - 1 + 1024);
	assert_memory_equal(said.data, answer.data, said.len);
	kind_fini(&h);
	web_stop(&w);
	buf_fini(&answer);
	buf_fini(&said);
}

/* --- requests --------------------------------------------------------------- */

static void test_request(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct kind_case h;
	struct target t;

	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	web_start(&w, OK_HELLO, NULL);
	http_case_init(&h, "http://" NAME ":8080/a/../b?q={address}&p={port}");
	assert_int_equal(kind_set(&h, "header", "X-Probe: yes"), 0);
	assert_int_equal(kind_set(&h, "header", "X-Other: 1"), 0);
	assert_int_equal(kind_set(&h, "header", "X-Third: 3"), 0);
	t = kind_probe(&h, &w.addr);
	web_stop(&w);
	unsetenv("http_proxy");
	assert_int_equal(t.health.reason, PROBE_OK);
	assert_true(t.connect_us > 0 && t.first_byte_us > 0);
	assert_int_equal(t.tls_us, 0);
	assert_non_null(strstr(w.request, "GET /a/../b?q=127.0.0.1&p="));
	assert_non_null(strstr(w.request, " HTTP/1.1\r\n"));
	assert_non_null(strstr(w.request, "\r\nHost: " NAME ":8080\r\n"));
	assert_non_null(strstr(w.request, "\r\nX-Probe: yes\r\n"));
	assert_non_null(strstr(w.request, "\r\nX-Other: 1\r\n"));
	assert_non_null(strstr(w.request, "\r\nX-Third: 3\r\n"));
	kind_fini(&h);
}

static void test_address_as_host(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct kind_case h;
	struct target t;
	char host[64];

	web_start(&w, OK_HELLO, NULL);
	http_case_init(&h, "http://{address}:{port}/");
	t = kind_probe(&h, &w.addr);
	web_stop(&w);
	assert_int_equal(t.health.reason, PROBE_OK);
	snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%u\r\n", (unsigned int)w.addr.port);
	assert_non_null(strstr(w.request, host));
	kind_fini(&h);
}

static void test_virtual_host(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct kind_case h;
	struct target t;
	char host[64];

	web_start(&w, OK_HELLO, NULL);
	http_case_init(&h, "http://{address}:{port}/{address}");
	assert_int_equal(kind_set(&h, "host", NAME), 0);
	t = kind_probe(&h, &w.addr);
	kind_reason(&t, PROBE_OK, "host");
	snprintf(host, sizeof(host), "\r\nHost: " NAME ":%u\r\n", (unsigned int)w.addr.port);
	assert_non_null(strstr(w.request, host));
	assert_non_null(strstr(w.request, "GET /127.0.0.1 "));
	h.conf.url = "http:///x"; /* nothing stands for the address */
	assert_int_equal(kind_set(&h, "host", "b.example"), 0);
	t = kind_probe(&h, &w.addr);
	web_stop(&w);
	kind_reason(&t, PROBE_OK, "no host in the URL");
	assert_non_null(strstr(w.request, "\r\nHost: b.example\r\n"));
	kind_fini(&h);
}

static void test_body_is_sent(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct kind_case h;
	struct target t;

	web_start(&w, OK_HELLO, NULL);
	http_case_init(&h, "http://" NAME "/ask");
	assert_int_equal(kind_set(&h, "body", "{\"ping\": 1}"), 0);
	assert_int_equal(kind_set(&h, "header", "Content-Type: application/json"), 0);
	t = kind_probe(&h, &w.addr);
	kind_reason(&t, PROBE_OK, "POST");
	assert_non_null(strstr(w.request, "POST /ask HTTP/1.1\r\n"));
	assert_non_null(strstr(w.request, "\r\nContent-Length: 11\r\n"));
	assert_non_null(strstr(w.request, "\r\nContent-Type: application/json\r\n"));
	assert_null(strstr(w.request, "Expect:"));
	assert_int_equal(kind_set(&h, "method", "PUT"), 0);
	t = kind_probe(&h, &w.addr);
	web_stop(&w);
	kind_reason(&t, PROBE_OK, "PUT");
	assert_non_null(strstr(w.request, "PUT /ask HTTP/1.1\r\n"));
	kind_fini(&h);
}

/* --- life ------------------------------------------------------------------- */

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Attempts under way when all ends; and one whose configuration is replaced, freed,
 * and judged by the new one. */
static void test_reload_and_end_under_way(void **state ATTR_UNUSED)
{
	static const uint32_t fresh[1] = { SCHED_NEW }, kept[1] = { 0 };
	const struct sched_limits limits = { 10 };
	struct web_server w = { 0 };
	struct kind_case *old = malloc(sizeof(*old)), h;
	struct layout_target asked = { 0 }, asked2 = { 0 };
	struct target t = { 0 }, t2 = { 0 };
	struct sched_stats stats = { 0 };
	struct loop_timer *timer;
	struct probe_case c;

	web_start(&w, NULL, NULL);
	http_case_init(old, strdup("http://" NAME "/"));
	old->conf.timeout = 300;
	http_case_init(&h, "http://" NAME "/");
	case_init(&c, true);
	assert_int_equal(loop_timer_new(c.loop, "stop", stop, c.loop, &timer), 0);
	asked.addr = asked2.addr = w.addr;
	asked.conf = &old->conf;
	asked2.conf = &h.conf;
	assert_int_equal(sched_replace(c.sched, &asked, &t, 1, fresh, &limits), 0);
	while (!stats.running) {
		loop_timer_start(timer, 20);
		loop_run(c.loop);
		sched_stats(c.sched, &stats);
	}
	assert_int_equal(sched_replace(c.sched, &asked2, &t2, 1, kept, &limits), 0);
	free((char *)(uintptr_t)old->conf.url);
	kind_fini(old);
	free(old);
	c.stop_after = 1;
	loop_run(c.loop);
	assert_int_equal(t2.health.reason, PROBE_ANSWER_TIMEOUT);
	target_fini(&t2);
	assert_int_equal(sched_replace(c.sched, &asked2, &t2, 1, fresh, &limits), 0);
	for (stats.running = 0; !stats.running;) {
		loop_timer_start(timer, 20);
		loop_run(c.loop);
		sched_stats(c.sched, &stats);
	}
	case_fini(&c);
	web_stop(&w);
	target_fini(&t2);
	kind_fini(&h);
}

/* --- keys ------------------------------------------------------------------- */

static void test_keys(void **state ATTR_UNUSED)
{
	static const char *const good[][2] = {
		{ "200", "200" },
		{ "200-299", "200-299" },
		{ "200-204, 301 401-403", "200-204,301,401-403" },
	};
	static const char *const bad[] = { "",        ",",    "20",      "2000",
					   "200-",    "-299", "299-200", "099",
					   "200-600", "2xx",  "200-29x", "200..299" };
	static const char *const bad_headers[] = { "",       "X",  ": y",
						   "X Y: z", "X:", "X: a\r\nB: c",
						   "X:  " };
	static const char *const bad_methods[] = { "", "get", "GET /", "G\r\n" };
	struct kind_case h;
	size_t i;

	http_case_init(&h, "http://x/");
	assert_string_equal(kind_get(&h, "http_version", 0), "1.1");
	assert_int_equal(kind_set(&h, "http_version", "3"), -EINVAL);
	assert_int_equal(kind_set(&h, "host", "a b"), -EINVAL);
	assert_int_equal(kind_set(&h, "expect_header", "X-Pool"), -EINVAL);
	assert_int_equal(kind_set(&h, "method", "HEAD"), 0);
	assert_int_equal(kind_set(&h, "body", "x"), -EINVAL);
	assert_int_equal(kind_set(&h, "method", "GET"), 0);
	assert_int_equal(kind_set(&h, "body", "x"), 0);
	assert_int_equal(kind_set(&h, "method", "HEAD"), -EINVAL);
	assert_string_equal(kind_get(&h, "expect_status", 0), "200-299");
	assert_string_equal(kind_get(&h, "method", 0), "GET");
	for (i = 0; i < countof(good); i++) {
		assert_int_equal(kind_set(&h, "expect_status", good[i][0]), 0);
		assert_string_equal(kind_get(&h, "expect_status", 0), good[i][1]);
	}
	for (i = 0; i < countof(bad); i++) {
		assert_int_equal(kind_set(&h, "expect_status", bad[i]), -EINVAL);
		assert_non_null(strstr(buf_str(&h.why), "such as 200-299,304"));
		assert_string_equal(kind_get(&h, "expect_status", 0), "200-204,301,401-403");
	}
	for (i = 0; i < countof(bad_headers); i++)
		assert_int_equal(kind_set(&h, "header", bad_headers[i]), -EINVAL);
	for (i = 0; i < countof(bad_methods); i++)
		assert_int_equal(kind_set(&h, "method", bad_methods[i]), -EINVAL);
	for (i = 0; i < 9; i++)
		assert_int_equal(kind_set(&h, "header", i == 8 ? "Last: 8" : "X: y"), 0);
	assert_string_equal(kind_get(&h, "header", 8), "Last: 8");
	kind_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_header_flood),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_address_as_host),
		cmocka_unit_test(test_virtual_host),
		cmocka_unit_test(test_body_is_sent),
		cmocka_unit_test(test_reload_and_end_under_way),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("probe_http", tests, NULL, NULL);
}
