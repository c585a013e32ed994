/* test_probe_ldap.c: the ldap kind against servers that go by a script. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/stream_case.h"

#define BIND   "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00"
#define UNBIND "\x30\x05\x02\x01\x02\x42\x00"

/* An answer to message 1: its result's code, no names and no text. */
#define ANSWER(code) "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01" code "\x04\x00\x04\x00"

#define B(bytes) bytes, sizeof(bytes) - 1

static const struct {
	const char *what, *answer;
	size_t len;
	enum probe_reason reason;
	uint16_t status;
} answers[] = {
	{ "success", B(ANSWER("\x00")), PROBE_OK, 0 },
	{ "no such version", B(ANSWER("\x02")), PROBE_OK, 0 },
	{ "stronger, please", B(ANSWER("\x08")), PROBE_OK, 0 },
	{ "only with TLS", B(ANSWER("\x0d")), PROBE_OK, 0 },
	{ "nobody anonymous", B(ANSWER("\x30")), PROBE_OK, 0 },
	{ "unwilling", B(ANSWER("\x35")), PROBE_OK, 0 },
	{ "operations error", B(ANSWER("\x01")), PROBE_ANSWER_STATUS, 1 },
	{ "referral", B(ANSWER("\x0a")), PROBE_ANSWER_STATUS, 10 },
	{ "busy", B(ANSWER("\x33")), PROBE_ANSWER_STATUS, 51 },
	{ "unavailable", B(ANSWER("\x34")), PROBE_ANSWER_STATUS, 52 },
	{ "a code that nobody knows", B(ANSWER("\x7f")), PROBE_ANSWER_STATUS, 127 },
	{ "with a text",
	  B("\x30\x10\x02\x01\x01\x61\x0b\x0a\x01\x33\x04\x00\x04\x04"
	    "busy"),
	  PROBE_ANSWER_STATUS, 51 },
	{ "lengths of four bytes, as by Active Directory",
	  B("\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04"
	    "\x00"),
	  PROBE_OK, 0 },
	{ "more behind the result",
	  B("\x30\x0f\x02\x01\x01\x61\x0a\x0a\x01\x00\x04\x00\x04\x00\x87\x01x"), PROBE_OK, 0 },
	{ "controls behind it, and the next message",
	  B("\x30\x0e\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00\xa0\x00\x30\x84"), PROBE_OK,
	  0 },
	{ "a notice that it hangs up",
	  B("\x30\x24\x02\x01\x00\x78\x1f\x0a\x01\x34\x04\x00\x04\x00\x8a\x16"
	    "1.3.6.1.4.1.1466.20036"),
	  PROBE_ANSWER_STATUS, 52 },
	{ "a notice of success is none",
	  B("\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), PROBE_ANSWER_STATUS, 0 },
	/* nonsense */
	{ "http", B("HTTP/1.1 400 Bad Request\r\n"), PROBE_ANSWER_MALFORMED, 0 },
	{ "tls", B("\x15\x03\x03\0\x02\x02\x46"), PROBE_ANSWER_MALFORMED, 0 },
	{ "another number", B("\x30\x0c\x02\x01\x02\x61\x07\x0a\x01\x00\x04\x00\x04\x00"),
	  PROBE_ANSWER_MALFORMED, 0 },
	{ "a number of five bytes",
	  B("\x30\x10\x02\x05\x00\x00\x00\x00\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"),
	  PROBE_ANSWER_MALFORMED, 0 },
	{ "no number", B("\x30\x0b\x02\x00\x61\x07\x0a\x01\x00\x04\x00\x04\x00"),
	  PROBE_ANSWER_MALFORMED, 0 },
	{ "another answer", B("\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00"),
	  PROBE_ANSWER_MALFORMED, 0 },
	{ "an answer to nothing, number 1",
	  B("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00"), PROBE_ANSWER_MALFORMED,
	  0 },
	{ "no answer in it", B("\x30\x03\x02\x01\x01"), PROBE_ANSWER_MALFORMED, 0 },
	{ "nothing in it", B("\x30\x00"), PROBE_ANSWER_MALFORMED, 0 },
	{ "no code", B("\x30\x05\x02\x01\x01\x61\x00"), PROBE_ANSWER_MALFORMED, 0 },
	{ "a code below 0", B(ANSWER("\xff")), PROBE_ANSWER_MALFORMED, 0 },
	{ "no text", B("\x30\x0a\x02\x01\x01\x61\x05\x0a\x01\x00\x04\x00"), PROBE_ANSWER_MALFORMED,
	  0 },
	{ "a text beyond the end", B("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x7f"),
	  PROBE_ANSWER_MALFORMED, 0 },
	{ "a result beyond the end", B("\x30\x0c\x02\x01\x01\x61\x08\x0a\x01\x00\x04\x00\x04\x00"),
	  PROBE_ANSWER_MALFORMED, 0 },
	{ "a length without an end", B("\x30\x80\x02\x01\x01"), PROBE_ANSWER_MALFORMED, 0 },
	{ "a length of five bytes", B("\x30\x85\x00\x00\x00\x00\x0c"), PROBE_ANSWER_MALFORMED, 0 },
	{ "4 GB", B("\x30\x84\xff\xff\xff\xff"), PROBE_ANSWER_MALFORMED, 0 },
	/* in the middle of it */
	{ "a byte", B("\x30"), PROBE_CONNECT_RESET, 0 },
	{ "half a length", B("\x30\x84\x00"), PROBE_CONNECT_RESET, 0 },
	{ "half a message", B("\x30\x0c\x02\x01\x01\x61\x07"), PROBE_CONNECT_RESET, 0 },
};

/* Who is not turned away takes leave, in good order. */
static void test_answers(void **state ATTR_UNUSED)
{
	struct stream_server s;
	struct kind_case k;
	struct target t;
	size_t i;

	kind_init(&k, &probe_ldap, "ldap://");
	for (i = 0; i < countof(answers); i++) {
		bool ok = answers[i].reason == PROBE_OK;
		const struct stream_step script[] = { { HEAR, B(BIND) },
						      { SAY, answers[i].answer, answers[i].len },
						      { ok ? STAY : SAY, "", 0 },
						      END_OF_SCRIPT };

		t = stream_case_talk(&k, script, &s);
		if (t.health.reason != answers[i].reason)
			print_error("%s: %s\n", answers[i].what,
				    probe_reasons[t.health.reason].slug);
		assert_int_equal(t.health.reason, answers[i].reason);
		assert_int_equal(t.last_status, answers[i].status);
		assert_int_equal(s.heard.len, ok ? sizeof(BIND UNBIND) - 1 : sizeof(BIND) - 1);
		assert_memory_equal(s.heard.data, BIND UNBIND, s.heard.len);
		assert_int_equal(s.end, ok ? 0 : -1);
		buf_fini(&s.heard);
	}
	kind_fini(&k);
}

static void test_status_text(void **state ATTR_UNUSED)
{
	assert_string_equal(probe_ldap.status_text(51), "busy");
	assert_null(probe_ldap.status_text(0));
	assert_null(probe_ldap.status_text(-1));
	assert_null(probe_ldap.status_text(81));
}

static void test_no_answers(void **state ATTR_UNUSED)
{
	static const struct stream_step up[] = {
		{ HEAR, B(BIND) }, { SAY, B(ANSWER("\x00")) }, { STAY, "", 0 }, END_OF_SCRIPT
	};
	struct kind_case k;

	kind_init(&k, &probe_ldap, "ldap://");
	stream_case_no_answers(&k, up);
	kind_fini(&k);
}

static void test_reset_in_mid_answer(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = {
		{ SAY, "\x30\x0c", 0 }, { HEAR, B(BIND) }, { RESET, "", 0 }, END_OF_SCRIPT
	};
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_ldap, "ldap://");
	t = stream_case_talk(&k, script, NULL);
	assert_int_equal(t.health.reason, PROBE_CONNECT_RESET);
	assert_int_equal(t.last_errno, ECONNRESET);
	kind_fini(&k);
}

static void test_pieces(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = {
		{ HEAR, B(BIND) }, { DRIP, B(ANSWER("\x00")) }, { STAY, "", 0 }, END_OF_SCRIPT
	};
	/* 4000 bytes are to come */
	static const char drip[200] = "\x30\x82\x0f\xa0\x02\x01\x01\x61\x82\x0f\x99";
	static const struct stream_step endless[] = {
		{ HEAR, B(BIND) }, { DRIP, drip, sizeof(drip) }, { STAY, "", 0 }, END_OF_SCRIPT
	};
	struct kind_case k;

	kind_init(&k, &probe_ldap, "ldap://");
	assert_int_equal(stream_case_talk(&k, script, NULL).health.reason, PROBE_OK);
	stream_case_endless(&k, endless);
	kind_fini(&k);
}

/* 10 MB of a message that would be as long as one may be. */
static void test_flood(void **state ATTR_UNUSED)
{
	struct kind_case k;

	kind_init(&k, &probe_ldap, "ldap://");
	stream_case_flood(&k, "\x30\x82\x10\x00", 4);
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),    cmocka_unit_test(test_status_text),
		cmocka_unit_test(test_no_answers), cmocka_unit_test(test_reset_in_mid_answer),
		cmocka_unit_test(test_pieces),     cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests_name("probe_ldap", tests, NULL, NULL);
}
