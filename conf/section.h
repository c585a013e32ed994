/* section.h: what a section type is, and how each section's struct begins. */
#ifndef CONF_SECTION_H
#define CONF_SECTION_H

#include "conf/key.h"

struct config;
struct conf_seen;

/* Keys that a section has beyond its own, chosen by one key's value: a probe's by
 * its URL's scheme. */
struct conf_part {
	const char *name;
	const struct conf_key *keys;
	size_t n_keys, size;
};

/* A section that is there when no file has one of its name. */
struct conf_builtin {
	const char *name;
	const char *text; /* "key = value" lines, set as if a file had them */
};

struct conf_section {
	const char *name; /* "service" */
	const char *help;
	bool named; /* [service NAME]; otherwise [agent], once */
	/* Another section's name, "defaults", with the same keys and struct: its values
	 * are this one's defaults. Its keys flagged CONF_NO_DEFAULTS are refused there;
	 * list keys must have that flag. */
	const char *base;
	size_t size; /* of the struct; it begins with struct conf_head */
	const struct conf_key *keys;
	size_t n_keys;
	const struct conf_builtin *builtins; /* of a named section, in order; NULL = none */
	size_t n_builtins;
	const char *select; /* the key that chooses the part; NULL = none */
	/* The part for a value of `select`; NULL with a reason in env->why. */
	const struct conf_part *(*part)(const char *value, struct conf_env *env);
	const struct conf_part *(*part_at)(size_t i); /* all of them, by index; NULL = no more */
	/* Appends the values of `select` that choose a part: "http, https". */
	void (*part_values)(const struct conf_part *part, struct buf *out);
	/* After the last key of a section none of whose values was refused: what one
	 * section can say of itself. Reports through conf_report(). */
	void (*finish)(struct config *c, void *obj);
};

/* The first member of every section's struct. */
struct conf_head {
	const char *name; /* NULL for an unnamed section */
	const struct conf_section *section;
	const struct conf_part *part;
	void *part_conf; /* the part's struct */
	const char *file;
	unsigned int line;            /* of the section's header; 0 = not in a file */
	bool bad;                     /* a value was refused or is missing: checks pass it by */
	const struct conf_seen *seen; /* which keys stand where; the engine's own */
	size_t n_seen;
};

#endif
