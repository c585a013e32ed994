/* loop.c: libuv behind names. libuv's callbacks carry no name and its handles may be freed
 * only after a deferred close; both are settled here once: nobody else includes uv.h.
 *
 * What loop_post() and loop_work() accept is called, always: a queue of our own holds it,
 * emptied before loop_run() returns. libuv's own end-of-work callback only frees. */
#include "agent/base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/worst.h"

enum {
	SLOW_US = 10000,
	TICK_MS = 100,
	POSTS_SLICE_US = 5000, /* then descriptors and timers get their turn */
};

struct post {
	struct post *next;
	const char *name;
	loop_fn *fn;
	void *arg;
};

struct loop {
	uv_loop_t uv;
	uv_async_t async;
	uv_timer_t tick;
	uv_prepare_t prepare;
	const char *hook_name;
	loop_fn *hook;
	void *hook_arg;
	struct loop_io *io_now; /* whose callback runs; NULL once it was freed */
	bool in_timers;
	uint64_t slow_callbacks;
	int64_t tick_due_us;
	struct worst lag; /* us */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t idle;  /* works fell to 0 */
	struct post *first, **last;
	unsigned int works; /* accepted, not yet worked */
	bool closed;
};

struct loop_timer {
	uv_timer_t uv;
	struct loop *loop;
	const char *name;
	loop_fn *fn;
	void *arg;
};

struct loop_io {
	uv_poll_t uv;
	struct loop *loop;
	const char *name;
	loop_io_fn *fn;
	void *arg;
	int events;
};

struct loop_sig {
	uv_signal_t uv;
	struct loop *loop;
	const char *name;
	loop_fn *fn;
	void *arg;
};

struct work {
	uv_work_t uv;
	struct loop *loop;
	loop_fn *fn;
	void *arg;
	struct post *done;
};

/* --- names and times -------------------------------------------------------- */

static void note_time(struct loop *l, const char *name, int64_t begin_us)
{
	int64_t took = clock_mono_us() - begin_us;

	if (took <= SLOW_US)
		return;
	l->slow_callbacks++;
	log_event(LOG_WARN, "slow callback", LOG_STR("callback", name),
		  LOG_MS("took", took / 1000));
}

static void call(struct loop *l, const char *name, loop_fn *fn, void *arg)
{
	int64_t begin = clock_mono_us();

	fn(arg);
	note_time(l, name, begin);
}

static void on_tick(uv_timer_t *uv)
{
	struct loop *l = container_of(uv, struct loop, tick);
	int64_t now = clock_mono_us();

	worst_note(&l->lag, now / 1000, now - l->tick_due_us);
	l->tick_due_us = now + TICK_MS * 1000;
	uv_update_time(&l->uv);
	uv_timer_start(uv, on_tick, TICK_MS, 0);
}

int64_t loop_lag_us(const struct loop *l, int64_t since_ms)
{
	int64_t now = clock_mono_us(), lag = worst_since(&l->lag, now / 1000, since_ms);

	/* a tick that is overdue now counts before it came */
	if (l->tick_due_us && now - l->tick_due_us > lag)
		lag = now - l->tick_due_us;
	return lag;
}

void loop_stats(const struct loop *l, struct loop_stats *ret_stats)
{
	ret_stats->slow_callbacks = l->slow_callbacks;
	ret_stats->lag_us = loop_lag_us(l, 0);
}

/* --- posts and works -------------------------------------------------------- */

static struct post *post_take(struct loop *l)
{
	struct post *p;

	pthread_mutex_lock(&l->lock);
	p = l->first;
	if (p)
		l->first = p->next;
	if (!l->first)
		l->last = &l->first;
	pthread_mutex_unlock(&l->lock);
	return p;
}

static void post_run(struct loop *l, struct post *p)
{
	call(l, p->name, p->fn, p->arg);
	free(p);
}

/* What the posts themselves post has its turn when the others have had theirs. */
static void on_async(uv_async_t *uv)
{
	struct loop *l = container_of(uv, struct loop, async);
	int64_t begin = clock_mono_us();
	struct post *p, *last;

	pthread_mutex_lock(&l->lock);
	last = l->first ? container_of(l->last, struct post, next) : NULL;
	pthread_mutex_unlock(&l->lock);
	while (last && (p = post_take(l))) {
		last = p == last ? NULL : last;
		post_run(l, p);
		if (last && clock_mono_us() - begin > POSTS_SLICE_US) {
			uv_async_send(uv);
			break;
		}
	}
}

