/* test_probe_mysql.c: the mysql kind against servers that go by a script, in packets as
 * MySQL and MariaDB send them. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/stream_case.h"

/* One packet: its payload and its number; the head is put before it. */
struct packet {
	enum stream_op op; /* SAY = the server's, HEAR = ours */
	unsigned char number;
	const char *bytes; /* NULL ends */
	size_t len;
};

#define SAYS(number, text)                                                                         \
	{                                                                                          \
		SAY, number, text, sizeof(text) - 1                                                \
	}
#define HEARS(number, text)                                                                        \
	{                                                                                          \
		HEAR, number, text, sizeof(text) - 1                                               \
	}

#define GREETING                                                                                   \
	"\x0a"                                                                                     \
	"8.0.39\0\x07\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0"           \
	"ijklmnopqrst\0caching_sha2_password\0"
#define GREETING_40                                                                                \
	"\x0a"                                                                                     \
	"4.0.18\0\x07\0\0\0abcdefgh\0\x2c\x20\x08\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define GREETING_9                                                                                 \
	"\x09"                                                                                     \
	"3.21.0\0\x07\0\0\0abcdefgh\0"
#define LOGIN                                                                                      \
	"\x01\x82\x08\0\0\x10\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"               \
	"ipvs-agent\0\0mysql_native_password\0"
#define OK   "\0\0\0\x02\0\0\0"
#define QUIT "\x01"
#define SWITCH                                                                                     \
	"\xfe"                                                                                     \
	"caching_sha2_password\0"                                                                  \
	"01234567890123456789\0"

static const struct exchange {
	struct packet packets[8];
	enum probe_reason reason;
	int status;
	int end; /* how our end comes to the server; -1 = it goes first */
} exchanges[] = {
	/* let in, and out in good order */
	{ { SAYS(0, GREETING), HEARS(1, LOGIN), SAYS(2, OK), HEARS(0, QUIT) }, PROBE_OK, 0, -1 },
	{ { SAYS(0, GREETING), HEARS(1, LOGIN), SAYS(2, SWITCH), HEARS(3, ""), SAYS(4, OK),
	    HEARS(0, QUIT) },
	  PROBE_OK,
	  0,
	  -1 },
	{ { SAYS(0, GREETING), HEARS(1, LOGIN), SAYS(2, SWITCH), HEARS(3, ""), SAYS(4, "\x01\x03"),
	    SAYS(5, OK), HEARS(0, QUIT) },
	  PROBE_OK,
	  0,
	  -1 },
	/* methods that say otherwise that there is no password */
	{ { SAYS(0, GREETING), HEARS(1, LOGIN),
	    SAYS(2, "\xfe"
		    "sha256_password\0x"),
	    HEARS(3, "\0"), SAYS(4, OK), HEARS(0, QUIT) },
	  PROBE_OK,
	  0,
	  -1 },
	{ { SAYS(0, GREETING), HEARS(1, LOGIN), SAYS(2, "\xfe"), HEARS(3, "\0"), SAYS(4, OK),
	    HEARS(0, QUIT) },
	  PROBE_OK,
	  0,
	  -1 },
	/* turned down, by a server that serves */
	{ { SAYS(0, GREETING), HEARS(1, LOGIN), SAYS(2, "\xff\x15\x04#28000Access denied") },
	  PROBE_OK,
	  1045,
	  ECONNRESET },
	{ { SAYS(0, GREETING), HEARS(1, LOGIN), SAYS(2, SWITCH), HEARS(3, ""),
	    SAYS(4, "\xff\xa2\x06#28000Access denied") },
	  PROBE_OK,
	  1698,
	  ECONNRESET },
	{ { SAYS(0, "\xff\x6a\x04Host 'x' is not allowed") }, PROBE_OK, 1130, ECONNRESET },
	/* that is none */
	{ { SAYS(0, "\xff\x10\x04Too many connections") }, PROBE_ANSWER_STATUS, 1040, ECONNRESET },
	{ { SAYS(0, "\xff\x69\x04Host 'x' is blocked") }, PROBE_ANSWER_STATUS, 1129, ECONNRESET },
	{ { SAYS(1, "\xff\x10\x04#08004Too many connections") },
	  PROBE_ANSWER_STATUS,
	  1040,
	  ECONNRESET },
	{ { SAYS(0, GREETING), HEARS(1, LOGIN), SAYS(2, "\xff\x1d\x04#08S01Server shutdown") },
	  PROBE_ANSWER_STATUS,
	  1053,
	  ECONNRESET },
	/* too old to be logged in at */
	{ { SAYS(0, GREETING_40) }, PROBE_OK, 0, ECONNRESET },
	{ { SAYS(0, GREETING_9) }, PROBE_OK, 0, ECONNRESET },
	/* no sense */
	{ { SAYS(0, "\x0a"
		    "8.0.39\0abc") },
	  PROBE_ANSWER_MALFORMED,
	  0,
	  ECONNRESET },
	{ { SAYS(0, "\x0a"
		    "8.0.39") },
	  PROBE_ANSWER_MALFORMED,
	  0,
	  ECONNRESET },
	{ { SAYS(0, "\xff\x10") }, PROBE_ANSWER_MALFORMED, 0, ECONNRESET },
	{ { SAYS(0, "\x0b") }, PROBE_ANSWER_MALFORMED, 0, ECONNRESET },
	{ { SAYS(0, "") }, PROBE_ANSWER_MALFORMED, 0, ECONNRESET },
	{ { SAYS(0, GREETING), HEARS(1, LOGIN), SAYS(2, "\x0a") },
	  PROBE_ANSWER_MALFORMED,
	  0,
	  ECONNRESET },
};

