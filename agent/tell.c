/* tell.c: what was decided, as lines of the log. The engine is silent: it says what it
 * decided, and here it is said to whom that concerns. */
#include <math.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/log.h"
#include "agent/rules/decision.h"
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

/* The probes' verdicts have their own lines; so the built-in rule's states need none. */
static bool known_already(const struct decision *d)
{
	return d->kind == DECISION_RULE && !strcmp(d->rule->head.name, rule_probe_down);
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

void agent_on_decision(void *arg, const struct decision *d)
{
	(void)arg;
	log_decision(d);
}
