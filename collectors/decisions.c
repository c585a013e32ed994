/* decisions.c: what the agent makes of it all: services' states, rules, holds, as
 * the view has them. */
#include "agent/holds/drain.h"
#include "agent/model/view.h"
#include "collectors/table.h"

#define ARGS                                                                                       \
	const struct view *v, const void *values ATTR_UNUSED, uint32_t row,                        \
		uint32_t sub ATTR_UNUSED, struct metric_value *ret_value

static bool service_states(ARGS)
{
	*ret_value = metric_u64(v->services[row].states[sub]);
	return true;
}

static bool service_available(ARGS)
{
	*ret_value = metric_u64(v->services[row].available);
	return true;
}

/* Nothing configured above 0 has no ratio. Backups do not count on either side: a rule
 * or an alert on it that brings them in would otherwise end itself. */
static bool service_ratio(ARGS)
{
	const struct view_service *s = &v->services[row];

	if (!s->configured)
		return false;
	*ret_value = metric_f64((double)s->own / s->configured);
	return true;
}

static bool service_panic(ARGS)
{
	*ret_value = metric_u64(v->services[row].panic);
	return true;
}

/* Absent while a hold wants it absent. */
static bool effective_weight(ARGS)
{
	*ret_value = metric_i64(v->realservers[row].effective_weight);
	return v->realservers[row].effective_weight >= 0;
}

/* --- rules --- */

static uint32_t rules_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_rules;
}

static void rule_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			struct buf *out)
{
	metric_label(out, "rule", v->rules[row].name);
}

static const char *const rule_states[] = { "inactive", "pending", "firing", "recovering" };

static bool rule_targets(ARGS)
{
	*ret_value = metric_u64(v->rules[row].states[sub]);
	return true;
}

static bool rule_detected(ARGS)
{
	*ret_value = metric_u64(v->rules[row].detected);
	return true;
}

static bool rule_enforced(ARGS)
{
	*ret_value = metric_u64(v->rules[row].enforced);
	return true;
}

/* Every rule by every guard, from the start at 0. A guard without a name is the
 * enum's word for none of them. */
static uint32_t refusals_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_rules * v->n_guards;
}

static void refusal_labels(const struct view *v, const void *values, uint32_t row, struct buf *out)
{
	rule_labels(v, values, row / v->n_guards, out);
	metric_label(out, "guard", v->guards[row % v->n_guards]);
}

static bool rule_refused(ARGS)
{
	const uint64_t *refused = v->rules[row / v->n_guards].refused;
	uint32_t guard = row % v->n_guards;

	if (!refused || !v->guards[guard][0])
		return false;
	*ret_value = metric_u64(refused[guard]);
	return true;
}

/* --- holds --- */

static uint32_t holds_rows(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_holds;
}

static void hold_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			struct buf *out)
{
	const struct view_hold *h = &v->holds[row];

	metric_label(out, "ipvs_service", h->service);
	metric_label(out, "realserver", h->realserver);
	metric_label(out, "class", h->class_name);
	metric_label(out, "holder", h->holder);
}

static bool hold_since(ARGS)
{
	*ret_value = metric_ms(v->holds[row].since_wall_ms);
	return !v->holds[row].silent;
}

static bool hold_until(ARGS)
{
	*ret_value = metric_ms(v->holds[row].until_wall_ms);
	return v->holds[row].until_wall_ms != 0 && !v->holds[row].silent;
}

/* --- drains --- */

static uint32_t drains_rows(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_drains;
}

static void drain_labels(const struct view *v, const void *values, uint32_t row, struct buf *out)
{
	hold_labels(v, values, v->drains[row].hold, out);
}

static bool drain_state(ARGS)
{
	*ret_value = metric_u64(v->drains[row].state == sub);
	return true;
}

static bool drain_active(ARGS)
{
	*ret_value = metric_u64(v->drains[row].active);
	return true;
}

static bool drain_remaining(ARGS)
{
	*ret_value = metric_u64(v->drains[row].left);
	return true;
}

static bool drain_since(ARGS)
{
	*ret_value = metric_ms(v->holds[v->drains[row].hold].since_wall_ms);
	return true;
}

static bool drain_deadline(ARGS)
{
	*ret_value = metric_ms(v->drains[row].deadline_wall_ms);
	return v->drains[row].deadline_wall_ms != 0;
}

/* --- who is told --- */

static uint32_t receivers_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_receivers;
}

static void receiver_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			    struct buf *out)
{
	metric_label(out, "action", v->receivers[row].action);
	metric_label(out, "receiver", v->receivers[row].name);
}

static const char *const results[] = { "sent", "failed", "dropped", "retried", "standby" };

static bool notifications(ARGS)
{
	*ret_value = metric_u64(v->receivers[row].results[sub]);
	return true;
}

