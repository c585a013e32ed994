/* view_decisions.h: rows of a snapshot (view.h) about what was decided and asked for. */
#ifndef MODEL_VIEW_DECISIONS_H
#define MODEL_VIEW_DECISIONS_H

#include <stdbool.h>
#include <stdint.h>

struct view_hold {
	const char *id, *service, *realserver, *class_name, *holder, *reason;
	int effect; /* see holds/hold.h */
	int64_t since_wall_ms, until_wall_ms;
	uint32_t weight;
	bool waiting, silent; /* silent: no series of its own */
};

/* How far a hold that drains is (holds/drain.h). */
struct view_drain {
	uint32_t hold; /* row of holds */
	uint32_t active, inactive, persistent, left;
	uint8_t state;            /* enum drain_state */
	int64_t deadline_wall_ms; /* 0 = none */
};

struct view_rule {
	const char *name;
	uint32_t states[4]; /* targets inactive, pending, firing, recovering */
	uint64_t detected, enforced;
	const uint64_t *refused; /* by enum guard */
};

/* A receiver of what rules tell; exec's programs are one together. */
struct view_receiver {
	const char *action, *name; /* "notify", "ops" */
	uint64_t results[5];       /* sent, failed, dropped, retried, standby */
	uint32_t waiting;
};

struct view_canary {
	const char *name;
	bool known, up; /* its last attempt that could tell; known = there was one */
	/* The interface behind which what fails is unknown, for no canary there answers;
	 * NULL = it is believed. */
	const char *cut;
};

/* Why an exchange with a peer failed. */
enum peer_failure {
	PEER_UNREACHABLE = 0, /* no connection, or it ended */
	PEER_TIMEOUT,
	PEER_TLS,
	PEER_DENIED,   /* 401 or 403: our token is not one of its */
	PEER_STATUS,   /* any other answer but 200 */
	PEER_DOCUMENT, /* what it says cannot be read, or is too much */
	PEER_VERSION,
	PEER_ITSELF,   /* the peer is this agent */
	PEER_RESTORED, /* it has seen more of us than there is */
	PEER_LEDGER,   /* what it says could not be recorded */
	PEER_LOCAL,    /* ours: memory, descriptors, the token's file */
	PEER_N_FAILURES,
};
extern const char *const peer_failure_names[PEER_N_FAILURES];

/* Another director's agent. */
struct view_peer {
	const char *name, *why;              /* why: of the last failure; "" = none */
	bool known, up;                      /* known: it answered, or is known to be away */
	int64_t since_wall_ms, last_wall_ms; /* up or away since; 0 = no exchange yet */
	int64_t skew_ms;                     /* its clock before ours */
	uint64_t exchanges, holds[2];        /* taken over, ended */
	uint64_t failures[PEER_N_FAILURES];
};

#endif