static void put_packet(struct buf *out, const struct packet *p)
{
	buf_putc(out, (char)(p->len & 0xff));
	buf_putc(out, (char)(p->len >> 8));
	buf_putc(out, 0);
	buf_putc(out, (char)p->number);
	buf_put(out, p->bytes, p->len);
}

/* Plays one; `drip` = byte by byte. */
static void play(size_t i, bool drip)
{
	const struct exchange *e = &exchanges[i];
	struct stream_step script[countof(e->packets) + 2] = { 0 };
	struct buf bytes[countof(e->packets)] = { 0 }, heard = BUF_INIT;
	struct stream_server s;
	struct kind_case k;
	struct target t;
	size_t n;

	for (n = 0; e->packets[n].bytes; n++) {
		enum stream_op op = e->packets[n].op;

		put_packet(&bytes[n], &e->packets[n]);
		script[n] = (struct stream_step){ op == SAY && drip ? DRIP : op, bytes[n].data,
						  bytes[n].len };
		if (op == HEAR)
			buf_put(&heard, bytes[n].data, bytes[n].len);
	}
	if (e->end != -1)
		script[n] = (struct stream_step){ STAY, "", 0 };
	kind_init(&k, &probe_mysql, "mysql://");
	t = stream_case_talk(&k, script, &s);
	if (t.health.reason != e->reason || s.heard.len != heard.len || s.end != e->end)
		print_error("exchange %zu: %s, heard %zu of %zu, end %d\n", i,
			    probe_reasons[t.health.reason].slug, s.heard.len, heard.len, s.end);
	assert_int_equal(t.health.reason, e->reason);
	assert_int_equal(t.last_status, e->status);
	assert_int_equal(s.heard.len, heard.len);
	if (heard.len)
		assert_memory_equal(s.heard.data, heard.data, heard.len);
	assert_int_equal(s.end, e->end);
	for (n = 0; n < countof(bytes); n++)
		buf_fini(&bytes[n]);
	buf_fini(&heard);
	buf_fini(&s.heard);
	kind_fini(&k);
}

static void test_exchanges(void **state ATTR_UNUSED)
{
	size_t i;

	for (i = 0; i < countof(exchanges); i++)
		play(i, false);
}

/* Packets come as they come. */
static void test_pieces(void **state ATTR_UNUSED)
{
	play(0, true);
	play(2, true);
	play(6, true);
}

static void test_no_answers(void **state ATTR_UNUSED)
{
	static const char denied[] = "\x0f\0\0\0\xff\x6a\x04Host 'x' is";
	static const struct stream_step up[] = { { SAY, denied, 19 }, END_OF_SCRIPT };
	struct kind_case k;

	kind_init(&k, &probe_mysql, "mysql://");
	stream_case_no_answers(&k, up);
	kind_fini(&k);
}

