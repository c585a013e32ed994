/* test_probe_tls.c: the tls kind against servers made here. */
#include <errno.h>

#include "agent/base/clock.h"
#include "collectors/table.h"
#include "tests/unit/web_server.h"
#include "tests/unit/wire_case.h"

#define NAME "mail.test.example"

/* --- certificates ----------------------------------------------------------- */

static const struct cert_case {
	const char *url, *key, *value;
	bool trusted; /* by ca_file */
	enum probe_reason reason;
} certs[] = {
	{ "tls://" NAME, NULL, NULL, true, PROBE_OK },
	{ "tls://" NAME ":993", NULL, NULL, true, PROBE_OK },
	{ "tls://{address}", "server_name", NAME, true, PROBE_OK },
	{ "tls://", "server_name", NAME, true, PROBE_OK },
	{ "tls://other.example", NULL, NULL, true, PROBE_TLS_UNTRUSTED },
	{ "tls://{address}", NULL, NULL, true, PROBE_TLS_UNTRUSTED },
	{ "tls://" NAME, "ca_file", "/nonexistent/ca.pem", false, PROBE_LOCAL_CONFIG },
	{ "tls://:993", "verify", "off", false, PROBE_OK },
	/* it ends in a day */
	{ "tls://" NAME, "min_days", "2", true, PROBE_TLS_EXPIRING },
	{ "tls://" NAME, "min_days", "0", true, PROBE_OK },
};

static void test_certificates(void **state ATTR_UNUSED)
{
	int64_t tomorrow = clock_wall_ms() / 1000 + 86400;
	struct web_server w = { 0 };
	struct web_cert cert;
	struct kind_case k;
	struct target t;
	size_t i;

	web_cert_new(&cert, NAME);
	web_start(&w, NULL, cert.credentials);
	for (i = 0; i < countof(certs); i++) {
		kind_init(&k, &probe_tls, certs[i].url);
		if (certs[i].trusted)
			assert_int_equal(kind_set(&k, "ca_file", cert.path), 0);
		if (certs[i].key)
			assert_int_equal(kind_set(&k, certs[i].key, certs[i].value), 0);
		t = kind_probe(&k, &w.addr);
		kind_reason(&t, certs[i].reason, certs[i].url);
		if (t.health.success || certs[i].reason == PROBE_TLS_EXPIRING) {
			assert_in_range(t.tls_not_after, tomorrow - 60, tomorrow + 60);
			assert_true(t.connect_us > 0 && t.tls_us > 0);
			assert_int_equal(t.last_status, 0);
		}
		kind_fini(&k);
		if (i)
			continue;
		web_stop(&w); /* what its thread saw can be read then */
		assert_string_equal(w.sni, NAME);
		w = (struct web_server){ 0 };
		web_start(&w, NULL, cert.credentials);
	}
	web_stop(&w);
	web_cert_free(&cert);
}

/* Its end is looked at for who asks, even where nothing is asked of it. */
static void test_shown(void **state ATTR_UNUSED)
{
	int64_t tomorrow = clock_wall_ms() / 1000 + 86400;
	struct web_server w = { 0 };
	struct buf said = BUF_INIT;
	struct probe_report r;
	struct web_cert cert;
	struct kind_case k;

	web_cert_new(&cert, NAME);
	web_start(&w, "HTTP/1.1 204 No\r\n\r\n", cert.credentials);
	kind_init(&k, &probe_http, "https://" NAME "/");
	assert_int_equal(kind_set(&k, "ca_file", cert.path), 0);
	r = case_ask(&k.conf, &w.addr, &said);
	assert_int_equal(r.reason, PROBE_OK);
	assert_in_range(r.tls_not_after, tomorrow - 60, tomorrow + 60);
	kind_fini(&k);
	web_stop(&w);
	web_cert_free(&cert);
	buf_fini(&said);
}

/* Whoever was seen once is known until another one is; and what is not is not told. */
static void test_expiry_is_kept(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct web_cert cert;
	struct kind_case k;
	struct target t;

	web_cert_new(&cert, NAME);
	web_start(&w, NULL, cert.credentials);
	kind_init(&k, &probe_tls, "tls://" NAME);
	t = kind_probe(&k, &w.addr); /* it is not trusted, so not even looked at */
	kind_reason(&t, PROBE_TLS_UNTRUSTED, "not trusted");
	assert_int_equal(t.tls_not_after, 0);
	kind_fini(&k);
	web_stop(&w);
	web_cert_free(&cert);
}

/* --- no handshake ----------------------------------------------------------- */

#define URL    "tls://" NAME
#define RECORD "\x16\x03\x03\x40\x00" /* 16 KB of handshake are to follow */

static const struct wire_case wires[] = {
	{ "silence", URL, wire_silent, "", 0, PROBE_TLS_TIMEOUT },
	{ "a slow drip", URL, wire_drip, RECORD "x", 6, PROBE_TLS_TIMEOUT },
	{ "a reset", URL, wire_reset, "", 0, PROBE_CONNECT_RESET },
	{ "a reset within", URL, wire_reset, RECORD "x", 6, PROBE_CONNECT_RESET },
	{ "garbage", URL, wire_say, "220 mail ESMTP\r\n", 16, PROBE_TLS_FAILED },
	{ "10 MB", URL, wire_flood, RECORD "xxxxxxxxxxx", 16, PROBE_TLS_FAILED },
};

static void test_no_answers(void **state ATTR_UNUSED)
{
	wire_cases(&probe_tls, wires, countof(wires));
	wire_refused(&probe_tls, URL);
	wire_no_descriptors(&probe_tls, URL);
}

/* Those of attempts before are given back. */
static void test_descriptors(void **state ATTR_UNUSED)
{
	struct web_server w = { 0 };
	struct probe_case c;
	struct web_cert cert;
	struct kind_case k;
	struct target t;
	int first, last, i;

	web_cert_new(&cert, NAME);
	web_start(&w, NULL, cert.credentials);
	kind_init(&k, &probe_tls, "tls://" NAME);
	assert_int_equal(kind_set(&k, "ca_file", cert.path), 0);
	case_init(&c, true);
	case_probe(&c, &k.conf, &w.addr, 1);
	first = dup(0);
	for (i = 0; i < 5; i++) {
		t = case_probe(&c, &k.conf, &w.addr, 1);
		kind_reason(&t, PROBE_OK, "one after the other");
	}
	last = dup(0);
	assert_int_equal(last, first + 1);
	close(first);
	close(last);
	case_fini(&c);
	kind_fini(&k);
	web_stop(&w);
	web_cert_free(&cert);
}

static void test_keys(void **state ATTR_UNUSED)
{
	static const char *const bad_names[] = { "", "a b", "a/b", "a:1", "[::1]" };
	struct kind_case k;
	size_t i;

	kind_init(&k, &probe_tls, "tls://");
	assert_string_equal(kind_get(&k, "min_days", 0), "0");
	assert_string_equal(kind_get(&k, "server_name", 0), "");
	for (i = 0; i < countof(bad_names); i++)
		assert_int_equal(kind_set(&k, "server_name", bad_names[i]), -EINVAL);
	assert_int_equal(kind_set(&k, "server_name", "a-1.b_c.example"), 0);
	assert_string_equal(kind_get(&k, "server_name", 0), "a-1.b_c.example");
	assert_int_equal(kind_set(&k, "min_days", "3651"), -EINVAL);
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificates),   cmocka_unit_test(test_shown),
		cmocka_unit_test(test_expiry_is_kept), cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_descriptors),    cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("probe_tls", tests, NULL, NULL);
}
