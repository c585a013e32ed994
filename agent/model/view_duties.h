/* view_duties.h: rows of a snapshot (view.h) about what a director does beside its table:
 * its role, its VIPs, the kernel's sync daemons. */
#ifndef MODEL_VIEW_DUTIES_H
#define MODEL_VIEW_DUTIES_H

#include "agent/ipvs/daemon.h"

enum view_role { ROLE_UNKNOWN = 0, ROLE_MASTER, ROLE_BACKUP, ROLE_FAULT, VIEW_N_ROLES };
extern const char *const view_role_names[VIEW_N_ROLES];

struct view_own_vip {
	const char *vip, *address, *interface;
	const char *slug, *sentence; /* why it is not there, or left alone; "" = nothing */
	bool known;                  /* it was looked for */
	bool wanted, present;
	bool foreign; /* it should not be there, and is somebody else's */
};

struct view_duties {
	bool roles;   /* there is a pair */
	uint8_t role; /* enum view_role */
	struct view_own_vip *vips;
	uint32_t n_vips;
	bool daemons_known, daemons_ours[DAEMON_N];
	struct daemon daemons[DAEMON_N];
	uint64_t writes[2]; /* done, refused */
};

struct view;

/* The sentence about trouble `i` of these (see view_trouble()): a standby, a VIP that should
 * be there and is not, or the other way round. */
enum { VIEW_N_DUTY_TROUBLES = 2 };
struct buf;
bool view_duty_trouble(const struct view *v, unsigned int i, struct buf *out);

#endif
