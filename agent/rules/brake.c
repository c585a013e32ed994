/* brake.c: a count of failures an interface, in steps of time, so that ten thousand
 * targets that fail at once cost ten thousand additions. A success empties the count:
 * what failed before it did not fail for want of a way. */
#include "agent/rules/brake.h"
#include "agent/base/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 20 };

struct lane {
	uint32_t targets;    /* probed from there */
	uint32_t bad[STEPS]; /* by step of time, modulo */
	int64_t step[STEPS]; /* which step each of them counts */
	bool any;            /* something is counted, */
	int64_t first_ms;    /* the first of it then */
	int64_t proved_ms;   /* when the last attempt to succeed began; INT64_MIN = none */
	int64_t until_ms;    /* INT64_MIN = off */
	int64_t doubted_ms;  /* when it was proved in the end; 0 = never */
};

/* One a target: 8 bytes. The time is that of a machine which is up for 4,000 years. */
struct probed {
	int64_t bad_ms : 48; /* since when it is bad */
	uint64_t lane : 12;
	uint64_t bad : 1;
	uint64_t doubt : 3; /* so many more failures until what it says counts */
};
_Static_assert(sizeof(struct probed) == 8 && BRAKE_AGAIN < 8, "no room for it");

enum { LANES_MOST = 1 << 12 };

struct brake {
	struct brake_conf conf;
	int64_t step_ms;
	uint32_t n_targets, n_lanes;
	struct probed *targets;
	struct lane *lanes;
};

const struct brake_conf brake_defaults = { 5, 50, 10000, 30000 };

int brake_new(const struct brake_conf *conf, uint32_t n_targets, uint32_t n_interfaces,
	      struct brake **ret_brake)
{
	struct brake *b;
	uint32_t i;

	if (conf->window_ms < 1 || conf->lapse_ms < 0 || !n_interfaces || n_interfaces > LANES_MOST)
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->conf = *conf;
	b->step_ms = (conf->window_ms + STEPS - 1) / STEPS;
	b->n_targets = n_targets;
	b->n_lanes = n_interfaces;
	b->targets = rows_new(n_targets, sizeof(*b->targets));
	b->lanes = calloc(n_interfaces, sizeof(*b->lanes));
	if (!b->targets || !b->lanes) {
		brake_free(b);
		return -ENOMEM;
	}
	for (i = 0; i < n_interfaces; i++) {
		b->lanes[i].until_ms = INT64_MIN;
		b->lanes[i].proved_ms = INT64_MIN;
	}
	b->lanes[BRAKE_UNKNOWN].targets = n_targets;
	*ret_brake = b;
	return 0;
}

void brake_free(struct brake *b)
{
	if (!b)
		return;
	free(b->targets);
	free(b->lanes);
	free(b);
}

/* Where it is probed from now on. */
static struct lane *move(struct brake *b, struct probed *t, uint32_t interface)
{
	if (interface == BRAKE_AS_BEFORE)
		interface = t->lane;
	if (interface >= b->n_lanes)
		interface = BRAKE_UNKNOWN;
	b->lanes[t->lane].targets--;
	t->lane = interface & (LANES_MOST - 1);
	b->lanes[interface].targets++;
	return &b->lanes[interface];
}

/* How many turned bad within the window, since the last success. */
static uint64_t recent(const struct lane *l, int64_t step)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < STEPS; i++)
		if (step - l->step[i] < STEPS)
			sum += l->bad[i];
	return sum;
}

static bool too_many(const struct brake *b, const struct lane *l, int64_t step)
{
	uint64_t n = recent(l, step);

	return n && n >= b->conf.targets && n * 100 >= (uint64_t)l->targets * b->conf.share;
}

/* True when the last doubt falls. */
static bool failed_again(struct probed *t, const struct lane *l, int64_t began_ms, int64_t now_ms)
{
	if (!t->doubt || began_ms < l->doubted_ms)
		return false;
	if (t->doubt == 1 && now_ms - l->doubted_ms < BRAKE_AGAIN_MS)
		return false;
	return !--t->doubt;
}

