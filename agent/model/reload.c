/* reload.c: matches an old layout and a new one by walking both in the order of their
 * identity, side by side: no hash, no order of the file assumed. Names, VIPs and
 * destinations lie sorted in a layout; only the targets are sorted here. */
#include "agent/model/reload.h"
#include "agent/base/parse.h"
#include "agent/ipvs/ipvs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t *iota(uint32_t n)
{
	uint32_t *a = malloc((n + 1ul) * sizeof(*a));
	uint32_t i;

	for (i = 0; a && i < n; i++)
		a[i] = i;
	return a;
}

static uint32_t *none(uint32_t n)
{
	uint32_t *a = malloc((n + 1ul) * sizeof(*a));

	if (a)
		memset(a, 0xff, (n + 1ul) * sizeof(*a));
	return a;
}

/* --- who is who ---------------------------------------------------------------- */

/* A target is the same when the same address is probed in the same way. */
static int cmp_target(const struct layout_target *a, const struct layout_target *b)
{
	int c = addr_cmp(&a->addr, &b->addr);

	if (!c)
		c = lane_cmp(a->lane, b->lane);
	if (!c && a->conf != b->conf)
		c = strcmp(a->conf->head.name, b->conf->head.name);
	/* Another URL is another question: its answers start anew. */
	return c || a->conf == b->conf ? c : strcmp(a->conf->url, b->conf->url);
}

static int sort_target(const void *a, const void *b, void *arg)
{
	const struct layout *l = arg;

	return cmp_target(&l->targets[*(const uint32_t *)a], &l->targets[*(const uint32_t *)b]);
}

static int map_targets(const struct layout *old, const struct layout *now, struct reload_map *m)
{
	uint32_t *a = iota(old->n_targets), *b = iota(now->n_targets);
	uint32_t i = 0, j;

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
		if (i == old->n_targets || c)
			continue;
		m->targets[b[j]] = a[i++];
		m->targets_kept++;
	}
	m->targets_added = now->n_targets - m->targets_kept;
	m->targets_removed = old->n_targets - m->targets_kept;
	free(a);
	free(b);
	return 0;
}

/* One that was out of service comes back as if it were new. */
static bool took_part(const struct layout *l, const struct layout_realserver *r)
{
	return r->conf->enabled && l->services[r->service].conf->enabled;
}

static bool same_probes(const struct layout *old, const struct layout_realserver *was,
			const struct layout *now, const struct layout_realserver *is,
			const struct reload_map *m)
{
	uint32_t i;

	for (i = 0; i < was->n_links && i < is->n_links; i++)
		if (m->targets[now->links[is->first_link + i]] != old->links[was->first_link + i])
			break;
	return i == was->n_links && i == is->n_links;
}

/* A name that moved to another machine is another realserver. */
static uint8_t kept(const struct layout *old, uint32_t o, const struct layout *now, uint32_t n,
		    const struct reload_map *m)
{
	const struct layout_realserver *was = &old->realservers[o], *is = &now->realservers[n];

	if (addr_cmp(&was->conf->addr[0], &is->conf->addr[0]))
		return 0;
	if (!took_part(old, was))
		return KEPT_MACHINE;
	if (!took_part(now, is) || !same_probes(old, was, now, is, m))
		return KEPT_MACHINE | KEPT_PROOF;
	return KEPT_MACHINE | KEPT_PROOF | KEPT_VERDICT;
}

/* The realservers that both services have by name. */
static void map_realservers(const struct layout *old, uint32_t os, const struct layout *now,
			    uint32_t ns, struct reload_map *m)
{
	const struct layout_service *so = &old->services[os], *sn = &now->services[ns];
	uint32_t i = so->first_realserver, end = i + so->n_realservers, j;

	for (j = sn->first_realserver; j < sn->first_realserver + sn->n_realservers; j++) {
		uint32_t n = now->realservers_by_name[j], o;
		const char *name = now->realservers[n].conf->name;
		int order = 1;

		while (i < end &&
		       (order = name_cmp(old->realservers[old->realservers_by_name[i]].conf->name,
					 name)) < 0)
			i++;
		if (i == end)
			break;
		if (order)
			continue;
		o = old->realservers_by_name[i++];
		m->realservers[n] = o;
		m->kept[n] = kept(old, o, now, n, m);
		m->realservers_added -= m->kept[n] != 0;
		m->realservers_removed -= m->kept[n] != 0;
	}
}

