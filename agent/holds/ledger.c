/* ledger.c: the ledger's thread. fdatasync takes milliseconds to seconds, and the loop
 * must not wait for it: requests queue here, the thread takes all that wait as one
 * batch (so a storm costs one fdatasync, not one each), and their results go back to
 * the loop by one post. Values in, values out; the thread knows nothing else. */
#include "agent/holds/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/holds/ledger_file.h"

enum {
	BATCH_MAX = 1024,
	DONE_AT_ONCE = 64,   /* called back for in one turn of the loop */
	RETRY_MS = 5000,     /* between attempts on a disk that refuses */
	POST_RETRY_MS = 100, /* between attempts to post when memory is out */
};

struct request {
	struct ledger_change change;
	ledger_fn *fn;
	void *arg;
	struct request *next;
};

struct request_list {
	struct request *first, **last;
};

/* What is done and waits for the loop. Outlives the ledger where a post is still
 * under way when that is freed. */
struct outbox {
	struct loop *loop;
	pthread_mutex_t mutex;
	struct request_list done;
	bool posted; /* a post is under way and holds a reference */
	unsigned int refs;
};

struct ledger {
	pthread_t thread;
	pthread_mutex_t mutex; /* guards waiting and stop */
	pthread_cond_t wake;   /* on CLOCK_MONOTONIC */
	struct request_list waiting;
	bool stop;
	struct loop *loop;
	struct outbox *outbox;
	_Atomic int error; /* ledger_file_error(), for the loop */
	/* The thread's own: */
	struct ledger_file *file;
	int64_t repair_at;    /* monotonic ms of the next attempt, while it fails */
	bool must_post_again; /* the last post found no memory */
};