bool brake_bad(struct brake *b, uint32_t target, uint32_t interface, int64_t began_ms,
	       int64_t now_ms)
{
	int64_t step = (now_ms > 0 ? now_ms : 0) / b->step_ms;
	size_t at = (size_t)(step % STEPS);
	struct lane *l;
	bool fell;

	if (target >= b->n_targets)
		return false;
	l = move(b, &b->targets[target], interface);
	fell = failed_again(&b->targets[target], l, began_ms, now_ms);
	if (b->targets[target].bad)
		return fell;
	b->targets[target].bad = true;
	b->targets[target].bad_ms = now_ms;
	if (l->step[at] != step)
		l->bad[at] = 0;
	l->step[at] = step;
	l->bad[at]++;
	if (!l->any)
		l->first_ms = now_ms;
	l->any = true;
	if (too_many(b, l, step))
		l->until_ms = now_ms > INT64_MAX - b->conf.lapse_ms ? INT64_MAX
								    : now_ms + b->conf.lapse_ms;
	return fell;
}

/* The way was at fault: what failed because of it has yet to show that it lives. */
static void doubt_lane(struct brake *b, struct lane *l, int64_t now_ms)
{
	uint32_t i;

	l->doubted_ms = now_ms;

	for (i = 0; i < b->n_targets; i++)
		if (b->targets[i].bad && &b->lanes[b->targets[i].lane] == l)
			b->targets[i].doubt = BRAKE_AGAIN;
}

void brake_trust(struct brake *b, uint32_t target)
{
	if (target < b->n_targets)
		b->targets[target].doubt = 0;
}

void brake_success(struct brake *b, uint32_t target, uint32_t interface, int64_t began_ms,
		   int64_t now_ms)
{
	struct lane *l;

	if (target >= b->n_targets)
		return;
	l = move(b, &b->targets[target], interface);
	if (began_ms > l->proved_ms)
		l->proved_ms = began_ms;
	if (l->any && began_ms < l->first_ms) {
		b->targets[target].bad = false;
		return;
	}
	if (now_ms < l->until_ms)
		doubt_lane(b, l, now_ms);
	b->targets[target].bad = false;
	l->until_ms = INT64_MIN;
	if (!l->any)
		return;
	memset(l->bad, 0, sizeof(l->bad));
	l->any = false;
}

int64_t brake_until(const struct brake *b, uint32_t target)
{
	return target < b->n_targets ? b->lanes[b->targets[target].lane].until_ms : INT64_MIN;
}

bool brake_on(const struct brake *b, uint32_t target, int64_t now_ms)
{
	return now_ms < brake_until(b, target) ||
	       (target < b->n_targets && b->targets[target].doubt);
}

int64_t brake_awaits(const struct brake *b, uint32_t target, int64_t now_ms)
{
	const struct probed *t = &b->targets[target];
	const struct lane *l;

	if (target >= b->n_targets || !t->bad || now_ms - t->bad_ms >= b->conf.window_ms)
		return INT64_MIN;
	l = &b->lanes[t->lane];
	if (l->targets < b->conf.targets || l->proved_ms >= t->bad_ms)
		return INT64_MIN;
	return t->bad_ms + b->conf.window_ms;
}

int64_t brake_next(const struct brake *b, int64_t now_ms)
{
	int64_t next = INT64_MAX;
	uint32_t i;

	for (i = 0; i < b->n_lanes; i++)
		if (b->lanes[i].until_ms > now_ms && b->lanes[i].until_ms < next)
			next = b->lanes[i].until_ms;
	return next;
}

void brake_carry(struct brake *to, const struct brake *from, const uint32_t *old_target)
{
	uint32_t i, n = from->n_lanes < to->n_lanes ? from->n_lanes : to->n_lanes;

	for (i = 0; i < n; i++) {
		struct lane *l = &to->lanes[i];

		/* Steps of another length can't be told in ours. */
		if (to->step_ms == from->step_ms) {
			memcpy(l->bad, from->lanes[i].bad, sizeof(l->bad));
			memcpy(l->step, from->lanes[i].step, sizeof(l->step));
			l->any = from->lanes[i].any;
			l->first_ms = from->lanes[i].first_ms;
		}
		l->proved_ms = from->lanes[i].proved_ms;
		l->until_ms = from->lanes[i].until_ms;
		l->doubted_ms = from->lanes[i].doubted_ms;
	}
	for (i = 0; i < to->n_targets; i++) {
		if (old_target[i] >= from->n_targets)
			continue;
		move(to, &to->targets[i], from->targets[old_target[i]].lane);
		to->targets[i].bad = from->targets[old_target[i]].bad;
		to->targets[i].bad_ms = from->targets[old_target[i]].bad_ms;
		to->targets[i].doubt = from->targets[old_target[i]].doubt;
	}
}
