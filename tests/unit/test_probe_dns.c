/* test_probe_dns.c: the dns kind: its keys, its query, and what it makes of an answer. The
 * name server is made here. */
#include <errno.h>
#include <stdio.h>

#include "collectors/table.h"
#include "tests/unit/name_server.h"

/* --- answers ------------------------------------------------------------------ */

#define MX      "\0\x0f" IN
#define TARGET  "\4Mail\7example\3net\0"
#define TXT_ONE SAME "\0\x10" IN "\0\x0b\5hello\4 you"
/* clang-format off */
static const struct answer_case {
	const char *path, *rcodes, *want;
	enum probe_reason reason;
	int status;
	struct reply reply;
} answers[] = {
	{ "", NULL, NULL, PROBE_OK, 0, { 0 } },
	{ "/", NULL, NULL, PROBE_OK, 0, { 0 } },
	{ "/", NULL, NULL, PROBE_ANSWER_STATUS, 2, { .rcode = 2 } },
	{ "/", NULL, NULL, PROBE_ANSWER_STATUS, 15, { .rcode = 15 } },
	{ "/x.example?type=A", "noerror, nxdomain", NULL, PROBE_OK, 3, { .rcode = 3 } },
	{ "/x.example?type=A", "NXDOMAIN", NULL, PROBE_ANSWER_STATUS, 0, { 0 } },
	{ "/x.example?type=a",
	  NULL,
	  "192.0.2.1",
	  PROBE_OK,
	  0,
	  { .n = 1, RECORDS(SAME "\0\1" IN "\0\4\xc0\0\2\1") } },
	{ "/x.example.?type=A",
	  NULL,
	  "192.0.2.2",
	  PROBE_ANSWER_BODY,
	  0,
	  { .n = 1, RECORDS(SAME "\0\1" IN "\0\4\xc0\0\2\1") } },
	/* an alias leads there, and the second address is it */
	{ "/x.example?type=A",
	  NULL,
	  "192.0.2.2",
	  PROBE_OK,
	  0,
	  { .n = 3,
	    RECORDS(SAME "\0\5" IN "\0\4\1y\xc0\x0e" SAME "\0\1" IN "\0\4\xc0\0\2\1" SAME "\0\1" IN
			 "\0\4\xc0\0\2\2") } },
	{ "/x.example?type=A", NULL, "192.0.2.1", PROBE_ANSWER_BODY, 0, { 0 } },
	{ "/x.example?type=AAAA",
	  NULL,
	  "2001:DB8:0::1",
	  PROBE_OK,
	  0,
	  { .n = 1, RECORDS(SAME "\0\x1c" IN "\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1") } },
	{ "/example.net?type=MX",
	  NULL,
	  "10  mail.EXAMPLE.net.",
	  PROBE_OK,
	  0,
	  { .n = 1, RECORDS(SAME MX "\0\x14\0\x0a" TARGET) } },
	{ "/example.net?type=MX",
	  NULL,
	  "20 mail.example.net",
	  PROBE_ANSWER_BODY,
	  0,
	  { .n = 1, RECORDS(SAME MX "\0\x14\0\x0a" TARGET) } },
	{ "/example.net?type=MX",
	  NULL,
	  "10",
	  PROBE_ANSWER_BODY,
	  0,
	  { .n = 1, RECORDS(SAME MX "\0\x14\0\x0a" TARGET) } },
	{ "/example.net?type=NS",
	  NULL,
	  "mail.example.net",
	  PROBE_OK,
	  0,
	  { .n = 1, RECORDS(SAME "\0\2" IN "\0\x12" TARGET) } },
	{ "/example.net?type=CNAME",
	  NULL,
	  ".",
	  PROBE_OK,
	  0,
	  { .n = 1, RECORDS(SAME "\0\5" IN "\0\1\0") } },
	{ "/1.2.0.192.in-addr.arpa?type=PTR",
	  NULL,
	  "mail.example.net",
	  PROBE_OK,
	  0,
	  { .n = 1, RECORDS(SAME "\0\x0c" IN "\0\x12" TARGET) } },
	{ "/_sip._udp.example.net?type=SRV",
	  NULL,
	  "0 5 5060 mail.example.net",
	  PROBE_OK,
	  0,
	  { .n = 1, RECORDS(SAME "\0\x21" IN "\0\x18\0\0\0\5\x13\xc4" TARGET) } },
	{ "/example.net?type=TXT", NULL, "hello you", PROBE_OK, 0, { .n = 1, RECORDS(TXT_ONE) } },
	{ "/example.net?type=TXT",
	  NULL,
	  "Hello you",
	  PROBE_ANSWER_BODY,
	  0,
	  { .n = 1, RECORDS(TXT_ONE) } },
	{ "/example",
	  NULL,
	  "ns.example.net h.example.net 1 2 3 4 5",
	  PROBE_OK,
	  0,
	  { .n = 1,
	    RECORDS(SAME "\0\6" IN "\0\x28\2ns\7example\3net\0\1h\xc0\x28\0\0\0\1\0\0\0\2\0\0\0\3"
			 "\0\0\0\4\0\0\0\5") } },
	/* ours, and cannot be read */
	{ "/x.example?type=A", NULL, NULL, PROBE_ANSWER_MALFORMED, 0, { .n = 1 } },
	{ "/x.example?type=A",
	  NULL,
	  NULL,
	  PROBE_ANSWER_MALFORMED,
	  0,
	  { .n = 1, RECORDS(SAME "\0\1" IN "\0\5\xc0\0\2\1x") } },
	{ "/x.example?type=A",
	  NULL,
	  NULL,
	  PROBE_ANSWER_MALFORMED,
	  0,
	  { .n = 1, RECORDS(SAME "\0\1" IN "\xff\xff\xc0\0\2\1") } },
	{ "/x.example?type=A",
	  NULL,
	  NULL,
	  PROBE_ANSWER_MALFORMED,
	  0,
	  { .n = 2, RECORDS(SAME "\0\1" IN "\0\4\xc0\0\2\1" SAME) } },
	{ "/x.example?type=CNAME",
	  NULL,
	  NULL,
	  PROBE_ANSWER_MALFORMED,
	  0,
	  { .n = 1, RECORDS(SAME "\0\5" IN "\0\2\xc0\x27") } }, /* a name that names itself */
	{ "/x.example?type=CNAME",
	  NULL,
	  NULL,
	  PROBE_ANSWER_MALFORMED,
	  0,
	  { .n = 1, RECORDS(SAME "\0\5" IN "\0\2\xff\xff") } },
	{ "/x.example?type=TXT",
	  NULL,
	  NULL,
	  PROBE_ANSWER_MALFORMED,
	  0,
	  { .n = 1, RECORDS(SAME "\0\x10" IN "\0\3\5ab") } },
};
/* clang-format on */

