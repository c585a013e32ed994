/* note.h: what the agent itself notes in the journal. */
#ifndef AGENT_NOTE_H
#define AGENT_NOTE_H

#include "agent/holds/journal.h"
#include "agent/probes/health.h"

struct agent;
struct decision;
struct hold;
struct moment;

/* What a target was found to be, as a copy: there may be more outcomes until it is told. */
struct finding {
	uint32_t target;
	uint16_t status; /* of HTTP; 0 = none */
	struct health health;
	const char *text; /* what was said beside; NULL = nothing */
};

/* Begins a line of now, below those of all outcomes until now (outcome.h); end it with
 * journal_end(a->journal, …). NULL = none is kept. */
struct journal_line *note_begin(struct agent *a, enum journal_kind kind);

/* Who listens to events is told of each line but samples, also where none are kept. */
void note_events(struct agent *a);
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
/* What a target was found to be at that moment, as far as it is about one of its users. */
void note_verdict(struct agent *a, const struct finding *f, uint32_t realserver,
		  const struct moment *at);
/* The same, as it is known now. */
struct finding note_finding(const struct agent *a, uint32_t target);
/* What rules look at in a service, but for what follows from decisions; once a moment. */
void note_samples(struct agent *a, uint32_t service, const struct moment *now);
/* The kernel's weights in dirty services, as the first reading found them. */
void note_weights(struct agent *a);
/* An operator's or an alert's hold came into force, or ended. */
void note_asked(void *arg, const struct hold *hold, bool ended);

/* Tells the log once that the journal cannot be written, and once that it can again. */
void note_tell(struct agent *a);

#endif
