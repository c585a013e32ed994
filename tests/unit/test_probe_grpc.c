/* test_probe_grpc.c: the grpc kind against servers made here, frame by frame. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/h2_server.h"
#include "tests/unit/web_server.h"
#include "tests/unit/wire_case.h"

#define NAME "rpc.test.example"

/* A message with its prefix. */
#define MESSAGE(len, text) "\0\0\0\0" len text

static const char *const opens[] = { ":status", "200", "content-type", "application/grpc", NULL };

/* The frames of an answer: headers, a message, trailers with that grpc-status. Without a
 * message the trailers are all. */
static void put_answer(struct buf *out, const char *message, size_t n, const char *status)
{
	const char *const trailers[] = { "grpc-status", status, NULL };
	const char *const only[] = {
		":status", "200", "content-type", "application/grpc", status ? "grpc-status" : NULL,
		status,    NULL
	};

	h2_begin(out);
	if (!message) {
		h2_headers(out, H2_END_STREAM, only);
		return;
	}
	h2_headers(out, 0, opens);
	h2_data(out, status ? 0 : H2_END_STREAM, message, n);
	if (status)
		h2_headers(out, H2_END_STREAM, trailers);
}

static struct target probe_answer(struct kind_case *k, const struct buf *answer)
{
	struct wire_server w;
	struct target t;

	wire_start(&w, h2_serve, answer->data, answer->len);
	t = kind_probe(k, &w.addr);
	wire_stop(&w);
	return t;
}

/* --- answers ---------------------------------------------------------------- */

#define M(text) text, sizeof(text) - 1

static const struct answer_case {
	const char *what, *message;
	size_t n;
	const char *status; /* of the call; NULL = none */
	enum probe_reason reason;
	uint16_t told; /* the status that is reported */
} answers[] = {
	{ "serving", M(MESSAGE("\2", "\x08\1")), "0", PROBE_OK, 200 },
	{ "serving, and what is new",
	  M(MESSAGE("\x18", "\x08\1\x10\x96\1\x1a\3abc\x25"
			    "1234"
			    "\x29"
			    "12345678")),
	  "0", PROBE_OK, 200 },
	{ "a long number", M(MESSAGE("\4", "\x08\x81\x80\0")), "0", PROBE_OK, 200 },
	{ "the last one counts", M(MESSAGE("\4", "\x08\2\x08\1")), "0", PROBE_OK, 200 },
	{ "unknown", M(MESSAGE("\0", "")), "0", PROBE_ANSWER_STATUS, 32 },
	{ "not serving", M(MESSAGE("\2", "\x08\2")), "0", PROBE_ANSWER_STATUS, 34 },
	{ "service unknown", M(MESSAGE("\2", "\x08\3")), "0", PROBE_ANSWER_STATUS, 35 },
	{ "a number without a meaning", M(MESSAGE("\2", "\x08\4")), "0", PROBE_ANSWER_MALFORMED,
	  200 },
	{ "not found", NULL, 0, "5", PROBE_ANSWER_STATUS, 5 },
	{ "no such method", NULL, 0, "12", PROBE_ANSWER_STATUS, 12 },
	{ "serving, but failed", M(MESSAGE("\2", "\x08\1")), "14", PROBE_ANSWER_STATUS, 14 },
	{ "serving, and no end", M(MESSAGE("\2", "\x08\1")), NULL, PROBE_ANSWER_MALFORMED, 200 },
	{ "a web page", NULL, 0, NULL, PROBE_ANSWER_MALFORMED, 200 },
	{ "a status of letters", NULL, 0, "OK", PROBE_ANSWER_MALFORMED, 200 },
	{ "no such status", NULL, 0, "17", PROBE_ANSWER_MALFORMED, 200 },
	{ "a status without an end", NULL, 0, "00000000000000000000", PROBE_ANSWER_MALFORMED, 200 },
	{ "no message", NULL, 0, "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "half a prefix", M("\0\0\0"), "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "compressed", M("\1\0\0\0\2\x08\1"), "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "too short", M(MESSAGE("\3", "\x08\1")), "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "too long", M(MESSAGE("\1", "\x08\1")), "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "endlessly long", M("\0\xff\xff\xff\xff\x08\1"), "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "no number", M(MESSAGE("\1", "\x08")), "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "an endless number", M(MESSAGE("\x0c", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1")),
	  "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "text beyond the end",
	  M(MESSAGE("\3", "\x12\x7f"
			  "a")),
	  "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "a group", M(MESSAGE("\2", "\x13\x14")), "0", PROBE_ANSWER_MALFORMED, 200 },
	{ "a fixed field cut off",
	  M(MESSAGE("\4", "\x15"
			  "123")),
	  "0", PROBE_ANSWER_MALFORMED, 200 },
};

