/* test_key.c: each type of key: what it takes, how it writes it back, and the words
 * it refuses with. */
#include "conf/key.h"

#include <errno.h>

#include "agent/base/addr.h"
#include "conf/setter.h"
#include "tests/unit/t.h"

struct all {
	const char *text;
	bool flag;
	uint32_t u32;
	uint64_t u64;
	int64_t ms;
	int choice;
	struct conf_strings strings;
	struct addr addr;
	struct conf_rate rate;
};

static const struct conf_enum names[] = {
	{ "keep", 0 }, { "remove", 1 }, { "rm", 1 }, { NULL, 0 }
};

static struct arena arena;
static struct buf why;

static int fini(void **state ATTR_UNUSED)
{
	arena_fini(&arena);
	buf_fini(&why);
	return 0;
}

/* Sets `text`, then compares: the value as written back, or the refusal. */
static void check(const struct conf_key *key, const char *text, int result, const char *answer)
{
	struct all obj = { 0 };
	struct conf_env env = { .arena = &arena, .section = "test", .why = &why };
	void *field = (char *)&obj + key->offset;
	struct buf out = BUF_INIT;

	buf_reset(&why);
	assert_int_equal(key->type->set(field, text, key, &env), result);
	if (result) {
		const struct all zero = { 0 };

		assert_string_equal(buf_str(&why), answer);
		assert_memory_equal(&obj, &zero, sizeof(obj));
	} else {
		key->type->get(field, key, 0, &out);
		assert_string_equal(buf_str(&out), answer);
	}
	buf_fini(&out);
}

#define KEY(t, f, ...)                                                                             \
	&(const struct conf_key)                                                                   \
	{                                                                                          \
		.name = "k", .type = &(t), .offset = offsetof(struct all, f), __VA_ARGS__          \
	}
#define FINE(key, text, answer) check(key, text, 0, answer)
#define BAD(key, text, answer)  check(key, text, -EINVAL, answer)

static void strings(void **state ATTR_UNUSED)
{
	FINE(KEY(conf_string, text), "a b", "a b");
	BAD(KEY(conf_string, text, .max = 3), "abcd", "'abcd' is too long (3 characters at most)");
	FINE(KEY(conf_path, text), "/x/y", "/x/y");
	BAD(KEY(conf_path, text), "x/y", "'x/y' is not an absolute path (it must begin with '/')");
	FINE(KEY(conf_words, strings), "a, b,c  d", "a b c d");
	BAD(KEY(conf_words, strings), "a b a", "'a' stands there twice");
	BAD(KEY(conf_words, strings), " ,", "' ,' holds no word");
}

static void bools(void **state ATTR_UNUSED)
{
	FINE(KEY(conf_bool, flag), "yes", "on");
	FINE(KEY(conf_bool, flag, .def = "no"), "on", "yes");
	FINE(KEY(conf_bool, flag), "Off", "off");
	BAD(KEY(conf_bool, flag), "2", "'2' is neither on nor off (yes and no, too, are fine)");
}

static void numbers(void **state ATTR_UNUSED)
{
	FINE(KEY(conf_u32, u32), "4294967295", "4294967295");
	BAD(KEY(conf_u32, u32), "4294967296", "'4294967296' is too large a number");
	BAD(KEY(conf_u32, u32), "18446744073709551616",
	    "'18446744073709551616' is too large a number");
	BAD(KEY(conf_u32, u32), "0x10", "'0x10' is not a whole number");
	BAD(KEY(conf_u32, u32), "1.5", "'1.5' is not a whole number");
	BAD(KEY(conf_u32, u32, .min = 1, .max = 1000), "0", "'0' must be between 1 and 1000");
	BAD(KEY(conf_u32, u32, .min = 5), "4", "'4' must be at least 5");
	FINE(KEY(conf_u64, u64), "9223372036854775807", "9223372036854775807");
	BAD(KEY(conf_u64, u64), "9223372036854775808",
	    "'9223372036854775808' is too large a number");
}

