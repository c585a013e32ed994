/* tend_errand.h: what tend.c sends to the port's thread, and what comes back. */
#ifndef SYNC_TEND_ERRAND_H
#define SYNC_TEND_ERRAND_H

#include "agent/sync/tend.h"

/* On its way to the port's thread and back; values alone, so that it outlives the tend. */
struct tend_errand {
	struct ipvs_errand errand;
	struct tend *tend;
	const struct tend_kernel *kernel;
	struct duty_ops ops;
	struct duty_own *told; /* addresses that the others are told of */
	size_t n_told;
	struct duty_seen seen;
	bool routes_too, daemons_too; /* what is read */
	int error, tell_error, daemon_error;
};

/* Carries out, reads, tells: on the port's thread. */
void tend_errand_run(struct ipvs_errand *errand);
/* NULL is fine; the other one where the port is freed first. */
void tend_errand_free(struct tend_errand *e);
void tend_errand_drop(struct ipvs_errand *errand);

/* A line of the log: what was done, or refused. */
void tend_log_op(const struct duty_op *op);

#endif
