/* scrape.c: what a scrape of 100,000 realservers costs, wide and deep: the snapshot on
 * the loop, its size, the rendering, and the whole way to a client's socket. The
 * measure of the last is the same bytes sent by the same kind of server from memory,
 * turn by turn with it; figures are medians. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/clock.h"
#include "agent/base/loop.h"
#include "agent/http/server.h"
#include "agent/metrics/expose.h"
#include "agent/metrics/round.h"
#include "collectors/table.h"
#include "tests/bench/scrape.h"

enum { RUNS = 7, PART = 64 * 1024, WINDOW = 256 * 1024 };

static void die(const char *what)
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
	return (double)us[RUNS / 2] / 1000;
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

/* From the request to the last byte; *ret_len: of the whole answer. */
static int64_t fetch(uint16_t port, const char *headers, size_t *ret_len)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct buf ask = BUF_INIT;
	int64_t start = clock_mono_us();
	static char window[WINDOW];
	ssize_t n;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	buf_printf(&ask, "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n%s\r\n",
		   headers);
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    write(fd, ask.data, ask.len) != (ssize_t)ask.len)
		die("cannot ask");
	*ret_len = 0;
	while ((n = read(fd, window, sizeof(window))) > 0)
		*ret_len += (size_t)n;
	if (n < 0)
		die("the answer broke off");
	close(fd);
	buf_fini(&ask);
	return clock_mono_us() - start;
}

/* --- the measures ---------------------------------------------------------------- */

/* The whole text, which nobody but a bench wants; keeps it where `keep`. */
static int64_t render(const struct view *v, struct buf *out, bool keep)
{
	struct expose_request req = { .collectors = collector_table };
	struct buf part = BUF_INIT;
	int64_t start = clock_mono_us();
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
	return clock_mono_us() - start;
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

/* Ours, then the two peers, turn by turn. */
static void tell_sending(struct view *v, const struct buf *text, struct loop *loop)
{
	uint16_t port = free_port();
	struct http_server *server = serve(v, loop, port);
	struct bench_peer *whole = bench_peer_new(text, false);
	struct bench_peer *pieces = bench_peer_new(text, true);
	int64_t ours[RUNS], memory[RUNS], chunked[RUNS], packed[3];
	double o, m, c;
	size_t len, packed_len, before = resident();

	if (!whole || !pieces)
		die("the peer did not start");
	for (int i = 0; i < RUNS; i++) {
		ours[i] = fetch(port, "", &len);
		if (len < text->len)
			die("the answer is too short");
		memory[i] = fetch(bench_peer_port(whole), "", &len);
		chunked[i] = fetch(bench_peer_port(pieces), "", &len);
	}
	packed[0] = fetch(port, "Accept-Encoding: gzip\r\n", &packed_len);
	o = median_ms(ours);
	m = median_ms(memory);
	c = median_ms(chunked);
	printf("  scrape        %6.1f ms; from memory %.1f ms as one buffer, %.1f ms in pieces: "
	       "ratio %.2f (%.2f)\n",
	       o, m, c, o / m, o / c);
	printf("  gzip          %6.1f ms, %.1f MB; resident %+.1f MB by the scrapes\n",
	       (double)packed[0] / 1000, (double)packed_len / 1e6,
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
	printf("  rendering     %6.1f ms, %.1f MB: %.2f GB/s\n", ms, (double)text.len / 1e6,
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
