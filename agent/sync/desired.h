/* desired.h: PURE: from the configuration, the holds and the verdicts to the weight
 * that a realserver should have, with every step on the way: explain prints the
 * steps and computes nothing. */
#ifndef SYNC_DESIRED_H
#define SYNC_DESIRED_H

#include "agent/holds/hold.h"
#include "agent/holds/ramp.h"
#include "agent/model/state.h"

enum desired_why {
	WHY_CONFIGURED = 0, /* the file's weight */
	WHY_DISABLED,       /* enabled = no */
	WHY_STANDBY,        /* a backup that waits */
	WHY_BACKUP,         /* a backup that serves, for no realserver is up */
	WHY_HOLD,           /* a hold lowers it */
	WHY_PANIC,          /* rules' holds are suspended: no realserver is up */
	WHY_UNPROVEN,       /* never seen up: not above what the kernel had */
	WHY_WAITING,        /* a rule's hold of before the start, until panic is ruled out */
	WHY_RAMP,           /* it comes back gently */
	WHY_REPLACED,       /* an operator put another weight in the place of the file's */
	WHY_ADMIT,          /* rules' holds are ignored: an operator says that they are wrong */
	N_WHYS,
};

struct desired_step {
	enum desired_why why;
	int32_t weight;          /* after this step; WANT_… */
	const struct hold *hold; /* whose it is; NULL = nobody's */
};

enum { DESIRED_MAX_STEPS = 16 };

struct desired {
	int32_t weight; /* from 0 up, or WANT_… */
	uint32_t base;  /* what holds ask for shares of: configured, or replaced */
	int32_t full;   /* what holds leave, which a ramp goes up to; WANT_… */
	struct desired_step steps[DESIRED_MAX_STEPS];
	unsigned int n_steps; /* holds beyond the room still count in the weight */
};

/* What a weight depends on. */
struct desired_input {
	const struct realserver_conf *conf;
	const struct hold *holds; /* linked by next; those not active, or waiting, are skipped */
	bool panic;               /* no realserver of the service is up */
	enum on_panic on_panic;
	bool fallback;           /* a rule asks for the backups */
	bool undecided;          /* none is up, but not all are known to be down: see below */
	bool unjudged;           /* no verdict of its own since the start */
	bool up;                 /* a backup serves only when its probes say so, or it has none */
	const struct ramp *ramp; /* NULL = none */
	int64_t now_ms;          /* for the ramp (monotonic) */
};

/* The weight of a realserver, before what the kernel had caps it. */
void desired_realserver(const struct desired_input *in, struct desired *ret_desired);

/* Whether a hold keeps it at 0, or absent. */
bool desired_held(const struct desired *d);

/* Whether a hold among those of a service as a whole asks for the backups. */
bool desired_fallback(const struct hold *holds);

/* Adds the cap of one destination: `proven` = the realserver has been up before. */
void desired_cap(struct desired *d, const struct desired_input *in, bool proven, int32_t cap);

/* The verdicts of a service: of those that take part (enabled, weight above 0, no
 * backup), and whether a backup with a weight is up. */
struct desired_verdicts {
	uint32_t n[VERDICT_DOWN + 1]; /* by verdict */
	bool backup_up;
};
/* … `heeded`: not as they are, but as they were before an operator's freeze. */
void desired_verdicts(const struct layout *l, const struct state *s, uint32_t service, bool heeded,
		      struct desired_verdicts *ret_verdicts);

/* A service is in panic when every realserver that takes part is down by its verdict, and
 * there is one. */
bool desired_panic(const struct desired_verdicts *v);

/* Is it not known yet whether a service is in panic: nobody is up, and somebody has no
 * verdict? Then a rule's hold of before the start waits: what the kernel has may be the
 * weights of a panic. */
bool desired_undecided(const struct desired_verdicts *v);

#endif
