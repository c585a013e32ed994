/* test_share.c: what directors tell each other, to text and back; and what is refused of
 * what a stranger says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/holds/share.h"

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"

static struct hold hold_of(const char *origin, uint64_t number)
{
	return (struct hold){ .id = (char *)(uintptr_t) "o1-1",
			      .hold_class = HOLD_OPERATOR,
			      .service = (char *)(uintptr_t) "web",
			      .realserver = (char *)(uintptr_t) "web1",
			      .holder = (char *)(uintptr_t) "ann",
			      .reason = (char *)(uintptr_t) "deploy",
			      .origin = (char *)(uintptr_t)origin,
			      .since_wall_ms = 1000,
			      .until_wall_ms = 2000,
			      .drain_ms = 500,
			      .waiting = true,
			      .forced = true,
			      .revision = 3,
			      .number = number };
}

static void test_round(void **state)
{
	struct hold ours = hold_of("", 4), carried = hold_of(B, 9);
	const struct hold *list[] = { &ours, &carried };
	struct seen_set seen = { 0 };
	struct merge_side side = { A, &seen, list, countof(list) };
	struct buf text = BUF_INIT, why = BUF_INIT;
	struct share s;

	(void)state;
	assert_int_equal(seen_raise(&seen, "", 5), 0);
	assert_int_equal(seen_raise(&seen, B, 9), 0);
	assert_int_equal(share_write(&side, "ab-1", 123456, &text), 0);
	assert_int_equal(share_read(text.data, text.len, &why, &s), 0);
	assert_string_equal(s.node, A);
	assert_string_equal(s.tag, "ab-1");
	assert_false(s.unchanged);
	assert_int_equal(s.now_wall_ms, 123456);
	assert_int_equal(seen_get(&s.seen, A), 5);
	assert_int_equal(seen_get(&s.seen, B), 9);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.holds[0]->origin, A);
	assert_string_equal(s.holds[1]->origin, B);
	assert_int_equal(s.holds[0]->number, 4);
	assert_int_equal(s.holds[0]->revision, 3);
	assert_int_equal(s.holds[0]->drain_ms, 500);
	assert_true(s.holds[0]->forced);
	/* That each side judges for itself. */
	assert_false(s.holds[0]->waiting);
	assert_false(s.holds[0]->recorded);
	share_fini(&s);
	buf_reset(&text);
	assert_int_equal(share_write_unchanged(A, "ab-1", 1, &text), 0);
	assert_int_equal(share_read(text.data, text.len, &why, &s), 0);
	assert_true(s.unchanged);
	share_fini(&s);
	buf_fini(&text);
	buf_fini(&why);
	seen_fini(&seen);
}

#define HEAD "\"version\":1,\"node\":\"" A "\",\"tag\":\"1-1\",\"now\":5"
#define HOLD                                                                                       \
	"\"id\":\"o1\",\"class\":\"operator\",\"service\":\"web\",\"realserver\":\"web1\","        \
	"\"holder\":\"ann\",\"effect\":0,\"reason\":\"\",\"since\":1,\"until\":0"
#define ONE(hold) "{" HEAD ",\"seen\":{\"" A "\":9},\"holds\":[" hold "]}"

