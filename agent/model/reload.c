/* reload.c: matches an old layout and a new one by sorting both by identity and
 * walking them side by side: O(n log n), no hash, no order assumed. */
#include "agent/model/reload.h"
#include "agent/ipvs/ipvs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t *iota(uint32_t n)
{
	uint32_t *a = malloc((n ? n : 1) * sizeof(*a));
	uint32_t i;

	for (i = 0; a && i < n; i++)
		a[i] = i;
	return a;
}

/* A target is the same when the same address is probed in the same way. */
static int cmp_target(const struct layout_target *a, const struct layout_target *b)
{
	int c = addr_cmp(&a->addr, &b->addr);

	if (!c)
		c = strcmp(a->conf->head.name, b->conf->head.name);
	/* Another URL is another question: its answers start anew. */
	return c ? c : strcmp(a->conf->url, b->conf->url);
}

static int sort_target(const void *a, const void *b, void *arg)
{
	const struct layout *l = arg;

	return cmp_target(&l->targets[*(const uint32_t *)a], &l->targets[*(const uint32_t *)b]);
}

static const char *service_name(const struct layout *l, uint32_t service)
{
	return l->services[service].conf->head.name;
}

static int cmp_realserver(const struct layout *la, uint32_t a, const struct layout *lb, uint32_t b)
{
	const struct layout_realserver *ra = &la->realservers[a], *rb = &lb->realservers[b];
	int c = strcmp(service_name(la, ra->service), service_name(lb, rb->service));

	if (!c)
		c = strcmp(ra->conf->name, rb->conf->name);
	/* A name that moved to another machine is another realserver. */
	if (!c)
		c = addr_cmp(&ra->conf->addr[0], &rb->conf->addr[0]);
	return c;
}

/* One that was out of service comes back as if it were new. */
static bool took_part(const struct layout *l, uint32_t realserver)
{
	const struct layout_realserver *r = &l->realservers[realserver];

	return r->conf->enabled && l->services[r->service].conf->enabled;
}

static int sort_realserver(const void *a, const void *b, void *arg)
{
	return cmp_realserver(arg, *(const uint32_t *)a, arg, *(const uint32_t *)b);
}

static int map_targets(const struct layout *old, const struct layout *now, struct reload *r)
{
	uint32_t *a = iota(old->n_targets), *b = iota(now->n_targets);
	uint32_t i = 0, j = 0, kept = 0;

	if (!a || !b) {
		free(a);
		free(b);
		return -ENOMEM;
	}
	qsort_r(a, old->n_targets, sizeof(*a), sort_target, (void *)old);
	qsort_r(b, now->n_targets, sizeof(*b), sort_target, (void *)now);
	for (j = 0; j < now->n_targets; j++) {
		int c = 1;

		while (i < old->n_targets &&
		       (c = cmp_target(&old->targets[a[i]], &now->targets[b[j]])) < 0)
			i++;
		r->targets[b[j]] = LAYOUT_NONE;
		if (i == old->n_targets || c)
			continue;
		r->targets[b[j]] = a[i++];
		kept++;
	}
	r->targets_kept = kept;
	r->targets_added = now->n_targets - kept;
	r->targets_removed = old->n_targets - kept;
	free(a);
	free(b);
	return 0;
}

int reload_targets(const struct layout *old, const struct layout *now, uint32_t *ret_old)
{
	struct reload r = { .targets = ret_old };

	return map_targets(old, now, &r);
}

static int carry_realservers(const struct state *old, struct state *now, struct reload *r)
{
	const struct layout *lo = old->layout, *ln = now->layout;
	uint32_t *a = iota(lo->n_realservers), *b = iota(ln->n_realservers);
	uint32_t i = 0, j, kept = 0;

	if (!a || !b) {
		free(a);
		free(b);
		return -ENOMEM;
	}
	qsort_r(a, lo->n_realservers, sizeof(*a), sort_realserver, (void *)lo);
	qsort_r(b, ln->n_realservers, sizeof(*b), sort_realserver, (void *)ln);
	for (j = 0; j < ln->n_realservers; j++) {
		int c = 1;

		while (i < lo->n_realservers && (c = cmp_realserver(lo, a[i], ln, b[j])) < 0)
			i++;
		if (i == lo->n_realservers || c)
			continue;
		if (took_part(lo, a[i]))
			now->realservers[b[j]].proven |= old->realservers[a[i]].proven;
		now->realservers[b[j]].down_since_ms = old->realservers[a[i]].down_since_ms;
		i++;
		kept++;
	}
	r->realservers_added = ln->n_realservers - kept;
	r->realservers_removed = lo->n_realservers - kept;
	free(a);
	free(b);
	return 0;
}

