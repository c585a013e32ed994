/* tell.h: the door for ways to tell somebody outside: an action of kind ACTION_TELL has
 * one. What is told, to whom, in which order and how often is the notifier's matter
 * (rules/notifier.c); a way makes one attempt. */
#ifndef AGENT_TELL_H
#define AGENT_TELL_H

#include <stddef.h>
#include <stdint.h>

#include "agent/rules/notify_conf.h"

struct children;
struct fetch_multi;

/* One attempt, owned by the notifier. */
struct tell_run {
	const struct notify_conf *conf; /* the [notify] section, NULL where the way has none. A
					   reload puts the new one here: keep nothing of it */
	const char *argument;           /* the words behind the action's name */
	const char *body;               /* the payload, JSON */
	size_t body_len;
	const char *const *env; /* the same as "IPVS_AGENT_…=value", NULL-terminated */
	struct fetch_multi *fetches;
	struct children *children;
	void *state; /* run_size zeroed bytes, for this attempt */
};

enum tell_outcome {
	TELL_SENT = 0,
	TELL_AGAIN,  /* worth another attempt, later */
	TELL_FAILED, /* another attempt would end the same way */
};

struct tell_report {
	enum tell_outcome outcome;
	int64_t after_ms; /* of TELL_AGAIN: not before; 0 = no wish */
	const char *text; /* for people, one line, borrowed; NULL = nothing to say */
};

struct teller {
	size_t run_size;
	uint32_t at_once; /* attempts under way for one receiver, at most */
	/* Never blocks; ends in tell_done() exactly once, later or from within … */
	void (*start)(struct tell_run *run);
	/* … or is cancelled: releases all, reports nothing. */
	void (*cancel)(struct tell_run *run);
};

/* The funnel: every attempt of every way ends here. The run must not be touched
 * afterwards. */
void tell_done(struct tell_run *run, const struct tell_report *report);

#endif
