/* frame.h: what an import is made of; for the files of this room that are the frame, not for
 * readers. */
#ifndef IMPORT_FRAME_H
#define IMPORT_FRAME_H

#include "agent/base/arena.h"
#include "agent/import/run.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum {
	IMPORT_BYTES_MAX = 64 << 20, /* of all files together */
	IMPORT_FILES_MAX = 1000,
	IMPORT_LINE_MAX = 8192, /* of the source, and of what comes of it */
	IMPORT_NAME_MAX = 40,
	IMPORT_ADDRESSES_MAX = 4096, /* of a service: so many the loader takes */
};

/* What became of one thing of the source. */
struct import_item {
	struct import_item *next;
	struct import_at at;
	enum import_fate fate;
	const char *what, *text; /* printable */
	size_t nth;
};

struct part_line { /* `key = value`, or a remark: then key is NULL */
	struct part_line *next;
	const char *key, *value;
	const struct import_item *item;
};

struct import_part {
	struct import *im;
	struct import_part *next;
	const char *type, *name; /* name NULL: an unnamed section */
	struct import_at at;
	unsigned int nth; /* of all parts */
	uint16_t *ports;  /* of a service's addresses, each once; 0 among them */
	size_t n_ports, n_addresses;
	bool remove_failed; /* of a service */
	struct part_line *lines, **last;
	bool gone; /* shared with another, or discarded */
};

/* Something that is there once: a name, an address, what a probe says. */
struct import_seen {
	const char *key;
	struct import_part *part;
	struct import_at at;
	struct addr host;      /* whose name it is */
	const char *interface; /* where that address is put */
	unsigned int number;   /* the last that was tried behind it */
	UT_hash_handle hh;
};

struct import_loaded {
	struct import_source source;
	struct import_loaded *next;
};
struct import {
	struct arena arena;
	struct import_world world;
	const struct import_format *format;
	struct import_loaded *loaded;
	size_t bytes;
	unsigned int n_files, n_parts;
	struct import_part *parts, **last_part;
	struct import_part top; /* remarks that belong to no section */
	struct import_item *items, **last_item;
	size_t n_items, n_noted; /* of them, that are not imported as they were */
	struct import_seen *seen;
	size_t n_zero; /* realservers with weight 0 */
	struct buf why;
	bool oom;
};

/* service.c: what can be said only when all is read. */
void import_settle(struct import *im);

/* source.c: a file, or bytes, as a source. As import_include() has it. */
int import_load(struct import *im, const struct import_source *parent, const char *path,
		struct import_source **ret_source);
int import_take(struct import *im, const char *path, const char *bytes, size_t len,
		struct import_source **ret_source);

/* names.c: what is there once, by a kind and a name of that kind. The second adds it (NULL when
 * memory is out, which is noted); the third takes it out. */
struct import_seen *import_seen_find(struct import *im, const char *kind, const char *name);
struct import_seen *import_seen_add(struct import *im, const char *kind, const char *name);
void import_seen_remove(struct import *im, struct import_seen *seen);
/* A legal name of that wish which no section of the type has; NULL when memory is out. */
const char *import_part_name_for(struct import *im, const char *type, const char *wish);
/* The same for a host in a service. */
const char *import_host_name_for(struct import_part *service, const char *wish,
				 const struct addr *host);

#endif