static void durations(void **state ATTR_UNUSED)
{
	FINE(KEY(conf_duration, ms), "1h30m", "1h30m");
	FINE(KEY(conf_duration, ms), "90s", "1m30s");
	FINE(KEY(conf_duration, ms), "0", "0s");
	BAD(KEY(conf_duration, ms), "abc", "'abc' is not a duration (such as 500ms, 2s, 1h30m)");
	BAD(KEY(conf_duration, ms), "5", "'5' has no unit: write 5s or 5ms");
	BAD(KEY(conf_duration, ms), "11000d", "'11000d' is too long (10 years at most)");
	BAD(KEY(conf_duration, ms, .min = 100, .max = 60000), "2m",
	    "'2m' must be between 100ms and 1m");
}

static void shares_and_sizes(void **state ATTR_UNUSED)
{
	FINE(KEY(conf_share, u32), "50%", "50%");
	BAD(KEY(conf_share, u32), "50", "'50' is not a share (0% to 100%, such as 50%)");
	BAD(KEY(conf_share, u32, .max = 50), "51%", "'51%' must be between 0% and 50%");
	FINE(KEY(conf_size, u64), "2048KB", "2MB");
	FINE(KEY(conf_size, u64), "1000B", "1000B");
	BAD(KEY(conf_size, u64), "64", "'64' is not a size (such as 512B, 64KB, 16MB)");
	BAD(KEY(conf_size, u64), "99999999999GB", "'99999999999GB' is too large a size");
	BAD(KEY(conf_size, u64, .min = 1024, .max = 65536), "1B",
	    "'1B' must be between 1KB and 64KB");
}

static void enums(void **state ATTR_UNUSED)
{
	FINE(KEY(conf_enum_type, choice, .extra = names), "remove", "remove");
	FINE(KEY(conf_enum_type, choice, .extra = names), "rm", "remove");
	BAD(KEY(conf_enum_type, choice, .extra = names), "Keep", "'Keep' is none of keep, remove");
}

static void addresses_and_modes(void **state ATTR_UNUSED)
{
	FINE(KEY(conf_addr, addr), "[2001:db8::1]:80", "[2001:db8::1]:80");
	BAD(KEY(conf_addr, addr), "host", "'host' is not an address");
	FINE(KEY(conf_mode, u32), "0660", "0660");
	FINE(KEY(conf_mode, u32), "660", "0660");
	BAD(KEY(conf_mode, u32), "0680", "'0680' is not a file mode (such as 0660)");
	BAD(KEY(conf_mode, u32), "7777", "'7777' is not a file mode (such as 0660)");
}

static void long_text_is_shortened(void **state ATTR_UNUSED)
{
	struct buf out = BUF_INIT;
	char text[128];

	/* the 80th byte is within a character of two: it is left out */
	memset(text, 'x', 79);
	memcpy(text + 79, "\xc3\xa9yyyy", sizeof("\xc3\xa9yyyy"));
	conf_quote(&out, text);
	assert_int_equal(out.len, 1 + 79 + strlen("…") + 1);
	assert_memory_equal(out.data + 79, "x…'", strlen("x…'"));
	buf_fini(&out);
}

static void lists_append(void **state ATTR_UNUSED)
{
	const struct conf_key key = { .name = "k",
				      .type = &conf_strings_type,
				      .flags = CONF_LIST,
				      .def = "one\ntwo words\nthree" };
	uint32_t lines = 40;
	struct conf_env env = { .arena = &arena, .why = &why };
	struct conf_strings list = { 0 };
	struct buf out = BUF_INIT;
	int i;

	assert_int_equal(conf_default(&list, &key, &env), 0);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.items[1], "two words");
	/* the room is known: no copy is made on the way */
	list = (struct conf_strings){ 0 };
	env.keys = &key;
	env.n_keys = 1;
	env.key_lines = &lines;
	for (i = 0; i < 40; i++) {
		const char **was = list.items;

		assert_int_equal(key.type->set(&list, "x", &key, &env), 0);
		assert_true(i == 0 || was == list.items);
	}
	/* more than was known is still right */
	assert_int_equal(key.type->set(&list, "last", &key, &env), 0);
	assert_int_equal(key.type->count(&list, &key), 41);
	key.type->get(&list, &key, 40, &out);
	assert_string_equal(buf_str(&out), "last");
	buf_fini(&out);
}

