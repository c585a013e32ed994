/* events.c: server-sent events. A listener with nothing to read is set aside, as who
 * waits for the loop is; an event takes it up again. libmicrohttpd does not see the end
 * of a connection that is set aside, so that is looked for here. */
#include "agent/http/events.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "agent/base/clock.h"
#include "agent/http/routes.h"

enum {
	QUEUE_EVENTS = 1024,      /* a listener's, … */
	QUEUE_BYTES = 512 * 1024, /* … of so many bytes */
	LOOK_MS = 1000,
	LONG_MS = 3600 * 1000,
};

/* One event, as it is sent. */
struct event {
	unsigned int refs;
	size_t len;
	char text[];
};

/* One listener; owned by its request. */
struct listen_stream {
	struct listen_stream *prev, *next;
	struct http_request *request;
	struct event *queue[QUEUE_EVENTS]; /* a ring */
	size_t first, n, bytes;
	uint64_t lost; /* since the queue was full; till it is empty all are */
	bool asleep;   /* set aside */
	bool ending;
};

/* --- events --------------------------------------------------------------------------- */

static struct event *event_new(const char *kind, const char *data, size_t len, uint64_t seq)
{
	struct buf text = BUF_INIT;
	struct event *e = NULL;

	while (len > 0 && data[len - 1] == '\n')
		len--;
	buf_printf(&text, "event: %s\n", kind);
	if (seq > 0)
		buf_printf(&text, "id: %llu\n", (unsigned long long)seq);
	buf_puts(&text, "data: ");
	buf_put(&text, data, len);
	buf_puts(&text, "\n\n");
	if (buf_ok(&text))
		e = malloc(sizeof(*e) + text.len);
	if (e) {
		e->refs = 1;
		e->len = text.len;
		memcpy(e->text, text.data, text.len);
	}
	buf_fini(&text);
	return e;
}

static void event_unref(struct event *e)
{
	if (e && --e->refs == 0)
		free(e);
}

static void wake(struct listen_stream *l)
{
	if (l->asleep)
		http_resume(l->request);
	l->asleep = false;
}

/* NULL: memory was out; it is one more that is lost. */
static void push(struct listen_stream *l, struct event *e)
{
	if (!e || l->lost > 0 || l->n == QUEUE_EVENTS ||
	    (l->n > 0 && l->bytes + e->len > QUEUE_BYTES)) {
		l->lost++;
	} else {
		e->refs++;
		l->queue[(l->first + l->n++) % QUEUE_EVENTS] = e;
		l->bytes += e->len;
	}
	wake(l);
}

static struct event *pop(struct listen_stream *l)
{
	struct event *e = l->queue[l->first];

	l->first = (l->first + 1) % QUEUE_EVENTS;
	l->n--;
	l->bytes -= e->len;
	return e;
}

bool http_listened(struct http_server *s)
{
	return s && atomic_load(&s->listening) > 0;
}

void http_event(struct http_server *s, const char *kind, const char *data, size_t len, uint64_t seq)
{
	struct listen_stream *l;
	struct event *e;

	if (!http_listened(s))
		return;
	e = event_new(kind, data, len, seq);
	pthread_mutex_lock(&s->lock);
	DL_FOREACH (s->listeners, l)
		push(l, e);
	event_unref(e);
	pthread_mutex_unlock(&s->lock);
}

static struct event *timed_event(const char *kind, const char *more)
{
	struct buf data = BUF_INIT;
	struct event *e = NULL;

	buf_printf(&data, "{%s\"time\":\"", more);
	clock_format_wall(&data, clock_wall_ms());
	buf_puts(&data, "\"}");
	if (buf_ok(&data))
		e = event_new(kind, data.data, data.len, 0);
	buf_fini(&data);
	return e;
}

/* --- who has gone, who must ------------------------------------------------------------ */

static void end(struct listen_stream *l)
{
	l->ending = true;
	wake(l);
}

static void look(struct http_server *s, int64_t now)
{
	struct listen_stream *l;

	DL_FOREACH (s->listeners, l) {
		struct pollfd p = { .fd = l->request->conn->fd, .events = POLLRDHUP };

		if (poll(&p, 1, 0) == 1 && !l->ending) {
			http_conn_cut(l->request->conn, now);
			end(l);
		}
	}
}

static void beat(struct http_server *s)
{
	struct event *e = timed_event("heartbeat", "");
	struct listen_stream *l;

	/* Who is behind gets none of these: they are no news to him. */
	DL_FOREACH (s->listeners, l)
		if (e && l->n == 0)
			push(l, e);
	event_unref(e);
}

int64_t http_events_watch(struct http_server *s, int64_t now_ms)
{
	if (!s->listeners)
		return now_ms + LONG_MS;
	if (s->beat_ms <= now_ms) {
		s->beat_ms = now_ms + s->limits.heartbeat_ms;
		beat(s);
	}
	if (s->look_ms <= now_ms) {
		s->look_ms = now_ms + LOOK_MS;
		look(s, now_ms);
	}
	return s->beat_ms < s->look_ms ? s->beat_ms : s->look_ms;
}

