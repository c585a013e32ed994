/* pace.h: when the reconciler looks next. Pure. */
#ifndef SYNC_PACE_H
#define SYNC_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* What it hangs on, all in ms. */
struct pace_input {
	int64_t interval_ms, backoff_ms;
	int64_t read_ms; /* what the last reading took */
	int error;       /* of the last reading */
	bool leaving;    /* something drains … */
	bool retry;      /* … was refused … */
	bool skipped;    /* … was not looked at */
};

enum { PACE_RETRY_MS = 1000 }; /* the kernel could not be read, or refused a write; doubles */

/* After a full pass: ms until the next one. */
int64_t pace_next_ms(const struct pace_input *p);
/* How long to back off next, after a pass in which something was refused or not. */
int64_t pace_backoff_ms(const struct pace_input *p);
/* After a refusal: ms until the next pass at most. */
int64_t pace_refused_ms(const struct pace_input *p);

#endif
