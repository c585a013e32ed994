/* ways.h: by which interface packets to an address leave, as small dense ids. */
#ifndef BASE_WAYS_H
#define BASE_WAYS_H

#include "agent/base/addr.h"
#include "agent/base/buf.h"
#include "agent/base/way_out.h"

struct ways;

/* Ids are 1 to n - 1, given in the order in which interfaces are met and never taken
 * back; 0 = not known. -EINVAL for n = 0, -ENOMEM. */
int ways_new(uint32_t n, struct ways **ret_ways);
/* NULL is fine. */
void ways_free(struct ways *w);

/* The source address that packets to `to` would have, port 0. -errno: there is no route. */
int ways_source(struct ways *w, const struct addr *to, struct addr *ret_source);

/* Asks the kernel's routing, where `from` (NULL = nothing) names neither a device nor a
 * source; nothing is sent. 0 where there is no route, and for interfaces beyond n. Costs three
 * system calls, and a look at all addresses of the machine when a source address has not been met
 * in the last minute. */
uint32_t ways_to(struct ways *w, const struct addr *to, const struct way_out *from, int64_t now_ms);

/* Appends the interface's name; nothing where the id is 0, or the interface is gone. */
void ways_put_name(const struct ways *w, uint32_t way, struct buf *out);

#endif
