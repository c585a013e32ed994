/* test_journal_line.c: a line says the same in the same bytes, and what is read back is
 * what was written; what is no line of a journal is skipped and counted. */
#include "tests/unit/t.h"

#include <errno.h>
#include <locale.h>
#include <math.h>

#include "agent/holds/journal_read.h"
#include "tests/unit/golden.h"

static void test_bytes(void **state)
{
	struct journal_line l = { 0 };

	(void)state;
	journal_line_begin(&l, JOURNAL_REFUSED, 1700000000123, 4567, 89);
	journal_line_text(&l, "rule", "probe-down");
	journal_line_text(&l, "service", "web");
	journal_line_text(&l, "realserver", "web1");
	journal_line_int(&l, "effect", -1);
	journal_line_text(&l, "guard", "min_available");
	journal_line_text(&l, "reason", NULL);
	journal_line_text(&l, "evidence", "said \"no\"\n\x01 twice — \xc3\xa9");
	journal_line_int(&l, "from", 100);
	assert_int_equal(journal_line_end(&l), 0);
	assert_string_equal(buf_str(&l.text),
			    "{\"t\":1700000000123,\"m\":4567,\"seq\":89,\"what\":\"refused\","
			    "\"rule\":\"probe-down\",\"service\":\"web\",\"realserver\":\"web1\","
			    "\"effect\":-1,\"guard\":\"min_available\","
			    "\"evidence\":\"said \\\"no\\\"\\n\\u0001 twice — \xc3\xa9\","
			    "\"from\":100}\n");
	journal_line_begin(&l, JOURNAL_SAMPLE, 1, 2, 3);
	journal_line_text(&l, "service", "w\xff");
	journal_line_values(&l, "values");
	journal_line_value(&l, "probe_up", 1);
	journal_line_value(&l, "probe_duration_seconds", 0.1);
	journal_line_value(&l, "rate", NAN);
	assert_int_equal(journal_line_end(&l), 0);
	assert_string_equal(
		buf_str(&l.text),
		"{\"t\":1,\"m\":2,\"seq\":3,\"what\":\"sample\",\"service\":\"w?\","
		"\"values\":{\"probe_up\":1,\"probe_duration_seconds\":0.1,\"rate\":null}}\n");
	journal_line_begin(&l, JOURNAL_RULE, 1, 2, 4);
	journal_line_bool(&l, "frozen", true);
	journal_line_number(&l, "value", 2.5);
	assert_int_equal(journal_line_end(&l), 0);
	assert_string_equal(buf_str(&l.text), "{\"t\":1,\"m\":2,\"seq\":4,\"what\":\"rule\","
					      "\"frozen\":true,\"value\":2.5}\n");
	journal_line_fini(&l);
	/* Where no journal is kept there is no line. */
	journal_line_text(NULL, "rule", "x");
	journal_line_values(NULL, "values");
	journal_line_value(NULL, "x", 1);
}

static void test_numbers(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ -0.0, "0" },
		{ 0.1, "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1e15, "1000000000000000" },
		{ -3, "-3" },
		{ 1e300, "1e+300" },
		{ 5e-324, "4.94065645841247e-324" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ INFINITY, "null" },
		{ -NAN, "null" },
	};
	const char *const locales[] = { "C", "de_DE.UTF-8" };
	struct buf out = BUF_INIT;

	(void)state;
	for (size_t l = 0; l < countof(locales); l++) {
		setlocale(LC_ALL, locales[l]);
		for (size_t i = 0; i < countof(cases); i++) {
			buf_reset(&out);
			journal_put_number(&out, cases[i].value);
			assert_string_equal(buf_str(&out), cases[i].text);
		}
	}
	setlocale(LC_ALL, "C");
	buf_fini(&out);
}