static const struct {
	const char *text;
	int error;
	const char *why;
} refused_cases[] = {
	{ ONE("{" HOLD ",\"origin\":\"" A "\",\"number\":9}"), 0, "" },
	{ ONE("{" HOLD ",\"origin\":\"" A "\",\"number\":9,\"new\":[1]}"), 0, "" },
	{ "", -EINVAL, "not a JSON object" },
	{ "[]", -EINVAL, "not a JSON object" },
	{ "{}", -EINVAL, "version" },
	{ "{\"version\":2}", -EPROTONOSUPPORT, "version 2 and this one version 1" },
	{ "{\"version\":1,\"node\":\"x\"}", -EINVAL, "node" },
	{ "{\"version\":1,\"node\":\"" A "\",\"tag\":\"../x\"}", -EINVAL, "tag" },
	{ "{\"version\":1,\"node\":\"" A "\",\"tag\":\"1\",\"now\":-1}", -EINVAL, "now" },
	{ "{" HEAD "}", -EINVAL, "seen" },
	{ "{" HEAD ",\"seen\":{\"x\":1},\"holds\":[]}", -EINVAL, "seen" },
	{ "{" HEAD ",\"seen\":{\"" A "\":-1},\"holds\":[]}", -EINVAL, "seen" },
	{ "{" HEAD ",\"seen\":{}}", -EINVAL, "holds" },
	{ "{" HEAD ",\"seen\":{},\"holds\":{}}", -EINVAL, "holds" },
	{ ONE("1"), -EINVAL, "hold 0 is not an object" },
	{ ONE("{" HOLD "}"), -EINVAL, "no origin" },
	{ ONE("{" HOLD ",\"origin\":\"" A "\"}"), -EINVAL, "number" },
	{ ONE("{" HOLD ",\"origin\":\"x\",\"number\":1}"), -EINVAL, "origin" },
	{ ONE("{" HOLD ",\"origin\":\"" A "\",\"number\":10}"), -EINVAL, "above" },
	{ ONE("{" HOLD ",\"origin\":\"" B "\",\"number\":1}"), -EINVAL, "above" },
	{ ONE("{" HOLD ",\"origin\":\"" A "\",\"number\":1},{" HOLD ",\"origin\":\"" A
	      "\",\"number\":1}"),
	  -EINVAL, "two holds" },
	{ ONE("{\"id\":\"o1\",\"class\":\"rule\",\"service\":\"web\",\"realserver\":\"w\","
	      "\"holder\":\"x\",\"effect\":0,\"reason\":\"\",\"since\":1,\"until\":0,"
	      "\"origin\":\"" A "\",\"number\":1}"),
	  -EINVAL, "not an operator's" },
	{ ONE("{\"id\":\"o1\",\"class\":\"operator\",\"service\":\"*\",\"realserver\":\"*"
	      "\","
	      "\"holder\":\"x\",\"effect\":102,\"reason\":\"\",\"since\":1,\"until\":0,"
	      "\"origin\":\"" A "\",\"number\":1}"),
	  -EINVAL, "freeze" },
	{ ONE("{\"id\":\"o1\",\"class\":\"operator\",\"service\":\"we b\","
	      "\"realserver\":\"w\",\"holder\":\"x\",\"effect\":0,\"reason\":\"\","
	      "\"since\":1,\"until\":0,\"origin\":\"" A "\",\"number\":1}"),
	  -EINVAL, "names" },
	{ ONE("{\"id\":\"o1\",\"class\":\"operator\",\"service\":\"web\","
	      "\"realserver\":\"w\",\"holder\":\"a\\nb\",\"effect\":0,\"reason\":\"\","
	      "\"since\":1,\"until\":0,\"origin\":\"" A "\",\"number\":1}"),
	  -EINVAL, "no text" },
};

static void test_refused(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < countof(refused_cases); i++) {
		struct buf why = BUF_INIT;
		struct share s;
		int e = share_read(refused_cases[i].text, strlen(refused_cases[i].text), &why, &s);

		if (e != refused_cases[i].error || !strstr(buf_str(&why), refused_cases[i].why))
			fail_msg("%s: %d %s", refused_cases[i].text, e, buf_str(&why));
		if (!e)
			share_fini(&s);
		buf_fini(&why);
	}
}

static void test_too_much(void **state)
{
	struct hold h = hold_of("", 1);
	const struct hold **list = calloc(SHARE_HOLDS_MAX + 1, sizeof(*list));
	struct seen_set seen = { 0 };
	struct merge_side side = { A, &seen, list, SHARE_HOLDS_MAX + 1 };
	struct buf text = BUF_INIT, why = BUF_INIT;
	struct share s;
	int i;

	(void)state;
	for (i = 0; i <= SHARE_HOLDS_MAX; i++)
		list[i] = &h;
	assert_int_equal(share_write(&side, "1-1", 1, &text), -E2BIG);
	assert_int_equal(text.len, 0);
	buf_puts(&text, "{" HEAD ",\"seen\":{},\"holds\":[");
	for (i = 0; i <= SHARE_HOLDS_MAX; i++)
		buf_puts(&text, i ? ",1" : "1");
	buf_puts(&text, "]}");
	assert_int_equal(share_read(text.data, text.len, &why, &s), -EINVAL);
	assert_non_null(strstr(buf_str(&why), "too many"));
	buf_fini(&text);
	buf_fini(&why);
	free(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
