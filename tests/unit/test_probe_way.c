/* test_probe_way.c: by which way attempts go out, the same for each kind. Nothing is known
 * of a server which is to be asked from an address, or by an interface, that this machine
 * lacks. */
#include <errno.h>

#include "collectors/table.h"
#include "tests/unit/kind_case.h"
#include "tests/unit/web_server.h"

static const struct row {
	const char *source, *interface;
	enum probe_reason reason;
} rows[] = {
	{ "127.0.0.2", NULL, PROBE_OK },
	{ "127.0.0.3", "lo", PROBE_OK },
	{ "192.0.2.77", NULL, PROBE_LOCAL_ROUTE },
	{ NULL, "none0", PROBE_LOCAL_ROUTE },
	{ "127.0.0.4", NULL, PROBE_OK }, /* a handle that is used again */
	{ NULL, NULL, PROBE_OK },
};

/* An attempt by the row's way; *ret_source is where it was to come from. */
static void probe_by(struct probe_case *c, struct probe_conf *conf, const struct row *row,
		     const struct addr *to, struct addr *ret_source)
{
	struct addr source = { 0 };
	struct target t;

	assert_int_equal(addr_parse(row->source ? row->source : "127.0.0.1", &source), 0);
	*ret_source = source;
	conf->sources.of[0] = row->source ? source : (struct addr){ 0 };
	conf->interface = row->interface;
	t = case_probe(c, conf, to, 1);
	assert_int_equal(t.health.reason, row->reason);
	assert_int_equal(t.health.unknown, row->reason != PROBE_OK);
	assert_int_equal(t.last_errno, row->reason == PROBE_OK ? 0 : ENODEV);
}

static void test_tcp(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr to, peer, source;
	struct probe_case c;
	size_t i;
	int l = case_listen(8, &to), fd;

	kind_init(&k, &probe_tcp, "tcp://");
	case_init(&c, false);
	for (i = 0; i < countof(rows); i++) {
		probe_by(&c, &k.conf, &rows[i], &to, &source);
		if (rows[i].reason != PROBE_OK)
			continue;
		fd = accept(l, (struct sockaddr *)&ss, &len);
		assert_int_not_equal(fd, -1);
		close(fd);
		assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &peer), 0);
		assert_memory_equal(peer.bytes, source.bytes, sizeof(peer.bytes));
	}
	case_fini(&c);
	kind_fini(&k);
	close(l);
}

static void test_http(void **state ATTR_UNUSED)
{
	struct kind_case k;
	struct probe_case c;
	size_t i;

	kind_init(&k, &probe_http, "http://www.test.example/");
	case_init(&c, true);
	for (i = 0; i < countof(rows); i++) {
		struct web_server w = { 0 };
		struct addr source;

		web_start(&w, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", NULL);
		probe_by(&c, &k.conf, &rows[i], &w.addr, &source);
		web_stop(&w);
		if (rows[i].reason == PROBE_OK)
			assert_memory_equal(w.peer.bytes, source.bytes, sizeof(source.bytes));
		else
			assert_int_equal(w.peer.family, 0);
	}
	case_fini(&c);
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_http),
	};

	return cmocka_run_group_tests_name("probe_way", tests, NULL, NULL);
}
