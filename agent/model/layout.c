/* layout.c: unfolds a configuration into flat rows. Counting first and filling
 * then keeps every array at its exact size; only the targets are found by a hash,
 * for one address and probe may serve many realservers. */
#include "agent/model/layout.h"
#include "agent/ipvs/ipvs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM        1
#define uthash_nonfatal_oom(elt) ((elt)->oom = true)
#include <uthash.h>

/* What makes two probes one: the same probe of the same address. */
struct target_key {
	struct addr addr;
	const struct probe_conf *conf;
};
struct target_entry {
	struct target_key key;
	uint32_t id;
	bool oom;
	UT_hash_handle hh;
};

static void *array(uint32_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

/* Where the destination of a realserver behind a VIP stands; false = none. */
static bool dest_of(const struct layout *l, uint32_t vip, uint32_t realserver,
		    struct ipvs_dest *ret)
{
	const struct layout_vip *v = &l->vips[vip];

	return service_conf_dest(l->services[v->service].conf, v->address,
				 l->realservers[realserver].conf, ret);
}

static int cmp_dest(const void *a, const void *b)
{
	return addr_cmp(&((const struct layout_dest *)a)->addr,
			&((const struct layout_dest *)b)->addr);
}

static int cmp_vip(const void *a, const void *b, void *arg)
{
	const struct layout *l = arg;

	return ipvs_key_cmp(&l->vips[*(const uint32_t *)a].key, &l->vips[*(const uint32_t *)b].key);
}

static int cmp_service(const void *a, const void *b, void *arg)
{
	const struct layout *l = arg;

	return strcmp(l->services[*(const uint32_t *)a].conf->head.name,
		      l->services[*(const uint32_t *)b].conf->head.name);
}

static int cmp_realserver(const void *a, const void *b, void *arg)
{
	const struct layout *l = arg;

	return strcmp(l->realservers[*(const uint32_t *)a].conf->name,
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
	qsort_r(&l->realservers_by_name[s->first_realserver], s->n_realservers,
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
	qsort_r(l->vips_by_key, vips, sizeof(*l->vips_by_key), cmp_vip, l);
	qsort_r(l->services_by_name, n, sizeof(*l->services_by_name), cmp_service, l);
	return 0;
}

static int fill_dests(struct layout *l)
{
	struct ipvs_dest d;
	uint32_t n = 0, v, r, pass;

	/* Once to count, once to fill. */
	for (pass = 0; pass < 2; pass++) {
		n = 0;
		for (v = 0; v < l->n_vips; v++) {
			struct layout_vip *vip = &l->vips[v];
			const struct layout_service *s = &l->services[vip->service];

			vip->first_dest = n;
			for (r = s->first_realserver; r < s->first_realserver + s->n_realservers;
			     r++) {
				if (!dest_of(l, v, r, &d))
					continue;
				if (pass)
					l->dests[n] = (struct layout_dest){ v, r, d.addr };
				n++;
			}
			vip->n_dests = n - vip->first_dest;
			if (pass)
				qsort(&l->dests[vip->first_dest], vip->n_dests, sizeof(*l->dests),
				      cmp_dest);
		}
		if (pass)
			break;
		l->n_dests = n;
		l->dests = array(n, sizeof(*l->dests));
		if (!l->dests)
			return -ENOMEM;
	}
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

static int find_target(struct target_entry **table, struct layout *l, const struct addr *addr,
		       const struct probe_conf *conf, uint32_t *ret_id)
{
	struct target_key key;
	struct target_entry *e;

	memset(&key, 0, sizeof(key));
	key.addr = *addr;
	key.conf = conf;
	HASH_FIND(hh, *table, &key, sizeof(key), e);
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->key = key;
		e->id = l->n_targets;
		HASH_ADD(hh, *table, key, sizeof(e->key), e);
		if (e->oom) {
			free(e);
			return -ENOMEM;
		}
		l->targets[l->n_targets++] = (struct layout_target){ .addr = *addr, .conf = conf };
	}
	*ret_id = e->id;
	return 0;
}

static void free_targets_table(struct target_entry *table)
{
	struct target_entry *e, *next;

	HASH_ITER (hh, table, e, next) {
		HASH_DEL(table, e);
		free(e);
	}
}

/* A realserver that takes part is probed at each of its addresses. */
static bool takes_part(const struct layout *l, const struct layout_realserver *r)
{
	return r->conf->enabled && l->services[r->service].conf->enabled;
}

static int fill_links(struct layout *l, struct target_entry **table)
{
	uint32_t i, a, n = 0;
	size_t p;
	int r;

	for (i = 0; i < l->n_realservers; i++)
		if (takes_part(l, &l->realservers[i]))
			n += l->realservers[i].conf->n_addr *
			     (uint32_t)l->realservers[i].conf->probes.n;
	l->links = array(n, sizeof(*l->links));
	l->targets = array(n, sizeof(*l->targets));
	l->users = array(n, sizeof(*l->users));
	if (!l->links || !l->targets || !l->users)
		return -ENOMEM;
	for (i = 0; i < l->n_realservers; i++) {
		struct layout_realserver *rs = &l->realservers[i];
		const struct service_conf *s = l->services[rs->service].conf;

		rs->first_link = l->n_links;
		if (!takes_part(l, rs))
			continue;
		for (p = 0; p < rs->conf->probes.n; p++) {
			const struct probe_conf *conf =
				config_named(l->conf, &probe_section, rs->conf->probes.items[p]);

			if (!conf)
				return -EINVAL; /* the cross-check let it through */
			for (a = 0; a < rs->conf->n_addr; a++) {
				struct addr addr = service_conf_probe_addr(s, rs->conf, a, conf);

				r = find_target(table, l, &addr, conf, &l->links[l->n_links]);
				if (r)
					return r;
				l->n_links++;
			}
		}
		rs->n_links = l->n_links - rs->first_link;
	}
	return 0;
}

static void fill_users(struct layout *l)
{
	uint32_t at = 0, i, j;

	l->n_users = l->n_links;
	for (i = 0; i < l->n_links; i++)
		l->targets[l->links[i]].n_users++;
	for (i = 0; i < l->n_targets; i++) {
		l->targets[i].first_user = at;
		at += l->targets[i].n_users;
		l->targets[i].n_users = 0;
	}
	for (i = 0; i < l->n_realservers; i++) {
		const struct layout_realserver *r = &l->realservers[i];

		for (j = r->first_link; j < r->first_link + r->n_links; j++) {
			struct layout_target *t = &l->targets[l->links[j]];

			l->users[t->first_user + t->n_users++] = i;
		}
	}
}

int layout_new(struct config *conf, struct layout **ret_layout)
{
	struct layout *l = calloc(1, sizeof(*l));
	struct target_entry *table = NULL;
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
		r = fill_links(l, &table);
	free_targets_table(table);
	if (r) {
		layout_unref(l);
		return r;
	}
	fill_users(l);
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

	/* It has one, or there would be no row. */
	(void)dest_of(l, d->vip, d->realserver, ret_dest);
	ret_dest->weight = weight;
}

uint32_t layout_find_service(const struct layout *l, const char *name)
{
	uint32_t low = 0, high = l->n_services;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = strcmp(l->services[l->services_by_name[mid]].conf->head.name, name);

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
		int c = strcmp(l->realservers[l->realservers_by_name[mid]].conf->name, name);

		if (!c)
			return l->realservers_by_name[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return LAYOUT_NONE;
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
