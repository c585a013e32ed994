/* playback.h: what these rules would have done with what was recorded: a journal drives a
 * director in memory (world.h), and what that decides is compared with what was decided. */
#ifndef AGENT_PLAYBACK_H
#define AGENT_PLAYBACK_H

#include "agent/base/arena.h"
#include "agent/base/buf.h"
#include "agent/holds/journal_line.h"

struct config;

/* Something that happened: a line of the timeline. */
struct playback_event {
	int64_t wall_ms;
	uint32_t run; /* of the agent: 0, 1, … as they stand in the journal */
	enum journal_kind kind;
	const char *service, *realserver; /* "" = none; the configuration's, or the replay's */
	const char *body;                 /* the line from "what" on */
	size_t len;
	bool lost; /* a decision of the other side has no match: it differs */
	bool cut;  /* after the last line of an agent that was killed: nobody knows */
};

struct playback_events {
	struct playback_event *items;
	size_t n, room;
};

struct playback_figures {
	uint64_t lines, bad, missing; /* of the journal; missing: gaps in seq */
	uint64_t wild;                /* lines without sense: ignored, their times put right */
	uint64_t strange;             /* about what this configuration does not name */
	uint64_t other;               /* of kinds that a replay cannot follow */
	uint64_t recorded, replayed;  /* decisions */
	uint64_t equal, differing, cut;
	uint32_t runs;    /* of the agent */
	uint32_t configs; /* times that a configuration came into force … */
	uint32_t changed; /* … that was not the one of the replay */
	bool middle;      /* it begins in the middle of a run */
	bool torn;        /* its last line is cut off */
	bool tired;       /* so much time passed that not all of it was stepped through */
};

struct playback {
	struct playback_figures figures;
	struct playback_events inputs, recorded, replayed; /* in the order of time */
	struct buf unknown; /* signals that rules read and the journal does not have */
	struct arena arena; /* of all strings */
};

/* Reads the journal at `path` (and PATH.1) and replays it with a configuration without
 * errors. 0; -ENOENT and the like for the file, -EINVAL where the rules cannot be put in
 * force (`why`), -ENOMEM. playback_fini() is due in any case, before the configuration
 * goes. */
int playback_run(const char *path, struct config *conf, struct buf *why,
		 struct playback *ret_playback);
void playback_fini(struct playback *r);

/* Appends what came of it, for people; `verbose`: the states of rules and verdicts too. */
void playback_print(const struct playback *r, bool verbose, struct buf *out);
/* The same as one JSON object. -ENOMEM. */
int playback_print_json(const struct playback *r, struct buf *out);

#endif
