/* peer_conf.h: the [peer NAME] section: another director's agent, with which operators'
 * and alerts' holds are kept alike. */
#ifndef AGENT_PEER_CONF_H
#define AGENT_PEER_CONF_H

#include "conf/config.h"

enum { PEERS_MAX = 4 };

struct peer_conf {
	struct conf_head head;
	const char *url;        /* http:// or https://HOST:PORT, where its [http] listens */
	const char *token_file; /* NULL = none */
	const char *ca_file;    /* NULL = the system's */
	int64_t interval;       /* ms */
	int64_t timeout;        /* ms, of an exchange */
};

extern const struct conf_section peer_section;

/* For the list of checks. */
void check_peers(struct config *c);

#endif
