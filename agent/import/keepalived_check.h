/* keepalived_check.h: a checker of keepalived's on its way to [probe] sections; for
 * import/keepalived*.c only. */
#ifndef IMPORT_KEEPALIVED_CHECK_H
#define IMPORT_KEEPALIVED_CHECK_H

#include "agent/import/keepalived_model.h"

struct ka_check {
	struct ka_real *r;
	const struct ka_stmt *stmt;
	struct ka_terms terms;
	const struct ka_stmt *connect_ip, *connect_port, *bindto, *bind_if;
	/* of one kind or other */
	const struct ka_stmt *protocol, *sni_name, *helo, *type, *name, *path, *timeout, *payload,
		*reply, *min_reply, *max_reply;
	int8_t dynamic, enable_sni;
	uint64_t retry;    /* with the default of its kind */
	int64_t before_ms; /* the same; KA_UNSET = as the interval */
	uint16_t port;     /* to connect to; 0 = the scheme's */
	const char *wish;  /* for the name of a probe; NULL = its host */
};

bool ka_is_checker(const char *word);
/* Its [probe] sections; their names go to r->probes. */
void ka_check(struct ka_real *r, const struct ka_stmt *s);

/* A section with scheme://host[:port]path as its url, and what all kinds have. NULL: that is no
 * URL; then all that is told of it goes to the top, and the rest can go on. */
struct import_part *ka_probe(struct ka_check *c, const char *scheme, const char *host,
			     const char *path);
/* When it is whole: shared, and one of the real server's. */
void ka_probe_end(struct ka_check *c, struct import_part *p);

/* Each url of an HTTP_GET or SSL_GET (keepalived_http.c). */
void ka_check_http(struct ka_check *c, const char *scheme);
void ka_check_udp(struct ka_check *c, const char *scheme);
/* keepalived_misc.c */
void ka_check_misc(struct ka_check *c, const char *scheme);

#endif
