/* lint_effects.c: what rules do to the services that they are about, and what the
 * services' schedulers make of it. Messages stand at the rule's action; those about
 * the built-in rule at the service. */
#include <string.h>

#include "agent/action.h"
#include "agent/check.h"
#include "agent/holds/hold.h"
#include "agent/model/scheduler.h"
#include "agent/model/service_conf.h"
#include "agent/rules/rule_conf.h"

/* One rule at one service that it is about. */
struct meeting {
	struct config *c;
	const struct rule_conf *rule;
	const struct service_conf *service;
	const struct scheduler *facts;
};

/* --- weights ------------------------------------------------------------------------ */

/* The clients that hash to a realserver at weight 0 are refused
 * (net/netfilter/ipvs/ip_vs_{dh,sh,mh}.c). */
static void lint_quiesce(const struct meeting *m, const struct rule_action *a)
{
	const struct service_conf *s = m->service;
	struct buf flags = BUF_INIT;

	if (!guard_scheduler_unsafe(s->scheduler, s->scheduler_flags))
		return;
	if (m->facts->fallback)
		buf_printf(&flags, "set scheduler_flags = %s, or ", m->facts->fallback);
	else
		buf_puts(&flags, "take sh with sh-fallback, or ");
	if (!m->rule->head.line)
		conf_report(m->c, CONF_WARNING, conf_key_file(m->c, s, "scheduler"),
			    conf_key_line(m->c, s, "scheduler"),
			    "service %s: scheduler '%s' refuses the clients of a realserver at "
			    "weight 0, and a failed probe sets weight 0: %swrite a [rule %s] with "
			    "action = remove, which cuts established connections",
			    s->head.name, s->scheduler, buf_str(&flags), rule_probe_down);
	else
		conf_report(m->c, CONF_WARNING, a->file, a->line,
			    "rule %s quiesces service %s, but its scheduler '%s' refuses the "
			    "clients of a realserver at weight 0: %suse 'remove', which cuts "
			    "established connections",
			    m->rule->head.name, s->head.name, s->scheduler, buf_str(&flags));
	buf_fini(&flags);
}

/* Why a weight between 0 and the whole is of no use there; NULL = it is. */
static const char *weight_trouble(const struct scheduler *facts)
{
	if (facts->reweight == REWEIGHT_SHARE)
		return NULL;
	if (facts->reweight == REWEIGHT_IS_FAILOVER)
		return "gives all to the highest weight";
	if (!strcmp(facts->name, "rr"))
		return "ignores weights (use wrr)";
	if (!strcmp(facts->name, "lc"))
		return "ignores weights (use wlc)";
	return "ignores weights";
}

static void lint_reweight(const struct meeting *m, const struct rule_action *a)
{
	const struct service_conf *s = m->service;
	const char *trouble = weight_trouble(m->facts);
	uint32_t i;

	if (trouble) {
		conf_report(m->c, CONF_WARNING, a->file, a->line,
			    "rule %s reweights service %s, but its scheduler '%s' %s%s",
			    m->rule->head.name, s->head.name, s->scheduler, trouble,
			    m->facts->reweight == REWEIGHT_IS_FAILOVER ? ": it is a failover" : "");
		return;
	}
	for (i = 0; i < s->n_realservers; i++) {
		const struct realserver_conf *r = &s->realservers[i];

		if (!r->enabled || !r->weight || !rule_conf_matches(m->rule, s, r) ||
		    hold_weight(a->effect, r->weight) != (int32_t)r->weight)
			continue;
		conf_report(m->c, CONF_WARNING, a->file, a->line,
			    "rule %s: reweight %s leaves realserver %s of service %s at weight "
			    "%u: a share is rounded up",
			    m->rule->head.name, a->argument, r->name, s->head.name, r->weight);
		return;
	}
}

/* A ramp that the scheduler or a weight makes a single step. `who` leads: "rule slow". */
static void lint_ramp(struct config *c, const struct service_conf *s, const struct rule_conf *rule)
{
	const void *owner = rule ? (const void *)rule : s;
	const char *file = conf_key_file(c, owner, "ramp"), *trouble;
	unsigned int line = conf_key_line(c, owner, "ramp");
	const struct scheduler *facts = scheduler_find(s->scheduler);
	struct buf who = BUF_INIT;
	uint32_t i;

	if (rule)
		buf_printf(&who, "rule %s: ramp does nothing in service %s", rule->head.name,
			   s->head.name);
	else
		buf_printf(&who, "service %s: ramp does nothing", s->head.name);
	trouble = facts->ramp == RAMP_NONE ? weight_trouble(facts) : NULL;
	if (trouble)
		conf_report(c, CONF_WARNING, file, line, "%s: its scheduler '%s' %s", buf_str(&who),
			    s->scheduler, trouble);
	for (i = 0; !trouble && i < s->n_realservers; i++) {
		const struct realserver_conf *r = &s->realservers[i];

		if (!r->enabled || r->weight != 1 || (rule && !rule_conf_matches(rule, s, r)))
			continue;
		conf_report(c, CONF_WARNING, file, line,
			    "%s for realserver %s: there is nothing between 0 and its weight 1",
			    buf_str(&who), r->name);
		break;
	}
	buf_fini(&who);
}

/* --- backups ------------------------------------------------------------------------ */

