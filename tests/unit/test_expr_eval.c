/* test_expr_eval.c: tests/golden/expr/eval.txt: what expressions are worth; the file
 * says how it is written. With UPDATE_GOLDEN=1 the answers are written anew: read the
 * difference. */
#include "tests/unit/t.h"

#include <math.h>

#include "agent/base/attr.h"
#include "agent/rules/expr.h"
#include "agent/rules/samples.h"
#include "tests/unit/golden.h"

enum { INTERVAL_MS = 2000, MAX_SERIES = 16, MAX_POINTS = 64, N_REALSERVERS = 5 };

static const uint32_t service_of[] = { 0, 0, 0, 1, 1 }, first_of[] = { 0, 3 }, n_of[] = { 3, 2 };
static const struct samples_shape shape = { service_of, first_of, n_of, 2, N_REALSERVERS };

struct series {
	enum signal_id signal;
	uint32_t id;
	double values[MAX_POINTS];
	bool put[MAX_POINTS];
	unsigned int n;
};

struct scene {
	struct series series[MAX_SERIES];
	unsigned int n_series;
	bool out[N_REALSERVERS];
	int64_t now_ms;
	uint32_t realserver;
};

static void add_points(struct series *s, const char *word)
{
	char *end = NULL;
	double value = *word == '_' ? NAN : strtod(word, &end);
	unsigned long times = 1;

	end = *word == '_' || *word == '.' ? (char *)(uintptr_t)word + 1 : end;
	if (*end == 'x')
		times = strtoul(end + 1, &end, 10);
	if (*end)
		fail_msg("'%s' is no value", word);
	while (times--) {
		assert_in_range(s->n, 0, MAX_POINTS - 1);
		s->put[s->n] = *word != '.';
		s->values[s->n++] = value;
	}
}

static void take_series(struct scene *sc, char *rest)
{
	struct series *s = &sc->series[sc->n_series++];
	char *word;

	assert_in_range(sc->n_series, 1, MAX_SERIES);
	memset(s, 0, sizeof(*s));
	word = strsep(&rest, " ");
	if (!signal_find(word, &s->signal, NULL))
		fail_msg("'%s' is no signal", word);
	s->id = (uint32_t)atoi(strsep(&rest, " "));
	while ((word = strsep(&rest, " ")))
		add_points(s, word);
}

static void take_fact(struct scene *sc, char *line)
{
	char *word = strsep(&line, " ");

	if (!strcmp(word, "series")) {
		take_series(sc, line);
	} else if (!strcmp(word, "out")) {
		sc->out[atoi(line)] = true;
	} else if (!strcmp(word, "at")) {
		sc->now_ms = (int64_t)atoi(strsep(&line, " ")) * 1000;
		sc->realserver = (uint32_t)atoi(line);
	} else if (!strcmp(word, "reset")) {
		memset(sc, 0, sizeof(*sc));
	} else {
		fail_msg("what is '%s'?", word);
	}
}

/* All that was put until then. */
static struct samples *fill(const struct scene *sc, const struct expr *e)
{
	struct samples_need needs[N_SIGNALS];
	const struct expr_need *wanted;
	struct buf why = BUF_INIT;
	struct samples *s = NULL;
	size_t n, i;
	unsigned int at;

	wanted = expr_needs(e, &n);
	for (i = 0; i < n; i++)
		needs[i] = (struct samples_need){ .signal = wanted[i].signal,
						  .window_ms = wanted[i].window_ms,
						  .peers = wanted[i].peers };
	assert_int_equal(samples_new(&shape, needs, n, INTERVAL_MS, UINT64_MAX, &why, &s), 0);
	for (i = 0; i < N_REALSERVERS; i++)
		samples_peer(s, (uint32_t)i, !sc->out[i]);
	for (i = 0; i < sc->n_series; i++) {
		const struct series *series = &sc->series[i];

		for (at = 0; at < series->n && (int64_t)at * INTERVAL_MS <= sc->now_ms; at++) {
			if (series->put[at])
				samples_put(s, series->signal, series->id,
					    (int64_t)at * INTERVAL_MS, series->values[at]);
		}
	}
	return s;
}

static void judge(const struct scene *sc, const char *text, struct buf *out)
{
	static const char *const words[] = { "no data", "false", "true" };
	struct buf why = BUF_INIT;
	unsigned int column = 0;
	struct expr *e = NULL;
	struct samples *s;
	double value = 12345;
	enum truth truth;

	if (expr_compile(text, &why, &column, &e))
		fail_msg("%s: column %u: %s", text, column, buf_str(&why));
	s = fill(sc, e);
	truth = expr_eval(e, s, sc->realserver, sc->now_ms, &value);
	assert_int_equal(expr_eval(e, s, sc->realserver, sc->now_ms, NULL), truth);
	buf_puts(out, words[truth]);
	if (!isnan(value))
		buf_printf(out, " %.10g", value);
	buf_putc(out, '\n');
	samples_free(s);
	expr_free(e);
}

