/* agent.c: the agent about itself, as the view has it. */
#include "agent/base/clock.h"
#include "agent/holds/alert.h"
#include "agent/model/view.h"
#include "collectors/table.h"

#define GETTER(name, cond, make)                                                                   \
	static bool name(const struct view *v, const void *values ATTR_UNUSED,                     \
			 uint32_t row ATTR_UNUSED, uint32_t sub ATTR_UNUSED,                       \
			 struct metric_value *ret_value)                                           \
	{                                                                                          \
		const struct view_agent *a ATTR_UNUSED = &v->agent;                                \
                                                                                                   \
		if (!(cond))                                                                       \
			return false;                                                              \
		*ret_value = make;                                                                 \
		return true;                                                                       \
	}

/* The view is older than the scrape; never younger, whatever the clock says. */
static int64_t age_ms(const struct view *v)
{
	int64_t age = clock_mono_ms() - v->made_mono_ms;

	return age > 0 ? age : 0;
}

GETTER(one, true, metric_u64(1))
GETTER(reload_ok, true, metric_u64(a->last_reload_ok))
GETTER(reload_time, a->last_reload_wall_ms, metric_ms(a->last_reload_wall_ms))
GETTER(generation, true, metric_u64(v->generation))
GETTER(drift, true, metric_u64(a->drift))
GETTER(drift_adopted, true, metric_u64(a->drift_adopted))
GETTER(drift_stopped, true, metric_u64(a->drift_stopped))
GETTER(frozen, true, metric_u64(a->frozen))
GETTER(correlated, true, metric_u64(a->correlated))
GETTER(writes, true, metric_u64(a->kernel_writes[sub]))
GETTER(write_failures, true, metric_u64(a->kernel_write_failures[sub]))
GETTER(reconcile_time, a->last_reconcile_wall_ms, metric_ms(a->last_reconcile_wall_ms))
GETTER(reconciles, true, metric_u64(a->reconciles))
GETTER(writable, true, metric_u64(a->ledger_writable))
GETTER(damaged, true, metric_u64(a->ledger_damaged))
GETTER(unrecorded, true, metric_u64(a->ledger_unrecorded))
GETTER(journal_lines, true, metric_u64(a->journal_lines))
GETTER(journal_dropped, true, metric_u64(a->journal_dropped))
GETTER(journal_errors, true, metric_u64(a->journal_errors))
GETTER(lag, true, metric_us(a->loop_lag_us))
GETTER(slow, true, metric_u64(a->slow_callbacks))
GETTER(alerts, true, metric_u64(a->alerts[sub]))
GETTER(late, true, metric_us(a->probe_late_us))
GETTER(running, true, metric_u64(a->probes_running))
GETTER(waiting, true, metric_u64(a->probes_waiting))
GETTER(sysctl_writes, true, metric_u64(a->sysctl_writes))
GETTER(sysctl_failures, true, metric_u64(a->sysctl_failures))
GETTER(sysctl_drift, true, metric_u64(a->sysctl_drift))
GETTER(age, true, metric_ms(age_ms(v)))

static void build_labels(const struct view *v ATTR_UNUSED, const void *values ATTR_UNUSED,
			 uint32_t row ATTR_UNUSED, struct buf *out)
{
	metric_label(out, "version", VERSION);
	metric_label(out, "revision", REVISION);
}

#define GAUGE(suffix, fn, text)                                                                    \
	{                                                                                          \
		.name = "ipvs_agent_" suffix, .help = text, .rows = &metric_one, .get = (fn)       \
	}
#define TOTAL(suffix, fn, text)                                                                    \
	{                                                                                          \
		.name = "ipvs_agent_" suffix "_total", .type = METRIC_COUNTER, .help = text,       \
		.rows = &metric_one, .get = (fn)                                                   \
	}
#define BY_OP(suffix, fn, text)                                                                    \
	{                                                                                          \
		.name = "ipvs_agent_" suffix "_total", .type = METRIC_COUNTER, .help = text,       \
		.rows = &metric_one, .get = (fn), .label = "op", .subs = ipvs_op_names,            \
		.n_subs = IPVS_N_OPS                                                               \
	}

static const struct metric metrics[] = {
	{ .name = "ipvs_agent_build_info",
	  .type = METRIC_INFO,
	  .help = "The program.",
	  .rows = &metric_one,
	  .get = one,
	  .info = build_labels,
	  .info_names = "version,revision" },
	GAUGE("config_generation", generation, "Configurations taken over since the start."),
	GAUGE("config_last_reload_successful", reload_ok,
	      "Whether the last configuration that was read had no error."),
	GAUGE("config_last_reload_success_timestamp_seconds", reload_time,
	      "When a configuration was last taken over."),
	TOTAL("drift", drift, "Times that something of ours was found changed by somebody else."),
	TOTAL("drift_adopted", drift_adopted,
	      "Weights of somebody else that became an operator's hold."),
	GAUGE("drift_stopped", drift_stopped,
	      "Services and realservers that another writer fights for: left alone for a while."),
	GAUGE("frozen", frozen, "Whether an operator froze all decisions."),
	{ .name = "ipvs_agent_alerts_total",
	  .type = METRIC_COUNTER,
	  .help = "Alerts of Alertmanager by what came of them; failed: requests that could not "
		  "be recorded, or read.",
	  .rows = &metric_one,
	  .get = alerts,
	  .label = "outcome",
	  .subs = alert_outcomes,
	  .n_subs = ALERT_N_OUTCOMES },
	GAUGE("correlated", correlated,
	      "Whether too many targets failed at once, so that rules hold nothing."),
	BY_OP("kernel_writes", writes, "Requests written to the kernel, refused ones too."),
	BY_OP("kernel_write_failures", write_failures, "Requests that the kernel refused."),
	GAUGE("last_reconcile_timestamp_seconds", reconcile_time,
	      "When the kernel was last read and made to match."),
	TOTAL("reconciles", reconciles, "Passes that made the kernel match."),
	GAUGE("ledger_writable", writable, "Whether the last write to the ledger succeeded."),
	GAUGE("ledger_damaged", damaged,
	      "Whether the ledger was found damaged at the start and set aside with its holds."),
	TOTAL("ledger_unrecorded_holds", unrecorded,
	      "Rules' holds that took effect before they were on disk."),
	TOTAL("journal_lines", journal_lines, "Lines written to the journal."),
	TOTAL("journal_dropped_lines", journal_dropped,
	      "Lines that the journal left out: the disk was too slow, or full."),
	TOTAL("journal_write_errors", journal_errors,
	      "Failed attempts to write the journal; each is made again after a second."),
	GAUGE("loop_lag_seconds", lag, "How late the loop's timers run."),
	TOTAL("slow_callbacks", slow, "Callbacks that kept the loop for more than 10 ms."),
	GAUGE("probe_lateness_seconds", late, "The latest start of a probe against its plan."),
	GAUGE("probes_running", running, "Attempts under way."),
	GAUGE("probes_waiting", waiting, "Attempts that are due, but over max_probes."),
	TOTAL("sysctl_writes", sysctl_writes,
	      "Settings that [sysctl] names, written to the kernel."),
	TOTAL("sysctl_failures", sysctl_failures,
	      "Times that one of them could not be read or written."),
	TOTAL("sysctl_drift", sysctl_drift,
	      "Times that one of them was found changed by somebody else."),
	GAUGE("snapshot_age_seconds", age, "Age of the values that this scrape shows."),
};

const struct collector collector_agent = {
	.name = "agent",
	.help = "The agent itself",
	.metrics = metrics,
	.n_metrics = countof(metrics),
};
