/* expr_parse.c: words → program, by climbing the operators' bindings. What an operand
 * is, a number or a condition, is checked as soon as it was read, so the first mistake
 * from the left is the one that is told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/rules/expr.h"
#include "agent/rules/expr_words.h"

struct parser {
	struct lexer lex;
	struct expr *e;
	unsigned int depth;
};

/* What was read: where it begins, what it is. */
struct operand {
	enum expr_kind kind;
	bool compares; /* it is a comparison, without parentheses around */
	unsigned int column;
};

static bool parse_level(struct parser *p, unsigned int binding, struct operand *ret);

static void emit(struct parser *p, struct expr_op op)
{
	p->e->ops[p->e->n_ops++] = op;
}

/* --- signals and functions ------------------------------------------------------ */

static void note_need(struct expr *e, enum signal_id signal, int64_t window_ms, bool peers)
{
	struct expr_need *need;
	size_t i;

	for (i = 0; i < e->n_needs && e->needs[i].signal != signal;)
		i++;
	need = &e->needs[i];
	if (i == e->n_needs) {
		e->n_needs++;
		*need = (struct expr_need){ .signal = signal };
	}
	if (window_ms > need->window_ms)
		need->window_ms = window_ms;
	if (window_ms && (!need->shortest_ms || window_ms < need->shortest_ms))
		need->shortest_ms = window_ms;
	need->peers |= peers;
}

static bool find_signal(struct parser *p, const struct token *name, enum signal_id *ret_id)
{
	const char *near = NULL;
	struct buf why = BUF_INIT;

	if (signal_find(name->text, ret_id, &near))
		return true;
	expr_tell_signal(&why, name->text, near);
	lex_fail(&p->lex, name->column, "%s", buf_str(&why));
	buf_fini(&why);
	return false;
}

static bool unknown_function(struct parser *p, const struct token *name)
{
	struct buf why = BUF_INIT;

	expr_tell_function(&why, name->text);
	lex_fail(&p->lex, name->column, "%s", buf_str(&why));
	buf_fini(&why);
	return false;
}

/* "[30s]" at the current token. */
static bool parse_window(struct parser *p, const struct expr_function *f, int64_t *ret_ms)
{
	struct token *t = &p->lex.token;

	if (!lex_is(&p->lex, "["))
		return lex_fail(&p->lex, t->column, "%s() needs a window: write %s", f->name,
				f->usage);
	if (!lex_next(&p->lex))
		return false;
	if (t->kind != TOKEN_DURATION)
		return lex_fail(&p->lex, t->column,
				"a window is a duration with its unit: write %s", f->usage);
	if (t->ms < EXPR_WINDOW_MIN_MS || t->ms > EXPR_WINDOW_MAX_MS)
		return lex_fail(&p->lex, t->column, "a window must be between 1s and 1d: %s is %s",
				t->text, t->ms < EXPR_WINDOW_MIN_MS ? "shorter" : "longer");
	*ret_ms = t->ms;
	if (!lex_next(&p->lex))
		return false;
	if (!lex_is(&p->lex, "]"))
		return lex_fail(&p->lex, t->column, "the window is not closed: write ']' behind %s",
				"its duration");
	return lex_next(&p->lex);
}

/* Whether the function may read the signal. */
static bool check_argument(struct parser *p, const struct expr_function *f,
			   const struct token *name, enum signal_id signal)
{
	if (f->code == EXPR_OVER && f->over == SAMPLES_RATE && !signal_table[signal].counter)
		return lex_fail(&p->lex, name->column,
				"rate() takes a counter, such as connections_total, but %s is "
				"none: take avg_over_time(), or max_over_time()",
				name->text);
	if (f->code != EXPR_OVER && signal_table[signal].scope != SIGNAL_OF_REALSERVER)
		return lex_fail(&p->lex, name->column,
				"%s is the service's and has no peers: name a realserver's "
				"signal, such as probe_duration_seconds",
				name->text);
	return true;
}

