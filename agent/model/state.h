/* state.h: what the agent knows and decided, beside a layout and by its ids. Owned
 * and touched by the loop thread alone. */
#ifndef MODEL_STATE_H
#define MODEL_STATE_H

#include "agent/model/layout.h"
#include "agent/model/target.h"

/* What the kernel was last known to have; a weight from 0 up, or: */
enum { SEEN_UNKNOWN = -2, SEEN_ABSENT = -1 };
/* What it should have; a weight from 0 up, or: */
enum {
	WANT_OUT = -2,    /* not configured any more: drained, then deleted */
	WANT_ABSENT = -1, /* a hold removes it: deleted at once */
};
#define CAP_NONE INT32_MAX
enum { CAP_ABSENT = -1 }; /* as 0; and it was not even there */

/* Why what somebody else did to it is left alone. */
enum left_why {
	LEFT_NOT = 0,
	LEFT_ASKED,    /* it is to become an operator's hold, which is not recorded yet */
	LEFT_REPORTED, /* drift = report */
	LEFT_STOPPED,  /* put right too often: there is another writer */
};

/* What the probes of a realserver say together: down if one is down, none while one has no
 * verdict; one without probes is up. Who is asked for advice has no say in it, but keeps it
 * from being proven until he has spoken. */
struct realserver_state {
	int64_t down_since_ms;
	int32_t weight;  /* of the whole realserver, without caps; WANT_… */
	uint8_t verdict; /* enum verdict */
	bool unknown;    /* a probe could not tell */
	bool proven;     /* has been up since it came, or needs no proof: weights may rise */
	/* As it was decided upon last: while an operator froze everything, that stands. */
	uint8_t heeded : 2; /* enum verdict */
	bool heeded_proven : 1;
	uint8_t wish_refused : 4; /* enum guard: it refuses what it asks for itself */
};

struct dest_state {
	int64_t written_wall_ms; /* when we last changed it; 0 = never */
	int32_t seen;
	int32_t want;
	int32_t cap;        /* never raised above this before the realserver is proven */
	int32_t left_found; /* what the kernel has that is left alone, … */
	int32_t left_want;  /* … found where this was wanted, … */
	uint8_t left;       /* … and why: enum left_why */
	bool settled : 1;   /* the kernel was seen to have all of it as configured */
	bool busy : 1;      /* a write is under way */
	int16_t error;      /* errno of the last write, 0 = it went well */
};

struct vip_state {
	int64_t written_us; /* when the last write came back (monotonic) */
	uint32_t writes;    /* under way */
	bool present, settled;
	bool add_failed; /* in this pass: then nothing that leaves is let go */
	uint8_t left;    /* enum left_why: of the service itself */
	int16_t error;   /* as a destination's */
};

struct service_state {
	bool dirty; /* stands in the list of those to be decided */
	bool panic;
	bool undecided, fallback; /* not known yet whether panic; a rule asks for the backups */
	bool backup_up;           /* one that could serve in a panic */
	uint32_t available;       /* realservers that would take a new connection */
	uint32_t configured;      /* realservers above 0 by the file, without backups */
	uint32_t own;             /* those of `configured` that are available */
};

struct state {
	struct layout *layout; /* a reference */
	struct service_state *services;
	struct vip_state *vips;
	struct realserver_state *realservers;
	struct dest_state *dests;
	struct lane_state *lanes;
	struct target *targets;   /* by the layout's targets; the scheduler's to write */
	struct compare *compare;  /* of what targets answered (compare.h); NULL = nobody asks */
	uint32_t *dirty, n_dirty; /* ids of the services that are */
};

/* State at rest: nothing seen, no verdicts; takes a reference on the layout. */
int state_new(struct layout *l, struct state **ret_state);
void state_free(struct state *s);

/* Aggregates its targets' verdicts; true when its verdict or its proof changed. */
bool state_judge(struct state *s, uint32_t realserver, int64_t now_ms);
/* Is what it should have withheld, because somebody else's hand is left alone? A
 * decision of ours that lowers it never is. */
bool state_left_alone(const struct dest_state *d);
/* Marks a service, all, or none, to be decided before the loop sleeps. */
void state_dirty(struct state *s, uint32_t service);
void state_dirty_all(struct state *s);
void state_clean(struct state *s);

#endif
