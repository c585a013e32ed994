/* key_list.c: lists of strings as types of keys, defaults, and the search of a
 * table by name. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "conf/key.h"
#include "conf/setter.h"

static int append_string(void *field, const char *text, const struct conf_key *key,
			 struct conf_env *env)
{
	struct conf_strings *list = field;
	void *items = list->items;
	const char **slot =
		conf_append(env, &items, list->n, sizeof(*slot), conf_lines(env, key->name));

	if (!slot)
		return -ENOMEM;
	list->items = items;
	*slot = arena_strdup(env->arena, text);
	if (!*slot)
		return -ENOMEM;
	list->n++;
	return 0;
}

static void get_item(const void *field, const struct conf_key *key ATTR_UNUSED, size_t i,
		     struct buf *out)
{
	const struct conf_strings *list = field;

	if (i < list->n)
		buf_puts(out, list->items[i]);
}

static size_t count_items(const void *field, const struct conf_key *key ATTR_UNUSED)
{
	return ((const struct conf_strings *)field)->n;
}

const struct conf_type conf_strings_type = {
	.name = "text", .set = append_string, .get = get_item, .count = count_items
};

static int set_words(void *field, const char *text, const struct conf_key *key ATTR_UNUSED,
		     struct conf_env *env)
{
	struct conf_strings words;
	size_t i, j;
	int r = conf_split(env->arena, text, &words);

	if (r)
		return r;
	if (!words.n)
		return conf_refuse(env, text, "holds no word");
	for (i = 1; i < words.n; i++)
		for (j = 0; j < i; j++)
			if (!strcmp(words.items[i], words.items[j]))
				return conf_refuse(env, words.items[i], "stands there twice");
	*(struct conf_strings *)field = words;
	return 0;
}

static void get_words(const void *field, const struct conf_key *key ATTR_UNUSED,
		      size_t i ATTR_UNUSED, struct buf *out)
{
	const struct conf_strings *words = field;
	size_t j;

	for (j = 0; j < words->n; j++)
		buf_printf(out, "%s%s", j ? " " : "", words->items[j]);
}

const struct conf_type conf_words = { .name = "words", .set = set_words, .get = get_words };

int conf_default(void *obj, const struct conf_key *key, struct conf_env *env)
{
	void *field = (char *)obj + key->offset;
	const char *at = key->def, *end;
	int r = 0;

	if (!at)
		return 0;
	if (!(key->flags & CONF_LIST))
		return key->type->set(field, at, key, env);
	while (!r && *at) {
		char *one;

		end = strchrnul(at, '\n');
		one = strndup(at, (size_t)(end - at));
		r = one ? key->type->set(field, one, key, env) : -ENOMEM;
		free(one);
		at = *end ? end + 1 : end;
	}
	return r;
}

int conf_defaults(void *obj, const struct conf_key *keys, size_t n, struct conf_env *env)
{
	size_t i;
	int r = 0;

	for (i = 0; i < n && !r; i++)
		r = conf_default(obj, &keys[i], env);
	return r;
}

const struct conf_key *conf_find(const char *name, const struct conf_key *keys, size_t n,
				 const char **ret_near)
{
	const char **names;
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	if (!ret_near)
		return NULL;
	names = n ? malloc(n * sizeof(*names)) : NULL;
	for (i = 0; names && i < n; i++)
		names[i] = keys[i].name;
	/* without memory there is no suggestion, and that is all */
	*ret_near = names ? nearest_name(name, names, n) : NULL;
	free(names);
	return NULL;
}
