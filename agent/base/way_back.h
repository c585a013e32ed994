/* way_back.h: may answers that bear an address of this machine come in from outside? The
 * kernel drops them as forged, unless it was told otherwise. */
#ifndef BASE_WAY_BACK_H
#define BASE_WAY_BACK_H

#include "agent/base/addr.h"
#include "agent/base/buf.h"

/* Answers come in where `here` is, an address of this machine, and bear `from` as their
 * source. 0: they may, or `from` is none of our addresses, or they are IPv6, where nothing
 * forbids it. -EACCES: they are dropped; `why` has the sysctls and what they must be. Where
 * the sysctls cannot be read they are taken to be right. Costs a look at all addresses of
 * the machine and at four files. */
int way_back(const char *procfs, const struct addr *here, const struct addr *from, struct buf *why);

#endif
