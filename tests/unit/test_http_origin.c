/* test_http_origin.c: what a browser says of where a request comes from, and by what
 * name it was sent here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/http/origin.h"

static void test_foreign(void **state)
{
	static const struct {
		const char *site, *origin, *host;
		bool foreign;
	} cases[] = {
		{ NULL, NULL, "lb1:10015", false }, /* no browser */
		{ NULL, "http://lb1:10015", "lb1:10015", false },
		{ NULL, "https://LB1:10015", "lb1:10015", false },
		{ NULL, "http://lb1:10016", "lb1:10015", true },
		{ NULL, "http://evil.example", "lb1:10015", true },
		{ NULL, "http://lb1:10015.evil.example", "lb1:10015", true },
		{ NULL, "null", "lb1:10015", true },
		{ NULL, "", "lb1:10015", true },
		{ NULL, "http://lb1:10015", NULL, true },
		{ "same-origin", "http://before.the.proxy", "lb1:10015", false },
		{ "Same-Origin", NULL, "lb1:10015", false },
		{ "none", NULL, "lb1:10015", false },
		{ "same-site", "http://lb1:10015", "lb1:10015", true },
		{ "cross-site", NULL, "lb1:10015", true },
		{ "", NULL, "lb1:10015", true },
		{ "what-is-new", NULL, "lb1:10015", true },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct origin o = { .site = cases[i].site,
				    .origin = cases[i].origin,
				    .host = cases[i].host };

		if (origin_foreign(&o) != cases[i].foreign)
			fail_msg("case %zu", i);
	}
}

static void test_type(void **state)
{
	static const struct {
		const char *type;
		bool ok;
	} cases[] = {
		{ NULL, true },
		{ "application/json", true },
		{ "Application/JSON; charset=utf-8", true },
		{ "application/json\t", true },
		{ "application/jsonp", false },
		{ "application/json+x", false },
		{ "text/plain", false },
		{ "text/plain; application/json", false },
		{ "multipart/form-data; boundary=x", false },
		{ "application/x-www-form-urlencoded", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct origin o = { .type = cases[i].type };

		if (origin_type_ok(&o) != cases[i].ok)
			fail_msg("'%s'", cases[i].type ? cases[i].type : "(none)");
	}
}

static void test_host(void **state)
{
	static const struct {
		const char *host;
		bool loopback;
	} cases[] = {
		{ NULL, true },
		{ "localhost", true },
		{ "LocalHost:10015", true },
		{ "a.localhost:80", true },
		{ "127.0.0.1:10015", true },
		{ "127.4.5.6", true },
		{ "[::1]:10015", true },
		{ "[::1]", true },
		{ "", false },
		{ "evil.example:10015", false },
		{ "localhost.evil.example", false },
		{ "evillocalhost", false },
		{ ".localhost", false },
		{ "127.0.0.1.evil.example", false },
		{ "10.0.0.1:10015", false },
		{ "[::2]:10015", false },
		{ "[::1", false },
		{ "[]", false },
		{ "0.0.0.0:10015", false },
		{ "2130706433", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct origin o = { .host = cases[i].host };

		if (origin_host_is_loopback(&o) != cases[i].loopback)
			fail_msg("'%s'", cases[i].host ? cases[i].host : "(none)");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_host),
	};

	return cmocka_run_group_tests_name("http origin", tests, NULL, NULL);
}
