/* plan_text.c: one line a change, names first, then what of it changes. */
#include "agent/plan_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/parse.h"
#include "agent/ipvs/ipvs.h"

struct line {
	char sign; /* + ~ - */
	const char *service, *realserver;
	struct buf address, what;
};

struct text {
	const struct pass *p;
	const struct state *s;
	struct buf *out;    /* text, or … */
	json_t *list;       /* … JSON */
	uint32_t counts[3]; /* changes, additions, deletions */
	uint32_t beside;    /* of these: additions beside the table */
};

static const char signs[] = "~+-";

/* A change of one value, "weight 5 → 100". */
static void change(struct buf *what, const char *name, const char *from, const char *to)
{
	buf_printf(what, "%s%s %s → %s", what->len ? ", " : "", name, from, to);
}

static void change_u32(struct buf *what, const char *name, uint32_t from, uint32_t to)
{
	buf_printf(what, "%s%s %u → %u", what->len ? ", " : "", name, from, to);
}

static void put(struct text *t, struct line *l)
{
	const char *address = buf_str(&l->address), *what = buf_str(&l->what);
	size_t i = (size_t)(strchr(signs, l->sign) - signs);

	t->counts[i]++;
	if (t->list)
		json_array_append_new(t->list,
				      json_pack("{s:s#, s:s, s:s?, s:s, s:s}", "change", &l->sign,
						1, "service", l->service, "realserver",
						l->realserver, "address", address, "what", what));
	else
		buf_printf(t->out, "%c %-12s %-12s %-24s %s\n", l->sign, l->service,
			   l->realserver ? l->realserver : "", address, what);
	buf_fini(&l->address);
	buf_fini(&l->what);
}

static const char *engine(const char *name)
{
	return *name ? name : "none";
}

static void describe_service(const struct diff_item *item, const struct ipvs_service *want,
			     const struct ipvs_service *found, struct buf *what)
{
	if (item->changes & DIFF_SCHEDULER)
		change(what, "scheduler", found->scheduler, want->scheduler);
	if (item->changes & DIFF_FLAGS)
		change_u32(what, "flags", found->flags & IPVS_SVC_FLAGS,
			   want->flags & IPVS_SVC_FLAGS);
	if (item->changes & DIFF_PERSISTENCE)
		change_u32(what, "persistence",
			   found->flags & IPVS_SVC_PERSISTENT ? found->timeout : 0,
			   want->flags & IPVS_SVC_PERSISTENT ? want->timeout : 0);
	if (item->changes & DIFF_ENGINE)
		change(what, "engine", engine(found->engine), engine(want->engine));
}

static void describe_dest(const struct diff_item *item, const struct ipvs_dest *want,
			  const struct ipvs_dest *found, struct buf *what)
{
	if (item->changes & DIFF_WEIGHT)
		change_u32(what, "weight", found->weight, want->weight);
	if (item->changes & DIFF_FORWARD)
		change(what, "forward", ipvs_forward_name(found->forward),
		       ipvs_forward_name(want->forward));
	if (item->changes & DIFF_TUNNEL)
		change(what, "tunnel", ipvs_tunnel_name(found->tun_type),
		       ipvs_tunnel_name(want->tun_type));
	if (item->changes & DIFF_THRESHOLDS) {
		change_u32(what, "upper", found->upper, want->upper);
		change_u32(what, "lower", found->lower, want->lower);
	}
}

static void put_service(struct text *t, const struct diff_item *item)
{
	const struct layout *l = t->p->layout;
	const struct layout_vip *v = &l->vips[item->vip];
	struct line line = { .sign = item->kind == IPVS_NEW_SERVICE ? '+' : '~',
			     .service = l->services[v->service].conf->head.name };
	struct ipvs_service want;

	layout_kernel_service(l, item->vip, &want);
	buf_puts(&line.address, l->services[v->service].conf->addresses[v->address].text);
	if (item->kind == IPVS_NEW_SERVICE)
		buf_printf(&line.what, "scheduler %s", want.scheduler);
	else
		describe_service(item, &want, &t->p->reading->table.services[item->service_row],
				 &line.what);
	put(t, &line);
}

