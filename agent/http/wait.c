/* wait.c: a request that waits for the loop. Its connection is set aside, so that
 * no thread waits; a wait is owned by the request and by him who will end it, and
 * may be ended late, when the request has long gone on without. All under the
 * server's lock, which therefore lives as long as the last wait. */
#include "agent/http/wait.h"
#include <errno.h>
#include <stdlib.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/http/internal.h"
#include "agent/model/view.h"

struct http_wait {
	atomic_uint refs;
	struct http_server *server;
	struct http_request *request; /* NULL = over; guarded by the lock */
	struct http_result result;
};

static void result_fini(struct http_result *result)
{
	buf_fini(&result->text);
	view_unref(result->view);
	result->view = NULL;
}

void http_wait_unref(struct http_wait *w)
{
	if (!w || atomic_fetch_sub(&w->refs, 1) != 1)
		return;
	result_fini(&w->result);
	http_server_unref(w->server);
	free(w);
}

/* With the lock held. */
static void wait_over(struct http_wait *w)
{
	struct http_request *r = w->request;

	w->request = NULL;
	r->conn->waiting = NULL;
	http_resume(r);
}

void http_wait_give_up(struct http_request *r, enum http_outcome outcome)
{
	struct http_wait *w = r->wait;

	w->result.outcome = outcome;
	wait_over(w);
}

void http_wait_fini(struct http_request *r)
{
	http_wait_unref(r->wait);
	r->wait = NULL;
}

struct http_wait *http_wait_begin(struct http_request *r, int64_t timeout_ms, http_handler *next)
{
	struct http_server *s = r->server;
	struct http_wait *w = calloc(1, sizeof(*w));
	bool stopping;

	if (!w) {
		http_error(r, 500, "out of memory");
		return NULL;
	}
	http_wait_fini(r);
	*w = (struct http_wait){ .refs = 2, .server = s, .request = r };
	atomic_fetch_add(&s->refs, 1);
	pthread_mutex_lock(&s->lock);
	stopping = s->stopping || r->conn->daemon->stopping;
	if (!stopping) {
		/* Nobody can end the wait before the lock is given back, so that the
		 * connection is never resumed before it is suspended. */
		http_suspend(r);
		r->wait = w;
		r->next = next;
		r->conn->waiting = r;
		r->conn->wait_ms = clock_mono_ms() + timeout_ms;
		http_watch_at(s, r->conn->wait_ms);
	}
	pthread_mutex_unlock(&s->lock);
	if (stopping) {
		atomic_store(&w->refs, 1); /* nobody else has seen it */
		http_wait_unref(w);
		http_error(r, 503, "the agent is stopping");
		return NULL;
	}
	return w;
}

void http_wait_end(struct http_wait *w, struct http_result *result)
{
	struct http_server *s = w->server;

	pthread_mutex_lock(&s->lock);
	if (w->request) {
		w->result = *result;
		*result = (struct http_result){ 0 };
		if (w->result.outcome == HTTP_WAIT_PENDING)
			w->result.outcome = HTTP_WAIT_DONE;
		wait_over(w);
	}
	pthread_mutex_unlock(&s->lock);
	result_fini(result);
	http_wait_unref(w);
}

struct http_result *http_wait_result(struct http_request *r)
{
	return &r->wait->result;
}

static void on_reply(void *arg, struct command_reply *reply)
{
	struct http_result result = { .status = reply->status,
				      .guard = reply->guard,
				      .text = reply->text,
				      .view = reply->view };

	reply->text = BUF_INIT;
	reply->view = NULL;
	http_wait_end(arg, &result);
}

static void not_posted(struct http_wait *w, int error)
{
	struct http_result result = { 0 };

	result.status = error == -ESHUTDOWN ? COMMAND_STOPPING : COMMAND_FAILED;
	buf_puts(&result.text, error == -ESHUTDOWN ? "the agent is stopping" : "out of memory");
	http_wait_end(w, &result);
}

void http_command(struct http_request *r, struct command *cmd, int64_t timeout_ms,
		  http_handler *next)
{
	const struct agent_door *door = &r->server->env.door;
	struct http_wait *w = http_wait_begin(r, timeout_ms, next);
	int error;

	if (!w) {
		command_fini(cmd);
		return;
	}
	error = door->post(door->agent, cmd, on_reply, w);
	if (error < 0) {
		command_fini(cmd);
		not_posted(w, error);
	}
}

static void on_turn(void *arg)
{
	struct http_result result = { 0 };

	http_wait_end(arg, &result);
}

void http_ask_loop(struct http_request *r, int64_t timeout_ms, http_handler *next)
{
	struct loop *loop = r->server->env.loop;
	struct http_wait *w = http_wait_begin(r, timeout_ms, next);
	int error;

	if (!w)
		return;
	error = loop_post(loop, "http-healthy", on_turn, w);
	if (error < 0)
		not_posted(w, error);
}

struct view *http_view(const struct http_request *r)
{
	const struct agent_door *door = &r->server->env.door;

	return door->view(door->agent);
}

static void after_round(struct http_request *r)
{
	struct http_result *result = http_wait_result(r);
	struct view *v = result->view;

	if (result->outcome == HTTP_WAIT_STOPPING || result->status == COMMAND_STOPPING) {
		http_error(r, 503, "the agent is stopping");
		return;
	}
	result->view = NULL;
	/* Rather an older one than none. */
	r->viewing(r, v ? v : http_view(r));
}

void http_with_view(struct http_request *r, int64_t max_age_ms, http_view_handler *next)
{
	struct command cmd = { .kind = COMMAND_ROUND, .max_age_ms = max_age_ms };
	struct view *v = http_view(r);

	if (v && clock_mono_ms() - v->made_mono_ms <= max_age_ms) {
		next(r, v);
		return;
	}
	view_unref(v);
	r->viewing = next;
	if (max_age_ms == HTTP_ANY_AGE)
		cmd.max_age_ms = COMMAND_MAX_AGE;
	http_command(r, &cmd, r->server->limits.view_ms, after_round);
}
