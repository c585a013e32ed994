/* replay_internal.h: what the files of the replay share. */
#ifndef AGENT_REPLAY_INTERNAL_H
#define AGENT_REPLAY_INTERNAL_H

#include "agent/holds/journal_read.h"
#include "agent/replay.h"
#include "agent/world.h"

/* --- replay_log.c: the journal in memory ---------------------------------------------- */

struct replay_line {
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

struct replay_log {
	struct replay_line *lines;
	size_t n, room;
	struct journal_read_end end;
	uint64_t wild;
	uint32_t n_runs;
	bool *ended;    /* by run: in order, so that nothing of it is missing */
	bool *sampled;  /* by service: there are samples of it */
	bool *recorded; /* by realserver (then by service) and signal: there are values */
};

/* The id of a value: of a realserver, or of a service for its signals. */
static inline size_t replay_value_id(const struct layout *l, enum signal_id signal, uint32_t id)
{
	size_t row = signal_table[signal].scope == SIGNAL_OF_SERVICE ? l->n_realservers + (size_t)id
								     : id;

	return row * N_SIGNALS + signal;
}

/* 0, or -errno; its arrays and strings are the arena's. */
int replay_log_read(const char *path, const struct layout *l, struct arena *arena,
		    struct replay_log *ret_log);

/* --- replay_when.c: when a service is judged -------------------------------------------- */

struct replay_when;

int replay_when_new(const struct replay_log *log, uint32_t n_services,
		    struct replay_when **ret_when);
void replay_when_free(struct replay_when *w);
/* The first turn of the service in that run at `from_ms` or later; INT64_MAX = none. */
int64_t replay_when_turn(struct replay_when *w, uint32_t service, uint32_t run, int64_t from_ms);

/* --- replay_diff.c ------------------------------------------------------------------------ */

int replay_add(struct replay_events *list, const struct replay_event *event);
/* A decision, of which the agent writes lines of that kind? */
bool replay_is_decision(enum journal_kind kind);
/* Compares the two, stream by stream; marks what has no match, and counts. `ended` by
 * run. -ENOMEM. */
int replay_compare(struct replay *r, const bool *ended);

#endif
