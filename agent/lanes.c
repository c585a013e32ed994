/* lanes.c: an attempt by a lane must never go another way: without the private service a
 * marked packet meets the public one, which asks any realserver. So none begins before the
 * kernel was seen to have the lane, and what stands in the way is unknown. */
#include "agent/lanes.h"

#include <errno.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/way_back.h"
#include "agent/base/ways.h"
#include "agent/settings.h"
#include "agent/sync/reconcile.h"

/* Sysctls are set at boot, and then seldom. */
enum { FIT_MS = 60000 };

/* An address, whatever its port. */
static bool same_host(const struct addr *a, const struct addr *b)
{
	struct addr host = *a;

	host.port = b->port;
	return !addr_cmp(&host, b);
}

/* With masq the kernel puts the VIP into answers once they are in; otherwise they bear it
 * on the way. */
static bool comes_back(struct agent *a, const struct layout_target *t, struct lane_state *s,
		       const struct addr *source)
{
	const struct agent_conf *conf = config_section(a->conf, &agent_section);
	int64_t now = clock_mono_ms();
	struct buf why = BUF_INIT;
	bool fit;

	if (t->lane->dest.forward == IPVS_MASQ)
		return true;
	if (now < s->fit_until_ms && same_host(&s->fit_for, &t->addr))
		return true;
	fit = !way_back(conf->procfs, source, &t->addr, &why);
	s->fit_until_ms = fit ? now + FIT_MS : 0;
	s->fit_for = t->addr;
	if (!fit && !s->told)
		log_event(LOG_WARN,
			  "the kernel drops the answers to probes with via = forward as forged: "
			  "set these sysctls",
			  LOG_STR("probe", t->conf->head.name), LOG_STR("sysctl", buf_str(&why)));
	s->told = !fit;
	buf_fini(&why);
	return fit;
}

/* A source address that answers come back to; -errno: there is none. */
static int find_source(struct ways *ways, const struct layout_target *t, struct addr *source)
{
	int e = 0;

	/* The kernel's own choice for an address of this machine is that address. */
	if (!source->family)
		e = ways_source(ways, &t->lane->dest.addr, source);
	if (!e && (source->family != t->addr.family || same_host(source, &t->addr)))
		e = -EADDRNOTAVAIL;
	return e;
}

enum probe_reason agent_lane_way(void *arg, uint32_t target, struct way_out *way)
{
	struct agent *a = arg;
	const struct layout *l = a->state->layout;
	const struct layout_target *t = &l->targets[target];
	struct lane_state *s = &a->state->lanes[t->lane - l->lanes];
	struct reconcile_stats stats;

	if (a->stopping)
		return SCHED_LATER;
	reconcile_stats(a->reconcile, &stats);
	if (stats.kernel_error || (!s->ready && s->error))
		return PROBE_LOCAL_FORWARD;
	if (!s->ready)
		return SCHED_LATER;
	way->mark = t->lane->key.fwmark;
	if (find_source(a->ways, t, &way->source))
		return PROBE_LOCAL_ROUTE;
	return comes_back(a, t, s, &way->source) ? PROBE_OK : PROBE_LOCAL_FORWARD;
}

void agent_lanes_lack(const struct layout *l, const char *procfs, struct buf *out)
{
	struct ways *ways;
	uint32_t i;

	if (!l->n_lanes || ways_new(1, &ways))
		return;
	for (i = 0; i < l->n_targets; i++) {
		const struct layout_target *t = &l->targets[i];
		struct addr source = probe_conf_way(t->conf, &t->addr).source;
		struct buf why = BUF_INIT;

		if (t->lane && t->lane->dest.forward != IPVS_MASQ &&
		    !find_source(ways, t, &source) && way_back(procfs, &source, &t->addr, &why) &&
		    !strstr(buf_str(out), buf_str(&why)))
			buf_printf(out, "%s%s", out->len ? " " : "", buf_str(&why));
		buf_fini(&why);
	}
	ways_free(ways);
}
