/* reason.h: why a probe ended as it did: a table of outcome, slug and sentence.
 * The slug is the metric's label and the log's word. */
#ifndef PROBES_REASON_H
#define PROBES_REASON_H

#include <stdbool.h>

/* What an outcome says of the realserver. What went wrong on our side is unknown:
 * it never acts and never restores. */
enum probe_outcome { PROBE_UNKNOWN = 0, PROBE_FAILED, PROBE_PASSED };

enum probe_reason {
	PROBE_OK = 0,
	/* the realserver's fault */
	PROBE_CONNECT_REFUSED,
	PROBE_CONNECT_TIMEOUT,
	PROBE_CONNECT_UNREACHABLE, /* told so by ICMP from beyond us */
	PROBE_CONNECT_RESET,
	PROBE_TLS_TIMEOUT,
	PROBE_TLS_FAILED,
	PROBE_TLS_UNTRUSTED,
	PROBE_TLS_EXPIRING, /* valid, but not for as long as asked for */
	PROBE_ANSWER_TIMEOUT,
	PROBE_ANSWER_MALFORMED,
	PROBE_ANSWER_STATUS,
	PROBE_ANSWER_HEADER,
	PROBE_ANSWER_BODY,
	PROBE_EXEC_FAILED, /* a program of the user's says so */
	PROBE_FILE_DOWN,   /* a file does */
	PROBE_ANSWER_DIGEST,
	/* of those who are asked for advice: that they are silent is no fault of the server */
	PROBE_ADVICE_UNREACHED,
	PROBE_ADVICE_TIMEOUT,
	PROBE_ADVICE_MALFORMED,
	/* ours */
	PROBE_LOCAL_RESOURCES, /* descriptors, memory, ports */
	PROBE_LOCAL_ROUTE,     /* no route, no source address, interface down */
	PROBE_LOCAL_CONFIG,    /* CA bundle unreadable, … */
	PROBE_LOCAL_FORWARD,   /* via = forward: the way through this director is not there */
	PROBE_LOCAL_STALL,     /* our loop stood still while it should have listened */
	PROBE_LOCAL_ERROR,     /* anything else of ours */
	PROBE_LOCAL_CANARY,    /* no canary answers by that interface either */
	/* nobody's: it says nothing */
	PROBE_ANSWER_SILENCE,  /* where no answer is none of the realserver's faults */
	PROBE_ANSWER_TOO_LONG, /* for what was to be read of it */
	PROBE_N_REASONS,
};

struct probe_reason_row {
	enum probe_outcome outcome;
	const char *slug;     /* "connect-refused" */
	const char *sentence; /* "connection refused" */
	/* Evidence for the guard's order of admission: 0 refused, 1 timeout, 2 bad
	 * answer; lower is admitted first. */
	unsigned int evidence;
};

extern const struct probe_reason_row probe_reasons[PROBE_N_REASONS];

/* Whether something came back that only who is behind the way can have sent: it passed, or
 * its answer was a bad one. A refusal may be a firewall's. */
bool probe_reason_answered(enum probe_reason reason);

/* What an errno of connect() says. `at_once` = connect() itself returned it: then it
 * is our kernel's word before any packet left, and a missing route is ours. Later, as
 * SO_ERROR, it is what came back: a reset, an ICMP message, or an on-link host's
 * silence to ARP or ND (EHOSTUNREACH after some 3 s): the realserver's fault. A
 * REJECT rule in our own OUTPUT chain cannot be told from ICMP of beyond. */
enum probe_reason probe_reason_of_connect(int os_errno, bool at_once);

#endif
