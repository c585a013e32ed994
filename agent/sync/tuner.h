/* tuner.h: keeps the settings of the kernel that [sysctl] names as it says: the only one who
 * writes them, on the kernel thread. What was there is on disk before the first write. */
#ifndef SYNC_TUNER_H
#define SYNC_TUNER_H

#include <stdint.h>

#include "agent/model/sysctl_conf.h"
#include "agent/sync/tune.h"

struct ipvs_port;
struct loop;
struct tuner;

struct tuner_env {
	struct loop *loop;
	struct ipvs_port *port;
	const char *state_dir, *procfs; /* copied */
};

/* Reads what an earlier run recorded; a damaged record is logged, and is none. -errno. */
int tuner_new(const struct tuner_env *env, struct tuner **ret_tuner);
/* After the port. NULL is fine. */
void tuner_free(struct tuner *t);

/* What is wanted from now on, copied; a pass follows at once, and then every interval. */
int tuner_set(struct tuner *t, const struct sysctl_conf *conf, int64_t interval_ms);
/* The end: puts everything back as it was; fn(arg) comes when that was tried, now or later. */
void tuner_remove(struct tuner *t, void (*fn)(void *arg), void *arg);

struct tuner_stats {
	uint64_t writes, failures, drift;
};
void tuner_stats(const struct tuner *t, struct tuner_stats *ret_stats);

/* For `plan`: what a pass would do now, each told by fn (value: what would be written). 0, or
 * -errno: no record could be read. */
int tuner_plan(const struct sysctl_conf *conf, const char *state_dir, const char *procfs,
	       void (*fn)(void *arg, const char *name, const char *found, const char *value,
			  int error),
	       void *arg);

#endif
