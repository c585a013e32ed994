/* life.c: the server as a whole: start, reload, stop. A reload first makes all
 * that may fail (secrets, certificates, sockets, daemons), then takes it into
 * force; daemons that go are retired, because one of them may carry the very
 * request that asked for the reload. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/http/auth.h"
#include "agent/http/events.h"
#include "agent/http/wait.h"

enum { RETIRE_MS = 30 * 1000 };

static const struct http_limits default_limits = {
	.head_ms = 15 * 1000,
	.body_ms = 15 * 1000,
	.answer_ms = 60 * 1000,
	.idle_ms = 120 * 1000,
	.loop_ms = 2 * 1000,
	.view_ms = 10 * 1000,
	.reload_ms = 120 * 1000,
	.drain_ms = 1000,
	.heartbeat_ms = 10 * 1000,
	.scrapes = 16,
};

static void limits_init(struct http_limits *l)
{
	const struct http_limits *d = &default_limits;

	l->head_ms = l->head_ms ? l->head_ms : d->head_ms;
	l->body_ms = l->body_ms ? l->body_ms : d->body_ms;
	l->answer_ms = l->answer_ms ? l->answer_ms : d->answer_ms;
	l->idle_ms = l->idle_ms ? l->idle_ms : d->idle_ms;
	l->loop_ms = l->loop_ms ? l->loop_ms : d->loop_ms;
	l->view_ms = l->view_ms ? l->view_ms : d->view_ms;
	l->reload_ms = l->reload_ms ? l->reload_ms : d->reload_ms;
	l->heartbeat_ms = l->heartbeat_ms ? l->heartbeat_ms : d->heartbeat_ms;
	l->drain_ms = l->drain_ms ? l->drain_ms : d->drain_ms;
	l->scrapes = l->scrapes ? l->scrapes : d->scrapes;
}

struct auth *http_auth(struct http_server *s)
{
	struct auth *a;

	pthread_mutex_lock(&s->lock);
	a = auth_ref(s->auth);
	pthread_mutex_unlock(&s->lock);
	return a;
}

void http_server_unref(struct http_server *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	auth_unref(s->auth);
	free(s->scrapes.waiting);
	free(s->state_dir);
	pthread_cond_destroy(&s->idle);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- the next configuration ---------------------------------------------------------- */

/* What a configuration asks for, before it is taken into force. */
struct plan {
	struct auth *auth;
	struct tls *tls;
	struct http_daemon *daemons; /* new ones, serving, and shells of those that stay */
};

/* A daemon in force that already is what is asked for. */
static struct http_daemon *same_daemon(struct http_server *s, const struct http_daemon *want,
				       const char *text)
{
	for (struct http_daemon *d = s->daemons; d; d = d->next) {
		if (strcmp(d->listener->text, text) != 0)
			continue;
		if (d->is_unix ||
		    (d->max_connections == want->max_connections && tls_same(d->tls, want->tls)))
			return d;
	}
	return NULL;
}

static struct listener *same_listener(struct http_server *s, const char *text)
{
	for (struct http_daemon *d = s->daemons; d; d = d->next)
		if (strcmp(d->listener->text, text) == 0)
			return d->listener;
	return NULL;
}

static bool listed(const struct http_daemon *d, const char *text)
{
	for (; d; d = d->next)
		if (strcmp(d->kept ? d->kept->listener->text : d->listener->text, text) == 0)
			return true;
	return false;
}

static int plan_listen(struct http_server *s, struct plan *plan, const struct http_conf *conf,
		       const struct listen_conf *listen, struct buf *why)
{
	struct http_daemon *d;
	int error;

	if (listed(plan->daemons, listen->text))
		return 0;
	d = calloc(1, sizeof(*d));
	if (!d) {
		buf_puts(why, "out of memory");
		return -ENOMEM;
	}
	d->server = s;
	d->max_connections = conf->max_connections;
	d->next = plan->daemons;
	plan->daemons = d;
	if (!listen->unix_path)
		d->tls = tls_ref(plan->tls);
	d->kept = same_daemon(s, d, listen->text);
	if (d->kept)
		return 0;
	d->listener = same_listener(s, listen->text);
	d->borrowed = d->listener != NULL;
	if (!d->listener) {
		error = listener_new(listen, s->env.home, why, &d->listener);
		if (error < 0)
			return error;
	}
	/* On a borrowed listener both accept for a moment: none is ever refused. */
	return http_daemon_start(d, why);
}

static void retire(struct http_server *s, struct http_daemon *d)
{
	http_daemon_quiesce(d);
	listener_free(d->listener);
	d->listener = NULL;
	pthread_mutex_lock(&s->lock);
	http_events_end(s, d);
	d->retire_ms = clock_mono_ms() + RETIRE_MS;
	d->next = s->retired;
	s->retired = d;
	http_watch_at(s, 0);
	pthread_mutex_unlock(&s->lock);
}

