/* test_expr_parse.c: tests/golden/expr: what is refused, with its column and words,
 * and what is accepted, with what it needs. Bounds are tested from both sides here.
 * With UPDATE_GOLDEN=1 the answers are written anew: read the difference. */
#include "tests/unit/t.h"

#include <ctype.h>
#include <errno.h>

#include "agent/base/parse.h"
#include "agent/rules/expr.h"
#include "tests/unit/golden.h"

enum { ERRORS_AT_LEAST = 60 };

/* \xNN → the byte. */
static char *unescape(const char *text, size_t len)
{
	struct buf out = BUF_INIT;
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned int byte = 0;

		if (text[i] == '\\' && sscanf(text + i, "\\x%2x", &byte) == 1) {
			buf_putc(&out, (char)byte);
			i += 3;
		} else {
			buf_putc(&out, text[i]);
		}
	}
	buf_puts(&out, "");
	return buf_take(&out);
}

static void put_needs(struct buf *out, const struct expr *e)
{
	const struct expr_need *needs;
	size_t n, i;

	needs = expr_needs(e, &n);
	for (i = 0; i < n; i++) {
		buf_printf(out, "%s%s", i ? ", " : "needs ", signal_table[needs[i].signal].name);
		if (needs[i].window_ms) {
			buf_putc(out, '[');
			format_duration(out, needs[i].window_ms);
			if (needs[i].shortest_ms != needs[i].window_ms) {
				buf_puts(out, ", ");
				format_duration(out, needs[i].shortest_ms);
			}
			buf_putc(out, ']');
		}
		buf_puts(out, needs[i].peers ? " of peers" : "");
	}
	buf_putc(out, '\n');
}

/* The answer to an expression; true when it was accepted. */
static bool answer(const char *text, struct buf *out)
{
	struct buf why = BUF_INIT;
	unsigned int column = 0;
	struct expr *e = NULL;
	int r = expr_compile(text, &why, &column, &e);

	if (r) {
		assert_int_equal(r, -EINVAL);
		assert_null(e);
		assert_in_range(column, 1, strlen(text) + 1);
		assert_true(why.len > 10);
		buf_printf(out, "%u: %s\n", column, buf_str(&why));
	} else {
		assert_int_equal(why.len, 0);
		assert_int_equal(column, 0);
		put_needs(out, e);
	}
	expr_free(e);
	buf_fini(&why);
	return !r;
}

/* Answers every line of "> "; returns how many were accepted and refused. */
static void run_file(const char *path, unsigned int *ret_accepted, unsigned int *ret_refused)
{
	struct buf text = BUF_INIT, out = BUF_INIT;
	const char *line, *end;
	bool ok;

	*ret_accepted = *ret_refused = 0;
	golden_read(path, &text);
	assert_true(text.len > 0);
	for (line = buf_str(&text); *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		if (line == end || *line == '#' || *line == '>')
			buf_printf(&out, "%.*s\n", (int)(end - line), line);
		if (*line == '>') {
			char *expr = unescape(line + 2, (size_t)(end - line) - 2);

			assert_non_null(expr);
			ok = answer(expr, &out);
			(*(ok ? ret_accepted : ret_refused))++;
			free(expr);
		}
	}
	assert_true(golden_same(path, &out));
	buf_fini(&text);
	buf_fini(&out);
}

static void test_errors(void **state)
{
	unsigned int accepted, refused;

	(void)state;
	run_file("tests/golden/expr/errors.txt", &accepted, &refused);
	assert_int_equal(accepted, 0);
	assert_true(refused >= ERRORS_AT_LEAST);
}

static void test_accepted(void **state)
{
	unsigned int accepted, refused;

	(void)state;
	run_file("tests/golden/expr/accepted.txt", &accepted, &refused);
	assert_int_equal(refused, 0);
	assert_true(accepted > 20);
}

/* `n` times `open`, the middle, `n` times `close`. */
static char *nest(const char *open, unsigned int n, const char *middle, const char *close)
{
	struct buf out = BUF_INIT;
	unsigned int i;

	for (i = 0; i < n; i++)
		buf_puts(&out, open);
	buf_puts(&out, middle);
	for (i = 0; i < n; i++)
		buf_puts(&out, close);
	return buf_take(&out);
}

static int compile(const char *text, unsigned int *ret_column)
{
	struct buf why = BUF_INIT;
	struct expr *e = NULL;
	int r = expr_compile(text, &why, ret_column, &e);

	expr_free(e);
	buf_fini(&why);
	return r;
}

