/* test_probe_http.c: the http kind against servers made here, and its keys. */
#include <errno.h>

#include "collectors/table.h"
#include "conf/key.h"
#include "tests/unit/web_server.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define NAME     "www.test.example"

/* A probe's section without the loader: the kind's keys with their defaults. */
struct http_case {
	struct arena arena;
	struct buf why;
	struct conf_env env;
	struct probe_conf conf;
};

static void http_case_init(struct http_case *h, const char *url)
{
	const struct conf_part *part = &probe_http.part;

	*h = (struct http_case){ 0 };
	h->env = (struct conf_env){ .arena = &h->arena, .section = "probe t", .why = &h->why };
	h->conf = (struct probe_conf){ .head.name = "t",
				       .head.part = part,
				       .url = url,
				       .type = &probe_http,
				       .interval = 3600000,
				       .timeout = 10000,
				       .rise = 1,
				       .fall = 1 };
	h->conf.head.part_conf = arena_alloc(&h->arena, part->size);
	assert_int_equal(conf_defaults(h->conf.head.part_conf, part->keys, part->n_keys, &h->env),
			 0);
}

static void http_case_fini(struct http_case *h)
{
	arena_fini(&h->arena);
	buf_fini(&h->why);
}

static int set(struct http_case *h, const char *name, const char *text)
{
	const struct conf_part *part = &probe_http.part;
	const struct conf_key *key = conf_find(name, part->keys, part->n_keys, NULL);

	assert_non_null(key);
	buf_reset(&h->why);
	return key->type->set((char *)h->conf.head.part_conf + key->offset, text, key, &h->env);
}

static const char *get(struct http_case *h, const char *name, size_t i)
{
	const struct conf_part *part = &probe_http.part;
	const struct conf_key *key = conf_find(name, part->keys, part->n_keys, NULL);

	buf_reset(&h->why);
	key->type->get((char *)h->conf.head.part_conf + key->offset, key, i, &h->why);
	return buf_str(&h->why);
}

static struct target probe_once(struct http_case *h, const struct addr *to)
{
	struct probe_case c;
	struct target t;

	case_init(&c, true);
	t = case_probe(&c, &h->conf, to, 1);
	case_fini(&c);
	return t;
}

static struct target probe_answer(struct http_case *h, const char *answer)
{
	struct web_server w = { 0 };
	struct target t;

