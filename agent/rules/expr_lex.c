/* expr_lex.c: text → words. What people bring from other languages is known by name,
 * so that the answer says what to write here. */
#include "agent/rules/expr_lex.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"

/* The longer first, where one begins with another. */
static const char *const signs[] = { "<=", ">=", "==", "!=", "<", ">", "+", "-",
				     "*",  "/",  "(",  ")",  "[", "]", "," };

static const struct {
	const char *text, *instead;
} foreign[] = {
	{ "&&", "write 'and'" },
	{ "||", "write 'or'" },
	{ "=~", "write '==' to compare numbers" },
	{ "=<", "write '<='" },
	{ "=>", "write '>='" },
	{ "=", "write '==' to compare" },
	{ "!", "write 'not', or '!=' to compare" },
	{ "&", "write 'and'" },
	{ "|", "write 'or'" },
	{ "%", "write a share as a number, such as 0.5 for 50%" },
	{ "^", "only + - * / are known" },
	{ "{", "leave out the braces: a rule is judged for each of its realservers" },
	{ "}", "leave out the braces: a rule is judged for each of its realservers" },
	{ ";", "write one condition only" },
	{ "#", "a comment must stand on a line of its own" },
	{ "\"", "leave out the quotes: names and numbers stand by themselves" },
	{ "'", "leave out the quotes: names and numbers stand by themselves" },
	{ "$", "name a signal, such as probe_up" },
	{ ":", "name a signal, such as probe_up" },
	{ "?", "write a condition with and, or, not" },
	{ "\xe2\x89\xa4", "write '<='" },
	{ "\xe2\x89\xa5", "write '>='" },
	{ "\xe2\x89\xa0", "write '!='" },
	{ "\xc3\x97", "write '*'" },
	{ "\xc3\xb7", "write '/'" },
	{ "\xe2\x88\x92", "write '-'" },
	{ "\xe2\x80\x93", "write '-'" },
	{ "\xc2\xa0", "write a plain blank in the place of this one" },
};

bool lex_fail(struct lexer *l, unsigned int column, const char *fmt, ...)
{
	va_list ap;

	if (l->column)
		return false;
	l->column = column;
	va_start(ap, fmt);
	buf_vprintf(l->why, fmt, ap);
	va_end(ap);
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Digits with at most one point, at least one digit, and an exponent; its length or 0. */
static size_t number_length(const char *at)
{
	size_t whole = strspn(at, "0123456789"), fraction = 0, len = whole, sign, digits;

	if (at[len] == '.') {
		fraction = strspn(at + len + 1, "0123456789");
		if (!fraction)
			return 0;
		len += 1 + fraction;
	}
	if (!whole && !fraction)
		return 0;
	if (at[len] == 'e' || at[len] == 'E') {
		sign = at[len + 1] == '+' || at[len + 1] == '-';
		digits = strspn(at + len + 1 + sign, "0123456789");
		if (digits)
			len += 1 + sign + digits;
	}
	return len;
}

static void keep_text(struct token *t, const char *at, size_t len)
{
	if (len > EXPR_NAME_MAX)
		len = EXPR_NAME_MAX;
	memcpy(t->text, at, len);
	t->text[len] = '\0';
}

static bool lex_number(struct lexer *l, struct token *t)
{
	size_t len = number_length(l->at), word = len;

	while (is_word(l->at[word]))
		word++;
	keep_text(t, l->at, word);
	if (word == len) {
		t->kind = TOKEN_NUMBER;
		t->number = strtod(l->at, NULL);
		l->at += word;
		return isfinite(t->number) ||
		       lex_fail(l, t->column, "%s%s is too large a number: at most 1e308", t->text,
				word > EXPR_NAME_MAX ? "…" : "");
	}
	if (word <= EXPR_NAME_MAX && !parse_duration(t->text, &t->ms)) {
		t->kind = TOKEN_DURATION;
		l->at += word;
		return true;
	}
	return lex_fail(l, t->column, "'%s%s' is no number: write 10, 0.5 or 1e6%s", t->text,
			word > EXPR_NAME_MAX ? "…" : "", ", or a duration such as 30s in a window");
}

static bool lex_name(struct lexer *l, struct token *t)
{
	size_t len = 0;

	while (is_word(l->at[len]))
		len++;
	keep_text(t, l->at, len);
	if (len > EXPR_NAME_MAX)
		return lex_fail(l, t->column,
				"'%s…' is too long for a name: write a signal's, "
				"such as probe_up",
				t->text);
	t->kind = TOKEN_NAME;
	l->at += len;
	return true;
}

static bool refuse_character(struct lexer *l, unsigned int column)
{
	unsigned char c = (unsigned char)*l->at;
	size_t i;

	for (i = 0; i < countof(foreign); i++) {
		if (!strncmp(l->at, foreign[i].text, strlen(foreign[i].text)))
			return lex_fail(l, column, "'%s' means nothing here: %s", foreign[i].text,
					foreign[i].instead);
	}
	if (c >= 0x80)
		return lex_fail(l, column,
				"a character that is not ASCII: write names, numbers and "
				"operators only");
	if (c < 0x20 || c == 0x7f)
		return lex_fail(l, column, "a control character (0x%02x): take it out", c);
	return lex_fail(l, column, "'%c' means nothing here: take it out", c);
}

bool lex_next(struct lexer *l)
{
	struct token *t = &l->token;
	size_t i;

	while (is_blank(*l->at))
		l->at++;
	t->kind = TOKEN_END;
	t->text[0] = '\0';
	t->column = (unsigned int)(l->at - l->text) + 1;
	if (!*l->at)
		return true;
	if (isdigit((unsigned char)*l->at) || (*l->at == '.' && isdigit((unsigned char)l->at[1])))
		return lex_number(l, t);
	if (isalpha((unsigned char)*l->at) || *l->at == '_')
		return lex_name(l, t);
	for (i = 0; i < countof(signs); i++) {
		size_t len = strlen(signs[i]);

		if (strncmp(l->at, signs[i], len) != 0)
			continue;
		keep_text(t, l->at, len);
		t->kind = TOKEN_PUNCT;
		l->at += len;
		return true;
	}
	return refuse_character(l, t->column);
}

bool lex_begin(struct lexer *l, const char *text, struct buf *why)
{
	*l = (struct lexer){ .text = text, .at = text, .why = why };
	if (strnlen(text, EXPR_LENGTH_MAX + 1) > EXPR_LENGTH_MAX)
		return lex_fail(l, EXPR_LENGTH_MAX + 1,
				"too long, %d characters at most: make several rules of it",
				EXPR_LENGTH_MAX);
	return lex_next(l);
}

bool lex_is(const struct lexer *l, const char *text)
{
	return (l->token.kind == TOKEN_NAME || l->token.kind == TOKEN_PUNCT) &&
	       !strcmp(l->token.text, text);
}
