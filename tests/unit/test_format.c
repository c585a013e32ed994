/* test_format.c: how values and labels are spelled, and which format an Accept
 * header gets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/metrics/expose.h"
#include "agent/metrics/format.h"

static void test_values(void **state ATTR_UNUSED)
{
	static const struct {
		struct metric_value value;
		const char *text;
	} cases[] = {
		{ { METRIC_U64, { .u = 0 } }, "0" },
		{ { METRIC_U64, { .u = UINT64_MAX } }, "18446744073709551615" },
		{ { METRIC_I64, { .i = INT64_MIN } }, "-9223372036854775808" },
		{ { METRIC_F64, { .f = 0.1 } }, "0.1" },
		{ { METRIC_F64, { .f = 1.0 / 3 } }, "0.3333333333333333" },
		{ { METRIC_F64, { .f = 0.1 + 0.2 } }, "0.30000000000000004" },
		{ { METRIC_F64, { .f = 5e-324 } }, "4.94065645841247e-324" },
		{ { METRIC_F64, { .f = 1.7976931348623157e308 } }, "1.7976931348623157e+308" },
		{ { METRIC_F64, { .f = -0.0 } }, "-0" },
		{ { METRIC_F64, { .f = 3 } }, "3" },
		{ { METRIC_F64, { .f = NAN } }, "NaN" },
		{ { METRIC_F64, { .f = -NAN } }, "NaN" },
		{ { METRIC_F64, { .f = INFINITY } }, "+Inf" },
		{ { METRIC_F64, { .f = -INFINITY } }, "-Inf" },
		{ { METRIC_US, { .i = 0 } }, "0" },
		{ { METRIC_US, { .i = 1 } }, "0.000001" },
		{ { METRIC_US, { .i = 1500000 } }, "1.5" },
		{ { METRIC_US, { .i = 1000010 } }, "1.00001" },
		{ { METRIC_US, { .i = -250000 } }, "-0.25" },
		{ { METRIC_US, { .i = INT64_MIN } }, "-9223372036854.775808" },
		{ { METRIC_MS, { .i = 1763818000123 } }, "1763818000.123" },
		{ { METRIC_MS, { .i = 60000 } }, "60" },
	};
	char text[METRIC_VALUE_MAX];
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		size_t len = metric_format_value(text, &cases[i].value);

		assert_int_equal(len, strlen(cases[i].text));
		assert_memory_equal(text, cases[i].text, len);
	}
}

static void test_labels(void **state ATTR_UNUSED)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
		{ "", "{a=\"\"" },
		{ "web-1.x", "{a=\"web-1.x\"" },
		{ "a\"b\\c\nd", "{a=\"a\\\"b\\\\c\\nd\"" },
		{ "\\n", "{a=\"\\\\n\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7",
		  "{a=\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7\"" },
		{ "\xff", "{a=\"\xef\xbf\xbd\"" },
		{ "\xc3", "{a=\"\xef\xbf\xbd\"" },
		{ "\xc3\"", "{a=\"\xef\xbf\xbd\\\"\"" },
		{ "\xc0\xaf", "{a=\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "{a=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf4\x90\x80\x80", "{a=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	struct buf text = BUF_INIT;
	size_t i;

	for (i = 0; i < countof(cases); i++) {
		buf_reset(&text);
		buf_putc(&text, '{');
		metric_label(&text, "a", cases[i].value);
		assert_string_equal(buf_str(&text), cases[i].text);
	}
	metric_label(&text, "b", "1");
	assert_string_equal(strrchr(buf_str(&text), ','), ",b=\"1\"");
	buf_reset(&text);
	metric_put_help(&text, "a\\b\n\"c\"", true);
	assert_string_equal(buf_str(&text), "a\\\\b\\n\\\"c\\\"");
	buf_reset(&text);
	metric_put_help(&text, "a\\b\n\"c\"", false);
	assert_string_equal(buf_str(&text), "a\\\\b\\n\"c\"");
	buf_fini(&text);
}

/* Labels are copied eight bytes at once: a special one is found wherever it is. */
static void test_label_positions(void **state ATTR_UNUSED)
{
	static const char *const specials[][2] = {
		{ "\"", "\\\"" },           { "\\", "\\\\" },           { "\n", "\\n" },
		{ "\x80", "\xef\xbf\xbd" }, { "\xff", "\xef\xbf\xbd" },
	};
	struct buf value = BUF_INIT, is = BUF_INIT, want = BUF_INIT;
	size_t i, at;

	for (i = 0; i < countof(specials); i++) {
		for (at = 0; at <= 24; at++) {
			buf_reset(&value);
			buf_reset(&is);
			buf_reset(&want);
			buf_printf(&value, "%.*s%s%s", (int)at, "!#[]{}~\x7f\r\t abcdefghijklm",
				   specials[i][0], "0123456789");
			buf_printf(&want, "a=\"%.*s%s%s\"", (int)at,
				   "!#[]{}~\x7f\r\t abcdefghijklm", specials[i][1], "0123456789");
			metric_label(&is, "a", buf_str(&value));
			assert_string_equal(buf_str(&is), buf_str(&want));
		}
	}
	buf_fini(&value);
	buf_fini(&is);
	buf_fini(&want);
}