static void test_answers(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;
	size_t i;

	for (i = 0; i < countof(answers); i++) {
		struct buf answer = BUF_INIT;

		put_answer(&answer, answers[i].message, answers[i].n, answers[i].status);
		kind_init(&k, &probe_grpc, "grpc://" NAME);
		t = probe_answer(&k, &answer);
		kind_reason(&t, answers[i].reason, answers[i].what);
		assert_int_equal(t.last_status, answers[i].told);
		assert_int_equal(probe_conf_status(&k.conf, answers[i].told) != NULL,
				 answers[i].reason == PROBE_ANSWER_STATUS);
		kind_fini(&k);
		buf_fini(&answer);
	}
}

static void test_http_status(void **state ATTR_UNUSED)
{
	static const char *const fields[] = { ":status", "503", "grpc-status", "0", NULL };
	struct buf answer = BUF_INIT;
	struct kind_case k;
	struct target t;

	h2_begin(&answer);
	h2_headers(&answer, H2_END_STREAM, fields);
	kind_init(&k, &probe_grpc, "grpc://" NAME);
	t = probe_answer(&k, &answer);
	kind_reason(&t, PROBE_ANSWER_STATUS, "503");
	assert_int_equal(t.last_status, 503);
	assert_null(probe_conf_status(&k.conf, 503));
	assert_null(probe_conf_status(&k.conf, 17));
	assert_null(probe_conf_status(&k.conf, -1));
	assert_string_equal(probe_conf_status(&k.conf, 34), "NOT_SERVING");
	kind_fini(&k);
	buf_fini(&answer);
}

static void test_stream_is_reset(void **state ATTR_UNUSED)
{
	struct buf answer = BUF_INIT, code = BUF_INIT;
	struct kind_case k;
	struct target t;

	buf_put(&code, "\0\0\0\2", 4); /* INTERNAL_ERROR */
	h2_begin(&answer);
	h2_frame(&answer, H2_RST_STREAM, 0, &code);
	kind_init(&k, &probe_grpc, "grpc://" NAME);
	t = probe_answer(&k, &answer);
	kind_reason(&t, PROBE_ANSWER_MALFORMED, "RST_STREAM");
	kind_fini(&k);
	buf_fini(&code);
	buf_fini(&answer);
}

/* 10 MB of a message: it is cut off, and what came is no answer. */
static void test_flood(void **state ATTR_UNUSED)
{
	static const char zeros[16384];
	struct buf answer = BUF_INIT;
	struct kind_case k;
	struct target t;

	h2_begin(&answer);
	h2_headers(&answer, 0, opens);
	while (answer.len < 10000000)
		h2_data(&answer, 0, zeros, sizeof(zeros));
	kind_init(&k, &probe_grpc, "grpc://" NAME);
	t = probe_answer(&k, &answer);
	kind_reason(&t, PROBE_ANSWER_MALFORMED, "10 MB");
	kind_fini(&k);
	buf_fini(&answer);
}

/* --- the question ----------------------------------------------------------- */

static struct buf asked; /* the body of the last request */

static void serve_and_note(struct wire_server *w, int fd)
{
	buf_reset(&asked);
	if (h2_request(fd, &asked) && send(fd, w->bytes, w->n, MSG_NOSIGNAL) > 0)
		wire_silent(w, fd);
}

