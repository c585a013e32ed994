/* wire_case.c: one attempt at each of a table's servers. */
#include "tests/unit/wire_case.h"

#include <errno.h>

static bool is_timeout(enum probe_reason reason)
{
	return reason == PROBE_TLS_TIMEOUT || reason == PROBE_ANSWER_TIMEOUT;
}

void wire_cases(const struct probe_type *type, const struct wire_case *cases, size_t n)
{
	struct wire_server w;
	struct kind_case k;
	struct target t;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct wire_case *c = &cases[i];

		wire_start(&w, c->serve, c->bytes, c->n);
		kind_init(&k, type, c->url);
		/* no time goes by over the system's certificates */
		assert_int_equal(kind_set(&k, "verify", "off"), 0);
		/* Long enough for a busy machine: a stall of our own would be told as such. */
		k.conf.timeout = is_timeout(c->reason) ? 1000 : 10000;
		t = kind_probe(&k, &w.addr);
		wire_stop(&w);
		kind_reason(&t, c->reason, c->what);
		assert_true(t.last_us < 5000000);
		/* libcurl counts whole milliseconds, from one that had begun */
		assert_true(!is_timeout(c->reason) || t.last_us >= 998000);
		kind_fini(&k);
	}
}

void wire_refused(const struct probe_type *type, const char *url)
{
	struct kind_case k;
	struct target t;
	struct addr to;
	int fd = case_listen(-1, &to);

	kind_init(&k, type, url);
	t = kind_probe(&k, &to);
	kind_reason(&t, PROBE_CONNECT_REFUSED, "refused");
	assert_int_equal(t.last_errno, ECONNREFUSED);
	assert_int_equal(t.health.verdict, VERDICT_DOWN);
	kind_fini(&k);
	close(fd);
}

void wire_no_descriptors(const struct probe_type *type, const char *url)
{
	struct rlimit before;
	struct probe_case c;
	struct kind_case k;
	struct target t;
	struct addr to;
	int fd = case_listen(-1, &to);

	kind_init(&k, type, url);
	case_init(&c, true);
	case_no_descriptors(&before);
	t = case_probe(&c, &k.conf, &to, 1);
	case_descriptors(&before);
	kind_reason(&t, PROBE_LOCAL_RESOURCES, "no descriptors");
	assert_int_equal(t.last_errno, EMFILE);
	assert_int_equal(t.health.verdict, VERDICT_NONE);
	t = case_probe(&c, &k.conf, &to, 1);
	kind_reason(&t, PROBE_CONNECT_REFUSED, "descriptors again");
	case_fini(&c);
	kind_fini(&k);
	close(fd);
}
