/* test_probe_stream.c: the tcp kind where it sends and expects, against servers that go by
 * a script. What it does without is in test_probe_tcp.c. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/stream_case.h"

#define SIXTEEN "0123456789abcdef"
#define BLOCK                                                                                      \
	SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN    \
		SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static const struct stream_step hello_stays[] = { { SAY, "hello world\r\n", 0 },
						  { STAY, "", 0 },
						  END_OF_SCRIPT };
static const struct stream_step hello_ends[] = { { SAY, "hello world\r\n", 0 }, END_OF_SCRIPT };

/* --- answers ------------------------------------------------------------------ */

static const struct answer_case {
	const char *key, *value, *key2, *value2;
	const struct stream_step *script;
	enum probe_reason reason;
} answers[] = {
	/* The first match ends it: nobody waits for the server's end. */
	{ "expect", "lo wo", NULL, NULL, hello_stays, PROBE_OK },
	{ "expect_regex", "^hello\\s\\w+$", NULL, NULL, hello_stays, PROBE_OK },
	{ "expect", "hello", "expect_regex", "world", hello_stays, PROBE_OK },
	{ "expect", "hello", NULL, NULL, hello_ends, PROBE_OK },
	{ "expect", "Hello", NULL, NULL, hello_ends, PROBE_ANSWER_BODY },
	{ "expect_regex", "^world", NULL, NULL, hello_ends, PROBE_ANSWER_BODY },
	{ "expect", "hello", "expect_regex", "word", hello_ends, PROBE_ANSWER_BODY },
	{ "expect", "word", "expect_regex", "hello", hello_ends, PROBE_ANSWER_BODY },
	/* What stands behind max_answer is not read, and not waited for. */
	{ "expect", "hello", "max_answer", "5B", hello_stays, PROBE_OK },
	{ "expect", "hello ", "max_answer", "5B", hello_stays, PROBE_ANSWER_BODY },
	{ "expect_regex", "hello ", "max_answer", "5B", hello_stays, PROBE_ANSWER_BODY },
	/* An answer of any kind is enough, where something is sent. */
	{ "send", "x", NULL, NULL, hello_stays, PROBE_OK },
};

static void test_answers(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct target t;
	size_t i;

	for (i = 0; i < countof(answers); i++) {
		const struct answer_case *a = &answers[i];

		kind_init(&k, &probe_tcp, "tcp://");
		assert_int_equal(kind_set(&k, a->key, a->value), 0);
		if (a->key2)
			assert_int_equal(kind_set(&k, a->key2, a->value2), 0);
		t = stream_case_talk(&k, a->script, NULL);
		if (t.health.reason != a->reason)
			print_error("answer %zu: %s\n", i, probe_reasons[t.health.reason].slug);
		assert_int_equal(t.health.reason, a->reason);
		assert_true(t.connect_us > 0 && t.first_byte_us > 0);
		assert_true(t.connect_us + t.first_byte_us <= t.last_us);
		kind_fini(&k);
	}
}

/* Bytes as they are, a NUL too; and the connection is given up by reset. */
static void test_sends(void **state ATTR_UNUSED)
{
	static const char sent[] = "GET\r\n\t\\ \xff\0end";
	static const struct stream_step script[] = {
		{ HEAR, sent, sizeof(sent) - 1 }, { SAY, "+OK", 0 }, { STAY, "", 0 }, END_OF_SCRIPT
	};
	struct stream_server s;
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_tcp, "tcp://");
	assert_int_equal(kind_set(&k, "send", "GET\\r\\n\\t\\\\\\x20\\xFF\\x00end"), 0);
	assert_int_equal(kind_set(&k, "expect", "+OK"), 0);
	t = stream_case_talk(&k, script, &s);
	assert_int_equal(t.health.reason, PROBE_OK);
	assert_int_equal(t.health.verdict, VERDICT_UP);
	assert_int_equal(s.heard.len, sizeof(sent) - 1);
	assert_memory_equal(s.heard.data, sent, sizeof(sent) - 1);
	assert_int_equal(s.end, ECONNRESET);
	buf_fini(&s.heard);
	kind_fini(&k);
}

