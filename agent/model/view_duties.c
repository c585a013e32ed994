/* view_duties.c: what of a director's duties an operator should know of. */
#include "agent/model/view_duties.h"

#include "agent/model/view.h"

const char *const view_role_names[VIEW_N_ROLES] = {
	[ROLE_UNKNOWN] = "unknown",
	[ROLE_MASTER] = "master",
	[ROLE_BACKUP] = "backup",
	[ROLE_FAULT] = "fault",
};

/* Not there, though wanted; or there, though not, by somebody else's hand. */
static bool wrong_vips(const struct view_duties *d, struct buf *out)
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < d->n_vips; i++) {
		const struct view_own_vip *vip = &d->vips[i];

		if (!vip->known || (vip->wanted ? vip->present : !vip->foreign))
			continue;
		buf_printf(out, "%sVIP %s %s is %s %s: %s", any ? "; " : "", vip->vip, vip->address,
			   vip->wanted ? "not on" : "on", vip->interface, vip->sentence);
		any = true;
	}
	return any;
}

bool view_duty_trouble(const struct view *v, unsigned int i, struct buf *out)
{
	const struct view_duties *d = v->duties;

	if (!d)
		return false;
	if (i == 0 && d->roles && d->role != ROLE_MASTER) {
		buf_printf(out,
			   "standby: the role is %s; notify, exec and VIPs wait for the role "
			   "master",
			   view_role_names[d->role]);
		return true;
	}
	return i == 1 && wrong_vips(d, out);
}
