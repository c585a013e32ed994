/* layout.c: unfolds a configuration into flat rows. Counting first and filling
 * then keeps every array at its exact size. */
#include "agent/model/layout.h"
#include "agent/ipvs/ipvs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/base/parse.h"
#include "agent/base/rows.h"
#include "agent/model/layout_targets.h"

/* A destination of the VIP at hand, while they are sorted. */
struct place {
	struct addr addr;
	uint32_t realserver;
};

static void *array(uint32_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

/* Where the destination of a realserver behind a VIP stands; false = none. */
static bool place_of(const struct layout *l, uint32_t vip, uint32_t realserver,
		     struct addr *ret_addr)
{
	const struct layout_vip *v = &l->vips[vip];

	return service_conf_dest_addr(l->services[v->service].conf, v->address,
				      l->realservers[realserver].conf, ret_addr);
}

static int cmp_place(const void *a, const void *b, void *arg ATTR_UNUSED)
{
	return addr_cmp(&((const struct place *)a)->addr, &((const struct place *)b)->addr);
}

static int cmp_vip(const void *a, const void *b, void *arg)
{
	const struct layout *l = arg;

	return ipvs_key_cmp(&l->vips[*(const uint32_t *)a].key, &l->vips[*(const uint32_t *)b].key);
}

static int cmp_service(const void *a, const void *b, void *arg)
{
	const struct layout *l = arg;

	return name_cmp(l->services[*(const uint32_t *)a].conf->head.name,
			l->services[*(const uint32_t *)b].conf->head.name);
}

static int cmp_realserver(const void *a, const void *b, void *arg)
{
	const struct layout *l = arg;

	return name_cmp(l->realservers[*(const uint32_t *)a].conf->name,
			l->realservers[*(const uint32_t *)b].conf->name);
}

static void fill_realservers(struct layout *l, uint32_t service)
{
	const struct layout_service *s = &l->services[service];
	uint32_t i;

	for (i = 0; i < s->n_realservers; i++) {
		l->realservers[s->first_realserver + i] = (struct layout_realserver){
			.service = service,
			.conf = &s->conf->realservers[i],
		};
		l->realservers_by_name[s->first_realserver + i] = s->first_realserver + i;
	}
	rows_sort(&l->realservers_by_name[s->first_realserver], s->n_realservers,
		  sizeof(*l->realservers_by_name), cmp_realserver, l);
}

static int fill_services(struct layout *l)
{
	size_t n, i;
	void *const *confs = config_sections(l->conf, &service_section, &n);
	uint32_t vips = 0, realservers = 0, j;

	l->n_services = (uint32_t)n;
	l->services = array(l->n_services, sizeof(*l->services));
	l->services_by_name = array(l->n_services, sizeof(*l->services_by_name));
	if (!l->services || !l->services_by_name)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		const struct service_conf *c = confs[i];

		l->services_by_name[i] = (uint32_t)i;
		l->services[i] = (struct layout_service){
			.conf = c,
			.first_vip = vips,
			.n_vips = c->enabled ? c->n_addresses : 0,
			.first_realserver = realservers,
			.n_realservers = c->n_realservers,
		};
		vips += l->services[i].n_vips;
		realservers += c->n_realservers;
	}
	l->n_vips = vips;
	l->n_realservers = realservers;
	l->vips = array(vips, sizeof(*l->vips));
	l->vips_by_key = array(vips, sizeof(*l->vips_by_key));
	l->realservers = array(realservers, sizeof(*l->realservers));
	l->realservers_by_name = array(realservers, sizeof(*l->realservers_by_name));
	if (!l->vips || !l->vips_by_key || !l->realservers || !l->realservers_by_name)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		const struct layout_service *s = &l->services[i];

		for (j = 0; j < s->n_vips; j++) {
			l->vips[s->first_vip + j] = (struct layout_vip){
				.service = (uint32_t)i,
				.address = j,
				.key = s->conf->addresses[j].key,
			};
			l->vips_by_key[s->first_vip + j] = s->first_vip + j;
		}
		fill_realservers(l, (uint32_t)i);
	}
	rows_sort(l->vips_by_key, vips, sizeof(*l->vips_by_key), cmp_vip, l);
	rows_sort(l->services_by_name, n, sizeof(*l->services_by_name), cmp_service, l);
	return 0;
}

/* The destinations of one VIP, in any order; counts them where `places` is NULL. */
static uint32_t find_places(const struct layout *l, uint32_t vip, struct place *places)
{
	const struct layout_service *s = &l->services[l->vips[vip].service];
	struct place p;
	uint32_t n = 0;

	for (p.realserver = s->first_realserver;
	     p.realserver < s->first_realserver + s->n_realservers; p.realserver++) {
		if (!place_of(l, vip, p.realserver, &p.addr))
			continue;
		if (places)
			places[n] = p;
		n++;
	}
	return n;
}

