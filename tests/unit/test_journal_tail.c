/* test_journal_tail.c: the last lines of the journal, whatever stands in its files: each
 * answer is compared with what a reading from the front would give. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/holds/journal_tail.h"

#define ALL UINT32_MAX

struct place {
	char dir[64];
};

static int setup(void **state)
{
	struct place *p = malloc(sizeof(*p));

	strcpy(p->dir, "/tmp/ipvs-agent-tail-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	*state = p;
	return 0;
}

static void path_of(const struct place *p, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", p->dir, name);
}

static int teardown(void **state)
{
	struct place *p = *state;
	char path[128];

	path_of(p, "journal", path, sizeof(path));
	unlink(path);
	path_of(p, "journal.1", path, sizeof(path));
	unlink(path);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void write_file(const struct place *p, const char *name, const struct buf *text)
{
	char path[128];
	FILE *f;

	path_of(p, name, path, sizeof(path));
	f = fopen(path, "we");
	assert_non_null(f);
	if (text->len > 0)
		assert_int_equal(fwrite(text->data, 1, text->len, f), text->len);
	assert_int_equal(fclose(f), 0);
}

static void write_text(const struct place *p, const char *name, const char *text)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, text);
	write_file(p, name, &b);
	buf_fini(&b);
}

static void put_line(struct buf *out, unsigned int seq, const char *what, size_t pad)
{
	buf_printf(out, "{\"t\":1,\"m\":2,\"seq\":%u,\"what\":\"%s\",\"reason\":\"", seq, what);
	for (size_t i = 0; i < pad; i++)
		buf_putc(out, 'x');
	buf_puts(out, "\"}\n");
}

/* The numbers of the lines, "3 4 5". */
static char *numbers(const struct place *p, const struct journal_filter *f)
{
	struct journal_tail tail;
	struct buf out = BUF_INIT;
	const char *at;
	size_t n = 0;
	int r = journal_tail(p->dir, f, &tail);

	if (r < 0)
		fail_msg("%s", strerror(-r));
	for (at = buf_str(&tail.lines); (at = strstr(at, "\"seq\":")); at++, n++)
		buf_printf(&out, "%s%d", out.len ? " " : "", atoi(at + 6));
	assert_int_equal(n, tail.n);
	assert_false(tail.cut);
	buf_fini(&tail.lines);
	buf_puts(&out, "");
	return buf_take(&out);
}

static void check(const struct place *p, const struct journal_filter *f, const char *want)
{
	char *is = numbers(p, f);

	assert_string_equal(is, want);
	free(is);
}

static void test_none(void **state)
{
	struct journal_filter f = { .limit = 10, .kinds = ALL };

	check(*state, &f, "");
	write_text(*state, "journal", "");
	check(*state, &f, "");
	write_text(*state, "journal", "\n\n\n");
	check(*state, &f, "");
}

