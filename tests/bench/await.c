/* await.c: when somebody else's work is done, without asking him.
 *
 *   await table SERVICES EACH [WITHOUT]   until the kernel has the harness's table
 *   await idle PID...                     until these processes rest
 *
 * `table` waits for a sample of the services, spread evenly, the first and the last
 * among them, one after another, and is late by a hundredth of the time only, in
 * whichever order they are written: who looks more often is in the way of who writes, for
 * the kernel lets one at a time. Then the whole table is counted once. With WITHOUT, the number of
 * a realserver, its service is to have one less; only that one is waited for.
 *
 * `idle` looks at their processor time every 20 ms: they rest when they have used less
 * than a fiftieth for 400 ms, and have done so since when that began.
 *
 * Prints `at=MICROSECONDS` since the epoch: when it was done. */
#include <dirent.h>
#include <stdio.h>

#include "tests/bench/raw.h"

enum {
	SAMPLE = 64,
	PAUSE_MS = 3,
	PAUSE_SHARE = 100,
	LOOK_MS = 20,
	REST_MS = 400,
	SHARE = 50,
	DEADLINE_S = 900
};

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static int done(double at)
{
	printf("at=%.0f\n", at * 1e6);
	return 0;
}

/* ---- the kernel's table ---- */

struct table {
	struct raw *raw;
	uint32_t services, each, without;
	double begin, end;
};

/* Until service n has what it is to have. */
static int await_service(struct table *t, uint32_t n)
{
	uint64_t want = t->each - (t->without / t->each == n);
	struct service s;
	long ms;
	int r;

	service_key(n, &s);
	for (;;) {
		t->raw->n_dests = 0;
		r = raw_dests(t->raw, &s);
		if (r || t->raw->n_dests == want)
			return r;
		if (now(CLOCK_MONOTONIC) > t->end)
			return -ETIMEDOUT;
		ms = (long)((now(CLOCK_MONOTONIC) - t->begin) * 1000 / PAUSE_SHARE);
		pause_ms(ms > PAUSE_MS ? ms : PAUSE_MS);
	}
}

static int await_table(struct table *t)
{
	uint32_t n = t->services < SAMPLE ? t->services : SAMPLE, i;
	double at;
	int r = 0;

	if (t->without != UINT32_MAX) {
		r = await_service(t, t->without / t->each);
		return r ? r : done(now(CLOCK_REALTIME));
	}
	for (i = 0; !r && i < n; i++)
		r = await_service(t, n > 1 ? (uint32_t)((uint64_t)(t->services - 1) * i / (n - 1))
					   : 0);
	at = now(CLOCK_REALTIME);
	for (i = 0; !r && i < t->services; i++)
		r = await_service(t, i);
	return r ? r : done(at);
}

/* ---- processes ---- */

/* What a process used, its threads included, in ns; those that ended count no more. */
static uint64_t used(const char *pid)
{
	unsigned long long ns, sum = 0;
	struct dirent *e;
	char path[512];
	FILE *f;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/task/%s/schedstat", pid, e->d_name);
		f = e->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return sum;
}

static uint64_t used_all(char **pids, int n)
{
	uint64_t sum = 0;

	for (int i = 0; i < n; i++)
		sum += used(pids[i]);
	return sum;
}

static int await_idle(char **pids, int n)
{
	double end = now(CLOCK_MONOTONIC) + DEADLINE_S, since = now(CLOCK_REALTIME), t;
	uint64_t before = used_all(pids, n), at_rest = before, sum;

	while (now(CLOCK_MONOTONIC) < end) {
		pause_ms(LOOK_MS);
		t = now(CLOCK_REALTIME);
		sum = used_all(pids, n);
		/* Busy in this look, or too much since it seemed to rest. */
		if (sum - before > LOOK_MS * UINT64_C(1000000) / 4 ||
		    (double)(sum - at_rest) > (t - since) * 1e9 / SHARE + LOOK_MS * 1e6 / 4) {
			since = t;
			at_rest = sum;
		} else if (t - since >= REST_MS / 1000.0) {
			return done(since);
		}
		before = sum;
	}
	return -ETIMEDOUT;
}

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	static struct raw raw;
	struct table t = { .raw = &raw, .without = UINT32_MAX };
	int r = -EINVAL;

	if (argc >= 4 && !strcmp(argv[1], "table")) {
		t.services = number(argv[2]);
		t.each = number(argv[3]);
		t.without = argc > 4 ? number(argv[4]) : UINT32_MAX;
		t.begin = now(CLOCK_MONOTONIC);
		t.end = t.begin + DEADLINE_S;
		r = raw_open(&raw);
		r = r ? r : await_table(&t);
	} else if (argc >= 3 && !strcmp(argv[1], "idle")) {
		r = await_idle(argv + 2, argc - 2);
	}
	if (r)
		fprintf(stderr, "await: %s\n", strerror(-r));
	return r ? 1 : 0;
}
