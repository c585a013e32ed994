/* import.h: what a reader of somebody else's configuration writes to: our INI in the
 * making, and the list of what became of each thing that the source says. */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "agent/base/attr.h"
#include "agent/ipvs/ipvs.h"

enum import_fate { IMPORT_IMPORTED = 0, IMPORT_APPROXIMATED, IMPORT_DROPPED };

struct import;      /* one import */
struct import_part; /* a [section] of what comes of it; NULL is one that memory lacked for */
/* Where the source says it. `file` lives as long as the import: import_source's. */
struct import_at {
	const char *file;
	unsigned int line;
};

/* A file of the source, whole: no NUL byte within, a NUL behind, lines end with '\n'
 * (CR before it is gone). All of it lives as long as the import. */
struct import_source {
	const struct import_source *parent; /* the file that includes it; NULL = none does */
	const char *path;
	char *text; /* the reader's to cut up */
	size_t len;
	char *next; /* of import_line() */
	unsigned int line;
	unsigned long long device, inode;
};

/* A row of the table of formats (import/table.c). A reader calls what stands below and
 * returns 0; -EINVAL by import_refuse() where the source cannot be understood at all;
 * -ENOMEM. One thing that has no place with us is a note, and the reader goes on. */
struct import_format {
	const char *name; /* NULL ends the table */
	const char *help;
	int (*read)(struct import *im, struct import_source *source);     /* of a FILE; or … */
	int (*read_table)(struct import *im, const struct ipvs_table *t); /* of the kernel */
};

/* The next line, NUL-terminated in place, source->line its number; false at the end. */
bool import_line(struct import_source *source, char **ret_line);
/* Opens a file that `parent` includes, by path as opened. -ELOOP: it includes itself,
 * -EMFILE, -EFBIG: too many files or bytes, -EILSEQ: a NUL byte, or a line of more than
 * 8192 bytes; -errno. Not freed by the reader. */
int import_include(struct import *im, const struct import_source *parent, const char *path,
		   struct import_source **ret_source);
/* The whole import fails with "FILE:LINE: text". Returns -EINVAL. */
int import_refuse(struct import *im, struct import_at at, const char *fmt, ...) ATTR_PRINTF(3, 4);

/* All below fail for lack of memory alone. That is sticky: call on, return 0 at the end. */

/* A new section [type NAME]; the name is made of `wish`, legal and unique. With NULL for
 * `wish` an unnamed one ([agent]), which is the same at each call. */
struct import_part *import_part(struct import *im, const char *type, const char *wish,
				struct import_at at);
const char *import_part_name(const struct import_part *p);
/* Appends `key = value`. A value that an INI cannot hold (control bytes, blanks at an
 * end, too long) is dropped, and noted as that; false then. */
bool import_key(struct import_part *p, struct import_at at, const char *key, const char *fmt, ...)
	ATTR_PRINTF(4, 5);
/* One thing of the source for the list: `what` in the source's words ("timeout = 6";
 * secrets hidden), then why it is approximated or dropped, a clause. Where it is not
 * imported it is also a comment in `p`, behind its last line; p = NULL: at the top. */
void import_note(struct import *im, struct import_part *p, enum import_fate fate,
		 struct import_at at, const char *what, const char *fmt, ...) ATTR_PRINTF(6, 7);
/* The name of a section that says the same as `p` does, which then goes: probes that
 * several services share. Else p's own. Call it when p is whole. */
const char *import_share(struct import_part *p);
/* Takes the section out again; its notes go to the top. */
void import_discard(struct import_part *p);

/* `address = …`, unless a service has it already: then dropped and noted, false. */
bool import_address(struct import_part *service, struct import_at at, const struct ipvs_key *key);
/* `realserver = NAME ADDRESS more` (or backup). The name: of `wish` (NULL: the address);
 * legal, one machine's, once in the service. Port 0: the service's. `more`:
 * "weight=3 enabled=no", or "". What the service has already is dropped and noted: false. */
bool import_server(struct import_part *service, struct import_at at, const char *key,
		   const char *wish, const struct addr *addr, const char *more);
/* What fails leaves the table of this service (the others: weight 0). */
void import_remove_failed(struct import_part *service);
/* Why sections of a type are printed as comments; NULL = they are not. */
const char *import_commented(const char *type);
/* As the kernel takes it. */
bool import_interface_ok(const char *name);
/* A virtual address that the source puts on an interface. */
void import_vip(struct import *im, struct import_at at, const struct addr *addr,
		unsigned int prefix, const char *interface, const char *what);

/* Cuts HOST[:PORT], [HOST]:PORT in two; *ret_port NULL = there is none. False: an IPv6
 * address without brackets, or half of them. */
bool import_split(char *text, const char **ret_host, const char **ret_port, bool *ret_brackets);
/* A host's address (AF_UNSPEC: any), port 0. A name is asked of this machine and noted
 * (in p) as approximated: its address may change. -ENOENT, not noted. */
int import_host(struct import *im, struct import_part *p, struct import_at at, const char *host,
		int family, struct addr *ret_addr);
/* A port by number (0 too) or by its name in /etc/services. -ENOENT. */
int import_port(struct import *im, const char *text, uint8_t proto, uint16_t *ret_port);

#endif