static void test_answers(void **state ATTR_UNUSED)
{
	static const char *const transports[] = { "udp", "tcp" };
	struct name_server s = { .udp = answer, .tcp = answer };
	struct kind_case k;
	struct target t;
	char of[40];
	size_t i, j;

	for (i = 0; i < 2 * countof(answers); i++) {
		const struct answer_case *c = &answers[i / 2];

		j = i % 2;
		kind_init_at(&k, &probe_dns, "dns://{address}", c->path);
		assert_int_equal(kind_set(&k, "transport", transports[j]), 0);
		if (c->rcodes)
			assert_int_equal(kind_set(&k, "expect_rcode", c->rcodes), 0);
		if (c->want)
			assert_int_equal(kind_set(&k, "expect_answer", c->want), 0);
		s.arg = &c->reply;
		s.n_udp = s.n_tcp = 0;
		t = name_ask(&s, &k);
		snprintf(of, sizeof(of), "answer %zu over %s", i / 2, transports[j]);
		kind_reason(&t, c->reason, of);
		assert_int_equal(t.last_status, c->status);
		assert_int_equal(s.n_udp, !j);
		assert_int_equal(s.n_tcp, j);
		assert_int_equal(t.connect_us > 0, j);
		kind_fini(&k);
	}
}

/* What is asked is what the keys say. */
static unsigned char asked[512];
static size_t n_asked;

static void note_query(const struct name_query *q)
{
	memcpy(asked, q->bytes, q->len);
	n_asked = q->len;
	answer(q);
}

static const struct reply good = { .n = 1, RECORDS(SAME "\0\1" IN "\0\4\xc0\0\2\1") };

