/* note_decide.c: the lines of the journal about decisions, and about what they follow
 * from: so much of it that a replay comes to the same decisions. */
#include <math.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/note.h"
#include "agent/rules/engine.h"
#include "agent/rules/evidence.h"
#include "agent/rules/rule_conf.h"

/* --- what was decided ----------------------------------------------------------------- */

static const char *service_name(const struct decision *d)
{
	return d->service == LAYOUT_NONE ? NULL
					 : d->state->layout->services[d->service].conf->head.name;
}

/* "*" stands for the service as a whole. */
static const char *realserver_name(const struct decision *d)
{
	return d->realserver == LAYOUT_NONE
		       ? HOLD_SERVICE
		       : d->state->layout->realservers[d->realserver].conf->name;
}

static void put_rule(struct journal_line *l, const struct decision *d)
{
	journal_line_text(l, "rule", d->rule->head.name);
	journal_line_text(l, "service", service_name(d));
	journal_line_text(l, "realserver", realserver_name(d));
	journal_line_text(l, "from", rule_state_names[d->from]);
	journal_line_text(l, "to", rule_state_names[d->to]);
	journal_line_bool(l, "frozen", d->on);
	if (!isnan(d->value))
		journal_line_number(l, "value", d->value);
}

static void put_holder(struct journal_line *l, const struct decision *d)
{
	journal_line_text(l, "class", hold_class_names[HOLD_RULE]);
	journal_line_text(l, "holder", d->rule->head.name);
	journal_line_text(l, "service", service_name(d));
	journal_line_text(l, "realserver", realserver_name(d));
}

static void put_hold(struct journal_line *l, const struct decision *d)
{
	put_holder(l, d);
	journal_line_int(l, "effect", d->effect);
	journal_line_text(l, "guard", "admit");
	journal_line_text(l, "reason", d->reason);
}

static void put_release(struct journal_line *l, const struct decision *d)
{
	put_holder(l, d);
	journal_line_text(l, "reason", d->reason);
}

static void put_refusal(struct journal_line *l, const struct decision *d)
{
	struct buf figures = BUF_INIT;

	if (d->kind == DECISION_REFUSAL)
		buf_printf(&figures, "%u available after it, min_available asks for %u",
			   d->available, d->floor);
	else
		buf_puts(&figures, "its release waits");
	journal_line_text(l, "rule", d->rule->head.name);
	journal_line_text(l, "service", service_name(d));
	journal_line_text(l, "realserver", realserver_name(d));
	journal_line_int(l, "effect", d->effect);
	journal_line_text(l, "guard", guard_names[d->guard]);
	journal_line_text(l, "reason", buf_str(&figures));
	journal_line_text(l, "evidence", d->reason);
	buf_fini(&figures);
}

static void put_panic(struct journal_line *l, const struct decision *d)
{
	static const char *const policies[] = {
		[PANIC_KEEP] = "keep", [PANIC_BACKUP] = "backup", [PANIC_NONE] = "none"
	};

	journal_line_text(l, "service", service_name(d));
	journal_line_bool(l, "on", d->on);
	journal_line_text(l, "policy",
			  policies[d->state->layout->services[d->service].conf->on_panic]);
	journal_line_text(l, "reason", d->reason);
}

static void put_brake(struct journal_line *l, const struct decision *d)
{
	journal_line_bool(l, "on", d->on);
	journal_line_text(l, "brake", "correlated");
}

static void put_weight(struct journal_line *l, const struct decision *d)
{
	journal_line_text(l, "service", service_name(d));
	journal_line_text(l, "realserver", realserver_name(d));
	journal_line_int(l, "from", d->before);
	journal_line_int(l, "to", d->after);
}

static const struct line_of {
	enum journal_kind kind;
	void (*put)(struct journal_line *l, const struct decision *d);
} lines[DECISION_N_KINDS] = {
	[DECISION_RULE] = { JOURNAL_RULE, put_rule },
	[DECISION_HOLD] = { JOURNAL_HOLD, put_hold },
	[DECISION_RELEASE] = { JOURNAL_RELEASE, put_release },
	[DECISION_REFUSAL] = { JOURNAL_REFUSED, put_refusal },
	[DECISION_DELAY] = { JOURNAL_REFUSED, put_refusal },
	[DECISION_PANIC] = { JOURNAL_PANIC, put_panic },
	[DECISION_BRAKE] = { JOURNAL_FREEZE, put_brake },
	[DECISION_WEIGHT] = { JOURNAL_WEIGHT, put_weight },
};

enum journal_kind decision_line(const struct decision *d, struct journal_line *l)
{
	if (l)
		lines[d->kind].put(l, d);
	return lines[d->kind].kind;
}

/* --- what decisions follow from --------------------------------------------------------- */

void note_verdict(struct agent *a, const struct finding *f, uint32_t realserver,
		  const struct moment *at)
{
	const struct layout *layout = a->state->layout;
	const struct layout_target *lt = &layout->targets[f->target];
	const struct layout_realserver *r = &layout->realservers[realserver];
	struct journal_line *l =
		journal_begin(a->journal, JOURNAL_VERDICT, at->wall_ms, at->mono_ms);
	struct buf address = BUF_INIT;

	if (!l)
		return;
	addr_format(&address, &lt->addr);
	journal_line_text(l, "service", layout->services[r->service].conf->head.name);
	journal_line_text(l, "realserver", r->conf->name);
	journal_line_text(l, "probe", lt->conf->head.name);
	journal_line_text(l, "address", buf_str(&address));
	journal_line_text(l, "verdict", verdict_name(f->health.verdict));
	journal_line_bool(l, "unknown", f->health.unknown);
	journal_line_text(l, "reason", probe_reasons[f->health.reason].slug);
	journal_line_int(l, "status", f->status);
	if (f->text)
		journal_line_text(l, "text", f->text);
	journal_line_int(l, "failures", f->health.failures);
	journal_line_int(l, "passes", f->health.passes);
	journal_end(a->journal, l);
	buf_fini(&address);
}

