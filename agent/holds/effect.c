/* effect.c: effects are plain numbers, so that the ledger, the journal and the rules
 * carry them as they are; what they mean stands here. */
#include "agent/holds/effect.h"

#include <string.h>

enum hold_kind hold_kind(int effect)
{
	switch (effect) {
	case HOLD_FALLBACK:
		return HOLD_SHOWS_BACKUPS;
	case HOLD_FREEZE:
		return HOLD_FREEZES;
	case HOLD_ADMIT:
		return HOLD_ADMITS;
	case HOLD_REPLACE:
	case HOLD_REPLACE_SHARE:
		return HOLD_REPLACES;
	}
	return HOLD_LOWERS;
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

bool hold_alike(const struct hold *a, const struct hold *b)
{
	return a->hold_class == b->hold_class && hold_kind(a->effect) == hold_kind(b->effect) &&
	       !strcmp(a->realserver, b->realserver) && !strcmp(a->service, b->service) &&
	       !strcmp(a->holder, b->holder) && !strcmp(text_of(a->rule), text_of(b->rule)) &&
	       !strcmp(text_of(a->origin), text_of(b->origin));
}

bool hold_is_shared(const struct hold *h)
{
	return (h->hold_class == HOLD_OPERATOR || h->hold_class == HOLD_ALERT) &&
	       hold_kind(h->effect) != HOLD_FREEZES;
}

bool hold_same_effect(const struct hold *a, const struct hold *b)
{
	return a->effect == b->effect && a->weight == b->weight && a->waiting == b->waiting;
}

/* Rounded up, so that a share of a weight above 0 is never 0. */
static uint64_t share(uint64_t weight, uint64_t percent)
{
	return (weight * percent + 99) / 100;
}

int32_t hold_weight(int effect, uint32_t configured)
{
	uint64_t weight = configured;

	if (effect < 0)
		return HOLD_ABSENT;
	if (effect == HOLD_ZERO)
		return 0;
	if (effect < 100)
		weight = share(weight, (unsigned int)effect);
	return weight > INT32_MAX ? INT32_MAX : (int32_t)weight;
}

uint32_t hold_replaced(const struct hold *hold, uint32_t configured)
{
	uint64_t weight = hold->effect == HOLD_REPLACE         ? hold->weight
			  : hold->effect == HOLD_REPLACE_SHARE ? share(configured, hold->weight)
							       : configured;

	return weight > INT32_MAX ? INT32_MAX : (uint32_t)weight;
}

const struct hold *hold_last(const struct hold *first, enum hold_kind kind)
{
	const struct hold *last = NULL;

	for (; first; first = first->next)
		if (first->active && first->hold_class == HOLD_OPERATOR &&
		    hold_kind(first->effect) == kind)
			last = first;
	return last;
}

uint32_t hold_base(const struct hold *first, uint32_t configured)
{
	const struct hold *instead = hold_last(first, HOLD_REPLACES);

	return instead ? hold_replaced(instead, configured) : configured;
}

const struct hold *holds_freeze(const struct holds *h)
{
	return hold_last(holds_of(h, HOLD_SERVICE, HOLD_SERVICE), HOLD_FREEZES);
}

void hold_format_effect(struct buf *out, int effect)
{
	switch (hold_kind(effect)) {
	case HOLD_SHOWS_BACKUPS:
		buf_puts(out, "the backups serve");
		return;
	case HOLD_FREEZES:
		buf_puts(out, "rules and alerts change nothing");
		return;
	case HOLD_ADMITS:
		buf_puts(out, "rules are ignored");
		return;
	case HOLD_REPLACES:
		buf_puts(out, "another weight");
		return;
	case HOLD_LOWERS:
		break;
	}
	if (effect < 0)
		buf_puts(out, "absent");
	else if (effect == HOLD_ZERO)
		buf_puts(out, "weight 0");
	else
		buf_printf(out, "%d%% of the weight", effect);
}

void hold_format(struct buf *out, const struct hold *hold)
{
	if (hold->effect == HOLD_REPLACE)
		buf_printf(out, "weight %u instead", (unsigned int)hold->weight);
	else if (hold->effect == HOLD_REPLACE_SHARE)
		buf_printf(out, "%u%% of the weight instead", (unsigned int)hold->weight);
	else
		hold_format_effect(out, hold->effect);
}
