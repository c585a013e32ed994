/* playback_internal.h: what the files of the replay share. */
#ifndef AGENT_PLAYBACK_INTERNAL_H
#define AGENT_PLAYBACK_INTERNAL_H

#include "agent/holds/journal_read.h"
#include "agent/playback.h"
#include "agent/world.h"

/* --- playback_log.c: the journal in memory ---------------------------------------------- */

struct playback_line {
	int64_t mono_ms, wall_ms; /* mono never goes back within a run */
	enum journal_kind kind;
	bool known;         /* … by `kind`; else it is a newer agent's */
	bool kernel_weight; /* a sample: the kernel's weight, as the first reading had it */
	bool begins;        /* the first of its run of the agent */
	uint32_t run;
	uint32_t service, realserver; /* ids; LAYOUT_NONE = none, or not in the layout */
	bool strange;                 /* it names what the layout does not have */
	const char *service_name, *realserver_name, *text, *body;
	size_t len;
};

struct playback_log {
	struct playback_line *lines;
	size_t n, room;
	struct journal_read_end end;
	uint64_t wild;
	uint32_t n_runs;
	bool *ended;    /* by run: in order, so that nothing of it is missing */
	bool *sampled;  /* by service: there are samples of it */
	bool *recorded; /* by realserver (then by service) and signal: there are values */
};

/* The id of a value: of a realserver, or of a service for its signals. */
static inline size_t playback_value_id(const struct layout *l, enum signal_id signal, uint32_t id)
{
	size_t row = signal_table[signal].scope == SIGNAL_OF_SERVICE ? l->n_realservers + (size_t)id
								     : id;

	return row * N_SIGNALS + signal;
}

/* 0, or -errno; its arrays and strings are the arena's. */
int playback_log_read(const char *path, const struct layout *l, struct arena *arena,
		      struct playback_log *ret_log);

/* --- playback_when.c: when a service is judged -------------------------------------------- */

struct playback_when;

int playback_when_new(const struct playback_log *log, uint32_t n_services,
		      struct playback_when **ret_when);
void playback_when_free(struct playback_when *w);
/* The first turn of the service in that run at `from_ms` or later; INT64_MAX = none. */
int64_t playback_when_turn(struct playback_when *w, uint32_t service, uint32_t run,
			   int64_t from_ms);

/* --- playback_diff.c ------------------------------------------------------------------------ */

int playback_add(struct playback_events *list, const struct playback_event *event);
/* A decision, of which the agent writes lines of that kind? */
bool playback_is_decision(enum journal_kind kind);
/* Compares the two, stream by stream; marks what has no match, and counts. `ended` by
 * run. -ENOMEM. */
int playback_compare(struct playback *r, const bool *ended);

#endif
