/* rules_json.c: rules and what they are doing, as JSON. */
#include "agent/hands.h"

#include <math.h>
#include <string.h>

#include "agent/action.h"
#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/rules/engine.h"

static const char *const enforce_words[] = {
	[ENFORCE_ON] = "on", [ENFORCE_DRY_RUN] = "dry-run", [ENFORCE_OFF] = "off"
};

/* One whose rule is off is not among those at work. */
static const struct ruleset_rule *at_work(const struct agent *a, const struct rule_conf *conf)
{
	const struct ruleset *set = engine_rules(a->engine);
	uint32_t i;

	for (i = 0; i < set->n_rules; i++)
		if (!strcmp(set->rules[i].conf->head.name, conf->head.name))
			return &set->rules[i];
	return NULL;
}

/* Monotonic times are ours; people have clocks on the wall. */
static json_t *since(int64_t mono_ms)
{
	struct buf text = BUF_INIT;
	json_t *o;

	if (!mono_ms)
		return json_null();
	clock_format_wall(&text, clock_wall_ms() - (clock_mono_ms() - mono_ms));
	o = json_string(buf_str(&text));
	buf_fini(&text);
	return o;
}

static bool is_held(const struct agent *a, const struct rule_conf *conf, const char *service,
		    const char *realserver)
{
	const struct hold *h = holds_of(a->holds, service, realserver);

	for (; h; h = h->next)
		if (!h->waiting &&
		    !strcmp(h->hold_class == HOLD_RULE ? h->holder : h->rule, conf->head.name))
			return true;
	return false;
}

static json_t *target_json(const struct agent *a, const struct ruleset_rule *rule,
			   const struct rule_slot *slot, uint32_t realserver)
{
	const struct layout *l = a->state->layout;
	const struct layout_realserver *r = &l->realservers[realserver];
	const char *service = l->services[r->service].conf->head.name;
	json_t *o = json_pack("{s:s, s:s, s:s, s:o, s:o, s:b}", "service", service, "realserver",
			      r->conf->name, "state", rule_state_names[slot->run.state], "since",
			      since(slot->run.active_ms), "value",
			      isfinite(slot->value) ? json_real(slot->value) : json_null(), "held",
			      (int)is_held(a, rule->conf, service, r->conf->name));

	if (o && slot->refused)
		json_object_set_new(o, "refused_by", json_string(guard_names[slot->refused]));
	return o;
}

/* Counts all, and lists those that do not rest. */
static json_t *targets_json(const struct agent *a, const struct ruleset_rule *rule,
			    json_int_t *counts)
{
	const struct layout *l = a->state->layout;
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; rule && i < l->n_realservers; i++) {
		const struct rule_slot *slot = ruleset_slot(engine_rules(a->engine), rule, i);

		if (!slot)
			continue;
		counts[slot->run.state]++;
		if (slot->run.state != RULE_INACTIVE)
			json_array_append_new(list, target_json(a, rule, slot, i));
	}
	return list;
}

static json_t *refused_json(const struct ruleset_rule *rule)
{
	json_t *o = json_object();
	int guard;

	for (guard = GUARD_ADMIT + 1; rule && guard < N_GUARDS; guard++)
		if (rule->refused[guard])
			json_object_set_new(o, guard_names[guard],
					    json_integer((json_int_t)rule->refused[guard]));
	return o;
}

static json_t *action_json(const struct rule_conf *conf)
{
	struct buf text = BUF_INIT;
	json_t *o;
	uint32_t i;

	for (i = 0; i < conf->n_actions; i++) {
		const struct rule_action *a = &conf->actions[i];

		buf_printf(&text, "%s%s%s%s", i ? ", " : "", a->action->name,
			   *a->argument ? " " : "", a->argument);
	}
	o = json_string(buf_str(&text));
	buf_fini(&text);
	return o;
}

static json_t *duration(int64_t ms)
{
	struct buf text = BUF_INIT;
	json_t *o;

	format_duration(&text, ms);
	o = json_string(buf_str(&text));
	buf_fini(&text);
	return o;
}

static json_t *rule_json(const struct agent *a, const struct rule_conf *conf)
{
	const struct ruleset_rule *rule = at_work(a, conf);
	json_int_t counts[RULE_N_STATES] = { 0 };
	json_t *targets = targets_json(a, rule, counts), *states = json_object();
	int i;

	for (i = 0; i < RULE_N_STATES; i++)
		json_object_set_new(states, rule_state_names[i], json_integer(counts[i]));
	return json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:s, s:o, s:I, s:I, s:o, s:o}", "name",
			 conf->head.name, "file", conf->head.file ? conf->head.file : "", "line",
			 (int)conf->head.line, conf->alert ? "alert" : "expr",
			 conf->alert ? conf->alert : conf->expr, "for", duration(conf->for_ms),
			 "action", action_json(conf), "enforce", enforce_words[conf->enforce],
			 "states", states, "detected", (json_int_t)(rule ? rule->detected : 0),
			 "enforced", (json_int_t)(rule ? rule->enforced : 0), "refused",
			 refused_json(rule), "targets", targets);
}

enum command_status rules_list(const struct agent *a, const struct command *cmd, struct buf *out)
{
	json_t *list = json_array();
	void *const *rules;
	size_t n, i;

	(void)cmd;
	rules = rules_all(a->state->layout->conf, &n);
	for (i = 0; i < n; i++)
		json_array_append_new(list, rule_json(a, rules[i]));
	return hands_text(json_pack("{s:o}", "rules", list), out);
}
