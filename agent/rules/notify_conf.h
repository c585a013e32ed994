/* notify_conf.h: the [notify NAME] section: a receiver of webhooks. */
#ifndef RULES_NOTIFY_CONF_H
#define RULES_NOTIFY_CONF_H

#include "conf/config.h"

/* What is told, a bit each. */
enum notify_events {
	NOTIFY_HOLD = 1,
	NOTIFY_RELEASE = 2,
	NOTIFY_REFUSED = 4,
	NOTIFY_PANIC = 8,
	NOTIFY_FREEZE = 16,
	NOTIFY_DRAIN = 32,
	NOTIFY_ALL = 63,
};

struct notify_conf {
	struct conf_head head;
	const char *url;               /* http:// or https:// */
	int64_t timeout;               /* ms, of an attempt */
	uint32_t retries;              /* attempts beyond the first */
	uint32_t events;               /* enum notify_events */
	const char *bearer_token_file; /* NULL = none */
	const char *ca_file;           /* NULL = the system's */
	uint32_t max_queue;            /* notifications that wait, at most */
};

extern const struct conf_section notify_section;
/* http:// or https://, without a user in it. */
extern const struct conf_type notify_url_type;

#endif
