/* test_notice.c: what a receiver gets, byte for byte, and that the manual page tells of
 * every field. */
#include "agent/rules/notice.h"

#include "tests/unit/t.h"

#include <ctype.h>

#include "agent/base/attr.h"
#include "agent/holds/hold.h"
#include "tests/unit/golden.h"

static struct notice a_hold(void)
{
	struct notice n = NOTICE_INIT;

	n.kind = NOTICE_HOLD;
	n.active = true;
	n.wall_ms = 1772600767891;
	n.id = "19cb7d3e123-1";
	n.host = "director1";
	n.rule = "probe-down";
	n.service = "web";
	n.realserver = "web2";
	n.address = "10.1.2.22:80";
	n.effect = HOLD_ZERO;
	n.configured_weight = 100;
	n.weight_before = 50;
	n.weight_after = 0;
	n.reason = "http connection refused, 3 of 3 probes failed";
	return n;
}

static void compare(const char *path, const struct notice *n)
{
	struct buf out = BUF_INIT;
	struct notice_text t;
	size_t i;

	assert_int_equal(notice_render(n, &t), 0);
	assert_int_equal(t.json_len, strlen(t.json));
	buf_printf(&out, "%s\n", t.json);
	for (i = 0; t.env[i]; i++)
		buf_printf(&out, "%s\n", t.env[i]);
	assert_true(buf_ok(&out));
	assert_true(golden_same(path, &out));
	buf_fini(&out);
	notice_text_fini(&t);
	assert_null(t.json);
}

static void test_golden(void **state ATTR_UNUSED)
{
	struct notice n = a_hold();

	compare("tests/golden/notify/hold.txt", &n);
	n.kind = NOTICE_REFUSED;
	n.dry_run = true;
	n.effect = 50;
	n.weight_after = n.weight_before;
	n.guard = "min_available";
	compare("tests/golden/notify/refused.txt", &n);
	n = NOTICE_INIT;
	n.kind = NOTICE_PANIC;
	n.active = true;
	n.wall_ms = 1772600767891;
	n.service = "web";
	compare("tests/golden/notify/panic.txt", &n);
	n.kind = NOTICE_DRAIN;
	n.realserver = "web2";
	n.effect = HOLD_ZERO;
	n.weight_after = 0;
	n.drain = "drained";
	n.holder = "ann";
	n.reason = "no connection is left";
	compare("tests/golden/notify/drain.txt", &n);
}

/* Texts come from realservers, too. */
static void test_hostile(void **state ATTR_UNUSED)
{
	char longest[3000];
	struct notice n = a_hold();
	struct notice_text t;

	n.reason = "a\xff\"b\nIPVS_AGENT_RULE=x\x01";
	n.rule = "gr\xc3\xbc\xc3\x9f";
	compare("tests/golden/notify/hostile.txt", &n);
	/* cut, and not within a character */
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	longest[1023] = '\xc3';
	longest[1024] = '\xbc';
	n.reason = longest;
	assert_int_equal(notice_render(&n, &t), 0);
	longest[1023] = '\0';
	assert_non_null(strstr(t.json, longest));
	assert_null(strstr(t.json, "?"));
	assert_null(strstr(t.json, "\xc3\xbc\"}"));
	assert_non_null(strstr(t.json, "x\"}"));
	notice_text_fini(&t);
}

/* Each field has its row ".B name", and its variable. */
static void test_manual_page(void **state ATTR_UNUSED)
{
	struct buf page = BUF_INIT;
	char row[128];
	size_t i, k;

	golden_read("contrib/man/ipvs-agent-notify.7", &page);
	for (i = 0; i < notice_n_fields; i++) {
		snprintf(row, sizeof(row), "\n.BR %s \", \" IPVS_AGENT_%s\n", notice_fields[i].name,
			 notice_fields[i].name);
		for (k = (size_t)(strstr(row, "IPVS") - row); row[k]; k++)
			row[k] = (char)toupper((unsigned char)row[k]);
		if (!strstr(buf_str(&page), row))
			fail_msg("ipvs-agent-notify(7) lacks%s", row);
	}
	for (i = 0; i < NOTICE_N_KINDS; i++) {
		snprintf(row, sizeof(row), "\n.B %s\n", notice_kind_names[i]);
		if (!strstr(buf_str(&page), row))
			fail_msg("ipvs-agent-notify(7) lacks%s", row);
	}
	buf_fini(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_manual_page),
	};

	return cmocka_run_group_tests_name("notice", tests, NULL, NULL);
}