#define OM "application/openmetrics-text"

static void test_negotiate(void **state ATTR_UNUSED)
{
	static const struct {
		const char *accept;
		enum expose_format format;
	} cases[] = {
		{ NULL, EXPOSE_TEXT },
		{ "", EXPOSE_TEXT },
		{ "*/*", EXPOSE_TEXT },
		{ "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", EXPOSE_TEXT },
		/* Prometheus 3 and 2 */
		{ OM ";version=1.0.0;escaping=allow-utf-8;q=0.6," OM
		     ";version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
		     "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		  EXPOSE_OPENMETRICS },
		{ OM ";version=1.0.0," OM ";version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
		     "*/*;q=0.1",
		  EXPOSE_OPENMETRICS },
		{ "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
		  "encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.3," OM
		  ";version=1.0.0;q=0.2",
		  EXPOSE_TEXT },
		{ OM, EXPOSE_OPENMETRICS },
		{ "APPLICATION/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.5", EXPOSE_OPENMETRICS },
		{ OM "; version=0.0.1", EXPOSE_TEXT },
		{ OM "; version=2.0.0", EXPOSE_TEXT },
		{ OM ";q=0", EXPOSE_TEXT },
		{ OM ";q=0.000, text/plain;q=0", EXPOSE_TEXT },
		{ OM ";q=0.5,text/plain;q=0.5", EXPOSE_OPENMETRICS },
		{ "text/plain;q=0.5," OM ";q=0.5", EXPOSE_TEXT },
		{ "text/plain;q=0.5," OM ";q=0.501", EXPOSE_OPENMETRICS },
		{ "text/*;q=0.9," OM ";q=0.8", EXPOSE_TEXT },
		{ "*/*;q=0.1," OM ";q=0.2", EXPOSE_OPENMETRICS },
		/* what is not understood is not asked for */
		{ OM ";q=1.1", EXPOSE_TEXT },
		{ OM ";q=-1", EXPOSE_TEXT },
		{ OM ";q=0.1234", EXPOSE_TEXT },
		{ OM ";q=", EXPOSE_TEXT },
		{ OM ";q", EXPOSE_OPENMETRICS },
		{ "text/plain;version=1.0.0," OM ";q=0.1", EXPOSE_OPENMETRICS },
		{ "x/y;a=\"" OM ",\\\"" OM, EXPOSE_TEXT },
		{ ",;,=;;q=," OM ";", EXPOSE_OPENMETRICS },
		{ OM "x", EXPOSE_TEXT },
	};
	size_t i;

	for (i = 0; i < countof(cases); i++)
		assert_int_equal(expose_negotiate(cases[i].accept), cases[i].format);
	assert_string_equal(expose_content_type(EXPOSE_TEXT),
			    "text/plain; version=0.0.4; charset=utf-8");
	assert_string_equal(expose_content_type(EXPOSE_OPENMETRICS),
			    "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

/* Every length of a number, by its first and its last. */
static void test_digits(void **state ATTR_UNUSED)
{
	struct metric_value value = metric_u64(1);
	char text[METRIC_VALUE_MAX];
	struct buf want = BUF_INIT;

	for (unsigned int n = 1; n <= 20; n++, value.u *= 10) {
		for (int last = 0; last < 2; last++) {
			struct metric_value is = metric_u64(value.u - (uint64_t)last);
			size_t len = metric_format_value(text, &is);

			buf_reset(&want);
			buf_put_u64(&want, is.u);
			assert_int_equal(len, want.len);
			assert_memory_equal(text, want.data, len);
		}
	}
	buf_fini(&want);
}

/* A label's value in two halves, and copied, is what it is in one. */
static void test_label_parts(void **state ATTR_UNUSED)
{
	static const char *const values[] = { "", "r1", "a\"b", "a-name-of-more-than-16-bytes" };
	struct buf whole = BUF_INIT, parts = BUF_INIT, value = BUF_INIT;

	for (size_t i = 0; i < countof(values); i++) {
		buf_reset(&value);
		metric_label_value(&value, values[i]);
		assert_true(buf_reserve(&value, METRIC_COPY_MIN));
		memset(value.data + value.len, 'x', METRIC_COPY_MIN);
		metric_label(&whole, "a", values[i]);
		buf_puts(&parts, i ? ",a=\"" : "a=\"");
		if (i % 2)
			metric_label_copy(&parts, value.data, value.len);
		else
			metric_label_value(&parts, values[i]);
		assert_string_equal(buf_str(&parts), buf_str(&whole));
	}
	buf_fini(&whole);
	buf_fini(&parts);
	buf_fini(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digits),          cmocka_unit_test(test_label_parts),
		cmocka_unit_test(test_values),          cmocka_unit_test(test_labels),
		cmocka_unit_test(test_label_positions), cmocka_unit_test(test_negotiate),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
