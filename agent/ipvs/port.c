/* port.c: the thread that talks to the kernel, and how jobs and results get to it and
 * back. One thread, for the kernel serialises requests anyway; a thread of its own, for
 * a request can wait in sendmsg() for a scheduler's module to load.
 *
 * Jobs run in the order of their coming, with one exception: an urgent apply goes before
 * dumps, also before the rest of one under way. It never goes before another apply: a
 * weight written late must not be an older one.
 *
 * Results wait in a mailbox until the loop fetches them. It belongs to the port and to
 * each post under way, so a port can be freed while the loop still has one of its posts:
 * what was not fetched by then is thrown away. */
#include "agent/ipvs/port.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/ipvs/ipvs.h"

/* How often an idle thread says that it is alive. */
enum { IDLE_TICK_MS = 1000 };

enum job_kind { JOB_DUMP = 0, JOB_DESTS, JOB_APPLY, JOB_INFO, JOB_ERRAND };

struct job {
	struct job *next;
	enum job_kind kind;
	bool urgent;
	int error;
	struct ipvs_table table;
	struct ipvs_key *keys; /* whose dests are asked for */
	uint32_t n_keys;
	struct ipvs_batch *batch;
	struct ipvs_info info;
	struct ipvs_errand *errand;     /* NULL = it was told how it went */
	void (*deliver)(struct job *j); /* calls the caller's function */
	union {
		ipvs_dump_fn *dump;
		ipvs_apply_fn *apply;
		ipvs_info_fn *info;
	} fn;
	void *arg;
};

struct job_list {
	struct job *first, **last;
};

struct mailbox {
	pthread_mutex_t lock;
	struct loop *loop;
	struct job_list done;
	unsigned int owners; /* the port, and the post under way */
	bool posted, closed;
};

struct ipvs_port {
	struct ipvs_kernel *kernel;
	struct mailbox *mail;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	struct job_list waiting;
	bool stop;
	_Atomic int64_t alive_ms;
};

const char *const ipvs_op_names[IPVS_N_OPS] = {
	[IPVS_NEW_SERVICE] = "new_service", [IPVS_SET_SERVICE] = "set_service",
	[IPVS_DEL_SERVICE] = "del_service", [IPVS_NEW_DEST] = "new_dest",
	[IPVS_SET_DEST] = "set_dest",       [IPVS_DEL_DEST] = "del_dest",
};

/* --- jobs -------------------------------------------------------------------- */

