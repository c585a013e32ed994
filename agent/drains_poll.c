/* drains_poll.c: what the kernel says of the realservers that drain: first the counters,
 * of their services alone; then, only for those that have nothing active but something
 * inactive, the list of connections, which costs the kernel much more. */
#include "agent/drains_poll.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/ipvs/conns.h"
#include "agent/settings.h"

enum {
	LIST_BYTES = 16 * 1024 * 1024,
	LIST_MS = 250,
	FIN_S = 120, /* the kernel's own, where it did not tell */
	UDP_S = 300,
};

struct drains_poll {
	struct agent *agent;   /* NULL = dropped */
	struct layout *layout; /* a reference */
	bool in_port;          /* the kernel's thread has it */
	uint32_t *realservers;
	struct drain_look *looks;
	uint32_t n;
	drains_poll_fn *fn;
	void *arg;
	int64_t took_ms;
	/* For the work queue: */
	char *procfs;
	struct conns_dest *dests; /* of those whose connections are looked at */
	uint32_t n_dests;
	struct conns_limits limits;
	bool quiescent; /* templates lead nobody to weight 0 */
	int list_error;
};

static void poll_free(struct drains_poll *p)
{
	if (!p)
		return;
	layout_unref(p->layout);
	free(p->realservers);
	free(p->looks);
	free(p->procfs);
	free(p->dests);
	free(p);
}

void drains_poll_drop(struct drains_poll *p)
{
	if (p && p->in_port)
		poll_free(p);
	else if (p)
		p->agent = NULL; /* the work queue still gives it back */
}

static void finish(struct drains_poll *p, bool known)
{
	const struct drains_found found = { p->realservers, known ? p->looks : NULL, p->n,
					    p->took_ms };

	p->fn(p->arg, &found);
	poll_free(p);
}

/* --- counters ---------------------------------------------------------------- */

static const struct layout_vip *vip_of(const struct layout *l, uint32_t dest)
{
	return &l->vips[l->dests[dest].vip];
}

static void add_dest(struct drain_look *look, const struct ipvs_key *key, const struct ipvs_dest *d)
{
	look->there = true;
	if (d->weight > look->weight)
		look->weight = d->weight;
	look->active += d->active;
	look->inactive += d->inactive;
	look->persistent += d->persistent;
	if (key->proto == IPPROTO_UDP) {
		look->udp += d->inactive;
		look->packets += d->stats.in_packets;
	}
}

static void take_counters(struct drains_poll *p, const struct ipvs_table *t)
{
	const struct layout *l = p->layout;
	uint32_t i, k;

	for (i = 0; i < p->n; i++) {
		const struct layout_realserver *r = &l->realservers[p->realservers[i]];

		p->looks[i] = (struct drain_look){ .fin_ms = p->limits.fin_s * 1000 };
		for (k = r->first_dest_link; k < r->first_dest_link + r->n_dest_links; k++) {
			uint32_t dest = l->dest_links[k];
			const struct ipvs_key *key = &vip_of(l, dest)->key;
			const struct ipvs_service *s = ipvs_table_service(t, key);
			struct addr at = layout_dest_addr(l, dest);
			const struct ipvs_dest *d = s ? ipvs_table_dest(t, s, &at) : NULL;

			if (d)
				add_dest(&p->looks[i], key, d);
		}
	}
}

/* --- connections ------------------------------------------------------------- */

/* Only where the counters leave it open. */
static bool needs_list(const struct drain_look *look)
{
	return look->there && !look->weight && !look->active &&
	       (look->inactive || look->persistent);
}

static int gather_dests(struct drains_poll *p, const struct ipvs_table *t)
{
	const struct layout *l = p->layout;
	uint32_t i, k, room = 0;

	for (i = 0; i < p->n; i++)
		if (needs_list(&p->looks[i]))
			room += l->realservers[p->realservers[i]].n_dest_links;
	p->dests = calloc(room + 1, sizeof(*p->dests));
	if (!p->dests)
		return -ENOMEM;
	for (i = 0; i < p->n; i++) {
		const struct layout_realserver *r = &l->realservers[p->realservers[i]];

		for (k = r->first_dest_link;
		     needs_list(&p->looks[i]) && k < r->first_dest_link + r->n_dest_links; k++) {
			uint32_t dest = l->dest_links[k];
			const struct ipvs_key *key = &vip_of(l, dest)->key;
			const struct ipvs_service *s = ipvs_table_service(t, key);
			struct addr at = layout_dest_addr(l, dest);
			const struct ipvs_dest *d = s ? ipvs_table_dest(t, s, &at) : NULL;

			if (d)
				p->dests[p->n_dests++] = (struct conns_dest){
					.user = i,
					.service = *key,
					.dest = at,
					.one_way = d->forward != IPVS_MASQ,
				};
		}
	}
	return 0;
}

/* Off the loop. What is not there or cannot be read is as the kernel begins: off. */
static bool read_quiescent(const char *procfs)
{
	struct buf path = BUF_INIT;
	char digit = '0';
	int fd = -1;

	buf_puts(&path, procfs);
	buf_puts(&path, "/sys/net/ipv4/vs/expire_quiescent_template");
	if (buf_ok(&path))
		fd = open(buf_str(&path), O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		if (read(fd, &digit, 1) != 1)
			digit = '0';
		close(fd);
	}
	buf_fini(&path);
	return digit != '0';
}

static void work(void *arg)
{
	struct drains_poll *p = arg;
	int64_t begun_ms = clock_mono_ms();

	p->quiescent = read_quiescent(p->procfs);
	p->list_error = p->n_dests ? conns_read(p->procfs, p->dests, p->n_dests, &p->limits) : 0;
	p->took_ms += clock_mono_ms() - begun_ms;
}

