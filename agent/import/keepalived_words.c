/* keepalived_words.c: a line's words, quotes and braces → statements in their blocks. A statement
 * ends with its line or at a brace; a '{' on a later line belongs to it still. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "agent/import/keepalived.h"

/* Keywords whose words have escapes, as a shell's; elsewhere a backslash is itself. */
static const char *const escaped[] = { "regex",     "misc_path",   "notify_up", "notify_down",
				       "quorum_up", "quorum_down", "helo_name" };

static bool has_escapes(const struct ka_words *w)
{
	size_t i;

	for (i = 0; w->n_words && i < countof(escaped); i++)
		if (!strcmp(w->words[0], escaped[i]))
			return true;
	return false;
}

/* --- statements --------------------------------------------------------------------- */

static int end_stmt(struct ka_words *w)
{
	struct ka_level *l = &w->levels[w->depth];
	struct ka_stmt *s;

	if (!w->n_words)
		return 0;
	s = arena_alloc(w->arena, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct ka_stmt){ .words = w->words, .n_words = w->n_words, .at = w->at };
	*l->end = s;
	l->end = &s->next;
	l->last = s;
	w->words = NULL;
	w->n_words = 0;
	return 0;
}

static int open_block(struct ka_words *w, struct import_at at)
{
	struct ka_level *l = &w->levels[w->depth];
	int r = end_stmt(w);

	if (r)
		return r;
	if (!l->last || l->last->has_block)
		return import_refuse(w->im, at,
				     "a '{' with nothing before it that it could belong to");
	if (w->depth == KA_DEPTH_MAX)
		return import_refuse(w->im, at, "more than %d blocks one in the other",
				     KA_DEPTH_MAX);
	l->last->has_block = true;
	w->levels[++w->depth] = (struct ka_level){ .owner = l->last, .end = &l->last->first };
	return 0;
}

static int close_block(struct ka_words *w, struct import_at at)
{
	int r = end_stmt(w);

	if (r)
		return r;
	if (!w->depth)
		return import_refuse(w->im, at,
				     "a '}' that closes nothing: one '{' is missing above");
	w->depth--;
	return 0;
}

int ka_words_end(struct ka_words *w)
{
	const struct ka_stmt *owner = w->levels[w->depth].owner;

	if (owner)
		return import_refuse(w->im, owner->at, "the '{' of '%s' is never closed by a '}'",
				     owner->words[0]);
	return 0;
}

static int add_word(struct ka_words *w, struct buf *text, struct import_at at)
{
	const char **more;
	char *word;

	if (!buf_ok(text))
		return -ENOMEM;
	word = arena_strndup(w->arena, buf_str(text), text->len);
	/* a NULL behind the last */
	more = arena_grow(w->arena, (void *)w->words, w->n_words, sizeof(*more));
	if (word && more) {
		w->words = more;
		w->words[w->n_words] = word;
		more = arena_grow(w->arena, (void *)w->words, w->n_words + 1ul, sizeof(*more));
	}
	if (!word || !more)
		return -ENOMEM;
	w->words = more;
	if (!w->n_words)
		w->at = at;
	w->words[++w->n_words] = NULL;
	return 0;
}

/* --- words -------------------------------------------------------------------------- */

static unsigned int digit(char c)
{
	return isdigit((unsigned char)c) ? (unsigned int)(c - '0')
					 : (unsigned int)(tolower((unsigned char)c) - 'a') + 10;
}

/* Up to `max` digits of a base; how many there are. */
static size_t read_code(const char *p, unsigned int base, size_t max, unsigned int *ret_code)
{
	unsigned int code = 0;
	size_t n;

	for (n = 0; n < max && isxdigit((unsigned char)p[n]) && digit(p[n]) < base; n++)
		code = code * base + digit(p[n]);
	*ret_code = code & 0xff;
	return n;
}

/* The escape at `p` (its backslash); its length. */
static size_t put_escape(struct buf *out, const char *p)
{
	static const char letters[] = "abEfnrtv", bytes[] = "\a\b\033\f\n\r\t\v";
	const char *at = p[1] ? strchr(letters, p[1]) : NULL;
	unsigned int code;
	size_t n;

	if (!p[1]) {
		buf_putc(out, '\\');
		return 1;
	}
	if (at) {
		buf_putc(out, bytes[at - letters]);
		return 2;
	}
	n = p[1] == 'x' ? read_code(p + 2, 16, 2, &code) : 0;
	if (n) {
		buf_putc(out, (char)code);
		return 2 + n;
	}
	n = read_code(p + 1, 8, 3, &code);
	if (n) {
		buf_putc(out, (char)code);
		return 1 + n;
	}
	if (p[1] == 'c' && p[2]) {
		buf_putc(out, (char)(p[2] & 0x1f));
		return 3;
	}
	buf_putc(out, p[1]);
	return 2;
}

static bool ends_word(char c)
{
	return !c || c == ' ' || c == '\t';
}

/* A brace outside of quotes that parts statements, and is none of a word such as ${NAME}. */
static bool is_brace(const char *p, const char *word)
{
	if (*p != '{' && *p != '}')
		return false;
	return p == word ||
	       (ends_word(p[1]) && !(*p == '}' && memchr(word, '{', (size_t)(p - word))));
}

/* The word at *at, whose end *at is then. */
static int read_word(struct ka_words *w, const char **at, struct import_at where)
{
	const char *word = *at, *p = word;
	bool escapes = has_escapes(w);
	struct buf text = BUF_INIT;
	char quote = 0;
	int r;

	while (*p && (quote || (!ends_word(*p) && !is_brace(p, word)))) {
		if (*p == '\\' && (escapes || (p[1] && strchr("\"'", p[1])))) {
			p += put_escape(&text, p);
		} else if (*p == quote) {
			quote = 0;
			p++;
		} else if (!quote && (*p == '"' || *p == '\'')) {
			quote = *p++;
		} else {
			buf_putc(&text, *p++);
		}
	}
	*at = p;
	r = quote ? import_refuse(w->im, where, "a quote (%c) that is not closed on its line",
				  quote)
		  : add_word(w, &text, where);
	buf_fini(&text);
	return r;
}

int ka_words_line(struct ka_words *w, const char *text, struct import_at at)
{
	int r = 0;

	while (!r) {
		text += strspn(text, " \t\r\n\f\v");
		if (!*text)
			break;
		if (*text == '{' || *text == '}') {
			r = *text == '{' ? open_block(w, at) : close_block(w, at);
			text++;
		} else {
			r = read_word(w, &text, at);
		}
	}
	return r ? r : end_stmt(w);
}

char *ka_comment(char *line)
{
	char quote = 0;

	for (; *line; line++) {
		if (*line == '\\' && line[1])
			line++;
		else if (*line == quote)
			quote = 0;
		else if (!quote && (*line == '"' || *line == '\''))
			quote = *line;
		else if (!quote && (*line == '#' || *line == '!'))
			break;
	}
	return line;
}
