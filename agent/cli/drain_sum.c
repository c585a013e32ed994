/* drain_sum.c: see drain_sum.h. A hold is known again by its id. */
#include "agent/cli/drain_sum.h"

#include <string.h>

#include "agent/cli/render.h"
#include "agent/cli/render_hold.h"
#include "agent/cli/when.h"

static const json_t *find(const json_t *holds, const char *id)
{
	const json_t *hold;
	size_t i;

	json_array_foreach (holds, i, hold) {
		if (strcmp(render_text(hold, "id"), id) == 0)
			return hold;
	}
	return NULL;
}

static double number(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	return json_is_number(value) ? json_number_value(value) : -1;
}

static void add(struct drain_sum *s, const json_t *hold)
{
	const json_t *drain = json_object_get(hold, "drain");
	const char *state = render_text(drain, "state");
	int64_t deadline = when_of(json_object_get(drain, "deadline"));
	bool drained = strcmp(state, "drained") == 0, late = strcmp(state, "late") == 0;

	s->drained += drained;
	s->late += late;
	s->stalled += strcmp(state, "stalled") == 0;
	s->silent += !drain;
	s->active += render_int(drain, "active", 0);
	s->inactive += render_int(drain, "inactive", 0);
	s->persistent += render_int(drain, "persistent", 0);
	if (number(drain, "elapsed_seconds") > s->elapsed)
		s->elapsed = number(drain, "elapsed_seconds");
	if (deadline > s->deadline_wall_ms)
		s->deadline_wall_ms = deadline;
	if (drained)
		return;
	if (number(drain, "eta_seconds") > s->eta)
		s->eta = number(drain, "eta_seconds");
	if (number(drain, "rate") >= 0)
		s->rate = (s->rate < 0 ? 0 : s->rate) + number(drain, "rate");
	if (!s->worst || late)
		s->worst = hold;
}

void drain_sum(const json_t *placed, const json_t *holds, struct drain_sum *ret_sum)
{
	struct drain_sum s = { .eta = -1, .rate = -1 };
	const json_t *asked, *hold;
	size_t i;

	json_array_foreach (placed, i, asked) {
		s.n++;
		hold = find(holds, render_text(asked, "id"));
		if (hold)
			add(&s, hold);
		else
			s.gone++;
	}
	*ret_sum = s;
}

enum drain_end drain_sum_end(const struct drain_sum *s)
{
	if (s->gone > 0)
		return DRAIN_ENDED;
	if (s->late > 0)
		return DRAIN_LATE;
	return s->drained == s->n ? DRAIN_DRAINED : DRAIN_GOES_ON;
}

static void put_head(const struct drain_sum *s, const char *target, struct buf *out)
{
	const char *word =
		s->stalled > 0 && s->stalled + s->drained == s->n ? "stalled" : "draining";

	buf_printf(out, "%s %s", word, target);
	if (s->elapsed > 0) {
		buf_puts(out, " for ");
		when_put_span(out, (int64_t)(s->elapsed * 1000));
	}
	buf_puts(out, ": ");
	if (s->n > 1)
		buf_printf(out, "%zu of %zu drained, ", s->drained, s->n);
}

void drain_sum_put(const struct drain_sum *s, const struct text_style *style, const char *target,
		   struct buf *out)
{
	const json_t *drain = json_object_get(s->worst, "drain");

	put_head(s, target, out);
	if (s->silent == s->n) {
		buf_puts(out, "the agent has no figures (yet)");
		return;
	}
	if (s->active + s->inactive + s->persistent == 0 && *render_text(drain, "why"))
		buf_puts(out, render_text(drain, "why"));
	else
		render_connections(s->active, s->inactive, s->persistent, out);
	if (s->rate >= 0)
		buf_printf(out, ", %.1f/s go", s->rate);
	if (s->eta >= 0) {
		buf_puts(out, ", about ");
		when_put_span(out, (int64_t)(s->eta * 1000));
		buf_puts(out, " to go");
	}
	if (s->deadline_wall_ms > style->now_wall_ms) {
		buf_puts(out, "; late at ");
		when_put(out, style, s->deadline_wall_ms);
	}
	if (s->stalled > 0 && *render_text(drain, "why"))
		buf_printf(out, "; %s", render_text(drain, "why"));
}
