/* layout_targets.c: what a configuration wants probed. One address and probe may serve
 * many realservers: what is asked for twice is found by sorting, which needs no memory
 * that lies between the rows which stay. A realserver that is probed by the director's
 * own forwarding has a lane, and is asked for each address of its service. */
#include "agent/model/layout_targets.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/base/attr.h"
#include "agent/base/rows.h"

enum { NO_LANE = 0 };

/* What a realserver wants probed, and where in links that stands. */
struct wish {
	struct addr addr;
	uint32_t link;
	uint32_t lane; /* 1 + its draft, then 1 + its lane; or NO_LANE */
	const struct probe_conf *conf;
};

struct asking {
	struct layout *l;
	struct wish *wishes;
	struct lane *drafts;
	uint32_t n, n_drafts;
};

/* One pool has the same list of names, side by side: the last one that was looked up. */
struct looked_up {
	const char *name;
	const struct probe_conf *conf;
};

static void *array(uint32_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

/* A realserver that takes part is probed at each of its addresses. */
static bool takes_part(const struct layout *l, const struct layout_realserver *r)
{
	return r->conf->enabled && l->services[r->service].conf->enabled;
}

static const struct probe_conf *look_up(const struct layout *l, const char *name,
					struct looked_up *last)
{
	if (name != last->name)
		*last = (struct looked_up){ name, config_named(l->conf, &probe_section, name) };
	return last->conf;
}

/* --- wishes --------------------------------------------------------------------- */

static void wish_directly(struct asking *q, const struct layout_realserver *rs,
			  const struct probe_conf *conf)
{
	const struct service_conf *s = q->l->services[rs->service].conf;
	uint32_t a;

	for (a = 0; a < realserver_conf_n_probed(rs->conf); a++)
		q->wishes[q->n++] =
			(struct wish){ .addr = service_conf_probe_addr(s, rs->conf, a, conf),
				       .conf = conf };
}

/* Where a question for `asked` is to end: there, in the way that clients' packets take,
 * at another port only where masq has one. */
static struct lane draft_of(const struct layout *l, uint32_t dest, const struct addr *asked)
{
	struct lane lane = { .key.addr.family = asked->family };

	layout_kernel_dest(l, dest, 1, &lane.dest);
	lane.dest.upper = lane.dest.lower = 0;
	if (lane.dest.forward != IPVS_MASQ || lane.dest.addr.port == asked->port)
		lane.dest.addr.port = 0;
	return lane;
}

static int cmp_addr(const void *a, const void *b, void *arg ATTR_UNUSED)
{
	return addr_cmp(&((const struct wish *)a)->addr, &((const struct wish *)b)->addr);
}

/* Addresses that differ in their protocol alone are one question. */
static void wish_by_lane(struct asking *q, const struct layout_realserver *rs,
			 const struct probe_conf *conf)
{
	const struct layout *l = q->l;
	const struct service_conf *s = l->services[rs->service].conf;
	uint32_t first = q->n, i, kept;

	for (i = rs->first_dest_link; i < rs->first_dest_link + rs->n_dest_links; i++) {
		uint32_t dest = l->dest_links[i];
		struct wish w = { .conf = conf };

		if (!service_conf_asked_addr(s, l->vips[l->dests[dest].vip].address, rs->conf, conf,
					     &w.addr))
			continue;
		q->drafts[q->n_drafts++] = draft_of(l, dest, &w.addr);
		w.lane = q->n_drafts;
		q->wishes[q->n++] = w;
	}
	rows_sort(&q->wishes[first], q->n - first, sizeof(*q->wishes), cmp_addr, NULL);
	for (i = kept = first; i < q->n; i++)
		if (i == first || cmp_addr(&q->wishes[kept - 1], &q->wishes[i], NULL))
			q->wishes[kept++] = q->wishes[i];
	q->n = kept;
}

/* What all realservers want probed; its place in links is each one's own. */
static int fill_wishes(struct asking *q)
{
	const struct layout *l = q->l;
	struct looked_up last = { 0 };
	const struct probe_conf *conf;
	uint32_t i;
	size_t p;

	for (i = 0; i < l->n_realservers; i++) {
		struct layout_realserver *rs = &l->realservers[i];

		rs->first_link = q->n;
		for (p = 0; takes_part(l, rs) && p < rs->conf->terms->probes.n; p++) {
			conf = look_up(l, rs->conf->terms->probes.items[p], &last);
			if (!conf)
				return -EINVAL; /* the cross-check let it through */
			if (conf->via == VIA_FORWARD)
				wish_by_lane(q, rs, conf);
			else
				wish_directly(q, rs, conf);
		}
		rs->n_links = (uint16_t)(q->n - rs->first_link);
	}
	for (i = 0; i < q->n; i++)
		q->wishes[i].link = i;
	return 0;
}

/* --- targets -------------------------------------------------------------------- */

static int cmp_question(const struct wish *x, const struct wish *y)
{
	int c = addr_cmp(&x->addr, &y->addr);

	if (!c)
		c = (x->lane > y->lane) - (x->lane < y->lane);
	return c ? c
		 : ((uintptr_t)x->conf > (uintptr_t)y->conf) -
			       ((uintptr_t)x->conf < (uintptr_t)y->conf);
}

static int cmp_wish(const void *a, const void *b, void *arg)
{
	const struct wish *wishes = arg;
	const struct wish *x = &wishes[*(const uint32_t *)a], *y = &wishes[*(const uint32_t *)b];
	int c = cmp_question(x, y);

	return c ? c : (x->link > y->link) - (x->link < y->link);
}

/* Equal wishes are one target, whose number is that of its first wish among all. */
static int fill_targets(struct layout *l, const struct wish *wishes)
{
	uint32_t *order = array(l->n_links, sizeof(*order));
	uint32_t i, first = 0;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < l->n_links; i++)
		order[i] = i;
	rows_sort(order, l->n_links, sizeof(*order), cmp_wish, (void *)(uintptr_t)wishes);
	for (i = 0; i < l->n_links; i++) {
		if (i && cmp_question(&wishes[order[first]], &wishes[order[i]]))
			first = i;
		l->links[order[i]] = order[first];
	}
	free(order);
	for (i = 0; i < l->n_links; i++)
		l->n_targets += l->links[i] == i;
	l->targets = array(l->n_targets + 1, sizeof(*l->targets));
	if (!l->targets)
		return -ENOMEM;
	for (i = first = 0; i < l->n_links; i++) {
		if (l->links[i] != i) {
			l->links[i] = l->links[l->links[i]];
			continue;
		}
		l->targets[first] =
			(struct layout_target){ .addr = wishes[i].addr, .conf = wishes[i].conf };
		if (wishes[i].lane != NO_LANE)
			l->targets[first].lane = &l->lanes[wishes[i].lane - 1];
		l->links[i] = first++;
	}
	return 0;
}

