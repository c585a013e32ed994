/* test_alert.c: Alertmanager's message, and what is no such message. */
#include "agent/holds/alert.h"

#include <errno.h>

#include "tests/unit/t.h"

#define LABELS        "\"labels\":{\"alertname\":\"Slow\",\"realserver\":\"web1\",\"empty\":\"\"}"
#define KEY           "\"fingerprint\":\"e4fb3898315974f5\""
#define STARTS        "\"startsAt\":\"2026-03-04T05:06:07.891Z\""
#define FIRING        "\"status\":\"firing\"," STARTS ",\"endsAt\":\"0001-01-01T00:00:00Z\"," KEY
#define RESOLVED      "\"status\":\"resolved\"," STARTS ",\"endsAt\":\"2026-03-04T05:07:07Z\"," KEY
#define MESSAGE(list) "{\"version\":\"4\",\"alerts\":[" list "]}"

enum { STARTED = 1772600767 }; /* seconds: 2026-03-04T05:06:07Z */

static struct alerts *parse(const char *text)
{
	struct buf why = BUF_INIT;
	struct alerts *a;

	if (alerts_parse(text, strlen(text), &why, &a))
		fail_msg("%s", buf_str(&why));
	buf_fini(&why);
	return a;
}

static void refuse(const char *text, int error, const char *words)
{
	struct buf why = BUF_INIT;
	struct alerts *a = NULL;

	assert_int_equal(alerts_parse(text, strlen(text), &why, &a), error);
	assert_null(a);
	if (!strstr(buf_str(&why), words))
		fail_msg("'%s' does not say '%s'", buf_str(&why), words);
	buf_fini(&why);
}

static void reads_what_fires_and_what_is_over(void **state)
{
	struct alerts *a = parse(
		"{\"receiver\":\"ipvs\\\\.agent\",\"status\":\"firing\",\"version\":\"4\","
		"\"truncatedAlerts\":3,\"new\":{\"a\":[1]},\"commonLabels\":{\"alertname\":\"X\"},"
		"\"alerts\":[{" FIRING "," LABELS
		",\"annotations\":{\"summary\":\"web1 is slow\"}},"
		"{" RESOLVED "," LABELS "}]}");

	(void)state;
	assert_int_equal(a->n, 2);
	assert_int_equal(a->truncated, 3);
	assert_null(a->list[0].wrong);
	assert_string_equal(a->list[0].fingerprint, "e4fb3898315974f5");
	assert_string_equal(a->list[0].name, "Slow");
	assert_string_equal(a->list[0].summary, "web1 is slow");
	assert_false(a->list[0].resolved);
	assert_int_equal(a->list[0].starts_wall_ms, STARTED * INT64_C(1000) + 891);
	assert_int_equal(a->list[0].ends_wall_ms, 0);
	assert_string_equal(alert_label(&a->list[0], "realserver"), "web1");
	assert_null(alert_label(&a->list[0], "ipvs_service"));
	assert_null(alert_label(&a->list[0], "empty"));
	assert_true(a->list[1].resolved);
	assert_int_equal(a->list[1].ends_wall_ms, (STARTED + 60) * INT64_C(1000));
	assert_string_equal(a->list[1].summary, "");
	alerts_free(a);
}

static void tolerates_what_older_ones_leave_out(void **state)
{
	struct alerts *a = parse(MESSAGE(""));

	(void)state;
	assert_int_equal(a->n, 0);
	assert_int_equal(a->truncated, 0);
	alerts_free(a);
	a = parse(MESSAGE("{\"status\":\"firing\"," STARTS "," KEY "," LABELS "}"));
	assert_null(a->list[0].wrong);
	alerts_free(a);
}

static void refuses_what_is_no_message(void **state)
{
	(void)state;
	refuse("", -EINVAL, "no JSON");
	refuse("{\"version\":\"4\"", -EINVAL, "no JSON");
	refuse("[]", -EINVAL, "version \"4\"");
	refuse("{\"alerts\":[]}", -EINVAL, "version \"4\"");
	refuse("{\"version\":4,\"alerts\":[]}", -EINVAL, "version \"4\"");
	refuse("{\"version\":\"5\",\"alerts\":[]}", -EINVAL, "version \"4\"");
	refuse("{\"version\":\"4\"}", -EINVAL, "no list of alerts");
	refuse("{\"version\":\"4\",\"alerts\":{}}", -EINVAL, "no list of alerts");
	refuse(MESSAGE("{" FIRING "," LABELS "},7"), -EINVAL, "alert 2 is no object");
	refuse("{\"version\":\"4\",\"version\":\"4\",\"alerts\":[]}", -EINVAL, "no JSON");
}

static void refuses_too_much(void **state)
{
	struct buf text = BUF_INIT, why = BUF_INIT;
	struct alerts *a = NULL;
	int i;

	(void)state;
	buf_puts(&text, "{\"version\":\"4\",\"alerts\":[");
	for (i = 0; i <= ALERTS_MAX; i++)
		buf_puts(&text, i ? ",{}" : "{}");
	buf_puts(&text, "]}");
	refuse(buf_str(&text), -E2BIG, "1001 alerts in one request");
	while (text.len <= ALERTS_BODY_MAX)
		buf_puts(&text, "                                                                ");
	assert_int_equal(alerts_parse(text.data, text.len, &why, &a), -E2BIG);
	assert_string_equal(buf_str(&why), "larger than 1 MiB");
	buf_fini(&text);
	buf_fini(&why);
}

