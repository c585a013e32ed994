/* brake.h: PURE: the correlated brake: when too much fails at once, doubt the prober.
 * It is on for an interface when at least `targets` of the targets probed from there,
 * and `share` percent of them, turned bad within `window_ms`, and none of them
 * succeeded since the first of those did; it lapses `lapse_ms` after the last one that
 * made it so, or with the first success there, which proves the way. But it proves
 * nothing of the others: what was bad then goes on being doubted until its verdict is up
 * or BRAKE_AGAIN attempts failed that began since, the last of them BRAKE_AGAIN_MS after it
 * (neighbours that the director gave up as unreachable stay so for some seconds), or the
 * moment at which a switch comes back would take out all but the first server. 8 bytes a target.
 *
 * Tell it of the first failure that follows a success, not of the verdict only: then
 * it often knows before the first of the verdicts asks for anything. It need not: with
 * a `fall` of 1, or on a busy machine, the first verdict is there before the others'
 * failures. So a failure alone says nothing yet: brake_awaits() a witness for the way,
 * an attempt of any target there that began after it and succeeded. */
#ifndef RULES_BRAKE_H
#define RULES_BRAKE_H

#include <stdbool.h>
#include <stdint.h>

struct brake_conf {
	uint32_t targets; /* 5 */
	uint32_t share;   /* percent, rounded up: 50 */
	int64_t window_ms, lapse_ms;
};

/* The design's figures. */
extern const struct brake_conf brake_defaults;

enum { BRAKE_AGAIN = 3, BRAKE_AGAIN_MS = 5000 };

/* Interfaces are the caller's ids, small and dense; 0 = unknown, where every target
 * begins: as long as no source interface is known there is one interface. */
enum { BRAKE_UNKNOWN = 0, BRAKE_INTERFACES = 16 /* that the agent tells apart */ };
#define BRAKE_AS_BEFORE UINT32_MAX /* of a failure that doesn't know where it left */

struct brake;

/* For target ids below n_targets and interfaces below n_interfaces (1 to 4096). Time
 * is told in steps of a twentieth of the window. -EINVAL, -ENOMEM. */
int brake_new(const struct brake_conf *conf, uint32_t n_targets, uint32_t n_interfaces,
	      struct brake **ret_brake);
void brake_free(struct brake *b);

/* Target outcomes; true when the last doubt of the target falls: what was refused for it
 * may be asked again. Bad while it is bad already lessens the doubt at most, an unknown
 * outcome is not told. Ids out of range: no such target; no such interface = unknown.
 * What counts is when the attempt began: what was on its way when a cable was pulled, or
 * put back, is no witness, however late it is told. */
bool brake_bad(struct brake *b, uint32_t target, uint32_t interface, int64_t began_ms,
	       int64_t now_ms);
void brake_success(struct brake *b, uint32_t target, uint32_t interface, int64_t began_ms,
		   int64_t now_ms);

/* The target's verdict is up: no doubt about it is left. */
void brake_trust(struct brake *b, uint32_t target);

/* Is the brake on for what depends on this target? */
bool brake_on(const struct brake *b, uint32_t target, int64_t now_ms);
/* Is the target bad, and nothing has succeeded there since? Then until when that is
 * waited for at the latest, a window after the failure; INT64_MIN = nothing is, also
 * where fewer than `targets` are probed: there the brake never comes on. */
int64_t brake_awaits(const struct brake *b, uint32_t target, int64_t now_ms);
/* When it lapses at the latest; INT64_MIN = it was not on. */
int64_t brake_until(const struct brake *b, uint32_t target);
/* When the next of those that are on lapses: what was refused may then be asked
 * again; INT64_MAX = none is on. */
int64_t brake_next(const struct brake *b, int64_t now_ms);

/* After a reload: what is known of the targets that stay. old_target: by new id, its
 * old one, UINT32_MAX = new. Interfaces keep their ids. */
void brake_carry(struct brake *to, const struct brake *from, const uint32_t *old_target);

#endif
