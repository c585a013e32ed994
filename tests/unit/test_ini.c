/* test_ini.c: the line reader around inih: what it counts, keeps and refuses. The
 * events of a text are written as text, so that each case reads as one. */
#include "agent/base/attr.h"
#include "agent/base/buf.h"
#include "conf/ini.h"
#include "tests/unit/t.h"

static void on_section(void *arg, const char *type, const char *name, unsigned int line)
{
	buf_printf(arg, "%u[%s|%s]\n", line, type, name ? name : "-");
}

static void on_key(void *arg, const char *key, const char *value, unsigned int line)
{
	buf_printf(arg, "%u%s=%s\n", line, key, value);
}

static void on_problem(void *arg, unsigned int line, const char *text, bool header)
{
	buf_printf(arg, "%u%c %s\n", line, header ? '!' : '?', text);
}

static const struct ini_sink sink = { .section = on_section, .key = on_key, .problem = on_problem };

static void expect(const char *bytes, size_t len, const char *events)
{
	struct buf out = BUF_INIT;

	assert_int_equal(ini_read(bytes, len, &sink, &out), 0);
	assert_string_equal(buf_str(&out), events);
	buf_fini(&out);
}

#define EXPECT(bytes, events) expect(bytes, sizeof(bytes) - 1, events)

static void keeps_values_whole(void **state ATTR_UNUSED)
{
	EXPECT("[a]\nk = one ; two\nl=tcp://[::1]:80 # x = y\nm = \" q \"\n",
	       "1[a|-]\n2k=one ; two\n3l=tcp://[::1]:80 # x = y\n4m=\" q \"\n");
}

static void trims_and_counts(void **state ATTR_UNUSED)
{
	EXPECT("\n \t\n# c\n  ; c\n [ a \t b-1 ]  \n\n\tk\t=\t v \t\n", "5[a|b-1]\n7k=v\n");
}

static void indented_line_is_a_key(void **state ATTR_UNUSED)
{
	EXPECT("[a]\nk = 1\n  l = 2\n", "1[a|-]\n2k=1\n3l=2\n");
}

static void takes_bom_crlf_and_no_newline(void **state ATTR_UNUSED)
{
	EXPECT("\xef\xbb\xbf[a]\r\nk = v\r\n\r\nl = w", "1[a|-]\n2k=v\n4l=w\n");
}

static void refuses_what_is_not_text(void **state ATTR_UNUSED)
{
	EXPECT("[a]\nk = a\0b\nl = \x1b[2J\nm = \xff\nn = \xc2\x9bq\no = \xed\xa0\x80\np = "
	       "\xc3\xa9\n",
	       "1[a|-]\n2? control character 0x00 in the line\n"
	       "3? control character 0x1b in the line\n4? the line is not UTF-8 text\n"
	       "5? the line is not UTF-8 text\n6? the line is not UTF-8 text\n7p=\xc3\xa9\n");
}

/* Also where eight bytes are looked at together. */
static void control_characters_anywhere(void **state ATTR_UNUSED)
{
	EXPECT("[a]\nkey = 1234567\x7f\nkey = 1234567\x1f 123456789\nkey\t=\t12345678 ~\n",
	       "1[a|-]\n2? control character 0x7f in the line\n"
	       "3? control character 0x1f in the line\n4key=12345678 ~\n");
}

static void comments_may_be_anything(void **state ATTR_UNUSED)
{
	EXPECT("; \xff\0\x1b\n[a]\n", "2[a|-]\n");
}

static void carriage_return_within_is_told(void **state ATTR_UNUSED)
{
	EXPECT("[a]\rk = v\n", "1? control character 0x0d in the line\n");
}

/* Without the NUL: in the middle of a text. */
static void put(char *at, const char *s)
{
	while (*s)
		*at++ = *s++;
}

static void long_lines(void **state ATTR_UNUSED)
{
	size_t len = 4 + INI_LINE_MAX + 1;
	char *text = malloc(len + 8), *want = malloc(len + 64);

	/* the longest that fits, then one byte more */
	put(text, "[a]\nk=");
	memset(text + 6, 'x', INI_LINE_MAX - 2);
	put(text + 4 + INI_LINE_MAX, "\nl=1");
	put(want, "1[a|-]\n2k=");
	memset(want + 10, 'x', INI_LINE_MAX - 2);
	put(want + 10 + INI_LINE_MAX - 2, "\n3l=1\n");
	want[10 + INI_LINE_MAX - 2 + 6] = '\0';
	expect(text, 4 + INI_LINE_MAX + 4, want);
	text[4 + INI_LINE_MAX] = 'x';
	put(text + 4 + INI_LINE_MAX + 1, "\nl=1");
	expect(text, 4 + INI_LINE_MAX + 5,
	       "1[a|-]\n2? the line is too long (8192 bytes at most)\n3l=1\n");
	free(text);
	free(want);
}

static void long_comment_is_told_too(void **state ATTR_UNUSED)
{
	char text[INI_LINE_MAX + 2];

	memset(text, ';', sizeof(text));
	expect(text, sizeof(text), "1? the line is too long (8192 bytes at most)\n");
}

static void bad_header_hides_its_keys(void **state ATTR_UNUSED)
{
	EXPECT("[a\nk = 1\nnonsense\n[b]\nk = 2\n",
	       "1! section header without its ']'\n4[b|-]\n5k=2\n");
}

static void empty_value_is_a_key(void **state ATTR_UNUSED)
{
	EXPECT("[a]\nk =\n", "1[a|-]\n2k=\n");
}

static void colon_never_separates(void **state ATTR_UNUSED)
{
	EXPECT("[a]\nk: v\nk:l = v\n",
	       "1[a|-]\n2? 'k: v' is neither 'key = value' nor a [section]\n"
	       "3? ':' in a key (keys and values are parted by '=')\n");
}

static void early_keys_are_told_once(void **state ATTR_UNUSED)
{
	EXPECT("k = 1\nl = 2\n[a]\nm = 3\n", "1? a key before the first [section]\n3[a|-]\n4m=3\n");
}

static void nothing_at_all(void **state ATTR_UNUSED)
{
	EXPECT("", "");
	EXPECT("\xef\xbb\xbf", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_values_whole),
		cmocka_unit_test(trims_and_counts),
		cmocka_unit_test(indented_line_is_a_key),
		cmocka_unit_test(takes_bom_crlf_and_no_newline),
		cmocka_unit_test(refuses_what_is_not_text),
		cmocka_unit_test(control_characters_anywhere),
		cmocka_unit_test(comments_may_be_anything),
		cmocka_unit_test(carriage_return_within_is_told),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(long_comment_is_told_too),
		cmocka_unit_test(bad_header_hides_its_keys),
		cmocka_unit_test(empty_value_is_a_key),
		cmocka_unit_test(colon_never_separates),
		cmocka_unit_test(early_keys_are_told_once),
		cmocka_unit_test(nothing_at_all),
	};

	return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