/* Garbage is an answer that does not match, whatever is in it. */
static void test_garbage(void **state ATTR_UNUSED)
{
	static const char garbage[] = "\0\xff\xc3\x28\x80\r\0\x1b[2J";
	static const struct stream_step script[] = { { SAY, garbage, sizeof(garbage) },
						     END_OF_SCRIPT };
	struct kind_case k;

	kind_init(&k, &probe_tcp, "tcp://");
	assert_int_equal(kind_set(&k, "expect_regex", "(?i)h.llo"), 0);
	assert_int_equal(stream_case_talk(&k, script, NULL).health.reason, PROBE_ANSWER_BODY);
	assert_int_equal(kind_set(&k, "expect_regex", "\\xff\\xc3\\(.\\r\\x00\\e\\["), 0);
	assert_int_equal(stream_case_talk(&k, script, NULL).health.reason, PROBE_OK);
	kind_fini(&k);
}

/* --- no answers --------------------------------------------------------------- */

static void test_no_answers(void **state ATTR_UNUSED)
{
	struct kind_case k;

	kind_init(&k, &probe_tcp, "tcp://");
	assert_int_equal(kind_set(&k, "send", "?"), 0);
	assert_int_equal(kind_set(&k, "expect", "hello"), 0);
	stream_case_no_answers(&k, hello_stays);
	kind_fini(&k);
}

/* What came before a reset does not match, and what would have is not known. */
static void test_reset_in_mid_answer(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = {
		{ SAY, "hel", 0 }, { HEAR, "?", 0 }, { RESET, "", 0 }, END_OF_SCRIPT
	};
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_tcp, "tcp://");
	assert_int_equal(kind_set(&k, "send", "?"), 0);
	assert_int_equal(kind_set(&k, "expect", "hello"), 0);
	t = stream_case_talk(&k, script, NULL);
	assert_int_equal(t.health.reason, PROBE_CONNECT_RESET);
	assert_int_equal(t.last_errno, ECONNRESET);
	assert_int_equal(t.health.verdict, VERDICT_DOWN);
	kind_fini(&k);
}

/* Each byte is looked at when it comes, and none of them moves the deadline. */
static void test_slow_drip(void **state ATTR_UNUSED)
{
	static const struct stream_step ends_well[] = { { DRIP, "hello", 0 },
							{ STAY, "", 0 },
							END_OF_SCRIPT };
	static const struct stream_step endless[] = { { DRIP, BLOCK BLOCK BLOCK BLOCK, 0 },
						      { STAY, "", 0 },
						      END_OF_SCRIPT };
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_tcp, "tcp://");
	assert_int_equal(kind_set(&k, "expect_regex", "^hello"), 0);
	assert_int_equal(stream_case_talk(&k, ends_well, NULL).health.reason, PROBE_OK);
	k.conf.timeout = 1000;
	t = stream_case_talk(&k, endless, NULL);
	assert_int_equal(t.health.reason, PROBE_ANSWER_TIMEOUT);
	assert_true(t.last_us >= 1000000 && t.last_us < 5000000);
	assert_true(t.first_byte_us > 0);
	kind_fini(&k);
}

static void test_flood(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = { { FLOOD, BLOCK, 0 }, END_OF_SCRIPT };
	struct stream_server s;
	struct kind_case k;

	kind_init(&k, &probe_tcp, "tcp://");
	assert_int_equal(kind_set(&k, "expect", "hello"), 0);
	assert_int_equal(stream_case_talk(&k, script, &s).health.reason, PROBE_ANSWER_BODY);
	assert_true(s.flooded < 10 << 20);
	buf_fini(&s.heard);
	kind_fini(&k);
}

