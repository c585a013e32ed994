/* view.c: the life of a snapshot. Who makes its rows is agent/publish.c. */
#include "agent/model/view.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "agent/model/match.h"

const char *const view_state_names[VIEW_N_STATES] = {
	[VIEW_UP] = "up",     [VIEW_DOWN] = "down",         [VIEW_UNKNOWN] = "unknown",
	[VIEW_HELD] = "held", [VIEW_DISABLED] = "disabled", [VIEW_STANDBY] = "standby",
};

struct view *view_new(struct config *conf, struct reading *reading)
{
	struct view *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	atomic_init(&v->refs, 1);
	v->conf = config_ref(conf);
	if (reading) {
		v->reading = reading_ref(reading);
		v->table = reading->table;
	}
	return v;
}

struct view *view_ref(struct view *v)
{
	atomic_fetch_add(&v->refs, 1);
	return v;
}

void view_unref(struct view *v)
{
	if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	if (v->rounds_free)
		v->rounds_free(v->rounds);
	free(v->vips);
	free(v->dests);
	free(v->services);
	free(v->realservers);
	free(v->probes);
	free(v->failures);
	free(v->holds);
	free(v->rules);
	arena_fini(&v->arena);
	reading_unref(v->reading);
	config_unref(v->conf);
	free(v);
}
