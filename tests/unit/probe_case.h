/* probe_case.h: for tests of kinds: one attempt through the real scheduler. */
#ifndef TESTS_PROBE_CASE_H
#define TESTS_PROBE_CASE_H

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/base/fetch.h"
#include "agent/base/loop.h"
#include "agent/probes/sched.h"

struct probe_case {
	struct loop *loop;
	struct fetch_multi *fetches;
	struct sched *sched;
	uint32_t stop_after, outcomes;
	void (*look)(const struct probe_report *report); /* at each; NULL = not */
	char said[TARGET_TEXT_MAX + 1];                  /* the last target's text, "" = none */
	struct probe_report last;                        /* without its text */
};

static inline void case_outcome(void *arg, uint32_t target ATTR_UNUSED, bool changed ATTR_UNUSED,
				const struct probe_report *report)
{
	struct probe_case *c = arg;

	if (c->look)
		c->look(report);
	c->last = *report;
	c->last.text = NULL;
	if (++c->outcomes == c->stop_after)
		loop_stop(c->loop);
}

static inline void case_init(struct probe_case *c, bool with_fetches)
{
	const struct sched_limits limits = { .max_running = 100 };

	*c = (struct probe_case){ 0 };
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loop_new(&c->loop), 0);
	if (with_fetches)
		assert_int_equal(fetch_multi_new(c->loop, &c->fetches), 0);
	assert_int_equal(sched_new(c->loop, c->fetches, &limits, case_outcome, c, &c->sched), 0);
}

static inline void case_fini(struct probe_case *c)
{
	sched_free(c->sched);
	if (c->fetches)
		fetch_multi_free(c->fetches);
	loop_free(c->loop);
}

/* Probes one target until it had `n` outcomes; what it then holds. */
static inline struct target case_probe(struct probe_case *c, const struct probe_conf *conf,
				       const struct addr *to, uint32_t n)
{
	const struct sched_limits limits = { .max_running = 100 };
	static const uint32_t from[1] = { SCHED_NEW };
	const struct layout_target asked = { .addr = *to, .conf = conf };
	struct target t = { 0 };

	assert_int_equal(sched_replace(c->sched, &asked, &t, 1, from, &limits), 0);
	c->stop_after = c->outcomes + n;
	loop_run(c->loop);
	assert_int_equal(sched_replace(c->sched, NULL, NULL, 0, NULL, &limits), 0);
	snprintf(c->said, sizeof(c->said), "%s", target_text(&t) ? target_text(&t) : "");
	target_fini(&t);
	return t;
}

struct case_told {
	struct loop *loop;
	struct probe_report report;
	struct buf *said;
};

static inline void case_on_told(void *arg, uint32_t target ATTR_UNUSED,
				const struct probe_report *report, int64_t took_us ATTR_UNUSED)
{
	struct case_told *told = arg;

	if (!report) /* the test has failed, and is over */
		return;
	told->report = *report;
	buf_put(told->said, report->said, report->said_len);
	loop_stop(told->loop);
}

/* One attempt that somebody wants to see: how it ended, and what was said, which is to be
 * freed. The report's pointers are void. */
static inline struct probe_report case_ask(const struct probe_conf *conf, const struct addr *to,
					   struct buf *ret_said)
{
	const struct sched_limits limits = { .max_running = 100 };
	static const uint32_t from[1] = { SCHED_NEW };
	const struct layout_target asked = { .addr = *to, .conf = conf };
	struct case_told told = { .said = ret_said };
	struct target t = { 0 };
	struct probe_case c;

	case_init(&c, true);
	told.loop = c.loop;
	assert_int_equal(sched_replace(c.sched, &asked, &t, 1, from, &limits), 0);
	assert_int_equal(
		sched_ask(c.sched, 0, &(struct sched_asked){ .fn = case_on_told, .arg = &told }),
		0);
	loop_run(c.loop);
	case_fini(&c);
	target_fini(&t);
	return told.report;
}

/* A TCP listener on 127.0.0.1 at a port of the kernel's choice; *ret_addr gets it. */
static inline int case_listen(int backlog, struct addr *ret_addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sin, ret_addr), 0);
	return fd;
}

/* Fills a listener's queue of one, so that the next SYN is dropped. */
static inline void case_fill(const struct addr *to, int fds[static 4])
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(to, &ss);
	int i;

	for (i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fds[i], (struct sockaddr *)&ss, len);
	}
}

/* Lowers the limit of descriptors so that none is left; undo with case_descriptors(). */
static inline void case_no_descriptors(struct rlimit *ret_before)
{
	struct rlimit none;
	int next = dup(0);

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, ret_before), 0);
	none = *ret_before;
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static inline void case_descriptors(const struct rlimit *before)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, before), 0);
}

#endif