static void test_filters(void **state)
{
	static const char old[] = "{\"t\":1,\"m\":1,\"seq\":1,\"what\":\"start\"}\n"
				  "{\"t\":1,\"m\":1,\"seq\":2,\"what\":\"hold\",\"service\":"
				  "\"web\",\"realserver\":\"w1\"}\n";
	static const char new[] =
		"{\"t\":1,\"m\":1,\"seq\":3,\"what\":\"panic\",\"service\":\"web\"}\n"
		"no line of ours\n"
		"{\"t\":1,\"m\":1,\"seq\":4,\"what\":\"hold\",\"service\":\"dns\",\"realserver\":"
		"\"w1\"}\n"
		"{\"t\":1,\"m\":1,\"seq\":5,\"what\":\"hold\",\"service\":\"web\",\"realserver\"\n"
		"{\"t\":1,\"m\":1,\"seq\":6,\"what\":\"unheard\"}\n"
		"{\"t\":1,\"m\":1,\"seq\":7,\"what\":\"sample\",\"service\":\"web\"}\n"
		"{\"t\":1,\"m\":1,\"seq\":8,\"what\":\"release\",\"service\":\"web\","
		"\"realserver\":\"w2\"}\n"
		"{\"t\":1,\"m\":1,\"seq\":9,\"what\":\"hold\",\"serv";
	static const struct {
		struct journal_filter filter;
		const char *want;
	} cases[] = {
		{ { .limit = 100, .kinds = ALL }, "1 2 3 4 7 8" },
		{ { .limit = 3, .kinds = ALL }, "4 7 8" },
		{ { .limit = 5, .kinds = ALL }, "2 3 4 7 8" },
		{ { .limit = 9, .kinds = ~(1U << JOURNAL_SAMPLE) }, "1 2 3 4 8" },
		{ { .limit = 9, .kinds = 1U << JOURNAL_HOLD }, "2 4" },
		{ { .limit = 1, .kinds = 1U << JOURNAL_HOLD }, "4" },
		{ { .limit = 9, .kinds = ALL, .service = "web" }, "2 3 7 8" },
		{ { .limit = 9, .kinds = ALL, .service = "web", .realserver = "w1" }, "2" },
		{ { .limit = 9, .kinds = ALL, .either = "w1" }, "2 4" },
		{ { .limit = 9, .kinds = ALL, .either = "dns" }, "4" },
		{ { .limit = 9, .kinds = ALL, .either = "w" }, "" },
		{ { .limit = 9, .kinds = 0 }, "" },
	};

	write_text(*state, "journal.1", old);
	write_text(*state, "journal", new);
	for (size_t i = 0; i < countof(cases); i++)
		check(*state, &cases[i].filter, cases[i].want);
}

/* Whatever lies at the edge of a block. */
static void test_blocks(void **state)
{
	struct journal_filter f = { .limit = JOURNAL_TAIL_MAX, .kinds = ALL };
	struct buf text = BUF_INIT, want = BUF_INIT;
	unsigned int seed = 7;

	for (int round = 0; round < 20; round++) {
		unsigned int n = 1 + (unsigned int)rand_r(&seed) % 200;

		buf_reset(&text);
		buf_reset(&want);
		buf_puts(&want, "");
		for (unsigned int i = 1; i <= n; i++) {
			size_t pad = (size_t)rand_r(&seed) % (i % 10 ? 2000 : 70000);
			size_t len = text.len;

			put_line(&text, i, "hold", pad);
			/* Longer than any of ours is none of ours. */
			if (text.len - len - 1 <= JOURNAL_LINE_MAX)
				buf_printf(&want, "%s%u", want.len ? " " : "", i);
		}
		write_file(*state, "journal", &text);
		check(*state, &f, buf_str(&want));
	}
	buf_fini(&text);
	buf_fini(&want);
}

/* More than is read at a time: what was found, and that it was not all. */
static void test_cut(void **state)
{
	struct journal_filter f = { .limit = 10, .kinds = 1U << JOURNAL_PANIC };
	const struct place *p = *state;
	struct journal_tail tail;
	struct buf text = BUF_INIT;
	char path[128];

	put_line(&text, 1, "panic", 0);
	put_line(&text, 2, "panic", 0);
	write_file(p, "journal.1", &text);
	/* A hole is nothing but NULs, and one long line. */
	path_of(p, "journal", path, sizeof(path));
	write_text(p, "journal", "");
	assert_int_equal(truncate(path, 100 << 20), 0);
	assert_int_equal(journal_tail(p->dir, &f, &tail), 0);
	assert_true(tail.cut);
	assert_int_equal(tail.n, 0);
	buf_fini(&tail.lines);
	assert_int_equal(truncate(path, 1 << 20), 0);
	check(p, &f, "1 2");
	buf_fini(&text);
}

static void test_unreadable(void **state)
{
	struct journal_filter f = { .limit = 10, .kinds = ALL };
	const struct place *p = *state;
	struct journal_tail tail;
	char path[128];

	path_of(p, "journal", path, sizeof(path));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(journal_tail(p->dir, &f, &tail), -ENOTSUP);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(journal_tail(p->dir, &f, &tail), -ENOTSUP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(journal_tail(p->dir, &f, &tail), -ELOOP);
	assert_int_equal(unlink(path), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_none), CASE(test_filters),    CASE(test_blocks),
		CASE(test_cut),  CASE(test_unreadable),
	};

	return cmocka_run_group_tests_name("journal tail", tests, NULL, NULL);
}