static void assert_asked(const char *url, const char *head, size_t n, const char *service)
{
	struct buf answer = BUF_INIT;
	struct wire_server w;
	struct kind_case k;
	struct target t;

	put_answer(&answer, M(MESSAGE("\2", "\x08\1")), "0");
	wire_start(&w, serve_and_note, answer.data, answer.len);
	kind_init(&k, &probe_grpc, url);
	t = kind_probe(&k, &w.addr);
	wire_stop(&w);
	kind_reason(&t, PROBE_OK, url);
	assert_int_equal(asked.len, n + strlen(service));
	assert_memory_equal(asked.data, head, n);
	assert_memory_equal(asked.data + n, service, strlen(service));
	kind_fini(&k);
	buf_fini(&answer);
}

static void test_question(void **state ATTR_UNUSED)
{
	char url[256] = "grpc://" NAME "/", *longest = url + strlen(url);

	memset(longest, 's', 200);
	assert_asked("grpc://" NAME, M("\0\0\0\0\0"), "");
	assert_asked("grpc://:50051/", M("\0\0\0\0\0"), "");
	assert_asked("grpc://{address}/shop.v1.Cart", M("\0\0\0\0\x0e\x0a\x0c"), "shop.v1.Cart");
	assert_asked(url, M("\0\0\0\0\xcb\x0a\xc8\1"), longest);
	buf_fini(&asked);
}

/* --- no answer -------------------------------------------------------------- */

#define URL      "grpc://" NAME
#define SETTINGS "\0\0\0\4\0\0\0\0\0"

static const struct wire_case wires[] = {
	{ "silence", URL, wire_silent, "", 0, PROBE_ANSWER_TIMEOUT },
	{ "settings and silence", URL, wire_say, M(SETTINGS), PROBE_ANSWER_TIMEOUT },
	/* a frame of 16 KB that nobody knows */
	{ "a slow drip", URL, wire_drip, M(SETTINGS "\0\x40\0\xaa\0\0\0\0\0x"),
	  PROBE_ANSWER_TIMEOUT },
	{ "a reset", URL, wire_reset, "", 0, PROBE_CONNECT_RESET },
	{ "a reset after a beginning", URL, wire_reset, M(SETTINGS), PROBE_CONNECT_RESET },
	{ "garbage", URL, wire_say, M("SSH-2.0-x\r\n"), PROBE_ANSWER_MALFORMED },
	{ "HTTP/1.1", URL, wire_say, M("HTTP/1.1 400 Bad Request\r\n\r\n"),
	  PROBE_ANSWER_MALFORMED },
	{ "10 MB of garbage", URL, wire_flood, M("garbage garbage"), PROBE_ANSWER_MALFORMED },
};

static void test_no_answers(void **state ATTR_UNUSED)
{
	wire_cases(&probe_grpc, wires, countof(wires));
	wire_refused(&probe_grpc, URL);
	wire_no_descriptors(&probe_grpc, URL);
}

/* By TLS: the name is verified; who has no HTTP/2 has no gRPC. */
static void test_tls(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct web_cert cert = { 0 };
	struct kind_case k;
	struct target t;

	web_cert_new(&cert, NAME);
	web_start(&w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", cert.credentials);
	kind_init(&k, &probe_grpc, "grpcs://{address}");
	assert_int_equal(kind_set(&k, "ca_file", cert.path), 0);
	t = kind_probe(&k, &w.addr);
	kind_reason(&t, PROBE_TLS_UNTRUSTED, "another name");
	assert_int_equal(kind_set(&k, "host", NAME), 0);
	t = kind_probe(&k, &w.addr);
	kind_reason(&t, PROBE_ANSWER_MALFORMED, "only HTTP/1.1");
	assert_string_equal(w.sni, NAME);
	assert_int_equal(kind_set(&k, "min_days", "2"), 0);
	t = kind_probe(&k, &w.addr);
	kind_reason(&t, PROBE_TLS_EXPIRING, "a day is left");
	kind_fini(&k);
	web_stop(&w);
	web_cert_free(&cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_http_status),
		cmocka_unit_test(test_stream_is_reset),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_tls),
	};

	return cmocka_run_group_tests_name("probe_grpc", tests, NULL, NULL);
}
