/* probes.c: what the probes say, as the view has it. The verdict (up) and the last
 * outcome (success, unknown) are apart: rise and fall stand between them. */
#include "agent/model/view.h"
#include "collectors/table.h"

#define GETTER(name, cond, make)                                                                   \
	static bool name(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,       \
			 uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)                 \
	{                                                                                          \
		const struct view_probe *p = &v->probes[row];                                      \
                                                                                                   \
		if (!(cond))                                                                       \
			return false;                                                              \
		*ret_value = make;                                                                 \
		return true;                                                                       \
	}

GETTER(up, p->verdict != VERDICT_NONE, metric_u64(p->verdict == VERDICT_UP))
GETTER(unknown, true, metric_u64(p->verdict == VERDICT_NONE || p->unknown))
GETTER(success, p->last_wall_ms, metric_u64(p->success))
GETTER(duration, p->last_wall_ms, metric_us(p->last_us))
GETTER(finished, p->last_wall_ms, metric_ms(p->last_wall_ms))
GETTER(changed, p->since_wall_ms, metric_ms(p->since_wall_ms))
GETTER(tls_expiry, p->tls_not_after, metric_u64(p->tls_not_after))
GETTER(attempts, true, metric_u64(p->attempts))
GETTER(consecutive_failures, true, metric_u64(p->streak < 0 ? (uint64_t)-p->streak : 0))
GETTER(consecutive_passes, true, metric_u64(p->streak > 0 ? (uint64_t)p->streak : 0))

static bool stale(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		  uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	const struct view_digest *d = v->digests ? &v->digests[row] : NULL;

	if (!d || d->word == CONSENSUS_UNKNOWN)
		return false;
	*ret_value = metric_u64(d->word == CONSENSUS_STALE);
	return true;
}

/* Reasons seen so far; a probe sees few, so a search is the cheapest way. A reason
 * that stands there twice (of two addresses) still makes one series. */
static bool failures(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		     uint32_t sub, struct metric_value *ret_value)
{
	uint32_t i = v->probes[row].first_failure, end = view_failures_end(v, row);
	uint64_t n = 0;

	for (; i < end; i++) {
		if (v->failures[i].reason == sub)
			n += v->failures[i].count;
	}
	*ret_value = metric_u64(n);
	return n != 0;
}

static bool any_failures(const struct view *v, uint32_t row)
{
	return v->probes[row].first_failure < view_failures_end(v, row);
}

static const char *reason_slug(uint32_t sub)
{
	return probe_reasons[sub].slug;
}

static bool any_phase(const struct view *v, uint32_t row)
{
	const struct view_probe *p = &v->probes[row];

	return p->connect_us | p->tls_us | p->first_byte_us;
}

static const char *const phase_names[] = { "connect", "tls", "first_byte" };

/* Only phases that the last attempt went through. */
static bool phase(const struct view *v, const void *values ATTR_UNUSED, uint32_t row, uint32_t sub,
		  struct metric_value *ret_value)
{
	const struct view_probe *p = &v->probes[row];
	const uint32_t us[] = { p->connect_us, p->tls_us, p->first_byte_us };

	*ret_value = metric_us(us[sub]);
	return us[sub] > 0;
}

/* --- durations --- */

enum { LE_INF = DURATION_N_BUCKETS, LE_SUM, LE_COUNT, LE_N };

static bool any_durations(const struct view *v, uint32_t row)
{
	return v->durations && v->durations[row].on;
}

static const char *bound(uint32_t sub)
{
	return sub < LE_INF ? duration_buckets[sub].le : sub == LE_INF ? "+Inf" : NULL;
}

static bool response(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		     uint32_t sub, struct metric_value *ret_value)
{
	const struct durations *d = &v->durations[row];
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i <= sub && i <= LE_INF; i++)
		n += d->counts[i];
	*ret_value = sub == LE_SUM ? metric_us((int64_t)d->sum_us) : metric_u64(n);
	return true;
}

/* --- canaries --- */

static uint32_t canaries_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_canaries;
}

static void canary_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			  struct buf *out)
{
	metric_label(out, "canary", v->canaries[row].name);
}

static bool canary_up(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
		      uint32_t sub ATTR_UNUSED, struct metric_value *ret_value)
{
	*ret_value = metric_u64(v->canaries[row].up);
	return v->canaries[row].known;
}

static const struct metric_rows canaries = {
	.count = canaries_count,
	.labels = canary_labels,
	.names = "canary",
};

#define GAUGE(suffix, fn, text)                                                                    \
	{                                                                                          \
		.name = "ipvs_probe_" suffix, .help = text, .rows = &metric_probes, .get = (fn)    \
	}

static const struct metric metrics[] = {
	GAUGE("up", up, "The verdict, by rise and fall; kept while outcomes are unknown."),
	GAUGE("unknown", unknown,
	      "Whether there is no verdict yet, or the last attempt could not tell (our fault)."),
	GAUGE("success", success, "Whether the last attempt passed."),
	GAUGE("duration_seconds", duration, "How long the last attempt took."),
	{ .name = "ipvs_probe_phase_duration_seconds",
	  .help = "How long phases of the last attempt took, as far as it came.",
	  .rows = &metric_probes,
	  .get = phase,
	  .any = any_phase,
	  .label = "phase",
	  .subs = phase_names,
	  .n_subs = countof(phase_names) },
	{ .name = "ipvs_probe_response_seconds",
	  .type = METRIC_HISTOGRAM,
	  .help = "How long attempts took that passed (histogram = on).",
	  .rows = &metric_probes,
	  .get = response,
	  .any = any_durations,
	  .label = "le",
	  .sub = bound,
	  .n_subs = LE_N },
	GAUGE("consecutive_failures", consecutive_failures, "Attempts that failed in a row."),
	GAUGE("consecutive_passes", consecutive_passes, "Attempts that passed in a row."),
	GAUGE("stale", stale,
	      "Whether more than half of the service's realservers agree on another answer; none "
	      "for fewer than 3 (digest = consensus)."),
	GAUGE("tls_expiry_timestamp_seconds", tls_expiry,
	      "When the certificate that was seen last ends: of tls probes, and of those with "
	      "min_days."),
	GAUGE("last_attempt_timestamp_seconds", finished, "When the last attempt ended."),
	GAUGE("last_change_timestamp_seconds", changed, "When the verdict became what it is."),
	{ .name = "ipvs_probe_attempts_total",
	  .type = METRIC_COUNTER,
	  .help = "Attempts that ended.",
	  .rows = &metric_probes,
	  .get = attempts },
	{ .name = "ipvs_probe_failures_total",
	  .type = METRIC_COUNTER,
	  .help = "Attempts that did not pass, by reason; reasons local-*, advice-* and "
		  "answer-silence are unknown, not down.",
	  .rows = &metric_probes,
	  .get = failures,
	  .any = any_failures,
	  .label = "reason",
	  .sub = reason_slug,
	  .n_subs = PROBE_N_REASONS },
	{ .name = "ipvs_canary_up",
	  .help = "Whether the canary answered when it was asked last; absent until it was.",
	  .rows = &canaries,
	  .get = canary_up },
};

const struct collector collector_probes = {
	.name = "probes",
	.help = "Probes of realservers",
	.metrics = metrics,
	.n_metrics = countof(metrics),
};
