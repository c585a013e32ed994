/* sched_change.c: other targets take the place of those that are probed: what stayed keeps
 * its plan and its attempt. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/rows.h"
#include "agent/probes/sched_internal.h"

struct sched_change {
	const struct layout_target *asked;
	struct target *targets;
	uint32_t n, n_old, n_new;
	const uint32_t *from; /* n */
	uint32_t *to;         /* by old id */
	struct heap plans;
};

/* to[old id] = new id or SCHED_NEW; counts the new ones. */
static int map_targets(struct sched_change *c)
{
	uint32_t i;

	memset(c->to, 0xff, c->n_old * sizeof(*c->to));
	for (i = 0; i < c->n; i++) {
		if (c->from[i] == SCHED_NEW) {
			c->n_new++;
			continue;
		}
		if (c->from[i] >= c->n_old || c->to[c->from[i]] != SCHED_NEW)
			return -EINVAL;
		c->to[c->from[i]] = i;
	}
	return 0;
}

int sched_prepare(const struct layout_target *asked, struct target *targets, uint32_t n,
		  uint32_t n_old, const uint32_t *from, struct sched_change **ret_change)
{
	struct sched_change *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct sched_change){ asked, targets, n, n_old, .from = from };
	r = sched_plans_new(&c->plans, n);
	c->to = rows_new(n_old, sizeof(*c->to));
	if (!r)
		r = c->to ? map_targets(c) : -ENOMEM;
	if (r)
		sched_change_free(c);
	else
		*ret_change = c;
	return r;
}

void sched_change_free(struct sched_change *c)
{
	if (!c)
		return;
	sched_plans_free(&c->plans);
	free(c->to);
	free(c);
}

/* May the attempt of a kept target go on? */
static bool same_question(const struct layout_target *a, const struct layout_target *b)
{
	struct way_out by = probe_conf_way(a->conf, &a->addr),
		       other = probe_conf_way(b->conf, &b->addr);

	return !addr_cmp(&a->addr, &b->addr) && a->conf->type == b->conf->type &&
	       way_out_same(&by, &other) && lane_same(a->lane, b->lane);
}

/* One kept target: its state, and its plan if it waits. */
static int64_t move_one(struct sched *s, const struct sched_change *c, uint32_t i, int64_t now)
{
	struct target *old = &s->targets[c->from[i]];
	int64_t key = s->plans.slots[c->from[i]].key;

	target_move(&c->targets[i], old);
	/* the interval became shorter */
	if (key != NOT_PLANNED && key > now + sched_interval_ms(&c->asked[i], &old->health))
		key = now + sched_first_delay_ms(&c->asked[i], c->n);
	return key;
}

/* The old confs still stand: cancel() may look at them. */
static void move_attempts(struct sched *s, struct sched_change *c, int64_t now)
{
	uint32_t place;

	for (place = 0; place < s->under_way.n_places; place++) {
		struct attempt *a = s->under_way.all[place];
		uint32_t id = a ? c->to[a->target] : SCHED_NEW;

		if (!a)
			continue;
		if (id != SCHED_NEW && same_question(&s->asked[a->target], &c->asked[id])) {
			a->target = id;
			a->run.conf = c->asked[id].conf;
			a->run.from.device = a->run.conf->interface;
			continue;
		}
		if (id != SCHED_NEW && !a->asked.fn)
			c->plans.slots[id].key = now;
		sched_cancel(s, a);
	}
}

static void move_all(struct sched *s, struct sched_change *c)
{
	int64_t now = clock_mono_ms();
	uint32_t i;

	for (i = 0; i < c->n; i++)
		c->plans.slots[i].key =
			c->from[i] != SCHED_NEW
				? move_one(s, c, i, now)
				: now + sched_first_delay_ms(&c->asked[i], c->n_new);
	move_attempts(s, c, now);
	for (i = 0; i < c->n; i++)
		if (c->plans.slots[i].key != NOT_PLANNED)
			c->plans.ids[c->plans.n++] = i;
	heap_order(&c->plans);
}

void sched_change(struct sched *s, struct sched_change *c, const struct sched_limits *limits)
{
	struct heap plans = s->plans;

	move_all(s, c);
	s->plans = c->plans;
	c->plans = plans;
	s->asked = c->asked;
	s->targets = c->targets;
	s->n = c->n;
	s->limits = *limits;
	sched_arm(s);
}

int sched_replace(struct sched *s, const struct layout_target *asked, struct target *targets,
		  uint32_t n, const uint32_t *from, const struct sched_limits *limits)
{
	struct sched_change *c;
	int r = sched_prepare(asked, targets, n, s->n, from, &c);

	if (r)
		return r;
	sched_change(s, c, limits);
	sched_change_free(c);
	return 0;
}