void http_events_end(struct http_server *s, const struct http_daemon *d)
{
	struct listen_stream *l;

	DL_FOREACH (s->listeners, l)
		if (!d || l->request->conn->daemon == d)
			end(l);
}

/* --- one listener ------------------------------------------------------------------------ */

/* Never more than half of a listener's connections, so that others find one. */
static bool room_for(const struct http_server *s, const struct http_daemon *d)
{
	unsigned int n = 0, here = 0;
	struct listen_stream *l;

	DL_FOREACH (s->listeners, l) {
		n += !l->ending;
		here += !l->ending && l->request->conn->daemon == d;
	}
	return n < HTTP_LISTENERS_MAX && (here == 0 || here < d->max_connections / 2);
}

/* With the lock held; false: there is no room. */
static bool join(struct http_server *s, struct listen_stream *l)
{
	struct http_conn *conn = l->request->conn;
	int64_t now = clock_mono_ms();

	if (!room_for(s, conn->daemon)) {
		look(s, now); /* perhaps one has gone */
		if (!room_for(s, conn->daemon))
			return false;
	}
	if (!s->listeners) {
		s->beat_ms = now + s->limits.heartbeat_ms;
		s->look_ms = now + LOOK_MS;
		http_watch_at(s, s->beat_ms < s->look_ms ? s->beat_ms : s->look_ms);
	}
	DL_APPEND(s->listeners, l);
	atomic_fetch_add(&s->listening, 1);
	conn->streams = true;
	return true;
}

static void leave(void *state)
{
	struct listen_stream *l = state;
	struct http_server *s = l->request->server;

	pthread_mutex_lock(&s->lock);
	DL_DELETE(s->listeners, l);
	atomic_fetch_sub(&s->listening, 1);
	l->request->conn->streams = false;
	while (l->n > 0)
		event_unref(pop(l));
	pthread_mutex_unlock(&s->lock);
	free(l);
}

/* What is there, or nothing, and then it is set aside until something is. */
static bool next(void *state, struct buf *out, size_t enough)
{
	struct listen_stream *l = state;
	struct http_request *r = l->request;
	struct http_server *s = r->server;
	int64_t within = s->limits.heartbeat_ms * 3;
	bool more;

	/* Who takes nothing, not even heartbeats, is cut. */
	http_conn_step(r->conn, HTTP_PHASE_ANSWER,
		       within > s->limits.answer_ms ? within : s->limits.answer_ms);
	pthread_mutex_lock(&s->lock);
	more = !l->ending && !s->stopping && !r->conn->daemon->stopping;
	while (more && l->n > 0 && out->len < enough) {
		struct event *e = pop(l);

		buf_put(out, e->text, e->len);
		event_unref(e);
	}
	if (more && l->n == 0 && l->lost > 0) {
		buf_printf(out, "event: lost\ndata: {\"dropped\":%llu}\n\n",
			   (unsigned long long)l->lost);
		l->lost = 0;
	}
	if (more && out->len == 0) {
		l->asleep = true;
		http_suspend(r);
	}
	pthread_mutex_unlock(&s->lock);
	return more;
}

/* With the lock held: 0, 503 or 500. */
static unsigned int begin(struct http_server *s, struct listen_stream *l)
{
	struct event *hello = timed_event("hello", "\"version\":\"" VERSION "\",");
	unsigned int status = 0;

	if (!hello)
		status = 500;
	else if (s->stopping || l->request->conn->daemon->stopping || !join(s, l))
		status = 503;
	else
		push(l, hello);
	event_unref(hello);
	return status;
}

void http_events(struct http_request *r)
{
	struct http_server *s = r->server;
	struct listen_stream *l;
	struct buf nothing = BUF_INIT;
	unsigned int status = 500;

	if (http_is_head(r)) {
		http_answer(r, 200, "text/event-stream", &nothing);
		return;
	}
	l = calloc(1, sizeof(*l));
	if (l) {
		l->request = r;
		pthread_mutex_lock(&s->lock);
		status = begin(s, l);
		pthread_mutex_unlock(&s->lock);
	}
	if (status == 0) {
		r->state = l;
		r->state_free = leave;
		http_add_header(r, "Cache-Control", "no-store");
		http_add_header(r, "X-Accel-Buffering", "no"); /* nginx in between */
		http_answer_stream(r, "text/event-stream",
				   &(struct http_stream){ .next = next, .state = l, .live = true });
		return;
	}
	free(l);
	if (status == 503) {
		http_add_header(r, "Retry-After", "5");
		http_error(r, 503, "as many listen already as may");
	} else {
		http_error(r, 500, "out of memory");
	}
}
