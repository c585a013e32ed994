/* feed.c: values for rules. Signals that no rule reads cost a look at a flag. What
 * several probes or destinations of one realserver say is brought to one value: the
 * worst verdict, the longest duration, the sum of counters. */
#include "agent/feed.h"

#include <math.h>
#include <stdlib.h>

#include "agent/model/compare.h"

struct feed {
	const struct ruleset *set;
	int64_t now_ms;
	bool (*given)(const void *arg, enum signal_id signal, uint32_t id); /* NULL = nothing is */
	const void *arg;
};

static void put_needed(const struct feed *f, enum signal_id signal, uint32_t id, double value)
{
	if (!f->given || !f->given(f->arg, signal, id))
		samples_put(f->set->samples, signal, id, f->now_ms, value);
}

/* Of the most nobody reads: without a call. */
static inline void put(const struct feed *f, enum signal_id signal, uint32_t id, double value)
{
	if (f->set->needs[signal])
		put_needed(f, signal, id, value);
}

/* --- probes -------------------------------------------------------------------------- */

/* What the targets of a realserver say together. */
struct probed {
	bool any, success;
	uint32_t failures, passes;
	int64_t duration_us;
	uint64_t attempts, failed;
};

static void add_target(struct probed *p, const struct target *t)
{
	uint32_t i;

	p->success = (!p->any || p->success) && t->health.success;
	p->passes = !p->any || t->health.passes < p->passes ? t->health.passes : p->passes;
	p->failures = t->health.failures > p->failures ? t->health.failures : p->failures;
	p->duration_us = t->last_us > p->duration_us ? t->last_us : p->duration_us;
	p->attempts += t->attempts;
	for (i = 0; i < t->n_failures; i++)
		p->failed += target_failures(t)[i].count;
	p->any |= t->attempts > 0;
}

static double stale_of(const struct feed *f, const struct state *s, uint32_t realserver)
{
	static const double values[] = {
		[CONSENSUS_UNKNOWN] = NAN, [CONSENSUS_SAME] = 0, [CONSENSUS_STALE] = 1
	};

	if (!f->set->needs[SIGNAL_PROBE_STALE])
		return NAN;
	return values[compare_realserver(s->compare, realserver, f->now_ms)];
}

static void feed_probes(const struct feed *f, const struct state *s, uint32_t realserver)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	const struct realserver_state *rs = &s->realservers[realserver];
	struct probed p = { 0 };
	uint32_t i;

	put(f, SIGNAL_PROBE_UP, realserver,
	    rs->verdict == VERDICT_NONE ? NAN : rs->verdict == VERDICT_UP);
	put(f, SIGNAL_PROBE_UNKNOWN, realserver, rs->verdict == VERDICT_NONE || rs->unknown);
	put(f, SIGNAL_PROBE_STALE, realserver, stale_of(f, s, realserver));
	if (!f->set->needs_attempts)
		return;
	for (i = l->first_link; i < l->first_link + l->n_links; i++)
		if (!s->layout->targets[s->layout->links[i]].conf->advises)
			add_target(&p, &s->targets[s->layout->links[i]]);
	if (!p.any)
		return;
	/* What went wrong on our side says nothing of the realserver. */
	put(f, SIGNAL_PROBE_SUCCESS, realserver, rs->unknown ? NAN : p.success);
	put(f, SIGNAL_PROBE_DURATION_SECONDS, realserver,
	    rs->unknown ? NAN : (double)p.duration_us / 1e6);
	put(f, SIGNAL_PROBE_CONSECUTIVE_FAILURES, realserver, p.failures);
	put(f, SIGNAL_PROBE_CONSECUTIVE_PASSES, realserver, p.passes);
	put(f, SIGNAL_PROBE_ATTEMPTS_TOTAL, realserver, (double)p.attempts);
	put(f, SIGNAL_PROBE_FAILURES_TOTAL, realserver, (double)p.failed);
}

/* --- decisions ------------------------------------------------------------------------ */

static void feed_weights(const struct feed *f, const struct state *s, uint32_t realserver)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	const struct realserver_state *rs = &s->realservers[realserver];
	int32_t seen = SEEN_UNKNOWN;
	uint32_t i;

	for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++)
		if (s->dests[s->layout->dest_links[i]].seen > seen)
			seen = s->dests[s->layout->dest_links[i]].seen;
	put(f, SIGNAL_WEIGHT, realserver, seen < 0 ? NAN : seen);
	put(f, SIGNAL_CONFIGURED_WEIGHT, realserver, l->conf->weight);
	put(f, SIGNAL_EFFECTIVE_WEIGHT, realserver, rs->weight < 0 ? NAN : rs->weight);
	samples_peer(f->set->samples, realserver,
		     l->conf->enabled && !l->conf->backup && rs->verdict == VERDICT_UP &&
			     rs->weight > 0);
}

