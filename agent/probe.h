/* probe.h: the door for kinds of probes. A kind is one file in collectors/ with a
 * const descriptor at its end, and one row in collectors/table.c. */
#ifndef AGENT_PROBE_H
#define AGENT_PROBE_H

#include <stddef.h>

#include "agent/base/addr.h"
#include "agent/base/way_out.h"
#include "agent/probes/advice.h"
#include "agent/probes/probe_conf.h"
#include "agent/probes/reason.h"

struct loop;
struct fetch_multi;
struct arena;
struct buf;

/* One attempt, owned by the scheduler. */
struct probe_run {
	const struct probe_conf *conf; /* conf->head.part_conf: the kind's own keys. A reload
					  puts the new one here: read it anew in each
					  callback, keep nothing of it */
	struct addr addr;              /* where to connect, with port */
	struct way_out from;           /* by which way it goes out, its mark too; to be read
					  at the start */
	bool shown;                    /* somebody wants to see what was `said` */
	int64_t timeout_ms;            /* one deadline for the whole attempt; the scheduler also
					  watches it and cancels */
	struct loop *loop;
	struct fetch_multi *fetches;
	void *commons; /* the kind's; NULL when it has none */
	void *state;   /* run_size zeroed bytes, for this attempt */
};

/* How an attempt ended. */
struct probe_report {
	enum probe_reason reason;
	enum probe_claim claim; /* of kinds that advise alone: beats no verdict */
	int os_errno;           /* 0 = none */
	int status;             /* HTTP's, or the kind's own; 0 = none */
	int64_t connect_us, tls_us, first_byte_us; /* phases; 0 = not reached */
	int64_t tls_not_after;             /* the certificate's end, wall s; 0 = not known */
	const char *text;                  /* more for people, borrowed; may be NULL */
	const struct probe_advice *advice; /* borrowed; NULL = it says nothing of the kind */
	uint64_t digest; /* of the answer: SHA-256's first 8 bytes; 0 = none was made … */
	bool too_long;   /* … for it was too long */
	/* The answer, or its begin, whatever bytes they are, where it is to be shown and the
	 * kind has any; borrowed, may be NULL. */
	const char *said;
	size_t said_len;
};

/* One way to begin a URL, and what it means. */
struct probe_scheme {
	const char *name; /* "https" */
	uint16_t port;    /* what it stands for; 0 = none of its own */
	bool path;        /* the URL may have one */
	bool needs_port;  /* nothing can be done without a port */
	bool datagrams;   /* it asks over UDP */
};

struct probe_type {
	const char *name;                   /* "tcp" */
	const struct probe_scheme *schemes; /* ends with a row without a name */
	const char *help;
	struct conf_part part; /* its keys; name = the kind's */
	size_t run_size;
	/* What a section says as a whole, after its last key; NULL = nothing more than its
	 * keys. May fill in part_conf from the URL; strings are the arena's. -EINVAL with a
	 * reason in `why`, or -ENOMEM. */
	int (*finish)(struct probe_conf *conf, struct arena *arena, struct buf *why);
	/* What all attempts share: made with the first of them, freed by the scheduler
	 * after the last. Both NULL = nothing. -errno: the attempt is unknown. */
	int (*commons_new)(struct loop *loop, void **ret_commons);
	void (*commons_free)(void *commons);
	/* It asks for advice alone: no outcome of it is a verdict, and its reasons are
	 * PROBE_OK and those of which the outcome is unknown. */
	bool advises;
	/* The reason when the deadline passes: the scheduler cancels and reports it, the
	 * kind needs no timer. PROBE_OK: the kind watches its deadline itself, to tell its
	 * phases apart; one that does not is cancelled some time later, as our error. */
	enum probe_reason on_timeout;
	/* In its place, for a kind that has more to say: the deadline has passed; reports at
	 * once. NULL = the scheduler does it as above. */
	void (*expire)(struct probe_run *run);
	/* What a status of the kind's own is called; NULL = the number says it. May be NULL. */
	const char *(*status_text)(int status);
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