static const char *wrong(const char *text)
{
	static char said[128];
	struct alerts *a = parse(text);

	assert_int_equal(a->n, 1);
	snprintf(said, sizeof(said), "%s", a->list[0].wrong ? a->list[0].wrong : "");
	alerts_free(a);
	return said;
}

static void says_what_is_wrong_with_one(void **state)
{
	(void)state;
	assert_string_equal(wrong(MESSAGE("{}")), "its status is neither firing nor resolved");
	assert_string_equal(wrong(MESSAGE("{\"status\":\"firing\"," STARTS "," LABELS "}")),
			    "it has no fingerprint that can be used");
	assert_string_equal(wrong(MESSAGE("{\"status\":\"firing\"," STARTS "," LABELS
					  ",\"fingerprint\":\"a b\"}")),
			    "it has no fingerprint that can be used");
	assert_string_equal(wrong(MESSAGE("{" FIRING "}")), "it has no labels");
	assert_string_equal(wrong(MESSAGE("{" FIRING ",\"labels\":{\"a\":1}}")),
			    "a label is no string");
	assert_string_equal(wrong(MESSAGE("{\"status\":\"firing\"," KEY "," LABELS "}")),
			    "its startsAt is no time (RFC 3339)");
	assert_string_equal(wrong(MESSAGE("{\"status\":\"firing\"," KEY "," LABELS
					  ",\"startsAt\":\"0001-01-01T00:00:00Z\"}")),
			    "its startsAt is before 1970");
	assert_string_equal(wrong(MESSAGE("{\"status\":\"resolved\"," STARTS "," KEY "," LABELS
					  ",\"endsAt\":\"soon\"}")),
			    "its endsAt is no time (RFC 3339)");
}

static void bounds_what_stands_in_labels(void **state)
{
	struct buf text = BUF_INIT;
	int i;

	(void)state;
	buf_puts(&text, "{\"version\":\"4\",\"alerts\":[{" FIRING ",\"labels\":{\"a\":\"");
	for (i = 0; i <= ALERT_TEXT_MAX; i++)
		buf_putc(&text, 'x');
	buf_puts(&text, "\"}}]}");
	assert_string_equal(wrong(buf_str(&text)), "a label is too long (1024 bytes at most)");
	buf_reset(&text);
	buf_puts(&text, "{\"version\":\"4\",\"alerts\":[{" FIRING ",\"labels\":{\"a\":\"\"");
	for (i = 0; i < ALERT_LABELS_MAX; i++)
		buf_printf(&text, ",\"a%d\":\"\"", i);
	buf_puts(&text, "}}]}");
	assert_string_equal(wrong(buf_str(&text)), "it has too many labels (128 at most)");
	buf_fini(&text);
}

static void keeps_terminals_from_harm(void **state)
{
	struct alerts *a = parse(
		MESSAGE("{" FIRING "," LABELS
			",\"annotations\":{\"description\":\"a\\u001b[2Jb\\nc\\u009bd\\u00e9\"}}"));

	(void)state;
	assert_string_equal(a->list[0].summary, "a [2Jb c  d\xc3\xa9");
	alerts_free(a);
}

static int64_t at(const char *text)
{
	int64_t ms = -1;

	assert_int_equal(alert_time(text, &ms), 0);
	return ms;
}

static void reads_times(void **state)
{
	static const char *const none[] = {
		"",
		"2026-03-04",
		"2026-03-04T05:06:07",
		"2026-03-04 05:06:07Z",
		"2026-13-04T05:06:07Z",
		"2026-02-29T05:06:07Z",
		"2026-00-01T05:06:07Z",
		"2026-03-04T24:06:07Z",
		"2026-03-04T05:60:07Z",
		"2026-03-04T05:06:61Z",
		"2026-03-04T05:06:07.Z",
		"2026-03-04T05:06:07Zx",
		"2026-03-04T05:06:07+0100",
		"20260-3-04T05:06:07Z",
	};
	int64_t ms;
	size_t i;

	(void)state;
	assert_int_equal(at("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(at("2026-03-04T05:06:07Z"), STARTED * INT64_C(1000));
	assert_int_equal(at("2026-03-04T05:06:07.8919999999Z"), STARTED * INT64_C(1000) + 891);
	assert_int_equal(at("2026-03-04T06:36:07.5+01:30"), STARTED * INT64_C(1000) + 500);
	assert_int_equal(at("2026-03-03T23:06:07-06:00"), STARTED * INT64_C(1000));
	assert_int_equal(at("0001-01-01T00:00:00Z"), INT64_C(-62135596800000));
	assert_int_equal(at("2024-02-29T00:00:00Z") - at("2024-02-28T00:00:00Z"), 86400000);
	for (i = 0; i < countof(none); i++)
		if (!alert_time(none[i], &ms))
			fail_msg("'%s' was read", none[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_fires_and_what_is_over),
		cmocka_unit_test(tolerates_what_older_ones_leave_out),
		cmocka_unit_test(refuses_what_is_no_message),
		cmocka_unit_test(refuses_too_much),
		cmocka_unit_test(says_what_is_wrong_with_one),
		cmocka_unit_test(bounds_what_stands_in_labels),
		cmocka_unit_test(keeps_terminals_from_harm),
		cmocka_unit_test(reads_times),
	};

	return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
