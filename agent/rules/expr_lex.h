/* expr_lex.h: the text of an expression as words; for rules/expr*.c only. */
#ifndef RULES_EXPR_LEX_H
#define RULES_EXPR_LEX_H

#include "agent/base/attr.h"
#include "agent/rules/expr.h"

/* The longest that can be a name: longer ones are refused. */
enum { EXPR_NAME_MAX = 63 };

enum token_kind { TOKEN_END = 0, TOKEN_NUMBER, TOKEN_DURATION, TOKEN_NAME, TOKEN_PUNCT };

struct token {
	enum token_kind kind;
	unsigned int column;          /* from 1 */
	char text[EXPR_NAME_MAX + 1]; /* as it stands there; a number's is cut */
	double number;
	int64_t ms;
};

struct lexer {
	const char *text, *at;
	struct token token; /* the one to look at */
	struct buf *why;
	unsigned int column; /* of the mistake; 0 = none so far */
};

/* Begins, with the first token; false when the text is refused. */
bool lex_begin(struct lexer *l, const char *text, struct buf *why);

/* Moves to the next token; false when there is none to be made of what stands there. */
bool lex_next(struct lexer *l);

/* Whether the token is this word or sign. */
bool lex_is(const struct lexer *l, const char *text);

/* Notes a mistake, the first one only; always false. */
bool lex_fail(struct lexer *l, unsigned int column, const char *fmt, ...) ATTR_PRINTF(3, 4);

#endif
