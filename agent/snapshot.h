/* snapshot.h: between the files that make a snapshot. */
#ifndef AGENT_SNAPSHOT_H
#define AGENT_SNAPSHOT_H

struct agent;
struct view;

/* snapshot_pools.c: services, realservers, probes and their failures. */
int snapshot_pools(struct view *v, const struct agent *a);

#endif
