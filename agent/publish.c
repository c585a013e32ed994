/* publish.c: the latest snapshot, and who waits for a fresher one. However many
 * scrapes wait, one reading and one run of the collectors serves them all.
 *
 * With the reading that it shows a snapshot takes 190 bytes a realserver. So it is made
 * for those who ask only, and let go when none of them has come for a while. */
#include "agent/publish.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
#include "agent/metrics/metrics_conf.h"
#include "agent/metrics/round.h"
#include "agent/model/match.h"
#include "agent/registry.h"
#include "agent/settings.h"
#include "agent/sync/reconcile.h"

/* A scrape that waits. */
struct waiter {
	int64_t not_before_ms; /* a snapshot made then or later will do */
	command_fn *fn;
	void *arg;
	struct waiter *next;
};

/* One snapshot in the making: its room on the work queue, then on the loop, a slice a turn,
 * what the agent itself knows, and at last, on the work queue again, what the reading says.
 * For who asks while nothing else goes on the reading is made at the same time. */
struct making {
	struct publisher *publisher;
	struct layout *layout;
	struct reading *reading; /* NULL = it has not come yet */
	struct collect_env env;
	struct config *conf; /* whose strings env borrows */
	struct view *view;   /* NULL = memory ran out */
	struct snapshot snapshot;
	int64_t begun_ms;
	bool filled; /* with all but the reading */
};

enum {
	SLICE_US = 2000,
	KEPT_MS = 2000, /* after it was asked for, or max_age where that is more */
};

struct publisher {
	struct agent *agent;
	pthread_mutex_t lock; /* guards latest */
	struct view *latest;
	struct waiter *waiters;
	struct loop_timer *letting_go;
	atomic_int_least64_t asked_ms; /* when somebody asked last */
	atomic_bool was_read;
	struct making *making;
};

static void answer(struct waiter *w, enum command_status status, struct view *view)
{
	struct command_reply reply = { .status = status, .view = view };

	w->fn(w->arg, &reply);
	buf_fini(&reply.text);
	view_unref(reply.view);
	free(w);
}

static void making_free(struct making *m)
{
	if (!m)
		return;
	snapshot_fini(&m->snapshot);
	view_unref(m->view);
	reading_unref(m->reading);
	layout_unref(m->layout);
	config_unref(m->conf);
	free(m);
}