static int fill_dests(struct layout *l)
{
	struct place *places;
	uint32_t most = 0, n = 0, v, i;

	for (v = 0; v < l->n_vips; v++) {
		l->vips[v].first_dest = n;
		l->vips[v].n_dests = find_places(l, v, NULL);
		n += l->vips[v].n_dests;
		if (l->vips[v].n_dests > most)
			most = l->vips[v].n_dests;
	}
	l->n_dests = n;
	l->dests = array(n, sizeof(*l->dests));
	places = array(most, sizeof(*places));
	if (!l->dests || !places) {
		free(places);
		return -ENOMEM;
	}
	for (v = 0; v < l->n_vips; v++) {
		n = find_places(l, v, places);
		rows_sort(places, n, sizeof(*places), cmp_place, NULL);
		for (i = 0; i < n; i++)
			l->dests[l->vips[v].first_dest + i] =
				(struct layout_dest){ v, places[i].realserver };
	}
	free(places);
	return 0;
}

/* Rows of `owner` side by side in an index: counts, then offsets, then ids. */
static int fill_dest_links(struct layout *l)
{
	uint32_t at = 0, i;

	l->dest_links = array(l->n_dests, sizeof(*l->dest_links));
	if (!l->dest_links)
		return -ENOMEM;
	for (i = 0; i < l->n_dests; i++)
		l->realservers[l->dests[i].realserver].n_dest_links++;
	for (i = 0; i < l->n_realservers; i++) {
		l->realservers[i].first_dest_link = at;
		at += l->realservers[i].n_dest_links;
		l->realservers[i].n_dest_links = 0;
	}
	for (i = 0; i < l->n_dests; i++) {
		struct layout_realserver *r = &l->realservers[l->dests[i].realserver];

		l->dest_links[r->first_dest_link + r->n_dest_links++] = i;
	}
	return 0;
}

int layout_new(struct config *conf, struct layout **ret_layout)
{
	struct layout *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	atomic_init(&l->refs, 1);
	l->conf = config_ref(conf);
	r = fill_services(l);
	if (!r)
		r = fill_dests(l);
	if (!r)
		r = fill_dest_links(l);
	if (!r)
		r = layout_fill_targets(l);
	if (r) {
		layout_unref(l);
		return r;
	}
	*ret_layout = l;
	return 0;
}

struct layout *layout_ref(struct layout *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

void layout_unref(struct layout *l)
{
	if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
		return;
	free(l->services);
	free(l->services_by_name);
	free(l->vips);
	free(l->vips_by_key);
	free(l->realservers);
	free(l->realservers_by_name);
	free(l->dests);
	free(l->dest_links);
	free(l->targets);
	free(l->lanes);
	free(l->links);
	free(l->users);
	config_unref(l->conf);
	free(l);
}

void layout_kernel_service(const struct layout *l, uint32_t vip, struct ipvs_service *ret_service)
{
	const struct layout_vip *v = &l->vips[vip];

	service_conf_kernel(l->services[v->service].conf, v->address, ret_service);
}

void layout_kernel_dest(const struct layout *l, uint32_t dest, uint32_t weight,
			struct ipvs_dest *ret_dest)
{
	const struct layout_dest *d = &l->dests[dest];
	const struct layout_vip *v = &l->vips[d->vip];

	/* It has one, or there would be no row. */
	(void)service_conf_dest(l->services[v->service].conf, v->address,
				l->realservers[d->realserver].conf, ret_dest);
	ret_dest->weight = weight;
}

struct addr layout_dest_addr(const struct layout *l, uint32_t dest)
{
	struct addr a = { 0 };

	(void)place_of(l, l->dests[dest].vip, l->dests[dest].realserver, &a);
	return a;
}

uint32_t layout_find_service(const struct layout *l, const char *name)
{
	uint32_t low = 0, high = l->n_services;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = name_cmp(l->services[l->services_by_name[mid]].conf->head.name, name);

		if (!c)
			return l->services_by_name[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return LAYOUT_NONE;
}

uint32_t layout_find_realserver(const struct layout *l, uint32_t service, const char *name)
{
	const struct layout_service *s = &l->services[service];
	uint32_t low = s->first_realserver, high = low + s->n_realservers;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = name_cmp(l->realservers[l->realservers_by_name[mid]].conf->name, name);

		if (!c)
			return l->realservers_by_name[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return LAYOUT_NONE;
}

uint32_t layout_find(const struct layout *l, const char *service, const char *realserver)
{
	uint32_t id = layout_find_service(l, service);

	return id == LAYOUT_NONE ? LAYOUT_NONE : layout_find_realserver(l, id, realserver);
}

uint32_t layout_find_vip(const struct layout *l, const struct ipvs_key *key)
{
	uint32_t low = 0, high = l->n_vips;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = ipvs_key_cmp(&l->vips[l->vips_by_key[mid]].key, key);

		if (!c)
			return l->vips_by_key[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return LAYOUT_NONE;
}
