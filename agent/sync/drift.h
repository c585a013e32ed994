/* drift.h: PURE: what becomes of a change that somebody else made to what is ours,
 * and the memory of what was put right lately: who has to do so three times has
 * another writer against him, and stops. Values and `now` in, a verdict out. */
#ifndef SYNC_DRIFT_H
#define SYNC_DRIFT_H

#include "agent/ipvs/ipvs.h"
#include "agent/model/service_conf.h"

enum drift_verdict {
	DRIFT_PUT_RIGHT = 0,
	DRIFT_TAKE_OVER, /* its weight becomes an operator's hold */
	DRIFT_LET_GO,    /* the hold that was made of it ends: the hand took it back */
	DRIFT_TELL,      /* told and left alone */
	DRIFT_STOPPED,   /* left alone for a while: there is another writer */
	DRIFT_N_VERDICTS,
};

struct drift_input {
	enum drift_policy policy;
	bool weight;         /* the three below say something: a destination that is there */
	int32_t want, found; /* weights; want < 0: it should not be there */
	uint32_t configured; /* weight */
	bool adopted;        /* a hold that was made of a foreign weight is in force */
	bool stopped;        /* the object was put right too often */
};

/* *ret_effect (holds/hold.h) is set with DRIFT_TAKE_OVER. */
enum drift_verdict drift_judge(const struct drift_input *in, int *ret_effect);

/* The effect that comes nearest to `found` without exceeding it, but at least 1 %
 * where it is above 0. Every weight up to 100 has one that is exact. */
int drift_effect(uint32_t found, uint32_t configured);

/* --- the memory ------------------------------------------------------------- */

enum {
	DRIFT_REPAIRS = 3,
	DRIFT_WINDOW_MS = 600000, /* so many repairs within that: stop … */
	DRIFT_STOP_MS = 600000,   /* … for so long */
};

/* A service, or (dest.family != 0) one destination of it. */
struct drift_object {
	struct ipvs_key service;
	struct addr dest;
};

struct drift_entry;
struct drift_memory {
	struct drift_entry *table;
};

void drift_fini(struct drift_memory *m);

/* Notes that the object is put right now; once a time, however often it is called with
 * one `now_ms`. True when that makes it stop. What cannot be remembered for want of
 * memory is not counted. */
bool drift_repaired(struct drift_memory *m, const struct drift_object *object, int64_t now_ms);

/* Until when it is stopped; 0 = it is not. */
int64_t drift_stopped_until(const struct drift_memory *m, const struct drift_object *object,
			    int64_t now_ms);

/* How many are stopped; what is too old to count is forgotten. */
uint32_t drift_count_stopped(struct drift_memory *m, int64_t now_ms);

#endif
