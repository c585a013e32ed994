/* rules.c: the rules at work in the agent: what drives them, by clock, timer and
 * reading. What they decide is decided elsewhere, at moments that are given. */
#include <errno.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/feed.h"
#include "agent/note.h"
#include "agent/rules/engine.h"
#include "agent/settings.h"
#include "agent/sync/reconcile.h"

enum {
	TURN_US = 3000,      /* of deciding at a time: then others get their turn */
	SAMPLED_MOST = 8192, /* realservers whose samples are judged in a turn: some 2 ms */
};

/* No two turns are at one moment, so that the journal tells them apart. */
struct moment agent_moment(const struct agent *a)
{
	struct moment now = { .mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms() };

	if (now.mono_ms <= a->decider.last_ms)
		now.mono_ms = a->decider.last_ms + 1;
	return now;
}

static void feed(void *arg, uint32_t service, const struct moment *now)
{
	struct agent *a = arg;

	if (a->turn.figures)
		feed_reading(engine_rules(a->engine), a->turn.figures, service);
	feed_service(engine_rules(a->engine), a->state, service, now->mono_ms);
	note_samples(a, service, now);
}

/* --- deciding -------------------------------------------------------------------- */

static void write_service(void *arg, uint32_t service)
{
	struct agent *a = arg;

	reconcile_service(a->reconcile, service);
}

/* What time alone changes is looked at again then; what is left over, as soon as the
 * others have had their turn. */
static void wait_for_time(struct agent *a, int64_t now_ms)
{
	int64_t next = decide_next(&a->decider, now_ms);

	if (a->turn.left_over || a->turn.sample_left || a->outcomes.first)
		loop_timer_start(a->decide_timer, 0);
	else if (next == INT64_MAX)
		loop_timer_stop(a->decide_timer);
	else
		loop_timer_start(a->decide_timer, next > now_ms ? next - now_ms : 0);
}

static bool tired(void *arg)
{
	const struct agent *a = arg;

	return clock_mono_us() - a->turn.begun_us >= TURN_US;
}

static void settle(struct agent *a, bool (*enough)(void *arg))
{
	struct reconcile_stats stats;
	struct moment now;

	if (!a->state->n_dirty)
		return;
	now = agent_moment(a);
	/* It may have lapsed while nobody looked. */
	engine_tick(a->engine, a->state, &now);
	reconcile_stats(a->reconcile, &stats);
	a->decider.kernel_known = stats.kernel_known;
	a->decider.tired = enough;
	a->turn.left_over = !decide(&a->decider, &now, write_service, a) && enough && enough(a);
	reconcile_flush(a->reconcile);
	wait_for_time(a, now.mono_ms);
}

void agent_decide(struct agent *a)
{
	(void)outcome_tell(a, NULL);
	settle(a, NULL);
}

/* The next services of the round become dirty. */
static void sample_some(struct agent *a)
{
	const struct ruleset *set = engine_rules(a->engine);
	struct turn *t = &a->turn;
	uint32_t n = 0;

	for (; t->sample_left && n < SAMPLED_MOST; t->sample_left--) {
		uint32_t service = t->sample_next++ % set->layout->n_services;

		if (!set->sampled[service])
			continue;
		state_dirty(a->state, service);
		n += set->layout->services[service].n_realservers;
	}
	t->sample_next %= set->layout->n_services;
}

static void put_figures(struct agent *a, struct reading *figures)
{
	reading_unref(a->turn.figures);
	a->turn.figures = figures;
}

/* What happened comes first: samples are judged when nothing else is left over. And it
 * is told before anything is decided on it. */
void agent_turn(struct agent *a)
{
	struct turn *t = &a->turn;

	t->begun_us = clock_mono_us();
	if (!outcome_tell(a, tired)) {
		loop_timer_start(a->decide_timer, 0);
		return;
	}
	if (t->sample_left && !t->left_over)
		sample_some(a);
	settle(a, tired);
	if (t->sample_left || t->left_over)
		return;
	put_figures(a, NULL);
}

static void on_time(void *arg)
{
	struct agent *a = arg;
	struct moment now = agent_moment(a);

	if (a->stopping)
		return;
	decide_due(&a->decider, &now);
	wait_for_time(a, now.mono_ms);
}

/* --- sampling ---------------------------------------------------------------------- */

/* All services that sample anything are judged: with 100,000 realservers that is 20 ms,
 * for which no probe is to wait. */
static void sample_all(struct agent *a)
{
	a->turn.sample_left = a->state->layout->n_services;
	loop_timer_start(a->decide_timer, 0);
}

static void sample_again(struct agent *a)
{
	const struct agent_conf *conf = config_section(a->state->layout->conf, &agent_section);

	if (engine_rules(a->engine)->any_sampled)
		loop_timer_start(a->sample_timer, conf->sample_interval);
	else
		loop_timer_stop(a->sample_timer);
}

/* Rules that need the kernel's figures are judged when those have come. */
static void on_sample(void *arg)
{
	struct agent *a = arg;

	sample_again(a);
	if (engine_rules(a->engine)->needs_kernel)
		reconcile_read(a->reconcile);
	else
		sample_all(a);
}

void agent_rules_reading(struct agent *a, struct reading *reading)
{
	if (!engine_rules(a->engine)->needs_kernel || reading->layout != a->state->layout)
		return;
	put_figures(a, reading_ref(reading));
	a->turn.read_ms = reading->table.started_us / 1000;
	sample_all(a);
}

/* --- making and changing -------------------------------------------------------------- */

int agent_rules_new(struct agent *a)
{
	struct engine_env env = {
		.holds = a->holds, .placer = a->placer, .tell = decider_tell, .arg = &a->decider
	};
	int e = engine_new(&env, &a->engine);

	a->decider = (struct decider){ .holds = a->holds,
				       .engine = a->engine,
				       .feed = feed,
				       .tell = agent_on_decision,
				       .arg = a };
	if (!e)
		e = loop_timer_new(a->loop, "rules", on_time, a, &a->decide_timer);
	if (!e)
		e = loop_timer_new(a->loop, "sample", on_sample, a, &a->sample_timer);
	return e;
}

void agent_rules_put(struct agent *a, struct state *s, struct agent_rules *rules)
{
	struct moment now = agent_moment(a);

	agent_rules_adopt(&a->decider, s, rules, &now);
	/* What was left of the round was about others' ids. */
	put_figures(a, NULL);
	a->turn.sample_left = 0;
	a->turn.sample_next = 0;
	sample_again(a);
}

void agent_rules_fini(struct agent *a)
{
	put_figures(a, NULL);
}
