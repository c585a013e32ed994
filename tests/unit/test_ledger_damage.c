/* test_ledger_damage.c: the ledger's file, cut at every byte, with every bit flipped, and
 * written by others. */
#include "tests/unit/ledger_dir.h"

/* Every prefix of the file opens with the state of its complete records. */
static void test_cut_at_every_byte(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT, expected = BUF_INIT, got = BUF_INIT;
	struct ledger_state s;
	struct ledger_file *f;

	write_sample(p);
	get_file(p, "ledger", &file);
	assert_true(file.len > 500);
	for (size_t len = 0; len <= file.len; len++) {
		size_t whole = len;

		while (whole > 0 && file.data[whole - 1] != '\n')
			whole--;
		put_file(p, "ledger", file.data, whole);
		describe_file(p, &expected);
		put_file(p, "ledger", file.data, len);
		f = open_file(p, &s);
		assert_false(s.damaged);
		assert_null(s.set_aside);
		describe(&s, &got);
		assert_string_equal(buf_str(&got), buf_str(&expected));
		/* It goes on, and what is written now is read next time. */
		assert_int_equal(commit(f, lift("nobody")), 0);
		ledger_file_free(f);
		describe_file(p, &got);
		assert_string_equal(buf_str(&got), buf_str(&expected));
	}
	/* Zeros instead of the tail, as a crash of the machine may leave. */
	memset(file.data + file.len - 20, 0, 20);
	put_file(p, "ledger", file.data, file.len);
	f = open_file(p, &s);
	assert_false(s.damaged);
	assert_int_equal(s.n_holds, 2);
	ledger_state_fini(&s);
	ledger_file_free(f);
	buf_fini(&file);
	buf_fini(&expected);
	buf_fini(&got);
}

/* Every flipped bit is told, and nothing of the file stands. */
static void test_flip_every_bit(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT;
	struct ledger_state s;

	write_sample(p);
	get_file(p, "ledger", &file);
	for (size_t i = 0; i < file.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			file.data[i] ^= (char)(1 << bit);
			put_file(p, "ledger", file.data, file.len);
			file.data[i] ^= (char)(1 << bit);
			buf_reset(&p->why);
			assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
			assert_true(s.damaged);
			assert_int_equal(s.n_holds + s.n_owned, 0);
			assert_non_null(strstr(s.damage, "line "));
			ledger_state_fini(&s);
		}
	}
	buf_fini(&file);
}

static void test_set_aside(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT, kept = BUF_INIT;
	struct ledger_state s;
	struct ledger_file *f;
	char *name;

	write_sample(p);
	get_file(p, "ledger", &file);
	/* In the record that lifts rule-2: without it that hold would stand again. */
	strstr(file.data, "\"lift\"")[2] ^= 1;
	put_file(p, "ledger", file.data, file.len);
	f = open_file(p, &s);
	assert_true(s.damaged);
	assert_string_equal(s.damage, "line 7 has a checksum that does not match");
	assert_int_equal(s.n_holds + s.n_owned, 0);
	name = s.set_aside + strlen(p->dir) + 1;
	assert_int_equal(strncmp(name, "ledger.damaged-2", 16), 0);
	get_file(p, name, &kept);
	assert_int_equal(kept.len, file.len);
	assert_memory_equal(kept.data, file.data, kept.len);
	ledger_state_fini(&s);
	ledger_file_free(f);
	/* The next start finds a whole one. */
	f = open_file(p, &s);
	assert_false(s.damaged);
	assert_int_equal(s.n_holds, 0);
	ledger_state_fini(&s);
	assert_int_equal(commit(f, place("op-9", HOLD_OPERATOR, "web9", 0)), 0);
	ledger_file_free(f);
	describe_file(p, &kept);
	assert_int_equal(strncmp(buf_str(&kept), "op-9 ", 5), 0);
	buf_fini(&file);
	buf_fini(&kept);
}

/* A place without its end. */
#define PLACE                                                                                      \
	"{\"type\":\"place\",\"id\":\"a\",\"class\":\"rule\",\"service\":\"s\",\"realserver\":"    \
	"\"r\","                                                                                   \
	"\"holder\":\"h\",\"effect\":104,\"reason\":\"\",\"since\":0,\"until\":0"

