/* scrape.c: /metrics. A scrape that finds the snapshot too old asks the loop for
 * one fresh round, and takes the old one when none comes in its time; then it
 * streams, a few at a time: each has a snapshot and a compressor of its own. */
#include <stdlib.h>
#include <string.h>

#include "agent/base/clock.h"
#include "agent/http/encoding.h"
#include "agent/http/internal.h"
#include "agent/http/routes.h"
#include "agent/http/wait.h"
#include "agent/metrics/expose.h"
#include "agent/metrics/metrics_conf.h"
#include "agent/model/view.h"

enum {
	DEFAULT_BUDGET_MS = 10 * 1000,
	OFFSET_MS = 500, /* of the client's timeout: for sending */
	GRACE_MS = 5 * 1000,
};

struct scrape {
	struct http_server *server;
	struct expose_request ask;
	bool *chosen; /* NULL = all */
	bool gzip, has_slot;
	int64_t budget_ms, deadline_ms;
	struct view *view;
	struct expose *expose;
};

/* --- a few at a time --------------------------------------------------------------- */

static bool slot_take(struct scrape *sc)
{
	struct http_server *s = sc->server;

	pthread_mutex_lock(&s->lock);
	sc->has_slot = s->scrapes.running < s->limits.scrapes;
	s->scrapes.running += sc->has_slot;
	pthread_mutex_unlock(&s->lock);
	return sc->has_slot;
}

/* Wakes all who wait: who comes too late for a slot waits again. They are few, and
 * a wait that is over by its time needs no care then. */
static void slot_give(struct scrape *sc)
{
	struct http_server *s = sc->server;
	struct http_wait **waiting;
	size_t n;

	if (!sc->has_slot)
		return;
	pthread_mutex_lock(&s->lock);
	s->scrapes.running--;
	waiting = s->scrapes.waiting;
	n = s->scrapes.n_waiting;
	s->scrapes.waiting = NULL;
	s->scrapes.n_waiting = s->scrapes.cap_waiting = 0;
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < n; i++)
		http_wait_end(waiting[i], &(struct http_result){ 0 });
	free(waiting);
	sc->has_slot = false;
}

/* With the lock held. */
static bool slot_room(struct http_server *s)
{
	size_t cap = s->scrapes.cap_waiting;
	struct http_wait **grown;

	if (s->scrapes.n_waiting < cap)
		return true;
	cap = cap ? 2 * cap : 16;
	grown = reallocarray(s->scrapes.waiting, cap, sizeof(*grown));
	if (!grown)
		return false;
	s->scrapes.waiting = grown;
	s->scrapes.cap_waiting = cap;
	return true;
}

/* Lines up; false when a slot has come free meanwhile, or memory is out. */
static bool slot_queue(struct http_server *s, struct http_wait *w)
{
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = s->scrapes.running >= s->limits.scrapes && slot_room(s);
	if (ok)
		s->scrapes.waiting[s->scrapes.n_waiting++] = w;
	pthread_mutex_unlock(&s->lock);
	return ok;
}

/* --- the stream -------------------------------------------------------------------- */

static void scrape_free(void *state)
{
	struct scrape *sc = state;

	expose_free(sc->expose);
	view_unref(sc->view);
	slot_give(sc);
	free(sc->chosen);
	free(sc);
}

static bool scrape_next(void *state, struct buf *out, size_t enough)
{
	struct scrape *sc = state;

	return expose_next(sc->expose, out, enough);
}

static bool nothing_next(void *state, struct buf *out, size_t enough)
{
	(void)state;
	(void)out;
	(void)enough;
	return false;
}

static void add_headers(struct http_request *r, const struct scrape *sc)
{
	http_add_header(r, "Vary", "Accept, Accept-Encoding");
	http_add_header(r, "Cache-Control", "no-store");
	if (sc->gzip)
		http_add_header(r, "Content-Encoding", "gzip");
}

/* The scrape goes over from the request to the stream. */
static void stream(struct http_request *r)
{
	struct scrape *sc = r->state;
	struct http_stream plain = { .next = scrape_next, .free = scrape_free, .state = sc },
			   s = plain;
	int64_t within = sc->budget_ms + GRACE_MS;

	sc->ask.chosen = sc->chosen;
	if (expose_new(sc->view, &sc->ask, &sc->expose) < 0 ||
	    (sc->gzip && gzip_stream(&plain, &s) < 0)) {
		http_error(r, 500, "out of memory");
		return;
	}
	add_headers(r, sc);
	r->state = NULL;
	r->state_free = NULL;
	if (within > r->server->limits.answer_ms)
		r->answer.within_ms = within;
	http_answer_stream(r, expose_content_type(sc->ask.format), &s);
}