void feed_service_beside(const struct ruleset *set, const struct state *s, uint32_t service,
			 int64_t now_ms,
			 bool (*given)(const void *arg, enum signal_id signal, uint32_t id),
			 const void *arg)
{
	const struct layout_service *l = &s->layout->services[service];
	const struct service_state *svc = &s->services[service];
	const struct feed f = { set, now_ms, given, arg };
	uint32_t i;

	if (set->needs[SIGNAL_PROBE_STALE])
		compare_service(s->compare, service, now_ms);
	for (i = l->first_realserver; i < l->first_realserver + l->n_realservers; i++) {
		feed_probes(&f, s, i);
		if (set->needs_weights)
			feed_weights(&f, s, i);
	}
	put(&f, SIGNAL_SERVICE_AVAILABLE, service, svc->available);
	put(&f, SIGNAL_SERVICE_REALSERVERS, service, l->n_realservers);
	put(&f, SIGNAL_SERVICE_AVAILABLE_RATIO, service,
	    svc->configured ? (double)svc->own / svc->configured : NAN);
	put(&f, SIGNAL_SERVICE_PANIC, service, svc->panic);
}

void feed_service(const struct ruleset *set, const struct state *s, uint32_t service,
		  int64_t now_ms)
{
	feed_service_beside(set, s, service, now_ms, NULL, NULL);
}

/* --- the kernel's figures ------------------------------------------------------------- */

/* A signal and where its number stands in a row of the reading. */
struct figure {
	enum signal_id signal;
	size_t offset;
	bool wide; /* 64 bits */
};

#define DEST(id, member, w)                                                                        \
	{                                                                                          \
		SIGNAL_##id, offsetof(struct ipvs_dest, member), w                                 \
	}

static const struct figure dest_figures[] = {
	DEST(ACTIVE_CONNECTIONS, active, false),
	DEST(INACTIVE_CONNECTIONS, inactive, false),
	DEST(PERSISTENT_CONNECTIONS, persistent, false),
	DEST(UPPER_THRESHOLD, upper, false),
	DEST(LOWER_THRESHOLD, lower, false),
	DEST(CONNECTIONS_TOTAL, stats.conns, true),
	DEST(INCOMING_PACKETS_TOTAL, stats.in_packets, true),
	DEST(OUTGOING_PACKETS_TOTAL, stats.out_packets, true),
	DEST(INCOMING_BYTES_TOTAL, stats.in_bytes, true),
	DEST(OUTGOING_BYTES_TOTAL, stats.out_bytes, true),
};

#define TOTAL(id, member)                                                                          \
	{                                                                                          \
		SIGNAL_SERVICE_##id##_TOTAL, offsetof(struct ipvs_service, stats.member), true     \
	}

static const struct figure service_figures[] = {
	TOTAL(CONNECTIONS, conns),
	TOTAL(INCOMING_PACKETS, in_packets),
	TOTAL(OUTGOING_PACKETS, out_packets),
	TOTAL(INCOMING_BYTES, in_bytes),
	TOTAL(OUTGOING_BYTES, out_bytes),
};

static double read_figure(const void *row, const struct figure *f)
{
	const char *at = (const char *)row + f->offset;

	return f->wide ? (double)*(const uint64_t *)(const void *)at
		       : *(const uint32_t *)(const void *)at;
}

/* A threshold of 0 is none. */
static bool says_nothing(enum signal_id signal, double sum)
{
	return (signal == SIGNAL_UPPER_THRESHOLD || signal == SIGNAL_LOWER_THRESHOLD) && sum == 0;
}

static void feed_dests(const struct ruleset *set, const struct reading *r, uint32_t realserver,
		       int64_t at_ms)
{
	const struct layout_realserver *l = &r->layout->realservers[realserver];
	size_t f;

	for (f = 0; f < countof(dest_figures); f++) {
		double sum = NAN;
		uint32_t i;

		if (!set->needs[dest_figures[f].signal])
			continue;
		for (i = l->first_dest_link; i < l->first_dest_link + l->n_dest_links; i++) {
			uint32_t row = r->match.row_of_dest[r->layout->dest_links[i]];

			if (row != MATCH_NONE)
				sum = (isnan(sum) ? 0 : sum) +
				      read_figure(&r->table.dests[row], &dest_figures[f]);
		}
		samples_put(set->samples, dest_figures[f].signal, realserver, at_ms,
			    says_nothing(dest_figures[f].signal, sum) ? NAN : sum);
	}
}

static void feed_vips(const struct ruleset *set, const struct reading *r, uint32_t service,
		      int64_t at_ms)
{
	const struct layout_service *l = &r->layout->services[service];
	size_t f;

	for (f = 0; f < countof(service_figures); f++) {
		double sum = NAN;
		uint32_t v;

		if (!set->needs[service_figures[f].signal])
			continue;
		for (v = l->first_vip; v < l->first_vip + l->n_vips; v++) {
			uint32_t row = r->match.row_of_vip[v];

			if (row != MATCH_NONE)
				sum = (isnan(sum) ? 0 : sum) +
				      read_figure(&r->table.services[row], &service_figures[f]);
		}
		samples_put(set->samples, service_figures[f].signal, service, at_ms, sum);
	}
}

void feed_reading(const struct ruleset *set, const struct reading *reading, uint32_t service)
{
	int64_t at_ms = reading->table.started_us / 1000;
	const struct layout_service *svc;
	uint32_t i;

	if (!set->needs_kernel || reading->layout != set->layout || !set->sampled[service])
		return;
	svc = &reading->layout->services[service];
	for (i = svc->first_realserver; i < svc->first_realserver + svc->n_realservers; i++)
		feed_dests(set, reading, i, at_ms);
	feed_vips(set, reading, service, at_ms);
}
