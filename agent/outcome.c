/* outcome.c: the funnel's other end: an outcome became a verdict, or not. What that
 * makes of the state is made at once, for all users of the target: some 100 ns each.
 * Their lines for log and journal are twenty times as dear, and wait for turns. So no
 * service is ever judged by half of what was found, and what guards count (who is up in a
 * service, the brake's targets) is as if all had been told at once. */
#include "agent/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/log.h"
#include "agent/base/ways.h"
#include "agent/model/compare.h"
#include "agent/note.h"
#include "agent/probe.h"
#include "agent/rules/engine.h"

enum { ASK_WAY_EVERY = 16 /* attempts */ };

/* Either what was found, or a decision that followed from earlier outcomes. */
struct telling {
	struct telling *next;
	struct moment at;
	struct finding found;
	struct decision *decision; /* owned; NULL = what was found */
	char *text;                /* owned; what was said beside, for found */
	bool changed;              /* the verdict is another one */
	uint32_t next_user;        /* of the target's, in the layout's list */
	uint8_t turned[];          /* a bit a user: became unknown by this, or known again */
};

/* --- log and journal ---------------------------------------------------------- */

/* The last facts only where there are a status and a text. */
static void tell_user(const struct state *s, const struct finding *f, uint32_t realserver,
		      enum log_level level, const char *msg)
{
	const struct layout_target *lt = &s->layout->targets[f->target];
	const struct layout_realserver *r = &s->layout->realservers[realserver];
	struct buf addr = BUF_INIT;
	struct log_fact facts[] = {
		LOG_STR("service", s->layout->services[r->service].conf->head.name),
		LOG_STR("realserver", r->conf->name),
		LOG_STR("probe", lt->conf->head.name),
		LOG_STR("target", ""),
		LOG_STR("reason", probe_reasons[f->health.reason].slug),
		{ 0 },
		{ 0 },
	};
	int n = 5;

	if (f->status)
		facts[n++] = LOG_INT("status", f->status);
	if (f->text)
		facts[n++] = LOG_STR("text", f->text);
	addr_format(&addr, &lt->addr);
	facts[3].str = buf_str(&addr);
	log_facts(level, msg, facts, n);
	buf_fini(&addr);
}

static void tell_verdict(const struct state *s, const struct finding *f, uint32_t realserver)
{
	bool up = f->health.verdict == VERDICT_UP;

	tell_user(s, f, realserver, up ? LOG_INFO : LOG_WARN, up ? "probe up" : "probe down");
}

/* Unknown changes nothing, but the fault is on our side, and ours to mend. */
static void tell_unknown(const struct state *s, const struct finding *f, uint32_t realserver)
{
	bool unknown = f->health.unknown;

	tell_user(s, f, realserver, unknown ? LOG_WARN : LOG_INFO,
		  unknown ? "probe cannot tell, nothing is changed for it" : "probe tells again");
}

static bool has_turned(const struct telling *t, uint32_t user)
{
	return t->turned[user / 8] >> user % 8 & 1;
}

static void turn(struct telling *t, uint32_t user)
{
	t->turned[user / 8] = (uint8_t)(t->turned[user / 8] | 1u << user % 8);
}

/* --- in turns ----------------------------------------------------------------- */

static void telling_free(struct telling *t)
{
	free(t->decision);
	free(t->text);
	free(t);
}

static void append(struct agent *a, struct telling *t)
{
	if (a->outcomes.last)
		a->outcomes.last->next = t;
	else
		a->outcomes.first = t;
	a->outcomes.last = t;
}

static void take_first(struct agent *a)
{
	struct telling *t = a->outcomes.first;

	a->outcomes.first = t->next;
	if (!t->next)
		a->outcomes.last = NULL;
	telling_free(t);
}

/* The next user; true when that was the last. */
static bool tell_next(struct agent *a, struct telling *t)
{
	const struct layout *l = a->state->layout;
	const struct layout_target *lt = &l->targets[t->found.target];
	uint32_t n = lt[1].first_user - lt->first_user, realserver;

	if (t->decision) {
		agent_announce(a, t->decision);
		return true;
	}
	if (t->next_user == n)
		return true;
	realserver = l->users[lt->first_user + t->next_user];
	if (t->changed)
		tell_verdict(a->state, &t->found, realserver);
	if (has_turned(t, t->next_user))
		tell_unknown(a->state, &t->found, realserver);
	note_verdict(a, &t->found, realserver, &t->at);
	return ++t->next_user == n;
}

bool outcome_tell(struct agent *a, bool (*enough)(void *arg))
{
	while (a->outcomes.first) {
		if (tell_next(a, a->outcomes.first))
			take_first(a);
		if (enough && enough(a))
			break;
	}
	return !a->outcomes.first;
}