static void take_slot(struct http_request *r)
{
	struct scrape *sc = r->state;
	int64_t left = sc->deadline_ms - clock_mono_ms();
	struct http_wait *w;

	if (slot_take(sc)) {
		stream(r);
		return;
	}
	if (left <= 0) {
		http_add_header(r, "Retry-After", "1");
		http_error(r, 503, "limit of concurrent scrapes reached (%u)",
			   r->server->limits.scrapes);
		return;
	}
	w = http_wait_begin(r, left, take_slot);
	if (w && !slot_queue(r->server, w))
		http_wait_end(w, &(struct http_result){ 0 });
}

/* --- the snapshot -------------------------------------------------------------------- */

static void serve(struct http_request *r, struct view *v)
{
	struct scrape *sc = r->state;

	if (!v) {
		http_add_header(r, "Retry-After", "1");
		http_error(r, 503, "there is no reading yet");
		return;
	}
	sc->view = v;
	take_slot(r);
}

static void after_round(struct http_request *r)
{
	struct http_result *result = http_wait_result(r);
	struct view *v = result->view;

	result->view = NULL;
	if (result->outcome == HTTP_WAIT_STOPPING) {
		view_unref(v);
		http_error(r, 503, "the agent is stopping");
		return;
	}
	/* Rather an older one than none: its age is a metric. */
	serve(r, v ? v : http_view(r));
}

static int64_t max_age(const struct view *v)
{
	const struct metrics_conf *conf = config_section(v->conf, &metrics_section);

	return conf->max_age;
}

static void ask_round(struct http_request *r)
{
	struct scrape *sc = r->state;
	struct view *v = http_view(r);
	struct command cmd = { .kind = COMMAND_ROUND, .max_age_ms = COMMAND_MAX_AGE };
	int64_t left = sc->deadline_ms - clock_mono_ms();

	if (v) {
		if (clock_mono_ms() - v->made_mono_ms <= max_age(v)) {
			serve(r, v);
			return;
		}
		view_unref(v);
	}
	http_command(r, &cmd, left > 1 ? left : 1, after_round);
}

/* --- what is asked for ------------------------------------------------------------------ */

struct choice {
	struct http_request *request;
	struct scrape *scrape;
	bool ok;
};

static void unknown_collector(struct http_request *r, const char *name)
{
	struct buf text = BUF_INIT;

	buf_puts(&text, "unknown collector '");
	http_put_clean(&text, name);
	buf_puts(&text, "'; there are");
	for (size_t i = 0; r->server->env.collectors[i]; i++)
		buf_printf(&text, "%s %s", i ? "," : "", r->server->env.collectors[i]->name);
	http_error(r, 400, "%s", buf_str(&text));
	buf_fini(&text);
}

static bool choose(void *arg, const char *name)
{
	struct choice *c = arg;
	const struct collector *const *all = c->request->server->env.collectors;
	size_t n = 0, found = SIZE_MAX;

	for (; all[n]; n++)
		if (strcmp(all[n]->name, name) == 0)
			found = n;
	if (found == SIZE_MAX) {
		unknown_collector(c->request, name);
		c->ok = false;
		return false;
	}
	if (!c->scrape->chosen)
		c->scrape->chosen = calloc(n, sizeof(bool));
	if (!c->scrape->chosen) {
		http_error(c->request, 500, "out of memory");
		c->ok = false;
		return false;
	}
	c->scrape->chosen[found] = true;
	return true;
}

static bool read_timeout(struct http_request *r, struct scrape *sc)
{
	const char *text = http_header(r, "X-Prometheus-Scrape-Timeout-Seconds");
	int64_t ms = DEFAULT_BUDGET_MS;

	if (text && scrape_timeout_parse(text, &ms) < 0) {
		http_error(r, 400,
			   "X-Prometheus-Scrape-Timeout-Seconds is not a number of seconds "
			   "above 0 and up to 3600");
		return false;
	}
	sc->budget_ms = ms;
	sc->deadline_ms = clock_mono_ms() + (ms > 2 * OFFSET_MS ? ms - OFFSET_MS : ms / 2);
	return true;
}

void http_metrics(struct http_request *r)
{
	struct scrape *sc = calloc(1, sizeof(*sc));
	struct choice choice = { r, sc, true };

	if (!sc) {
		http_error(r, 500, "out of memory");
		return;
	}
	sc->server = r->server;
	r->state = sc;
	r->state_free = scrape_free;
	sc->ask.collectors = r->server->env.collectors;
	sc->ask.format = expose_negotiate(http_header(r, "Accept"));
	sc->gzip = encoding_gzip(http_header(r, "Accept-Encoding"));
	if (!read_timeout(r, sc))
		return;
	http_query_each(r, "collect[]", choose, &choice);
	if (!choice.ok)
		return;
	if (http_is_head(r)) {
		/* Of unknown length, as GET's; libmicrohttpd never asks for it. */
		add_headers(r, sc);
		http_answer_stream(r, expose_content_type(sc->ask.format),
				   &(struct http_stream){ .next = nothing_next });
	} else {
		ask_round(r);
	}
}