static void map_services(const struct layout *old, const struct layout *now, struct reload_map *m)
{
	uint32_t i = 0, j;

	m->services_added = now->n_services;
	m->services_removed = old->n_services;
	m->realservers_added = now->n_realservers;
	m->realservers_removed = old->n_realservers;
	for (j = 0; j < now->n_services; j++) {
		uint32_t n = now->services_by_name[j];
		int order = 1;

		while (i < old->n_services &&
		       (order = name_cmp(old->services[old->services_by_name[i]].conf->head.name,
					 now->services[n].conf->head.name)) < 0)
			i++;
		if (i == old->n_services)
			break;
		if (order)
			continue;
		m->services[n] = old->services_by_name[i++];
		m->services_added--;
		m->services_removed--;
		map_realservers(old, m->services[n], now, n, m);
	}
}

/* A cap stands as long as it is the same realserver that it was taken for; else what
 * the kernel has now is the cap. */
static bool cap_stands(const struct layout *old, uint32_t o, const struct layout *now, uint32_t n,
		       const struct reload_map *m)
{
	uint32_t realserver = now->dests[n].realserver;

	return m->realservers[realserver] == old->dests[o].realserver &&
	       (m->kept[realserver] & KEPT_PROOF);
}

/* Destinations are sorted by address within their VIP in both. */
static void map_dests(const struct layout *old, uint32_t ov, const struct layout *now, uint32_t nv,
		      struct reload_map *m)
{
	const struct layout_vip *vo = &old->vips[ov], *vn = &now->vips[nv];
	uint32_t i = vo->first_dest, end = i + vo->n_dests, j;

	for (j = vn->first_dest; j < vn->first_dest + vn->n_dests; j++) {
		struct addr b = layout_dest_addr(now, j);
		int c = 1;

		for (; i < end; i++) {
			struct addr a = layout_dest_addr(old, i);

			c = addr_cmp(&a, &b);
			if (c >= 0)
				break;
		}
		if (i == end)
			break;
		if (c)
			continue;
		m->dests[j] = i;
		m->caps[j] = cap_stands(old, i++, now, j, m);
	}
}

static void map_vips(const struct layout *old, const struct layout *now, struct reload_map *m)
{
	uint32_t i = 0, j;

	for (j = 0; j < now->n_vips; j++) {
		uint32_t n = now->vips_by_key[j];
		int c = 1;

		while (i < old->n_vips && (c = ipvs_key_cmp(&old->vips[old->vips_by_key[i]].key,
							    &now->vips[n].key)) < 0)
			i++;
		if (i == old->n_vips)
			break;
		if (c)
			continue;
		m->vips[n] = old->vips_by_key[i++];
		map_dests(old, m->vips[n], now, n, m);
	}
}

static void find_changed(const struct layout *old, const struct layout *now, struct reload_map *m)
{
	const uint8_t all = KEPT_MACHINE | KEPT_PROOF | KEPT_VERDICT;
	uint32_t i;

	for (i = 0; i < now->n_services; i++)
		m->changed[i] = m->services[i] == LAYOUT_NONE ||
				old->services[m->services[i]].n_realservers !=
					now->services[i].n_realservers;
	for (i = 0; i < now->n_realservers; i++)
		m->changed[now->realservers[i].service] |= m->kept[i] != all;
	for (i = 0; i < now->n_dests; i++)
		m->changed[now->vips[now->dests[i].vip].service] |= !m->caps[i];
}

