/* signal.h: what a rule may name: the exported metrics by their names, without
 * "ipvs_realserver_" or "ipvs_", so that an expression can be lifted to PromQL. */
#ifndef MODEL_SIGNAL_H
#define MODEL_SIGNAL_H

#include <stdbool.h>

enum signal_id {
	/* of a realserver, from its probes */
	SIGNAL_PROBE_UP,
	SIGNAL_PROBE_UNKNOWN,
	SIGNAL_PROBE_SUCCESS,
	SIGNAL_PROBE_DURATION_SECONDS,
	SIGNAL_PROBE_CONSECUTIVE_FAILURES,
	SIGNAL_PROBE_CONSECUTIVE_PASSES,
	SIGNAL_PROBE_ATTEMPTS_TOTAL,
	SIGNAL_PROBE_FAILURES_TOTAL,
	SIGNAL_PROBE_STALE,
	/* of a realserver, from the kernel */
	SIGNAL_ACTIVE_CONNECTIONS,
	SIGNAL_INACTIVE_CONNECTIONS,
	SIGNAL_PERSISTENT_CONNECTIONS,
	SIGNAL_UPPER_THRESHOLD,
	SIGNAL_LOWER_THRESHOLD,
	SIGNAL_CONNECTIONS_TOTAL,
	SIGNAL_INCOMING_PACKETS_TOTAL,
	SIGNAL_OUTGOING_PACKETS_TOTAL,
	SIGNAL_INCOMING_BYTES_TOTAL,
	SIGNAL_OUTGOING_BYTES_TOTAL,
	/* of a realserver, from decisions */
	SIGNAL_WEIGHT,
	SIGNAL_CONFIGURED_WEIGHT,
	SIGNAL_EFFECTIVE_WEIGHT,
	/* of a service, from decisions */
	SIGNAL_SERVICE_AVAILABLE,
	SIGNAL_SERVICE_AVAILABLE_RATIO,
	SIGNAL_SERVICE_REALSERVERS,
	SIGNAL_SERVICE_PANIC,
	/* of a service, from the kernel: the sum over its addresses */
	SIGNAL_SERVICE_CONNECTIONS_TOTAL,
	SIGNAL_SERVICE_INCOMING_PACKETS_TOTAL,
	SIGNAL_SERVICE_OUTGOING_PACKETS_TOTAL,
	SIGNAL_SERVICE_INCOMING_BYTES_TOTAL,
	SIGNAL_SERVICE_OUTGOING_BYTES_TOTAL,
	N_SIGNALS
};

enum signal_scope { SIGNAL_OF_REALSERVER = 0, SIGNAL_OF_SERVICE };
enum signal_origin { SIGNAL_FROM_PROBES = 0, SIGNAL_FROM_KERNEL, SIGNAL_FROM_DECISIONS };

struct signal {
	const char *name;
	const char *help; /* a sentence */
	enum signal_scope scope;
	enum signal_origin origin;
	bool counter; /* only grows, but begins anew at 0: rate() may read it */
};

extern const struct signal signal_table[N_SIGNALS];

/* True and *ret_id when there is a signal of that name. Otherwise false, and *ret_near
 * (may be NULL) is the name that may be meant: without the metric's prefix, the
 * nearest by edits, or one that begins so; NULL where none is near. */
bool signal_find(const char *name, enum signal_id *ret_id, const char **ret_near);

#endif
