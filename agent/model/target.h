/* target.h: what the probes of a target found. What is probed stands in the layout, by
 * the same id: one address, asked in one way, for as many realservers as share it. */
#ifndef MODEL_TARGET_H
#define MODEL_TARGET_H

#include "agent/model/durations.h"
#include "agent/probes/advice.h"
#include "agent/probes/health.h"

struct target_reason_count {
	uint32_t reason, count; /* enum probe_reason */
};

enum { TARGET_TEXT_MAX = 240 }; /* bytes */

/* What only some have. */
struct target_more {
	char *text;                  /* NULL = none */
	struct durations *durations; /* NULL = none are counted */
	struct target_reason_count failures[];
};

/* Flat array, indexed by id, a cache line each; written by the scheduler alone, and
 * moves with the target on a reload. */
struct target {
	struct health health;
	/* Reasons seen so far, unknown ones too: target_failures(). Most have one at most. */
	union {
		struct target_reason_count one;
		struct target_more *more; /* where has_more */
	} failures;
	int64_t last_wall_ms; /* the end of the last attempt; 0 = none yet */
	/* Its durations; an hour and more is told as the most that there is room for. */
	uint32_t last_us, connect_us, tls_us, first_byte_us;
	uint32_t attempts;
	/* When the last certificate that was seen ends, wall s until 2106; 0 = none was, or
	 * nobody asked */
	uint32_t tls_not_after;
	uint16_t last_status;     /* as reported; 0 = none */
	uint16_t last_errno : 10; /* 0 = none */
	uint16_t has_more : 1;    /* of one failure and no text there is no more */
	uint16_t n_failures : 5;  /* there are fewer reasons */
	struct advice advice;     /* what it says of itself */
};

/* n_failures of them. */
const struct target_reason_count *target_failures(const struct target *t);
/* A count that finds no memory is lost. */
void target_count_failure(struct target *t, enum probe_reason reason);

/* What the last attempt said for people beside its reason; NULL = nothing. Good until the
 * next one. */
const char *target_text(const struct target *t);
/* Keeps TARGET_TEXT_MAX bytes of it at most, made printable; NULL = nothing was said. What
 * finds no memory is lost. */
void target_set_text(struct target *t, const char *text);

/* How long one took that passed. What finds no memory is not counted. */
void target_count_duration(struct target *t, uint32_t us);
/* NULL = none was counted. */
const struct durations *target_durations(const struct target *t);

/* To another array, with all that it owns. */
void target_move(struct target *to, struct target *from);
/* Frees what a target owns (its failures, its text, its durations): of the last array, and of an
 * array that was replaced, from which the kept ones' have been moved away. */
void target_fini(struct target *t);

#endif
