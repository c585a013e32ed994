/* netns.h: work in another network namespace, and be reached in the one that we come
 * from. */
#ifndef BASE_NETNS_H
#define BASE_NETNS_H

#include <stdbool.h>

#include "agent/base/buf.h"

struct netns_home;

/* Whether the text can name a namespace: a word as `ip netns` has them, or an absolute
 * path such as /proc/1234/ns/net. If not, why (may be NULL) is told. */
bool netns_name_ok(const char *text, struct buf *why);

/* Moves the calling thread, and those that it starts from then on, into that network
 * namespace; what the kernel shows of it below /proc/net and /proc/sys/net follows. To be
 * called by the only thread of the process: the process's own thread is then there. Needs
 * CAP_SYS_ADMIN. ret_home NULL: the way back is not needed. -errno with a sentence in why,
 * and nothing has changed. */
int netns_enter(const char *name, struct buf *why, struct netns_home **ret_home);

/* socket() in the namespace that was left, by a thread that stays there without any
 * privilege of its own; where home is NULL, here. Close-on-exec and non-blocking. A
 * descriptor or -errno. From one thread at a time. */
int netns_home_socket(struct netns_home *home, int family, int type);

/* Ends that thread. NULL is fine. */
void netns_home_free(struct netns_home *home);

#endif