static void list_init(struct request_list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_add(struct request_list *l, struct request *r)
{
	r->next = NULL;
	*l->last = r;
	l->last = &r->next;
}

static struct request *list_pop(struct request_list *l)
{
	struct request *r = l->first;

	if (!r)
		return NULL;
	l->first = r->next;
	if (!l->first)
		l->last = &l->first;
	return r;
}

static void request_free(struct request *r)
{
	if (!r)
		return;
	ledger_change_fini(&r->change);
	free(r);
}

/* --- results, on their way to the loop --------------------------------------- */

static struct outbox *outbox_new(struct loop *loop)
{
	struct outbox *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->loop = loop;
	pthread_mutex_init(&o->mutex, NULL);
	list_init(&o->done);
	o->refs = 1;
	return o;
}

static void outbox_unref(struct outbox *o)
{
	unsigned int refs;

	if (!o)
		return;
	pthread_mutex_lock(&o->mutex);
	refs = --o->refs;
	pthread_mutex_unlock(&o->mutex);
	if (refs > 0)
		return;
	pthread_mutex_destroy(&o->mutex);
	free(o);
}

/* Calls back for what is done, `most` at most. */
static void outbox_empty(struct outbox *o, size_t most)
{
	struct request *r;

	do {
		pthread_mutex_lock(&o->mutex);
		r = list_pop(&o->done);
		pthread_mutex_unlock(&o->mutex);
		if (r && r->fn)
			r->fn(r->arg, r->change.error);
		request_free(r);
	} while (r && --most > 0);
}

/* The others get their turn in between: when a host is gone, its 1,000 holds are on disk
 * in one moment. */
static void on_done(void *arg)
{
	struct outbox *o = arg;
	bool more;

	outbox_empty(o, DONE_AT_ONCE);
	pthread_mutex_lock(&o->mutex);
	more = o->done.first;
	o->posted = more;
	pthread_mutex_unlock(&o->mutex);
	if (more && !loop_post(o->loop, "ledger", on_done, o))
		return;
	if (more) {
		pthread_mutex_lock(&o->mutex);
		o->posted = false;
		pthread_mutex_unlock(&o->mutex);
		outbox_empty(o, SIZE_MAX);
	}
	outbox_unref(o);
}

/* Has the loop come for what is done. */
static void post(struct ledger *l)
{
	struct outbox *o = l->outbox;
	bool needed;
	int r;

	pthread_mutex_lock(&o->mutex);
	needed = o->done.first && !o->posted;
	if (needed) {
		o->posted = true;
		o->refs++;
	}
	pthread_mutex_unlock(&o->mutex);
	l->must_post_again = false;
	if (!needed)
		return;
	r = loop_post(l->loop, "ledger", on_done, o);
	if (r == 0)
		return;
	pthread_mutex_lock(&o->mutex);
	o->posted = false;
	o->refs--;
	pthread_mutex_unlock(&o->mutex);
	/* A loop that has ended leaves them to ledger_free(). */
	l->must_post_again = r != -ESHUTDOWN;
}

/* --- the thread -------------------------------------------------------------- */

/* Milliseconds until the thread has something to do of its own; -1 = nothing. */
static int64_t own_delay(const struct ledger *l)
{
	int64_t delay = -1;

	if (ledger_file_error(l->file) != 0) {
		delay = l->repair_at - clock_mono_ms();
		delay = delay < 0 ? 0 : delay;
	}
	if (l->must_post_again && (delay < 0 || delay > POST_RETRY_MS))
		delay = POST_RETRY_MS;
	return delay;
}

/* Waits for requests, for the end, or for its own time to come; takes up to
 * BATCH_MAX requests. False when it is to end and nothing waits. */
static bool wait_batch(struct ledger *l, struct request **batch, size_t *ret_n)
{
	int64_t delay = own_delay(l);
	int64_t until = clock_mono_ms() + delay;
	struct timespec ts = { .tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000 };
	size_t n = 0;
	int r = 0;
	bool go_on;

	pthread_mutex_lock(&l->mutex);
	while (!l->waiting.first && !l->stop && r != ETIMEDOUT) {
		if (delay < 0)
			pthread_cond_wait(&l->wake, &l->mutex);
		else
			r = pthread_cond_timedwait(&l->wake, &l->mutex, &ts);
	}
	while (n < BATCH_MAX && l->waiting.first)
		batch[n++] = list_pop(&l->waiting);
	go_on = n > 0 || !l->stop;
	pthread_mutex_unlock(&l->mutex);
	*ret_n = n;
	return go_on;
}

static void tend(struct ledger *l)
{
	if (ledger_file_error(l->file) != 0 && clock_mono_ms() >= l->repair_at) {
		ledger_file_repair(l->file);
		l->repair_at = clock_mono_ms() + RETRY_MS;
	}
	ledger_file_tend(l->file);
}

static void commit(struct ledger *l, struct request **batch, size_t n)
{
	struct ledger_change *changes[BATCH_MAX];
	bool was_good = ledger_file_error(l->file) == 0;

	for (size_t i = 0; i < n; i++)
		changes[i] = &batch[i]->change;
	ledger_file_commit(l->file, changes, n);
	if (was_good && ledger_file_error(l->file) != 0)
		l->repair_at = clock_mono_ms() + RETRY_MS;
	atomic_store(&l->error, ledger_file_error(l->file));
	pthread_mutex_lock(&l->outbox->mutex);
	for (size_t i = 0; i < n; i++)
		list_add(&l->outbox->done, batch[i]);
	pthread_mutex_unlock(&l->outbox->mutex);
}

static void *run(void *arg)
{
	struct ledger *l = arg;
	struct request *batch[BATCH_MAX];
	size_t n;

	while (wait_batch(l, batch, &n)) {
		if (n > 0)
			commit(l, batch, n);
		post(l);
		tend(l);
		atomic_store(&l->error, ledger_file_error(l->file));
	}
	/* The last chance for what was kept in mind. */
	if (ledger_file_error(l->file) != 0)
		ledger_file_repair(l->file);
	return NULL;
}

/* --- the loop's side --------------------------------------------------------- */

static int start_thread(struct ledger *l)
{
	pthread_condattr_t attr;
	sigset_t all, old;
	int r;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&l->mutex, NULL);
	/* Signals are the loop's; SIGXFSZ would end the process where EFBIG is enough. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&l->thread, NULL, run, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		return 0;
	pthread_mutex_destroy(&l->mutex);
	pthread_cond_destroy(&l->wake);
	return r;
}

int ledger_open(const char *state_dir, struct loop *loop, struct buf *why,
		struct ledger_state *ret_state, struct ledger **ret_ledger)
{
	struct ledger *l = calloc(1, sizeof(*l));
	struct ledger_state state = { 0 };
	int r = -ENOMEM;

	if (l)
		l->outbox = outbox_new(loop);
	if (!l || !l->outbox) {
		buf_puts(why, "cannot open the ledger: out of memory");
		goto out;
	}
	l->loop = loop;
	list_init(&l->waiting);
	r = ledger_file_open(state_dir, why, &state, &l->file);
	if (r != 0)
		goto out;
	atomic_init(&l->error, ledger_file_error(l->file));
	l->repair_at = clock_mono_ms() + RETRY_MS;
	r = start_thread(l);
	if (r != 0) {
		buf_printf(why, "cannot start the ledger's thread: %s", strerror(-r));
		goto out;
	}
	*ret_state = state;
	*ret_ledger = l;
	return 0;
out:
	ledger_state_fini(&state);
	if (l) {
		ledger_file_free(l->file);
		outbox_unref(l->outbox);
		free(l);
	}
	return r;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->mutex);
	l->stop = true;
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->mutex);
	pthread_join(l->thread, NULL);
	outbox_empty(l->outbox, SIZE_MAX);
	outbox_unref(l->outbox);
	pthread_mutex_destroy(&l->mutex);
	pthread_cond_destroy(&l->wake);
	ledger_file_free(l->file);
	free(l);
}

/* Takes what the record owns, also on failure. */
static int request(struct ledger *l, struct record *record, bool ok, ledger_fn *fn, void *arg)
{
	struct request *r = ok ? calloc(1, sizeof(*r)) : NULL;

	if (!r) {
		record_fini(record);
		return -ENOMEM;
	}
	r->change.record = *record;
	r->fn = fn;
	r->arg = arg;
	pthread_mutex_lock(&l->mutex);
	list_add(&l->waiting, r);
	pthread_cond_signal(&l->wake);
	pthread_mutex_unlock(&l->mutex);
	return 0;
}

int ledger_place(struct ledger *l, const struct hold *hold, ledger_fn *fn, void *arg)
{
	struct record record = { .type = RECORD_PLACE, .hold = hold_new(hold) };

	return request(l, &record, record.hold, fn, arg);
}

int ledger_lift(struct ledger *l, const char *id, ledger_fn *fn, void *arg)
{
	struct record record = { .type = RECORD_LIFT, .id = strdup(id) };

	return request(l, &record, record.id, fn, arg);
}

int ledger_own(struct ledger *l, const struct ipvs_key *key, ledger_fn *fn, void *arg)
{
	struct record record = { .type = RECORD_OWN, .key = *key };

	return request(l, &record, true, fn, arg);
}

int ledger_disown(struct ledger *l, const struct ipvs_key *key, ledger_fn *fn, void *arg)
{
	struct record record = { .type = RECORD_DISOWN, .key = *key };

	return request(l, &record, true, fn, arg);
}

int ledger_fact(struct ledger *l, const char *name, const char *value, ledger_fn *fn, void *arg)
{
	struct record record = { .type = RECORD_FACT, .id = strdup(name), .value = strdup(value) };

	return request(l, &record, record.id && record.value, fn, arg);
}

int ledger_node(struct ledger *l, const char *node, ledger_fn *fn, void *arg)
{
	struct record record = { .type = RECORD_NODE, .id = strdup(node) };

	return request(l, &record, record.id, fn, arg);
}

int ledger_seen(struct ledger *l, const char *node, uint64_t number, ledger_fn *fn, void *arg)
{
	struct record record = { .type = RECORD_SEEN, .id = strdup(node), .number = number };

	return request(l, &record, record.id, fn, arg);
}

bool ledger_writable(const struct ledger *l)
{
	return ledger_error(l) == 0;
}

int ledger_error(const struct ledger *l)
{
	return atomic_load(&l->error);
}
