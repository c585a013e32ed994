/* duties_internal.h: what the files of duties share. */
#ifndef AGENT_DUTIES_INTERNAL_H
#define AGENT_DUTIES_INTERNAL_H

#include "agent/duties.h"
#include "agent/model/duty_conf.h"
#include "agent/sync/duties.h"

struct loop_timer;
struct tend;

/* Of the ledger's facts: the role. */
#define ROLE_FACT "role"

/* An address and where it belongs. */
struct place {
	const struct duty_vip_conf *conf;
	uint32_t address;   /* of conf's */
	uint32_t *services; /* of the layout in force, on that address */
	uint32_t n_services;
	struct duty_steady steady;
	uint8_t wish, why; /* as they were told */
};

struct places {
	struct config *conf; /* a reference: the rows are of it */
	struct place *rows;
	uint32_t n;
};

struct duties {
	struct agent *agent;
	struct tend *tend;
	struct places places;
	struct loop_timer *timer; /* of one that is soon steady */
	enum view_role role;
	int64_t since_wall_ms; /* 0 = never said */
	char boot[40];         /* of the machine's; "" = not known */
	bool roles, stopping;
	bool table_known; /* the kernel has a table that can be read */
};

/* Works for others, or alone. */
bool duties_is_master(const struct duties *d);
/* By its name, `len` bytes of it. */
bool duties_find_role(const char *name, size_t len, enum view_role *ret_role);
/* The fact's value, and back; after duties_read_boot(). */
void duties_put_role(const struct duties *d, struct buf *out);
void duties_read_role(struct duties *d, const char *value);
void duties_read_boot(struct duties *d);
/* The places of a configuration; those that stayed go on as they were. -ENOMEM. */
int duties_places_new(const struct places *old, struct config *conf, const struct layout *l,
		      struct places *ret_places);
void duties_places_fini(struct places *p);
/* What is wished of each place; true when that changed, and in how many ms to ask again. */
bool duties_wishes(struct duties *d, int64_t *ret_soon_ms);
/* The same as the writer takes it, malloc'd; and of the daemons. */
int duties_wants(const struct duties *d, struct duty_want **ret_wants);
void duties_daemons(const struct duties *d, struct daemon ret_rows[DAEMON_N]);
/* Decides what should be there; it is told where it changed, or in any case. */
void duties_decide(struct duties *d, bool tell);

#endif
