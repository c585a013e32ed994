/* test_probe_ftp.c: the ftp kind against servers that go by a script. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/stream_case.h"

#define QUIT "QUIT\r\n"

static const struct {
	const char *greeting;
	size_t len; /* 0 = by strlen() */
	enum probe_reason reason;
	uint16_t status;
} greetings[] = {
	{ "220 (vsFTPd 3.0.3)\r\n", 0, PROBE_OK, 220 },
	{ "220\r\n", 0, PROBE_OK, 220 },
	{ "220 \n", 0, PROBE_OK, 220 },
	{ "220-Welcome\r\n221 is no end\r\n 220 nor this\r\n220-nor this\r\n220 now\r\n", 0,
	  PROBE_OK, 220 },
	{ "220-\r\n220 \r\n", 0, PROBE_OK, 220 },
	/* it serves nobody, or not now */
	{ "120 Service ready in 5 minutes\r\n", 0, PROBE_ANSWER_STATUS, 120 },
	{ "421 Too many users\r\n", 0, PROBE_ANSWER_STATUS, 421 },
	{ "421-Too many users\r\n421 Come back\r\n", 0, PROBE_ANSWER_STATUS, 421 },
	{ "500 OOPS: vsftpd: not configured for standalone\r\n", 0, PROBE_ANSWER_STATUS, 500 },
	{ "221 Goodbye\r\n", 0, PROBE_ANSWER_STATUS, 221 },
	/* somebody else, or in the middle of it */
	{ "SSH-2.0-OpenSSH_9.2p1\r\n", 0, PROBE_ANSWER_MALFORMED, 0 },
	{ "22", 0, PROBE_CONNECT_RESET, 0 },
	{ "220", 0, PROBE_CONNECT_RESET, 0 },
	{ "220 half a line", 0, PROBE_CONNECT_RESET, 0 },
	{ "220-Welcome\r\n220-again\r\n", 0, PROBE_CONNECT_RESET, 0 },
	{ "220-Welcome\r\n220 half a line", 0, PROBE_CONNECT_RESET, 0 },
	{ "2200 Welcome\r\n", 0, PROBE_ANSWER_MALFORMED, 0 },
	{ "22x", 0, PROBE_ANSWER_MALFORMED, 0 },
	{ "220\0 ", 5, PROBE_ANSWER_MALFORMED, 0 },
	{ "\x15\x03\x03\0\x02\x02\x46", 7, PROBE_ANSWER_MALFORMED, 0 },
};

/* Who is greeted says goodbye, and closes in good order. */
static void test_greetings(void **state ATTR_UNUSED)
{
	struct stream_server s;
	struct kind_case k;
	struct target t;
	size_t i;

	kind_init(&k, &probe_ftp, "ftp://");
	for (i = 0; i < countof(greetings); i++) {
		bool ok = greetings[i].reason == PROBE_OK;
		const struct stream_step script[] = {
			{ SAY, greetings[i].greeting, greetings[i].len },
			{ ok ? STAY : SAY, "", 0 },
			END_OF_SCRIPT,
		};

		t = stream_case_talk(&k, script, &s);
		if (t.health.reason != greetings[i].reason)
			print_error("greeting %zu: %s\n", i, probe_reasons[t.health.reason].slug);
		assert_int_equal(t.health.reason, greetings[i].reason);
		assert_int_equal(t.last_status, greetings[i].status);
		assert_true(t.connect_us > 0 && t.first_byte_us > 0);
		assert_string_equal(buf_str(&s.heard), ok ? QUIT : "");
		assert_int_equal(s.end, ok ? 0 : -1);
		buf_fini(&s.heard);
	}
	kind_fini(&k);
}

static void test_no_answers(void **state ATTR_UNUSED)
{
	static const struct stream_step up[] = { { SAY, "220 ready\r\n", 0 },
						 { STAY, "", 0 },
						 END_OF_SCRIPT };
	struct kind_case k;

	kind_init(&k, &probe_ftp, "ftp://");
	stream_case_no_answers(&k, up);
	kind_fini(&k);
}

static void test_reset_in_mid_answer(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = { { SAY, "220-Welcome\r\n", 0 },
						     { RESET, "", 0 },
						     END_OF_SCRIPT };
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_ftp, "ftp://");
	t = stream_case_talk(&k, script, NULL);
	assert_int_equal(t.health.reason, PROBE_CONNECT_RESET);
	assert_int_equal(t.last_errno, ECONNRESET);
	kind_fini(&k);
}

static void test_pieces(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = { { DRIP, "220-Welcome\r\n220 ready\r\n", 0 },
						     { STAY, "", 0 },
						     END_OF_SCRIPT };
	static const struct stream_step endless[] = {
		{ DRIP,
		  "220-                                                                    "
		  "                                                                        ",
		  0 },
		{ STAY, "", 0 },
		END_OF_SCRIPT
	};
	struct stream_server s;
	struct kind_case k;

	kind_init(&k, &probe_ftp, "ftp://");
	assert_int_equal(stream_case_talk(&k, script, &s).health.reason, PROBE_OK);
	assert_string_equal(buf_str(&s.heard), QUIT);
	buf_fini(&s.heard);
	stream_case_endless(&k, endless);
	kind_fini(&k);
}

/* A greeting, or a line of it, without an end. */
static void test_floods(void **state ATTR_UNUSED)
{
	static const char *const floods[] = { "220-welcome\r\n", "220 welcome " };
	struct stream_server s;
	struct kind_case k;
	size_t i;

	kind_init(&k, &probe_ftp, "ftp://");
	for (i = 0; i < countof(floods); i++) {
		const struct stream_step script[] = { { FLOOD, floods[i], 0 }, END_OF_SCRIPT };

		assert_int_equal(stream_case_talk(&k, script, &s).health.reason,
				 PROBE_ANSWER_MALFORMED);
		assert_true(s.flooded < 10 << 20);
		buf_fini(&s.heard);
	}
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greetings),
		cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_reset_in_mid_answer),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_floods),
	};

	return cmocka_run_group_tests_name("probe_ftp", tests, NULL, NULL);
}
