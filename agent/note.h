/* note.h: what the agent itself notes in the journal. */
#ifndef AGENT_NOTE_H
#define AGENT_NOTE_H

#include "agent/holds/journal.h"

struct agent;
struct decision;
struct hold;
struct moment;

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

/* What was decided: the members of its line, and which kind of line it is (`l` may be
 * NULL); and the line itself. */
enum journal_kind decision_line(const struct decision *d, struct journal_line *l);
void note_decision(struct agent *a, const struct decision *d);
/* What is known of a target, for each realserver that it is of; `at` NULL = now. */
void note_verdict(struct agent *a, uint32_t target, const struct moment *at);
/* What rules look at in a service, but for what follows from decisions; once a moment. */
void note_samples(struct agent *a, uint32_t service, const struct moment *now);
/* The kernel's weights in dirty services, as the first reading found them. */
void note_weights(struct agent *a);
/* An operator's or an alert's hold came into force, or ended. */
void note_asked(void *arg, const struct hold *hold, bool ended);

/* Tells the log once that the journal cannot be written, and once that it can again. */
void note_tell(struct agent *a);

#endif
