/* test_probe_http_wire.c: the http kind where no answer comes, or a bad one, and by TLS and
 * HTTP/2. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/h2_server.h"
#include "tests/unit/web_server.h"
#include "tests/unit/wire_case.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define NAME     "www.test.example"

static void http_case_init(struct kind_case *h, const char *url)
{
	kind_init(h, &probe_http, url);
}

/* --- no answer -------------------------------------------------------------- */

static void test_timeouts(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct kind_case h;
	struct target t;
	struct addr hole;
	int l = case_listen(0, &hole), fds[4], i;

	case_fill(&hole, fds);
	http_case_init(&h, "http://" NAME "/");
	/* Long enough for a busy machine: a stall of our own would be told as such. */
	h.conf.timeout = 1000;
	t = kind_probe(&h, &hole);
	assert_int_equal(t.health.reason, PROBE_CONNECT_TIMEOUT);
	web_start(&w, NULL, NULL);
	t = kind_probe(&h, &w.addr);
	assert_int_equal(t.health.reason, PROBE_ANSWER_TIMEOUT);
	assert_true(t.connect_us > 0);
	web_stop(&w);
	w.silent = true;
	web_start(&w, NULL, NULL);
	h.conf.url = "https://" NAME "/";
	assert_int_equal(kind_set(&h, "verify", "off"), 0);
	t = kind_probe(&h, &w.addr);
	assert_int_equal(t.health.reason, PROBE_TLS_TIMEOUT);
	web_stop(&w);
	kind_fini(&h);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	close(l);
}

#define OK_LONG "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"

#define URL     "http://" NAME "/"
#define M(text) text, sizeof(text) - 1

/* At the request. */
static void say_and_close(struct wire_server *w, int fd)
{
	char some[4096];

	if (read(fd, some, sizeof(some)) > 0)
		(void)!send(fd, w->bytes, w->n, MSG_NOSIGNAL);
}

static const struct wire_case wires[] = {
	{ "a drip of body", URL, wire_drip, M("HTTP/1.1 200 OK\r\n\r\nx"), PROBE_ANSWER_TIMEOUT },
	{ "a drip of headers", URL, wire_drip, M("HTTP/1.1 200 OK\r\nX-Long: x"),
	  PROBE_ANSWER_TIMEOUT },
	{ "a reset", URL, wire_reset, "", 0, PROBE_CONNECT_RESET },
	{ "an end in the status line", URL, say_and_close, M("HTTP/1.1 200 OK"),
	  PROBE_CONNECT_RESET },
	{ "an end behind it", URL, say_and_close, M("HTTP/1.1 200 OK\r\n"), PROBE_CONNECT_RESET },
	{ "an end in the headers", URL, say_and_close,
	  M("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\n"), PROBE_CONNECT_RESET },
	{ "an end behind them", URL, say_and_close, M("HTTP/1.1 200 OK\r\n\r\n"), PROBE_OK },
	{ "an end behind them, without CR", URL, say_and_close, M("HTTP/1.1 200 OK\n\n"),
	  PROBE_OK },
	{ "a reset in the body", URL, wire_reset, M(OK_LONG "some"), PROBE_CONNECT_RESET },
	{ "10 MB of an answer", URL, wire_flood, M(OK_LONG), PROBE_OK },
	{ "10 MB of garbage", URL, wire_flood, M("garbage garbage"), PROBE_ANSWER_MALFORMED },
};

static void test_no_answers(void **state ATTR_UNUSED)
{
	wire_cases(&probe_http, wires, countof(wires));
	wire_refused(&probe_http, URL);
	wire_no_descriptors(&probe_http, URL);
}

/* --- HTTP/2 ------------------------------------------------------------------- */

