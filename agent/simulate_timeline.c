/* simulate_timeline.c: what was decided in a test, a line each, for --verbose. */
#include <math.h>

#include "agent/base/parse.h"
#include "agent/holds/hold.h"
#include "agent/rules/rule_conf.h"
#include "agent/simulate_internal.h"

enum { LINES_MAX = 10000 };

static void put_weight(struct buf *out, int32_t weight)
{
	if (weight < 0)
		buf_puts(out, "absent");
	else
		buf_put_i64(out, weight);
}

static void put_subject(struct buf *out, const struct decision *d)
{
	const struct layout *l = d->state->layout;

	if (d->service == LAYOUT_NONE) {
		buf_puts(out, "all");
		return;
	}
	buf_puts(out, l->services[d->service].conf->head.name);
	if (d->realserver != LAYOUT_NONE)
		buf_printf(out, "/%s", l->realservers[d->realserver].conf->name);
}

static void put_effect(struct buf *out, int effect)
{
	if (effect == HOLD_FALLBACK)
		buf_puts(out, "fallback");
	else
		hold_format_effect(out, effect);
}

static void put_what(struct buf *out, const struct decision *d)
{
	switch (d->kind) {
	case DECISION_RULE:
		if (d->from == d->to) { /* it froze, or thawed */
			buf_printf(out, "%s: %s", rule_state_names[d->to],
				   d->on ? "no data" : "data again");
			return;
		}
		buf_printf(out, "%s → %s", rule_state_names[d->from], rule_state_names[d->to]);
		if (!isnan(d->value))
			buf_printf(out, " (%.6g)", d->value);
		return;
	case DECISION_HOLD:
		buf_puts(out, "holds: ");
		put_effect(out, d->effect);
		return;
	case DECISION_RELEASE:
		buf_puts(out, "releases: ");
		put_effect(out, d->effect);
		return;
	case DECISION_REFUSAL:
		buf_printf(out, "is refused by %s", guard_names[d->guard]);
		return;
	case DECISION_DELAY:
		buf_printf(out, "releases later, by %s", guard_names[d->guard]);
		return;
	case DECISION_PANIC:
		buf_puts(out, d->on ? "panic" : "panic is over");
		return;
	case DECISION_BRAKE:
		buf_puts(out, d->on ? "too much failed at once: nothing is held"
				    : "what failed at once is over");
		return;
	case DECISION_WEIGHT:
		buf_puts(out, "weight ");
		put_weight(out, d->before);
		buf_puts(out, " → ");
		put_weight(out, d->after);
		return;
	case DECISION_N_KINDS:
		return;
	}
}

void sim_timeline(struct sim_run *r, const struct decision *d)
{
	struct buf *out = &r->result->timeline;
	struct buf time = BUF_INIT;

	if (r->lines > LINES_MAX)
		return;
	if (r->lines++ == LINES_MAX) {
		buf_printf(out, "(the first %d decisions)\n", LINES_MAX);
		return;
	}
	format_duration(&time, r->now_ms);
	buf_printf(out, "%8s  ", buf_str(&time));
	buf_fini(&time);
	put_subject(out, d);
	buf_puts(out, "  ");
	if (d->rule)
		buf_printf(out, "%s ", d->rule->head.name);
	put_what(out, d);
	buf_putc(out, '\n');
}
