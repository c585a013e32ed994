/* signal.c: the table of signals. Who adds a metric that rules should read adds a row
 * here and fills it where samples are taken; expressions need no change. */
#include "agent/model/signal.h"

#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"

#define PROBES    .scope = SIGNAL_OF_REALSERVER, .origin = SIGNAL_FROM_PROBES
#define KERNEL    .scope = SIGNAL_OF_REALSERVER, .origin = SIGNAL_FROM_KERNEL
#define DECISIONS .scope = SIGNAL_OF_REALSERVER, .origin = SIGNAL_FROM_DECISIONS

#define SERVICE_TOTAL(id, what, text)                                                              \
	[SIGNAL_SERVICE_##id##_TOTAL] = { .name = "service_" what "_total",                        \
					  .help = text,                                            \
					  .scope = SIGNAL_OF_SERVICE,                              \
					  .origin = SIGNAL_FROM_KERNEL,                            \
					  .counter = true }

#define SERVICE(id, text, sentence)                                                                \
	[SIGNAL_SERVICE_##id] = { .name = "service_" text,                                         \
				  .help = sentence,                                                \
				  .scope = SIGNAL_OF_SERVICE,                                      \
				  .origin = SIGNAL_FROM_DECISIONS }

#define ROW(id, text, sentence, ...) [SIGNAL_##id] = { .name = text, .help = sentence, __VA_ARGS__ }

const struct signal signal_table[N_SIGNALS] = {
	ROW(PROBE_UP, "probe_up",
	    "The verdict, by rise and fall: 1 up, 0 down; no data before the first.", PROBES),
	ROW(PROBE_UNKNOWN, "probe_unknown",
	    "Whether there is no verdict yet, or the last attempt could not tell (our fault).",
	    PROBES),
	ROW(PROBE_SUCCESS, "probe_success", "Whether the last attempt passed.", PROBES),
	ROW(PROBE_DURATION_SECONDS, "probe_duration_seconds", "How long the last attempt took.",
	    PROBES),
	ROW(PROBE_CONSECUTIVE_FAILURES, "probe_consecutive_failures",
	    "Attempts that failed in a row.", PROBES),
	ROW(PROBE_CONSECUTIVE_PASSES, "probe_consecutive_passes", "Attempts that passed in a row.",
	    PROBES),
	ROW(PROBE_ATTEMPTS_TOTAL, "probe_attempts_total", "Attempts that ended.", PROBES,
	    .counter = true),
	ROW(PROBE_FAILURES_TOTAL, "probe_failures_total",
	    "Attempts that did not pass, whatever the reason.", PROBES, .counter = true),
	ROW(PROBE_STALE, "probe_stale",
	    "Whether more than half of the service's realservers agree on another answer; no "
	    "data for fewer than 3 (digest = consensus).",
	    PROBES),
	ROW(ACTIVE_CONNECTIONS, "active_connections", "Connections in an active state.", KERNEL),
	ROW(INACTIVE_CONNECTIONS, "inactive_connections", "Connections in any other state.",
	    KERNEL),
	ROW(PERSISTENT_CONNECTIONS, "persistent_connections", "Clients bound by persistence.",
	    KERNEL),
	ROW(UPPER_THRESHOLD, "upper_threshold",
	    "Connections above which it gets no new ones; no data = no limit.", KERNEL),
	ROW(LOWER_THRESHOLD, "lower_threshold",
	    "Connections below which it gets new ones again; no data = by the upper threshold.",
	    KERNEL),
	ROW(CONNECTIONS_TOTAL, "connections_total", "Connections made to the realserver.", KERNEL,
	    .counter = true),
	ROW(INCOMING_PACKETS_TOTAL, "incoming_packets_total", "Packets to the realserver.", KERNEL,
	    .counter = true),
	ROW(OUTGOING_PACKETS_TOTAL, "outgoing_packets_total",
	    "Packets from the realserver, as far as they pass the director.", KERNEL,
	    .counter = true),
	ROW(INCOMING_BYTES_TOTAL, "incoming_bytes_total", "Bytes to the realserver.", KERNEL,
	    .counter = true),
	ROW(OUTGOING_BYTES_TOTAL, "outgoing_bytes_total",
	    "Bytes from the realserver, as far as they pass the director.", KERNEL,
	    .counter = true),
	ROW(WEIGHT, "weight", "Weight in the kernel.", DECISIONS),
	ROW(CONFIGURED_WEIGHT, "configured_weight", "Weight in the configuration.", DECISIONS),
	ROW(EFFECTIVE_WEIGHT, "effective_weight",
	    "The weight that the configuration and all holds give; no data while it is held "
	    "absent.",
	    DECISIONS),
	SERVICE(AVAILABLE, "available", "Realservers with an effective weight above 0."),
	SERVICE(AVAILABLE_RATIO, "available_ratio",
		"Available realservers as a share of those configured above 0, without backups."),
	SERVICE(REALSERVERS, "realservers", "Realservers of the configuration, in every state."),
	SERVICE(PANIC, "panic", "Whether no realserver of the service is up."),
	SERVICE_TOTAL(CONNECTIONS, "connections", "Connections made through the service."),
	SERVICE_TOTAL(INCOMING_PACKETS, "incoming_packets", "Packets from clients to the service."),
	SERVICE_TOTAL(OUTGOING_PACKETS, "outgoing_packets",
		      "Packets from the service to clients, as far as they pass the director."),
	SERVICE_TOTAL(INCOMING_BYTES, "incoming_bytes", "Bytes from clients to the service."),
	SERVICE_TOTAL(OUTGOING_BYTES, "outgoing_bytes",
		      "Bytes from the service to clients, as far as they pass the director."),
};

/* What the metrics' names begin with; the longer first. */
static const char *const prefixes[] = { "ipvs_realserver_", "ipvs_" };

static bool find_exact(const char *name, enum signal_id *ret_id)
{
	unsigned int i;

	for (i = 0; i < N_SIGNALS; i++) {
		if (!strcmp(signal_table[i].name, name)) {
			*ret_id = (enum signal_id)i;
			return true;
		}
	}
	return false;
}

/* The metric's name, a misspelling, or the first words of a name. */
static const char *find_near(const char *name)
{
	const char *names[N_SIGNALS], *near;
	enum signal_id id;
	size_t i;

	for (i = 0; i < countof(prefixes); i++) {
		size_t len = strlen(prefixes[i]);

		if (!strncmp(name, prefixes[i], len) && find_exact(name + len, &id))
			return signal_table[id].name;
	}
	for (i = 0; i < N_SIGNALS; i++)
		names[i] = signal_table[i].name;
	near = nearest_name(name, names, N_SIGNALS);
	for (i = 0; !near && i < N_SIGNALS; i++) {
		if (*name && !strncmp(names[i], name, strlen(name)) &&
		    names[i][strlen(name)] == '_')
			near = names[i];
	}
	return near;
}

bool signal_find(const char *name, enum signal_id *ret_id, const char **ret_near)
{
	if (find_exact(name, ret_id))
		return true;
	if (ret_near)
		*ret_near = find_near(name);
	return false;
}
