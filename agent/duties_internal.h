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
	bool roles, stopping;
	bool table_known; /* the kernel has a table that can be read */
};

/* Works for others, or alone. */
bool duties_is_master(const struct duties *d);
/* By its name, `len` bytes of it. */
bool duties_find_role(const char *name, size_t len, enum view_role *ret_role);
/* Decides what should be there; it is told where it changed, or in any case. */
void duties_decide(struct duties *d, bool tell);

#endif