static void put_dest(struct text *t, const struct diff_item *item)
{
	const struct layout *l = t->p->layout;
	const struct layout_dest *d = &l->dests[item->dest];
	const struct layout_realserver *r = &l->realservers[d->realserver];
	struct line line = { .sign = item->kind == IPVS_NEW_DEST ? '+' : '~',
			     .service = l->services[r->service].conf->head.name,
			     .realserver = r->conf->name };
	struct ipvs_dest want;

	layout_kernel_dest(l, item->dest, item->weight < 0 ? 0 : (uint32_t)item->weight, &want);
	addr_format(&line.address, &want.addr);
	if (item->kind == IPVS_DEL_DEST) {
		line.sign = '-';
		buf_puts(&line.what, "a hold removes it");
	} else if (item->kind == IPVS_SET_DEST) {
		describe_dest(item, &want, &t->p->reading->table.dests[item->dest_row], &line.what);
	} else {
		buf_printf(&line.what, "weight %u, %s", r->conf->weight,
			   ipvs_forward_name(want.forward));
		if (want.weight < r->conf->weight && t->s->dests[item->dest].cap != CAP_NONE)
			buf_puts(&line.what, ", after its first good probe");
	}
	put(t, &line);
}

static const struct ipvs_dest *find_dest(const struct pass *p, const struct diff_leaving *l,
					 const struct ipvs_service **ret_service)
{
	const struct ipvs_table *t = &p->reading->table;
	uint32_t i, j;

	for (i = 0; i < t->n_services; i++) {
		const struct ipvs_service *s = &t->services[i];

		if (ipvs_key_cmp(&s->key, &l->service))
			continue;
		*ret_service = s;
		for (j = s->first_dest; l->dest.family && j < s->first_dest + s->n_dests; j++)
			if (!addr_cmp(&t->dests[j].addr, &l->dest))
				return &t->dests[j];
	}
	return NULL;
}

/* What leaves, and how: at once, or drained first. */
static void put_leaving(struct text *t, const struct diff_leaving *l)
{
	const struct layout *layout = t->p->layout;
	const struct ipvs_service *s = NULL;
	const struct ipvs_dest *d = find_dest(t->p, l, &s);
	uint32_t vip = layout_find_vip(layout, &l->service);
	struct diff_policy policy = t->p->gone;
	struct buf name = BUF_INIT;
	struct line line = { .sign = '-' };

	ipvs_key_format(&name, &l->service);
	line.service = buf_str(&name);
	if (vip != LAYOUT_NONE) {
		const struct service_conf *c = layout->services[layout->vips[vip].service].conf;

		line.service = c->head.name;
		policy = (struct diff_policy){ c->on_remove, c->drain_timeout };
	}
	if (d)
		addr_format(&line.address, &d->addr);
	else
		buf_printf(&line.what, "the service, %u realserver%s", s ? s->n_dests : 0,
			   s && s->n_dests == 1 ? "" : "s");
	if (d)
		buf_printf(&line.what, "%u connection%s", d->active + d->inactive,
			   d->active + d->inactive == 1 ? "" : "s");
	if (policy.on_remove == REMOVE_NOW) {
		buf_puts(&line.what, ": deleted at once");
	} else {
		buf_puts(&line.what, ": drained first, ");
		format_duration(&line.what, policy.drain_timeout);
		buf_puts(&line.what, " at most");
	}
	put(t, &line);
	buf_fini(&name);
}

