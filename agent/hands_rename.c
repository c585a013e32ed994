/* hands_rename.c: what an operator or an alert holds goes on when its service or realserver is
 * called otherwise after a reload: behind the same VIP, at the same address. A server that
 * was drained is drained, whatever its name. (Rules' holds are decided anew.) */
#include "agent/hands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/holds/place.h"

struct renaming {
	const struct layout *old, *now;
	struct renamed {
		char *id;
		const char *service, *realserver; /* the new layout's */
	} * moves;
	size_t n, room;
};

/* The one that is behind a VIP of the old one now. */
static uint32_t service_now(const struct renaming *r, const char *name)
{
	uint32_t id = layout_find_service(r->now, name), vip, v;
	const struct layout_service *was;

	if (id != LAYOUT_NONE)
		return id;
	id = layout_find_service(r->old, name);
	if (id == LAYOUT_NONE)
		return LAYOUT_NONE;
	was = &r->old->services[id];
	for (v = was->first_vip; v < was->first_vip + was->n_vips; v++) {
		vip = layout_find_vip(r->now, &r->old->vips[v].key);
		if (vip != LAYOUT_NONE)
			return r->now->vips[vip].service;
	}
	return LAYOUT_NONE;
}

static bool one_machine(const struct realserver_conf *a, const struct realserver_conf *b)
{
	return a->n_addr && b->n_addr && !addr_cmp(&a->addr[0], &b->addr[0]);
}

static uint32_t realserver_now(const struct renaming *r, uint32_t service, const struct hold *h)
{
	uint32_t id = layout_find_realserver(r->now, service, h->realserver), i;
	uint32_t was = layout_find(r->old, h->service, h->realserver);
	const struct layout_service *s = &r->now->services[service];

	if (id != LAYOUT_NONE || was == LAYOUT_NONE)
		return id;
	for (i = s->first_realserver; i < s->first_realserver + s->n_realservers; i++)
		if (one_machine(r->now->realservers[i].conf, r->old->realservers[was].conf))
			return i;
	return LAYOUT_NONE;
}

static void look(void *arg, const struct hold *h)
{
	struct renaming *r = arg;
	uint32_t service, realserver;

	/* Rules judge anew, and agents say it again. */
	if (h->hold_class == HOLD_RULE || h->hold_class == HOLD_AGENT || r->n == r->room ||
	    layout_find(r->now, h->service, h->realserver) != LAYOUT_NONE)
		return;
	service = service_now(r, h->service);
	realserver = service == LAYOUT_NONE ? LAYOUT_NONE : realserver_now(r, service, h);
	if (realserver == LAYOUT_NONE)
		return;
	r->moves[r->n] = (struct renamed){ strdup(h->id), r->now->services[service].conf->head.name,
					   r->now->realservers[realserver].conf->name };
	r->n += r->moves[r->n].id != NULL;
}

void hands_rename(struct agent *a, const struct layout *now)
{
	struct renaming r = { .old = a->state->layout, .now = now, .room = holds_count(a->holds) };
	size_t i;

	r.moves = calloc(r.room + 1, sizeof(*r.moves));
	if (!r.moves)
		return;
	holds_each(a->holds, look, &r);
	for (i = 0; i < r.n; i++) {
		const struct renamed *m = &r.moves[i];
		int e = placer_move(a->placer, m->id, m->service, m->realserver, clock_wall_ms());

		if (e)
			log_event(LOG_ERROR, "a hold does not follow its realserver's new name",
				  LOG_STR("service", m->service),
				  LOG_STR("realserver", m->realserver), LOG_ERR(e));
		else
			log_event(LOG_INFO, "a hold follows its realserver's new name",
				  LOG_STR("service", m->service),
				  LOG_STR("realserver", m->realserver));
		free(m->id);
	}
	free(r.moves);
}
