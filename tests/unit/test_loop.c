/* test_loop.c: the loop against real descriptors, threads and signals. */
#include "agent/base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"

struct fixture {
	struct loop *loop;
	struct loop_timer *timer, *other;
	struct loop_io *io;
	int fd[2];
	int calls, works, dones, hooks, events;
	int64_t began_ms, ended_ms;
	int posted[4];
	int refused;
};

static struct fixture *setup_loop(struct fixture *f)
{
	*f = (struct fixture){ .fd = { -1, -1 } };
	assert_int_equal(loop_new(&f->loop), 0);
	return f;
}

static void stop(void *arg)
{
	struct fixture *f = arg;

	f->calls++;
	f->ended_ms = clock_mono_ms();
	loop_stop(f->loop);
}

static void test_timer_not_early(void **state ATTR_UNUSED)
{
	struct fixture f;

	setup_loop(&f);
	assert_int_equal(loop_timer_new(f.loop, "t", stop, &f, &f.timer), 0);
	f.began_ms = clock_mono_ms();
	loop_timer_start(f.timer, 5000);
	loop_timer_start(f.timer, 20);
	loop_run(f.loop);
	assert_int_equal(f.calls, 1);
	assert_true(f.ended_ms - f.began_ms >= 20);
	assert_true(f.ended_ms - f.began_ms < 5000);
	loop_timer_free(f.timer);
	loop_timer_free(NULL);
	loop_free(f.loop);
}

static void busy_then_start(void *arg)
{
	struct fixture *f = arg;
	int64_t until = clock_mono_ms() + 30;

	while (clock_mono_ms() < until)
		;
	f->began_ms = clock_mono_ms();
	loop_timer_start(f->other, 15);
}

/* A timer started after a long callback counts from its start. */
static void test_timer_after_busy(void **state ATTR_UNUSED)
{
	struct fixture f;
	struct loop_stats stats;

	setup_loop(&f);
	assert_int_equal(loop_timer_new(f.loop, "busy", busy_then_start, &f, &f.timer), 0);
	assert_int_equal(loop_timer_new(f.loop, "other", stop, &f, &f.other), 0);
	loop_timer_start(f.timer, 0);
	loop_run(f.loop);
	assert_true(f.ended_ms - f.began_ms >= 15);
	loop_stats(f.loop, &stats);
	assert_true(stats.slow_callbacks >= 1);
	loop_free(f.loop); /* frees both timers */
}

static void again(void *arg)
{
	struct fixture *f = arg;

	f->calls++;
	loop_timer_start(f->timer, 0);
}

static void on_readable(void *arg, int events)
{
	struct fixture *f = arg;

	f->events = events;
	loop_io_free(f->io);
	f->io = NULL;
	loop_stop(f->loop);
}

/* A timer that starts itself at once does not keep descriptors from their turn. */
static void test_timer_zero_is_fair(void **state ATTR_UNUSED)
{
	struct fixture f;

	setup_loop(&f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f.fd), 0);
	assert_int_equal(write(f.fd[1], "x", 1), 1);
	assert_int_equal(loop_timer_new(f.loop, "again", again, &f, &f.timer), 0);
	loop_timer_start(f.timer, 0);
	assert_int_equal(loop_io_new(f.loop, "io", f.fd[0], LOOP_READ, on_readable, &f, &f.io), 0);
	loop_run(f.loop);
	assert_int_equal(f.events, LOOP_READ);
	close(f.fd[0]);
	close(f.fd[1]);
	loop_free(f.loop);
}

static void on_writable(void *arg, int events)
{
	struct fixture *f = arg;

	f->events = events;
	if (++f->calls == 2)
		loop_stop(f->loop);
}

/* An error on the socket comes as the events asked for, again and again. */
static void test_io_error(void **state ATTR_UNUSED)
{
	struct fixture f;
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof(sin);
	int l, fd;

	setup_loop(&f);
	l = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(l, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&sin, &len), 0);
	f.fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(f.fd[0], (struct sockaddr *)&sin, sizeof(sin)), 0);
	fd = accept(l, NULL, NULL);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	assert_int_equal(loop_io_new(f.loop, "io", f.fd[0], LOOP_READ, on_writable, &f, &f.io), 0);
	loop_run(f.loop);
	assert_int_equal(f.calls, 2);
	assert_int_equal(f.events, LOOP_READ);
	loop_io_free(f.io);
	loop_io_free(NULL);
	close(f.fd[0]);
	close(l);
	loop_free(f.loop);
}

