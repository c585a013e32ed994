/* journal_read.h: reads a journal back, a line at a time, whoever wrote it. */
#ifndef HOLDS_JOURNAL_READ_H
#define HOLDS_JOURNAL_READ_H

#include <jansson.h>

#include "agent/holds/journal_line.h"

struct journal_entry {
	int64_t wall_ms, mono_ms;
	uint64_t seq;
	const char *what;
	bool known; /* `kind` is that of `what`; else a newer agent's */
	enum journal_kind kind;
	const json_t *object; /* all members */
	const char *text;     /* the line without its newline */
	size_t len;
	/* The line from "what" on: equal for equal decisions, whenever they were made. */
	const char *body;
	size_t body_len;
};

/* Not 0 ends the reading with that. The entry is the reader's, until fn returns. */
typedef int journal_entry_fn(void *arg, const struct journal_entry *entry);

/* What was read besides the entries. */
struct journal_read_end {
	uint64_t entries;
	uint64_t bad;     /* lines that are none of a journal, or too long; skipped */
	uint64_t missing; /* lines that the writer dropped: gaps in seq within a run */
	bool torn;        /* the last line is cut off; skipped */
};

/* Reads path.1 where it is there, then path. 0, what fn returned, or -errno: -ENOENT where
 * neither is there. `ret_end` (may be NULL) is set in any case. */
int journal_read(const char *path, journal_entry_fn *fn, void *arg,
		 struct journal_read_end *ret_end);

/* The same over bytes from anywhere, as they come. */
struct journal_reader {
	journal_entry_fn *fn;
	void *arg;
	struct journal_read_end end;
	struct buf line; /* the beginning of one */
	bool too_long;   /* and the rest of it is skipped */
	uint64_t seq;    /* of the last entry; 0 = none */
};
int journal_feed(struct journal_reader *r, const char *bytes, size_t len);
/* No more bytes follow in this file. `last`: and no other file. Frees. */
void journal_feed_end(struct journal_reader *r, bool last);

/* Members of an entry: "", 0, NAN, false where it has none of that name and type. */
const char *journal_text(const struct journal_entry *e, const char *name);
int64_t journal_int(const struct journal_entry *e, const char *name);
double journal_number(const struct journal_entry *e, const char *name);
bool journal_bool(const struct journal_entry *e, const char *name);

#endif