/* A cap stands as long as it is the same realserver that it was taken for; else what
 * the kernel has now is the cap. Of a write under way nobody will tell the outcome. */
static void carry_dest(const struct state *old, uint32_t o, struct state *now, uint32_t n)
{
	uint32_t ro = old->layout->dests[o].realserver, rn = now->layout->dests[n].realserver;

	now->dests[n].seen = old->dests[o].busy ? SEEN_UNKNOWN : old->dests[o].seen;
	now->dests[n].error = old->dests[o].error;
	now->dests[n].written_wall_ms = old->dests[o].written_wall_ms;
	now->dests[n].left = old->dests[o].left;
	now->dests[n].left_found = old->dests[o].left_found;
	now->dests[n].left_want = old->dests[o].left_want;
	if (took_part(old->layout, ro) && !cmp_realserver(old->layout, ro, now->layout, rn))
		now->dests[n].cap = old->dests[o].cap;
}

/* Destinations are sorted by address within their VIP in both. */
static void carry_dests(const struct state *old, uint32_t ov, struct state *now, uint32_t nv)
{
	const struct layout_vip *vo = &old->layout->vips[ov], *vn = &now->layout->vips[nv];
	uint32_t i = vo->first_dest, j;

	for (j = vn->first_dest; j < vn->first_dest + vn->n_dests; j++) {
		int c = 1;

		while (i < vo->first_dest + vo->n_dests &&
		       (c = addr_cmp(&old->layout->dests[i].addr, &now->layout->dests[j].addr)) < 0)
			i++;
		if (i == vo->first_dest + vo->n_dests)
			break;
		if (c)
			continue;
		carry_dest(old, i, now, j);
		i++;
	}
}

static void carry_vips(const struct state *old, struct state *now)
{
	const struct layout *lo = old->layout, *ln = now->layout;
	uint32_t i = 0, j;

	for (j = 0; j < ln->n_vips; j++) {
		uint32_t nv = ln->vips_by_key[j];
		int c = 1;

		while (i < lo->n_vips &&
		       (c = ipvs_key_cmp(&lo->vips[lo->vips_by_key[i]].key, &ln->vips[nv].key)) < 0)
			i++;
		if (i == lo->n_vips)
			break;
		if (c)
			continue;
		/* Settled is not carried: the file may ask for something else now. */
		now->vips[nv] = old->vips[lo->vips_by_key[i]];
		now->vips[nv].settled = false;
		now->vips[nv].writes = 0;
		carry_dests(old, lo->vips_by_key[i], now, nv);
		i++;
	}
}

static void carry_services(const struct state *old, struct state *now, struct reload *r)
{
	const struct layout *lo = old->layout, *ln = now->layout;
	uint32_t i, kept = 0;

	for (i = 0; i < ln->n_services; i++) {
		uint32_t was = layout_find_service(lo, service_name(ln, i));

		if (was == LAYOUT_NONE)
			continue;
		kept++;
		now->services[i].panic = old->services[was].panic;
	}
	r->services_added = ln->n_services - kept;
	r->services_removed = lo->n_services - kept;
}

int reload_carry(const struct state *old, struct state *now, struct reload *ret_reload)
{
	struct reload r = { 0 };
	int e;

	r.targets =
		malloc((now->layout->n_targets ? now->layout->n_targets : 1) * sizeof(*r.targets));
	if (!r.targets)
		return -ENOMEM;
	e = map_targets(old->layout, now->layout, &r);
	if (!e)
		e = carry_realservers(old, now, &r);
	if (e) {
		reload_fini(&r);
		return e;
	}
	carry_vips(old, now);
	carry_services(old, now, &r);
	*ret_reload = r;
	return 0;
}

void reload_fini(struct reload *r)
{
	free(r->targets);
	memset(r, 0, sizeof(*r));
}
