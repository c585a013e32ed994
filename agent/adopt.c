/* adopt.c: from [agent] and the [rule] sections to what the engine goes by. */
#include "agent/adopt.h"

#include <stdlib.h>

#include "agent/rules/engine.h"
#include "agent/settings.h"

int agent_rules_prepare(const struct config *conf, struct layout *l, struct buf *why,
			struct agent_rules *ret_rules)
{
	const struct agent_conf *c = config_section(conf, &agent_section);
	struct ruleset_conf rules = { .rate_n = c->rate.n,
				      .rate_ms = c->rate.per_ms,
				      .correlated_targets = c->correlated_targets,
				      .correlated_share = c->correlated_share,
				      .sample_interval = c->sample_interval,
				      .window_memory = c->window_memory };
	struct agent_rules made = { 0 };
	size_t n;
	int e;

	rules.rules = (const struct rule_conf *const *)rules_all(conf, &n);
	rules.n_rules = (uint32_t)n;
	e = ruleset_new(l, &rules, why, &made.set);
	if (!e)
		e = decider_prepare(l, &made.decided);
	if (e) {
		agent_rules_drop(&made);
		return e;
	}
	*ret_rules = made;
	return 0;
}

void agent_rules_carry(const struct decider *d, const struct reload_map *map,
		       struct agent_rules *rules)
{
	ruleset_carry(rules->set, engine_rules(d->engine), map);
	decider_carry(d, map, rules->set->layout, rules->decided);
}

void agent_rules_adopt(struct decider *d, struct state *s, struct agent_rules *rules,
		       const struct moment *now)
{
	decider_adopt(d, s, rules->decided);
	engine_adopt(d->engine, rules->set, now);
	engine_wishes(d->engine, s, d->kernel_known, now);
	*rules = (struct agent_rules){ 0 };
}

void agent_rules_drop(struct agent_rules *rules)
{
	ruleset_free(rules->set);
	free(rules->decided);
	*rules = (struct agent_rules){ 0 };
}