/* From the parenthesis on. */
static bool parse_call(struct parser *p, const struct token *name)
{
	const struct expr_function *f = expr_function_find(name->text);
	struct token *t = &p->lex.token, argument;
	enum signal_id signal = 0;
	int64_t window_ms = 0;

	if (!f)
		return unknown_function(p, name);
	if (!lex_next(&p->lex))
		return false;
	argument = *t;
	if (argument.kind != TOKEN_NAME || expr_function_find(argument.text))
		return lex_fail(&p->lex, argument.column,
				"%s() takes a signal by its name, no expression: write %s", f->name,
				f->usage);
	if (!find_signal(p, &argument, &signal) || !check_argument(p, f, &argument, signal) ||
	    !lex_next(&p->lex))
		return false;
	if (f->code == EXPR_OVER && !parse_window(p, f, &window_ms))
		return false;
	if (f->code != EXPR_OVER && lex_is(&p->lex, "["))
		return lex_fail(&p->lex, t->column,
				"%s() reads the newest values: leave out the window", f->name);
	if (!lex_is(&p->lex, ")"))
		return lex_fail(&p->lex, t->column,
				"%s() takes one signal and nothing more: write ')' here, as in %s",
				f->name, f->usage);
	note_need(p->e, signal, window_ms, f->code != EXPR_OVER);
	emit(p, (struct expr_op){ .code = (uint8_t)f->code,
				  .signal = (uint8_t)signal,
				  .over = (uint8_t)f->over,
				  .window_ms = window_ms });
	return lex_next(&p->lex);
}

static bool parse_name(struct parser *p)
{
	const struct token name = p->lex.token;
	const struct expr_function *f = expr_function_find(name.text);
	enum signal_id signal = 0;

	if (!lex_next(&p->lex))
		return false;
	if (lex_is(&p->lex, "("))
		return parse_call(p, &name);
	if (f)
		return lex_fail(&p->lex, name.column, "%s is a function: write %s", name.text,
				f->usage);
	if (!find_signal(p, &name, &signal))
		return false;
	if (lex_is(&p->lex, "["))
		return lex_fail(&p->lex, p->lex.token.column,
				"a window stands only inside a function: write "
				"avg_over_time(%s[30s]), or leave it out",
				name.text);
	note_need(p->e, signal, 0, false);
	emit(p, (struct expr_op){ .code = EXPR_NEWEST, .signal = (uint8_t)signal });
	return true;
}

/* --- operands ------------------------------------------------------------------- */

static bool enter_depth(struct parser *p)
{
	if (++p->depth <= EXPR_DEPTH_MAX)
		return true;
	return lex_fail(&p->lex, p->lex.token.column,
			"nested too deep, %d levels at most: make several rules of it",
			EXPR_DEPTH_MAX);
}

static bool parse_parentheses(struct parser *p, struct operand *ret)
{
	unsigned int column = p->lex.token.column;
	const struct token *t = &p->lex.token;

	if (!enter_depth(p) || !lex_next(&p->lex) || !parse_level(p, BINDING_LOOSEST, ret))
		return false;
	if (t->kind == TOKEN_END)
		return lex_fail(&p->lex, t->column,
				"the parenthesis of column %u is not closed: write ')'", column);
	if (!lex_is(&p->lex, ")"))
		return lex_fail(&p->lex, t->column,
				"'%s' stands where an operator or ')' must: write one before it",
				t->text);
	*ret = (struct operand){ .kind = ret->kind, .column = column };
	p->depth--;
	return lex_next(&p->lex);
}

/* "not" or "-", whose operand binds at least so tight. */
static bool parse_prefix(struct parser *p, enum expr_code code, unsigned int binding,
			 struct operand *ret)
{
	unsigned int column = p->lex.token.column;
	enum expr_kind kind = code == EXPR_NOT ? KIND_CONDITION : KIND_NUMBER;
	struct operand operand = { 0 };

	if (!enter_depth(p) || !lex_next(&p->lex) || !parse_level(p, binding, &operand))
		return false;
	if (operand.kind != kind)
		return lex_fail(
			&p->lex, operand.column,
			code == EXPR_NOT
				? "'not' takes a condition, but a number follows: compare "
				  "it, such as not probe_up == 1"
				: "'-' takes a number, but a condition follows: write 'not' "
				  "to turn it round");
	emit(p, (struct expr_op){ .code = (uint8_t)code });
	*ret = (struct operand){ .kind = kind, .column = column };
	p->depth--;
	return true;
}

static bool refuse_operand(struct parser *p)
{
	const struct token *t = &p->lex.token;

	if (t->kind == TOKEN_END)
		return lex_fail(
			&p->lex, t->column,
			!p->depth && !p->e->n_ops
				? "empty: write a condition, such as probe_up == 0"
				: "it ends too early: a number, a signal or '(' must follow");
	if (t->kind == TOKEN_DURATION)
		return lex_fail(&p->lex, t->column,
				"the duration %s stands where a number must: write seconds, %g",
				t->text, (double)t->ms / 1000);
	return lex_fail(&p->lex, t->column,
			"'%s' stands where a number, a signal or '(' must: write one before it",
			t->text);
}