static void list_init(struct job_list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_append(struct job_list *l, struct job *j)
{
	j->next = NULL;
	*l->last = j;
	l->last = &j->next;
}

/* Takes the job at *at out. */
static struct job *list_take(struct job_list *l, struct job **at)
{
	struct job *j = *at;

	*at = j->next;
	if (!j->next)
		l->last = at;
	j->next = NULL;
	return j;
}

void ipvs_batch_free(struct ipvs_batch *b)
{
	if (!b)
		return;
	free(b->services);
	free(b->dests);
	free(b->ops);
	free(b);
}

static void job_free(struct job *j)
{
	if (!j)
		return;
	ipvs_table_fini(&j->table);
	free(j->keys);
	ipvs_batch_free(j->batch);
	if (j->errand)
		j->errand->drop(j->errand);
	free(j);
}

static void list_free(struct job_list *l)
{
	while (l->first)
		job_free(list_take(l, &l->first));
}

/* --- the mailbox --------------------------------------------------------------- */

static int mailbox_new(struct loop *loop, struct mailbox **ret_mail)
{
	struct mailbox *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	pthread_mutex_init(&m->lock, NULL);
	m->loop = loop;
	m->owners = 1;
	list_init(&m->done);
	*ret_mail = m;
	return 0;
}

static void mailbox_leave(struct mailbox *m)
{
	bool last;

	pthread_mutex_lock(&m->lock);
	last = --m->owners == 0;
	pthread_mutex_unlock(&m->lock);
	if (!last)
		return;
	list_free(&m->done);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static struct job *mailbox_fetch(struct mailbox *m)
{
	struct job *j = NULL;

	pthread_mutex_lock(&m->lock);
	if (m->done.first && !m->closed)
		j = list_take(&m->done, &m->done.first);
	else
		m->posted = false;
	pthread_mutex_unlock(&m->lock);
	return j;
}

/* On the loop. A caller's function may free the port; the rest is then not called. */
static void mailbox_deliver(void *arg)
{
	struct mailbox *m = arg;
	struct job *j;

	while ((j = mailbox_fetch(m))) {
		j->deliver(j);
		job_free(j);
	}
	mailbox_leave(m);
}

/* Has the loop come where something waits and no post is under way; the mailbox is
 * locked. A post refused for want of memory is tried again with the next tick. */
static void mailbox_ring(struct mailbox *m)
{
	if (!m->done.first || m->posted)
		return;
	if (loop_post(m->loop, "ipvs", mailbox_deliver, m) != 0)
		return;
	m->posted = true;
	m->owners++;
}

static void mailbox_put(struct mailbox *m, struct job *j)
{
	pthread_mutex_lock(&m->lock);
	if (j)
		list_append(&m->done, j);
	mailbox_ring(m);
	pthread_mutex_unlock(&m->lock);
}

/* --- the thread ------------------------------------------------------------------ */

static void note_alive(void *arg)
{
	struct ipvs_port *p = arg;

	atomic_store(&p->alive_ms, clock_mono_ms());
}

/* An urgent apply that no other apply stands before; locked. */
static struct job *take_urgent(struct ipvs_port *p)
{
	struct job **at;

	for (at = &p->waiting.first; *at; at = &(*at)->next) {
		if ((*at)->kind != JOB_APPLY)
			continue;
		return (*at)->urgent ? list_take(&p->waiting, at) : NULL;
	}
	return NULL;
}

static void run_apply(struct ipvs_port *p, struct job *j)
{
	j->error = p->kernel->ops->apply(p->kernel, j->batch);
	note_alive(p);
	mailbox_put(p->mail, j);
}

/* Between two services' dumps. */
static void between(void *arg)
{
	struct ipvs_port *p = arg;
	struct job *j;

	for (;;) {
		note_alive(p);
		pthread_mutex_lock(&p->lock);
		j = p->stop ? NULL : take_urgent(p);
		pthread_mutex_unlock(&p->lock);
		if (!j)
			return;
		run_apply(p, j);
	}
}

static void run_dests(struct ipvs_port *p, struct job *j)
{
	struct ipvs_table *t = &j->table;

	t->started_us = clock_mono_us();
	t->error = p->kernel->ops->dests(p->kernel, j->keys, j->n_keys, t);
	t->complete = !t->error;
	t->taken_us = clock_mono_us() - t->started_us;
	t->wall_ms = clock_wall_ms();
}

static void run(struct ipvs_port *p, struct job *j)
{
	const struct ipvs_kernel_ops *ops = p->kernel->ops;

	switch (j->kind) {
	case JOB_APPLY:
		run_apply(p, j);
		return;
	case JOB_DUMP:
		j->error = ops->dump(p->kernel, between, p, &j->table);
		break;
	case JOB_DESTS:
		run_dests(p, j);
		break;
	case JOB_INFO:
		j->error = ops->info(p->kernel, &j->info);
		break;
	case JOB_ERRAND:
		j->errand->run(j->errand);
		break;
	}
	note_alive(p);
	mailbox_put(p->mail, j);
}

/* Until the next tick at the longest; locked. */
static void wait_for_job(struct ipvs_port *p)
{
	int64_t until_ms = clock_mono_ms() + IDLE_TICK_MS;
	const struct timespec until = { .tv_sec = until_ms / 1000,
					.tv_nsec = until_ms % 1000 * 1000000 };

	if (!p->waiting.first && !p->stop)
		pthread_cond_timedwait(&p->wake, &p->lock, &until);
}

static void *thread_main(void *arg)
{
	struct ipvs_port *p = arg;
	struct job *j;
	bool stop;

	do {
		note_alive(p);
		mailbox_put(p->mail, NULL);
		pthread_mutex_lock(&p->lock);
		wait_for_job(p);
		stop = p->stop;
		j = stop ? NULL : take_urgent(p);
		if (!j && !stop && p->waiting.first)
			j = list_take(&p->waiting, &p->waiting.first);
		pthread_mutex_unlock(&p->lock);
		if (j)
			run(p, j);
	} while (!stop);
	return NULL;
}

/* Signals are for the loop's thread. */
static int start_thread(struct ipvs_port *p)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	r = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (r)
		return -r;
	r = pthread_create(&p->thread, NULL, thread_main, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		return -r;
	pthread_setname_np(p->thread, "ipvs-kernel");
	return 0;
}

int ipvs_port_new(struct loop *loop, struct ipvs_kernel *kernel, struct ipvs_port **ret_port)
{
	struct ipvs_port *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;
	int r;

	if (!p)
		return -ENOMEM;
	r = mailbox_new(loop, &p->mail);
	if (r) {
		free(p);
		return r;
	}
	p->kernel = kernel;
	list_init(&p->waiting);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	kernel->progress = note_alive;
	kernel->progress_arg = p;
	note_alive(p);
	r = start_thread(p);
	if (r) {
		kernel->progress = NULL;
		pthread_cond_destroy(&p->wake);
		pthread_mutex_destroy(&p->lock);
		mailbox_leave(p->mail);
		free(p);
		return r;
	}
	*ret_port = p;
	return 0;
}

void ipvs_port_free(struct ipvs_port *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	list_free(&p->waiting);
	pthread_mutex_lock(&p->mail->lock);
	p->mail->closed = true;
	pthread_mutex_unlock(&p->mail->lock);
	mailbox_leave(p->mail);
	p->kernel->ops->free(p->kernel);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int64_t ipvs_port_alive_ms(const struct ipvs_port *p)
{
	return atomic_load(&p->alive_ms);
}

/* --- asking ------------------------------------------------------------------------ */

static int enqueue(struct ipvs_port *p, const struct job *model)
{
	struct job *j = malloc(sizeof(*j));

	if (!j)
		return -ENOMEM;
	*j = *model;
	pthread_mutex_lock(&p->lock);
	list_append(&p->waiting, j);
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static void deliver_dump(struct job *j)
{
	struct ipvs_table table = j->table;

	j->table = (struct ipvs_table){ 0 };
	j->fn.dump(j->arg, &table);
}

int ipvs_port_dump(struct ipvs_port *p, ipvs_dump_fn *fn, void *arg)
{
	const struct job j = {
		.kind = JOB_DUMP, .deliver = deliver_dump, .fn.dump = fn, .arg = arg
	};

	return enqueue(p, &j);
}

int ipvs_port_dests(struct ipvs_port *p, struct ipvs_key *keys, uint32_t n_keys, ipvs_dump_fn *fn,
		    void *arg)
{
	const struct job j = { .kind = JOB_DESTS,
			       .keys = keys,
			       .n_keys = n_keys,
			       .deliver = deliver_dump,
			       .fn.dump = fn,
			       .arg = arg };

	return enqueue(p, &j);
}

static void deliver_apply(struct job *j)
{
	struct ipvs_batch *batch = j->batch;

	j->batch = NULL;
	j->fn.apply(j->arg, batch, j->error);
}

int ipvs_port_apply(struct ipvs_port *p, struct ipvs_batch *batch, bool urgent, ipvs_apply_fn *fn,
		    void *arg)
{
	const struct job j = { .kind = JOB_APPLY,
			       .urgent = urgent,
			       .batch = batch,
			       .deliver = deliver_apply,
			       .fn.apply = fn,
			       .arg = arg };

	return enqueue(p, &j);
}

static void deliver_info(struct job *j)
{
	j->fn.info(j->arg, j->error ? NULL : &j->info, j->error);
}

int ipvs_port_info(struct ipvs_port *p, ipvs_info_fn *fn, void *arg)
{
	const struct job j = {
		.kind = JOB_INFO, .deliver = deliver_info, .fn.info = fn, .arg = arg
	};

	return enqueue(p, &j);
}

static void deliver_errand(struct job *j)
{
	struct ipvs_errand *e = j->errand;

	j->errand = NULL;
	e->done(e);
}

int ipvs_port_run(struct ipvs_port *p, struct ipvs_errand *e)
{
	const struct job j = { .kind = JOB_ERRAND, .errand = e, .deliver = deliver_errand };

	return enqueue(p, &j);
}
