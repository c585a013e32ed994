/* journal_tail.h: the last lines of the journal, read backwards from its files while
 * they are written, by whoever may wait for a disk. */
#ifndef HOLDS_JOURNAL_TAIL_H
#define HOLDS_JOURNAL_TAIL_H

#include "agent/holds/journal_line.h"

enum { JOURNAL_TAIL_MAX = 10000 }; /* lines */

struct journal_filter {
	size_t limit;           /* so many at most: 1 to JOURNAL_TAIL_MAX */
	uint32_t kinds;         /* bits 1 << enum journal_kind */
	const char *service;    /* lines that name it; NULL = all */
	const char *realserver; /* … and this one; NULL = all of the service's */
	const char *either;     /* lines that name a service or a realserver so; NULL = all */
};

struct journal_tail {
	struct buf lines; /* oldest first, whole JSON objects with a comma between them */
	size_t n;
	bool cut; /* older ones were not looked at: there was too much to read */
};

/* Reads state_dir/journal, and journal.1 before it. A line that is none of ours is left
 * out; no journal gives no lines. -errno where it cannot be read; -ENOMEM. */
int journal_tail(const char *state_dir, const struct journal_filter *filter,
		 struct journal_tail *ret_tail);

#endif