int reload_map_new(const struct layout *old, const struct layout *now, struct reload_map **ret_map)
{
	struct reload_map *m = calloc(1, sizeof(*m));
	int e = -ENOMEM;

	if (!m)
		return -ENOMEM;
	m->services = none(now->n_services);
	m->changed = calloc(now->n_services + 1ul, sizeof(*m->changed));
	m->vips = none(now->n_vips);
	m->realservers = none(now->n_realservers);
	m->kept = calloc(now->n_realservers + 1ul, sizeof(*m->kept));
	m->dests = none(now->n_dests);
	m->caps = calloc(now->n_dests + 1ul, sizeof(*m->caps));
	m->targets = none(now->n_targets);
	if (m->services && m->changed && m->vips && m->realservers && m->kept && m->dests &&
	    m->caps && m->targets)
		e = map_targets(old, now, m);
	if (e) {
		reload_map_free(m);
		return e;
	}
	map_services(old, now, m);
	map_vips(old, now, m);
	find_changed(old, now, m);
	*ret_map = m;
	return 0;
}

void reload_map_free(struct reload_map *m)
{
	if (!m)
		return;
	free(m->services);
	free(m->changed);
	free(m->vips);
	free(m->realservers);
	free(m->kept);
	free(m->dests);
	free(m->caps);
	free(m->targets);
	free(m);
}

/* --- what lives on -------------------------------------------------------------- */

static void carry_realserver(const struct realserver_state *old, struct realserver_state *now,
			     unsigned int kept)
{
	if (kept & KEPT_PROOF) {
		now->proven |= old->proven;
		now->heeded_proven |= old->heeded_proven;
	}
	if (kept & KEPT_VERDICT) {
		now->verdict = old->verdict;
		now->heeded = old->heeded;
		now->unknown = old->unknown;
		now->wish_refused = old->wish_refused;
	}
	now->down_since_ms = old->down_since_ms;
	now->weight = old->weight;
}

/* Of a write under way nobody will tell the outcome. */
static void carry_dest(const struct dest_state *old, struct dest_state *now, bool cap)
{
	now->seen = old->busy ? SEEN_UNKNOWN : old->seen;
	now->error = old->error;
	now->written_wall_ms = old->written_wall_ms;
	now->left = old->left;
	now->left_found = old->left_found;
	now->left_want = old->left_want;
	if (!cap)
		return;
	now->cap = old->cap;
	now->want = old->want;
}

static void carry_service(const struct service_state *old, struct service_state *now)
{
	bool dirty = now->dirty;

	*now = *old;
	now->dirty = dirty;
}

/* One that is as it was is ready at once. */
static void carry_lanes(const struct state *old, struct state *now)
{
	const struct layout *lo = old->layout, *ln = now->layout;
	uint32_t i, j;

	for (i = 0; i < ln->n_lanes; i++) {
		j = lanes_find(lo->lanes, lo->n_lanes, &ln->lanes[i].key);
		if (j < lo->n_lanes && lane_same(&lo->lanes[j], &ln->lanes[i]))
			now->lanes[i] = old->lanes[j];
	}
}

void reload_carry(const struct state *old, struct state *now, const struct reload_map *map)
{
	const struct layout *l = now->layout;
	uint32_t i;

	for (i = 0; i < l->n_services; i++)
		if (map->services[i] != LAYOUT_NONE)
			carry_service(&old->services[map->services[i]], &now->services[i]);
	for (i = 0; i < l->n_realservers; i++)
		if (map->kept[i])
			carry_realserver(&old->realservers[map->realservers[i]],
					 &now->realservers[i], map->kept[i]);
	for (i = 0; i < l->n_vips; i++) {
		if (map->vips[i] == LAYOUT_NONE)
			continue;
		/* Settled is not carried: the file may ask for something else now. */
		now->vips[i] = old->vips[map->vips[i]];
		now->vips[i].settled = false;
		now->vips[i].writes = 0;
	}
	for (i = 0; i < l->n_dests; i++)
		if (map->dests[i] != LAYOUT_NONE)
			carry_dest(&old->dests[map->dests[i]], &now->dests[i], map->caps[i]);
	carry_lanes(old, now);
}