static void test_depth(void **state)
{
	static const struct {
		const char *open, *middle, *close;
		unsigned int column; /* of what is one too deep */
	} cases[] = {
		{ "(", "probe_up == 0", ")", EXPR_DEPTH_MAX + 1 },
		{ "not ", "probe_up == 0", "", EXPR_DEPTH_MAX * 4 + 1 },
		{ "-", "weight == 0", "", EXPR_DEPTH_MAX + 1 },
		/* tall stacks: operands wait at each level */
		{ "weight > 1 or weight > 1 and (", "1 < 1 + 1 * weight", ")",
		  EXPR_DEPTH_MAX * 30 + 30 },
	};
	unsigned int column;
	size_t i;

	(void)state;
	for (i = 0; i < countof(cases); i++) {
		char *fine = nest(cases[i].open, EXPR_DEPTH_MAX, cases[i].middle, cases[i].close);
		char *deep =
			nest(cases[i].open, EXPR_DEPTH_MAX + 1, cases[i].middle, cases[i].close);

		column = 0;
		assert_int_equal(compile(fine, &column), 0);
		assert_int_equal(compile(deep, &column), -EINVAL);
		assert_int_equal(column, cases[i].column);
		free(fine);
		free(deep);
	}
}

/* Two operands wait at each level until the innermost is there. */
static void test_tall_stack(void **state)
{
	char *nested = nest("1+1*(", EXPR_DEPTH_MAX, "weight", ")");
	struct buf text = BUF_INIT;
	unsigned int column = 0;

	(void)state;
	buf_printf(&text, "weight > 1 or weight > 1 and 1 < %s", nested);
	assert_int_equal(compile(buf_str(&text), &column), 0);
	buf_fini(&text);
	free(nested);
}

/* A thousand levels must be an error, not a crash. */
static void test_depth_far_beyond(void **state)
{
	char *deep = nest("(", EXPR_LENGTH_MAX, "", "");
	unsigned int column = 0;

	(void)state;
	assert_int_equal(compile(deep, &column), -EINVAL);
	assert_int_equal(column, EXPR_DEPTH_MAX + 1);
	free(deep);
}

static void test_length(void **state)
{
	char *text = calloc(1, 1000001);
	unsigned int column = 0;

	(void)state;
	memset(text, ' ', 1000000);
	memcpy(text, "probe_up == 0", 13);
	assert_int_equal(compile(text, &column), -EINVAL);
	assert_int_equal(column, EXPR_LENGTH_MAX + 1);
	text[EXPR_LENGTH_MAX + 1] = '\0';
	assert_int_equal(compile(text, &column), -EINVAL);
	text[EXPR_LENGTH_MAX] = '\0';
	column = 0;
	assert_int_equal(compile(text, &column), 0);
	free(text);
}

/* As many ops as a text of that length can have. */
static void test_many_ops(void **state)
{
	char *text = nest("1+", EXPR_LENGTH_MAX / 2 - 5, "weight>0", "");
	unsigned int column = 0;

	(void)state;
	assert_in_range(strlen(text), EXPR_LENGTH_MAX - 5, EXPR_LENGTH_MAX);
	assert_int_equal(compile(text, &column), 0);
	free(text);
}

static void test_every_signal(void **state)
{
	struct buf text = BUF_INIT;
	const char *near;
	enum signal_id id;
	unsigned int i, column = 0;

	(void)state;
	for (i = 0; i < N_SIGNALS; i++) {
		const struct signal *s = &signal_table[i];

		assert_non_null(s->name);
		assert_non_null(s->help);
		assert_int_equal(s->help[strlen(s->help) - 1], '.');
		assert_true(signal_find(s->name, &id, NULL));
		assert_int_equal(id, i);
		assert_int_equal(s->counter,
				 strlen(s->name) > 6 &&
					 !strcmp(s->name + strlen(s->name) - 6, "_total"));
		buf_reset(&text);
		buf_printf(&text, "%s(%s[1m]) > 1", s->counter ? "rate" : "changes", s->name);
		assert_int_equal(compile(buf_str(&text), &column), 0);
		buf_reset(&text);
		buf_printf(&text, "ipvs_realserver_%s", s->name);
		near = NULL;
		assert_false(signal_find(buf_str(&text), &id, &near));
		assert_ptr_equal(near, s->name);
	}
	assert_false(signal_find("", &id, &near));
	assert_null(near);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_tall_stack),
		cmocka_unit_test(test_depth_far_beyond),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_many_ops),
		cmocka_unit_test(test_every_signal),
	};

	return cmocka_run_group_tests_name("expr_parse", tests, NULL, NULL);
}
