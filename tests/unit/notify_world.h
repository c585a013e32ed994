/* notify_world.h: for tests: a notifier on a loop, and receivers of webhooks that
 * remember what came. */
#ifndef TESTS_NOTIFY_WORLD_H
#define TESTS_NOTIFY_WORLD_H

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actions/table.h"
#include "agent/base/clock.h"
#include "agent/base/fetch.h"
#include "agent/base/loop.h"
#include "agent/rules/notifier.h"
#include "agent/rules/notify_conf.h"
#include "agent/rules/rule_conf.h"
#include "tests/unit/t.h"

enum { HOOK_MAX = 32 };

#define HOOK_ANSWER(status, more) "HTTP/1.1 " status "\r\n" more "Content-Length: 0\r\n\r\n"
#define HOOK_OK                   HOOK_ANSWER("200 OK", "")

/* Answers one request after the other; the last answer stands for all that follow. */
struct hook {
	const char *answers[HOOK_MAX]; /* NULL = none: the connection is held until the
					  client goes */
	char url[64];
	int listener;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	size_t n;
	char requests[HOOK_MAX][4096];
	int64_t at_ms[HOOK_MAX];
};

static inline size_t hook_count(struct hook *h)
{
	size_t n;

	pthread_mutex_lock(&h->lock);
	n = h->n;
	pthread_mutex_unlock(&h->lock);
	return n;
}

/* A whole request: head, and as much body as it says. */
static inline void hook_read(int fd, char *to, size_t size)
{
	size_t len = 0, want = size - 1;
	const char *end, *length;
	ssize_t n = 1;

	while (n > 0 && len < want) {
		n = read(fd, to + len, want - len);
		len += n > 0 ? (size_t)n : 0;
		to[len] = '\0';
		end = strstr(to, "\r\n\r\n");
		length = strcasestr(to, "\r\nContent-Length:");
		if (end)
			want = (size_t)(end + 4 - to) +
			       (length ? strtoul(length + 17, NULL, 10) : 0);
	}
}

static inline void *hook_main(void *arg)
{
	struct hook *h = arg;
	const char *answer = NULL;
	char request[4096], byte;
	size_t i;
	int fd;

	while ((fd = accept(h->listener, NULL, NULL)) != -1) {
		request[0] = '\0';
		hook_read(fd, request, sizeof(request));
		pthread_mutex_lock(&h->lock);
		i = h->n < HOOK_MAX ? h->n : HOOK_MAX - 1;
		if (i == 0 || h->answers[i])
			answer = h->answers[i];
		memcpy(h->requests[i], request, sizeof(request));
		h->at_ms[i] = clock_mono_ms();
		h->n = i + 1;
		pthread_mutex_unlock(&h->lock);
		if (answer)
			(void)!send(fd, answer, strlen(answer), MSG_NOSIGNAL);
		else
			while (read(fd, &byte, 1) > 0)
				;
		close(fd);
	}
	return NULL;
}

static inline void hook_start(struct hook *h)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof(sin);

	h->n = 0;
	pthread_mutex_init(&h->lock, NULL);
	h->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_not_equal(h->listener, -1);
	assert_int_equal(bind(h->listener, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(h->listener, 64), 0);
	assert_int_equal(getsockname(h->listener, (struct sockaddr *)&sin, &len), 0);
	snprintf(h->url, sizeof(h->url), "http://127.0.0.1:%u/hook", ntohs(sin.sin_port));
	assert_int_equal(pthread_create(&h->thread, NULL, hook_main, h), 0);
}

static inline void hook_stop(struct hook *h)
{
	shutdown(h->listener, SHUT_RDWR);
	pthread_join(h->thread, NULL);
	close(h->listener);
	pthread_mutex_destroy(&h->lock);
}

/* --- the notifier -------------------------------------------------------------- */

