/* view.h: the published values: one immutable, reference-counted snapshot of flat
 * rows, made on the loop, read by every thread. Strings belong to the
 * configuration it holds a reference on, or to its arena. */
#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

#include "agent/base/arena.h"
#include "agent/model/durations.h"
#include "agent/model/layout.h"
#include "agent/model/view_decisions.h"
#include "agent/model/view_duties.h"
#include "agent/model/view_rows.h"

struct reading;

struct view {
	struct config *conf;
	int64_t made_mono_ms, made_wall_ms;
	uint64_t generation;     /* of the configuration: 1, 2, … */
	struct reading *reading; /* whose table and layout it shows; may be NULL */
	struct ipvs_table table; /* the reading's; empty where the kernel could not be read */
	const struct layout *layout;
	struct view_vip *vips;
	struct view_dest *dests;
	struct view_service *services;
	struct view_realserver *realservers;
	struct view_probe *probes;
	struct view_digest *digests; /* by row of probes; NULL = none compares */
	struct durations *durations; /* the same; NULL = none counts them */
	struct view_failure *failures;
	struct view_hold *holds;
	struct view_drain *drains; /* in the order of the holds */
	struct view_rule *rules;
	struct view_receiver *receivers;
	struct view_canary *canaries;
	struct view_duties *duties; /* in the arena; NULL = not known */
	struct view_peer *peers;
	const uint64_t *peers_refused; /* by enum guard; NULL without peers */
	const char *const *guards;     /* names by enum guard, "" = none: label guard */
	uint32_t n_vips, n_dests, n_services, n_realservers, n_probes, n_failures, n_holds,
		n_drains, n_rules, n_receivers, n_canaries, n_peers, n_guards;
	bool realserver_series, node_exporter_names; /* as [metrics] has them */
	struct view_agent agent;
	/* What the collectors found, one per collector in the registry's order (NULL =
	 * not run); made by metrics/round, freed by its free function. */
	void *rounds;
	void (*rounds_free)(void *rounds);
	struct arena arena; /* of names that the configuration does not hold */
	struct buf reasons; /* of realservers, and texts of probes, most of them once */
	/* The names of the realservers as labels are written, quote and all, each behind its
	 * length: name_of says where. Without (NULL) they are written anew each time. */
	struct buf names;
	uint32_t *name_of;
	_Atomic unsigned int refs;
};

/* What is wrong with the agent itself, as an operator is told it: appends the sentence
 * about trouble `i` and returns true where there is that trouble. */
enum { VIEW_N_TROUBLES = 6 + VIEW_N_DUTY_TROUBLES };
bool view_trouble(const struct view *v, unsigned int i, struct buf *out);

/* Who a realserver is. */
static inline const struct realserver_conf *view_conf(const struct view *v, uint32_t realserver)
{
	return v->layout->realservers[realserver].conf;
}
static inline uint32_t view_service(const struct view *v, uint32_t realserver)
{
	return v->layout->realservers[realserver].service;
}
static inline const char *view_reason(const struct view *v, uint32_t realserver)
{
	uint32_t at = v->realservers[realserver].reason;

	return at ? v->reasons.data + at : "";
}
/* Behind the last of a realserver's probes, and of a probe's failures. */
static inline uint32_t view_probes_end(const struct view *v, uint32_t realserver)
{
	return realserver + 1 < v->n_realservers ? v->realservers[realserver + 1].first_probe
						 : v->n_probes;
}
static inline uint32_t view_failures_end(const struct view *v, uint32_t probe)
{
	return probe + 1 < v->n_probes ? v->probes[probe + 1].first_failure : v->n_failures;
}
const char *view_probe_name(const struct view *v, uint32_t probe);
const char *view_probe_text(const struct view *v, uint32_t probe);
/* Whose dest that row is. */
uint32_t view_vip_of(const struct view *v, uint32_t dest);

/* Without rows, with one reference; NULL when memory is out. The layout (may be NULL) must be
 * there until the view shows a reading of it, or is freed. */
struct view *view_new(struct config *conf, const struct layout *layout);
void view_read(struct view *v, struct reading *reading); /* shows it, once; a reference */
struct view *view_ref(struct view *v);
/* NULL is fine. */
void view_unref(struct view *v);

#endif
