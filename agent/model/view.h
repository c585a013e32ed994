/* view.h: the published values: one immutable, reference-counted snapshot of flat
 * rows, made on the loop, read by every thread. Strings belong to the
 * configuration it holds a reference on, or to its arena. */
#ifndef MODEL_VIEW_H
#define MODEL_VIEW_H

#include "agent/base/arena.h"
#include "agent/model/view_rows.h"

struct config;
struct reading;

/* A receiver of what rules tell; exec's programs are one together. */
struct view_receiver {
	const char *action, *name; /* "notify", "ops" */
	uint64_t results[4];       /* sent, failed, dropped, retried */
	uint32_t waiting;
};

struct view {
	struct config *conf;
	int64_t made_mono_ms, made_wall_ms;
	uint64_t generation;     /* of the configuration: 1, 2, … */
	struct reading *reading; /* whose table it is; may be NULL */
	struct ipvs_table
		table; /* the reading's, borrowed; empty where the kernel could not be read */
	struct view_vip *vips;
	struct view_dest *dests;
	struct view_service *services;
	struct view_realserver *realservers;
	struct view_probe *probes;
	struct view_failure *failures;
	struct view_hold *holds;
	struct view_rule *rules;
	struct view_receiver *receivers;
	uint32_t n_vips, n_dests, n_services, n_realservers, n_probes, n_failures, n_holds, n_rules,
		n_receivers;
	const char *const *guards; /* names by enum guard, "" = none: label guard */
	uint32_t n_guards;
	bool realserver_series, node_exporter_names; /* as [metrics] has them */
	struct view_agent agent;
	/* What the collectors found, one per collector in the registry's order (NULL =
	 * not run); made by metrics/round, freed by its free function. */
	void *rounds;
	void (*rounds_free)(void *rounds);
	struct arena arena; /* of names that the configuration does not hold */
	_Atomic unsigned int refs;
};

/* What is wrong with the agent itself, as an operator is told it: appends the sentence
 * about trouble `i` and returns true where there is that trouble. */
enum { VIEW_N_TROUBLES = 4 };
bool view_trouble(const struct view *v, unsigned int i, struct buf *out);

/* A view without rows, with one reference; NULL when memory is out. */
struct view *view_new(struct config *conf, struct reading *reading);
struct view *view_ref(struct view *v);
/* NULL is fine. */
void view_unref(struct view *v);

#endif