	web_start(&w, answer, NULL);
	t = probe_once(h, &w.addr);
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
	{ "method", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", PROBE_OK, 200 },
	{ NULL, NULL, "hello\r\n\r\n", PROBE_ANSWER_MALFORMED, 0 },
	{ NULL, NULL, "SSH-2.0-x\r\n", PROBE_ANSWER_MALFORMED, 0 },
	{ NULL, NULL, "", PROBE_CONNECT_RESET, 0 }, /* closed without a word */
	{ NULL, NULL, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", PROBE_CONNECT_RESET,
	  200 },
};

static void test_answers(void **state ATTR_UNUSED)
{
	struct http_case h;
	struct target t;
	size_t i;

	for (i = 0; i < countof(answers); i++) {
		http_case_init(&h, "http://" NAME "/healthz");
		if (answers[i].key)
			assert_int_equal(set(&h, answers[i].key, answers[i].value), 0);
		t = probe_answer(&h, answers[i].answer);
		if (t.health.reason != answers[i].reason)
			print_error("answer %zu: %s\n", i, probe_reasons[t.health.reason].slug);
		assert_int_equal(t.health.reason, answers[i].reason);
		assert_int_equal(t.last_status, answers[i].status);
		http_case_fini(&h);
	}
}

/* A flood of headers ends early and is the server's fault. */
static void test_header_flood(void **state ATTR_UNUSED)
{
	struct http_case h;
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
	http_case_fini(&h);
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
	struct http_case h;
	struct target t;
	size_t i;

	for (i = 0; i < countof(begins); i++) {
		struct buf answer = BUF_INIT;

		buf_printf(&answer, "%s%0200000d\r\n\r\n", begins[i], 0);
		http_case_init(&h, "http://" NAME "/");
		t = probe_answer(&h, buf_str(&answer));
		assert_int_equal(t.health.reason, PROBE_ANSWER_MALFORMED);
		http_case_fini(&h);
		buf_fini(&answer);
	}
}

/* --- requests --------------------------------------------------------------- */

static void test_request(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct http_case h;
	struct target t;

	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	web_start(&w, OK_HELLO, NULL);
	http_case_init(&h, "http://" NAME ":8080/a/../b?q={address}&p={port}");
	assert_int_equal(set(&h, "header", "X-Probe: yes"), 0);
	assert_int_equal(set(&h, "header", "X-Other: 1"), 0);
	assert_int_equal(set(&h, "header", "X-Third: 3"), 0);
	t = probe_once(&h, &w.addr);
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
	http_case_fini(&h);
}

static void test_address_as_host(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct http_case h;
	struct target t;
	char host[64];

	web_start(&w, OK_HELLO, NULL);
	http_case_init(&h, "http://{address}:{port}/");
	t = probe_once(&h, &w.addr);
	web_stop(&w);
	assert_int_equal(t.health.reason, PROBE_OK);
	snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%u\r\n", (unsigned int)w.addr.port);
	assert_non_null(strstr(w.request, host));
	http_case_fini(&h);
}

/* --- no answer -------------------------------------------------------------- */

static void test_refused(void **state ATTR_UNUSED)
{
	struct http_case h;
	struct target t;
	struct addr to;
	int fd = case_listen(-1, &to);

	http_case_init(&h, "http://" NAME "/");
	t = probe_once(&h, &to);
	assert_int_equal(t.health.reason, PROBE_CONNECT_REFUSED);
	assert_int_equal(t.last_errno, ECONNREFUSED);
	assert_int_equal(t.health.verdict, VERDICT_DOWN);
	http_case_fini(&h);
	close(fd);
}

static void test_timeouts(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct http_case h;
	struct target t;
	struct addr hole;
	int l = case_listen(0, &hole), fds[4], i;

	case_fill(&hole, fds);
	http_case_init(&h, "http://" NAME "/");
	/* Long enough for a busy machine: a stall of our own would be told as such. */
	h.conf.timeout = 1000;
	t = probe_once(&h, &hole);
	assert_int_equal(t.health.reason, PROBE_CONNECT_TIMEOUT);
	web_start(&w, NULL, NULL);
	t = probe_once(&h, &w.addr);
	assert_int_equal(t.health.reason, PROBE_ANSWER_TIMEOUT);
	assert_true(t.connect_us > 0);
	web_stop(&w);
	w.silent = true;
	web_start(&w, NULL, NULL);
	h.conf.url = "https://" NAME "/";
	assert_int_equal(set(&h, "verify", "off"), 0);
	t = probe_once(&h, &w.addr);
	assert_int_equal(t.health.reason, PROBE_TLS_TIMEOUT);
	web_stop(&w);
	http_case_fini(&h);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(l);
}

static void test_no_descriptors(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct probe_case c;
	struct http_case h;
	struct rlimit before;
	struct target t;
	struct addr to;

	http_case_init(&h, "http://" NAME "/");
	case_init(&c, true);
	assert_int_equal(addr_parse("127.0.0.1:80", &to), 0);
	case_no_descriptors(&before);
	t = case_probe(&c, &h.conf, &to, 1);
	case_descriptors(&before);
	assert_int_equal(t.health.reason, PROBE_LOCAL_RESOURCES);
	assert_int_equal(t.last_errno, EMFILE);
	assert_int_equal(t.health.verdict, VERDICT_NONE);
	web_start(&w, OK_HELLO, NULL);
	t = case_probe(&c, &h.conf, &w.addr, 1);
	assert_int_equal(t.health.reason, PROBE_OK);
	case_fini(&c);
	web_stop(&w);
	http_case_fini(&h);
}

/* --- TLS -------------------------------------------------------------------- */

static const struct tls_case {
	const char *url, *verify;
	const char *ca_file; /* "own" = the server's */
	enum probe_reason reason;
} tls_cases[] = {
	{ "https://" NAME "/", "on", "own", PROBE_OK },
	{ "https://other.example/", "on", "own", PROBE_TLS_UNTRUSTED },
	{ "https://{address}/", "on", "own", PROBE_TLS_UNTRUSTED },
	{ "https://{address}/", "off", NULL, PROBE_OK },
	{ "https://" NAME "/", "on", NULL, PROBE_TLS_UNTRUSTED }, /* needs a system bundle */
	{ "https://" NAME "/", "on", "/nonexistent/ca.pem", PROBE_LOCAL_CONFIG },
};

static void test_tls(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct web_cert cert;
	struct http_case h;
	struct target t;
	size_t i;

	web_cert_new(&cert, NAME);
	web_start(&w, OK_HELLO, cert.credentials);
	for (i = 0; i < countof(tls_cases); i++) {
		const struct tls_case *c = &tls_cases[i];

		if (!c->ca_file && *c->verify == 'o' && c->verify[1] == 'n' &&
		    access("/etc/ssl/certs/ca-certificates.crt", R_OK) == -1)
			continue;
		http_case_init(&h, c->url);
		assert_int_equal(set(&h, "verify", c->verify), 0);
		if (c->ca_file)
			assert_int_equal(set(&h, "ca_file",
					     strcmp(c->ca_file, "own") ? c->ca_file : cert.path),
					 0);
		t = probe_once(&h, &w.addr);
		if (t.health.reason != c->reason)
			print_error("tls %zu: %s\n", i, probe_reasons[t.health.reason].slug);
		assert_int_equal(t.health.reason, c->reason);
		if (i == 0) {
			assert_string_equal(w.sni, NAME);
			assert_true(t.connect_us > 0 && t.tls_us > 0);
			assert_true(t.connect_us + t.tls_us + t.first_byte_us <= t.last_us);
		}
		http_case_fini(&h);
	}
	web_stop(&w);
	web_cert_free(&cert);
}

/* A plain server where TLS is asked for. */
static void test_tls_plain_server(void **state ATTR_UNUSED)
{
	struct web_server w = { .speaks_first = true };
	struct http_case h;
	struct target t;

	http_case_init(&h, "https://" NAME "/");
	assert_int_equal(set(&h, "verify", "off"), 0);
	web_start(&w, "HTTP/1.1 400 Bad Request\r\n\r\n", NULL);
	t = probe_once(&h, &w.addr);
	web_stop(&w);
	assert_int_equal(t.health.reason, PROBE_TLS_FAILED);
	http_case_fini(&h);
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
	struct http_case *old = malloc(sizeof(*old)), h;
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
	http_case_fini(old);
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
	http_case_fini(&h);
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
	struct http_case h;
	size_t i;

	http_case_init(&h, "http://x/");
	assert_string_equal(get(&h, "expect_status", 0), "200-299");
	assert_string_equal(get(&h, "method", 0), "GET");
	for (i = 0; i < countof(good); i++) {
		assert_int_equal(set(&h, "expect_status", good[i][0]), 0);
		assert_string_equal(get(&h, "expect_status", 0), good[i][1]);
	}
	for (i = 0; i < countof(bad); i++) {
		assert_int_equal(set(&h, "expect_status", bad[i]), -EINVAL);
		assert_non_null(strstr(buf_str(&h.why), "such as 200-299,304"));
		assert_string_equal(get(&h, "expect_status", 0), "200-204,301,401-403");
	}
	for (i = 0; i < countof(bad_headers); i++)
		assert_int_equal(set(&h, "header", bad_headers[i]), -EINVAL);
	for (i = 0; i < countof(bad_methods); i++)
		assert_int_equal(set(&h, "method", bad_methods[i]), -EINVAL);
	for (i = 0; i < 9; i++)
		assert_int_equal(set(&h, "header", i == 8 ? "Last: 8" : "X: y"), 0);
	assert_string_equal(get(&h, "header", 8), "Last: 8");
	http_case_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_header_flood),
		cmocka_unit_test(test_endless_line),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_address_as_host),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_plain_server),
		cmocka_unit_test(test_reload_and_end_under_way),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("probe_http", tests, NULL, NULL);
}
