/* loop.h: libuv's few calls that we need, each callback under a name, so that
 * one which takes over 10 ms is logged and counted. Everything runs on the loop
 * thread but for loop_post() and the work function of loop_work(). */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_io;

typedef void loop_fn(void *arg);
typedef void loop_io_fn(void *arg, int events);

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_stats {
	uint64_t slow_callbacks; /* callbacks that took over 10 ms */
	int64_t lag_us;          /* how late the loop's own 100 ms tick came, at most, in the
				    last 10 s */
};

int loop_new(struct loop **ret_loop);
/* After loop_run() returned; frees what is still registered. NULL is fine. */
void loop_free(struct loop *l);
/* Runs until loop_stop(), then drains. May be called again. */
void loop_run(struct loop *l);
/* From now on posts and work are refused; the callbacks of this turn still come. */
void loop_stop(struct loop *l);
/* Refuses posts and work, waits for the work under way and calls what was accepted.
 * For owners that give up before loop_run(). */
void loop_drain(struct loop *l);
void loop_stats(const struct loop *l, struct loop_stats *ret_stats);
/* How late the tick came at most since `since_ms` (monotonic, to the second): how long
 * the loop, or the whole machine, stood still. */
int64_t loop_lag_us(const struct loop *l, int64_t since_ms);

/* A one-shot timer; `name` must outlive it. Starting a running timer moves it. */
int loop_timer_new(struct loop *l, const char *name, loop_fn *fn, void *arg,
		   struct loop_timer **ret_timer);
void loop_timer_start(struct loop_timer *t, int64_t delay_ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

/* Watches a descriptor, which stays the caller's: free before close. An error on it
 * is reported as the events asked for. At most one a descriptor. */
int loop_io_new(struct loop *l, const char *name, int fd, int events, loop_io_fn *fn, void *arg,
		struct loop_io **ret_io);
int loop_io_set(struct loop_io *io, int events);
void loop_io_free(struct loop_io *io);

/* Calls fn(arg) whenever `signum` arrives. */
int loop_signal(struct loop *l, int signum, const char *name, loop_fn *fn, void *arg);

/* Calls fn(arg) each time before the loop sleeps: where what became dirty is
 * decided, once per turn. One hook a loop. */
void loop_before_sleep(struct loop *l, const char *name, loop_fn *fn, void *arg);

/* From any thread: fn(arg) on the loop, in the order of the posts; what is accepted is
 * called. What a post posts comes after the loop slept, or would have. -ENOMEM, or
 * -ESHUTDOWN after loop_stop() (fn is then not called). */
int loop_post(struct loop *l, const char *name, loop_fn *fn, void *arg);

/* work(arg) on the work queue, then done(arg) on the loop, always, in order with the
 * posts. -ENOMEM or -ESHUTDOWN: neither is called. */
int loop_work(struct loop *l, const char *name, loop_fn *work, loop_fn *done, void *arg);

#endif
