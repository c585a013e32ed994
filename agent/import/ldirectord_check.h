/* ldirectord_check.h: one check of ldirectord's on its way to [probe] sections; for
 * import/ldirectord*.c only. */
#ifndef IMPORT_LDIRECTORD_CHECK_H
#define IMPORT_LDIRECTORD_CHECK_H

#include "agent/import/ldirectord.h"

/* A real= or fallback= line, for one address of its range. */
struct ld_real {
	const struct ld_line *line;
	struct ipvs_dest dest;
	const char *request, *receive; /* both or none */
	uint16_t port;                 /* as it is written; 0 = none */
};

/* Names of the probes of a real server, with commas between them, appended. */
void ld_probes(struct ld *ld, struct ld_virtual *v, const struct ld_real *r, struct buf *names);
/* The port of a kind of service, and the kind of a port: "http" and 80. */
uint16_t ld_port_of(const char *kind);
const char *ld_kind_of(uint16_t port);

/* One check of one real server. */
struct ld_check {
	struct ld *ld;
	struct ld_virtual *v;
	const struct ld_real *r;
	const struct ld_line *type; /* NULL = none is given */
	struct import_at at;
	uint16_t port;   /* to connect to; 0 = none is known */
	uint64_t every;  /* of so many rounds */
	bool negotiates; /* by its timeout */
	struct buf *names;
};

/* The last line of that kind in its virtual service; NULL = there is none. */
const struct ld_line *ld_check_line(const struct ld_check *c, enum ld_id id);
/* A section with scheme://host[:port]path as its url, and what all kinds have. NULL: that is no
 * URL; then all that is told of it goes to the top, and the rest can go on. */
struct import_part *ld_check_probe(struct ld_check *c, const char *scheme, const char *host,
				   const char *path);
/* When it is whole: shared, and one of the real server's. */
void ld_check_end(struct ld_check *c, struct import_part *p);
/* Whether there is a port to connect to; if not, it is noted. */
bool ld_check_port(struct ld_check *c);
/* Why the probe only comes near to what ldirectord asks. */
void ld_check_near(struct ld_check *c, struct import_part *p, const char *why);

/* As `service=` has it (ldirectord_kinds.c). */
void ld_check_negotiate(struct ld_check *c);

#endif