/* Drafts become lanes, which several of them may share. */
static int fill_lanes(struct asking *q)
{
	uint32_t *index, i;
	int e;

	if (!q->n_drafts)
		return 0;
	index = array(q->n_drafts, sizeof(*index));
	if (!index)
		return -ENOMEM;
	e = lanes_assign(q->drafts, q->n_drafts, index, &q->l->lanes, &q->l->n_lanes);
	for (i = 0; !e && i < q->n; i++)
		if (q->wishes[i].lane != NO_LANE)
			q->wishes[i].lane = 1 + index[q->wishes[i].lane - 1];
	free(index);
	return e;
}

/* How many links and drafts there are at most. */
static void count_wishes(const struct layout *l, uint32_t *ret_links, uint32_t *ret_drafts)
{
	struct looked_up last = { 0 };
	const struct probe_conf *conf;
	uint32_t i;
	size_t p;

	*ret_links = *ret_drafts = 0;
	for (i = 0; i < l->n_realservers; i++) {
		const struct layout_realserver *rs = &l->realservers[i];

		for (p = 0; takes_part(l, rs) && p < rs->conf->terms->probes.n; p++) {
			conf = look_up(l, rs->conf->terms->probes.items[p], &last);
			if (conf && conf->via == VIA_FORWARD) {
				*ret_links += rs->n_dest_links;
				*ret_drafts += rs->n_dest_links;
			} else {
				*ret_links += realserver_conf_n_probed(rs->conf);
			}
		}
	}
}

/* Who uses each target: counted, then entered from the back, which brings first_user
 * down to where it belongs. */
static void fill_users(struct layout *l)
{
	uint32_t at = 0, i, j;

	for (i = 0; i < l->n_links; i++)
		l->targets[l->links[i]].first_user++;
	for (i = 0; i <= l->n_targets; i++) {
		at += l->targets[i].first_user;
		l->targets[i].first_user = at;
	}
	for (i = l->n_realservers; i-- > 0;) {
		const struct layout_realserver *r = &l->realservers[i];

		for (j = r->first_link; j < r->first_link + r->n_links; j++)
			l->users[--l->targets[l->links[j]].first_user] = i;
	}
}

int layout_fill_targets(struct layout *l)
{
	struct asking q = { .l = l };
	uint32_t n_links, n_drafts;
	int r = -ENOMEM;

	count_wishes(l, &n_links, &n_drafts);
	l->links = array(n_links, sizeof(*l->links));
	l->users = array(n_links, sizeof(*l->users));
	q.wishes = array(n_links, sizeof(*q.wishes));
	q.drafts = array(n_drafts, sizeof(*q.drafts));
	if (l->links && l->users && q.wishes && q.drafts)
		r = fill_wishes(&q);
	l->n_links = q.n;
	if (!r)
		r = fill_lanes(&q);
	if (!r)
		r = fill_targets(l, q.wishes);
	free(q.wishes);
	free(q.drafts);
	if (!r)
		fill_users(l);
	return r;
}
