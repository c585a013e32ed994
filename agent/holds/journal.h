/* journal.h: one JSON line for each thing that the agent was told or decided, in
 * state_dir/journal: for people, and for replay. Nothing waits for it: lines queue for a
 * thread of its own, and what the disk is too slow for is dropped and counted. */
#ifndef HOLDS_JOURNAL_H
#define HOLDS_JOURNAL_H

#include "agent/holds/journal_line.h"

struct journal;

struct journal_stats {
	uint64_t lines;   /* written to the file */
	uint64_t dropped; /* not: the queue was full, or memory out */
	uint64_t errors;  /* failed writes; each is tried again a second later */
	int error;        /* of the last one (-errno); 0 = it succeeded */
};

/* state_dir/journal, at most `size` bytes (0 = not kept at all), and journal.1, the one
 * before it. The file is opened by its thread, which takes failures as it takes those of
 * writing: nothing but -ENOMEM or -EAGAIN (no thread) fails here. A last line that a
 * crash cut off is cut away. */
int journal_new(const char *state_dir, uint64_t size, struct journal **ret_journal);
/* Tries once to write what waits. NULL is fine, here and below: nothing is kept. */
void journal_free(struct journal *j);

/* On the loop thread, as all of these. A size of 0 stops it until the next one. */
void journal_set_size(struct journal *j, uint64_t size);

/* Who else is told of each line, as it is ended; `wants` is asked before. */
struct journal_tap {
	bool (*wants)(void *arg, enum journal_kind kind);
	void (*line)(void *arg, const struct buf *text, uint64_t seq); /* newline included */
	void *arg;
};
void journal_set_tap(struct journal *j, const struct journal_tap *tap);

/* Begins a line: fill it by journal_line_…(), then end it. NULL where none is kept
 * and the tap wants none.
 * Lines are numbered from 1, dropped ones too, so that a gap is seen. One line at once. */
struct journal_line *journal_begin(struct journal *j, enum journal_kind kind, int64_t wall_ms,
				   int64_t mono_ms);
/* Queues it; in the file within a second where the disk takes it. */
void journal_end(struct journal *j, struct journal_line *line);

void journal_stats(struct journal *j, struct journal_stats *ret_stats);

#endif