/* A server that does not read what it is sent holds nobody up; send is bounded. */
static void test_does_not_read(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = {
		{ SAY, "hello", 0 }, { DRIP, BLOCK, 0 }, { STAY, "", 0 }, END_OF_SCRIPT
	};
	struct buf text = BUF_INIT;
	struct kind_case k;
	int i;

	for (i = 0; i < 16; i++)
		buf_puts(&text, BLOCK);
	kind_init(&k, &probe_tcp, "tcp://");
	assert_int_equal(kind_set(&k, "send", buf_str(&text)), 0);
	assert_int_equal(kind_set(&k, "expect", "hello"), 0);
	assert_int_equal(stream_case_talk(&k, script, NULL).health.reason, PROBE_OK);
	buf_puts(&text, "x");
	assert_int_equal(kind_set(&k, "send", buf_str(&text)), -EINVAL);
	buf_fini(&text);
	kind_fini(&k);
}

/* A pattern that would take for ever says nothing of the server, and takes no time. */
static void test_too_much_work(void **state ATTR_UNUSED)
{
	static const struct stream_step script[] = {
		{ SAY, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", 0 },
		END_OF_SCRIPT
	};
	struct kind_case k;
	struct target t;

	kind_init(&k, &probe_tcp, "tcp://");
	assert_int_equal(kind_set(&k, "expect_regex", "^(a+)+$"), 0);
	t = stream_case_talk(&k, script, NULL);
	assert_int_equal(t.health.reason, PROBE_LOCAL_CONFIG);
	assert_true(t.health.unknown);
	kind_fini(&k);
}

/* --- life --------------------------------------------------------------------- */

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Talks under way: one gets another configuration, which asks for nothing, while the old
 * one is freed; and one is under way at the end of it all. */
static void test_reload_and_end_under_way(void **state ATTR_UNUSED)
{
	static const uint32_t fresh[1] = { SCHED_NEW }, kept[1] = { 0 };
	static const struct stream_step silence[] = { { STAY, "", 0 }, END_OF_SCRIPT };
	const struct sched_limits limits = { 10 };
	struct kind_case *old = malloc(sizeof(*old)), k;
	struct layout_target asked = { 0 }, asked2 = { 0 };
	struct target t = { 0 }, t2 = { 0 };
	struct stream_server s;
	struct loop_timer *timer;
	struct probe_case c;

	kind_init(old, &probe_tcp, "tcp://");
	assert_int_equal(kind_set(old, "send", "hello"), 0);
	old->conf.timeout = 1000;
	kind_init(&k, &probe_tcp, "tcp://");
	case_init(&c, false);
	assert_int_equal(loop_timer_new(c.loop, "stop", stop, c.loop, &timer), 0);
	stream_server_start(&s, silence);
	asked.addr = asked2.addr = s.wire.addr;
	asked.conf = &old->conf;
	asked2.conf = &k.conf;
	assert_int_equal(sched_replace(c.sched, &asked, &t, 1, fresh, &limits), 0);
	loop_timer_start(timer, 500);
	loop_run(c.loop);
	assert_int_equal(c.outcomes, 0);
	assert_int_equal(sched_replace(c.sched, &asked2, &t2, 1, kept, &limits), 0);
	kind_fini(old);
	free(old);
	c.stop_after = 1;
	loop_run(c.loop);
	assert_int_equal(t2.health.reason, PROBE_OK);
	stream_server_stop(&s);
	assert_string_equal(buf_str(&s.heard), "hello");
	buf_fini(&s.heard);
	assert_int_equal(kind_set(&k, "send", "again"), 0);
	stream_server_start(&s, silence);
	asked2.addr = s.wire.addr;
	assert_int_equal(sched_replace(c.sched, &asked2, &t2, 1, fresh, &limits), 0);
	loop_timer_start(timer, 500);
	loop_run(c.loop);
	assert_int_equal(c.outcomes, 1);
	case_fini(&c);
	stream_server_stop(&s);
	assert_string_equal(buf_str(&s.heard), "again");
	buf_fini(&s.heard);
	target_fini(&t2);
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_sends),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_reset_in_mid_answer),
		cmocka_unit_test(test_slow_drip),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_does_not_read),
		cmocka_unit_test(test_too_much_work),
		cmocka_unit_test(test_reload_and_end_under_way),
	};

	return cmocka_run_group_tests_name("probe_stream", tests, NULL, NULL);
}
