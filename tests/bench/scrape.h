/* scrape.h: what the bench of the scrape is made of: a director of any size in memory,
 * its snapshot, and two servers that send the same bytes. */
#ifndef TESTS_BENCH_SCRAPE_H
#define TESTS_BENCH_SCRAPE_H

#include "agent/base/buf.h"
#include "agent/model/view.h"

/* scrape_world.c: `services` of `each` realservers, all of them probed, up and in the
 * kernel with counters of their own. */
struct bench_world;
struct bench_world *bench_world_new(uint32_t services, uint32_t each);
void bench_world_free(struct bench_world *w);
/* What one snapshot costs. */
struct bench_snapshot {
	int64_t loop_us, longest_us; /* on the loop in all, and in one piece */
	int64_t work_us;             /* on the work queue */
	size_t bytes;                /* taken from malloc */
};
struct view *bench_world_view(struct bench_world *w, struct bench_snapshot *ret_cost);

/* scrape_peer.c: libmicrohttpd as the agent sets it up, sending a text from memory:
 * as one buffer, and by a callback in pieces, as what has no length is sent. */
struct bench_peer;
struct bench_peer *bench_peer_new(const struct buf *text, bool pieces);
uint16_t bench_peer_port(const struct bench_peer *p);
void bench_peer_free(struct bench_peer *p);

#endif