struct notify_world {
	struct loop *loop;
	struct loop_timer *deadline;
	struct fetch_multi *fetches;
	struct notifier *n;
	struct notify_conf confs[2]; /* "a", "b" */
	void *conf_list[2];
	struct rule_action actions[2];
	struct rule_conf rule; /* tells both */
	bool (*done)(struct notify_world *w);
	struct hook *hook;
	uint64_t want;
	int stops;
	bool late;
};

static inline void world_late(void *arg)
{
	struct notify_world *w = arg;

	w->late = true;
	loop_stop(w->loop);
}

static inline void world_before_sleep(void *arg)
{
	struct notify_world *w = arg;

	if (w->done && w->done(w))
		loop_stop(w->loop);
}

/* Runs until done() says so; a minute without it is a failure. */
static inline void world_await(struct notify_world *w, bool (*done)(struct notify_world *w))
{
	w->done = done;
	if (done(w))
		return;
	loop_timer_start(w->deadline, 60000);
	loop_run(w->loop);
	loop_timer_stop(w->deadline);
	w->done = NULL;
	assert_false(w->late);
}

static inline void world_init(struct notify_world *w, int64_t backoff_ms)
{
	static const char *const names[] = { "a", "b" };
	size_t i;

	*w = (struct notify_world){ 0 };
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loop_new(&w->loop), 0);
	assert_int_equal(loop_timer_new(w->loop, "late", world_late, w, &w->deadline), 0);
	assert_int_equal(fetch_multi_new(w->loop, &w->fetches), 0);
	loop_before_sleep(w->loop, "done", world_before_sleep, w);
	assert_int_equal(notifier_new(
				 &(struct notifier_params){
					 .loop = w->loop,
					 .fetches = w->fetches,
					 .notify = &action_notify,
					 .host = "director1",
					 .backoff_ms = backoff_ms,
				 },
				 &w->n),
			 0);
	for (i = 0; i < 2; i++) {
		w->confs[i] = (struct notify_conf){ .head.name = names[i],
						    .timeout = 30000,
						    .retries = 5,
						    .events = NOTIFY_ALL,
						    .max_queue = 100 };
		w->conf_list[i] = &w->confs[i];
		w->actions[i] =
			(struct rule_action){ .action = &action_notify, .argument = names[i] };
	}
	w->rule = (struct rule_conf){ .head.name = "probe-down",
				      .actions = w->actions,
				      .n_actions = 2 };
}

/* The first `n` sections are there, and the rule tells these. */
static inline void world_receivers(struct notify_world *w, uint32_t n)
{
	w->rule.n_actions = n;
	assert_int_equal(notifier_reload(w->n, w->conf_list, n), 0);
}

static inline void world_fini(struct notify_world *w)
{
	notifier_free(w->n);
	fetch_multi_free(w->fetches);
	loop_timer_free(w->deadline);
	loop_free(w->loop);
}

static inline struct notifier_row world_row(const struct notify_world *w, size_t i)
{
	struct notifier_row row = { 0 };

	assert_true(notifier_row(w->n, i, &row));
	return row;
}

/* w->want notices of the first receiver have come to an end. */
static inline bool settled(struct notify_world *w)
{
	const struct notifier_row row = world_row(w, 0);

	return row.sent + row.failed >= w->want;
}

static inline bool stopped(struct notify_world *w)
{
	return w->stops > 0;
}

static inline void world_on_stop(void *arg)
{
	((struct notify_world *)arg)->stops++;
}

/* A hold on web/REALSERVER. */
static inline void world_tell(struct notify_world *w, enum notice_kind kind, const char *realserver)
{
	struct notice notice = NOTICE_INIT;

	notice.kind = kind;
	notice.active = kind != NOTICE_RELEASE;
	notice.wall_ms = 1772600767891;
	notice.rule = "probe-down";
	notice.service = "web";
	notice.realserver = realserver;
	notice.effect = 0;
	notice.reason = "http connection refused, 3 of 3 probes failed";
	notifier_tell(w->n, &notice, &w->rule);
}

#endif
