/* setter.h: what the setters of key types share. */
#ifndef CONF_SETTER_H
#define CONF_SETTER_H

#include "conf/key.h"

/* For setters: -EINVAL, with "'text' " and the rest in env->why; a long text is
 * shortened. */
int conf_refuse(struct conf_env *env, const char *text, const char *fmt, ...) ATTR_PRINTF(3, 4);
/* Appends 'text', shortened where it is long. */
void conf_quote(struct buf *out, const char *text);

/* How many lines of the section give key `name`; 0 = not known. */
size_t conf_lines(const struct conf_env *env, const char *name);
/* For setters of lists: the place of element *n of *array. Takes the room for
 * `expect` elements at once where that is known (not 0), or grows by doubling.
 * The caller counts *n up. NULL when memory is out. */
void *conf_append(struct conf_env *env, void **array, size_t n, size_t size, size_t expect);

/* Splits at commas and blanks; the words are copies in the arena. -ENOMEM. */
int conf_split(struct arena *arena, const char *text, struct conf_strings *ret_words);

/* [A-Za-z0-9_.-]{1,40}, not dots alone. */
bool conf_name_ok(const char *name);

#endif