struct finding note_finding(const struct agent *a, uint32_t target)
{
	const struct target *t = &a->state->targets[target];

	return (struct finding){ target, t->last_status, t->health, target_text(t) };
}

/* The reason of a hold counts the attempts that failed up to now. Of that realserver alone:
 * 1,000 may share one target, and are held one after the other. */
static void note_witness(struct agent *a, const struct decision *d)
{
	const struct target *t;
	struct finding found;

	if ((d->kind != DECISION_HOLD && d->kind != DECISION_REFUSAL) ||
	    d->realserver == LAYOUT_NONE)
		return;
	t = evidence_witness(d->state, d->realserver);
	if (!t)
		return;
	found = note_finding(a, (uint32_t)(t - d->state->targets));
	note_verdict(a, &found, d->realserver, &d->at);
}

void note_decision(struct agent *a, const struct decision *d)
{
	struct journal_line *l;

	note_witness(a, d);
	l = journal_begin(a->journal, lines[d->kind].kind, d->at.wall_ms, d->at.mono_ms);
	if (!l)
		return;
	(void)decision_line(d, l);
	journal_end(a->journal, l);
}

/* Does it follow from decisions? Then a replay has it from its own. */
static bool derived(enum signal_id signal)
{
	return signal_table[signal].origin == SIGNAL_FROM_DECISIONS && signal != SIGNAL_WEIGHT;
}

static void note_sample(struct agent *a, uint32_t service, uint32_t realserver,
			const struct moment *now)
{
	const struct layout *layout = a->state->layout;
	const struct ruleset *set = engine_rules(a->engine);
	bool whole = realserver == LAYOUT_NONE;
	uint32_t of = whole ? layout->services[service].first_realserver : realserver;
	struct journal_line *l =
		journal_begin(a->journal, JOURNAL_SAMPLE, now->wall_ms, now->mono_ms);
	unsigned int i;

	if (!l)
		return;
	journal_line_text(l, "service", layout->services[service].conf->head.name);
	journal_line_text(l, "realserver",
			  whole ? HOLD_SERVICE : layout->realservers[realserver].conf->name);
	if (set->needs_kernel && a->turn.read_ms)
		journal_line_int(l, "at", a->turn.read_ms);
	journal_line_values(l, "values");
	for (i = 0; i < N_SIGNALS; i++)
		if (set->needs[i] && !derived(i) &&
		    (signal_table[i].scope == SIGNAL_OF_SERVICE) == whole)
			journal_line_value(l, signal_table[i].name,
					   samples_newest(set->samples, i, of, now->mono_ms));
	journal_end(a->journal, l);
}

static bool has_service_signals(const struct ruleset *set)
{
	unsigned int i;

	for (i = 0; i < N_SIGNALS; i++)
		if (set->needs[i] && !derived(i) && signal_table[i].scope == SIGNAL_OF_SERVICE)
			return true;
	return false;
}

void note_samples(struct agent *a, uint32_t service, const struct moment *now)
{
	const struct ruleset *set = engine_rules(a->engine);
	const struct layout_service *svc = &a->state->layout->services[service];
	uint32_t i;

	if (!set->sampled[service] || set->noted_ms[service] == now->mono_ms || !a->journal)
		return;
	set->noted_ms[service] = now->mono_ms;
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++)
		note_sample(a, service, i, now);
	if (svc->n_realservers && has_service_signals(set))
		note_sample(a, service, LAYOUT_NONE, now);
}

static void note_weight(struct agent *a, uint32_t realserver)
{
	const struct state *s = a->state;
	const struct layout_realserver *r = &s->layout->realservers[realserver];
	struct journal_line *l;
	int32_t seen = SEEN_UNKNOWN;
	uint32_t d;

	for (d = r->first_dest_link; d < r->first_dest_link + r->n_dest_links; d++) {
		const struct dest_state *dest = &s->dests[s->layout->dest_links[d]];
		/* Of a new one it is not seen yet, for the difference comes later: but it is
		 * the cap already. */
		int32_t found = dest->seen >= 0 || dest->cap == CAP_NONE ? dest->seen : dest->cap;

		if (found > seen)
			seen = found;
	}
	if (seen < 0)
		return;
	l = note_begin(a, JOURNAL_SAMPLE);
	if (!l)
		return;
	journal_line_text(l, "service", s->layout->services[r->service].conf->head.name);
	journal_line_text(l, "realserver", r->conf->name);
	journal_line_values(l, "values");
	journal_line_value(l, signal_table[SIGNAL_WEIGHT].name, seen);
	journal_end(a->journal, l);
}

void note_weights(struct agent *a)
{
	const struct state *s = a->state;
	uint32_t i, r;

	for (i = 0; i < s->n_dirty; i++) {
		const struct layout_service *svc = &s->layout->services[s->dirty[i]];

		for (r = svc->first_realserver; r < svc->first_realserver + svc->n_realservers; r++)
			note_weight(a, r);
	}
}
