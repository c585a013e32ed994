/* publish.h: the latest snapshot and those who wait for it; how its rows are made. */
#ifndef AGENT_PUBLISH_H
#define AGENT_PUBLISH_H

#include "agent/command.h"

struct agent;
struct publisher;
struct reading;
struct view;

/* publish.c: makes and hands out the snapshots. */
int publisher_new(struct agent *a, struct publisher **ret_publisher);
/* Answers who still waits. NULL is fine. */
void publisher_free(struct publisher *p);
/* A reading came: collectors run, then it is published. Takes the reference. */
void publisher_reading(struct publisher *p, struct reading *reading);
/* Answers with a snapshot no older than max_age_ms, as soon as there is one. */
void publisher_round(struct publisher *p, int64_t max_age_ms, command_fn *fn, void *arg);
/* From any thread: a reference on the latest; NULL before the first. */
struct view *publisher_view(struct publisher *p);

/* snapshot.c: the rows of a view, from the agent's state and a reading. */
int snapshot_fill(struct view *v, const struct agent *a, const struct reading *reading);
/* The agent's own counters. */
void snapshot_agent(struct view *v, const struct agent *a);
/* snapshot_pools.c: its services, realservers, probes and their failures. */
int snapshot_pools(struct view *v, const struct agent *a);

#endif
