/* announce.c: what was decided, as lines of the log and to the outside. The engine is
 * silent: it says what it decided, and here it is said to whom that concerns. */
#include <math.h>
#include <string.h>

#include "agent/action.h"
#include "agent/agent.h"
#include "agent/base/log.h"
#include "agent/note.h"
#include "agent/rules/notifier.h"
#include "agent/rules/rule_conf.h"

/* How each kind is told; a message of NULL is not. */
static const struct telling {
	const char *msg, *msg_off; /* msg_off: with `on` false */
	enum log_level level, level_off;
} tellings[DECISION_N_KINDS] = {
	[DECISION_RULE] = { .msg = "rule changed its state", .level = LOG_INFO },
	[DECISION_HOLD] = { .msg = "hold placed", .level = LOG_INFO },
	[DECISION_RELEASE] = { .msg = "hold released", .level = LOG_INFO },
	[DECISION_REFUSAL] = { .msg = "hold refused", .level = LOG_WARN },
	[DECISION_DELAY] = { .msg = "hold is released later", .level = LOG_INFO },
	[DECISION_PANIC] = { .msg = "panic: no realserver of the service is up",
			     .msg_off = "panic is over",
			     .level = LOG_WARN,
			     .level_off = LOG_INFO },
	[DECISION_BRAKE] = { .msg = "too many targets failed at once: until it is over nothing "
				    "is held",
			     .msg_off = "the failure of many targets at once is over",
			     .level = LOG_WARN,
			     .level_off = LOG_INFO },
	[DECISION_WEIGHT] = { .msg = "weight changed", .level = LOG_DEBUG },
};

enum { FACTS_MAX = 12 };

struct facts {
	struct log_fact list[FACTS_MAX];
	int n;
};

static void add(struct facts *f, struct log_fact fact)
{
	f->list[f->n++] = fact;
}

static void add_subject(struct facts *f, const struct decision *d)
{
	const struct layout *l = d->state->layout;

	if (d->service != LAYOUT_NONE)
		add(f, LOG_STR("service", l->services[d->service].conf->head.name));
	if (d->realserver != LAYOUT_NONE)
		add(f, LOG_STR("realserver", l->realservers[d->realserver].conf->name));
	if (d->rule)
		add(f, LOG_STR("rule", d->rule->head.name));
}

static void add_particulars(struct facts *f, const struct decision *d)
{
	switch (d->kind) {
	case DECISION_RULE:
		add(f, LOG_STR("from", rule_state_names[d->from]));
		add(f, LOG_STR("to", rule_state_names[d->to]));
		if (d->on)
			add(f, LOG_STR("data", "none"));
		break;
	case DECISION_REFUSAL:
		add(f, LOG_STR("guard", guard_names[d->guard]));
		add(f, LOG_INT("available_after", d->available));
		add(f, LOG_INT("min_available", d->floor));
		break;
	case DECISION_DELAY:
		add(f, LOG_STR("guard", guard_names[d->guard]));
		break;
	case DECISION_WEIGHT:
		add(f, LOG_INT("before", d->before));
		add(f, LOG_INT("after", d->after));
		break;
	case DECISION_HOLD:
	case DECISION_RELEASE:
		add(f, LOG_STR("reason", d->reason));
		break;
	default:
		break;
	}
}

/* The probes' verdicts have their own lines; so the built-in rule's states need none.
 * Nor does a rule that rests without data. */
static bool known_already(const struct decision *d)
{
	return d->kind == DECISION_RULE && (!strcmp(d->rule->head.name, rule_probe_down) ||
					    (d->from == d->to && d->to == RULE_INACTIVE));
}

static void log_decision(const struct decision *d)
{
	const struct telling *t = &tellings[d->kind];
	bool off = t->msg_off && !d->on;
	struct facts f = { .n = 0 };

	if (known_already(d))
		return;
	add_subject(&f, d);
	add_particulars(&f, d);
	log_facts(off ? t->level_off : t->level, off ? t->msg_off : t->msg, f.list, f.n);
}

/* --- the outside -------------------------------------------------------------------- */

static int64_t weight_or_none(int32_t weight)
{
	return weight < 0 ? NOTICE_NO_WEIGHT : weight;
}

/* A rule without a hold tells that it fires, and that it ended. */
static bool only_tells(const struct rule_conf *rule)
{
	uint32_t i;

	for (i = 0; i < rule->n_actions; i++)
		if (rule->actions[i].action->kind != ACTION_TELL)
			return false;
	return true;
}

static bool rule_notice(const struct decision *d, struct notice *n)
{
	bool was = d->from == RULE_FIRING || d->from == RULE_RECOVERING;
	bool is = d->to == RULE_FIRING || d->to == RULE_RECOVERING;

	if (was == is || !only_tells(d->rule))
		return false;
	n->kind = is ? NOTICE_HOLD : NOTICE_RELEASE;
	n->active = is;
	n->dry_run = d->rule->enforce == ENFORCE_DRY_RUN;
	n->reason = d->rule->says;
	return true;
}

/* What of a decision is told; false = nothing. */
static bool notice_of(const struct decision *d, struct notice *n)
{
	switch (d->kind) {
	case DECISION_RULE:
		return rule_notice(d, n);
	case DECISION_HOLD:
	case DECISION_RELEASE:
		n->kind = d->kind == DECISION_HOLD ? NOTICE_HOLD : NOTICE_RELEASE;
		n->active = d->kind == DECISION_HOLD;
		n->effect = d->effect;
		return true;
	case DECISION_REFUSAL:
		n->dry_run = d->guard == GUARD_DRY_RUN;
		n->kind = n->dry_run ? NOTICE_HOLD : NOTICE_REFUSED;
		n->active = true;
		n->effect = d->effect;
		n->guard = n->dry_run ? NULL : guard_names[d->guard];
		return true;
	case DECISION_PANIC:
	case DECISION_BRAKE:
		n->kind = d->kind == DECISION_PANIC ? NOTICE_PANIC : NOTICE_FREEZE;
		n->active = d->on;
		return true;
	default:
		return false;
	}
}

static void notify(const struct agent *a, const struct decision *d)
{
	const struct layout *l = d->state->layout;
	struct notice n = NOTICE_INIT;
	struct buf address = BUF_INIT;

	n.wall_ms = d->at.wall_ms;
	n.reason = d->reason;
	if (!notice_of(d, &n))
		return;
	n.rule = d->rule ? d->rule->head.name : NULL;
	if (d->service != LAYOUT_NONE)
		n.service = l->services[d->service].conf->head.name;
	if (d->realserver != LAYOUT_NONE) {
		const struct realserver_conf *c = l->realservers[d->realserver].conf;
		int32_t weight = d->state->realservers[d->realserver].weight;

		n.realserver = c->name;
		n.configured_weight = c->weight;
		n.weight_before = weight_or_none(weight);
		addr_format(&address, &c->addr[0]);
		n.address = buf_str(&address);
	}
	notifier_tell(a->notifier, &n, d->rule);
	buf_fini(&address);
}

void agent_announce(struct agent *a, const struct decision *d)
{
	log_decision(d);
	note_decision(a, d);
	if (a->notifier)
		notify(a, d);
}

/* All but the brake's are made when all was told. That one speaks of no rule and no
 * service: its copy may wait. */
void agent_on_decision(void *arg, const struct decision *d)
{
	struct agent *a = arg;

	if (d->kind != DECISION_BRAKE || !outcome_tell_after(a, d))
		agent_announce(a, d);
}
