/* test_probe_pgsql.c: the pgsql kind against servers that go by a script. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/stream_case.h"

#define REQUEST "\0\0\0\x08\x04\xd2\x16\x30"

/* As server 11 and earlier say it, in the protocol 3. */
#define TOO_OLD                                                                                    \
	"E\0\0\0\x8bSFATAL\0VFATAL\0C0A000\0Munsupported frontend protocol 1234.5680: server "     \
	"supports 2.0 to 3.0\0Fpostmaster.c\0\0"

static const struct {
	const char *answer;
	size_t len;
	enum probe_reason reason;
	int end; /* how our end comes to the server */
} answers[] = {
	/* After a yes nothing minds a reset; after a no it would be logged. */
	{ "G", 1, PROBE_OK, ECONNRESET },
	{ "N", 1, PROBE_OK, 0 },
	{ TOO_OLD, sizeof(TOO_OLD) - 1, PROBE_OK, ECONNRESET },
	{ "S", 1, PROBE_ANSWER_MALFORMED, ECONNRESET },
	{ "\0", 1, PROBE_ANSWER_MALFORMED, ECONNRESET },
	{ "SSH-2.0-OpenSSH_9.2\r\n", 21, PROBE_ANSWER_MALFORMED, ECONNRESET },
};

static void test_answers(void **state ATTR_UNUSED)
{
	struct stream_server s;
	struct kind_case k;
	struct target t;
	size_t i;

	kind_init(&k, &probe_pgsql, "pgsql://");
	for (i = 0; i < countof(answers); i++) {
		const struct stream_step script[] = { { HEAR, REQUEST, 8 },
						      { SAY, answers[i].answer, answers[i].len },
						      { STAY, "", 0 },
						      END_OF_SCRIPT };

		t = stream_case_talk(&k, script, &s);
		if (t.health.reason != answers[i].reason || s.end != answers[i].end)
			print_error("answer %zu: %s, %d\n", i, probe_reasons[t.health.reason].slug,
				    s.end);
		assert_int_equal(t.health.reason, answers[i].reason);
		assert_int_equal(s.end, answers[i].end);
		assert_int_equal(s.heard.len, 8);
		assert_memory_equal(s.heard.data, REQUEST, 8);
		assert_true(t.connect_us > 0 && t.first_byte_us > 0);
		buf_fini(&s.heard);
	}
	kind_fini(&k);
}

/* An error is heard to its end, and judged by it. */
static void test_errors(void **state ATTR_UNUSED)
{
	static const char error[] = "Ecould not fork new process for connection: Resource "
				    "temporarily unavailable\n";
	static const struct stream_step script[] = { { HEAR, REQUEST, 8 },
						     { DRIP, error, sizeof(error) },
						     END_OF_SCRIPT };
	static const struct stream_step too_old[] = { { HEAR, REQUEST, 8 },
						      { DRIP, TOO_OLD, sizeof(TOO_OLD) - 1 },
						      END_OF_SCRIPT };
	struct kind_case k;

	kind_init(&k, &probe_pgsql, "pgsql://");
	assert_int_equal(stream_case_talk(&k, script, NULL).health.reason, PROBE_ANSWER_BODY);
	assert_int_equal(stream_case_talk(&k, too_old, NULL).health.reason, PROBE_OK);
	kind_fini(&k);
}

/* After a no the verdict stands, whatever the server does then. */
static void test_after_a_no(void **state ATTR_UNUSED)
{
	static const struct stream_step closes[] = { { HEAR, REQUEST, 8 },
						     { SAY, "N", 1 },
						     END_OF_SCRIPT };
	static const struct stream_step resets[] = {
		{ HEAR, REQUEST, 8 }, { SAY, "N", 1 }, { RESET, "", 0 }, END_OF_SCRIPT
	};
	static const struct stream_step talks[] = {
		{ HEAR, REQUEST, 8 }, { SAY, "N", 1 }, { FLOOD, "more and more ", 0 }, END_OF_SCRIPT
	};
	static const struct stream_step lingers[] = { { HEAR, REQUEST, 8 },
						      { SAY, "N", 1 },
						      { DRIP,
							"........................................"
							"........................................"
							"........................................"
							"........................................",
							0 },
						      { STAY, "", 0 },
						      END_OF_SCRIPT };
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_pgsql, "pgsql://");
	assert_int_equal(stream_case_talk(&k, closes, NULL).health.reason, PROBE_OK);
	assert_int_equal(stream_case_talk(&k, resets, NULL).health.reason, PROBE_OK);
	assert_int_equal(stream_case_talk(&k, talks, NULL).health.reason, PROBE_OK);
	k.conf.timeout = 1000;
	t = stream_case_talk(&k, lingers, NULL);
	assert_int_equal(t.health.reason, PROBE_OK);
	assert_true(t.last_us >= 1000000 && t.last_us < 5000000);
	kind_fini(&k);
}

static void test_no_answers(void **state ATTR_UNUSED)
{
	static const struct stream_step up[] = {
		{ HEAR, REQUEST, 8 }, { SAY, "N", 1 }, { STAY, "", 0 }, END_OF_SCRIPT
	};
	struct kind_case k;

	kind_init(&k, &probe_pgsql, "pgsql://");
	stream_case_no_answers(&k, up);
	kind_fini(&k);
}

static void test_reset_and_drip(void **state ATTR_UNUSED)
{
	static const struct stream_step reset[] = {
		{ SAY, "Ecould", 0 }, { HEAR, REQUEST, 8 }, { RESET, "", 0 }, END_OF_SCRIPT
	};
	static const struct stream_step endless[] = {
		{ DRIP, "E.......................................................................",
		  0 },
		{ DRIP, "........................................................................",
		  0 },
		{ STAY, "", 0 },
		END_OF_SCRIPT
	};
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_pgsql, "pgsql://");
	t = stream_case_talk(&k, reset, NULL);
	assert_int_equal(t.health.reason, PROBE_CONNECT_RESET);
	assert_int_equal(t.last_errno, ECONNRESET);
	stream_case_endless(&k, endless);
	kind_fini(&k);
}

static void test_flood(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = { { FLOOD, "Error Error Error ", 0 },
						     END_OF_SCRIPT };
	struct stream_server s;
	struct kind_case k;

	kind_init(&k, &probe_pgsql, "pgsql://");
	assert_int_equal(stream_case_talk(&k, script, &s).health.reason, PROBE_ANSWER_BODY);
	assert_true(s.flooded < 10 << 20);
	buf_fini(&s.heard);
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),        cmocka_unit_test(test_errors),
		cmocka_unit_test(test_after_a_no),     cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_reset_and_drip), cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests_name("probe_pgsql", tests, NULL, NULL);
}
