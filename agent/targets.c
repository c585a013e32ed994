/* targets.c: a name may be a service's and a realserver's. Who only looks is shown both;
 * who acts is asked which one he means, for a drain of the wrong one is an outage. */
#include "agent/targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"

/* Without a port any of its ports is meant. */
static bool is_address(const struct addr *a, const struct addr *meant)
{
	return a->family == meant->family && !memcmp(a->bytes, meant->bytes, sizeof(a->bytes)) &&
	       (!meant->port || a->port == meant->port);
}

/* Its own address, or one at which it serves: there its port is known, too. */
static bool has_address(const struct layout *l, uint32_t realserver, const struct addr *meant)
{
	const struct layout_realserver *r = &l->realservers[realserver];
	uint32_t i;

	for (i = 0; i < r->conf->n_addr; i++)
		if (is_address(&r->conf->addr[i], meant))
			return true;
	for (i = r->first_dest_link; i < r->first_dest_link + r->n_dest_links; i++) {
		struct addr a = layout_dest_addr(l, l->dest_links[i]);

		if (is_address(&a, meant))
			return true;
	}
	return false;
}

/* What a target is read as, once. */
struct meant {
	const char *name;    /* of a realserver, or of either */
	const char *service; /* of a whole service; NULL = it cannot be one */
	bool is_address;
	struct addr addr;
	uint32_t first, end; /* the realservers that may be meant */
};

static struct meant meant_by(const struct layout *l, const char *target, struct buf *room)
{
	const char *slash = strchr(target, '/');
	struct meant m = { .name = target, .service = target, .end = l->n_realservers };
	uint32_t id;

	m.is_address = !slash && !addr_parse(target, &m.addr);
	if (!slash)
		return m;
	m.name = slash[1] ? slash + 1 : NULL;
	m.service = NULL;
	if (slash == target)
		return m;
	buf_put(room, target, (size_t)(slash - target));
	id = layout_find_service(l, buf_str(room));
	m.service = m.name ? NULL : buf_str(room);
	m.end = 0;
	if (id != LAYOUT_NONE) {
		m.first = l->services[id].first_realserver;
		m.end = m.first + l->services[id].n_realservers;
	}
	return m;
}

static bool is_named(const struct layout *l, uint32_t realserver, const struct meant *m)
{
	return (m->name && !strcmp(l->realservers[realserver].conf->name, m->name)) ||
	       (m->is_address && has_address(l, realserver, &m->addr));
}

static bool is_in(const struct layout *l, uint32_t realserver, const struct meant *m)
{
	uint32_t service = l->realservers[realserver].service;

	return m->service && !strcmp(l->services[service].conf->head.name, m->service);
}

/* Why nothing was found: names the realserver or service that was probably meant. */
static void suggest(const struct layout *l, const char *target, struct buf *out)
{
	const char *slash = strchr(target, '/'), *near;
	size_t n = 0, room = (size_t)l->n_services + l->n_realservers;
	const char **names = calloc(room + 1, sizeof(*names));
	uint32_t i;

	if (layout_find_service(l, target) != LAYOUT_NONE) {
		buf_printf(out, "service %s has no realserver", target);
		free(names);
		return;
	}
	buf_printf(out, "no service or realserver '%s'", target);
	if (!names)
		return;
	for (i = 0; i < l->n_services && !slash; i++)
		names[n++] = l->services[i].conf->head.name;
	for (i = 0; i < l->n_realservers; i++)
		names[n++] = l->realservers[i].conf->name;
	near = nearest_name(slash ? slash + 1 : target, names, n);
	if (near && slash)
		buf_printf(out, "; did you mean realserver '%s'?", near);
	else if (near)
		buf_printf(out, "; did you mean '%s'?", near);
	free(names);
}

static int add(struct targets *t, uint32_t *room, uint32_t id)
{
	uint32_t *grown;

	if (t->n == *room) {
		*room = *room ? 2 * *room : 8;
		grown = reallocarray(t->ids, *room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->ids = grown;
	}
	t->ids[t->n++] = id;
	return 0;
}

static int find(const struct layout *l, const struct meant *m, struct targets *t)
{
	bool any_in = false, any_outside = false;
	uint32_t i, room = 0;
	int e = 0;

	for (i = m->first; !e && i < m->end; i++) {
		bool in = is_in(l, i, m), named = is_named(l, i, m);

		any_in |= in;
		any_outside |= named && !in;
		if (in || named)
			e = add(t, &room, i);
	}
	t->ambiguous = any_in && any_outside;
	return e ? e : t->n ? 0 : -ENOENT;
}

int targets_find(const struct layout *l, const char *target, struct buf *why,
		 struct targets *ret_targets)
{
	struct buf room = BUF_INIT;
	struct meant meant = meant_by(l, target, &room);
	struct targets t = { 0 };
	int e = find(l, &meant, &t);

	buf_fini(&room);
	if (e) {
		targets_fini(&t);
		if (e == -ENOENT)
			suggest(l, target, why);
		return e;
	}
	*ret_targets = t;
	return 0;
}

void targets_fini(struct targets *t)
{
	free(t->ids);
	*t = (struct targets){ 0 };
}

void targets_describe_both(const char *target, struct buf *out)
{
	buf_printf(out,
		   "'%s' is a service, and a realserver of another one: say %s/ for the service "
		   "or /%s for the realserver",
		   target, target, target);
}
