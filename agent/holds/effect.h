/* effect.h: PURE: what a hold asks for: of what kind it is, what it makes of a weight,
 * and how it is called. */
#ifndef HOLDS_EFFECT_H
#define HOLDS_EFFECT_H

#include "agent/holds/hold.h"

/* What kind of thing an effect asks for: of each, one owner has one at a realserver. */
enum hold_kind { HOLD_LOWERS = 0, HOLD_SHOWS_BACKUPS, HOLD_FREEZES, HOLD_ADMITS, HOLD_REPLACES };
enum hold_kind hold_kind(int effect);
/* Whether one takes the place of the other: same class, holder, rule, origin, service,
 * realserver and kind of effect. */
bool hold_alike(const struct hold *a, const struct hold *b);
/* Whether they ask for the same: no weight changes, only words and times. */
bool hold_same_effect(const struct hold *a, const struct hold *b);

/* Of the kind that peers are told: an operator's or an alert's, but no freeze. */
bool hold_is_shared(const struct hold *h);

/* As hold_format_effect(), with the figure of one that replaces the weight. */
void hold_format(struct buf *out, const struct hold *hold);
/* What stands for the configured weight where the hold replaces it: of a share rounded
 * up, at least 1; at most what the kernel takes. */
uint32_t hold_replaced(const struct hold *hold, uint32_t configured);

/* Of the holds of one realserver (linked by next) the last placed one of an operator that
 * is active and of that kind; NULL = none. */
const struct hold *hold_last(const struct hold *first, enum hold_kind kind);
/* What stands for the configured weight there, before anything lowers it. */
uint32_t hold_base(const struct hold *first, uint32_t configured);
/* The operator's freeze; NULL = rules and alerts may act. */
const struct hold *holds_freeze(const struct holds *h);

#endif
