/* publish.h: the latest snapshot and those who wait for it; how its rows are made. */
#ifndef AGENT_PUBLISH_H
#define AGENT_PUBLISH_H

#include "agent/command.h"
#include "agent/model/view.h"

struct agent;
struct publisher;
struct reading;

/* publish.c: makes and hands out the snapshots. */
int publisher_new(struct agent *a, struct publisher **ret_publisher);
/* Answers who still waits. NULL is fine. */
void publisher_free(struct publisher *p);
/* A reading came: collectors run, then it is published, unless nobody has asked for a
 * snapshot of late. Takes the reference. */
void publisher_reading(struct publisher *p, struct reading *reading);
/* Answers with a snapshot no older than that (or COMMAND_MAX_AGE), as soon as there is one. */
void publisher_round(struct publisher *p, int64_t max_age_ms, command_fn *fn, void *arg);
/* From any thread: a reference on the latest; NULL = there is none, see publish.c. */
struct view *publisher_view(struct publisher *p);
/* From any thread: has the kernel's table been read, once? */
bool publisher_was_read(struct publisher *p);

/* One in the making. */
struct snapshot {
	struct view *view;
	const struct agent *agent;
	int64_t now_ms;
	unsigned int stage;
	uint32_t next; /* realserver */
	bool held;     /* there are holds */
	uint32_t failures_room;
	/* Reasons that were given, by their hash: the last of each, for most are alike. */
	uint32_t given[64];
	struct buf text;
};

/* snapshot_dests.c: room for the rows of a layout, and its names. On any thread. -ENOMEM. */
int snapshot_room(struct view *v);
/* The VIPs and destinations, as the reading has them that the view shows. On any thread, after
 * all else. -ENOMEM. */
int snapshot_dests(struct view *v);
/* snapshot.c: all that is neither, on the loop, in slices: begun with a view that has its
 * room, whose layout must be in force as long as it goes on. snapshot_next() goes on until
 * about `until_us` (monotonic): -EAGAIN = there is more, 0 = done, or -ENOMEM. */
void snapshot_begin(struct snapshot *s, struct view *v, const struct agent *a);
int snapshot_next(struct snapshot *s, int64_t until_us);
void snapshot_fini(struct snapshot *s);
/* The agent's own counters. */
void snapshot_agent(struct view *v, const struct agent *a);
/* snapshot_pools.c: some realservers with their probes; the services; and that a guard
 * keeps one whom a rule would hold. */
int snapshot_realservers(struct snapshot *s);
int snapshot_services(struct snapshot *s);
int snapshot_refused(struct snapshot *s, uint32_t realserver, const char *rule, unsigned int guard);

#endif