/* A member that the table does not have there is a mistake, never a line. */
static void test_order(void **state)
{
	struct journal_line l = { 0 };
	char *huge = malloc(40000);

	(void)state;
	journal_line_begin(&l, JOURNAL_WEIGHT, 1, 2, 3);
	journal_line_int(&l, "to", 1);
	journal_line_int(&l, "from", 1);
	assert_int_equal(journal_line_end(&l), -EINVAL);
	journal_line_begin(&l, JOURNAL_WEIGHT, 1, 2, 3);
	journal_line_text(&l, "guard", "admit");
	assert_int_equal(journal_line_end(&l), -EINVAL);
	journal_line_begin(&l, JOURNAL_WEIGHT, 1, 2, 3);
	journal_line_text(&l, "from", "1");
	assert_int_equal(journal_line_end(&l), -EINVAL);
	journal_line_begin(&l, JOURNAL_WEIGHT, 1, 2, 3);
	journal_line_value(&l, "from", 1);
	assert_int_equal(journal_line_end(&l), -EINVAL);
	memset(huge, 'x', 39999);
	huge[39999] = '\0';
	journal_line_begin(&l, JOURNAL_SAMPLE, 1, 2, 3);
	journal_line_text(&l, "service", huge); /* cut */
	assert_int_equal(journal_line_end(&l), 0);
	assert_in_range(l.text.len, 8000, 8300);
	journal_line_begin(&l, JOURNAL_SAMPLE, 1, 2, 3);
	journal_line_values(&l, "values");
	for (int i = 0; i < 9000; i++)
		journal_line_value(&l, "probe_up", i);
	assert_int_equal(journal_line_end(&l), -EMSGSIZE);
	journal_line_fini(&l);
	free(huge);
}

static void test_kinds(void **state)
{
	enum journal_kind kind;

	(void)state;
	for (int i = 0; i < JOURNAL_N_KINDS; i++) {
		const struct journal_kind_row *k = &journal_kinds[i];

		assert_non_null(k->name);
		assert_true(strlen(k->help) > 10);
		assert_true(journal_kind_find(k->name, &kind));
		assert_int_equal(kind, i);
		for (size_t f = 0; f < k->n_fields; f++) {
			assert_true(strlen(k->fields[f].help) > 2);
			for (size_t g = 0; g < f; g++)
				assert_string_not_equal(k->fields[f].name, k->fields[g].name);
		}
	}
	assert_false(journal_kind_find("merge", &kind));
}

/* The manual page says what the table says. */
static void test_manual(void **state)
{
	const char *path = "contrib/man/ipvs-agent.8";
	struct buf page = BUF_INIT, rows = BUF_INIT;

	(void)state;
	golden_read(path, &page);
	for (int i = 0; i < JOURNAL_N_KINDS; i++) {
		const struct journal_kind_row *k = &journal_kinds[i];

		buf_reset(&rows);
		buf_printf(&rows, ".It Ql %s\n%s\n", k->name, k->help);
		for (size_t f = 0; f < k->n_fields; f++)
			buf_printf(&rows, ".Ql %s%s\n", k->fields[f].name,
				   f + 1 < k->n_fields ? " ," : " .");
		if (!strstr(buf_str(&page), buf_str(&rows)))
			fail_msg("%s has no such lines:\n%s", path, buf_str(&rows));
	}
	buf_fini(&page);
	buf_fini(&rows);
}

/* --- reading ------------------------------------------------------------------ */

static int tell(void *arg, const struct journal_entry *e)
{
	buf_printf(arg, "%llu %s%s %s %lld %g|", (unsigned long long)e->seq, e->what,
		   e->known ? "" : "?", journal_text(e, "service"), (long long)journal_int(e, "to"),
		   journal_number(e, "value"));
	return strcmp(e->what, "stop") ? 0 : -ECANCELED;
}

/* The bytes in pieces of `piece`. */
static int feed(const char *bytes, size_t len, size_t piece, struct buf *out,
		struct journal_read_end *ret_end)
{
	struct journal_reader r = { .fn = tell, .arg = out };
	int result = 0;

	buf_reset(out);
	for (size_t at = 0; result == 0 && at < len; at += piece)
		result = journal_feed(&r, bytes + at, piece < len - at ? piece : len - at);
	journal_feed_end(&r, true);
	*ret_end = r.end;
	return result;
}

