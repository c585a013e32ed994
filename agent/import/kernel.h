/* kernel.h: the kernel's values in our grammar, for readers whose source is the kernel, or
 * speaks as it does. What our grammar cannot say is noted. */
#ifndef IMPORT_KERNEL_H
#define IMPORT_KERNEL_H

#include "agent/import/import.h"

/* A realserver of a pool. */
struct import_dest {
	struct ipvs_dest dest; /* no stats or connections */
	struct import_at at;
	const char *what; /* of its notes; NULL: its address */
	const char *wish; /* its name; NULL: made of the address */
	bool disabled, backup;
	bool noted; /* the reader did: what is carried over needs no note */
};

/* Why no service of ours can be that; NULL = one can. */
const char *import_impossible(const struct ipvs_service *s);
/* scheduler, scheduler_flags, one_packet, persistence…: of `s` all but its rows. False:
 * there were notes. */
bool import_scheduling(struct import_part *service, struct import_at at, const char *what,
		       const struct ipvs_service *s);
/* forward, tunnel and the realservers of a pool behind `key`, whose address is there by now.
 * Each of them is noted, as imported too. */
void import_pool(struct import_part *service, const struct ipvs_key *key,
		 const struct import_dest *dests, size_t n);
/* "tcp-192.0.2.10-80": a name for who has none. */
void import_key_wish(struct buf *out, const struct ipvs_key *key);

#endif
