/* playback_time.c: when the director in memory decides. The agent decides when its loop
 * comes round to it, which is later than what it waited for by as much as the machine
 * was busy; a replay that decided on time would see other samples and count other
 * times. So a service is judged when a line shows that it was; only what no line shows
 * soon after its time is judged at its time, as other rules may want it. */
#include "agent/playback_drive.h"
#include "agent/rules/engine.h"

enum {
	LATE_MS = 1000,     /* by which a turn may come after its time */
	STEPS_MAX = 1000000 /* without a line that shows them: years of nothing */
};

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void playback_rest(struct playback_drive *d)
{
	uint32_t i;

	for (i = 0; i < d->world->state->layout->n_services; i++) {
		d->dirty_ms[i] = INT64_MAX;
		d->sample_ms[i] = engine_rules(d->world->engine)->sampled[i] && !d->log.sampled[i]
					  ? d->now.mono_ms + d->interval
					  : INT64_MAX;
	}
}

void playback_defer(struct playback_drive *d)
{
	struct state *s = d->world->state;
	uint32_t i;

	for (i = 0; i < s->n_dirty; i++) {
		s->services[s->dirty[i]].dirty = false;
		d->dirty_ms[s->dirty[i]] = least(d->dirty_ms[s->dirty[i]], d->now.mono_ms);
	}
	s->n_dirty = 0;
}

static void take(struct playback_drive *d, uint32_t service)
{
	d->dirty_ms[service] = INT64_MAX;
	if (d->sample_ms[service] <= d->now.mono_ms)
		d->sample_ms[service] = d->now.mono_ms + d->interval;
	state_dirty(d->world->state, service);
}

void playback_turn(struct playback_drive *d)
{
	bool any = false;
	uint32_t i;

	playback_defer(d);
	for (i = 0; i < d->world->state->layout->n_services; i++) {
		if (!d->turn[i])
			continue;
		d->turn[i] = false;
		any = true;
		take(d, i);
	}
	if (any)
		world_decide(d->world, &d->now);
	playback_defer(d);
}

void playback_judge_all(struct playback_drive *d)
{
	uint32_t i;

	for (i = 0; i < d->world->state->layout->n_services; i++)
		take(d, i);
	world_decide(d->world, &d->now);
	playback_defer(d);
}

/* When the service is to be judged for the time's sake; INT64_MAX = a line shows it. */
static int64_t due(struct playback_drive *d, uint32_t service, int64_t until_ms)
{
	int64_t at = least(d->dirty_ms[service], d->sample_ms[service]), turn;

	at = least(at, engine_due_at(d->world->engine, service));
	/* Beyond the end of the run the agent may not have come to it. */
	if (at >= until_ms || at > d->end_ms - LATE_MS)
		return INT64_MAX;
	turn = playback_when_turn(d->when, service, d->run, until_ms);
	return turn != INT64_MAX && turn - LATE_MS <= at ? INT64_MAX : at;
}

static int64_t next_due(struct playback_drive *d, int64_t until_ms)
{
	int64_t next = INT64_MAX;
	uint32_t i;

	for (i = 0; i < d->world->state->layout->n_services; i++)
		next = least(next, due(d, i, until_ms));
	return next;
}

void playback_wait(struct playback_drive *d, int64_t until_ms)
{
	int64_t at;
	uint32_t i;

	while ((at = next_due(d, until_ms)) != INT64_MAX) {
		if (d->steps++ >= STEPS_MAX) {
			d->r->figures.tired = true;
			return;
		}
		for (i = 0; i < d->world->state->layout->n_services; i++)
			d->turn[i] = due(d, i, until_ms) <= at;
		if (at > d->now.mono_ms) {
			d->now.wall_ms = d->line.wall_ms + (at - d->line.mono_ms);
			d->now.mono_ms = at;
		}
		playback_turn(d);
	}
}
