/* test_probe_http_body.c: what the http kind asks of a body: expressions and digests. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/kind_case.h"
#include "tests/unit/web_server.h"
#include "tests/unit/wire_server.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define OK_CHUNKS                                                                                  \
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"                                    \
	"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
#define OK_EMPTY  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define NO_HELLO  "HTTP/1.1 503 Down\r\nContent-Length: 5\r\n\r\nhello"
#define CUT_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"
#define NAME      "www.test.example"

#define HELLO   "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { MEGABYTE = 1 << 20 };

static const uint64_t hello = 0x2cf24dba5fb0a30eu, nothing = 0xe3b0c44298fc1c14u;

static void begin(struct kind_case *h, const char *const *keys)
{
	kind_init(h, &probe_http, "http://" NAME "/page");
	for (; keys[0]; keys += 2)
		assert_int_equal(kind_set(h, keys[0], keys[1]), 0);
}

/* --- answers ---------------------------------------------------------------- */

static const struct body_case {
	const char *keys[5]; /* pairs */
	const char *answer;
	enum probe_reason reason;
	uint64_t digest;
} cases[] = {
	{ { "expect_regex", "^he(l+)o$" }, OK_HELLO, PROBE_OK, 0 },
	{ { "expect_regex", "l{3}" }, OK_HELLO, PROBE_ANSWER_BODY, 0 },
	{ { "expect_regex", "HTTP" }, OK_HELLO, PROBE_ANSWER_BODY, 0 }, /* not the headers */
	{ { "expect_regex", "^$" }, OK_EMPTY, PROBE_OK, 0 },
	{ { "expect_regex", "x|" }, OK_EMPTY, PROBE_OK, 0 },
	{ { "expect_regex", "." }, OK_EMPTY, PROBE_ANSWER_BODY, 0 },
	{ { "expect_regex", "o", "max_body", "4B" }, OK_HELLO, PROBE_ANSWER_BODY, 0 },
	{ { "expect_regex", "^h", "expect_body", "ell" }, OK_HELLO, PROBE_OK, 0 },
	{ { "expect_regex", "^h", "expect_body", "elf" }, OK_HELLO, PROBE_ANSWER_BODY, 0 },
	{ { "expect_regex", "^e", "expect_body", "ell" }, OK_HELLO, PROBE_ANSWER_BODY, 0 },
	{ { "digest", "sha256:" HELLO }, OK_HELLO, PROBE_OK, hello },
	{ { "digest", "sha256:" HELLO }, OK_CHUNKS, PROBE_OK, hello },
	{ { "digest", "sha256:" HELLO }, OK_EMPTY, PROBE_ANSWER_DIGEST, nothing },
	{ { "digest", "sha256:" NOTHING }, OK_EMPTY, PROBE_OK, nothing },
	{ { "digest", "sha256:" NOTHING }, OK_HELLO, PROBE_ANSWER_DIGEST, hello },
	/* what else is wrong says more, and what is not whole has none */
	{ { "digest", "sha256:" NOTHING }, NO_HELLO, PROBE_ANSWER_STATUS, 0 },
	{ { "digest", "sha256:" HELLO }, CUT_HELLO, PROBE_CONNECT_RESET, 0 },
	{ { "digest", "sha256:" NOTHING, "expect_body", "elf" }, OK_HELLO, PROBE_ANSWER_BODY, 0 },
	{ { "digest", "sha256:" NOTHING, "expect_body", "ell" },
	  OK_HELLO,
	  PROBE_ANSWER_DIGEST,
	  hello },
	{ { "digest", "sha256:" HELLO, "expect_regex", "^h" }, OK_HELLO, PROBE_OK, hello },
	/* it is told, and nothing fails by it */
	{ { "digest", "consensus" }, OK_HELLO, PROBE_OK, hello },
	{ { "digest", "consensus" }, OK_EMPTY, PROBE_OK, nothing },
	{ { "digest", "consensus", "expect_body", "ell" }, OK_HELLO, PROBE_OK, hello },
	{ { "digest", "consensus" }, NO_HELLO, PROBE_ANSWER_STATUS, 0 },
	{ { "digest", "consensus" }, CUT_HELLO, PROBE_CONNECT_RESET, 0 },
};