static void test_hostile(void **state)
{
	static const char bytes[] =
		"{\"t\":1,\"m\":1,\"seq\":1,\"what\":\"start\"}\n"
		"\n"
		"nonsense\n"
		"[1,2]\n"
		"{\"t\":1,\"m\":1,\"seq\":0,\"what\":\"rule\"}\n"
		"{\"t\":\"1\",\"m\":1,\"seq\":2,\"what\":\"rule\"}\n"
		"{\"t\":1,\"m\":1,\"seq\":2,\"what\":7}\n"
		"{\"t\":1,\"m\":1,\"seq\":2,\"what\":\"rule\",\"what\":\"rule\"}\n"
		"{\"t\":1,\"m\":1,\"seq\":99999999999999999999,\"what\":\"rule\"}\n"
		"{\"t\":1,\"m\":1,\"seq\":2,\"what\":\"rule\",\"service\":7,\"value\":\"x\"}\n"
		"{\"t\":1,\"m\":1,\"seq\":5,\"what\":\"merge\",\"service\":\"web\",\"to\":3}\n"
		"{\"t\":1,\"m\":1,\"seq\":1,\"what\":\"start\"}\n"
		"{\"t\":1,\"m\":1,\"seq\":2,\"what\":\"ru";
	struct journal_read_end end;
	struct buf out = BUF_INIT, whole = BUF_INIT;

	(void)state;
	for (size_t piece = 1; piece < sizeof(bytes); piece += piece < 50 ? 1 : 97) {
		assert_int_equal(feed(bytes, sizeof(bytes) - 1, piece, &out, &end), 0);
		assert_string_equal(buf_str(&out), "1 start  0 nan|2 rule  0 nan|"
						   "5 merge? web 3 nan|1 start  0 nan|");
		assert_int_equal(end.entries, 4);
		assert_int_equal(end.bad, 8);
		assert_int_equal(end.missing, 2);
		assert_true(end.torn);
	}
	/* A line of any length takes no more memory than one may; what follows is read. */
	for (int i = 0; i < 3 * JOURNAL_LINE_MAX; i++)
		buf_putc(&whole, 'x');
	buf_puts(&whole, "\n{\"t\":1,\"m\":1,\"seq\":7,\"what\":\"start\"}\n");
	assert_int_equal(feed(whole.data, whole.len, 1000, &out, &end), 0);
	assert_string_equal(buf_str(&out), "7 start  0 nan|");
	assert_int_equal(end.bad, 1);
	assert_false(end.torn);
	buf_fini(&out);
	buf_fini(&whole);
}

static int keep_body(void *arg, const struct journal_entry *e)
{
	buf_put(arg, e->body, e->body_len);
	buf_putc(arg, '\n');
	return 0;
}

/* What was decided alike reads alike, whenever. */
static void test_body(void **state)
{
	struct journal_line l = { 0 };
	struct buf out = BUF_INIT;
	struct journal_reader r = { .fn = keep_body, .arg = &out };

	(void)state;
	for (int i = 1; i < 3; i++) {
		journal_line_begin(&l, JOURNAL_WEIGHT, 1000 * i, 77 * i, (uint64_t)i * 3);
		journal_line_int(&l, "to", 50);
		assert_int_equal(journal_line_end(&l), 0);
		assert_int_equal(journal_feed(&r, l.text.data, l.text.len), 0);
	}
	journal_feed_end(&r, true);
	assert_string_equal(buf_str(&out), "\"what\":\"weight\",\"to\":50}\n"
					   "\"what\":\"weight\",\"to\":50}\n");
	journal_line_fini(&l);
	buf_fini(&out);
}

/* Who reads may stop. */
static void test_stopped(void **state)
{
	static const char bytes[] = "{\"t\":1,\"m\":1,\"seq\":1,\"what\":\"stop\"}\n"
				    "{\"t\":1,\"m\":1,\"seq\":1,\"what\":\"start\"}\n";
	struct journal_read_end end;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(feed(bytes, sizeof(bytes) - 1, 1000, &out, &end), -ECANCELED);
	assert_int_equal(end.entries, 1);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),  cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_order),  cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_manual), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_body),   cmocka_unit_test(test_stopped),
	};

	return cmocka_run_group_tests_name("journal_line", tests, NULL, NULL);
}
