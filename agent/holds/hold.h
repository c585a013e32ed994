/* hold.h: a hold: what somebody asks of a realserver. Remedies never touch the
 * kernel: they place holds, and the effective weight is the least effect over all
 * active ones. */
#ifndef HOLDS_HOLD_H
#define HOLDS_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/buf.h"

/* Who holds: a lower class never lifts what a higher one placed. */
enum hold_class { HOLD_RULE = 0, HOLD_AGENT, HOLD_ALERT, HOLD_OPERATOR, HOLD_N_CLASSES };
extern const char *const hold_class_names[HOLD_N_CLASSES];

/* Effects in order: absent < 0 < a share of the configured weight. */
enum {
	HOLD_ABSENT = -1,
	HOLD_ZERO = 0, /* 1..100: percent, rounded up, at least 1 */
	/* On a service as a whole, its realserver being "*": the backups shall serve. Of
	 * a realserver's weight it takes nothing. */
	HOLD_FALLBACK = 101,
	/* What an operator may ask for besides; none of it takes anything of a weight. */
	HOLD_FREEZE = 102,  /* on service "*", realserver "*": rules and alerts change nothing */
	HOLD_ADMIT = 103,   /* rules are ignored there: the check is wrong */
	HOLD_REPLACE = 104, /* `weight` stands for the configured weight, … */
	HOLD_REPLACE_SHARE = 105, /* … or `weight` percent of it do; the other holds apply on top */
};
#define HOLD_SERVICE "*"

struct hold {
	char *id; /* unique over restarts, [0-9a-z-] */
	enum hold_class hold_class;
	char *service, *realserver; /* names in the INI */
	char *holder; /* the rule's name, the probe's by which a realserver asks for it
			 itself (class agent), the alert's fingerprint, the operator's */
	char *rule;   /* of an alert: the rule by which it acts; else "" */
	int effect;
	uint32_t weight;                      /* of HOLD_REPLACE…; else 0 */
	char *reason;                         /* for people */
	int64_t since_wall_ms, until_wall_ms; /* until 0 = its holder's end */
	int64_t starts_wall_ms;               /* of an alert: its episode (startsAt); else 0 */
	int64_t drain_ms; /* of an operator's 0: late so long after since; else 0 */
	/* Known to peers by origin and number (holds/seen.h); number 0 = to none of them. */
	char *origin; /* the peer's node that it came from; "" = it is ours */
	uint64_t number;
	uint32_t revision; /* how often its origin said it anew */
	bool forced;       /* no guard was asked */
	uint8_t refused;   /* of an operator's that waits: the guard; not recorded */
	bool waiting;      /* recorded, but no guard has let it act: not active */
	bool restored;     /* from before the start, and nothing has confirmed it yet */
	bool active;       /* counts; false while it waits for the ledger, or for a guard */
	bool recorded;     /* the ledger has it */
	struct hold *next; /* of the same realserver */
};

/* All holds, looked up by realserver's names or by id. Owns them. */
struct holds;
struct holds_service;
int holds_new(struct holds **ret_holds);
void holds_free(struct holds *h);

/* Takes `hold` over (all strings malloc'd). One that is hold_alike() is replaced and
 * freed; *ret_same (may be NULL) tells that it had the same effect. -EEXIST for a known
 * id of another; -ENOMEM. On failure nothing changed and the hold stays the caller's. */
int holds_place(struct holds *h, struct hold *hold, bool *ret_same);
/* Takes it out; the caller frees it. NULL when unknown. */
struct hold *holds_take(struct holds *h, const char *id);
/* By id; NULL when unknown. */
struct hold *holds_find(const struct holds *h, const char *id);
/* The one that placing `hold` would replace; NULL = none. */
struct hold *holds_same(const struct holds *h, const struct hold *hold);
/* The holds of a realserver, linked by next, in order of placement; NULL = none. */
struct hold *holds_of(const struct holds *h, const char *service, const char *realserver);
/* The same in two steps, for who asks for every realserver of a service: most services
 * have none. NULL = none, which is fine for the second; good until a hold comes or goes. */
const struct holds_service *holds_in(const struct holds *h, const char *service);
struct hold *holds_at(const struct holds_service *s, const char *realserver);
/* Calls fn for each, in order of placement (one that was replaced under its own id
 * keeps its turn). fn must not place or take. */
void holds_each(const struct holds *h, void (*fn)(void *arg, const struct hold *hold), void *arg);
size_t holds_count(const struct holds *h);

/* A hold with copies of the strings (NULL ones become ""); NULL when memory is out. */
struct hold *hold_new(const struct hold *like);
void hold_free(struct hold *hold);

/* What an effect makes of a configured weight; -1 = absent. Never above `configured`,
 * so a share of 0 is 0. */
int32_t hold_weight(int effect, uint32_t configured);
/* Appends "weight 0", "absent", "50% of the weight"; of one that replaces the weight no
 * figure: hold_format() (effect.h) has it. */
void hold_format_effect(struct buf *out, int effect);

#endif
