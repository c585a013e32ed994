/* fuzz_expr.c: any bytes as an expression. What is refused must be told with a column
 * of the text and a sentence; what is accepted is judged over values that the same
 * bytes choose: twice the same, and by the laws of three-valued logic. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/rules/expr.h"
#include "agent/rules/samples.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_REALSERVERS = 4, INTERVAL_MS = 1000, STEPS = 12 };

static void check(bool ok)
{
	if (!ok)
		abort();
}

static struct expr *compile(const char *text)
{
	struct buf why = BUF_INIT;
	unsigned int column = 0;
	struct expr *e = NULL;
	int r = expr_compile(text, &why, &column, &e);

	if (r) {
		check(!e && column >= 1 && column <= strlen(text) + 1);
		check(why.len > 10 && buf_ok(&why));
	} else {
		check(e && !column && !why.len);
	}
	buf_fini(&why);
	return e;
}

/* What it needs, as samples want it told. */
static size_t needs_of(const struct expr *e, struct samples_need *needs)
{
	const struct expr_need *wanted;
	size_t n, i;

	wanted = expr_needs(e, &n);
	check(n >= 1 && n <= N_SIGNALS);
	for (i = 0; i < n; i++) {
		check((unsigned int)wanted[i].signal < N_SIGNALS);
		check(!wanted[i].window_ms || (wanted[i].window_ms >= EXPR_WINDOW_MIN_MS &&
					       wanted[i].window_ms <= EXPR_WINDOW_MAX_MS));
		needs[i] = (struct samples_need){ .signal = wanted[i].signal,
						  .window_ms = wanted[i].window_ms,
						  .peers = wanted[i].peers };
	}
	return n;
}

static double value_of(uint8_t byte)
{
	static const double special[] = { NAN, 0, 1, -1, 1e308, 0.2, 1e-308, INFINITY };

	return byte % 4 ? byte : special[byte / 4 % countof(special)];
}

/* The same text inside others: what they are worth follows. */
static void check_law(const char *larger, struct samples *s, int64_t now_ms, const enum truth *want)
{
	struct expr *e = compile(larger); /* refused where it is too long or deep by now */
	uint32_t i;

	for (i = 0; e && i < N_REALSERVERS; i++)
		check(expr_eval(e, s, i, now_ms, NULL) == want[i]);
	expr_free(e);
}

static void check_laws(const char *text, struct samples *s, int64_t now_ms, const enum truth *same,
		       const enum truth *opposite)
{
	struct buf larger = BUF_INIT;

	buf_printf(&larger, "not (%s)", text);
	check_law(buf_str(&larger), s, now_ms, opposite);
	buf_reset(&larger);
	buf_printf(&larger, "(%s) and (%s)", text, text);
	check_law(buf_str(&larger), s, now_ms, same);
	buf_reset(&larger);
	buf_printf(&larger, "(%s) or not not (%s)", text, text);
	check_law(buf_str(&larger), s, now_ms, same);
	buf_fini(&larger);
}

static void judge(const char *text, const struct expr *e, struct samples *s, int64_t now_ms)
{
	enum truth same[N_REALSERVERS], opposite[N_REALSERVERS];
	uint32_t i;

	for (i = 0; i < N_REALSERVERS; i++) {
		double value = 0, again = 0;

		same[i] = expr_eval(e, s, i, now_ms, &value);
		check(expr_eval(e, s, i, now_ms, &again) == same[i]);
		check(!isinf(value) && (value == again || (isnan(value) && isnan(again))));
		check((unsigned int)same[i] <= TRUTH_TRUE);
		opposite[i] = same[i] == TRUTH_NO_DATA ? TRUTH_NO_DATA
			      : same[i] == TRUTH_TRUE  ? TRUTH_FALSE
						       : TRUTH_TRUE;
	}
	check(expr_eval(e, s, UINT32_MAX, now_ms, NULL) <= TRUTH_TRUE);
	check_laws(text, s, now_ms, same, opposite);
}

static void run(const char *text, const struct expr *e, const uint8_t *data, size_t size)
{
	static const uint32_t service_of[] = { 0, 0, 0, 1 }, first[] = { 0, 3 }, n_of[] = { 3, 1 };
	static const struct samples_shape shape = { service_of, first, n_of, 2, N_REALSERVERS };
	struct samples_need needs[N_SIGNALS];
	size_t n = needs_of(e, needs), i, at = 0;
	struct buf why = BUF_INIT;
	struct samples *s = NULL;
	int64_t now_ms = 0;
	uint32_t row, step;

	check(size > 0);
	check(samples_new(&shape, needs, n, INTERVAL_MS, UINT64_MAX, &why, &s) == 0);
	for (step = 0; step < STEPS; step++) {
		now_ms += 10 * data[at++ % size];
		for (i = 0; i < n; i++) {
			for (row = 0; row < N_REALSERVERS; row++)
				samples_put(s, needs[i].signal, row, now_ms,
					    value_of(data[at++ % size]));
		}
		samples_peer(s, step % N_REALSERVERS, data[at++ % size] & 1);
		if (step % 4 == 3)
			judge(text, e, s, now_ms + data[at % size]);
	}
	samples_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct expr *e;

	check(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	e = compile(text);
	if (e)
		run(text, e, data, size);
	expr_free(e);
	free(text);
	return 0;
}
