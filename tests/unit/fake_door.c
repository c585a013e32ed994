/* fake_door.c: the fake kernel behind struct ipvs_kernel, faults included. */
#include <errno.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/ipvs/table.h"
#include "tests/unit/fake_store.h"

struct fake_door {
	struct ipvs_kernel kernel;
	struct fake_kernel *store;
};

static struct fake_kernel *store_of(struct ipvs_kernel *k)
{
	return container_of(k, struct fake_door, kernel)->store;
}

static int fake_info(struct ipvs_kernel *k, struct ipvs_info *ret_info)
{
	struct fake_kernel *f = store_of(k);
	int r;

	pthread_mutex_lock(&f->lock);
	r = f->broken;
	pthread_mutex_unlock(&f->lock);
	if (r && r != -EPERM)
		return r;
	*ret_info = (struct ipvs_info){ .version = 0x010201, .conn_tab_size = 4096 };
	if (r)
		return 0;
	ret_info->tcp_timeout = 900;
	ret_info->tcp_fin_timeout = 120;
	ret_info->udp_timeout = 300;
	return 0;
}

static int ordered_fault(struct fake_kernel *f, enum ipvs_op_kind kind)
{
	struct fault *fault = &f->faults[kind];

	if (!fault->times)
		return 0;
	if (fault->skip) {
		fault->skip--;
		return 0;
	}
	fault->times--;
	return fault->error;
}

static int fake_apply(struct ipvs_kernel *k, struct ipvs_batch *b)
{
	struct fake_kernel *f = store_of(k);
	int r;

	pthread_mutex_lock(&f->lock);
	r = f->broken;
	for (uint32_t i = 0; i < b->n_ops; i++) {
		struct ipvs_op *op = &b->ops[i];
		bool dest = op->kind >= IPVS_NEW_DEST;

		if (r) {
			op->result = -ECANCELED;
			continue;
		}
		if (op->kind >= IPVS_N_OPS || op->service >= b->n_services ||
		    (dest && op->dest >= b->n_dests)) {
			op->result = -EINVAL;
			continue;
		}
		f->writes[op->kind]++;
		f->writes[IPVS_N_OPS]++;
		op->result = ordered_fault(f, op->kind);
		if (!op->result)
			op->result = fake_write(f, op->kind, &b->services[op->service],
						dest ? &b->dests[op->dest] : NULL);
	}
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	return r;
}

static void list_services(struct fake_kernel *f, struct table_draft *d)
{
	struct ipvs_service *row;

	for (uint32_t i = 0; i < f->n_services; i++) {
		row = fake_must(table_add_service(d));
		*row = f->services[i].service;
		row->flags &= IPVS_SVC_FLAGS;
	}
	table_sort_services(d->table);
	if (f->vanishes)
		fake_write(f, IPVS_DEL_SERVICE, &(struct ipvs_service){ .key = f->vanishing },
			   NULL);
	f->vanishes = false;
}

static void halt_here(struct fake_kernel *f)
{
	f->halted = true;
	pthread_cond_broadcast(&f->changed);
	while (f->halts)
		pthread_cond_wait(&f->changed, &f->lock);
	f->halted = false;
	pthread_cond_broadcast(&f->changed);
}

/* What /proc/net/ip_vs does not print. */
static void as_proc_shows(struct ipvs_table *t)
{
	for (uint32_t i = 0; i < t->n_services; i++) {
		t->services[i].stats = (struct ipvs_stats){ 0 };
		t->services[i].timeout = 0;
		t->services[i].engine[0] = '\0';
		t->services[i].flags &= IPVS_SVC_PERSISTENT | IPVS_SVC_ONEPACKET;
	}
	for (uint32_t i = 0; i < t->n_dests; i++) {
		struct ipvs_dest *d = &t->dests[i];

		d->stats = (struct ipvs_stats){ 0 };
		d->tun_type = 0;
		d->tun_flags = d->tun_port = 0;
		d->upper = d->lower = d->persistent = 0;
	}
	t->source = IPVS_FROM_PROC;
}

/* The dests of the services listed; locked but for between(). Returns how many
 * services are left, or -errno. */
static int list_dests(struct fake_kernel *f, struct table_draft *d, void (*between)(void *arg),
		      void *arg)
{
	struct ipvs_table *t = d->table;
	uint32_t n = t->n_services, kept = 0, first;
	struct fake_service *s;
	int r = 0;

	for (uint32_t i = 0; !r && i < n; i++) {
		if (f->halts && i == f->halt_at)
			halt_here(f);
		pthread_mutex_unlock(&f->lock);
		if (between && i)
			between(arg);
		pthread_mutex_lock(&f->lock);
		if (f->cut_error && i == f->cut_after) {
			r = f->cut_error;
			break;
		}
		s = fake_find_service(f, &t->services[i].key);
		if (!s)
			continue;
		t->services[kept] = t->services[i];
		first = t->n_dests;
		for (uint32_t j = 0; j < s->n_dests; j++)
			*(struct ipvs_dest *)fake_must(table_add_dest(d)) = s->dests[j];
		table_close_service(t, &t->services[kept++], first);
	}
	t->n_services = kept;
	if (f->halts && f->halt_at >= n)
		halt_here(f);
	return r;
}

static int fake_dump(struct ipvs_kernel *k, void (*between)(void *arg), void *arg,
		     struct ipvs_table *ret_table)
{
	struct fake_kernel *f = store_of(k);
	struct table_draft d = { .table = ret_table };
	int r;

	*ret_table = (struct ipvs_table){ .started_us = clock_mono_us() };
	pthread_mutex_lock(&f->lock);
	r = f->broken == -EPERM ? 0 : f->broken;
	if (!r) {
		list_services(f, &d);
		r = list_dests(f, &d, between, arg);
	}
	ret_table->complete = !r;
	ret_table->error = r;
	if (f->broken == -EPERM) {
		as_proc_shows(ret_table);
		ret_table->error = r ? r : -EPERM;
	}
	table_trim(&d);
	f->dumps++;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	ret_table->taken_us = clock_mono_us() - ret_table->started_us;
	ret_table->wall_ms = clock_wall_ms();
	return r;
}

static int fake_dests(struct ipvs_kernel *k, const struct ipvs_key *keys, uint32_t n_keys,
		      struct ipvs_table *ret_table)
{
	struct fake_kernel *f = store_of(k);
	struct table_draft d = { .table = ret_table };
	int r;

	pthread_mutex_lock(&f->lock);
	r = f->broken;
	for (uint32_t i = 0; !r && i < n_keys; i++) {
		struct ipvs_service *row = fake_must(table_add_service(&d));
		const struct fake_service *s = fake_find_service(f, &keys[i]);
		uint32_t first = ret_table->n_dests;

		*row = (struct ipvs_service){ .key = keys[i] };
		for (uint32_t j = 0; s && j < s->n_dests; j++)
			*(struct ipvs_dest *)fake_must(table_add_dest(&d)) = s->dests[j];
		table_close_service(ret_table, row, first);
	}
	pthread_mutex_unlock(&f->lock);
	return r;
}

static void fake_free(struct ipvs_kernel *k)
{
	free(container_of(k, struct fake_door, kernel));
}

struct ipvs_kernel *fake_kernel_door(struct fake_kernel *f)
{
	static const struct ipvs_kernel_ops ops = {
		.info = fake_info,
		.dump = fake_dump,
		.dests = fake_dests,
		.apply = fake_apply,
		.free = fake_free,
	};
	struct fake_door *door = fake_must(calloc(1, sizeof(*door)));

	door->kernel.ops = &ops;
	door->store = f;
	return &door->kernel;
}