static void test_golden(void **state)
{
	static const char path[] = "tests/golden/expr/eval.txt";
	struct buf text = BUF_INIT, out = BUF_INIT;
	static struct scene sc;
	char *copy, *next, *line;
	unsigned int judged = 0;

	(void)state;
	golden_read(path, &text);
	assert_true(text.len > 0);
	copy = next = buf_take(&text);
	while ((line = strsep(&next, "\n"))) {
		bool last = !next && !*line;

		if (!last && strncmp(line, "true", 4) != 0 && strncmp(line, "false", 5) != 0 &&
		    strncmp(line, "no data", 7) != 0)
			buf_printf(&out, "%s\n", line);
		else
			continue;
		if (*line == '>') {
			judge(&sc, line + 2, &out);
			judged++;
		} else if (*line && *line != '#') {
			take_fact(&sc, line);
		}
	}
	assert_true(judged > 80);
	assert_true(golden_same(path, &out));
	free(copy);
	buf_fini(&out);
}

/* Every pair of truths through and, or: by the table that Kleene gave. */
static void test_kleene(void **state)
{
	/* probe_up: the left side, probe_success: the right; 1 true, 0 false, NAN none */
	static const double values[] = { NAN, 0, 1 };
	static const enum truth and[3][3] = {
		{ TRUTH_NO_DATA, TRUTH_FALSE, TRUTH_NO_DATA },
		{ TRUTH_FALSE, TRUTH_FALSE, TRUTH_FALSE },
		{ TRUTH_NO_DATA, TRUTH_FALSE, TRUTH_TRUE },
	};
	static const enum truth or [3][3] = {
		{ TRUTH_NO_DATA, TRUTH_NO_DATA, TRUTH_TRUE },
		{ TRUTH_NO_DATA, TRUTH_FALSE, TRUTH_TRUE },
		{ TRUTH_TRUE, TRUTH_TRUE, TRUTH_TRUE },
	};
	struct buf why = BUF_INIT;
	struct expr *e_and = NULL, *e_or = NULL;
	struct scene none = { 0 };
	struct samples *s;
	unsigned int column, a, b;
	int64_t ms = 0;

	(void)state;
	assert_int_equal(
		expr_compile("probe_up == 1 and probe_success == 1", &why, &column, &e_and), 0);
	assert_int_equal(expr_compile("probe_up == 1 or probe_success == 1", &why, &column, &e_or),
			 0);
	s = fill(&none, e_and);
	for (a = 0; a < 3; a++) {
		for (b = 0; b < 3; b++) {
			samples_put(s, SIGNAL_PROBE_UP, 0, ++ms, values[a]);
			samples_put(s, SIGNAL_PROBE_SUCCESS, 0, ms, values[b]);
			assert_int_equal(expr_eval(e_and, s, 0, ms, NULL), and[a][b]);
			assert_int_equal(expr_eval(e_or, s, 0, ms, NULL), or [a][b]);
		}
	}
	/* a realserver that does not exist has no data */
	assert_int_equal(expr_eval(e_and, s, N_REALSERVERS, ms, NULL), TRUTH_NO_DATA);
	samples_free(s);
	expr_free(e_and);
	expr_free(e_or);
}

/* As many values wait as ever can: all levels of conditions, or all of numbers, around
 * the level where numbers begin. ASan watches the stack. */
static void test_tallest_stack(void **state)
{
	unsigned int conditions;

	(void)state;
	for (conditions = 0; conditions <= EXPR_DEPTH_MAX; conditions++) {
		struct buf text = BUF_INIT, why = BUF_INIT;
		struct scene none = { 0 };
		unsigned int column = 0, i;
		struct expr *e = NULL;
		struct samples *s;

		for (i = 0; i < conditions; i++)
			buf_puts(&text, "1>2 or 1<2 and(");
		buf_puts(&text, "1>2 or 1<2 and 1==1+0*");
		for (i = conditions; i < EXPR_DEPTH_MAX; i++)
			buf_puts(&text, "(1+1*");
		buf_puts(&text, "weight");
		for (i = 0; i < EXPR_DEPTH_MAX; i++)
			buf_putc(&text, ')');
		assert_int_equal(expr_compile(buf_str(&text), &why, &column, &e), 0);
		s = fill(&none, e);
		assert_int_equal(expr_eval(e, s, 0, 0, NULL), TRUTH_NO_DATA);
		samples_put(s, SIGNAL_WEIGHT, 0, 0, 1);
		assert_int_equal(expr_eval(e, s, 0, 0, NULL), TRUTH_TRUE);
		samples_free(s);
		expr_free(e);
		buf_fini(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_kleene),
		cmocka_unit_test(test_tallest_stack),
	};

	return cmocka_run_group_tests_name("expr_eval", tests, NULL, NULL);
}
