/* load.h: what the files of the loader share; nobody outside conf/ includes it. */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include <stdatomic.h>

#include "conf/config.h"

enum {
	LOAD_BYTES_MAX = 64 << 20, /* of all files together */
	LOAD_FILES_MAX = 10000,
	LOAD_PROBLEMS_MAX = 10000, /* kept; more are only counted */
};

struct raw_line {
	struct raw_line *next;
	const char *key, *value;
	const struct conf_key *row; /* of the section's own keys; NULL = none of those */
	unsigned int line;
};

/* One [section] as the files have it; lives until the load is done. */
struct raw_section {
	struct raw_section *next;
	const struct conf_section *type;
	struct conf_head *head; /* the object it becomes, its name and place set */
	bool bad;               /* a line of it was neither key nor comment */
	struct raw_line *lines, **last;
};

struct conf_seen {
	const struct conf_key *key;
	unsigned int line; /* in the section's file */
};

struct by_name;

/* Of one section type; found by a hash while it is loaded, then by their order. */
struct objects {
	void **items;
	size_t n;
	struct by_name *by_name;
	struct conf_head **sorted; /* by name; NULL until the load is done, or unnamed */
};

/* A problem with its place in the order of reading. */
struct filed {
	struct conf_problem problem;
	size_t file, nth;
};

struct config {
	atomic_uint refs;
	struct arena arena;
	struct arena names; /* what finds objects, until the load is done */
	const struct conf_section *const *types;
	size_t n_types;
	struct objects *objects; /* of each type */
	const char **files;      /* in order of reading */
	size_t n_files;
	uint64_t hash;       /* of the text of all files */
	struct filed *filed; /* malloc'd, until the load is done */
	size_t n_filed;
	struct conf_problem *problems;
	size_t n_problems, n_errors, n_warnings, n_advice;
	bool broken; /* headers or includes could not be read: no cross-checks */
	bool oom;
};

struct load {
	struct config *c;
	struct arena raw;
	struct raw_section *sections, **last;
	struct raw_section *current;       /* NULL = its keys are passed by … */
	const struct raw_line *latest;     /* of the current one, for many lines are alike */
	const struct conf_section *passed; /* … though they are of this type; or NULL */
	const char *file;                  /* under reading */
	bool included;
	struct include *includes, **last_include;
	struct file_id *ids; /* of the files read: none twice */
	size_t n_ids, bytes;
};

/* source.c: reads the file and what it includes into l->sections. -ENOMEM; all
 * else is filed as problems. */
int load_sources(struct load *l, const char *path);

/* section.c: makes the objects of all raw sections, bases first, and of what is not
 * in the files: unnamed sections and built-in ones. -ENOMEM. */
int load_objects(struct load *l);

/* config.c: room for an object of a type, its name noted; NULL when memory is out. */
struct conf_head *config_add(struct config *c, size_t type, const char *name);
/* Moves the `n` objects of a type that were added last before the others. -ENOMEM. */
int config_to_front(struct config *c, size_t type, size_t n);
/* The object of that type and name (NULL for an unnamed section), or NULL. */
struct conf_head *config_find(const struct config *c, size_t type, const char *name);
size_t config_type_index(const struct config *c, const struct conf_section *s);

#endif