void publisher_free(struct publisher *p)
{
	struct waiter *w, *next;

	if (!p)
		return;
	for (w = p->waiters; w; w = next) {
		next = w->next;
		answer(w, COMMAND_STOPPING, NULL);
	}
	making_free(p->making);
	loop_timer_free(p->letting_go);
	view_unref(p->latest);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct view *publisher_view(struct publisher *p)
{
	struct view *v;

	atomic_store(&p->asked_ms, clock_mono_ms());
	pthread_mutex_lock(&p->lock);
	v = p->latest ? view_ref(p->latest) : NULL;
	pthread_mutex_unlock(&p->lock);
	return v;
}

bool publisher_was_read(struct publisher *p)
{
	return atomic_load(&p->was_read);
}

static void work_unref(void *arg)
{
	view_unref(arg);
	(void)malloc_trim(0);
}

static void done_unref(void *arg ATTR_UNUSED)
{
}

/* It has megabytes to give back, which takes its time. */
static void let_go(struct publisher *p, struct view *v)
{
	if (v && loop_work(p->agent->loop, "old snapshot", work_unref, done_unref, v))
		view_unref(v);
}

static void replace(struct publisher *p, struct view *v)
{
	struct view *old;

	pthread_mutex_lock(&p->lock);
	old = p->latest;
	p->latest = v;
	pthread_mutex_unlock(&p->lock);
	let_go(p, old);
}

static int64_t max_age_ms(const struct publisher *p)
{
	const struct metrics_conf *conf = config_section(p->agent->conf, &metrics_section);

	return conf->max_age;
}

/* While a pass is under way the next reading may be far: rather an old one than none. */
static void on_unasked(void *arg)
{
	struct publisher *p = arg;
	int64_t kept = max_age_ms(p) > KEPT_MS ? max_age_ms(p) : KEPT_MS;
	int64_t left = atomic_load(&p->asked_ms) + kept - clock_mono_ms();
	struct reconcile_stats stats;

	reconcile_stats(p->agent->reconcile, &stats);
	if (left > 0)
		loop_timer_start(p->letting_go, left);
	else if (p->waiters || p->making || stats.busy)
		loop_timer_start(p->letting_go, KEPT_MS);
	else
		replace(p, NULL);
}

int publisher_new(struct agent *a, struct publisher **ret_publisher)
{
	struct publisher *p = calloc(1, sizeof(*p));
	int e;

	if (!p)
		return -ENOMEM;
	e = loop_timer_new(a->loop, "snapshot unasked", on_unasked, p, &p->letting_go);
	if (e) {
		free(p);
		return e;
	}
	p->agent = a;
	atomic_init(&p->asked_ms, 0);
	atomic_init(&p->was_read, false);
	pthread_mutex_init(&p->lock, NULL);
	*ret_publisher = p;
	return 0;
}

static void begin(struct publisher *p, struct layout *layout, struct reading *reading);

/* Asks for a reading. What the agent knows is gathered meanwhile, unless it is about to
 * change: at the start, and where a pass is under way. */
static void ask(struct publisher *p)
{
	struct agent *a = p->agent;
	struct reconcile_stats stats;

	reconcile_stats(a->reconcile, &stats);
	if (!p->making && !stats.busy && a->state && publisher_was_read(p))
		begin(p, a->state->layout, NULL);
	reconcile_read(a->reconcile);
}

static void publish(struct publisher *p, struct view *v)
{
	struct waiter **at = &p->waiters, *w;

	replace(p, v);
	while ((w = *at)) {
		if (w->not_before_ms > v->made_mono_ms) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		answer(w, COMMAND_OK, view_ref(v));
	}
	/* Those that came meanwhile want a younger one. */
	if (p->waiters)
		ask(p);
	on_unasked(p);
}

/* Ends the making, with a view or without: then the next reading may do better. */
static void end(struct making *m, bool good)
{
	struct publisher *p = m->publisher;
	struct view *v = m->view;

	p->making = NULL;
	if (good) {
		m->view = NULL;
		snapshot_agent(v, p->agent);
		publish(p, v);
	} else if (p->waiters && m->reading) {
		ask(p);
	}
	making_free(m);
}

static void on_dests(void *arg)
{
	struct making *m = arg;

	/* A reading of a layout that is gone would be shown under wrong names. */
	end(m, m->view && m->layout == m->publisher->agent->state->layout);
}

static void drop_view(struct making *m)
{
	view_unref(m->view);
	m->view = NULL;
}

static void work_dests(void *arg)
{
	struct making *m = arg;

	if (snapshot_dests(m->view))
		drop_view(m);
}

/* Once there is both, the reading and the rest. */
static void put_together(struct making *m)
{
	struct view *v;

	if (!m->reading || !m->filled) /* else the work queue may have the view */
		return;
	if (m->reading->layout != m->layout) {
		end(m, false);
		return;
	}
	v = m->view;
	view_read(v, m->reading);
	v->made_wall_ms = v->table.wall_ms;
	v->made_mono_ms = v->table.started_us / 1000;
	if (m->begun_ms < v->made_mono_ms)
		v->made_mono_ms = m->begun_ms;
	if (loop_work(m->publisher->agent->loop, "destinations", work_dests, on_dests, m))
		end(m, false);
}

static void on_slice(void *arg)
{
	struct making *m = arg;
	const struct agent *a = m->publisher->agent;
	int e;

	if (m->layout != a->state->layout) {
		end(m, false);
		return;
	}
	e = snapshot_next(&m->snapshot, clock_mono_us() + SLICE_US);
	if (e == -EAGAIN && !loop_post(a->loop, "snapshot", on_slice, m))
		return;
	m->filled = !e;
	if (e)
		end(m, false);
	else
		put_together(m);
}

static void on_room(void *arg)
{
	struct making *m = arg;
	const struct agent *a = m->publisher->agent;

	if (!m->view || m->layout != a->state->layout) {
		end(m, false);
		return;
	}
	snapshot_begin(&m->snapshot, m->view, a);
	on_slice(m);
}

static void work_room(void *arg)
{
	struct making *m = arg;
	struct view *v = view_new(m->conf, m->layout);

	m->view = v;
	if (!v)
		return;
	v->rounds = round_run(agent_collectors, &m->env);
	v->rounds_free = round_free;
	if (!v->rounds || snapshot_room(v))
		drop_view(m);
}

/* Takes the reading over, which may be NULL: then it is to come. */
static void begin(struct publisher *p, struct layout *layout, struct reading *reading)
{
	const struct agent_conf *conf = config_section(p->agent->conf, &agent_section);
	struct making *m = calloc(1, sizeof(*m));

	if (m) {
		*m = (struct making){
			.publisher = p,
			.layout = layout_ref(layout),
			.reading = reading,
			.env = { .procfs = conf->procfs },
			.conf = config_ref(p->agent->conf),
			.begun_ms = clock_mono_ms(),
		};
		if (!loop_work(p->agent->loop, "collect", work_room, on_room, m)) {
			p->making = m;
			return;
		}
		making_free(m);
	} else {
		reading_unref(reading);
	}
	log_event(LOG_ERROR, "no snapshot made", LOG_ERR(ENOMEM));
}

void publisher_reading(struct publisher *p, struct reading *reading)
{
	struct making *m = p->making;

	if (ipvs_table_may_act(&reading->table))
		atomic_store(&p->was_read, true);
	if (m && !m->reading) {
		m->reading = reading;
		put_together(m);
	} else if ((!p->waiters && !p->latest) || m || p->agent->stopping) {
		/* One that is kept is brought up to date with each reading. Two readings
		 * close together: the next one will do. At the end, none. */
		reading_unref(reading);
	} else {
		begin(p, reading->layout, reading);
	}
}

void publisher_round(struct publisher *p, int64_t max_age, command_fn *fn, void *arg)
{
	int64_t not_before = clock_mono_ms() - (max_age < 0 ? max_age_ms(p) : max_age);
	struct waiter *w = malloc(sizeof(*w));
	struct command_reply failed = { .status = COMMAND_FAILED };

	atomic_store(&p->asked_ms, clock_mono_ms());
	if (!w) {
		fn(arg, &failed);
		return;
	}
	*w = (struct waiter){
		.not_before_ms = not_before, .fn = fn, .arg = arg, .next = p->waiters
	};
	if (p->latest && p->latest->made_mono_ms >= not_before) {
		answer(w, COMMAND_OK, view_ref(p->latest));
		return;
	}
	p->waiters = w;
	ask(p);
}
