/* key.h: the key-table engine. A section's keys are rows of a static const
 * table: type, default, bounds and help in one place, read by the loader, the
 * sample file, `config` and the lint. */
#ifndef CONF_KEY_H
#define CONF_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/arena.h"
#include "agent/base/attr.h"
#include "agent/base/buf.h"

struct conf_key;

/* Where a value comes from, and where to say what is wrong with it. */
struct conf_env {
	struct arena *arena; /* of the configuration: strings and arrays go there */
	const char *section; /* "service web", for messages */
	struct buf *why;     /* the setter's reason: "'abc' is not a duration (…)" */
	/* How many lines each key of the section has, where the loader knows. */
	const struct conf_key *keys;
	const uint32_t *key_lines;
	size_t n_keys;
	const char *file; /* of the line, for what must remember its origin; lives as
			     long as the arena */
	unsigned int line;
};

/* A type sets a field from text and writes it back in the same form. */
struct conf_type {
	const char *name; /* for help: "duration", "share", … */
	/* -EINVAL with a reason in env->why, or -ENOMEM. For a list key each call
	 * appends. */
	int (*set)(void *field, const char *text, const struct conf_key *key, struct conf_env *env);
	/* Appends the value as text; element i of a list (count() tells how many). */
	void (*get)(const void *field, const struct conf_key *key, size_t i, struct buf *out);
	size_t (*count)(const void *field, const struct conf_key *key); /* NULL = 1 */
};

/* A NULL-terminated list of strings, and a list of typed elements. */
struct conf_strings {
	const char **items;
	size_t n;
};

/* So many in a time: 10/m; n = 0: no limit. */
struct conf_rate {
	uint32_t n;
	int64_t per_ms;
};

enum conf_flag {
	CONF_LIST = 1,        /* may be given several times */
	CONF_REQUIRED = 2,    /* the section is wrong without it */
	CONF_NO_DEFAULTS = 4, /* makes no sense in [defaults] */
	CONF_RESTART = 8,     /* a reload cannot change it: said as a warning */
	CONF_SECRET = 16,     /* never printed */
	CONF_INCLUDE = 32,    /* its values are files that the loader reads as well */
	CONF_OWN_WORDS = 64,  /* the setter's reason names its subject itself */
};

struct conf_key {
	const char *name;
	const struct conf_type *type;
	size_t offset; /* of the field in the section's struct */
	/* Default as text, through the same setter; NULL = field stays 0. For a list
	 * key it stands when no line gives the key; '\n' parts its values. */
	const char *def;
	int64_t min, max;   /* bounds where the type has them (ms for durations); max 0 = none */
	const void *extra;  /* the type's own: names of an enum, … */
	unsigned int flags; /* enum conf_flag */
	const char *help;   /* one sentence, for the sample file and the manual page */
};

/* Names of an enum; NULL name ends it. `alias` rows (second and later ones with
 * the same value) are read but never written. */
struct conf_enum {
	const char *name;
	int value;
};

/* Fields: char pointer, bool, uint32_t, uint64_t, int64_t (ms), unsigned percent
 * (uint32_t), uint64_t bytes, int, struct conf_strings, struct addr,
 * uint32_t mode bits (octal), struct conf_rate. A path is absolute. */
extern const struct conf_type conf_string, conf_bool, conf_u32, conf_u64, conf_duration, conf_share,
	conf_size, conf_enum_type, conf_strings_type, conf_words, conf_addr, conf_path, conf_mode,
	conf_rate_type;

/* Sets one key's default. -EINVAL (a mistake in the table), -ENOMEM. */
int conf_default(void *obj, const struct conf_key *key, struct conf_env *env);
/* Sets the defaults of a table on a zeroed struct. */
int conf_defaults(void *obj, const struct conf_key *keys, size_t n, struct conf_env *env);

/* The row of that name, or NULL; then *ret_near (may be NULL) is the row's name
 * that was probably meant, or NULL. */
const struct conf_key *conf_find(const char *name, const struct conf_key *keys, size_t n,
				 const char **ret_near);

#endif