/* A fresh one; with the lock held. */
static void post_append(struct loop *l, struct post *p)
{
	*l->last = p;
	l->last = &p->next;
	uv_async_send(&l->async);
}

int loop_post(struct loop *l, const char *name, loop_fn *fn, void *arg)
{
	struct post *p = malloc(sizeof(*p));
	bool closed;

	if (!p)
		return -ENOMEM;
	*p = (struct post){ .name = name, .fn = fn, .arg = arg };
	pthread_mutex_lock(&l->lock);
	closed = l->closed;
	if (!closed)
		post_append(l, p);
	pthread_mutex_unlock(&l->lock);
	if (!closed)
		return 0;
	free(p);
	return -ESHUTDOWN;
}

static void on_work(uv_work_t *uv)
{
	struct work *w = container_of(uv, struct work, uv);
	struct loop *l = w->loop;

	w->fn(w->arg);
	pthread_mutex_lock(&l->lock);
	post_append(l, w->done);
	if (--l->works == 0)
		pthread_cond_broadcast(&l->idle);
	pthread_mutex_unlock(&l->lock);
}

static void on_work_freed(uv_work_t *uv, int status ATTR_UNUSED)
{
	free(container_of(uv, struct work, uv));
}

int loop_work(struct loop *l, const char *name, loop_fn *work, loop_fn *done, void *arg)
{
	struct work *w = malloc(sizeof(*w));
	struct post *p = malloc(sizeof(*p));
	int r = -ENOMEM;

	if (!w || !p)
		goto out;
	*p = (struct post){ .name = name, .fn = done, .arg = arg };
	*w = (struct work){ .loop = l, .fn = work, .arg = arg, .done = p };
	pthread_mutex_lock(&l->lock);
	r = l->closed ? -ESHUTDOWN : 0;
	l->works += !r;
	pthread_mutex_unlock(&l->lock);
	if (r)
		goto out;
	r = uv_queue_work(&l->uv, &w->uv, on_work, on_work_freed);
	if (!r)
		return 0;
	pthread_mutex_lock(&l->lock);
	l->works--;
	pthread_mutex_unlock(&l->lock);
out:
	free(p);
	free(w);
	return r;
}

void loop_drain(struct loop *l)
{
	struct post *p;

	pthread_mutex_lock(&l->lock);
	l->closed = true;
	while (l->works)
		pthread_cond_wait(&l->idle, &l->lock);
	pthread_mutex_unlock(&l->lock);
	while ((p = post_take(l)))
		post_run(l, p);
}

/* --- life ------------------------------------------------------------------- */

/* Handles of our own structs have data = the struct to free; embedded ones NULL. */
static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void close_handle(uv_handle_t *h, void *arg ATTR_UNUSED)
{
	if (!uv_is_closing(h))
		uv_close(h, on_closed);
}

int loop_new(struct loop **ret_loop)
{
	struct loop *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->last = &l->first;
	r = uv_loop_init(&l->uv);
	if (r) {
		free(l);
		return r;
	}
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->idle, NULL);
	uv_timer_init(&l->uv, &l->tick);
	uv_prepare_init(&l->uv, &l->prepare);
	r = uv_async_init(&l->uv, &l->async, on_async);
	if (r) {
		l->closed = true;
		loop_free(l);
		return r;
	}
	*ret_loop = l;
	return 0;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	loop_drain(l);
	uv_walk(&l->uv, close_handle, NULL);
	while (uv_loop_close(&l->uv) == UV_EBUSY)
		uv_run(&l->uv, UV_RUN_DEFAULT);
	pthread_cond_destroy(&l->idle);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

void loop_run(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	l->closed = false;
	pthread_mutex_unlock(&l->lock);
	uv_update_time(&l->uv);
	l->tick_due_us = clock_mono_us() + TICK_MS * 1000;
	uv_timer_start(&l->tick, on_tick, TICK_MS, 0);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	l->tick_due_us = 0;
	loop_drain(l);
}

void loop_stop(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	l->closed = true;
	pthread_mutex_unlock(&l->lock);
	uv_stop(&l->uv);
}

/* --- timers ----------------------------------------------------------------- */