static void test_query(void **state ATTR_UNUSED)
{
	static const char rest[] = "\0\1\0\0\0\0\0\0\1x\7example\0\0\1\0\1", root[] = "\0\0\6\0\1";
	struct name_server s = { .udp = note_query, .arg = &good };
	struct kind_case k;

	kind_init_at(&k, &probe_dns, "dns://{address}", "/x.example");
	assert_int_equal(kind_set(&k, "type", "A"), 0);
	assert_int_equal(kind_set(&k, "recursion", "off"), 0);
	assert_int_equal(name_ask(&s, &k).health.reason, PROBE_OK);
	assert_int_equal(n_asked, 4 + sizeof(rest) - 1);
	assert_memory_equal(asked + 2, "\0\0", 2);
	assert_memory_equal(asked + 4, rest, sizeof(rest) - 1);
	kind_fini(&k);
	kind_init_at(&k, &probe_dns, "dns://{address}", "");
	assert_int_equal(name_ask(&s, &k).health.reason, PROBE_OK);
	assert_memory_equal(asked + 2, "\1\0", 2);
	assert_int_equal(n_asked, 12 + sizeof(root) - 1);
	assert_memory_equal(asked + 12, root, sizeof(root) - 1);
	kind_fini(&k);
}

/* --- keys --------------------------------------------------------------------- */

/* clang-format off */
static const struct finish_case {
	const char *path, *type, *want;
	const char *why; /* part of it; NULL = good */
} finishes[] = {
	{ "", NULL, NULL, NULL },
	{ "/", NULL, NULL, NULL },
	{ "/?type=NS", NULL, NULL, NULL },
	{ "/example.net?type=TXT", "A", "no address", NULL },
	{ "/example.net", "A", "2001:db8::1", "expect_answer is not an address, as A records are" },
	{ "/example.net?type=AAAA", NULL, "192.0.2.1", "expect_answer is not an address" },
	{ "/example.net?type=ANY", NULL, NULL, "only ?type= may stand, with one of A, AAAA," },
	{ "/example.net?class=IN", NULL, NULL, "only ?type= may stand" },
	{ "/example.net?type=A&x", NULL, NULL, "only ?type= may stand" },
	{ "/a..b", NULL, NULL, "not a name of the DNS" },
	{ "/{address}", NULL, NULL, "not a name of the DNS" },
	{ "/a/b", NULL, NULL, "not a name of the DNS" },
	{ "/1234567890123456789012345678901234567890123456789012345678901234.example", NULL, NULL,
	  "not a name of the DNS" },
};
/* clang-format on */

static void test_keys(void **state ATTR_UNUSED)
{
	static const char *const bad_rcodes[] = { "", ",", "NOERROR,OK", "0", "BADVERS" };
	static const char *const bad_types[] = { "", "ANY", "1", "AXFR" };
	struct kind_case k;
	size_t i;

	for (i = 0; i < countof(finishes); i++) {
		const struct finish_case *c = &finishes[i];

		kind_init_at(&k, &probe_dns, "dns://{address}", c->path);
		if (c->type)
			assert_int_equal(kind_set(&k, "type", c->type), 0);
		if (c->want)
			assert_int_equal(kind_set(&k, "expect_answer", c->want), 0);
		assert_int_equal(kind_finish(&k), c->why ? -EINVAL : 0);
		if (c->why && !strstr(buf_str(&k.why), c->why))
			fail_msg("%s: %s", c->path, buf_str(&k.why));
		kind_fini(&k);
	}
	kind_init_at(&k, &probe_dns, "dns://{address}", "");
	assert_string_equal(kind_get(&k, "expect_rcode", 0), "NOERROR");
	assert_string_equal(kind_get(&k, "type", 0), "SOA");
	assert_int_equal(kind_set(&k, "expect_rcode", "NXDOMAIN noerror"), 0);
	assert_string_equal(kind_get(&k, "expect_rcode", 0), "NOERROR,NXDOMAIN");
	for (i = 0; i < countof(bad_rcodes); i++)
		assert_int_equal(kind_set(&k, "expect_rcode", bad_rcodes[i]), -EINVAL);
	for (i = 0; i < countof(bad_types); i++)
		assert_int_equal(kind_set(&k, "type", bad_types[i]), -EINVAL);
	kind_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("probe_dns", tests, NULL, NULL);
}
