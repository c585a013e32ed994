/* playback_drive.h: a journal's line, put into a director in memory. */
#ifndef AGENT_PLAYBACK_DRIVE_H
#define AGENT_PLAYBACK_DRIVE_H

#include "agent/playback_internal.h"

struct playback_drive {
	struct playback *r;
	struct playback_log log;
	struct playback_when *when;
	struct config *conf;
	struct world *world; /* of the run at hand; NULL before the first */
	struct moment now;   /* of the last line, or of the last step after it */
	struct moment line;  /* of the last line */
	int64_t end_ms;      /* of the run's last line */
	uint32_t run;
	bool starting;      /* only what a start begins with came yet */
	bool restored;      /* with holds */
	int64_t *dirty_ms;  /* by service: since when it is to be judged; INT64_MAX = not */
	int64_t *sample_ms; /* by service that the journal has no samples of: the next */
	bool *turn;         /* by service: the lines at hand show that it was judged */
	int64_t interval;   /* between samples */
	uint64_t steps;     /* that no line shows */
	struct buf *why;
	int error; /* of a callback */
};

/* --- playback_input.c ---------------------------------------------------------------------- */

/* What the agent was told or saw. -ENOMEM, or what the rules refuse. */
int playback_input(struct playback_drive *d, const struct playback_line *line);
/* Rules read what the journal has of their signals, and nothing else. */
int playback_give(struct playback_drive *d);
/* Which signals are read and not there. */
void playback_find_unknown(struct playback_drive *d);

/* --- playback_time.c ------------------------------------------------------------------------ */

/* What is dirty waits for its turn. */
void playback_defer(struct playback_drive *d);
/* Judges the services of the lines at hand, at the moment of these. */
void playback_turn(struct playback_drive *d);
/* Judges what waits for nothing but time, before a line at `until_ms`. */
void playback_wait(struct playback_drive *d, int64_t until_ms);
/* Judges every service now. */
void playback_judge_all(struct playback_drive *d);
/* Nothing waits. */
void playback_rest(struct playback_drive *d);

#endif
