/* world.h: a director that exists in memory alone: a configuration, its state, its
 * holds and its rules, with a kernel that does at once what it is told. Time is what
 * its owner says. `ipvs-agent test`, `replay` and the model test drive it. */
#ifndef AGENT_WORLD_H
#define AGENT_WORLD_H

#include "agent/decide.h"
#include "agent/model/signal.h"

struct config;
struct placer;
struct ruleset;

struct world {
	struct config *conf; /* a reference */
	struct state *state;
	struct holds *holds;
	struct placer *placer;
	struct engine *engine;
	struct decider decider;
	struct moment now;
	bool blind;  /* its owner says what the kernel has: world_blind() */
	bool *given; /* by id and signal: world_give() */
	/* Told of every decision, after the world itself. */
	decision_fn *tell;
	void *arg;
};

/* From a configuration without errors, at `now`; nothing is probed, the kernel has
 * nothing. -EINVAL and the like: `why` says what of the rules cannot be. */
int world_new(struct config *conf, const struct moment *now, struct buf *why,
	      struct world **ret_world);
void world_free(struct world *w);

/* Takes the next configuration, as a reload does. On failure the old one stays. */
int world_reload(struct world *w, struct config *conf, struct buf *why);

/* All probes of a realserver came to this verdict, by that outcome. */
void world_verdict(struct world *w, uint32_t realserver, enum verdict verdict,
		   enum probe_reason reason);

/* The same of one target, for all whose it is. */
void world_target(struct world *w, uint32_t target, enum verdict verdict, enum probe_reason reason);

/* A target's words of itself, as a probe reported them. */
struct probe_report;
void world_advice(struct world *w, uint32_t target, const struct probe_report *report);

/* The probes of a realserver could not tell: what they said last stands. */
void world_unknown(struct world *w, uint32_t realserver, enum probe_reason reason);

/* A value of a signal, as rules will read it at their next step. What verdicts and
 * decisions say of it then takes its place, unless it was declared given: from then on,
 * until the next reload, it has the values of world_sample() alone. -ENOMEM. */
int world_give(struct world *w, enum signal_id signal, uint32_t id);
void world_sample(struct world *w, enum signal_id signal, uint32_t id, double value);

/* Places or ends an operator's or an alert's hold; recorded at once. */
int world_hold(struct world *w, const struct hold *like);
void world_lift(struct world *w, const struct hold *like);

/* From then on the kernel is not empty but unknown, as at the start of an agent, until
 * the owner has said what weights were seen in it, and that this was all. */
void world_blind(struct world *w);
void world_seen(struct world *w, uint32_t realserver, int32_t weight);
void world_kernel(struct world *w);

/* Lets the time be `now`, decides what is dirty, and has the kernel do it. */
void world_decide(struct world *w, const struct moment *now);
/* Lets the time be `now`, decides what is due and dirty, and has the kernel do it. */
void world_step(struct world *w, const struct moment *now);

/* Every service that samples anything is judged at the next step. */
void world_sampled(struct world *w);

#endif
