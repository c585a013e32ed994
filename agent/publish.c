/* publish.c: the latest snapshot, and who waits for a fresher one. However many
 * scrapes wait, one reading and one run of the collectors serves them all. */
#include "agent/publish.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/loop.h"
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

/* One snapshot in the making. */
struct making {
	struct publisher *publisher;
	struct reading *reading;
	struct round *round;
	struct collect_env env;
	struct config *conf; /* whose strings env borrows */
};

struct publisher {
	struct agent *agent;
	pthread_mutex_t lock; /* guards latest */
	struct view *latest;
	struct waiter *waiters;
	bool making;
};

int publisher_new(struct agent *a, struct publisher **ret_publisher)
{
	struct publisher *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->agent = a;
	pthread_mutex_init(&p->lock, NULL);
	*ret_publisher = p;
	return 0;
}

static void answer(struct waiter *w, enum command_status status, struct view *view)
{
	struct command_reply reply = { .status = status, .view = view };

	w->fn(w->arg, &reply);
	buf_fini(&reply.text);
	view_unref(reply.view);
	free(w);
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
	view_unref(p->latest);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct view *publisher_view(struct publisher *p)
{
	struct view *v;

	pthread_mutex_lock(&p->lock);
	v = p->latest ? view_ref(p->latest) : NULL;
	pthread_mutex_unlock(&p->lock);
	return v;
}

static void publish(struct publisher *p, struct view *v)
{
	struct waiter **at = &p->waiters, *w;
	struct view *old;

	pthread_mutex_lock(&p->lock);
	old = p->latest;
	p->latest = v;
	pthread_mutex_unlock(&p->lock);
	view_unref(old);
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
		reconcile_read(p->agent->reconcile);
}

static void making_free(struct making *m)
{
	reading_unref(m->reading);
	round_free(m->round);
	config_unref(m->conf);
	free(m);
}

static void on_made(void *arg)
{
	struct making *m = arg;
	struct publisher *p = m->publisher;
	struct agent *a = p->agent;
	struct view *v = NULL;

	p->making = false;
	/* A reading of a layout that is gone would be shown under wrong names. */
	if (m->reading->layout == a->state->layout && m->round)
		v = view_new(a->conf, m->reading);
	if (v && !snapshot_fill(v, a, m->reading)) {
		snapshot_agent(v, a);
		v->rounds = m->round;
		v->rounds_free = round_free;
		m->round = NULL;
		publish(p, v);
	} else {
		view_unref(v);
		if (p->waiters)
			reconcile_read(a->reconcile);
	}
	making_free(m);
}

static void work_round(void *arg)
{
	struct making *m = arg;

	m->round = round_run(agent_collectors, &m->env);
}

void publisher_reading(struct publisher *p, struct reading *reading)
{
	const struct agent_conf *conf = config_section(p->agent->conf, &agent_section);
	struct making *m;

	if (p->making || p->agent->stopping) {
		/* Two readings close together: the next one will do. At the end, none. */
		reading_unref(reading);
		return;
	}
	m = calloc(1, sizeof(*m));
	if (m) {
		m->publisher = p;
		m->reading = reading;
		m->conf = config_ref(p->agent->conf);
		m->env.procfs = conf->procfs;
		if (!loop_work(p->agent->loop, "collect", work_round, on_made, m)) {
			p->making = true;
			return;
		}
		m->reading = NULL;
		making_free(m);
	}
	reading_unref(reading);
	log_event(LOG_ERROR, "no snapshot made", LOG_ERR(ENOMEM));
}

void publisher_round(struct publisher *p, int64_t max_age_ms, command_fn *fn, void *arg)
{
	int64_t not_before = clock_mono_ms() - max_age_ms;
	struct waiter *w = malloc(sizeof(*w));
	struct command_reply failed = { .status = COMMAND_FAILED };

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
	reconcile_read(p->agent->reconcile);
}