/* In the middle of a packet: by a reset, by an end, and by nothing for ever. */
static void test_breaks_off(void **state ATTR_UNUSED)
{
	static const struct {
		struct stream_step script[4];
		enum probe_reason reason;
	} rows[] = {
		{ { { SAY, "\x4f\0\0\0\x0a", 5 }, END_OF_SCRIPT }, PROBE_CONNECT_RESET },
		{ { { SAY, "\x4f\0\0\0\x0a", 5 }, { RESET, "", 0 }, END_OF_SCRIPT },
		  PROBE_CONNECT_RESET },
		{ { { DRIP, "\x4f\0\0\0\x0a", 5 }, { STAY, "", 0 }, END_OF_SCRIPT },
		  PROBE_ANSWER_TIMEOUT },
		{ { { SAY, "SSH-2.0-OpenSSH_9.2\r\n", 0 }, { STAY, "", 0 }, END_OF_SCRIPT },
		  PROBE_ANSWER_MALFORMED },
		{ { { FLOOD, "\xff\xff\xff\xff\xff\xff\xff\xff", 8 }, END_OF_SCRIPT },
		  PROBE_ANSWER_MALFORMED },
	};
	struct kind_case k;
	struct target t;
	size_t i;

	kind_init(&k, &probe_mysql, "mysql://");
	k.conf.timeout = 1000;
	for (i = 0; i < countof(rows); i++) {
		t = stream_case_talk(&k, rows[i].script, NULL);
		assert_int_equal(t.health.reason, rows[i].reason);
	}
	kind_fini(&k);
}

/* After the greeting 10 MB of packets that go on about the method: they end somewhere. */
static void test_flood(void **state ATTR_UNUSED)
{
	struct packet greeting = SAYS(0, GREETING);
	struct buf bytes = BUF_INIT;
	struct stream_server s;
	struct kind_case k;

	put_packet(&bytes, &greeting);
	kind_init(&k, &probe_mysql, "mysql://");
	{
		const struct stream_step script[] = { { SAY, bytes.data, bytes.len },
						      { FLOOD, "\x02\0\0\x02\x01\x03", 6 },
						      END_OF_SCRIPT };

		assert_int_equal(stream_case_talk(&k, script, &s).health.reason,
				 PROBE_ANSWER_MALFORMED);
	}
	assert_true(s.flooded < 10 << 20);
	buf_fini(&s.heard);
	buf_fini(&bytes);
	kind_fini(&k);
}

static void test_user(void **state ATTR_UNUSED)
{
	struct packet greeting = SAYS(0, GREETING), denied = SAYS(2, "\xff\x15\x04no");
	struct buf bytes = BUF_INIT, reply = BUF_INIT;
	struct stream_server s;
	struct kind_case k;

	put_packet(&bytes, &greeting);
	put_packet(&reply, &denied);
	kind_init(&k, &probe_mysql, "mysql://");
	assert_string_equal(kind_get(&k, "user", 0), "ipvs-agent");
	assert_int_equal(kind_set(&k, "user", "bob"), 0);
	{
		/* 4 of head, 32 before the name, 2 behind it, 22 of the method */
		const struct stream_step script[] = { { SAY, bytes.data, bytes.len },
						      { HEAR, bytes.data, 4 + 32 + 3 + 2 + 22 },
						      { SAY, reply.data, reply.len },
						      { STAY, "", 0 },
						      END_OF_SCRIPT };

		assert_int_equal(stream_case_talk(&k, script, &s).health.reason, PROBE_OK);
	}
	assert_int_equal(s.heard.len, 63);
	assert_int_equal(s.heard.data[0], 59);
	assert_string_equal(s.heard.data + 36, "bob");
	buf_fini(&s.heard);
	buf_fini(&bytes);
	buf_fini(&reply);
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),  cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_no_answers), cmocka_unit_test(test_breaks_off),
		cmocka_unit_test(test_flood),      cmocka_unit_test(test_user),
	};

	return cmocka_run_group_tests_name("probe_mysql", tests, NULL, NULL);
}
