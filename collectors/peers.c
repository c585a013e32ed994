/* peers.c: the agents of other directors with which holds are kept alike, as the view has
 * them. */
#include "agent/model/view.h"
#include "collectors/table.h"

#define ARGS                                                                                       \
	const struct view *v, const void *values ATTR_UNUSED, uint32_t row,                        \
		uint32_t sub ATTR_UNUSED, struct metric_value *ret_value

static uint32_t peers_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->n_peers;
}

static void peer_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			struct buf *out)
{
	metric_label(out, "peer", v->peers[row].name);
}

static bool peer_up(ARGS)
{
	*ret_value = metric_u64(v->peers[row].up);
	return v->peers[row].known;
}

static bool peer_last(ARGS)
{
	*ret_value = metric_ms(v->peers[row].last_wall_ms);
	return v->peers[row].last_wall_ms != 0;
}

static bool peer_exchanges(ARGS)
{
	*ret_value = metric_u64(v->peers[row].exchanges);
	return true;
}

static bool peer_skew(ARGS)
{
	*ret_value = metric_f64((double)v->peers[row].skew_ms / 1000);
	return v->peers[row].last_wall_ms != 0;
}

static const char *const whats[] = { "taken", "ended" };

static bool peer_holds(ARGS)
{
	*ret_value = metric_u64(v->peers[row].holds[sub]);
	return true;
}

static bool peer_failures(ARGS)
{
	*ret_value = metric_u64(v->peers[row].failures[sub]);
	return true;
}

/* A guard without a name is the enum's word for none of them. */
static uint32_t guards_count(const struct view *v, const void *values ATTR_UNUSED)
{
	return v->peers_refused ? v->n_guards : 0;
}

static void guard_labels(const struct view *v, const void *values ATTR_UNUSED, uint32_t row,
			 struct buf *out)
{
	metric_label(out, "guard", v->guards[row]);
}

static bool refused(ARGS)
{
	*ret_value = metric_u64(v->peers_refused[row]);
	return v->guards[row][0];
}

static const struct metric_rows peers = {
	.count = peers_count,
	.labels = peer_labels,
	.names = "peer",
};

static const struct metric_rows guards = {
	.count = guards_count,
	.labels = guard_labels,
	.names = "guard",
};

static const struct metric metrics[] = {
	{ .name = "ipvs_peer_up",
	  .help = "Whether the peer answers, and what it holds is held here.",
	  .rows = &peers,
	  .get = peer_up },
	{ .name = "ipvs_peer_last_exchange_timestamp_seconds",
	  .help = "When all that the peer holds was last known here; absent until it was.",
	  .rows = &peers,
	  .get = peer_last },
	{ .name = "ipvs_peer_exchanges_total",
	  .type = METRIC_COUNTER,
	  .help = "Exchanges with the peer that came to their end.",
	  .rows = &peers,
	  .get = peer_exchanges },
	{ .name = "ipvs_peer_failures_total",
	  .type = METRIC_COUNTER,
	  .help = "Exchanges with the peer that failed, by reason.",
	  .rows = &peers,
	  .get = peer_failures,
	  .label = "reason",
	  .subs = peer_failure_names,
	  .n_subs = PEER_N_FAILURES },
	{ .name = "ipvs_peer_holds_total",
	  .type = METRIC_COUNTER,
	  .help = "Holds that were taken over from the peer, and that ended here for they had "
		  "ended there.",
	  .rows = &peers,
	  .get = peer_holds,
	  .label = "what",
	  .subs = whats,
	  .n_subs = countof(whats) },
	{ .name = "ipvs_peer_clock_skew_seconds",
	  .help = "The peer's clock before this director's, to half of what the exchange took.",
	  .rows = &peers,
	  .get = peer_skew },
	{ .name = "ipvs_peer_refused_total",
	  .type = METRIC_COUNTER,
	  .help = "Operators' holds that a guard keeps from acting, for another director's "
		  "operator was first.",
	  .rows = &guards,
	  .get = refused },
};

const struct collector collector_peers = {
	.name = "peers",
	.help = "The agents of other directors, with which holds are kept alike",
	.metrics = metrics,
	.n_metrics = countof(metrics),
};