static void take_list(struct drains_poll *p)
{
	uint32_t i;

	for (i = 0; i < p->n_dests; i++) {
		const struct conns_dest *d = &p->dests[i];
		struct drain_look *look = &p->looks[d->user];
		int64_t open_ms = d->open_s * 1000LL, sticky_ms = d->sticky_s * 1000LL;

		look->listed = true;
		look->open += d->open;
		look->talking += d->talking;
		if (open_ms > look->open_ms)
			look->open_ms = open_ms;
		if (sticky_ms > look->sticky_ms)
			look->sticky_ms = sticky_ms;
	}
}

/* Persistence leads clients there until its templates are over; how long they last is in
 * the list, else it is what the service says. */
static void settle_sticky(const struct drains_poll *p, uint32_t i)
{
	const struct layout *l = p->layout;
	const struct layout_realserver *r = &l->realservers[p->realservers[i]];
	struct drain_look *look = &p->looks[i];

	if (p->quiescent || !look->persistent)
		look->sticky_ms = 0;
	else if (!look->sticky_ms)
		look->sticky_ms = l->services[r->service].conf->persistence;
}

static void worked(void *arg)
{
	struct drains_poll *p = arg;
	uint32_t i;

	if (!p->agent) {
		poll_free(p);
		return;
	}
	if (!p->list_error)
		take_list(p);
	for (i = 0; i < p->n; i++)
		settle_sticky(p, i);
	finish(p, true);
}

static bool needs_work(const struct drains_poll *p)
{
	uint32_t i;

	for (i = 0; i < p->n; i++)
		if (p->looks[i].persistent || needs_list(&p->looks[i]))
			return true;
	return false;
}

static void on_dests(void *arg, struct ipvs_table *t)
{
	struct drains_poll *p = arg;
	bool known = !t->error;
	int e = 0;

	p->in_port = false;
	p->took_ms = t->taken_us / 1000;
	if (known)
		take_counters(p, t);
	if (known && needs_work(p)) {
		e = gather_dests(p, t);
		if (!e)
			e = loop_work(p->agent->loop, "connections", work, worked, p);
		if (!e) {
			ipvs_table_fini(t);
			return;
		}
	}
	ipvs_table_fini(t);
	finish(p, known && !e);
}

/* --- asking ------------------------------------------------------------------ */

static int cmp_key(const void *a, const void *b)
{
	return ipvs_key_cmp(a, b);
}

/* The VIPs of as many of the realservers as there may be, in order, each once. */
static int gather_keys(struct drains_poll *p, uint32_t n, struct ipvs_key **ret_keys,
		       uint32_t *ret_n_keys)
{
	const struct layout *l = p->layout;
	struct ipvs_key *keys = NULL;
	uint32_t room = 0, n_keys = 0, kept = 0, i, k;

	for (i = 0; i < n && (!i || room < DRAINS_POLL_VIPS); i++)
		room += l->realservers[p->realservers[i]].n_dest_links;
	p->n = i;
	keys = malloc((room + 1ul) * sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (i = 0; i < p->n; i++) {
		const struct layout_realserver *r = &l->realservers[p->realservers[i]];

		for (k = r->first_dest_link; k < r->first_dest_link + r->n_dest_links; k++)
			keys[n_keys++] = vip_of(l, l->dest_links[k])->key;
	}
	if (n_keys)
		qsort(keys, n_keys, sizeof(*keys), cmp_key);
	for (i = 0; i < n_keys; i++)
		if (!i || ipvs_key_cmp(&keys[kept - 1], &keys[i]))
			keys[kept++] = keys[i];
	*ret_keys = keys;
	*ret_n_keys = kept;
	return 0;
}

static int prepare(struct drains_poll *p, const uint32_t *realservers, uint32_t n)
{
	const struct agent *a = p->agent;
	const struct agent_conf *conf = config_section(a->conf, &agent_section);

	p->layout = layout_ref(a->state->layout);
	p->procfs = strdup(conf->procfs);
	p->realservers = malloc((n + 1ul) * sizeof(*p->realservers));
	p->looks = calloc(n + 1ul, sizeof(*p->looks));
	p->limits = (struct conns_limits){
		.bytes = LIST_BYTES,
		.ms = LIST_MS,
		.fin_s = a->info.tcp_fin_timeout ? a->info.tcp_fin_timeout : FIN_S,
		.udp_s = a->info.udp_timeout ? a->info.udp_timeout : UDP_S,
	};
	if (!p->procfs || !p->realservers || !p->looks)
		return -ENOMEM;
	memcpy(p->realservers, realservers, n * sizeof(*realservers));
	return 0;
}

int drains_poll(struct agent *a, const uint32_t *realservers, uint32_t n, drains_poll_fn *fn,
		void *arg, struct drains_poll **ret_poll)
{
	struct drains_poll *p = calloc(1, sizeof(*p));
	struct ipvs_key *keys = NULL;
	uint32_t n_keys;
	int e = -ENOMEM;

	if (!p)
		return e;
	*p = (struct drains_poll){ .agent = a, .fn = fn, .arg = arg };
	e = prepare(p, realservers, n);
	if (!e)
		e = gather_keys(p, n, &keys, &n_keys);
	if (!e)
		e = ipvs_port_dests(a->port, keys, n_keys, on_dests, p);
	if (e) {
		free(keys);
		poll_free(p);
		return e;
	}
	p->in_port = true;
	*ret_poll = p;
	return 0;
}