/* The descriptor may be closed and its number used anew right after the free. */
static void test_io_number_reused(void **state ATTR_UNUSED)
{
	struct fixture f;
	int again_fd[2];

	setup_loop(&f);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f.fd), 0);
	assert_int_equal(loop_io_new(f.loop, "io", f.fd[0], LOOP_READ, on_readable, &f, &f.io), 0);
	loop_io_free(f.io);
	close(f.fd[0]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, again_fd), 0);
	assert_int_equal(again_fd[0], f.fd[0]);
	assert_int_equal(loop_io_new(f.loop, "io", again_fd[0], LOOP_READ, on_readable, &f, &f.io),
			 0);
	assert_int_equal(write(again_fd[1], "x", 1), 1);
	loop_run(f.loop);
	assert_int_equal(f.events, LOOP_READ);
	close(again_fd[0]);
	close(again_fd[1]);
	close(f.fd[1]);
	loop_free(f.loop);
}

static void test_io_not_pollable(void **state ATTR_UNUSED)
{
	struct fixture f;
	int fd = open("/proc/self/exe", O_RDONLY);

	setup_loop(&f);
	assert_int_equal(loop_io_new(f.loop, "io", fd, LOOP_READ, on_readable, &f, &f.io), -EPERM);
	assert_null(f.io);
	close(fd);
	loop_free(f.loop);
}

static void test_signal(void **state ATTR_UNUSED)
{
	struct fixture f;

	setup_loop(&f);
	assert_int_equal(loop_signal(f.loop, SIGUSR1, "usr1", stop, &f), 0);
	assert_int_equal(raise(SIGUSR1), 0);
	loop_run(f.loop);
	assert_int_equal(f.calls, 1);
	loop_free(f.loop);
}

static void hook(void *arg)
{
	struct fixture *f = arg;

	if (++f->hooks == 1)
		assert_int_equal(f->calls, 0);
	if (f->hooks == 2)
		loop_stop(f->loop);
}

static void count(void *arg)
{
	((struct fixture *)arg)->calls++;
}

static void test_before_sleep(void **state ATTR_UNUSED)
{
	struct fixture f;

	setup_loop(&f);
	loop_before_sleep(f.loop, "hook", hook, &f);
	assert_int_equal(loop_post(f.loop, "p", count, &f), 0);
	loop_run(f.loop);
	assert_int_equal(f.hooks, 2);
	assert_int_equal(f.calls, 1);
	loop_free(f.loop);
}

/* --- posts ------------------------------------------------------------------ */

enum { N_THREADS = 4, N_POSTS = 2000 };

struct poster {
	struct fixture *f;
	int thread, number;
};

static void on_post(void *arg)
{
	struct poster *p = arg;

	assert_int_equal(p->f->posted[p->thread], p->number);
	p->f->posted[p->thread]++;
	if (++p->f->calls == N_THREADS * N_POSTS)
		loop_stop(p->f->loop);
	free(p);
}

static void *post_many(void *arg)
{
	struct poster *base = arg;
	int i;

	for (i = 0; i < N_POSTS; i++) {
		struct poster *p = malloc(sizeof(*p));

		*p = (struct poster){ .f = base->f, .thread = base->thread, .number = i };
		if (loop_post(base->f->loop, "post", on_post, p))
			abort();
	}
	return NULL;
}

struct again {
	struct loop *loop;
	unsigned int posts, sleeps;
};

static void on_sleep(void *arg)
{
	struct again *a = arg;

	a->sleeps++;
}

static void post_again(void *arg)
{
	struct again *a = arg;

	if (++a->posts == 20)
		loop_stop(a->loop);
	else
		assert_int_equal(loop_post(a->loop, "again", post_again, a), 0);
}

/* Who posts itself lets the others have their turn each time. */
static void test_post_again(void **state ATTR_UNUSED)
{
	struct again a = { 0 };
	struct fixture f;

	setup_loop(&f);
	a.loop = f.loop;
	loop_before_sleep(f.loop, "hook", on_sleep, &a);
	assert_int_equal(loop_post(f.loop, "again", post_again, &a), 0);
	loop_run(f.loop);
	assert_int_equal(a.posts, 20);
	assert_true(a.sleeps >= 20);
	loop_free(f.loop);
}

static void test_post_from_threads(void **state ATTR_UNUSED)
{
	struct fixture f;
	struct poster base[N_THREADS];
	pthread_t threads[N_THREADS];
	int i;

	setup_loop(&f);
	for (i = 0; i < N_THREADS; i++) {
		base[i] = (struct poster){ .f = &f, .thread = i };
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, &base[i]), 0);
	}
	loop_run(f.loop);
	for (i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(f.calls, N_THREADS * N_POSTS);
	loop_free(f.loop);
}

