/* scrape.c: what a scrape of 100,000 realservers costs, wide and deep: the snapshot on
 * the loop, its size, the rendering, and the whole way to a client's socket. The
 * measure of the last is the same bytes sent by the same kind of server from memory,
 * turn by turn with it. Figures are medians; of the CPU where they say so, for that of
 * a machine which has other work is worth more than its clock. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/attr.h"
#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/http/server.h"
#include "agent/metrics/expose.h"
#include "agent/metrics/round.h"
#include "collectors/table.h"
#include "tests/bench/scrape.h"

enum { RUNS = 5, PART = 64 * 1024, WINDOW = 256 * 1024 };

ATTR_NORETURN static void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(EXIT_FAILURE);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double median_ms(int64_t *us)
{
	qsort(us, RUNS, sizeof(*us), by_value);
	size_t middle = RUNS / 2;

	return (double)us[middle] / 1000;
}

/* CPU time of this thread, or of all threads. */
static int64_t cpu_us(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

/* Resident memory in bytes. */
static size_t resident(void)
{
	unsigned long all = 0, in = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f || fscanf(f, "%lu %lu", &all, &in) != 2)
		die("no /proc/self/statm");
	fclose(f);
	return in * (size_t)sysconf(_SC_PAGESIZE);
}

/* --- the agent's server ---------------------------------------------------------- */

static int refuse(void *agent, struct command *cmd, command_fn *fn, void *arg)
{
	(void)agent;
	(void)cmd;
	(void)fn;
	(void)arg;
	return -ESHUTDOWN;
}

static struct view *latest(void *agent)
{
	return view_ref(agent);
}

static uint16_t free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) < 0)
		die("no port");
	close(fd);
	return ntohs(in.sin_port);
}

static struct http_server *serve(struct view *v, struct loop *loop, uint16_t port)
{
	struct listen_conf listens[] = {
		{ .addr = { .bytes = { 127, 0, 0, 1 }, .port = port, .family = AF_INET },
		  .text = "bench" },
	};
	struct http_conf conf = { .listens = listens, .n_listens = 1, .max_connections = 32 };
	struct http_env env = { .door = { v, refuse, latest },
				.loop = loop,
				.collectors = collector_table };
	struct http_server *s = NULL;
	struct buf why = BUF_INIT;

	if (http_new(&conf, &env, &why, &s) < 0)
		die(buf_str(&why));
	buf_fini(&why);
	return s;
}

/* --- a client -------------------------------------------------------------------- */

/* Of RUNS answers of one server. */
struct fetched {
	int64_t wall_us[RUNS]; /* from the request to the last byte */
	int64_t cpu_us[RUNS];  /* of all threads but the client's */
	size_t len;            /* of the last answer as it was sent */
};

static void read_all(int fd, struct fetched *f)
{
	static char window[WINDOW];
	ssize_t n;

	f->len = 0;
	while ((n = read(fd, window, sizeof(window))) > 0)
		f->len += (size_t)n;
	if (n < 0)
		die("the answer broke off");
}

static void fetch(uint16_t port, const char *headers, struct fetched *f, int run)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int64_t cpu = cpu_us(RUSAGE_SELF) - cpu_us(RUSAGE_THREAD), start = clock_mono_us();
	struct buf ask = BUF_INIT;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	buf_printf(&ask, "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n%s\r\n",
		   headers);
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    write(fd, ask.data, ask.len) != (ssize_t)ask.len)
		die("cannot ask");
	read_all(fd, f);
	close(fd);
	f->wall_us[run] = clock_mono_us() - start;
	f->cpu_us[run] = cpu_us(RUSAGE_SELF) - cpu_us(RUSAGE_THREAD) - cpu;
	buf_fini(&ask);
}

/* --- the measures ---------------------------------------------------------------- */

/* The whole text, which nobody but a bench wants; keeps it where `keep`. */
static int64_t render(const struct view *v, struct buf *out, bool keep)
{
	struct expose_request req = { .collectors = collector_table };
	struct buf part = BUF_INIT;
	int64_t start = cpu_us(RUSAGE_THREAD);
	struct expose *e;
	bool more;

	if (expose_new(v, &req, &e) < 0)
		die("out of memory");
	do {
		buf_reset(&part);
		more = expose_next(e, &part, PART);
		if (keep)
			buf_put(out, part.data, part.len);
	} while (more);
	expose_free(e);
	if (!buf_ok(out) || !buf_ok(&part))
		die("out of memory");
	buf_fini(&part);
	return cpu_us(RUSAGE_THREAD) - start;
}