static bool parse_operand(struct parser *p, struct operand *ret)
{
	const struct token *t = &p->lex.token;

	if (lex_is(&p->lex, "("))
		return parse_parentheses(p, ret);
	if (lex_is(&p->lex, "not"))
		return parse_prefix(p, EXPR_NOT, BINDING_COMPARE, ret);
	if (lex_is(&p->lex, "-"))
		return parse_prefix(p, EXPR_NEGATE, BINDING_PRODUCT + 1, ret);
	*ret = (struct operand){ .kind = KIND_NUMBER, .column = t->column };
	if (t->kind == TOKEN_NAME && !expr_operator_find(t->text))
		return parse_name(p);
	if (t->kind != TOKEN_NUMBER)
		return refuse_operand(p);
	emit(p, (struct expr_op){ .code = EXPR_NUMBER, .number = t->number });
	return lex_next(&p->lex);
}

static bool check_side(struct parser *p, const struct expr_operator *op, unsigned int column,
		       const struct operand *side, const char *which)
{
	if (side->kind == op->takes)
		return true;
	if (side->compares && op->binding == BINDING_COMPARE)
		return lex_fail(&p->lex, column,
				"comparisons do not chain: write two and join them with 'and'");
	if (op->takes == KIND_CONDITION)
		return lex_fail(&p->lex, side->column,
				"'%s' joins conditions, but its %s side is a number: compare it, "
				"such as probe_up == 0",
				op->name, which);
	return lex_fail(&p->lex, side->column,
			"'%s' takes numbers, but its %s side is a condition: join conditions with "
			"'and', 'or'",
			op->name, which);
}

/* Operators that bind at least so tight, and what they bind. */
static bool parse_level(struct parser *p, unsigned int binding, struct operand *ret)
{
	struct operand left = { 0 }, right = { 0 };

	if (!parse_operand(p, &left))
		return false;
	for (;;) {
		const struct token *t = &p->lex.token;
		const struct expr_operator *op = NULL;
		unsigned int column = t->column;

		if (t->kind == TOKEN_NAME || t->kind == TOKEN_PUNCT)
			op = expr_operator_find(t->text);
		if (!op || op->binding < binding)
			break;
		if (!check_side(p, op, column, &left, "left") || !lex_next(&p->lex) ||
		    !parse_level(p, op->binding + 1, &right) ||
		    !check_side(p, op, column, &right, "right"))
			return false;
		emit(p, (struct expr_op){ .code = (uint8_t)op->code });
		left.kind = op->gives;
		left.compares = op->binding == BINDING_COMPARE;
	}
	*ret = left;
	return true;
}

/* --- the whole ------------------------------------------------------------------- */

static bool refuse_rest(struct parser *p)
{
	const struct token *t = &p->lex.token;
	const char *instead = t->kind == TOKEN_NAME ? expr_word_instead(t->text) : NULL;

	if (lex_is(&p->lex, ")"))
		return lex_fail(&p->lex, t->column, "')' closes nothing: take it out");
	if (instead && !lex_is(&p->lex, "not"))
		return lex_fail(&p->lex, t->column, "'%s' is no operator: %s", t->text, instead);
	return lex_fail(&p->lex, t->column,
			"'%s' stands where an operator must: write one before it, such as and, <",
			t->text);
}

static bool parse_whole(struct parser *p, const char *text, struct buf *why)
{
	struct operand whole = { 0 };

	if (!lex_begin(&p->lex, text, why) || !parse_level(p, BINDING_LOOSEST, &whole))
		return false;
	if (p->lex.token.kind != TOKEN_END)
		return refuse_rest(p);
	if (whole.kind != KIND_CONDITION)
		return lex_fail(&p->lex, whole.column,
				"the whole is a number, but a rule needs a condition: compare it, "
				"such as probe_up == 0");
	if (!p->e->n_needs)
		return lex_fail(&p->lex, whole.column,
				"no signal is named, so it would never change: compare one, such "
				"as probe_up == 0");
	return true;
}

int expr_compile(const char *text, struct buf *why, unsigned int *ret_column,
		 struct expr **ret_expr)
{
	size_t max_ops = strnlen(text, EXPR_LENGTH_MAX) + 1;
	struct parser p = { 0 };

	p.e = calloc(1, sizeof(*p.e) + max_ops * sizeof(p.e->ops[0]));
	if (!p.e)
		return -ENOMEM;
	if (!parse_whole(&p, text, why)) {
		*ret_column = p.lex.column;
		expr_free(p.e);
		return -EINVAL;
	}
	*ret_expr = p.e;
	return 0;
}

void expr_free(struct expr *e)
{
	free(e);
}

const struct expr_need *expr_needs(const struct expr *e, size_t *ret_n)
{
	*ret_n = e->n_needs;
	return e->needs;
}
