/* test_probe_redis.c: the redis kind against servers that go by a script. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/stream_case.h"

#define PING "*1\r\n$4\r\nPING\r\n"

static const struct {
	const char *answer;
	size_t len; /* 0 = by strlen() */
	enum probe_reason reason;
} answers[] = {
	{ "+PONG\r\n", 0, PROBE_OK },
	/* at work, if not for us */
	{ "-NOAUTH Authentication required.\r\n", 0, PROBE_OK },
	{ "-NOPERM User default has no permissions to run the 'ping' command\r\n", 0, PROBE_OK },
	{ "-ERR operation not permitted\r\n", 0, PROBE_OK },
	{ "-ERR unknown command `PING`, with args beginning with: \r\n", 0, PROBE_OK },
	/* not at work */
	{ "-LOADING Redis is loading the dataset in memory\r\n", 0, PROBE_ANSWER_BODY },
	{ "-MASTERDOWN Link with MASTER is down\r\n", 0, PROBE_ANSWER_BODY },
	{ "-BUSY Redis is busy running a script.\r\n", 0, PROBE_ANSWER_BODY },
	{ "-DENIED Redis is running in protected mode\r\n", 0, PROBE_ANSWER_BODY },
	{ "-ERR max number of clients reached\r\n", 0, PROBE_ANSWER_BODY },
	{ "+OK\r\n", 0, PROBE_ANSWER_BODY },
	{ "+PON\r\n", 0, PROBE_ANSWER_BODY },
	{ "+\n", 0, PROBE_ANSWER_BODY },
	/* somebody else, or in the middle of it */
	{ "HTTP/1.1 400 Bad Request\r\n", 0, PROBE_ANSWER_MALFORMED },
	{ "\x15\x03\x03\0\x02\x02\x46", 7, PROBE_ANSWER_MALFORMED },
	{ "\0PONG\r\n", 7, PROBE_ANSWER_MALFORMED },
	{ "+PONG", 0, PROBE_CONNECT_RESET },
};

static void test_answers(void **state ATTR_UNUSED)
{
	struct stream_server s;
	struct kind_case k;
	struct target t;
	size_t i;

	kind_init(&k, &probe_redis, "redis://");
	for (i = 0; i < countof(answers); i++) {
		const struct stream_step script[] = { { HEAR, PING, 0 },
						      { SAY, answers[i].answer, answers[i].len },
						      END_OF_SCRIPT };

		t = stream_case_talk(&k, script, &s);
		if (t.health.reason != answers[i].reason)
			print_error("answer %zu: %s\n", i, probe_reasons[t.health.reason].slug);
		assert_int_equal(t.health.reason, answers[i].reason);
		assert_int_equal(s.heard.len, sizeof(PING) - 1);
		assert_memory_equal(s.heard.data, PING, s.heard.len);
		assert_true(t.connect_us > 0 && t.first_byte_us > 0);
		buf_fini(&s.heard);
	}
	kind_fini(&k);
}

static void test_shown(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = { { HEAR, PING, 0 },
						     { SAY, "-LOADING\r\n", 0 },
						     END_OF_SCRIPT };
	struct buf said = BUF_INIT;
	struct stream_server s;
	struct probe_report r;
	struct kind_case k;

	kind_init(&k, &probe_redis, "redis://");
	stream_server_start(&s, script);
	r = case_ask(&k.conf, &s.wire.addr, &said);
	stream_server_stop(&s);
	assert_int_equal(r.reason, PROBE_ANSWER_BODY);
	assert_string_equal(buf_str(&said), "-LOADING\r\n");
	buf_fini(&s.heard);
	buf_fini(&said);
	kind_fini(&k);
}

static void test_no_answers(void **state ATTR_UNUSED)
{
	static const struct stream_step up[] = { { HEAR, PING, 0 },
						 { SAY, "+PONG\r\n", 0 },
						 END_OF_SCRIPT };
	struct kind_case k;

	kind_init(&k, &probe_redis, "redis://");
	stream_case_no_answers(&k, up);
	kind_fini(&k);
}

static void test_reset_in_mid_answer(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = {
		{ SAY, "+PO", 0 }, { HEAR, PING, 0 }, { RESET, "", 0 }, END_OF_SCRIPT
	};
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_redis, "redis://");
	t = stream_case_talk(&k, script, NULL);
	assert_int_equal(t.health.reason, PROBE_CONNECT_RESET);
	assert_int_equal(t.last_errno, ECONNRESET);
	kind_fini(&k);
}

/* One that stays gets a reset as soon as its line is there. */
static void test_pieces(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = {
		{ HEAR, PING, 0 }, { DRIP, "+PONG\r\n", 0 }, { STAY, "", 0 }, END_OF_SCRIPT
	};
	static const struct stream_step endless[] = {
		{ DRIP,
		  "++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++"
		  "++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++",
		  0 },
		{ STAY, "", 0 },
		END_OF_SCRIPT
	};
	struct stream_server s;
	struct kind_case k;

	kind_init(&k, &probe_redis, "redis://");
	assert_int_equal(stream_case_talk(&k, script, &s).health.reason, PROBE_OK);
	assert_int_equal(s.end, ECONNRESET);
	buf_fini(&s.heard);
	stream_case_endless(&k, endless);
	kind_fini(&k);
}

/* A line without an end. */
static void test_flood(void **state ATTR_UNUSED)
{
	struct kind_case k;

	kind_init(&k, &probe_redis, "redis://");
	stream_case_flood(&k, "++++++++++++++++", 0);
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),    cmocka_unit_test(test_shown),
		cmocka_unit_test(test_no_answers), cmocka_unit_test(test_reset_in_mid_answer),
		cmocka_unit_test(test_pieces),     cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests_name("probe_redis", tests, NULL, NULL);
}