static void find_and_suggest(void **state ATTR_UNUSED)
{
	const struct conf_key keys[] = { { .name = "scheduler" },
					 { .name = "weight" },
					 { .name = "upper" } };
	const char *near;

	assert_ptr_equal(conf_find("weight", keys, 3, &near), &keys[1]);
	assert_null(conf_find("schedular", keys, 3, &near));
	assert_string_equal(near, "scheduler");
	assert_null(conf_find("wieght", keys, 3, &near));
	assert_string_equal(near, "weight");
	assert_null(conf_find("wibble_wobble", keys, 3, &near));
	assert_null(near);
	assert_null(conf_find("x", keys, 0, &near));
	assert_null(near);
}

static void name_form(void **state ATTR_UNUSED)
{
	assert_true(conf_name_ok("web-1.example_net"));
	assert_true(conf_name_ok("0123456789012345678901234567890123456789"));
	assert_false(conf_name_ok("01234567890123456789012345678901234567890"));
	assert_false(conf_name_ok(""));
	assert_false(conf_name_ok(".."));
	assert_false(conf_name_ok("a/b"));
	assert_false(conf_name_ok("a b"));
}

static void rates(void **state ATTR_UNUSED)
{
	const struct conf_key *key = KEY(conf_rate_type, rate);
	struct all obj = { 0 };
	struct conf_env env = { .arena = &arena, .section = "test", .why = &why };

	FINE(key, "10/m", "10/m");
	FINE(key, "1/s", "1/s");
	FINE(key, "1000000/h", "1000000/h");
	FINE(key, "0", "0");
	FINE(key, "0/h", "0");
	BAD(key, "10", "'10' has no unit: write 10/s, 10/m or 10/h");
	BAD(key, "1000001/s", "'1000001/s' is too large a rate (1000000 at most)");
	BAD(key, "10000000000000000000000000/s",
	    "'10000000000000000000000000/s' is too large a rate (1000000 at most)");
	BAD(key, "10/d", "'10/d' is not a rate (such as 10/m; units s, m, h; 0 is no limit)");
	BAD(key, "10/", "'10/' is not a rate (such as 10/m; units s, m, h; 0 is no limit)");
	BAD(key, "/m", "'/m' is not a rate (such as 10/m; units s, m, h; 0 is no limit)");
	BAD(key, "", "'' is not a rate (such as 10/m; units s, m, h; 0 is no limit)");
	BAD(key, "-1/m", "'-1/m' is not a rate (such as 10/m; units s, m, h; 0 is no limit)");
	BAD(key, "10 / m", "'10 / m' is not a rate (such as 10/m; units s, m, h; 0 is no limit)");
	BAD(key, "10/m ", "'10/m ' is not a rate (such as 10/m; units s, m, h; 0 is no limit)");
	assert_int_equal(key->type->set(&obj.rate, "7/h", key, &env), 0);
	assert_int_equal(obj.rate.n, 7);
	assert_int_equal(obj.rate.per_ms, 3600 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),
		cmocka_unit_test(strings),
		cmocka_unit_test(bools),
		cmocka_unit_test(numbers),
		cmocka_unit_test(durations),
		cmocka_unit_test(shares_and_sizes),
		cmocka_unit_test(enums),
		cmocka_unit_test(addresses_and_modes),
		cmocka_unit_test(long_text_is_shortened),
		cmocka_unit_test(lists_append),
		cmocka_unit_test(find_and_suggest),
		cmocka_unit_test(name_form),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, fini);
}
