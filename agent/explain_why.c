/* explain_why.c: the words of an explanation. What is said here was decided elsewhere. */
#include "agent/explain.h"

#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/holds/effect.h"
#include "agent/model/compare.h"
#include "agent/peers.h"
#include "agent/rules/engine.h"
#include "agent/rules/rule_conf.h"

static void since(struct buf *out, int64_t wall_ms)
{
	buf_puts(out, "since ");
	clock_format_wall(out, wall_ms);
	buf_puts(out, " (");
	format_duration(out, (clock_wall_ms() - wall_ms) / 1000 * 1000);
	buf_putc(out, ')');
}

static void describe_hold(const struct hold *h, struct buf *why, struct buf *text)
{
	buf_printf(why, "%s %s", hold_class_names[h->hold_class], h->holder);
	since(text, h->since_wall_ms);
	if (h->until_wall_ms) {
		buf_puts(text, ", until ");
		clock_format_wall(text, h->until_wall_ms);
		buf_puts(text, h->hold_class == HOLD_ALERT ? " unless it is repeated" : "");
	}
	if (*h->reason)
		buf_printf(text, ": %s", h->reason);
	if (*h->rule)
		buf_printf(text, " (rule %s)", h->rule);
}

static void describe_admit(const struct hold *h, struct buf *why, struct buf *text)
{
	buf_puts(why, "admitted");
	buf_printf(text, "rules are ignored, says %s ", h->holder);
	since(text, h->since_wall_ms);
	if (h->until_wall_ms) {
		buf_puts(text, ", until ");
		clock_format_wall(text, h->until_wall_ms);
	}
	if (*h->reason)
		buf_printf(text, ": %s", h->reason);
}

void explain_step(const struct realserver_conf *c, const char *file, const struct desired_step *s,
		  struct buf *why, struct buf *text)
{
	switch (s->why) {
	case WHY_CONFIGURED:
		buf_puts(why, "configured");
		buf_printf(text, "%s:%u", file, c->line);
		break;
	case WHY_DISABLED:
		buf_puts(why, "disabled");
		buf_printf(text, "enabled = no, %s:%u", file, c->line);
		break;
	case WHY_STANDBY:
		buf_puts(why, "backup");
		buf_puts(text, "waits until no realserver is up");
		break;
	case WHY_BACKUP:
		buf_puts(why, "backup");
		buf_puts(text, "serves, for no realserver is up");
		break;
	case WHY_PANIC:
		buf_puts(why, "panic");
		buf_printf(text, "no realserver is up: the hold of %s %s is suspended",
			   hold_class_names[s->hold->hold_class], s->hold->holder);
		break;
	case WHY_WAITING:
		buf_puts(why, "waiting");
		buf_printf(text,
			   "the hold of %s %s is from before the start: it waits until it is "
			   "known whether anybody is up",
			   hold_class_names[s->hold->hold_class], s->hold->holder);
		break;
	case WHY_UNPROVEN:
		buf_puts(why, "unproven");
		buf_puts(text, "no good probe yet: not above what the kernel had");
		break;
	case WHY_RAMP:
		buf_puts(why, "slow start");
		buf_puts(text, "comes back in steps");
		break;
	case WHY_ADMIT:
		describe_admit(s->hold, why, text);
		break;
	case WHY_REPLACED:
		buf_puts(text, "instead of the file's, ");
		describe_hold(s->hold, why, text);
		break;
	case WHY_HOLD:
		describe_hold(s->hold, why, text);
		break;
	case N_WHYS:
		break;
	}
}

/* --- what is kept from happening --------------------------------------------- */

static const struct hold *admits(const struct agent *a, uint32_t realserver)
{
	const struct layout *l = a->state->layout;
	const struct layout_realserver *r = &l->realservers[realserver];

	return hold_last(holds_of(a->holds, l->services[r->service].conf->head.name, r->conf->name),
			 HOLD_ADMITS);
}

void explain_rule(const struct agent *a, const struct ruleset_rule *rule, uint32_t realserver,
		  struct buf *out)
{
	const struct rule_slot *slot = ruleset_slot(engine_rules(a->engine), rule, realserver);
	const char *name = rule->conf->head.name;
	struct buf why = BUF_INIT;