static uint32_t count_backups(const struct service_conf *s)
{
	uint32_t i, n = 0;

	for (i = 0; i < s->n_realservers; i++)
		n += s->realservers[i].backup && s->realservers[i].enabled;
	return n;
}

static bool is_about(const struct rule_conf *r, const struct service_conf *s)
{
	uint32_t i;

	if (r->head.bad || r->enforce == ENFORCE_OFF || !rule_conf_service(r, s))
		return false;
	for (i = 0; i < s->n_realservers; i++)
		if (rule_conf_matches(r, s, &s->realservers[i]))
			return true;
	return false;
}

static bool falls_back(const struct rule_conf *r)
{
	uint32_t i;

	for (i = 0; i < r->n_actions; i++)
		if (r->actions[i].action->kind == ACTION_FALLBACK)
			return true;
	return false;
}

/* --- one rule at one service -------------------------------------------------------- */

static void lint_action(const struct meeting *m, const struct rule_action *a)
{
	const char *name = m->rule->head.name;

	if (a->action->kind == ACTION_FALLBACK && !count_backups(m->service))
		conf_report(m->c, CONF_WARNING, a->file, a->line,
			    "rule %s: fallback does nothing in service %s: it has no backup", name,
			    m->service->head.name);
	if (a->action->kind != ACTION_HOLD)
		return;
	if (a->effect == HOLD_ZERO)
		lint_quiesce(m, a);
	else if (a->effect > HOLD_ZERO)
		lint_reweight(m, a);
}

static void lint_meeting(const struct meeting *m)
{
	uint32_t i;

	for (i = 0; i < m->rule->n_actions; i++)
		lint_action(m, &m->rule->actions[i]);
	if (m->rule->ramp > 0 && rule_conf_hold(m->rule)) {
		if (rule_conf_hold(m->rule)->effect > HOLD_ZERO)
			conf_report(m->c, CONF_WARNING, conf_key_file(m->c, m->rule, "ramp"),
				    conf_key_line(m->c, m->rule, "ramp"),
				    "rule %s: ramp does nothing with reweight: what was at 0, or "
				    "removed, comes back in steps",
				    m->rule->head.name);
		else
			lint_ramp(m->c, m->service, m->rule);
	}
}

/* --- one service -------------------------------------------------------------------- */

/* What the rules about a service come to. */
struct sums {
	bool probed, quiesced, judged, falls_back;
};

static struct sums meet_rules(struct config *c, const struct service_conf *s)
{
	struct meeting m = { .c = c, .service = s, .facts = scheduler_find(s->scheduler) };
	struct sums sums = { 0 };
	size_t n, i;
	void *const *rules = rules_all(c, &n);

	for (i = 0; i < s->n_realservers; i++)
		sums.probed |= s->realservers[i].enabled && s->realservers[i].terms->probes.n;
	for (i = 0; i < n; i++) {
		const struct rule_action *hold;

		m.rule = rules[i];
		/* one that is not understood may be about this service */
		sums.judged |= m.rule->head.bad;
		/* without probes the built-in rule has nothing to go by */
		if (!is_about(m.rule, s) || (!m.rule->head.line && !sums.probed))
			continue;
		hold = rule_conf_hold(m.rule);
		sums.quiesced |= hold && hold->effect == HOLD_ZERO;
		sums.judged |= m.rule->reads_probes;
		sums.falls_back |= falls_back(m.rule);
		lint_meeting(&m);
	}
	return sums;
}

static void lint_service(struct config *c, const struct service_conf *s, const struct sums *sums)
{
	if (sums->probed && !sums->judged)
		conf_report(c, CONF_WARNING, s->head.file, s->head.line,
			    "service %s: no rule heeds its probes: a dead realserver keeps its "
			    "clients ([rule %s] is off, or not about it)",
			    s->head.name, rule_probe_down);
	if (count_backups(s) && s->on_panic != PANIC_BACKUP && !sums->falls_back)
		conf_report(c, CONF_WARNING, s->head.file, s->head.line,
			    "service %s: its backup is never used (on_panic = backup makes it)",
			    s->head.name);
	if (s->ramp)
		lint_ramp(c, s, NULL);
}

/* The file cannot settle it, so it is advice, and told once. */
static void advise_persistence(struct config *c, const struct service_conf *first, size_t more)
{
	struct buf others = BUF_INIT;

	if (more)
		buf_printf(&others, " (and %zu more service%s)", more, more == 1 ? "" : "s");
	conf_report(c, CONF_ADVICE, conf_key_file(c, first, "persistence"),
		    conf_key_line(c, first, "persistence"),
		    "service %s%s: persistence keeps clients on a realserver at weight 0, unless "
		    "the sysctl net.ipv4.vs.expire_quiescent_template is 1",
		    first->head.name, buf_str(&others));
	buf_fini(&others);
}

void lint_effects(struct config *c)
{
	const struct service_conf *persistent = NULL;
	size_t n, i, more = 0;
	void *const *services = config_sections(c, &service_section, &n);

	for (i = 0; i < n; i++) {
		const struct service_conf *s = services[i];
		struct sums sums;

		if (s->head.bad || !s->enabled)
			continue;
		sums = meet_rules(c, s);
		lint_service(c, s, &sums);
		if (!sums.quiesced || !s->persistence)
			continue;
		more += persistent != NULL;
		if (!persistent)
			persistent = s;
	}
	if (persistent)
		advise_persistence(c, persistent, more);
}
