/* self.c: success and duration of every chosen collector. One that only reads the
 * view is judged by what the view says of its source. */
#include "agent/metrics/self.h"

#include "agent/metrics/round.h"
#include "agent/model/view.h"

static const struct round_result *result_of(const struct view *v, uint32_t i)
{
	return v->rounds && i < round_count(v->rounds) ? round_result(v->rounds, i) : NULL;
}

static bool is_chosen(const struct metric_self_values *values, uint32_t i)
{
	return !values->chosen || values->chosen[i];
}

static uint32_t self_count(const struct view *v ATTR_UNUSED, const void *values)
{
	return ((const struct metric_self_values *)values)->n;
}

static void self_labels(const struct view *v ATTR_UNUSED, const void *values, uint32_t row,
			struct buf *out)
{
	const struct metric_self_values *self = values;

	metric_label(out, "collector", self->collectors[row]->name);
}

static bool success(const struct view *v, const void *values, uint32_t row,
		    uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	const struct metric_self_values *self = values;
	const struct collector *c = self->collectors[row];
	const struct round_result *r = result_of(v, row);
	bool good;

	if (!is_chosen(self, row))
		return false;
	if (c->collect)
		good = r && r->success;
	else
		good = !c->judge || c->judge(v) == 0;
	*ret_value = metric_u64(good);
	return true;
}

static bool duration(const struct view *v, const void *values, uint32_t row,
		     uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	const struct metric_self_values *self = values;
	const struct collector *c = self->collectors[row];
	const struct round_result *r = result_of(v, row);
	int64_t us = 0;

	if (!is_chosen(self, row))
		return false;
	if (c->collect)
		us = r ? r->duration_us : 0;
	else if (c->took_us)
		us = c->took_us(v);
	*ret_value = metric_us(us);
	return true;
}

static const struct metric_rows rows = {
	.count = self_count,
	.labels = self_labels,
	.names = "collector",
};

static const struct metric metrics[] = {
	{
		.name = "ipvs_agent_collector_duration_seconds",
		.help = "How long the collector's last look took.",
		.rows = &rows,
		.get = duration,
	},
	{
		.name = "ipvs_agent_collector_success",
		.help = "Whether the collector's last look succeeded; 0 also where there was "
			"nothing to look at.",
		.rows = &rows,
		.get = success,
	},
};

const struct collector metric_self = {
	.name = "collectors",
	.help = "The collectors themselves",
	.metrics = metrics,
	.n_metrics = countof(metrics),
};
