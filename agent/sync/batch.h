/* batch.h: a list of writes being gathered for the kernel, with what each of them
 * is for. */
#ifndef SYNC_BATCH_H
#define SYNC_BATCH_H

#include "agent/ipvs/port.h"
#include "agent/sync/diff.h"

/* Beside op i of the batch: what it writes, by the layout it was made from. */
struct batch {
	struct layout *layout; /* a reference */
	struct ipvs_batch *ops;
	struct diff_item *items; /* one an op */
	uint32_t room_services, room_dests, room_ops;
	uint32_t vip; /* of the last service; DIFF_NONE = one that left the file */
};

int batch_new(struct layout *layout, struct batch **ret_batch);
void batch_free(struct batch *b);

/* Adds a write. `table` has the rows that the item names; NULL where it names none.
 * -ENOMEM leaves the batch as it was. */
int batch_add(struct batch *b, const struct diff_item *item, const struct ipvs_table *table);

#endif
