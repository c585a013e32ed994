/* due.h: PURE: for each of n ids when it is to be looked at, and the earliest of all
 * without a walk. */
#ifndef BASE_DUE_H
#define BASE_DUE_H

#include <stdbool.h>

#include "agent/base/heap.h"

/* INT64_MAX = never: such an id is not in the heap. */
struct due {
	struct heap heap;
};

/* All never. -ENOMEM: due_fini() is still right. */
int due_init(struct due *d, uint32_t n);
void due_fini(struct due *d);

void due_set(struct due *d, uint32_t id, int64_t at);
/* At that time, unless it is earlier already. */
void due_by(struct due *d, uint32_t id, int64_t at);
int64_t due_at(const struct due *d, uint32_t id);
/* The earliest; INT64_MAX = none. */
int64_t due_first(const struct due *d);
/* Takes one whose time has come: it is never due again by itself. False = none is. */
bool due_take(struct due *d, int64_t now, uint32_t *ret_id);

#endif
