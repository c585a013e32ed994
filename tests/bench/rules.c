/* rules.c: how many times a second one core judges a realistic rule over 1,000 services
 * of 10 realservers each. Three figures: only judging; with a new value for each
 * realserver before each round, as samples are taken; a window of 5 minutes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/base/clock.h"
#include "agent/rules/expr.h"
#include "agent/rules/samples.h"

enum { N_SERVICES = 1000, N_EACH = 10, N = N_SERVICES * N_EACH, INTERVAL_MS = 2000, FILL = 160 };

static const uint64_t memory_max = UINT64_C(64) * 1024 * 1024;

struct world {
	struct expr *e;
	struct samples *s;
	int64_t now_ms;
	uint64_t judged, held;
};

static int start(struct world *w, const char *text)
{
	static uint32_t service_of[N], first_of[N_SERVICES], n_of[N_SERVICES];
	static const struct samples_shape shape = { service_of, first_of, n_of, N_SERVICES, N };
	struct samples_need needs[N_SIGNALS];
	const struct expr_need *wanted;
	struct buf why = BUF_INIT;
	unsigned int column = 0;
	uint32_t i;
	size_t n;
	int r;

	for (i = 0; i < N; i++) {
		service_of[i] = i / N_EACH;
		first_of[i / N_EACH] = i / N_EACH * N_EACH;
		n_of[i / N_EACH] = N_EACH;
	}
	*w = (struct world){ 0 };
	r = expr_compile(text, &why, &column, &w->e);
	if (!r) {
		wanted = expr_needs(w->e, &n);
		for (i = 0; i < n; i++)
			needs[i] = (struct samples_need){ .signal = wanted[i].signal,
							  .window_ms = wanted[i].window_ms,
							  .peers = wanted[i].peers };
		r = samples_new(&shape, needs, n, INTERVAL_MS, memory_max, &why, &w->s);
	}
	if (r)
		fprintf(stderr, "%s: column %u: %s\n", text, column, buf_str(&why));
	for (i = 0; !r && i < N; i++)
		samples_peer(w->s, i, true);
	buf_fini(&why);
	return r;
}

static void stop(struct world *w)
{
	expr_free(w->e);
	samples_free(w->s);
}

/* The next sample of every realserver: 10 to 25 ms, one in 100 is slow; a counter. */
static void put_all(struct world *w)
{
	uint32_t i;

	w->now_ms += INTERVAL_MS;
	for (i = 0; i < N; i++) {
		double noise = (double)((i * 7919 + (uint64_t)w->now_ms / 7) % 1000) / 1000;

		samples_put(w->s, SIGNAL_PROBE_DURATION_SECONDS, i, w->now_ms,
			    i % 100 ? 0.01 + noise * 0.015 : 0.3);
		samples_put(w->s, SIGNAL_CONNECTIONS_TOTAL, i, w->now_ms, (double)w->now_ms);
	}
}

static void judge_all(struct world *w)
{
	double value;
	uint32_t i;

	for (i = 0; i < N; i++)
		w->held += expr_eval(w->e, w->s, i, w->now_ms, &value) == TRUTH_TRUE;
	w->judged += N;
}

static int measure(const char *name, const char *text, bool puts)
{
	struct world w;
	int64_t started, us;
	unsigned int i;
	int r = start(&w, text);

	if (!r) {
		for (i = 0; i < FILL; i++)
			put_all(&w);
		started = clock_mono_us();
		do {
			if (puts)
				put_all(&w);
			judge_all(&w);
			us = clock_mono_us() - started;
		} while (us < 1000000);
		printf("%-32s %12.0f a second (%.1f%% true, %llu KB)\n", name,
		       (double)w.judged * 1e6 / (double)us, 100 * (double)w.held / (double)w.judged,
		       (unsigned long long)samples_memory(w.s) / 1024);
	}
	stop(&w);
	return r;
}

int main(void)
{
	static const char peers[] = "probe_duration_seconds > 3 * "
				    "peers_median(probe_duration_seconds) and "
				    "probe_duration_seconds > 0.2";
	static const char window[] = "rate(connections_total[5m]) > 2000";

	if (measure("peers, judged only", peers, false) ||
	    measure("peers, sampled and judged", peers, true) ||
	    measure("rate over 5m, judged only", window, false))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
