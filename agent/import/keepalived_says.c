/* keepalived_says.c: statements of a block against a table of keywords: what sets a field, and
 * what is only told of. */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "agent/import/keepalived.h"
#include "agent/import/shape.h"

enum { TIMER_MAX_MS = 1000000000 };

const char *ka_word(const struct ka_stmt *s, uint32_t i)
{
	return i < s->n_words ? s->words[i] : NULL;
}

void ka_put(struct buf *out, const struct ka_stmt *s)
{
	uint32_t i;

	for (i = 0; i < s->n_words; i++)
		buf_printf(out, "%s%s", i ? " " : "", s->words[i]);
}

void ka_note(struct ka *k, struct import_part *p, enum import_fate fate, const struct ka_stmt *s,
	     const char *fmt, ...)
{
	struct buf what = BUF_INIT, text = BUF_INIT;
	va_list ap;

	ka_put(&what, s);
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	k->oom |= !buf_ok(&what) || !buf_ok(&text);
	import_note(k->im, p, fate, s->at, buf_str(&what), "%s", buf_str(&text));
	buf_fini(&what);
	buf_fini(&text);
}

/* --- values ------------------------------------------------------------------------- */

/* Seconds with a fraction, as ms. */
static bool read_timer(const char *text, int64_t *ret_ms)
{
	int64_t ms = 0, unit = 100;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		ms = 10 * ms + (*text - '0') * INT64_C(1000);
		if (ms > TIMER_MAX_MS)
			return false;
	}
	if (*text == '.')
		for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
			ms += (*text - '0') * unit;
	*ret_ms = ms;
	return !*text;
}

/* Old files have 1 and 0. */
static bool read_flag(const char *text, int8_t *ret_flag)
{
	static const char *const yes[] = { "on", "true", "yes", "1" };
	static const char *const no[] = { "off", "false", "no", "0" };
	size_t i;

	for (i = 0; i < countof(yes); i++) {
		if (strcmp(text, yes[i]) != 0 && strcmp(text, no[i]) != 0)
			continue;
		*ret_flag = !strcmp(text, yes[i]);
		return true;
	}
	return false;
}

/* What is wrong with the value; NULL = it is set. */
static const char *set_value(const struct ka_stmt *s, const struct ka_key *key, void *field)
{
	const char *word = ka_word(s, 1);
	uint64_t n;

	switch (key->type) {
	case KA_TIMER:
		return word && read_timer(word, field) ? NULL : "it is no time in seconds";
	case KA_COUNT:
		if (!word || !shape_number(word, UINT32_MAX, &n))
			return "it is no whole number";
		*(int64_t *)field = (int64_t)n;
		return NULL;
	case KA_FLAG:
		*(int8_t *)field = 1;
		return !word || read_flag(word, field) ? NULL : "it is neither on nor off";
	case KA_STMT:
		*(const struct ka_stmt **)field = s;
		return NULL;
	default:
		return NULL;
	}
}

static const struct ka_key *find_key(const struct ka_stmt *s, const struct ka_key *keys)
{
	for (; keys->word; keys++)
		if (!strcmp(keys->word, s->words[0]))
			return keys;
	return NULL;
}

void ka_set(struct ka *k, struct import_part *p, const struct ka_stmt *first,
	    const struct ka_key *keys, void *to)
{
	const struct ka_stmt *s;
	const struct ka_key *key;
	const char *wrong;

	for (s = first; s; s = s->next) {
		key = find_key(s, keys);
		if (!key || key->type == KA_NOTE || key->type == KA_ELSEWHERE)
			continue;
		wrong = set_value(s, key, (char *)to + key->offset);
		if (wrong)
			ka_note(k, p, IMPORT_DROPPED, s, "%s", wrong);
	}
}

void ka_notes(struct ka *k, struct import_part *p, const struct ka_stmt *first,
	      const struct ka_key *keys)
{
	const struct ka_stmt *s;
	const struct ka_key *key;

	for (s = first; s; s = s->next) {
		key = find_key(s, keys);
		if (!key)
			ka_note(k, p, IMPORT_DROPPED, s, "this keyword is not known here");
		else if (key->type == KA_NOTE)
			ka_note(k, p, key->fate, s, "%s", key->why);
	}
}
