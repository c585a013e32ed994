/* timeouts.h: IPVS's timeouts over netlink, with a socket for each question: it is asked
 * seldom. For the kernel thread, or a program that has none. */
#ifndef IPVS_TIMEOUTS_H
#define IPVS_TIMEOUTS_H

#include "agent/ipvs/values.h"

/* Of *ret_info the timeouts are filled. -EPERM, -ENOPROTOOPT (no ip_vs; asking makes the
 * kernel load it: look before), … */
int timeouts_get(struct ipvs_info *ret_info);
/* Those that are 0 stay as they are. */
int timeouts_set(const struct ipvs_info *info);

#endif
