/* watch.c: the thread that keeps time for the server: it cuts connections that
 * take too long (libmicrohttpd's own timeout is one of inactivity: who drips a
 * byte now and then would live for ever), ends waits that the loop did not end,
 * and stops retired daemons. Not the loop's timers, because a loop that hangs is
 * one of the things to be told. */
#include <errno.h>
#include <time.h>

#include "agent/base/clock.h"
#include "agent/http/events.h"
#include "agent/http/wait.h"

enum { LONG_MS = 3600 * 1000, RETIRED_LOOK_MS = 50 };

void http_watch_at(struct http_server *s, int64_t when_ms)
{
	if (when_ms >= s->watch_ms)
		return;
	s->watch_ms = when_ms;
	pthread_cond_signal(&s->wake);
}

/* Does what is due; returns when something is due next. With the lock held. */
static int64_t watch_conns(struct http_server *s, int64_t now)
{
	int64_t next = now + LONG_MS, due;

	for (struct http_conn *c = s->conns; c; c = c->next) {
		if (c->waiting && c->wait_ms <= now)
			http_wait_give_up(c->waiting, HTTP_WAIT_TIMEOUT);
		if (!c->waiting && c->deadline_ms <= now)
			http_conn_cut(c, now);
		due = c->waiting ? c->wait_ms : c->deadline_ms;
		if (due < next)
			next = due;
	}
	return next;
}

/* Takes out a retired daemon that may be stopped now; NULL = none. */
static struct http_daemon *next_to_stop(struct http_server *s, int64_t now, int64_t *next)
{
	for (struct http_daemon **at = &s->retired; *at; at = &(*at)->next) {
		struct http_daemon *d = *at;

		if (d->requests > 0 && d->retire_ms > now)
			continue;
		d->stopping = true;
		for (struct http_conn *c = s->conns; c; c = c->next)
			if (c->daemon == d && c->waiting)
				http_wait_give_up(c->waiting, HTTP_WAIT_STOPPING);
		http_events_end(s, d);
		/* Those just told so get their answer first. */
		if (d->requests == 0 || d->retire_ms + RETIRED_LOOK_MS <= now) {
			*at = d->next;
			return d;
		}
	}
	if (s->retired && now + RETIRED_LOOK_MS < *next)
		*next = now + RETIRED_LOOK_MS;
	return NULL;
}

static void *watch(void *arg)
{
	struct http_server *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->stop_watch) {
		int64_t now = clock_mono_ms(), next = watch_conns(s, now);
		int64_t beat = http_events_watch(s, now), relief = http_conn_relieve(s, now);
		struct http_daemon *d = next_to_stop(s, now, &next);
		struct timespec ts;

		if (d) {
			pthread_mutex_unlock(&s->lock);
			http_daemon_free(d);
			pthread_mutex_lock(&s->lock);
			continue;
		}
		s->watch_ms = next < beat ? next : beat;
		s->watch_ms = s->watch_ms < relief ? s->watch_ms : relief;
		while (!s->stop_watch && s->watch_ms > clock_mono_ms()) {
			ts.tv_sec = s->watch_ms / 1000;
			ts.tv_nsec = (long)(s->watch_ms % 1000) * 1000000;
			pthread_cond_timedwait(&s->wake, &s->lock, &ts);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int http_watch_start(struct http_server *s)
{
	int error = pthread_create(&s->watch, NULL, watch, s);

	s->watching = error == 0;
	return -error;
}

void http_watch_stop(struct http_server *s)
{
	if (!s->watching)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop_watch = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->watch, NULL);
	s->watching = false;
}