static void stop_then_post(void *arg)
{
	struct fixture *f = arg;

	assert_int_equal(loop_post(f->loop, "accepted", count, f), 0);
	loop_stop(f->loop);
	f->refused = loop_post(f->loop, "refused", count, f);
}

/* What was accepted before the stop is called, what came after is refused. */
static void test_post_after_stop(void **state ATTR_UNUSED)
{
	struct fixture f;

	setup_loop(&f);
	assert_int_equal(loop_post(f.loop, "stop", stop_then_post, &f), 0);
	loop_run(f.loop);
	assert_int_equal(f.refused, -ESHUTDOWN);
	assert_int_equal(f.calls, 1);
	assert_int_equal(loop_post(f.loop, "late", count, &f), -ESHUTDOWN);
	assert_int_equal(loop_work(f.loop, "late", count, count, &f), -ESHUTDOWN);
	loop_free(f.loop);
	assert_int_equal(f.calls, 1);
}

/* --- works ------------------------------------------------------------------ */

struct job {
	struct fixture *f;
	pthread_t thread;
	bool worked;
};

static void work(void *arg)
{
	struct job *j = arg;

	usleep(1000); /* so that some are still queued at the stop */
	j->worked = true;
	j->thread = pthread_self();
}

static void done(void *arg)
{
	struct job *j = arg;

	assert_true(j->worked);
	assert_false(pthread_equal(j->thread, pthread_self()));
	j->f->dones++;
	free(j);
}

static void queue_jobs(struct fixture *f, int n)
{
	while (n--) {
		struct job *j = calloc(1, sizeof(*j));

		j->f = f;
		assert_int_equal(loop_work(f->loop, "job", work, done, j), 0);
	}
}

static void queue_and_stop(void *arg)
{
	struct fixture *f = arg;

	queue_jobs(f, 20);
	loop_stop(f->loop);
}

/* Twenty jobs are queued and the loop stops at once: each is worked and done. */
static void test_work_at_stop(void **state ATTR_UNUSED)
{
	struct fixture f;

	setup_loop(&f);
	assert_int_equal(loop_post(f.loop, "queue", queue_and_stop, &f), 0);
	loop_run(f.loop);
	assert_int_equal(f.dones, 20);
	loop_free(f.loop);
}

/* A loop that never ran, too. */
static void test_work_never_run(void **state ATTR_UNUSED)
{
	struct fixture f;

	setup_loop(&f);
	queue_jobs(&f, 20);
	assert_int_equal(loop_post(f.loop, "p", count, &f), 0);
	loop_free(f.loop);
	assert_int_equal(f.dones, 20);
	assert_int_equal(f.calls, 1);
	loop_free(NULL);
}

static void test_run_again(void **state ATTR_UNUSED)
{
	struct fixture f;
	int i;

	setup_loop(&f);
	assert_int_equal(loop_timer_new(f.loop, "t", stop, &f, &f.timer), 0);
	for (i = 1; i <= 3; i++) {
		loop_timer_start(f.timer, 1);
		loop_run(f.loop);
		assert_int_equal(f.calls, i);
	}
	loop_free(f.loop);
}

static void busy_250ms(void *arg)
{
	struct fixture *f = arg;
	int64_t until = clock_mono_ms() + 250;

	while (clock_mono_ms() < until)
		;
	loop_timer_start(f->other, 1);
}

/* The tick notices a loop that was busy for 250 ms: at least 150 ms late. */
static void test_lag(void **state ATTR_UNUSED)
{
	struct fixture f;
	struct loop_stats stats;

	setup_loop(&f);
	assert_int_equal(loop_timer_new(f.loop, "busy", busy_250ms, &f, &f.timer), 0);
	assert_int_equal(loop_timer_new(f.loop, "other", stop, &f, &f.other), 0);
	loop_timer_start(f.timer, 0);
	loop_run(f.loop);
	loop_stats(f.loop, &stats);
	assert_true(stats.lag_us >= 140000);
	loop_free(f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timer_not_early),
		cmocka_unit_test(test_timer_after_busy),
		cmocka_unit_test(test_timer_zero_is_fair),
		cmocka_unit_test(test_io_error),
		cmocka_unit_test(test_io_number_reused),
		cmocka_unit_test(test_io_not_pollable),
		cmocka_unit_test(test_signal),
		cmocka_unit_test(test_before_sleep),
		cmocka_unit_test(test_post_again),
		cmocka_unit_test(test_post_from_threads),
		cmocka_unit_test(test_post_after_stop),
		cmocka_unit_test(test_work_at_stop),
		cmocka_unit_test(test_work_never_run),
		cmocka_unit_test(test_run_again),
		cmocka_unit_test(test_lag),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