static void plan_drop(struct http_server *s, struct plan *plan)
{
	while (plan->daemons) {
		struct http_daemon *d = plan->daemons;

		plan->daemons = d->next;
		if (d->borrowed)
			d->listener = NULL;
		if (d->mhd)
			retire(s, d); /* it may have been asked something already */
		else
			http_daemon_free(d);
	}
	tls_unref(plan->tls);
	auth_unref(plan->auth);
}

static int plan_make(struct http_server *s, struct plan *plan, const struct http_conf *conf,
		     struct buf *why)
{
	int error = auth_new(conf, why, &plan->auth);

	if (error < 0)
		return error;
	error = tls_load(conf->tls_cert_file, conf->tls_key_file, conf->client_ca_file, why,
			 &plan->tls);
	for (uint32_t i = 0; error == 0 && i < conf->n_listens; i++)
		error = plan_listen(s, plan, conf, &conf->listens[i], why);
	return error;
}

/* --- taking it into force --------------------------------------------------------------- */

static struct http_daemon *unlink_daemon(struct http_daemon **list, struct http_daemon *which)
{
	for (; *list; list = &(*list)->next) {
		if (*list == which) {
			*list = which->next;
			which->next = NULL;
			return which;
		}
	}
	return NULL;
}

/* A new daemon serves on an old one's socket: it owns it from here on. */
static void hand_on(struct http_server *s, struct http_daemon *d)
{
	for (struct http_daemon *old = s->daemons; old; old = old->next) {
		if (old->listener == d->listener) {
			old->listener = NULL;
			unlink_daemon(&s->daemons, old);
			retire(s, old);
			break;
		}
	}
	d->borrowed = false;
}

static void plan_enforce(struct http_server *s, struct plan *plan)
{
	struct http_daemon *next = NULL, *d, *kept;
	struct auth *old;

	while (plan->daemons) {
		d = plan->daemons;
		plan->daemons = d->next;
		kept = d->kept;
		if (kept) {
			unlink_daemon(&s->daemons, kept);
			http_daemon_free(d);
			d = kept;
		} else if (d->borrowed) {
			hand_on(s, d);
		}
		d->next = next;
		next = d;
	}
	while (s->daemons)
		retire(s, unlink_daemon(&s->daemons, s->daemons));
	s->daemons = next;
	tls_unref(plan->tls);
	pthread_mutex_lock(&s->lock);
	old = s->auth;
	s->auth = plan->auth;
	pthread_mutex_unlock(&s->lock);
	auth_unref(old);
}

int http_reload(struct http_server *s, const struct http_conf *conf, struct buf *why)
{
	struct plan plan = { 0 };
	int error = plan_make(s, &plan, conf, why);

	if (error < 0)
		plan_drop(s, &plan);
	else
		plan_enforce(s, &plan);
	return error;
}

/* --- start and stop ------------------------------------------------------------------------ */

int http_new(const struct http_conf *conf, const struct http_env *env, struct buf *why,
	     struct http_server **ret_server)
{
	struct http_server *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;
	int error;

	if (!s) {
		buf_puts(why, "out of memory");
		return -ENOMEM;
	}
	s->env = *env;
	s->state_dir = strdup(env->state_dir ? env->state_dir : "");
	s->env.state_dir = s->state_dir;
	s->limits = env->limits;
	limits_init(&s->limits);
	atomic_init(&s->refs, 1);
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_cond_init(&s->idle, &attr);
	pthread_condattr_destroy(&attr);
	error = s->state_dir ? http_watch_start(s) : -ENOMEM;
	if (error == -ENOMEM)
		buf_puts(why, "out of memory");
	else if (error < 0)
		buf_printf(why, "cannot start a thread: %s", strerror(-error));
	else
		error = http_reload(s, conf, why);
	if (error < 0) {
		http_free(s);
		return error;
	}
	*ret_server = s;
	return 0;
}

static unsigned int requests(const struct http_server *s)
{
	unsigned int n = 0;

	for (const struct http_daemon *d = s->daemons; d; d = d->next)
		n += d->requests;
	for (const struct http_daemon *d = s->retired; d; d = d->next)
		n += d->requests;
	return n;
}

/* Ends the waits, and gives all that is under way a moment. */
static void drain(struct http_server *s)
{
	int64_t end = clock_mono_ms() + s->limits.drain_ms;
	struct timespec ts = { .tv_sec = end / 1000, .tv_nsec = (long)(end % 1000) * 1000000 };

	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	for (struct http_conn *c = s->conns; c; c = c->next)
		if (c->waiting)
			http_wait_give_up(c->waiting, HTTP_WAIT_STOPPING);
	http_events_end(s, NULL);
	while (requests(s) > 0)
		if (pthread_cond_timedwait(&s->idle, &s->lock, &ts) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&s->lock);
}

void http_free(struct http_server *s)
{
	if (!s)
		return;
	for (struct http_daemon *d = s->daemons; d; d = d->next)
		http_daemon_quiesce(d);
	drain(s);
	http_watch_stop(s);
	while (s->daemons)
		http_daemon_free(unlink_daemon(&s->daemons, s->daemons));
	while (s->retired)
		http_daemon_free(unlink_daemon(&s->retired, s->retired));
	http_server_unref(s);
}
