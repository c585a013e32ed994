/* kind_case.h: for tests of kinds with keys: a probe's section without the loader, and
 * one attempt by it. */
#ifndef TESTS_KIND_CASE_H
#define TESTS_KIND_CASE_H

#include "conf/key.h"
#include "tests/unit/probe_case.h"

struct kind_case {
	struct arena arena;
	struct buf why;
	struct conf_env env;
	struct probe_conf conf;
	char said[TARGET_TEXT_MAX + 1]; /* what the attempt said beside its reason */
	struct probe_report report;     /* of the last attempt, without its text */
};

/* The one that the URL begins with; else the first. */
static inline const struct probe_scheme *kind_scheme(const struct probe_type *type, const char *url)
{
	const struct probe_scheme *s;
	size_t len = strcspn(url, ":");

	for (s = type->schemes; s->name; s++)
		if (strlen(s->name) == len && !strncmp(s->name, url, len))
			return s;
	return type->schemes;
}

/* The kind's keys with their defaults; the URL's path is its own. */
static inline void kind_init_at(struct kind_case *k, const struct probe_type *type, const char *url,
				const char *path)
{
	const struct conf_part *part = &type->part;

	*k = (struct kind_case){ 0 };
	k->env = (struct conf_env){ .arena = &k->arena, .section = "probe t", .why = &k->why };
	k->conf = (struct probe_conf){ .head.name = "t",
				       .head.part = part,
				       .url = url,
				       .path = path,
				       .host = "{address}",
				       .type = type,
				       .scheme = kind_scheme(type, url),
				       .interval = 3600000,
				       .timeout = 10000,
				       .rise = 1,
				       .fall = 1 };
	k->conf.head.part_conf = arena_alloc(&k->arena, part->size);
	assert_int_equal(conf_defaults(k->conf.head.part_conf, part->keys, part->n_keys, &k->env),
			 0);
}

static inline void kind_init(struct kind_case *k, const struct probe_type *type, const char *url)
{
	kind_init_at(k, type, url, "");
}

static inline void kind_fini(struct kind_case *k)
{
	arena_fini(&k->arena);
	buf_fini(&k->why);
}

static inline int kind_set(struct kind_case *k, const char *name, const char *text)
{
	const struct conf_part *part = &k->conf.type->part;
	const struct conf_key *key = conf_find(name, part->keys, part->n_keys, NULL);

	assert_non_null(key);
	buf_reset(&k->why);
	return key->type->set((char *)k->conf.head.part_conf + key->offset, text, key, &k->env);
}

static inline const char *kind_get(struct kind_case *k, const char *name, size_t i)
{
	const struct conf_part *part = &k->conf.type->part;
	const struct conf_key *key = conf_find(name, part->keys, part->n_keys, NULL);

	buf_reset(&k->why);
	key->type->get((char *)k->conf.head.part_conf + key->offset, key, i, &k->why);
	return buf_str(&k->why);
}

/* What the section says as a whole; the reason is in k->why. */
static inline int kind_finish(struct kind_case *k)
{
	const struct probe_type *type = k->conf.type;

	buf_reset(&k->why);
	return type->finish ? type->finish(&k->conf, &k->arena, &k->why) : 0;
}

/* One attempt. */
static inline struct target kind_probe(struct kind_case *k, const struct addr *to)
{
	struct probe_case c;
	struct target t;

	if (kind_finish(k))
		print_error("%s\n", buf_str(&k->why));
	assert_int_equal(k->why.len, 0);
	case_init(&c, true);
	t = case_probe(&c, &k->conf, to, 1);
	k->report = c.last;
	case_fini(&c);
	memcpy(k->said, c.said, sizeof(k->said));
	return t;
}

/* With the reason's name where it is another one than expected. */
static inline void kind_reason(const struct target *t, enum probe_reason reason, const char *what)
{
	if (t->health.reason != reason)
		print_error("%s: %s, errno %u\n", what, probe_reasons[t->health.reason].slug,
			    (unsigned int)t->last_errno);
	assert_int_equal(t->health.reason, reason);
}

#endif