static void test_cases(void **state ATTR_UNUSED)
{
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		struct web_server w = { 0 };
		struct kind_case h;
		struct target t;

		begin(&h, cases[i].keys);
		web_start(&w, cases[i].answer, NULL);
		t = kind_probe(&h, &w.addr);
		web_stop(&w);
		if (t.health.reason != cases[i].reason)
			print_error("case %zu\n", i);
		kind_reason(&t, cases[i].reason, cases[i].keys[1]);
		assert_true(h.report.digest == cases[i].digest);
		assert_false(h.report.too_long);
		kind_fini(&h);
	}
}

/* An expression that runs wild on an answer is our fault. */
static void test_wild_expression(void **state ATTR_UNUSED)
{
	static const char *const keys[] = { "expect_regex", "^(a+)+b", NULL };
	struct web_server w = { 0 };
	struct buf answer = BUF_INIT;
	struct kind_case h;
	struct target t;
	int i;

	buf_puts(&answer, "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
	for (i = 0; i < 60000; i++)
		buf_putc(&answer, 'a');
	begin(&h, keys);
	web_start(&w, buf_str(&answer), NULL);
	t = kind_probe(&h, &w.addr);
	web_stop(&w);
	kind_reason(&t, PROBE_LOCAL_CONFIG, "a wild expression");
	kind_fini(&h);
	buf_fini(&answer);
}

/* --- length ----------------------------------------------------------------- */

static struct target long_answer(struct kind_case *h, size_t len)
{
	struct web_server w = { 0 };
	struct buf answer = BUF_INIT;
	struct target t;
	size_t i;

	buf_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
	for (i = 0; i < len; i++)
		buf_putc(&answer, (char)('a' + i % 26));
	web_start(&w, buf_str(&answer), NULL);
	t = kind_probe(h, &w.addr);
	web_stop(&w);
	buf_fini(&answer);
	return t;
}

/* One megabyte has a digest, and a byte more has none: that fails nobody. */
static void test_length(void **state ATTR_UNUSED)
{
	static const struct {
		const char *keys[5];
		enum probe_reason at_most, longer;
	} kinds[] = {
		{ { "digest", "consensus" }, PROBE_OK, PROBE_OK },
		{ { "digest", "consensus", "expect_body", "abc" }, PROBE_OK, PROBE_OK },
		{ { "digest", "sha256:" HELLO }, PROBE_ANSWER_DIGEST, PROBE_ANSWER_TOO_LONG },
	};
	struct kind_case h;
	struct target t;
	size_t i;

	for (i = 0; i < countof(kinds); i++) {
		begin(&h, kinds[i].keys);
		t = long_answer(&h, MEGABYTE);
		kind_reason(&t, kinds[i].at_most, "as long as it may be");
		assert_true(h.report.digest != 0 && !h.report.too_long);
		t = long_answer(&h, MEGABYTE + 1);
		kind_reason(&t, kinds[i].longer, "a byte more");
		assert_true(h.report.digest == 0 && h.report.too_long);
		kind_fini(&h);
	}
	assert_int_equal(probe_reasons[PROBE_ANSWER_TOO_LONG].outcome, PROBE_UNKNOWN);
	assert_int_equal(probe_reasons[PROBE_ANSWER_DIGEST].outcome, PROBE_FAILED);
}

/* --- no answer -------------------------------------------------------------- */

#define OK_LONG "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"

static const struct wire_case {
	const char *what;
	void (*serve)(struct wire_server *w, int fd);
	const char *bytes;
	enum probe_reason fixed, consensus;
} wires[] = {
	{ "silence", wire_silent, "", PROBE_ANSWER_TIMEOUT, PROBE_ANSWER_TIMEOUT },
	{ "a drip", wire_drip, "HTTP/1.1 200 OK\r\n\r\nx", PROBE_ANSWER_TIMEOUT,
	  PROBE_ANSWER_TIMEOUT },
	{ "a reset in the body", wire_reset, OK_LONG "some", PROBE_CONNECT_RESET,
	  PROBE_CONNECT_RESET },
	{ "garbage", wire_flood, "garbage garbage", PROBE_ANSWER_MALFORMED,
	  PROBE_ANSWER_MALFORMED },
	{ "10 MB", wire_flood, OK_LONG, PROBE_ANSWER_TOO_LONG, PROBE_OK },
};

static void test_wires(void **state ATTR_UNUSED)
{
	static const char *const kinds[][3] = { { "digest", "sha256:" HELLO },
						{ "digest", "consensus" } };
	struct wire_server w;
	struct kind_case h;
	struct target t;
	size_t i, k;

	for (i = 0; i < countof(wires); i++) {
		wire_start(&w, wires[i].serve, wires[i].bytes, strlen(wires[i].bytes));
		for (k = 0; k < countof(kinds); k++) {
			enum probe_reason want = k ? wires[i].consensus : wires[i].fixed;

			begin(&h, kinds[k]);
			h.conf.timeout = want == PROBE_ANSWER_TIMEOUT ? 1000 : 10000;
			t = kind_probe(&h, &w.addr);
			kind_reason(&t, want, wires[i].what);
			assert_true(h.report.digest == 0);
			kind_fini(&h);
		}
		wire_stop(&w);
	}
}

static void test_no_descriptors(void **state ATTR_UNUSED)
{
	static const char *const keys[] = { "digest", "sha256:" HELLO, NULL };
	struct probe_case c;
	struct kind_case h;
	struct rlimit before;
	struct target t;
	struct addr to;

	begin(&h, keys);
	assert_int_equal(kind_finish(&h), 0);
	case_init(&c, true);
	assert_int_equal(addr_parse("127.0.0.1:80", &to), 0);
	case_no_descriptors(&before);
	t = case_probe(&c, &h.conf, &to, 1);
	case_descriptors(&before);
	case_fini(&c);
	kind_reason(&t, PROBE_LOCAL_RESOURCES, "no descriptors");
	kind_fini(&h);
}

/* --- a reload in the midst ---------------------------------------------------- */

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Half an answer, and the rest when it is told so. */
struct slow {
	struct wire_server w;
	int go[2];
};

static void serve_slowly(struct wire_server *w, int fd)
{
	struct slow *s = container_of(w, struct slow, w);
	static const char answer[] = OK_HELLO;
	const size_t half = sizeof(answer) - 3;
	char some[4096], byte;

	if (read(fd, some, sizeof(some)) <= 0)
		return;
	(void)!send(fd, answer, half, MSG_NOSIGNAL);
	if (read(s->go[0], &byte, 1) == 1)
		(void)!send(fd, answer + half, 2, MSG_NOSIGNAL);
}

/* An attempt that began by `before` and ends by `after`; how. */
static enum probe_reason ends_by(const char *const *before, const char *const *after,
				 uint64_t *ret_digest)
{
	static const uint32_t fresh[1] = { SCHED_NEW }, kept[1] = { 0 };
	const struct sched_limits limits = { 10 };
	struct layout_target asked[2] = { { .first_user = 0 } };
	struct target targets[2] = { { .attempts = 0 } };
	struct sched_stats stats = { 0 };
	struct loop_timer *timer;
	struct kind_case h[2];
	struct probe_case c;
	struct slow s = { 0 };

	assert_int_equal(pipe(s.go), 0);
	wire_start(&s.w, serve_slowly, NULL, 0);
	begin(&h[0], before);
	begin(&h[1], after);
	assert_int_equal(kind_finish(&h[0]), 0);
	assert_int_equal(kind_finish(&h[1]), 0);
	case_init(&c, true);
	assert_int_equal(loop_timer_new(c.loop, "stop", stop, c.loop, &timer), 0);
	asked[0] = (struct layout_target){ .addr = s.w.addr, .conf = &h[0].conf };
	asked[1] = (struct layout_target){ .addr = s.w.addr, .conf = &h[1].conf };
	assert_int_equal(sched_replace(c.sched, &asked[0], &targets[0], 1, fresh, &limits), 0);
	while (!stats.running) {
		loop_timer_start(timer, 20);
		loop_run(c.loop);
		sched_stats(c.sched, &stats);
	}
	assert_int_equal(sched_replace(c.sched, &asked[1], &targets[1], 1, kept, &limits), 0);
	assert_int_equal(write(s.go[1], "x", 1), 1);
	c.stop_after = 1;
	loop_run(c.loop);
	*ret_digest = c.last.digest;
	loop_timer_free(timer);
	case_fini(&c);
	wire_stop(&s.w);
	target_fini(&targets[1]);
	kind_fini(&h[0]);
	kind_fini(&h[1]);
	close(s.go[0]);
	close(s.go[1]);
	return (enum probe_reason)targets[1].health.reason;
}

/* Nothing is judged by what was not looked at, and no digest is told of an answer to
 * another question. */
static void test_reload_under_way(void **state ATTR_UNUSED)
{
	static const char *const none[] = { NULL };
	static const char *const fixed[] = { "digest", "sha256:" NOTHING, NULL };
	static const char *const consensus[] = { "digest", "consensus", NULL };
	static const char *const text[] = { "expect_body", "ell", NULL };
	static const struct {
		const char *const *before, *const *after;
		enum probe_reason reason;
	} reloads[] = {
		{ none, fixed, PROBE_LOCAL_ERROR },
		{ none, consensus, PROBE_OK },
		{ none, text, PROBE_OK },
		{ consensus, none, PROBE_OK },
		{ consensus, consensus, PROBE_OK },
		{ fixed, none, PROBE_OK },
		{ consensus, text, PROBE_LOCAL_ERROR },
		{ consensus, fixed, PROBE_LOCAL_ERROR },
	};
	uint64_t digest;
	size_t i;

	for (i = 0; i < countof(reloads); i++) {
		assert_int_equal(ends_by(reloads[i].before, reloads[i].after, &digest),
				 reloads[i].reason);
		assert_true(digest == 0);
	}
}

/* Cancelled in the midst of a body: what was summed up is freed. */
static void test_cancel_under_way(void **state ATTR_UNUSED)
{
	static const char *const keys[] = { "digest", "consensus", NULL };
	static const uint32_t fresh[1] = { SCHED_NEW };
	const struct sched_limits limits = { 10 };
	struct layout_target asked = { .first_user = 0 };
	struct target t = { .attempts = 0 };
	struct loop_timer *timer;
	struct wire_server w;
	struct probe_case c;
	struct kind_case h;

	wire_start(&w, wire_say, OK_LONG "some", strlen(OK_LONG "some"));
	begin(&h, keys);
	assert_int_equal(kind_finish(&h), 0);
	case_init(&c, true);
	assert_int_equal(loop_timer_new(c.loop, "stop", stop, c.loop, &timer), 0);
	asked = (struct layout_target){ .addr = w.addr, .conf = &h.conf };
	assert_int_equal(sched_replace(c.sched, &asked, &t, 1, fresh, &limits), 0);
	loop_timer_start(timer, 300);
	loop_run(c.loop);
	assert_int_equal(sched_replace(c.sched, NULL, NULL, 0, NULL, &limits), 0);
	assert_int_equal(c.outcomes, 0);
	loop_timer_free(timer);
	case_fini(&c);
	wire_stop(&w);
	kind_fini(&h);
}

/* --- keys ------------------------------------------------------------------- */

static void test_keys(void **state ATTR_UNUSED)
{
	static const char *const none[] = { NULL };
	static const char *const good[][2] = {
		{ "consensus", "consensus" },
		{ "sha256:" HELLO, "sha256:" HELLO },
		{ "sha256:2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824",
		  "sha256:" HELLO },
	};
	static const char *const bad[] = { "",
					   "sha256",
					   HELLO,
					   "sha256:",
					   "Consensus",
					   "sha256:" HELLO "0",
					   "md5:abc",
					   "sha256:g" HELLO,
					   "sha1:" HELLO,
					   "sha256:2cf24dba" };
	struct kind_case h;
	size_t i;

	begin(&h, none);
	assert_string_equal(kind_get(&h, "digest", 0), "");
	assert_string_equal(kind_get(&h, "max_body", 0), "64KB");
	assert_int_equal(kind_finish(&h), 0);
	assert_string_equal(kind_get(&h, "max_body", 0), "64KB");
	assert_false(h.conf.compares);
	for (i = 0; i < countof(good); i++) {
		assert_int_equal(kind_set(&h, "digest", good[i][0]), 0);
		assert_string_equal(kind_get(&h, "digest", 0), good[i][1]);
	}
	assert_int_equal(kind_finish(&h), 0);
	assert_string_equal(kind_get(&h, "max_body", 0), "1MB");
	assert_false(h.conf.compares);
	for (i = 0; i < countof(bad); i++) {
		assert_int_equal(kind_set(&h, "digest", bad[i]), -EINVAL);
		assert_non_null(strstr(buf_str(&h.why), "consensus nor sha256:"));
	}
	assert_string_equal(kind_get(&h, "digest", 0), "sha256:" HELLO);
	assert_int_equal(kind_set(&h, "digest", "consensus"), 0);
	assert_int_equal(kind_finish(&h), 0);
	assert_true(h.conf.compares);
	assert_int_equal(kind_set(&h, "method", "HEAD"), 0);
	assert_int_equal(kind_finish(&h), -EINVAL);
	assert_non_null(strstr(buf_str(&h.why), "HEAD brings no body"));
	assert_int_equal(kind_set(&h, "expect_regex", "a(b"), -EINVAL);
	kind_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_wild_expression),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_wires),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_reload_under_way),
		cmocka_unit_test(test_cancel_under_way),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("probe_http_body", tests, NULL, NULL);
}
