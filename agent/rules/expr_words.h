/* expr_words.h: the words of expressions besides the signals; for rules/expr*.c only. */
#ifndef RULES_EXPR_WORDS_H
#define RULES_EXPR_WORDS_H

#include "agent/rules/expr_lex.h"
#include "agent/rules/expr_program.h"

enum expr_kind { KIND_NUMBER = 0, KIND_CONDITION };

/* An operator between two operands. */
struct expr_operator {
	const char *name;
	unsigned int binding; /* the higher, the tighter */
	enum expr_kind takes, gives;
	enum expr_code code;
};

enum { BINDING_LOOSEST = 1, BINDING_AND, BINDING_COMPARE, BINDING_SUM, BINDING_PRODUCT };

struct expr_function {
	const char *name, *usage; /* usage: how to write it */
	enum expr_code code;
	enum samples_over over; /* of EXPR_OVER */
};

/* NULL where the word is none. */
const struct expr_operator *expr_operator_find(const char *word);
const struct expr_function *expr_function_find(const char *word);

/* What to write in the place of a word of other languages, or of one of ours in capital
 * letters: a sentence, NULL where there is nothing to say. */
const char *expr_word_instead(const char *word);

/* Append why there is no signal, or no function, of that name. */
void expr_tell_signal(struct buf *out, const char *name, const char *near);
void expr_tell_function(struct buf *out, const char *name);

#endif
