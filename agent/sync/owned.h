/* owned.h: which kernel services are ours: created by us, or named by the file at
 * some time. Kept in the ledger, so that what left the file while we were stopped
 * goes too. */
#ifndef SYNC_OWNED_H
#define SYNC_OWNED_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/ipvs/ipvs.h"

struct owned_entry;
struct owned {
	struct owned_entry *table;
};

void owned_fini(struct owned *o);
bool owned_has(const struct owned *o, const struct ipvs_key *key);
/* 1 = it is new, 0 = known, -ENOMEM. */
int owned_add(struct owned *o, const struct ipvs_key *key);
/* True when it was there. */
bool owned_remove(struct owned *o, const struct ipvs_key *key);
size_t owned_count(const struct owned *o);
void owned_each(const struct owned *o, void (*fn)(void *arg, const struct ipvs_key *key),
		void *arg);

#endif
