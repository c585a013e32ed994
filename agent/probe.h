/* probe.h: the door for kinds of probes. A kind is one file in collectors/ with a
 * const descriptor at its end, and one row in collectors/table.c. */
#ifndef AGENT_PROBE_H
#define AGENT_PROBE_H

#include <stddef.h>

#include "agent/base/addr.h"
#include "agent/probes/probe_conf.h"
#include "agent/probes/reason.h"

struct loop;
struct fetch_multi;

/* One attempt, owned by the scheduler. */
struct probe_run {
	const struct probe_conf *conf; /* conf->head.part_conf: the kind's own keys. A reload
					  puts the new one here: read it anew in each
					  callback, keep nothing of it */
	struct addr addr;              /* where to connect, with port */
	int64_t timeout_ms;            /* one deadline for the whole attempt; the scheduler also
					  watches it and cancels */
	struct loop *loop;
	struct fetch_multi *fetches;
	void *state; /* run_size zeroed bytes, for this attempt */
};

/* How an attempt ended. */
struct probe_report {
	enum probe_reason reason;
	int os_errno;                              /* 0 = none */
	int status;                                /* HTTP status; 0 = none */
	int64_t connect_us, tls_us, first_byte_us; /* phases; 0 = not reached */
	const char *text;                          /* more for people, borrowed; may be NULL */
};

struct probe_type {
	const char *name;           /* "tcp" */
	const char *const *schemes; /* NULL-terminated: "http", "https" */
	const char *help;
	struct conf_part part; /* its keys; name = the kind's */
	size_t run_size;
	/* The reason when the deadline passes: the scheduler cancels and reports it, the
	 * kind needs no timer. PROBE_OK: the kind watches its deadline itself, to tell its
	 * phases apart; one that does not is cancelled some time later, as our error. */
	enum probe_reason on_timeout;
	/* Never blocks; ends in probe_done() exactly once, later or from within … */
	void (*start)(struct probe_run *run);
	/* … or is cancelled: releases all, reports nothing. Called for a run that has
	 * not reported. */
	void (*cancel)(struct probe_run *run);
};

/* The funnel: every outcome of every kind comes through here (probes/sched.c). The
 * run must not be touched afterwards. */
void probe_done(struct probe_run *run, const struct probe_report *report);

#endif
