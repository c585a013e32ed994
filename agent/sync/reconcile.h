/* reconcile.h: the only writer to the kernel. Reads it, works out the difference,
 * writes it in batches, reads again every interval; a weight that changed is
 * written at once. A refused write is counted, logged and retried, never an exit. */
#ifndef SYNC_RECONCILE_H
#define SYNC_RECONCILE_H

#include "agent/holds/ledger.h"
#include "agent/ipvs/port.h"
#include "agent/model/match.h"
#include "agent/model/state.h"
#include "agent/sync/diff.h"
#include "agent/sync/writes.h"

struct holds;
struct loop;
struct placer;
struct reconcile;

/* One reading, matched, complete or not; a reference for its receiver. The first complete
 * one comes when what it led to is written, unless somebody asks for it before. */
typedef void reconcile_reading_fn(void *arg, struct reading *reading);

struct reconcile_env {
	struct loop *loop;
	struct ipvs_port *port;
	struct ledger *ledger; /* NULL = nothing is recorded */
	struct holds *holds;   /* of operators who use ipvsadm; with … */
	struct placer *placer; /* NULL = none is made of what they do */
	reconcile_reading_fn *reading;
	/* The first complete reading of a layout was taken in: decide all anew, in as many
	 * turns as it takes; … */
	void (*first)(void *arg);
	void (*decide)(void *arg); /* … and now, what is left of it */
	void *arg;
};

struct reconcile_stats {
	struct write_stats writes;
	uint64_t drift, drift_adopted, passes;
	uint32_t drift_stopped; /* objects that are left alone: there is another writer */
	int64_t last_pass_wall_ms;
	int kernel_error;  /* of the last reading; 0 = it may be acted upon */
	bool kernel_known; /* a complete reading was taken in */
	bool busy;         /* writes are under way, or a pass is */
};

int reconcile_new(const struct reconcile_env *env, struct reconcile **ret_reconcile);
/* After the port: what it did not hand back is freed here. NULL is fine. */
void reconcile_free(struct reconcile *r);

/* What was owned before: from the ledger, at start. */
int reconcile_own(struct reconcile *r, const struct ipvs_key *key);

/* The state to work on, borrowed until the next call; a pass follows at once. */
void reconcile_set_state(struct reconcile *r, struct state *state, int64_t interval_ms,
			 const struct diff_policy *gone);

/* A configuration is being read: the kernel is, too, meanwhile, for a state that is set
 * within that time. What was written since then makes that reading void. */
void reconcile_ahead(struct reconcile *r, int64_t wait_ms);
/* No configuration came of it: the reading is taken as any other. */
void reconcile_go_on(struct reconcile *r);

/* Asks for a reading now (a scrape); one under way serves too. */
void reconcile_read(struct reconcile *r);

/* Writes at once what differs between want and seen in the destinations of a
 * service, as far as the kernel is known. */
void reconcile_service(struct reconcile *r, uint32_t service);
/* Sends what reconcile_service() gathered. */
void reconcile_flush(struct reconcile *r);

/* Deletes every service that we own, or our lanes alone, then calls fn once on the loop.
 * Nothing else is written from then on. */
int reconcile_remove(struct reconcile *r, bool lanes_only, void (*fn)(void *arg), void *arg);

void reconcile_stats(const struct reconcile *r, struct reconcile_stats *ret_stats);

#endif