int loop_timer_new(struct loop *l, const char *name, loop_fn *fn, void *arg,
		   struct loop_timer **ret_timer)
{
	struct loop_timer *t = malloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	*t = (struct loop_timer){ .loop = l, .name = name, .fn = fn, .arg = arg };
	uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	*ret_timer = t;
	return 0;
}

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *t = uv->data;
	struct loop *l = t->loop;

	l->in_timers = true;
	call(l, t->name, t->fn, t->arg);
	l->in_timers = false;
}

void loop_timer_start(struct loop_timer *t, int64_t delay_ms)
{
	struct loop *l = t->loop;
	/* libuv counts from the time at which this turn began; we mean from now */
	int64_t behind = clock_mono_ms() - (int64_t)uv_now(&l->uv);

	if (delay_ms < 0)
		delay_ms = 0;
	if (behind > 0)
		delay_ms += behind;
	/* libuv 1.44 calls timers until none is due: one that starts itself with 0
	 * would never let go */
	if (l->in_timers && delay_ms == 0)
		delay_ms = 1;
	uv_timer_start(&t->uv, on_timer, (uint64_t)delay_ms, 0);
}

void loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

void loop_timer_free(struct loop_timer *t)
{
	if (t)
		uv_close((uv_handle_t *)&t->uv, on_closed);
}

/* --- descriptors and signals ------------------------------------------------ */

static int to_uv(int events)
{
	return (events & LOOP_READ ? UV_READABLE : 0) | (events & LOOP_WRITE ? UV_WRITABLE : 0);
}

static void on_io(uv_poll_t *uv, int status, int uv_events)
{
	struct loop_io *io = uv->data;
	struct loop *l = io->loop;
	const char *name = io->name;
	int events = (uv_events & UV_READABLE ? LOOP_READ : 0) |
		     (uv_events & UV_WRITABLE ? LOOP_WRITE : 0);
	int64_t begin = clock_mono_us();

	/* libuv reports a pending socket error as EBADF and stops watching; the
	 * owner shall find the error by its next call on the descriptor */
	if (status < 0)
		events = io->events;
	l->io_now = io;
	io->fn(io->arg, events);
	if (l->io_now && status < 0 && !uv_is_active((uv_handle_t *)uv))
		uv_poll_start(uv, to_uv(io->events), on_io);
	l->io_now = NULL;
	note_time(l, name, begin);
}

int loop_io_new(struct loop *l, const char *name, int fd, int events, loop_io_fn *fn, void *arg,
		struct loop_io **ret_io)
{
	struct loop_io *io = malloc(sizeof(*io));
	int r;

	if (!io)
		return -ENOMEM;
	*io = (struct loop_io){ .loop = l, .name = name, .fn = fn, .arg = arg };
	r = uv_poll_init(&l->uv, &io->uv, fd);
	if (r) {
		free(io);
		return r;
	}
	io->uv.data = io;
	r = loop_io_set(io, events);
	if (r) {
		loop_io_free(io);
		return r;
	}
	*ret_io = io;
	return 0;
}

int loop_io_set(struct loop_io *io, int events)
{
	io->events = events;
	if (!events)
		return uv_poll_stop(&io->uv);
	return uv_poll_start(&io->uv, to_uv(events), on_io);
}

void loop_io_free(struct loop_io *io)
{
	if (!io)
		return;
	if (io->loop->io_now == io)
		io->loop->io_now = NULL;
	uv_close((uv_handle_t *)&io->uv, on_closed);
}

static void on_signal(uv_signal_t *uv, int signum ATTR_UNUSED)
{
	struct loop_sig *s = uv->data;

	call(s->loop, s->name, s->fn, s->arg);
}

int loop_signal(struct loop *l, int signum, const char *name, loop_fn *fn, void *arg)
{
	struct loop_sig *s = malloc(sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct loop_sig){ .loop = l, .name = name, .fn = fn, .arg = arg };
	r = uv_signal_init(&l->uv, &s->uv);
	if (r) {
		free(s);
		return r;
	}
	s->uv.data = s;
	r = uv_signal_start(&s->uv, on_signal, signum);
	if (r)
		uv_close((uv_handle_t *)&s->uv, on_closed);
	return r;
}

static void on_prepare(uv_prepare_t *uv)
{
	struct loop *l = container_of(uv, struct loop, prepare);

	call(l, l->hook_name, l->hook, l->hook_arg);
}

void loop_before_sleep(struct loop *l, const char *name, loop_fn *fn, void *arg)
{
	l->hook_name = name;
	l->hook = fn;
	l->hook_arg = arg;
	uv_prepare_start(&l->prepare, on_prepare);
}
