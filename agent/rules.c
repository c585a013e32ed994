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

	feed_service(engine_rules(a->engine), a->state, service, now->mono_ms);
	note_samples(a, service, now);
}

/* --- deciding -------------------------------------------------------------------- */

static void write_service(void *arg, uint32_t service)
{
	struct agent *a = arg;

	reconcile_service(a->reconcile, service);
}

/* What time alone changes is looked at again then. */
static void wait_for_time(struct agent *a, int64_t now_ms)
{
	int64_t next = decide_next(&a->decider, now_ms);

	if (next == INT64_MAX)
		loop_timer_stop(a->decide_timer);
	else
		loop_timer_start(a->decide_timer, next > now_ms ? next - now_ms : 0);
}

void agent_decide(struct agent *a)
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
	decide(&a->decider, &now, write_service, a);
	reconcile_flush(a->reconcile);
	wait_for_time(a, now.mono_ms);
}

static void on_time(void *arg)
{
	struct agent *a = arg;
	struct moment now = agent_moment(a);

	decide_due(&a->decider, &now);
	wait_for_time(a, now.mono_ms);
}

/* --- sampling ---------------------------------------------------------------------- */

static void dirty_sampled(struct agent *a)
{
	const struct ruleset *set = engine_rules(a->engine);
	uint32_t i;

	for (i = 0; i < set->layout->n_services; i++)
		if (set->sampled[i])
			state_dirty(a->state, i);
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
		dirty_sampled(a);
}

void agent_rules_reading(struct agent *a, const struct reading *reading)
{
	if (!engine_rules(a->engine)->needs_kernel || reading->layout != a->state->layout)
		return;
	feed_reading(engine_rules(a->engine), reading);
	a->read_ms = reading->table.started_us / 1000;
	dirty_sampled(a);
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
	sample_again(a);
}
