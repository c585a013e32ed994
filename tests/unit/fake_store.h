/* fake_store.h: what the two halves of the fake kernel share. */
#ifndef UNIT_FAKE_STORE_H
#define UNIT_FAKE_STORE_H

#include <pthread.h>
#include <stdlib.h>

#include "tests/unit/fake_kernel.h"

struct fake_service {
	struct ipvs_service service;
	struct ipvs_dest *dests;
	uint32_t n_dests, room;
};

struct fault {
	uint32_t skip, times;
	int error;
};

struct fake_kernel {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct fake_service *services;
	uint32_t n_services, room;
	uint32_t writes[IPVS_N_OPS + 1];
	uint32_t dumps;
	struct fault faults[IPVS_N_OPS];
	int broken;
	int cut_error;
	uint32_t cut_after;
	bool vanishes;
	struct ipvs_key vanishing;
	bool halts, halted;
	uint32_t halt_at;
};

static inline void *fake_must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* All with the lock held. */
struct fake_service *fake_find_service(struct fake_kernel *f, const struct ipvs_key *key);
/* 0, or what the kernel would say. */
int fake_write(struct fake_kernel *f, enum ipvs_op_kind kind, const struct ipvs_service *s,
	       const struct ipvs_dest *d);

#endif