/* A ledger of before there was more to a hold is read as it is, and goes on. */
static void test_first_format(void **state)
{
	static const char *const lines[] = {
		"0 {\"ledger\":1}",
		"1 {\"type\":\"place\",\"id\":\"o1\",\"class\":\"operator\",\"service\":\"web\","
		"\"realserver\":\"web1\",\"holder\":\"ann\",\"effect\":0,\"reason\":\"deploy\","
		"\"since\":1700000000000,\"until\":0}",
	};
	struct place *p = *state;
	struct buf file = BUF_INIT;
	struct ledger_state s;
	struct ledger_file *f;

	for (size_t i = 0; i < countof(lines); i++)
		buf_printf(&file, "%08lx %s\n", crc32(0, (const Bytef *)lines[i], strlen(lines[i])),
			   lines[i]);
	put_file(p, "ledger", file.data, file.len);
	f = open_file(p, &s);
	assert_false(s.damaged);
	assert_int_equal(s.n_holds, 1);
	assert_string_equal(s.holds[0]->id, "o1");
	assert_string_equal(s.holds[0]->rule, "");
	assert_int_equal(s.holds[0]->drain_ms + s.holds[0]->weight, 0);
	assert_false(s.holds[0]->waiting);
	ledger_state_fini(&s);
	assert_int_equal(commit(f, place("op-9", HOLD_OPERATOR, "web1", HOLD_FREEZE)), 0);
	ledger_file_free(f);
	/* It is of this format now: an older agent leaves it alone. */
	get_file(p, "ledger", &file);
	assert_non_null(strstr(buf_str(&file), "{\"ledger\":3}"));
	f = open_file(p, &s);
	assert_int_equal(s.n_holds, 2);
	ledger_state_fini(&s);
	ledger_file_free(f);
	buf_fini(&file);
}

/* Whole lines, but not ours: the checksum is right in each. */
static void test_hostile(void **state)
{
	static const struct {
		const char *line; /* "SEQUENCE json"; the checksum is put before it */
		int error;        /* 0 = damaged */
		const char *why;
	} cases[] = {
		{ "0 {\"ledger\":4}", -EPROTONOSUPPORT,
		  "line 1 was written by a newer ipvs-agent (format 4; this one knows 3)" },
		{ "0 {\"ledger\":0}", 0, "line 1 is not a ledger's header" },
		{ "0 {\"ledger\":\"1\"}", 0, "line 1 is not a ledger's header" },
		{ "0 [1]", 0, "line 1 is not a JSON object" },
		{ "1 {\"type\":\"merge\"}", -EPROTONOSUPPORT,
		  "line 2 is of type 'merge', which only a newer ipvs-agent knows" },
		{ "1 {\"type\":7}", 0, "line 2 has no good \"type\"" },
		{ "1 {\"type\":\"fact\",\"name\":\"\",\"value\":\"a\"}", 0,
		  "line 2 has no good \"name\"" },
		{ "1 {\"type\":\"fact\",\"name\":\"role\"}", 0, "line 2 has no good \"value\"" },
		{ "2 {\"type\":\"lift\",\"id\":\"a\"}", 0,
		  "line 2 is not number 1 of the sequence" },
		{ "1 {\"type\":\"lift\",\"id\":\"\"}", 0, "line 2 has no good \"id\"" },
		{ "1 {\"type\":\"lift\",\"id\":1}", 0, "line 2 has no good \"id\"" },
		{ "1 {\"type\":\"lift\",\"id\":\"a\",\"id\":\"b\"}", 0,
		  "line 2 is not a JSON object" },
		{ "1 {\"type\":\"own\",\"proto\":\"tcp\"}", 0, "line 2 has no good \"address\"" },
		{ "1 {\"type\":\"own\",\"proto\":\"icmp\",\"address\":\"10.0.0.1:80\"}", 0,
		  "line 2 has no good \"proto\"" },
		{ "1 {\"type\":\"own\",\"fwmark\":0,\"family\":\"inet\"}", 0,
		  "line 2 has no good \"fwmark\"" },
		{ "1 {\"type\":\"own\",\"fwmark\":1,\"family\":\"unix\"}", 0,
		  "line 2 has no good \"family\"" },
		{ "1 {\"type\":\"place\",\"id\":\"a\",\"class\":\"king\"}", 0,
		  "line 2 has no good \"class\"" },
		{ "1 "
		  "{\"type\":\"place\",\"id\":\"a\",\"class\":\"rule\",\"service\":\"s\","
		  "\"realserver\":"
		  "\"r\",\"holder\":\"h\",\"effect\":106,\"reason\":\"\",\"since\":0,\"until\":0}",
		  0, "line 2 has no good \"effect\"" },
		{ "1 "
		  "{\"type\":\"place\",\"id\":\"a\",\"class\":\"rule\",\"service\":\"s\","
		  "\"realserver\":"
		  "\"r\",\"holder\":\"h\",\"effect\":0.5,\"reason\":\"\",\"since\":0,\"until\":0}",
		  0, "line 2 has no good \"effect\"" },
		{ "1 " PLACE ",\"weight\":0}", 0, "line 2 has no good \"weight\"" },
		{ "1 " PLACE ",\"weight\":4294967296}", 0, "line 2 has no good \"weight\"" },
		{ "1 " PLACE ",\"rule\":\"\"}", 0, "line 2 has no good \"rule\"" },
		{ "1 " PLACE ",\"rule\":7}", 0, "line 2 has no good \"rule\"" },
		{ "1 " PLACE ",\"starts\":-1}", 0, "line 2 has no good \"starts\"" },
		{ "1 " PLACE ",\"drain\":\"5m\"}", 0, "line 2 has no good \"drain\"" },
		{ "1 " PLACE ",\"waiting\":1}", 0, "line 2 has no good \"waiting\"" },
		{ "1 [[[[[[", 0, "line 2 is not a JSON object" },
	};
	struct place *p = *state;
	struct buf file = BUF_INIT;
	struct ledger_state s;
	char crc[16];

	for (size_t i = 0; i < countof(cases); i++) {
		buf_reset(&file);
		if (cases[i].line[0] != '0')
			assert_int_equal(record_put_header(&file), 0);
		snprintf(crc, sizeof(crc), "%08lx ",
			 crc32(0, (const Bytef *)cases[i].line, (uInt)strlen(cases[i].line)));
		buf_puts(&file, crc);
		buf_puts(&file, cases[i].line);
		buf_putc(&file, '\n');
		put_file(p, "ledger", file.data, file.len);
		buf_reset(&p->why);
		assert_int_equal(ledger_read(p->dir, &p->why, &s), cases[i].error);
		if (cases[i].error != 0) {
			assert_non_null(strstr(buf_str(&p->why), cases[i].why));
			continue;
		}
		assert_true(s.damaged);
		assert_string_equal(s.damage, cases[i].why);
		ledger_state_fini(&s);
	}
	buf_fini(&file);
}

