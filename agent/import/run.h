/* run.h: an import from its beginning to its end: what the subcommand, the tests and the fuzz
 * targets call. */
#ifndef IMPORT_RUN_H
#define IMPORT_RUN_H

#include "agent/import/import.h"

/* What is asked of this machine. */
struct import_world {
	/* A host's first address of a family (AF_UNSPEC: any), and a port by its service's
	 * name. -ENOENT. NULL: the machine's resolver and /etc/services. */
	int (*host)(void *arg, const char *name, int family, struct addr *ret_addr);
	int (*port)(void *arg, const char *name, uint8_t proto, uint16_t *ret_port);
	void *arg;
	bool no_includes; /* nothing of the disk is read but the file itself */
};

/* NULL name ends it. */
extern const struct import_format import_formats[];
/* NULL: there is none of that name. */
const struct import_format *import_format_find(const char *name);

/* `world` NULL: the machine. -ENOMEM. */
int import_new(const struct import_world *world, struct import **ret_import);
void import_free(struct import *im);

/* Once for an import: of a file, of bytes that stand for it, of the kernel's table. 0;
 * -EINVAL: the source cannot be read, import_why() says why; -ENOMEM. */
int import_read_file(struct import *im, const struct import_format *format, const char *path);
int import_read_bytes(struct import *im, const struct import_format *format, const char *path,
		      const char *bytes, size_t len);
int import_read_table(struct import *im, const struct import_format *format,
		      const struct ipvs_table *table);
const char *import_why(const struct import *im);

/* "imported", "approximated", "dropped". */
const char *import_fate_name(enum import_fate fate);
size_t import_count(const struct import *im, enum import_fate fate);

/* Append: the INI; the list of what is not imported as it was, a line each, and their
 * counts; the list as JSON, whole, with the INI (-ENOMEM). */
void import_put_ini(const struct import *im, struct buf *out);
void import_put_list(const struct import *im, struct buf *out);
int import_put_json(const struct import *im, struct buf *out);

#endif