static bool notifications_waiting(ARGS)
{
	*ret_value = metric_u64(v->receivers[row].waiting);
	return true;
}

static const struct metric_rows receivers = {
	.count = receivers_count,
	.labels = receiver_labels,
	.names = "action,receiver",
};

static const struct metric_rows rules = {
	.count = rules_count,
	.labels = rule_labels,
	.names = "rule",
};

static const struct metric_rows refusals = {
	.count = refusals_count,
	.labels = refusal_labels,
	.names = "rule,guard",
};

static const struct metric_rows holds = {
	.count = holds_rows,
	.labels = hold_labels,
	.names = "ipvs_service,realserver,class,holder",
	.per_realserver = true,
};

static const struct metric_rows drains = {
	.count = drains_rows,
	.labels = drain_labels,
	.names = "ipvs_service,realserver,class,holder",
	.per_realserver = true,
};

static const struct metric metrics[] = {
	{ .name = "ipvs_service_available",
	  .help = "Realservers with an effective weight above 0.",
	  .rows = &metric_services,
	  .get = service_available },
	{ .name = "ipvs_service_available_ratio",
	  .help = "Available realservers as a share of those configured above 0, without backups.",
	  .rows = &metric_services,
	  .get = service_ratio },
	{ .name = "ipvs_service_panic",
	  .help = "Whether no realserver of the service is up.",
	  .rows = &metric_services,
	  .get = service_panic },
	{ .name = "ipvs_service_realservers",
	  .help = "Realservers of the configuration by state.",
	  .rows = &metric_services,
	  .get = service_states,
	  .label = "state",
	  .subs = view_state_names,
	  .n_subs = VIEW_N_STATES },
	{ .name = "ipvs_realserver_effective_weight",
	  .help = "The weight that the configuration and all holds give; the kernel is made to "
		  "match.",
	  .rows = &metric_realservers,
	  .get = effective_weight },
	{ .name = "ipvs_rule_targets",
	  .help = "Targets of the rule by state.",
	  .rows = &rules,
	  .get = rule_targets,
	  .label = "state",
	  .subs = rule_states,
	  .n_subs = countof(rule_states) },
	{ .name = "ipvs_rule_detected_total",
	  .type = METRIC_COUNTER,
	  .help = "Times that the rule began to fire for a target.",
	  .rows = &rules,
	  .get = rule_detected },
	{ .name = "ipvs_rule_enforced_total",
	  .type = METRIC_COUNTER,
	  .help = "Times that the rule's action was carried out.",
	  .rows = &rules,
	  .get = rule_enforced },
	{ .name = "ipvs_rule_refused_total",
	  .type = METRIC_COUNTER,
	  .help = "Times that a guard refused the rule's action.",
	  .rows = &refusals,
	  .get = rule_refused },
	{ .name = "ipvs_hold_since_timestamp_seconds",
	  .help = "Since when a hold lowers the realserver.",
	  .rows = &holds,
	  .get = hold_since },
	{ .name = "ipvs_agent_notifications_total",
	  .type = METRIC_COUNTER,
	  .help = "Notifications by what became of them; retried counts the attempts beyond the "
		  "first, standby what a standby leaves to the master.",
	  .rows = &receivers,
	  .get = notifications,
	  .label = "result",
	  .subs = results,
	  .n_subs = countof(results) },
	{ .name = "ipvs_agent_notifications_waiting",
	  .help = "Notifications that wait to be sent.",
	  .rows = &receivers,
	  .get = notifications_waiting },
	{ .name = "ipvs_hold_until_timestamp_seconds",
	  .help = "When the hold ends by itself; absent where its holder ends it.",
	  .rows = &holds,
	  .get = hold_until },
	{ .name = "ipvs_drain_state",
	  .help = "1 for the state that the drain is in, 0 for the others.",
	  .rows = &drains,
	  .get = drain_state,
	  .label = "state",
	  .subs = drain_state_names,
	  .n_subs = DRAIN_N_STATES },
	{ .name = "ipvs_drain_active_connections",
	  .help = "Active connections of the realserver that is drained, as the kernel counts "
		  "them.",
	  .rows = &drains,
	  .get = drain_active },
	{ .name = "ipvs_drain_remaining_connections",
	  .help = "Connections (or clients whom persistence sends there) that the drain waits "
		  "for.",
	  .rows = &drains,
	  .get = drain_remaining },
	{ .name = "ipvs_drain_since_timestamp_seconds",
	  .help = "When the drain began.",
	  .rows = &drains,
	  .get = drain_since },
	{ .name = "ipvs_drain_deadline_timestamp_seconds",
	  .help = "When the drain is late, unless it is done by then.",
	  .rows = &drains,
	  .get = drain_deadline },
};

const struct collector collector_decisions = {
	.name = "decisions",
	.help = "Services' health, rules and holds",
	.metrics = metrics,
	.n_metrics = countof(metrics),
};
