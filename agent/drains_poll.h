/* drains_poll.h: inside of the drains: one look at some realservers, as far as the kernel
 * must be asked for it. For drains.c alone. */
#ifndef AGENT_DRAINS_POLL_H
#define AGENT_DRAINS_POLL_H

#include "agent/holds/drain.h"
#include "agent/model/layout.h"

struct agent;

enum { DRAINS_POLL_VIPS = 256 }; /* that one poll asks about, at most */

/* What a poll found; `looks` is NULL where the kernel could not be asked. */
struct drains_found {
	const uint32_t *realservers; /* as they were asked for: sorted */
	const struct drain_look *looks;
	uint32_t n;
	int64_t took_ms; /* of the kernel's time */
};
typedef void drains_poll_fn(void *arg, const struct drains_found *found);

/* Asks about realservers of the layout in force, sorted, each once: about the first of
 * them, as many as DRAINS_POLL_VIPS allows. fn comes once, on the loop, unless
 * drains_poll_drop() comes before. -ENOMEM: it never does. */
struct drains_poll;
int drains_poll(struct agent *a, const uint32_t *realservers, uint32_t n, drains_poll_fn *fn,
		void *arg, struct drains_poll **ret_poll);
/* Nobody waits for it any more: after the port was freed, before the loop is. NULL is
 * fine. */
void drains_poll_drop(struct drains_poll *p);

#endif
