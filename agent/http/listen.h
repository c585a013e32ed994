/* listen.h: listening sockets: by address, and unix ones with the file that goes
 * with them. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <sys/types.h>

#include "agent/http/http_conf.h"

struct netns_home;

struct listener {
	int fd;
	char *text; /* as the configuration writes it: its identity */
	bool is_unix;
	char *path; /* of a unix socket */
	dev_t dev;  /* the file we made: only that one is removed */
	ino_t ino;
};

/* Binds and listens, in the namespace of `home` (NULL = here). A unix socket's file that nobody
 * listens behind is replaced; /run/ipvs-agent is made where it is missing. -errno with a sentence.
 */
int listener_new(const struct listen_conf *conf, struct netns_home *home, struct buf *why,
		 struct listener **ret_listener);
/* Closes; removes the socket's file where it is still ours. NULL is fine. */
void listener_free(struct listener *l);

#endif
