/* fake_kernel.c: an IPVS that answers as net/netfilter/ipvs/ip_vs_ctl.c does. What it
 * leaves out: the trash list, local addresses, the sync daemon. */
#include "tests/unit/fake_store.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "agent/base/attr.h"
#include "agent/ipvs/ipvs.h"

struct fake_kernel *fake_kernel_new(void)
{
	struct fake_kernel *f = fake_must(calloc(1, sizeof(*f)));

	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	return f;
}

static void drop_all(struct fake_kernel *f)
{
	for (uint32_t i = 0; i < f->n_services; i++)
		free(f->services[i].dests);
	f->n_services = 0;
}

void fake_kernel_free(struct fake_kernel *f)
{
	if (!f)
		return;
	drop_all(f);
	free(f->services);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* --- the table ------------------------------------------------------------------ */

struct fake_service *fake_find_service(struct fake_kernel *f, const struct ipvs_key *key)
{
	for (uint32_t i = 0; i < f->n_services; i++)
		if (ipvs_key_cmp(&f->services[i].service.key, key) == 0)
			return &f->services[i];
	return NULL;
}

static struct ipvs_dest *find_dest(struct fake_service *s, const struct addr *addr)
{
	for (uint32_t i = 0; i < s->n_dests; i++)
		if (addr_cmp(&s->dests[i].addr, addr) == 0)
			return &s->dests[i];
	return NULL;
}

static int check_service(const struct ipvs_service *s)
{
	static const char *const schedulers[] = {
		"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh",
		"sh", "sed", "nq", "fo",  "ovf",  "mh",    "none"
	};
	size_t i = 0;

	while (i < countof(schedulers) && strcmp(schedulers[i], s->scheduler) != 0)
		i++;
	if (i == countof(schedulers))
		return -ENOENT;
	if (*s->engine && strcmp(s->engine, "sip") != 0)
		return -ENOENT;
	if (s->key.addr.family == AF_INET6 && (s->netmask < 1 || s->netmask > 128))
		return -EINVAL;
	return 0;
}

static int check_dest(const struct ipvs_service *s, const struct ipvs_dest *d)
{
	if (d->addr.family != s->key.addr.family && d->forward != IPVS_TUNNEL)
		return -EINVAL;
	if (d->weight > INT_MAX || d->lower > d->upper)
		return -ERANGE;
	if (d->upper > INT_MAX)
		return -EINVAL;
	if (d->forward == IPVS_TUNNEL && d->tun_type == IPVS_TUN_GUE && !d->tun_port)
		return -EINVAL;
	return 0;
}

static int new_service(struct fake_kernel *f, const struct ipvs_service *s)
{
	struct fake_service *row;
	int r;

	if (fake_find_service(f, &s->key))
		return -EEXIST;
	r = check_service(s);
	if (r)
		return r;
	if (f->n_services == f->room) {
		f->room = f->room ? f->room * 2 : 16;
		f->services = fake_must(reallocarray(f->services, f->room, sizeof(*f->services)));
	}
	row = &f->services[f->n_services++];
	*row = (struct fake_service){ .service = *s };
	row->service.stats = (struct ipvs_stats){ 0 };
	return 0;
}

static int set_service(struct fake_service *row, const struct ipvs_service *s)
{
	struct ipvs_stats stats = row->service.stats;
	int r = check_service(s);

	if (r)
		return r;
	row->service = *s;
	row->service.stats = stats;
	return 0;
}

static int new_dest(struct fake_service *s, const struct ipvs_dest *d)
{
	struct ipvs_dest *row;
	int r = check_dest(&s->service, d);

	if (r)
		return r;
	if (find_dest(s, &d->addr))
		return -EEXIST;
	if (s->n_dests == s->room) {
		s->room = s->room ? s->room * 2 : 4;
		s->dests = fake_must(reallocarray(s->dests, s->room, sizeof(*s->dests)));
	}
	row = &s->dests[s->n_dests++];
	*row = *d;
	row->active = row->inactive = row->persistent = 0;
	row->stats = (struct ipvs_stats){ 0 };
	return 0;
}

/* Replaces all but what traffic made. */
static int set_dest(struct fake_service *s, const struct ipvs_dest *d)
{
	struct ipvs_dest *row, old;
	int r = check_dest(&s->service, d);

	if (r)
		return r;
	row = find_dest(s, &d->addr);
	if (!row)
		return -ENOENT;
	old = *row;
	*row = *d;
	row->active = old.active;
	row->inactive = old.inactive;
	row->persistent = old.persistent;
	row->stats = old.stats;
	return 0;
}

static int del_dest(struct fake_service *s, const struct ipvs_dest *d)
{
	struct ipvs_dest *row = find_dest(s, &d->addr);

	if (!row)
		return -ENOENT;
	*row = s->dests[--s->n_dests];
	return 0;
}

int fake_write(struct fake_kernel *f, enum ipvs_op_kind kind, const struct ipvs_service *s,
	       const struct ipvs_dest *d)
{
	struct fake_service *row = fake_find_service(f, &s->key);

	if (kind == IPVS_NEW_SERVICE)
		return new_service(f, s);
	if (!row)
		return -ESRCH;
	switch (kind) {
	case IPVS_SET_SERVICE:
		return set_service(row, s);
	case IPVS_DEL_SERVICE:
		free(row->dests);
		*row = f->services[--f->n_services];
		return 0;
	case IPVS_NEW_DEST:
		return new_dest(row, d);
	case IPVS_SET_DEST:
		return set_dest(row, d);
	case IPVS_DEL_DEST:
		return del_dest(row, d);
	default:
		return -EOPNOTSUPP;
	}
}

/* --- what tests do and see ---------------------------------------------------------- */

int fake_kernel_write(struct fake_kernel *f, enum ipvs_op_kind kind, const struct ipvs_service *s,
		      const struct ipvs_dest *d)
{
	int r;

	pthread_mutex_lock(&f->lock);
	r = fake_write(f, kind, s, d);
	pthread_mutex_unlock(&f->lock);
	return r;
}

bool fake_kernel_traffic(struct fake_kernel *f, const struct ipvs_key *key, const struct addr *addr,
			 uint32_t active, uint32_t inactive, const struct ipvs_stats *stats)
{
	struct fake_service *s;
	struct ipvs_dest *d;

	pthread_mutex_lock(&f->lock);
	s = fake_find_service(f, key);
	d = s ? find_dest(s, addr) : NULL;
	if (d) {
		d->active = active;
		d->inactive = inactive;
		if (stats)
			d->stats = *stats;
	}
	pthread_mutex_unlock(&f->lock);
	return d != NULL;
}

bool fake_kernel_service(struct fake_kernel *f, const struct ipvs_key *key,
			 struct ipvs_service *ret_service)
{
	struct fake_service *s;

	pthread_mutex_lock(&f->lock);
	s = fake_find_service(f, key);
	if (s && ret_service) {
		*ret_service = s->service;
		ret_service->n_dests = s->n_dests;
	}
	pthread_mutex_unlock(&f->lock);
	return s != NULL;
}

bool fake_kernel_dest(struct fake_kernel *f, const struct ipvs_key *key, const struct addr *addr,
		      struct ipvs_dest *ret_dest)
{
	struct fake_service *s;
	struct ipvs_dest *d;

	pthread_mutex_lock(&f->lock);
	s = fake_find_service(f, key);
	d = s ? find_dest(s, addr) : NULL;
	if (d && ret_dest)
		*ret_dest = *d;
	pthread_mutex_unlock(&f->lock);
	return d != NULL;
}

uint32_t fake_kernel_writes(struct fake_kernel *f, enum ipvs_op_kind kind)
{
	uint32_t n;

	pthread_mutex_lock(&f->lock);
	n = f->writes[kind];
	pthread_mutex_unlock(&f->lock);
	return n;
}

uint32_t fake_kernel_dumps(struct fake_kernel *f)
{
	uint32_t n;

	pthread_mutex_lock(&f->lock);
	n = f->dumps;
	pthread_mutex_unlock(&f->lock);
	return n;
}

void fake_kernel_fail(struct fake_kernel *f, enum ipvs_op_kind kind, uint32_t nth, uint32_t times,
		      int error)
{
	pthread_mutex_lock(&f->lock);
	f->faults[kind] = (struct fault){ .skip = nth - 1, .times = times, .error = error };
	pthread_mutex_unlock(&f->lock);
}

void fake_kernel_break(struct fake_kernel *f, int error)
{
	pthread_mutex_lock(&f->lock);
	f->broken = error;
	if (error == -ENOPROTOOPT)
		drop_all(f);
	pthread_mutex_unlock(&f->lock);
}

void fake_kernel_cut_dump(struct fake_kernel *f, uint32_t after_services, int error)
{
	pthread_mutex_lock(&f->lock);
	f->cut_after = after_services;
	f->cut_error = error;
	pthread_mutex_unlock(&f->lock);
}

void fake_kernel_vanish(struct fake_kernel *f, const struct ipvs_key *key)
{
	pthread_mutex_lock(&f->lock);
	f->vanishes = true;
	f->vanishing = *key;
	pthread_mutex_unlock(&f->lock);
}

void fake_kernel_halt(struct fake_kernel *f, uint32_t index)
{
	pthread_mutex_lock(&f->lock);
	f->halts = true;
	f->halt_at = index;
	pthread_mutex_unlock(&f->lock);
}

void fake_kernel_await_halt(struct fake_kernel *f)
{
	pthread_mutex_lock(&f->lock);
	while (!f->halted)
		pthread_cond_wait(&f->changed, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

void fake_kernel_go_on(struct fake_kernel *f)
{
	pthread_mutex_lock(&f->lock);
	f->halts = false;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}
