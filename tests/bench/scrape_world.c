/* scrape_world.c: a director in memory whose every realserver is probed, up, and in
 * the kernel with counters of its own: what a scrape of a large one has to show. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/base/clock.h"
#include "agent/ipvs/table.h"
#include "agent/model/match.h"
#include "agent/publish.h"
#include "agent/sections.h"
#include "agent/world.h"
#include "tests/bench/scrape.h"

enum { SLICE_US = 2000 }; /* as agent/publish.c */

struct bench_world {
	struct world *world;
	struct agent agent; /* as much of it as a snapshot asks */
	struct reading *reading;
};

static void put_conf(FILE *f, uint32_t services, uint32_t each)
{
	fputs("[metrics]\nmax_age = 5m\n[probe connect]\nurl = tcp://\ninterval = 10s\n"
	      "[defaults]\nscheduler = wrr\nforward = masq\nprobe = connect\n",
	      f);
	for (uint32_t s = 0; s < services; s++) {
		fprintf(f, "[service s%u]\naddress = tcp://10.%u.%u.%u:80\n", s, 64 + (s >> 16),
			s >> 8 & 255, s & 255);
		for (uint32_t r = 0; r < each; r++) {
			uint32_t n = s * each + r;

			fprintf(f, "realserver = r%u 10.%u.%u.%u\n", r, 128 + (n >> 16),
				n >> 8 & 255, n & 255);
		}
	}
}

static int load(uint32_t services, uint32_t each, struct config **ret_conf)
{
	char path[] = "/tmp/ipvs-agent-bench-XXXXXX";
	int fd = mkstemp(path), e = -1;
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!f)
		return -1;
	put_conf(f, services, each);
	if (!fclose(f))
		e = agent_config_load(path, ret_conf);
	unlink(path);
	return e;
}

/* All are up, after some failures. */
static void fill_targets(struct state *s, struct world *w)
{
	for (uint32_t i = 0; i < s->layout->n_targets; i++) {
		struct target *t = &s->targets[i];

		world_target(w, i, VERDICT_UP, PROBE_OK);
		t->attempts = 100000 + i;
		t->last_us = t->connect_us = 200 + i % 5000;
		t->last_wall_ms = clock_wall_ms() - i % 10000;
		t->health.since_wall_ms = t->last_wall_ms - 86400000 - i;
		t->health.passes = 4711 + i % 1000;
	}
}

static struct ipvs_stats stats(uint64_t n)
{
	return (struct ipvs_stats){ n * 37, n * 1009, n * 911, n * 700001, n * 800011 };
}

static int fill_table(const struct layout *l, struct ipvs_table *t)
{
	struct table_draft draft = { .table = t };
	uint32_t i, k;

	for (i = 0; i < l->n_vips; i++) {
		struct ipvs_service *s = table_add_service(&draft);

		if (!s)
			return -1;
		layout_kernel_service(l, i, s);
		s->stats = stats(i + 1000);
	}
	for (i = 0; i < l->n_vips; i++) {
		uint32_t first = t->n_dests;

		for (k = l->vips[i].first_dest; k < l->vips[i].first_dest + l->vips[i].n_dests;
		     k++) {
			struct ipvs_dest *d = table_add_dest(&draft);

			if (!d)
				return -1;
			layout_kernel_dest(l, k, 100, d);
			d->active = k % 1000;
			d->inactive = k % 300;
			d->stats = stats(k + 1);
		}
		table_close_service(t, &t->services[i], first);
	}
	table_trim(&draft);
	t->complete = true;
	t->started_us = clock_mono_us();
	t->wall_ms = clock_wall_ms();
	return 0;
}

struct bench_world *bench_world_new(uint32_t services, uint32_t each)
{
	struct bench_world *w = calloc(1, sizeof(*w));
	struct moment now = { .mono_ms = clock_mono_ms(), .wall_ms = clock_wall_ms() };
	struct ipvs_table table = { 0 };
	struct buf why = BUF_INIT;

	if (!w || load(services, each, &w->agent.conf) < 0 || config_errors(w->agent.conf) ||
	    world_new(w->agent.conf, &now, &why, &w->world) < 0) {
		fprintf(stderr, "no world: %s\n", buf_str(&why));
		exit(EXIT_FAILURE);
	}
	fill_targets(w->world->state, w->world);
	world_step(w->world, &now);
	w->agent.state = w->world->state;
	w->agent.decider = w->world->decider;
	w->agent.engine = w->world->engine;
	w->agent.holds = w->world->holds;
	w->agent.generation = 1;
	if (fill_table(w->agent.state->layout, &table) < 0 ||
	    reading_new(w->agent.state->layout, &table, &w->reading) < 0 ||
	    reading_match(w->reading) < 0) {
		fprintf(stderr, "no reading\n");
		exit(EXIT_FAILURE);
	}
	return w;
}

void bench_world_free(struct bench_world *w)
{
	reading_unref(w->reading);
	world_free(w->world);
	config_unref(w->agent.conf);
	free(w);
}

static size_t taken(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static int add_reading(struct view *v, struct reading *reading, struct bench_snapshot *cost)
{
	int64_t start = clock_mono_us();
	int e;

	view_read(v, reading);
	e = snapshot_dests(v);
	cost->work_us += clock_mono_us() - start;
	return e;
}

static void make(struct view *v, struct bench_world *w, struct bench_snapshot *cost)
{
	const struct agent *a = &w->agent;
	struct snapshot s;
	int e = v ? snapshot_room(v) : -1;

	cost->work_us = clock_mono_us() - cost->work_us;
	if (!e)
		snapshot_begin(&s, v, a);
	do {
		int64_t start = clock_mono_us(), took;

		e = e && e != -EAGAIN ? e : snapshot_next(&s, start + SLICE_US);
		took = clock_mono_us() - start;
		cost->loop_us += took;
		cost->longest_us = took > cost->longest_us ? took : cost->longest_us;
	} while (e == -EAGAIN);
	snapshot_fini(&s);
	if (!e)
		e = add_reading(v, w->reading, cost);
	if (!e)
		return;
	fprintf(stderr, "no snapshot\n");
	exit(EXIT_FAILURE);
}

struct view *bench_world_view(struct bench_world *w, struct bench_snapshot *ret_cost)
{
	size_t before = taken();
	struct view *v;

	*ret_cost = (struct bench_snapshot){ .work_us = clock_mono_us() };
	v = view_new(w->agent.conf, w->reading->layout);
	make(v, w, ret_cost);
	ret_cost->bytes = taken() - before;
	v->agent.kernel_ok = true;
	v->made_mono_ms = clock_mono_ms();
	return v;
}
