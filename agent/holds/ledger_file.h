/* ledger_file.h: the ledger's file, without a thread: lock, load, append, replace.
 * ledger.c puts it on a thread; the tests kill it at every byte. */
#ifndef HOLDS_LEDGER_FILE_H
#define HOLDS_LEDGER_FILE_H

#include "agent/holds/replay.h"

struct ledger_file;

/* One request of a batch. */
struct ledger_change {
	struct record record; /* its hold is taken over where it is accepted */
	int error;            /* result: 0 = on disk */
	/* For taking it back: */
	char *placed_id;
	uint64_t seen_before; /* of its origin */
	struct hold *old;
};
void ledger_change_fini(struct ledger_change *c);

/* See ledger_open(). */
int ledger_file_open(const char *state_dir, struct buf *why, struct ledger_state *ret_state,
		     struct ledger_file **ret_file);
/* NULL is fine. */
void ledger_file_free(struct ledger_file *f);

/* Appends all changes with one write and one fdatasync, each getting its error. A
 * failed write leaves the file as it was and puts ledger_file_error(). */
void ledger_file_commit(struct ledger_file *f, struct ledger_change *const *changes, size_t n);

/* 0, or why the file cannot be written (-errno); then commits fail with it until
 * ledger_file_repair() has written the whole state anew. */
int ledger_file_error(const struct ledger_file *f);
int ledger_file_repair(struct ledger_file *f);

/* Replaces a log that is over `compact_min` bytes (default 1 MB) and four times the
 * state; else does nothing. */
void ledger_file_tend(struct ledger_file *f);
void ledger_file_set_compact_min(struct ledger_file *f, uint64_t bytes);

#endif
