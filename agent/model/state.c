/* state.c: runtime state beside a layout, and the one place where the verdicts of
 * several probes become the verdict of a realserver. */
#include "agent/model/state.h"
#include "agent/base/rows.h"
#include "agent/model/compare.h"

#include <errno.h>
#include <stdlib.h>

static void fill(struct state *s)
{
	const struct layout *l = s->layout;
	uint32_t i;

	for (i = 0; i < l->n_dests; i++) {
		s->dests[i].seen = SEEN_UNKNOWN;
		s->dests[i].want = WANT_OUT;
		s->dests[i].cap = CAP_NONE;
	}
	for (i = 0; i < l->n_realservers; i++) {
		const struct layout_realserver *r = &l->realservers[i];

		s->realservers[i].proven = l->services[r->service].conf->initial == INITIAL_UP ||
					   !r->conf->terms->probes.n;
		state_judge(s, i, 0);
		s->realservers[i].heeded = s->realservers[i].verdict & 3;
		s->realservers[i].heeded_proven = s->realservers[i].proven;
	}
	state_dirty_all(s);
}

int state_new(struct layout *l, struct state **ret_state)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->layout = layout_ref(l);
	s->services = rows_new(l->n_services, sizeof(*s->services));
	s->vips = rows_new(l->n_vips, sizeof(*s->vips));
	s->realservers = rows_new(l->n_realservers, sizeof(*s->realservers));
	s->dests = rows_new(l->n_dests, sizeof(*s->dests));
	s->lanes = rows_new(l->n_lanes, sizeof(*s->lanes));
	s->targets = rows_new(l->n_targets, sizeof(*s->targets));
	s->dirty = rows_new(l->n_services, sizeof(*s->dirty));
	if (!s->services || !s->dirty || !s->vips || !s->realservers || !s->dests || !s->lanes ||
	    !s->targets || compare_new(l, &s->compare)) {
		state_free(s);
		return -ENOMEM;
	}
	fill(s);
	*ret_state = s;
	return 0;
}

void state_free(struct state *s)
{
	uint32_t i;

	if (!s)
		return;
	for (i = 0; s->targets && i < s->layout->n_targets; i++)
		target_fini(&s->targets[i]);
	free(s->services);
	free(s->dirty);
	free(s->vips);
	free(s->realservers);
	free(s->dests);
	free(s->lanes);
	free(s->targets);
	compare_free(s->compare);
	layout_unref(s->layout);
	free(s);
}

bool state_judge(struct state *s, uint32_t realserver, int64_t now_ms)
{
	const struct layout_realserver *l = &s->layout->realservers[realserver];
	struct realserver_state *r = &s->realservers[realserver];
	enum verdict verdict = VERDICT_UP;
	bool unknown = false, heard = !r->wish_refused, was_proven = r->proven;
	uint32_t i;

	for (i = l->first_link; i < l->first_link + l->n_links; i++) {
		const struct health *h = &s->targets[s->layout->links[i]].health;

		if (s->layout->targets[s->layout->links[i]].conf->advises) {
			heard &= h->verdict != VERDICT_NONE;
			continue;
		}
		unknown |= h->unknown;
		if (h->verdict == VERDICT_DOWN)
			verdict = VERDICT_DOWN;
		else if (h->verdict == VERDICT_NONE && verdict != VERDICT_DOWN)
			verdict = VERDICT_NONE;
	}
	r->unknown = unknown;
	/* One that is out of service is not probed, so that says nothing. Who may ask for
	 * less is not raised before that was heard. */
	if (verdict == VERDICT_UP && l->n_links && heard)
		r->proven = true;
	if (verdict == r->verdict)
		return r->proven != was_proven;
	if (verdict == VERDICT_DOWN)
		r->down_since_ms = now_ms;
	r->verdict = (uint8_t)verdict;
	return true;
}

bool state_left_alone(const struct dest_state *d)
{
	if (d->left == LEFT_NOT || d->seen != d->left_found)
		return false;
	return d->want == d->left_want || (d->want >= 0 && d->want >= d->seen);
}

void state_dirty(struct state *s, uint32_t service)
{
	if (s->services[service].dirty)
		return;
	s->services[service].dirty = true;
	s->dirty[s->n_dirty++] = service;
}

void state_clean(struct state *s)
{
	while (s->n_dirty)
		s->services[s->dirty[--s->n_dirty]].dirty = false;
}

void state_dirty_all(struct state *s)
{
	uint32_t i;

	for (i = 0; i < s->layout->n_services; i++)
		state_dirty(s, i);
}
