/* settings.h: the [agent] section. */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include "conf/config.h"

enum on_exit { ON_EXIT_KEEP = 0, ON_EXIT_REMOVE };

struct agent_conf {
	struct conf_head head;
	const char *state_dir;
	int64_t reconcile_interval;  /* ms */
	struct conf_strings include; /* read by the loader itself */
	enum on_exit on_exit;
	int log_level;       /* enum log_level */
	uint32_t max_probes; /* attempts under way at once */
	bool journal;
	bool roles;            /* it is one of a pair */
	uint64_t journal_size; /* bytes */
	const char *procfs;
	const char *maintenance_dir; /* NULL = none */
	const char *netns;           /* NULL = the one it is started in */
	int64_t sample_interval;     /* ms */
	uint64_t window_memory;      /* bytes */
	struct conf_rate rate;       /* of holds that rules place; n = 0: no limit */
	uint32_t correlated_targets; /* 0 = that guard is off */
	uint32_t correlated_share;   /* percent */
};

extern const struct conf_section agent_section;

#endif