	if (!slot)
		return;
	engine_describe(a->state, rule, slot, realserver, &why);
	if (slot->run.frozen && slot->run.state != RULE_INACTIVE)
		buf_printf(out, "rule %s has no data: it stays %s, and nothing changes for it",
			   name, rule_state_names[slot->run.state]);
	else if (slot->run.state == RULE_PENDING)
		buf_printf(out, "rule %s is pending (%s)", name, buf_str(&why));
	else if (eval_asks(&slot->run) && slot->refused)
		buf_printf(out, "rule %s fires (%s), but guard %s refuses its hold", name,
			   buf_str(&why), guard_names[slot->refused]);
	else if (eval_asks(&slot->run) && admits(a, realserver))
		buf_printf(out, "rule %s fires (%s), but an operator admits the realserver", name,
			   buf_str(&why));
	else if (slot->run.state == RULE_RECOVERING)
		buf_printf(out, "rule %s is recovering: its hold ends when keep_firing_for is over",
			   name);
	else if (slot->resolved_ms && slot->delayed)
		buf_printf(out, "rule %s is over, but guard %s delays the end of its hold", name,
			   guard_names[slot->delayed]);
	buf_fini(&why);
}

enum guard explain_refused(const struct agent *a, const struct hold *h, uint32_t realserver)
{
	const struct ruleset *set = engine_rules(a->engine);
	uint32_t i;

	if (h->hold_class == HOLD_OPERATOR)
		return (enum guard)peers_refused(h);
	if (!h->waiting || realserver == LAYOUT_NONE)
		return GUARD_ADMIT;
	for (i = 0; i < set->n_rules; i++) {
		const struct rule_slot *slot = ruleset_slot(set, &set->rules[i], realserver);

		if (slot && !strcmp(set->rules[i].conf->head.name, h->rule))
			return (enum guard)slot->refused;
	}
	return GUARD_ADMIT;
}

void explain_waiting(const struct agent *a, const struct hold *h, uint32_t realserver,
		     struct buf *out)
{
	enum guard guard = explain_refused(a, h, realserver);

	if (!h->waiting)
		return;
	if (h->hold_class == HOLD_OPERATOR)
		buf_printf(out, "operator %s asks for it: ", h->holder);
	else
		buf_printf(out, "alert %s (rule %s) asks for it: ", h->holder, h->rule);
	hold_format(out, h);
	if (guard != GUARD_ADMIT)
		buf_printf(out, "; guard %s refuses it", guard_names[guard]);
	else
		buf_puts(out, "; no guard has let it act yet");
}

/* Whether it is held as low as it asks. */
static bool is_heard(const struct agent *a, uint32_t realserver, const char *probe, int share)
{
	const struct layout *l = a->state->layout;
	const struct layout_realserver *r = &l->realservers[realserver];
	const struct hold *h;

	h = holds_of(a->holds, l->services[r->service].conf->head.name, r->conf->name);
	for (; h && share < 100; h = h->next)
		if (h->hold_class == HOLD_AGENT && !strcmp(h->holder, probe) && h->effect <= share)
			return true;
	return share == 100;
}

void explain_advice(const struct agent *a, uint32_t realserver, uint32_t target, struct buf *out)
{
	const struct probe_conf *conf = a->state->layout->targets[target].conf;
	const struct target *t = &a->state->targets[target];
	enum verdict verdict = (enum verdict)t->health.verdict;
	enum guard guard = (enum guard)a->state->realservers[realserver].wish_refused;

	if (guard != GUARD_ADMIT &&
	    !is_heard(a, realserver, conf->head.name, advice_share(&t->advice))) {
		buf_printf(out, "by probe %s it says ", conf->head.name);
		advice_format(out, &t->advice);
		buf_printf(out, ", but guard %s refuses that", guard_names[guard]);
	} else if (conf->advises && verdict == VERDICT_NONE &&
		   !a->state->realservers[realserver].proven) {
		buf_printf(out, "probe %s has heard no word of it yet: until then it is not raised",
			   conf->head.name);
	} else if (conf->advises && verdict == VERDICT_UP && t->health.unknown) {
		buf_printf(out, "probe %s hears nothing of it now: its last word stands",
			   conf->head.name);
	}
}

void explain_freeze(const struct agent *a, struct buf *out)
{
	const struct hold *h = holds_freeze(a->holds);

	if (!h)
		return;
	buf_printf(out, "frozen by %s ", h->holder);
	since(out, h->since_wall_ms);
	buf_puts(out, ": rules, alerts and probes change nothing");
	if (*h->reason)
		buf_printf(out, " (%s)", h->reason);
}

void explain_compared(const struct agent *a, uint32_t realserver, const struct probe_conf *probe,
		      struct buf *out)
{
	struct compared d;

	if (!compare_probe(a->state->compare, realserver, probe, clock_mono_ms(), &d))
		return;
	buf_printf(out, "probe %s: ", probe->head.name);
	compare_words(&d, out);
}
