/* guard.h: PURE: may this rule's action be taken? Judged after the proposed action,
 * in integers, in a fixed order; each refusal has a slug for logs, metrics and
 * explain. Values come in, one verdict goes out; the memories (flap, rate, brake)
 * are asked by the caller. */
#ifndef RULES_GUARD_H
#define RULES_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/model/service_conf.h"

/* In the order in which they are asked. */
enum guard {
	GUARD_ADMIT = 0,
	GUARD_FROZEN,
	GUARD_SETTLING,
	GUARD_COOLDOWN,
	GUARD_FLAPPING,
	GUARD_SCHEDULER,
	GUARD_MIN_AVAILABLE,
	GUARD_MAX_HELD,
	GUARD_DOMAIN,
	GUARD_RATE,
	GUARD_CORRELATED,
	GUARD_DRY_RUN,
	N_GUARDS,
};
extern const char *const guard_names[N_GUARDS]; /* "", "frozen", …, "dry-run" */

struct guard_input {
	int effect;        /* of the hold (holds/hold.h) */
	bool frozen;       /* by an operator */
	bool has_verdict;  /* of this realserver */
	bool kernel_known; /* one complete reading was made */

	/* cooldown, flapping, rate: not asked of probe-down, whose releases they delay. */
	bool probe_down;
	bool was_released; /* this rule let this realserver go before: at released_ms */
	int64_t now_ms, released_ms, cooldown_ms;
	uint32_t penalty; /* flap_at() */

	bool scheduler_unsafe; /* guard_scheduler_unsafe() */

	struct min_available min;
	/* Realservers above 0 by the file, without backups; the sum of their weights. */
	uint32_t configured;
	uint64_t configured_weight;
	/* After the action: realservers with an effective weight above 0, backups
	 * included, and the sum of their weights. */
	uint32_t available;
	uint64_t available_weight;
	bool harmless;      /* it takes nothing away: the realserver is that low already */
	bool backups_serve; /* panic, and at least one backup is up: they are the floor */

	/* Rules may hold at most this share of `configured`, rounded down, and no implicit
	 * one: 30% of 3 is 0. `held` = those of `configured` that any rule's hold is on,
	 * after the action; `adds_held` = this one is among them and was not before. */
	uint32_t max_held; /* percent */
	uint32_t held;
	bool adds_held;

	/* `domain` is on, this realserver has one and no hold yet; how many different ones
	 * have a held realserver after the action, whoever holds it. Realservers without a
	 * domain don't count. */
	bool domain_on;
	uint32_t domains;

	bool rate_spent; /* no token: rate_ok() */
	bool correlated; /* brake_on() */
	bool dry_run;
};

/* The first guard that refuses. What takes nothing away is not asked about the floor,
 * but about all else: its hold stays when the one that makes it harmless goes. */
enum guard guard_judge(const struct guard_input *in);

/* Whether that one does, whatever the others say. */
bool guard_refuses(enum guard guard, const struct guard_input *in);

/* How many realservers (or how much weight) `min` asks for: shares rounded up. */
uint64_t guard_floor(const struct guard_input *in);

/* How many realservers rules may hold: rounded down. */
uint32_t guard_most_held(const struct guard_input *in);

/* One of several that ask at the same time. Names, so that the order outlives ids. */
struct guard_candidate {
	unsigned int evidence; /* of the failed probe's reason; lower comes first */
	int64_t down_since_ms;
	const char *service, *realserver;
	uint32_t rule; /* its place in the file */
};

/* Below 0 where `a` is admitted before `b`: better evidence, longer down, then names. */
int guard_order(const struct guard_candidate *a, const struct guard_candidate *b);

#endif