bool outcome_tell_after(struct agent *a, const struct decision *d)
{
	struct telling *t;

	if (!a->outcomes.first)
		return false;
	t = calloc(1, sizeof(*t));
	if (t)
		t->decision = malloc(sizeof(*t->decision));
	if (!t || !t->decision) {
		free(t);
		return false;
	}
	*t->decision = *d;
	append(a, t);
	return true;
}

/* --- what happened ------------------------------------------------------------ */

/* By which interface a target is probed; asked when it matters, and now and then, for
 * routes move. */
static uint32_t way_of(struct agent *a, uint32_t target, int64_t now_ms)
{
	const struct target *t = &a->state->targets[target];
	const struct layout_target *lt = &a->state->layout->targets[target];
	const struct addr *to = lt->lane ? &lt->lane->dest.addr : &lt->addr;
	struct way_out from = probe_conf_way(lt->conf, to);
	uint32_t way = 0;

	if (!t->health.success || t->attempts % ASK_WAY_EVERY == 1)
		way = ways_to(a->ways, to, &from, now_ms);
	return way ? way : BRAKE_AS_BEFORE;
}

/* NULL where memory is out: then it is the lines that are lost, not the verdict. */
static struct telling *telling_new(const struct agent *a, uint32_t target, bool changed,
				   const struct moment *now)
{
	const struct layout_target *lt = &a->state->layout->targets[target];
	struct telling *t = calloc(1, sizeof(*t) + (lt[1].first_user - lt->first_user + 7) / 8);

	if (!t)
		return NULL;
	t->at = *now;
	t->found = note_finding(a, target);
	/* it is told later, and the target may say something else then */
	t->text = t->found.text ? strdup(t->found.text) : NULL;
	t->found.text = t->text;
	t->changed = changed;
	return t;
}

/* --- advice ------------------------------------------------------------------- */

/* Silence changes nothing, and is told once. */
static void tell_silence(struct state *s, uint32_t target)
{
	const struct layout_target *lt = &s->layout->targets[target];
	struct target *t = &s->targets[target];
	bool silent = t->health.unknown;
	struct buf addr = BUF_INIT;

	if (!lt->conf->advises || t->advice.silent == silent)
		return;
	t->advice.silent = silent;
	addr_format(&addr, &lt->addr);
	log_event(silent ? LOG_WARN : LOG_INFO,
		  silent ? "no advice, the last one stands" : "advice again",
		  LOG_STR("probe", lt->conf->head.name), LOG_STR("target", buf_str(&addr)),
		  LOG_STR("reason", probe_reasons[t->health.reason].slug));
	buf_fini(&addr);
}

/* Before verdicts are drawn from it: who asks for less is not raised in between. */
static void take_advice(struct agent *a, uint32_t target, const struct probe_report *report,
			const struct moment *now)
{
	struct target *t = &a->state->targets[target];
	bool advises = a->state->layout->targets[target].conf->advises, asks_anew;

	tell_silence(a->state, target);
	asks_anew = advice_take(&t->advice, report, advises);
	if (!asks_anew && !report->advice && report->claim == PROBE_CLAIM_NONE)
		return;
	/* The words as they are kept: short, and printable whoever wrote them. */
	engine_wish(a->engine, a->state, target, target_text(t) ? target_text(t) : "",
		    a->decider.kernel_known, now);
}

/* --- an outcome ----------------------------------------------------------------- */

void agent_on_outcome(void *arg, uint32_t target, bool changed, const struct probe_report *report)
{
	struct agent *a = arg;
	struct state *s = a->state;
	const struct layout_target *lt = &s->layout->targets[target];
	struct moment now = agent_moment(a);
	struct telling *t = NULL;
	uint32_t i;

	take_advice(a, target, report, &now);
	compare_note(s->compare, target, report->digest, report->too_long, now.mono_ms);
	engine_outcome(a->engine, s, target, way_of(a, target, now.mono_ms), &now);
	if (changed)
		t = telling_new(a, target, changed, &now);
	for (i = 0; i < lt[1].first_user - lt->first_user; i++) {
		uint32_t realserver = s->layout->users[lt->first_user + i];
		bool unknown = s->realservers[realserver].unknown;

		if (state_judge(s, realserver, now.mono_ms))
			state_dirty(s, s->layout->realservers[realserver].service);
		if (unknown == s->realservers[realserver].unknown)
			continue;
		if (!t)
			t = telling_new(a, target, changed, &now);
		if (t)
			turn(t, i);
	}
	if (t)
		append(a, t);
}
