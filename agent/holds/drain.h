/* drain.h: PURE: when is a realserver drained, and how far is it? The kernel's counters and
 * what is known of its connections go in; state, reason, rate and estimate come out. */
#ifndef HOLDS_DRAIN_H
#define HOLDS_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/base/buf.h"

enum drain_state {
	DRAIN_DRAINING = 0,
	DRAIN_DRAINED, /* its server may go; it may be draining again if connections come back */
	DRAIN_STALLED, /* no connection fewer for DRAIN_STALL_MS */
	DRAIN_LATE,    /* nor drained when its deadline passed */
	DRAIN_N_STATES,
};
extern const char *const drain_state_names[DRAIN_N_STATES];

enum {
	DRAIN_STALL_MS = 30000,
	DRAIN_GRACE_MS = 120000, /* where the kernel's tcp_fin timeout is not known */
	DRAIN_QUIET_MS = 10000,  /* without a packet, UDP is over */
	DRAIN_STEADY = 5,        /* polls in which the inactive ones must not grow */
	DRAIN_POLLS = 30,        /* that rate and estimate look back */
};

/* One look at a realserver, over all its destinations. */
struct drain_look {
	bool unnamed;    /* the configuration does not name it (any more) */
	bool there;      /* in the kernel's table */
	uint32_t weight; /* there; the largest */
	/* As the kernel counts them: TCP that is not established any more and all of UDP is
	 * inactive. */
	uint32_t active, inactive, persistent, udp; /* udp: of the inactive */
	uint64_t packets;                           /* that ever came for those */
	/* Of the list of connections (ipvs/conns.h), where it was read: */
	bool listed;
	uint32_t open, talking;
	int64_t open_ms; /* until the last of the open ones is over by itself, at most */
	/* Persistence sends clients there for so long at most; 0 = it does not. */
	int64_t sticky_ms;
	int64_t fin_ms; /* the kernel's tcp_fin timeout; 0 = not known */
};

/* What it waits for, in this order. */
enum drain_wait {
	DRAIN_FOR_NOTHING = 0, /* drained */
	DRAIN_FOR_LOOK,        /* nothing is known yet */
	DRAIN_FOR_NAME,        /* nothing can be known */
	DRAIN_FOR_WEIGHT,      /* the kernel still sends new connections there */
	DRAIN_FOR_ACTIVE,
	DRAIN_FOR_UDP,     /* clients go on sending */
	DRAIN_FOR_CLOSING, /* half closed, or the kernel can't tell */
	DRAIN_FOR_STICKY,
};

/* What is remembered between looks; all zero at first. */
struct drain_memory {
	bool looked;
	int64_t quiet_ms;         /* since when nothing is active; monotonic, 0 = it is */
	uint32_t inactive, still; /* as of the last look; for so many looks not grown */
	uint64_t packets;
	int64_t packets_ms; /* when the last were seen to come */
};
enum drain_wait drain_wait(struct drain_memory *m, const struct drain_look *look, int64_t now_ms);

struct drain {
	int64_t since_wall_ms, deadline_wall_ms; /* deadline 0 = none */
	int64_t done_wall_ms;                    /* when it was drained; 0 = it is not */
	enum drain_state state;
	enum drain_wait waits;
	struct drain_look look; /* the last */
	struct drain_memory memory;
	uint32_t begun_with;  /* connections at the first look */
	uint32_t left, least; /* that it waits for; the fewest so far, */
	int64_t least_ms;     /* and since when (monotonic) */
	struct {
		int64_t at_ms;
		uint32_t left;
	} polls[DRAIN_POLLS];
	uint32_t n_polls; /* ever, since it waits for the same thing */
};

void drain_begin(struct drain *d, int64_t since_wall_ms, int64_t deadline_wall_ms);
/* Another deadline (0 = none): what was late and has time again goes on. */
void drain_until(struct drain *d, int64_t deadline_wall_ms, int64_t now_wall_ms);
/* Takes a look in; or that the kernel cannot be asked. True when the state changed. */
bool drain_look(struct drain *d, const struct drain_look *look, int64_t now_ms,
		int64_t now_wall_ms);
bool drain_blind(struct drain *d, int64_t now_wall_ms);

double drain_rate(const struct drain *d); /* that end a second; NAN = not known yet */
int64_t drain_eta_ms(const struct drain *d, int64_t now_ms); /* -1 = nobody knows */
/* Since it began, or until it was drained. */
int64_t drain_elapsed_ms(const struct drain *d, int64_t now_wall_ms);
/* Appends what it waits for, as a sentence. */
void drain_why(const struct drain *d, int64_t now_ms, struct buf *out);

#endif
