/* config.h: a whole configuration, read from a file and its includes into one
 * immutable, reference-counted value; all errors, not just the first. Knows the
 * engine, not the sections: those come as a table (agent/sections.c). */
#ifndef CONF_CONFIG_H
#define CONF_CONFIG_H

#include "conf/section.h"

struct config;

/* Advice is what no file can settle: it fails nothing, not even `check --strict`. */
enum conf_severity { CONF_ERROR = 0, CONF_WARNING, CONF_ADVICE };
const char *conf_severity_name(enum conf_severity severity);

/* One thing wrong. `text` is whole but for "file:line: error: ". */
struct conf_problem {
	const char *file;
	unsigned int line; /* 0 = the file as a whole */
	enum conf_severity severity;
	const char *text;
};

/* Cross-checks over the whole, run when every section header and include was
 * readable; an object may be `bad`. */
typedef void conf_check_fn(struct config *c);

/* Reads `path`. 0 with *ret_config in any case where memory sufficed: ask
 * config_errors(). The sections' table and all that it points to must outlive it.
 * An unnamed section that the file lacks stands at its defaults. */
int config_load(const char *path, const struct conf_section *const *sections,
		conf_check_fn *const *checks, struct config **ret_config);

struct config *config_ref(struct config *c);
/* NULL is fine. Callable from every thread. */
void config_unref(struct config *c);

size_t config_errors(const struct config *c);
size_t config_warnings(const struct config *c);
/* Sorted by file in order of reading, then line. */
const struct conf_problem *config_problems(const struct config *c, size_t *ret_n);
/* Appends "site.ini:14: error: …" lines and "2 errors, 1 warning". */
void config_format_problems(const struct config *c, struct buf *out);

/* The objects of a section type: built-in ones that no file replaces, then those of
 * the files in their order. */
void *const *config_sections(const struct config *c, const struct conf_section *s, size_t *ret_n);
/* The one object of an unnamed section; never NULL. */
void *config_section(const struct config *c, const struct conf_section *s);
/* By name; NULL = none. */
void *config_named(const struct config *c, const struct conf_section *s, const char *name);

/* For finish() and checks: files a problem at file:line. */
void conf_report(struct config *c, enum conf_severity severity, const char *file, unsigned int line,
		 const char *fmt, ...) ATTR_PRINTF(5, 6);
/* The line where `key` of that object stands; of the section's header when it
 * stands nowhere. */
unsigned int conf_key_line(const struct config *c, const void *obj, const char *key);
/* Where that line stands; the section's file when it stands nowhere. */
const char *conf_key_file(const struct config *c, const void *obj, const char *key);
/* Whether the object's own section gives the key (not a default). */
bool conf_key_given(const void *obj, const char *key);
/* Whether a file gives it, there or where its default comes from. */
bool conf_key_written(const struct config *c, const void *obj, const char *key);
/* The files it was read from, in order of reading. */
const char *const *config_files(const struct config *c, size_t *ret_n);
/* Of the text of all its files, in order of reading: equal for equal text (FNV-1a, against
 * accidents only). */
uint64_t config_hash(const struct config *c);
struct arena *config_arena(struct config *c);
/* The table that it was loaded with. */
const struct conf_section *const *config_types(const struct config *c);

#endif
