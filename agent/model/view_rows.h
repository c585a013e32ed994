/* view_rows.h: the kinds of rows of a snapshot (view.h). Ids are rows of its arrays. */
#ifndef MODEL_VIEW_ROWS_H
#define MODEL_VIEW_ROWS_H

#include "agent/ipvs/port.h"
#include "agent/model/consensus.h"
#include "agent/probes/health.h"

#define VIEW_NONE UINT32_MAX
/* One kernel service: configured, found, or both; foreign ones are only found. */
struct view_vip {
	const char *service;          /* label ipvs_service: the INI's name, or the address */
	const char *address;          /* label address */
	uint32_t table;               /* row of table->services; VIEW_NONE = not in the kernel */
	uint32_t owner;               /* row of services; VIEW_NONE = foreign */
	uint32_t first_dest, n_dests; /* rows of dests */
};

/* One realserver behind one address; those of a VIP stand side by side. */
struct view_dest {
	const char *name;    /* label realserver: the INI's name, or ADDR:PORT */
	uint32_t table;      /* row of table->dests; VIEW_NONE = not in the kernel */
	uint32_t realserver; /* row of realservers; VIEW_NONE = nobody configured it */
};

/* States in which a realserver is shown, each counted in
 * ipvs_service_realservers{state}. */
enum view_state {
	VIEW_UP = 0,   /* serves */
	VIEW_DOWN,     /* its probe says so */
	VIEW_UNKNOWN,  /* no verdict yet, or the last probe could not tell */
	VIEW_HELD,     /* up, but a hold lowers it */
	VIEW_DISABLED, /* enabled = no */
	VIEW_STANDBY,  /* a backup that waits */
	VIEW_N_STATES,
};
extern const char *const view_state_names[VIEW_N_STATES];

struct view_service {
	const char *name;
	uint32_t first_realserver, n_realservers; /* as in the layout */
	uint32_t states[VIEW_N_STATES];
	uint32_t available, configured, own; /* above 0: now; by the file, no backups; of these */
	bool panic;
};

/* Its id is the layout's, which says who it is (view_conf()); here is what changes. */
struct view_realserver {
	int32_t effective_weight; /* -1 = absent */
	uint32_t first_probe;     /* row of probes; they go up to view_probes_end() */
	/* In words why it is not at its configured weight, see view_reason(); 0 = it is. */
	uint32_t reason : 28;
	uint32_t state : 4; /* enum view_state */
};

/* A realserver's probe; which one of them tells its name, see view_probe_name(). */
struct view_probe {
	int64_t last_wall_ms : 48; /* the end of the last attempt; 0 = none yet */
	uint64_t verdict : 2;      /* enum verdict */
	uint64_t unknown : 1;      /* these three are of the last outcome: see struct health */
	uint64_t success : 1;
	uint64_t reason : 8;
	int64_t since_wall_ms : 48; /* of the verdict */
	int32_t streak;             /* consecutive passes, or below 0 failures */
	uint32_t attempts;
	uint32_t last_us, connect_us, tls_us, first_byte_us;
	uint32_t tls_not_after; /* wall s; 0 = not known */
	uint32_t realserver;
	uint32_t first_failure; /* row of failures; they go up to view_failures_end() */
	uint32_t text;          /* what the last outcome said beside, see view_probe_text() */
};
/* What the answer to a probe is beside those of others, by the same row. */
struct view_digest {
	uint64_t value;        /* as it is shown, 48 bits; 0 = none that is fresh */
	uint32_t agree, heard; /* the majority (0 = there is none), of so many */
	uint8_t word;          /* enum consensus_word */
	bool compared, too_long;
};
struct view_failure {
	uint32_t reason, count; /* enum probe_reason */
};

/* The agent's own counters, as they were. */
struct view_agent {
	uint64_t kernel_writes[IPVS_N_OPS], kernel_write_failures[IPVS_N_OPS];
	uint64_t drift, drift_adopted, reconciles, slow_callbacks, ledger_unrecorded;
	uint64_t journal_lines, journal_dropped, journal_errors, alerts[5]; /* by alert_outcome */
	uint64_t sysctl_writes, sysctl_failures, sysctl_drift;
	int64_t loop_lag_us, probe_late_us;
	int64_t last_reconcile_wall_ms, last_reload_wall_ms; /* of the last good ones; 0 = none */
	bool last_reload_ok, ledger_writable, ledger_damaged, frozen, correlated, kernel_ok;
	uint32_t probes_running, probes_waiting, drift_stopped;
	int kernel_error; /* 0, or why the last reading failed (-errno) */
	struct ipvs_info info;
};
#endif