static void test_http2(void **state ATTR_UNUSED)
{
	static const char *const fields[] = { ":status", "200", "x-pool", "blue", NULL };
	struct buf answer = BUF_INIT;
	struct wire_server w;
	struct kind_case h;
	struct target t;

	h2_begin(&answer);
	h2_headers(&answer, 0, fields);
	h2_data(&answer, H2_END_STREAM, "hello", 5);
	http_case_init(&h, "http://" NAME "/");
	assert_int_equal(kind_set(&h, "http_version", "2"), 0);
	assert_int_equal(kind_set(&h, "expect_header", "X-Pool: blue"), 0);
	assert_int_equal(kind_set(&h, "expect_body", "ell"), 0);
	wire_start(&w, h2_serve, answer.data, answer.len);
	t = kind_probe(&h, &w.addr);
	wire_stop(&w);
	kind_reason(&t, PROBE_OK, "HTTP/2");
	assert_int_equal(t.last_status, 200);
	wire_start(&w, wire_say, OK_HELLO, strlen(OK_HELLO));
	t = kind_probe(&h, &w.addr);
	wire_stop(&w);
	kind_reason(&t, PROBE_ANSWER_MALFORMED, "only HTTP/1.1");
	kind_fini(&h);
	buf_fini(&answer);
}

/* --- TLS -------------------------------------------------------------------- */

static const struct tls_case {
	const char *url, *verify;
	const char *ca_file; /* "own" = the server's */
	enum probe_reason reason;
	const char *more[2]; /* a key and its value */
} tls_cases[] = {
	{ "https://" NAME "/", "on", "own", PROBE_OK, { NULL } },
	{ "https://other.example/", "on", "own", PROBE_TLS_UNTRUSTED, { NULL } },
	{ "https://{address}/", "on", "own", PROBE_TLS_UNTRUSTED, { NULL } },
	{ "https://{address}/", "off", NULL, PROBE_OK, { NULL } },
	{ "https://{address}/", "on", "own", PROBE_OK, { "host", NAME } },
	{ "https://{address}/", "on", "own", PROBE_OK, { "server_name", NAME } },
	{ "https://" NAME "/", "on", "own", PROBE_TLS_UNTRUSTED, { "host", "other.example" } },
	{ "https://" NAME "/", "on", "own", PROBE_TLS_EXPIRING, { "min_days", "2" } },
	{ "https://" NAME "/", "off", NULL, PROBE_TLS_EXPIRING, { "min_days", "2" } },
	{ "https://" NAME "/", "on", "own", PROBE_ANSWER_MALFORMED, { "http_version", "2" } },
	{ "https://" NAME "/",
	  "on",
	  NULL,
	  PROBE_TLS_UNTRUSTED,
	  { NULL } }, /* needs a system bundle */
	{ "https://" NAME "/", "on", "/nonexistent/ca.pem", PROBE_LOCAL_CONFIG, { NULL } },
};

static void test_tls(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct web_cert cert;
	struct kind_case h;
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
		assert_int_equal(kind_set(&h, "verify", c->verify), 0);
		if (c->ca_file)
			assert_int_equal(
				kind_set(&h, "ca_file",
					 strcmp(c->ca_file, "own") ? c->ca_file : cert.path),
				0);
		if (c->more[0])
			assert_int_equal(kind_set(&h, c->more[0], c->more[1]), 0);
		t = kind_probe(&h, &w.addr);
		kind_reason(&t, c->reason, c->more[0] ? c->more[0] : c->url);
		assert_int_equal(t.tls_not_after > 0,
				 c->more[0] && !strcmp(c->more[0], "min_days"));
		if (c->more[0] && !strcmp(c->more[0], "server_name"))
			assert_non_null(strstr(w.request, "\r\nHost: 127.0.0.1\r\n"));
		if (i == 0) {
			assert_string_equal(w.sni, NAME);
			assert_true(t.connect_us > 0 && t.tls_us > 0);
			assert_true(t.connect_us + t.tls_us + t.first_byte_us <= t.last_us);
		}
		kind_fini(&h);
	}
	web_stop(&w);
	web_cert_free(&cert);
}

/* A plain server where TLS is asked for. */
static void test_tls_plain_server(void **state ATTR_UNUSED)
{
	struct web_server w = { .speaks_first = true };
	struct kind_case h;
	struct target t;

	http_case_init(&h, "https://" NAME "/");
	assert_int_equal(kind_set(&h, "verify", "off"), 0);
	web_start(&w, "HTTP/1.1 400 Bad Request\r\n\r\n", NULL);
	t = kind_probe(&h, &w.addr);
	web_stop(&w);
	assert_int_equal(t.health.reason, PROBE_TLS_FAILED);
	kind_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_http2),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_plain_server),
	};

	return cmocka_run_group_tests_name("probe_http_wire", tests, NULL, NULL);
}
