/* snapshot_dests.c: what of a snapshot needs no live state: the room for all its rows,
 * before the rest, and the VIPs and destinations, which are the reading's and the layout's,
 * behind it. Made on the work queue, so that the loop has the less to do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/ipvs/ipvs.h"
#include "agent/metrics/metric.h"
#include "agent/model/match.h"
#include "agent/publish.h"

/* Touched here, for the first touch of a page costs more than what is written there. */
static void *array(uint32_t n, size_t size)
{
	size_t bytes = (n ? n : 1) * size;
	void *a = malloc(bytes);

	return a ? memset(a, 0, bytes) : NULL;
}

static const char *keep(struct view *v, struct buf *text)
{
	return buf_ok(text) ? arena_strdup(&v->arena, buf_str(text)) : NULL;
}

/* Destinations of a kernel service that the layout does not know. */
static int add_extras(struct view *v, uint32_t vip, uint32_t service, struct buf *text)
{
	const struct ipvs_service *s = &v->table.services[service];
	const struct match *m = &v->reading->match;
	uint32_t i;

	for (i = s->first_dest; i < s->first_dest + s->n_dests; i++) {
		if (m->dest_of_row[i] != MATCH_NONE)
			continue;
		buf_reset(text);
		addr_format(text, &v->table.dests[i].addr);
		v->dests[v->n_dests] = (struct view_dest){
			.name = keep(v, text),
			.table = i,
			.realserver = VIEW_NONE,
		};
		if (!v->dests[v->n_dests].name)
			return -ENOMEM;
		v->n_dests++;
	}
	v->vips[vip].n_dests = v->n_dests - v->vips[vip].first_dest;
	return 0;
}

static int add_vip(struct view *v, uint32_t vip, struct buf *text)
{
	const struct layout *l = v->layout;
	const struct match *m = &v->reading->match;
	const struct layout_vip *lv = &l->vips[vip];
	const struct service_conf *c = l->services[lv->service].conf;
	uint32_t i;

	v->vips[v->n_vips++] = (struct view_vip){
		.service = c->head.name,
		.address = c->addresses[lv->address].text,
		.table = m->row_of_vip[vip],
		.owner = lv->service,
		.first_dest = v->n_dests,
		.n_dests = lv->n_dests,
	};
	for (i = lv->first_dest; i < lv->first_dest + lv->n_dests; i++)
		v->dests[v->n_dests++] = (struct view_dest){
			.name = view_conf(v, l->dests[i].realserver)->name,
			.table = m->row_of_dest[i],
			.realserver = l->dests[i].realserver,
		};
	if (m->row_of_vip[vip] == MATCH_NONE)
		return 0;
	return add_extras(v, vip, m->row_of_vip[vip], text);
}

static int add_foreign(struct view *v, uint32_t service, struct buf *text)
{
	const char *name;

	buf_reset(text);
	ipvs_key_format(text, &v->table.services[service].key);
	name = keep(v, text);
	if (!name)
		return -ENOMEM;
	v->vips[v->n_vips++] = (struct view_vip){
		.service = name,
		.address = name,
		.table = service,
		.owner = VIEW_NONE,
		.first_dest = v->n_dests,
	};
	return add_extras(v, v->n_vips - 1, service, text);
}

static uint32_t count_none(const uint32_t *ids, uint32_t n)
{
	uint32_t i, none = 0;

	for (i = 0; i < n; i++)
		none += ids[i] == MATCH_NONE;
	return none;
}

/* As many rows more. */
static int add_room(void **rows, uint32_t n, uint32_t more, size_t size)
{
	void *larger = more ? reallocarray(*rows, n + more, size) : *rows;

	if (!larger)
		return -ENOMEM;
	*rows = larger;
	return 0;
}

static int fill_vips(struct view *v, struct buf *text)
{
	const struct layout *l = v->layout;
	const struct match *m = &v->reading->match;
	uint32_t foreign = count_none(m->vip_of_service, v->table.n_services);
	uint32_t extra = count_none(m->dest_of_row, v->table.n_dests), i;
	int r = add_room((void **)&v->vips, l->n_vips, foreign, sizeof(*v->vips));

	if (!r)
		r = add_room((void **)&v->dests, l->n_dests, extra, sizeof(*v->dests));
	for (i = 0; !r && i < l->n_vips; i++)
		r = add_vip(v, i, text);
	for (i = 0; !r && i < v->table.n_services; i++)
		if (m->vip_of_service[i] == MATCH_NONE)
			r = add_foreign(v, i, text);
	return r;
}

/* Names are short, as check has seen to: their length has room in a byte. One that had
 * none would be written anew each time, as all of them. */
static int fill_names(struct view *v)
{
	uint32_t i, at, n = v->layout->n_realservers;

	v->name_of = array(n, sizeof(*v->name_of));
	for (i = 0; v->name_of && i < n; i++) {
		at = (uint32_t)v->names.len;
		v->name_of[i] = at;
		buf_putc(&v->names, '\0');
		metric_label_value(&v->names, view_conf(v, i)->name);
		if (!buf_ok(&v->names) || v->names.len > UINT32_MAX)
			return -ENOMEM;
		if (v->names.len - at - 1 > UINT8_MAX) {
			free(v->name_of);
			v->name_of = NULL;
			return 0;
		}
		v->names.data[at] = (char)(v->names.len - at - 1);
	}
	if (!v->name_of || !buf_reserve(&v->names, METRIC_COPY_MIN))
		return -ENOMEM;
	return 0;
}

int snapshot_room(struct view *v)
{
	const struct layout *l = v->layout;

	v->services = array(l->n_services, sizeof(*v->services));
	v->realservers = array(l->n_realservers, sizeof(*v->realservers));
	v->probes = array(l->n_links, sizeof(*v->probes));
	v->vips = array(l->n_vips, sizeof(*v->vips));
	v->dests = array(l->n_dests, sizeof(*v->dests));
	if (!v->services || !v->realservers || !v->probes || !v->vips || !v->dests)
		return -ENOMEM;
	return fill_names(v);
}

int snapshot_dests(struct view *v)
{
	struct buf text = BUF_INIT;
	int r = fill_vips(v, &text);

	buf_fini(&text);
	return r;
}
