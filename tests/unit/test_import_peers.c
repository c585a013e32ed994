/* test_import_peers.c: what keepalived.conf and ldirectord.cf cannot be: blocks, quotes and
 * definitions that do not end, and how much of anything is read. What they can be is in
 * tests/golden/import. */
#include "tests/unit/import_case.h"
#include "tests/unit/t.h"

static const struct import_world world = { .host = case_host, .port = case_port };

/* Reads `text`; what is refused into `why`. The import, for its INI; NULL = refused. */
static struct import *read_text(const char *format, const char *text, struct buf *why)
{
	struct import *im;
	int r;

	assert_int_equal(import_new(&world, &im), 0);
	r = import_read_bytes(im, import_format_find(format), "source", text, strlen(text));
	if (!r)
		return im;
	assert_int_equal(r, -EINVAL);
	buf_puts(why, import_why(im));
	import_free(im);
	return NULL;
}

static void refused(const char *format, const char *text, const char *why)
{
	struct buf said = BUF_INIT;

	assert_null(read_text(format, text, &said));
	assert_string_equal(buf_str(&said), why);
	buf_fini(&said);
}

/* The INI, which the loader takes. */
static void read_ini(const char *format, const char *text, struct buf *ini)
{
	struct buf why = BUF_INIT, problems = BUF_INIT;
	struct import *im = read_text(format, text, &why);

	assert_string_equal(buf_str(&why), "");
	import_put_ini(im, ini);
	case_check(ini, &problems);
	assert_string_equal(buf_str(&problems), "");
	import_free(im);
	buf_fini(&problems);
	buf_fini(&why);
}

static size_t count(const struct buf *ini, const char *line)
{
	const char *p = buf_str(ini);
	size_t n = 0;

	for (; (p = strstr(p, line)) != NULL; p++)
		n++;
	return n;
}

static void test_keepalived_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "a {", "source:1: the '{' of 'a' is never closed by a '}'" },
		{ "a {\nb {\n}\n", "source:1: the '{' of 'a' is never closed by a '}'" },
		{ "a\n}\n", "source:2: a '}' that closes nothing: one '{' is missing above" },
		{ "{", "source:1: a '{' with nothing before it that it could belong to" },
		{ "a {\n}\n{\n}\n",
		  "source:3: a '{' with nothing before it that it could belong to" },
		{ "a 'b\n", "source:1: a quote (') that is not closed on its line" },
		{ "a \"b\\\"\n", "source:1: a quote (\") that is not closed on its line" },
		{ "~LST(A, 1, 2) b\n", "source:1: ~LST blocks are not read: write the lines that "
				       "it makes in its place" },
		{ "$A= \\\n$B \\\n$B\n$B= \\\n$A \\\n$A\n$A\n",
		  "source:7: definitions ($NAME) of more than 16 levels, or one of itself" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < countof(cases); i++)
		refused("keepalived", cases[i].text, cases[i].why);
}

/* Blocks one in the other. A brace within a word is the word's. */
static void put_depth(struct buf *text, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		buf_puts(text, "a { ");
	for (i = 0; i < n; i++)
		buf_puts(text, "} ");
}

static void test_keepalived_bounds(void **state)
{
	struct buf text = BUF_INIT, ini = BUF_INIT;
	unsigned int i;

	(void)state;
	put_depth(&text, 16);
	read_ini("keepalived", buf_str(&text), &ini);
	buf_reset(&text);
	put_depth(&text, 17);
	refused("keepalived", buf_str(&text), "source:1: more than 16 blocks one in the other");

	buf_reset(&text);
	for (i = 0; i < 1024; i++)
		buf_printf(&text, "$A%u=1\n", i);
	buf_puts(&text, "$A0=again\n"); /* none more */
	buf_reset(&ini);
	read_ini("keepalived", buf_str(&text), &ini);
	buf_puts(&text, "$B=1\n");
	refused("keepalived", buf_str(&text), "source:1026: more than 1024 definitions");

	buf_reset(&text);
	buf_reset(&ini);
	buf_puts(&text, "virtual_server_group G {\n10.0.0.0/8 80\n}\n"
			"virtual_server group G {\nprotocol TCP\n}\n");
	read_ini("keepalived", buf_str(&text), &ini);
	assert_int_equal(count(&ini, "\naddress = "), 4096);
	assert_int_equal(count(&ini, "4096 addresses at most"), 1);
	buf_fini(&text);
	buf_fini(&ini);
}

/* A pool of 5,000 with a check each, all alike, is one probe. */
static void test_many(void **state)
{
	struct buf text = BUF_INIT, ini = BUF_INIT;
	unsigned int i;

	(void)state;
	buf_puts(&text, "virtual_server 10.7.0.1 80 {\nprotocol TCP\n");
	for (i = 0; i < 5000; i++)
		buf_printf(&text, "real_server 10.1.%u.%u 80 {\nweight %u\nTCP_CHECK {\n}\n}\n",
			   i / 250, i % 250 + 1, i % 100);
	buf_puts(&text, "}\n");
	read_ini("keepalived", buf_str(&text), &ini);
	assert_int_equal(count(&ini, "\nrealserver = "), 5000);
	assert_int_equal(count(&ini, "\n[probe "), 1);
	buf_fini(&text);
	buf_fini(&ini);
}

static void test_ldirectord_bounds(void **state)
{
	struct buf ini = BUF_INIT;

	(void)state;
	read_ini("ldirectord",
		 "virtual=10.7.0.1:80\n\treal=10.0.0.0->10.255.255.255:80 masq\n"
		 "\treal=10.1.0.0->10.1.15.255:80 masq\n",
		 &ini);
	assert_int_equal(count(&ini, "\nrealserver = "), 4096);
	assert_int_equal(count(&ini, "no range of up to 4096"), 1);
	refused("ldirectord", "what is this\n",
		"source:1: 'what is this' is no line of an ldirectord.cf (key = value)");
	refused("ldirectord", "virtual=10.7.0.1:80\n\tone two\n",
		"source:2: 'one two' is no line of an ldirectord.cf (key = value)");
	buf_fini(&ini);
}

/* What the file says stands in the list, but for what nobody is to read there. */
static void test_secrets(void **state)
{
	struct buf why = BUF_INIT, out = BUF_INIT;
	struct import *im = read_text("ldirectord",
				      "virtual=10.7.0.1:110\n\treal=10.1.0.1:110 masq\n"
				      "\tlogin=\"hidden1\"\n\tpasswd=\"hidden2\"\n"
				      "\tsecret=\"hidden3\"\n",
				      &why);

	(void)state;
	assert_non_null(im);
	import_put_ini(im, &out);
	import_put_list(im, &out);
	assert_int_equal(import_put_json(im, &out), 0);
	assert_null(strstr(buf_str(&out), "hidden"));
	assert_non_null(strstr(buf_str(&out), "passwd"));
	import_free(im);
	buf_fini(&why);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keepalived_refused),
		cmocka_unit_test(test_keepalived_bounds),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_ldirectord_bounds),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests_name("import of peers", tests, NULL, NULL);
}