static void put_summary(struct text *t)
{
	static const char *const nouns[] = { "change", "addition", "deletion" };
	uint32_t others = t->counts[0] + t->counts[1] - t->beside;
	uint32_t as_they_should = t->p->layout->n_dests - others, i;
	bool any = false;

	for (i = 0; i < 3; i++) {
		if (!t->counts[i])
			continue;
		buf_printf(t->out, "%s%u %s%s", any ? ", " : "", t->counts[i], nouns[i],
			   t->counts[i] == 1 ? "" : "s");
		any = true;
	}
	if (!any)
		buf_puts(t->out, "nothing to change");
	if (t->p->layout->n_dests < others)
		as_they_should = 0;
	buf_printf(t->out, "; %u realserver%s as they should be\n", as_they_should,
		   as_they_should == 1 ? "" : "s");
}

/* Addresses, dummies and sync daemons: "+ vip  eth0  10.1.2.15  put there". */
static void put_duty(struct text *t, const struct duty_op *op)
{
	static const char *const nouns[DUTY_N_KINDS] = {
		[DUTY_ADDR] = "vip", [DUTY_LINK] = "dummy", [DUTY_DAEMON] = "sync"
	};
	bool make = op->kind == DUTY_MAKE;
	struct line line = { .sign = make ? '+' : '-', .service = nouns[op->what.kind] };

	if (op->kind == DUTY_FORGET)
		return;
	line.realserver =
		op->what.kind == DUTY_DAEMON ? daemon_names[op->what.state] : op->what.interface;
	if (op->what.kind == DUTY_ADDR)
		addr_format_host(&line.address, &op->what.addr);
	if (op->what.kind == DUTY_DAEMON && make)
		buf_printf(&line.what, "started on %s, id %u", op->daemon.interface,
			   op->daemon.sync_id);
	else if (op->what.kind == DUTY_DAEMON)
		buf_puts(&line.what, "stopped");
	else
		buf_puts(&line.what, make ? "put there" : "taken away");
	t->beside += make;
	put(t, &line);
}

/* "~ net.ipv4.vs.conntrack 0 → 1" */
static void put_setting(struct text *t, const struct plan_setting *s, json_t *list)
{
	const char *name = buf_str(&s->name), *found = buf_str(&s->found);
	const char *value = buf_str(&s->value), *error = NULL;

	if (s->error)
		error = strerrordesc_np(-s->error) ?: "cannot be read";
	t->counts[0] += !s->error;
	t->beside += !s->error;
	if (list)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s?}", "name", name, "found",
						found, "value", value, "error", error));
	else if (error)
		buf_printf(t->out, "? %s: %s\n", name, error);
	else
		buf_printf(t->out, "~ %s %s → %s\n", name, found, value);
}

uint32_t plan_print(const struct pass *p, const struct state *s, const struct plan_beside *beside,
		    bool json, struct buf *out)
{
	json_t *list = json ? json_array() : NULL;
	struct text t = { .p = p, .s = s, .out = out, .list = json ? json_array() : NULL };
	uint32_t i;
	size_t k;

	for (k = 0; k < beside->n_settings; k++)
		put_setting(&t, &beside->settings[k], list);
	for (i = 0; i < p->diff.n_items; i++) {
		const struct diff_item *item = &p->diff.items[i];

		if (item->of_lane)
			continue; /* nobody's but ours */
		if (item->kind == IPVS_NEW_SERVICE || item->kind == IPVS_SET_SERVICE)
			put_service(&t, item);
		else if (item->dest != DIFF_NONE && s->dests[item->dest].want != WANT_OUT)
			put_dest(&t, item);
	}
	for (i = 0; i < p->diff.n_leaving; i++)
		put_leaving(&t, &p->diff.leaving[i]);
	for (k = 0; k < beside->duties->n; k++)
		put_duty(&t, &beside->duties->rows[k]);
	if (json) {
		json_t *root = json_pack("{s:i, s:i, s:i, s:o, s:o}", "changes", (int)t.counts[0],
					 "additions", (int)t.counts[1], "deletions",
					 (int)t.counts[2], "plan", t.list, "settings", list);
		char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;

		buf_puts(out, text ? text : "{}");
		buf_putc(out, '\n');
		free(text);
		json_decref(root);
	} else {
		put_summary(&t);
	}
	return t.counts[0] + t.counts[1] + t.counts[2];
}