static void test_newer_is_left_alone(void **state)
{
	static const char body[] = "0 {\"ledger\":9}";
	struct place *p = *state;
	struct buf file = BUF_INIT, after = BUF_INIT;
	struct ledger_state s;
	struct ledger_file *f = NULL;

	buf_printf(&file, "%08lx %s\n", crc32(0, (const Bytef *)body, strlen(body)), body);
	put_file(p, "ledger", file.data, file.len);
	assert_int_equal(ledger_file_open(p->dir, &p->why, &s, &f), -EPROTONOSUPPORT);
	assert_null(f);
	assert_non_null(strstr(buf_str(&p->why), "upgrade ipvs-agent, or move the file away"));
	get_file(p, "ledger", &after);
	assert_string_equal(buf_str(&after), buf_str(&file));
	/* Nor is what is no file at all read or replaced. */
	empty_dir(p);
	buf_reset(&after);
	buf_printf(&after, "%s/ledger", p->dir);
	assert_int_equal(mkfifo(buf_str(&after), 0600), 0);
	assert_int_equal(ledger_file_open(p->dir, &p->why, &s, &f), -ENOTSUP);
	buf_fini(&file);
	buf_fini(&after);
}

static void test_long_tail(void **state)
{
	struct place *p = *state;
	struct buf file = BUF_INIT;
	struct ledger_state s;

	assert_int_equal(record_put_header(&file), 0);
	for (int i = 0; i < 70000; i++)
		buf_putc(&file, 'x');
	put_file(p, "ledger", file.data, file.len);
	assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
	assert_true(s.damaged);
	assert_string_equal(s.damage, "line 2 is longer than any record");
	ledger_state_fini(&s);
	buf_reset(&file);
	for (int i = 0; i < 100; i++)
		buf_putc(&file, '\0');
	put_file(p, "ledger", file.data, file.len);
	assert_int_equal(ledger_read(p->dir, &p->why, &s), 0);
	assert_true(s.damaged);
	ledger_state_fini(&s);
	buf_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_cut_at_every_byte), test(test_flip_every_bit),
		test(test_first_format),      test(test_set_aside),
		test(test_hostile),           test(test_newer_is_left_alone),
		test(test_long_tail),
	};

	return cmocka_run_group_tests_name("ledger_damage", tests, NULL, NULL);
}
