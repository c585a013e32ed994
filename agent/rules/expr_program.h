/* expr_program.h: what an expression is compiled to; for rules/expr*.c only. Postfix:
 * an op takes its operands from a stack and leaves its result there. */
#ifndef RULES_EXPR_PROGRAM_H
#define RULES_EXPR_PROGRAM_H

#include "agent/rules/expr.h"
#include "agent/rules/samples.h"

enum expr_code {
	EXPR_NUMBER = 0, /* number */
	EXPR_NEWEST,     /* signal */
	EXPR_OVER,       /* signal, over, window_ms */
	EXPR_PEERS_MEDIAN,
	EXPR_PEERS_AVG,
	EXPR_NEGATE,
	EXPR_ADD,
	EXPR_SUBTRACT,
	EXPR_MULTIPLY,
	EXPR_DIVIDE,
	EXPR_LESS,
	EXPR_LESS_EQUAL,
	EXPR_GREATER,
	EXPR_GREATER_EQUAL,
	EXPR_EQUAL,
	EXPR_NOT_EQUAL,
	EXPR_AND,
	EXPR_OR,
	EXPR_NOT,
};

_Static_assert((int64_t)EXPR_WINDOW_MAX_MS <= SAMPLES_WINDOW_MAX_MS,
	       "samples keep the longest window that can be written");

struct expr_op {
	uint8_t code, signal, over;
	union {
		double number;
		int64_t window_ms;
	};
};

/* What waits on the stack at most. At each level of parentheses left operands of two
 * operators: or, and around conditions; a sum, a product around numbers; where numbers
 * begin, all four and a comparison's. And the value that was loaded last. */
enum { EXPR_STACK_MAX = 2 * EXPR_DEPTH_MAX + 5 + 1 };

struct expr {
	struct expr_need needs[N_SIGNALS];
	size_t n_needs, n_ops;
	struct expr_op ops[]; /* at most one for each character */
};

#endif
