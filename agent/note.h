/* note.h: what the agent itself notes in the journal. */
#ifndef AGENT_NOTE_H
#define AGENT_NOTE_H

#include "agent/holds/journal.h"

struct agent;
struct hold;

/* Begins a line of now; end it with journal_end(a->journal, …). NULL = none is kept. */
struct journal_line *note_begin(struct agent *a, enum journal_kind kind);

/* Opens the journal and notes the start; without memory for it the agent goes on. */
void note_start(struct agent *a);
/* The configuration in force; also how large the journal may be from now on. */
void note_config(struct agent *a);
/* A hold that the ledger kept. */
void note_restored(struct agent *a, const struct hold *hold);
/* The first complete reading of the kernel's table. */
void note_kernel(struct agent *a);
void note_stop(struct agent *a);

/* Tells the log once that the journal cannot be written, and once that it can again. */
void note_tell(struct agent *a);

#endif