static void tell_snapshot(struct bench_world *w, uint32_t n)
{
	int64_t loop_us[RUNS], longest_us[RUNS], work_us[RUNS];
	struct bench_snapshot cost;
	double mb, loop, longest;

	for (int i = 0; i < RUNS; i++) {
		view_unref(bench_world_view(w, &cost));
		loop_us[i] = cost.loop_us;
		longest_us[i] = cost.longest_us;
		work_us[i] = cost.work_us;
	}
	mb = (double)cost.bytes / 1e6;
	loop = median_ms(loop_us);
	longest = median_ms(longest_us);
	printf("  snapshot      %6.1f ms on the loop (%.1f ms in one piece), %.1f ms beside it; "
	       "%.1f MB, %.0f bytes a realserver\n",
	       loop, longest, median_ms(work_us), mb, (double)cost.bytes / n);
}

static void tell_fetched(const char *what, struct fetched *f, struct fetched *ours)
{
	double wall = median_ms(f->wall_us), cpu = median_ms(f->cpu_us);

	printf("  %-14s%6.1f ms, server's CPU %6.1f ms, %6.1f MB", what, wall, cpu,
	       (double)f->len / 1e6);
	if (ours)
		printf(": ratio %.2f, of the CPU %.2f", median_ms(ours->wall_us) / wall,
		       median_ms(ours->cpu_us) / cpu);
	putchar('\n');
}

/* Ours, then the two peers, turn by turn. */
static void tell_sending(struct view *v, const struct buf *text, struct loop *loop)
{
	uint16_t port = free_port();
	struct http_server *server = serve(v, loop, port);
	struct bench_peer *whole = bench_peer_new(text, false);
	struct bench_peer *pieces = bench_peer_new(text, true);
	struct fetched ours, memory, chunked, packed;
	size_t before = resident();

	if (!whole || !pieces)
		die("the peer did not start");
	for (int i = 0; i < RUNS; i++) {
		fetch(port, "", &ours, i);
		if (ours.len < text->len)
			die("the answer is too short");
		fetch(bench_peer_port(whole), "", &memory, i);
		fetch(bench_peer_port(pieces), "", &chunked, i);
		fetch(port, "Accept-Encoding: gzip\r\n", &packed, i);
	}
	tell_fetched("scrape", &ours, NULL);
	tell_fetched("from memory", &memory, &ours);
	tell_fetched("… in pieces", &chunked, &ours);
	tell_fetched("gzip", &packed, NULL);
	printf("  resident      %+6.1f MB by the scrapes\n",
	       ((double)resident() - (double)before) / 1e6);
	http_free(server);
	bench_peer_free(whole);
	bench_peer_free(pieces);
}

static void *loop_thread(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void bench(const char *name, uint32_t services, uint32_t each, struct loop *loop)
{
	static const struct collect_env env = { .procfs = "/proc" };
	struct bench_world *w = bench_world_new(services, each);
	struct bench_snapshot cost;
	struct buf text = BUF_INIT;
	int64_t us[RUNS];
	struct view *v;
	double ms;

	printf("%s: %u services of %u realservers\n", name, services, each);
	tell_snapshot(w, services * each);
	v = bench_world_view(w, &cost);
	v->rounds = round_run(collector_table, &env);
	v->rounds_free = round_free;
	for (int i = 0; i < RUNS; i++)
		us[i] = render(v, &text, false);
	ms = median_ms(us);
	render(v, &text, true);
	printf("  rendering     %6.1f ms of CPU, %.1f MB: %.2f GB/s\n", ms, (double)text.len / 1e6,
	       (double)text.len / 1e6 / ms);
	fflush(stdout);
	tell_sending(v, &text, loop);
	buf_fini(&text);
	view_unref(v);
	bench_world_free(w);
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
	struct loop *loop;
	pthread_t thread;

	if (n < 100 || loop_new(&loop) < 0 || pthread_create(&thread, NULL, loop_thread, loop))
		die("usage: scrape [REALSERVERS]");
	bench("wide", n / 10, 10, loop);
	bench("deep", n / 100, 100, loop);
	loop_post(loop, "stop", stop_loop, loop);
	pthread_join(thread, NULL);
	loop_free(loop);
	return EXIT_SUCCESS;
}
