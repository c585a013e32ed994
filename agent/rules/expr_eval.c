/* expr_eval.c: running a program for one realserver. Everything is computed, nothing
 * jumped over: programs are short, and the value told to people needs both sides. */
#include <math.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/rules/expr.h"
#include "agent/rules/expr_program.h"

/* A number; or a truth, with the value of the comparison that it stems from. */
struct slot {
	double value;
	enum truth truth;
};

/* What is no number (0/0) or beyond all (1/0, overflow) is no data. */
static double known(double value)
{
	return isfinite(value) ? value : NAN;
}

static enum truth truth_of(bool holds)
{
	return holds ? TRUTH_TRUE : TRUTH_FALSE;
}

static double load(const struct expr_op *op, struct samples *s, uint32_t realserver, int64_t now_ms)
{
	enum signal_id signal = op->signal;

	switch (op->code) {
	case EXPR_NUMBER:
		return op->number;
	case EXPR_NEWEST:
		return samples_newest(s, signal, realserver, now_ms);
	case EXPR_OVER:
		return samples_over(s, signal, realserver, op->over, op->window_ms, now_ms);
	case EXPR_PEERS_MEDIAN:
		return samples_peers_median(s, signal, realserver, now_ms);
	default:
		return samples_peers_avg(s, signal, realserver, now_ms);
	}
}

static double count(enum expr_code code, double a, double b)
{
	switch (code) {
	case EXPR_ADD:
		return known(a + b);
	case EXPR_SUBTRACT:
		return known(a - b);
	case EXPR_MULTIPLY:
		return known(a * b);
	default:
		return b == 0 ? NAN : known(a / b);
	}
}

static enum truth compare(enum expr_code code, double a, double b)
{
	if (isnan(a) || isnan(b))
		return TRUTH_NO_DATA;
	switch (code) {
	case EXPR_LESS:
		return truth_of(a < b);
	case EXPR_LESS_EQUAL:
		return truth_of(a <= b);
	case EXPR_GREATER:
		return truth_of(a > b);
	case EXPR_GREATER_EQUAL:
		return truth_of(a >= b);
	case EXPR_EQUAL:
		return truth_of(a == b);
	default:
		return truth_of(a != b);
	}
}

/* The truth that decides wins over no data, no data over the other; the value comes
 * from the first side that has the truth of both together. */
static struct slot join(enum truth decides, struct slot a, struct slot b)
{
	enum truth truth = TRUTH_NO_DATA;

	if (a.truth == decides || b.truth == decides)
		truth = decides;
	else if (a.truth != TRUTH_NO_DATA && b.truth != TRUTH_NO_DATA)
		truth = a.truth;
	a = a.truth == truth ? a : b;
	return (struct slot){ .value = a.value, .truth = truth };
}

static enum truth negate(enum truth truth)
{
	static const enum truth negated[] = {
		[TRUTH_NO_DATA] = TRUTH_NO_DATA,
		[TRUTH_FALSE] = TRUTH_TRUE,
		[TRUTH_TRUE] = TRUTH_FALSE,
	};

	return negated[truth];
}

/* `signal < number`, as most rules are, and the built-in one, which is asked of every
 * realserver in every turn: without the stack. */
static bool is_plain(const struct expr *e)
{
	return e->n_ops == 3 && e->ops[0].code == EXPR_NEWEST && e->ops[1].code == EXPR_NUMBER &&
	       e->ops[2].code >= EXPR_LESS && e->ops[2].code <= EXPR_NOT_EQUAL;
}

enum truth expr_eval(const struct expr *e, struct samples *s, uint32_t realserver, int64_t now_ms,
		     double *ret_value)
{
	struct slot stack[EXPR_STACK_MAX], *top = stack;
	size_t most = e->n_ops < EXPR_STACK_MAX ? e->n_ops : EXPR_STACK_MAX;
	const struct expr_op *op;

	if (is_plain(e)) {
		double value = samples_newest(s, e->ops[0].signal, realserver, now_ms);

		if (ret_value)
			*ret_value = value;
		return compare(e->ops[2].code, value, e->ops[1].number);
	}
	/* As much as it may use: all of it takes longer than most programs. */
	memset(stack, 0, most * sizeof(*stack));
	for (op = e->ops; op < e->ops + e->n_ops; op++) {
		if (op->code < EXPR_NEGATE) {
			*top++ = (struct slot){ .value = load(op, s, realserver, now_ms) };
		} else if (op->code == EXPR_NEGATE) {
			top[-1].value = -top[-1].value;
		} else if (op->code == EXPR_NOT) {
			top[-1].truth = negate(top[-1].truth);
		} else {
			struct slot *a = top - 2, *b = top - 1;

			if (op->code == EXPR_AND)
				*a = join(TRUTH_FALSE, *a, *b);
			else if (op->code == EXPR_OR)
				*a = join(TRUTH_TRUE, *a, *b);
			else if (op->code < EXPR_LESS)
				a->value = count(op->code, a->value, b->value);
			else
				a->truth = compare(op->code, a->value, b->value);
			top--;
		}
	}
	if (ret_value)
		*ret_value = stack[0].value;
	return stack[0].truth;
}
