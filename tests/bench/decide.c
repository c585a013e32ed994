/* decide.c: what deciding costs the loop at 100,000 realservers, in a director that
 * exists in memory alone: a turn with nothing to do, 1,000 realservers that die at once,
 * a round of samples, everything anew. The longest stretch that the loop is kept busy
 * for in one go is what counts: others wait for as long. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/base/ways.h"
#include "agent/holds/journal.h"
#include "agent/probe.h"
#include "agent/rules/brake.h"
#include "agent/rules/engine.h"
#include "agent/sections.h"
#include "agent/world.h"

enum { N = 100000, DEAD = 1000, IDLE_TURNS = 200, PER_TURN = 40, TURN_US = 3000 };

struct bench {
	struct world *w;
	struct moment now;
	uint64_t told[DECISION_N_KINDS];
};

static const char sampled_rule[] = "[rule slow]\n"
				   "expr = probe_duration_seconds > 3 * "
				   "peers_median(probe_duration_seconds) and "
				   "probe_duration_seconds > 0.2\n"
				   "for = 30s\naction = reweight 50%\n";

static void on_decision(void *arg, const struct decision *d)
{
	struct bench *b = arg;

	b->told[d->kind]++;
}

/* `host`: the first of each of DEAD services is one and the same address. */
static int write_conf(FILE *f, uint32_t n_services, const char *rules, bool host)
{
	uint32_t each = N / n_services, s, r;

	fprintf(f, "[defaults]\nprobe = p\nscheduler = wlc\n[probe p]\nurl = tcp://\n%s", rules);
	for (s = 0; s < n_services; s++) {
		fprintf(f, "[service s%u]\naddress = tcp://10.%u.%u.1:80\n", s, 1 + s / 250,
			s % 250);
		for (r = 0; r < each; r++) {
			uint32_t id = s * each + r;

			if (host && !r && s < DEAD)
				fputs("realserver = r0 127.0.0.1:80\n", f);
			else
				fprintf(f, "realserver = r%u 172.%u.%u.%u:80\n", r, 16 + id / 62500,
					id / 250 % 250, 1 + id % 250);
		}
	}
	return fflush(f) || ferror(f) ? -1 : 0;
}

static struct config *load(uint32_t n_services, const char *rules, bool host)
{
	char path[] = "/tmp/decide-XXXXXX";
	struct config *conf = NULL;
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (f && !write_conf(f, n_services, rules, host))
		(void)agent_config_load(path, &conf);
	if (f)
		fclose(f);
	unlink(path);
	if (conf && config_errors(conf)) {
		struct buf text = BUF_INIT;

		config_format_problems(conf, &text);
		fprintf(stderr, "%s", buf_str(&text));
		buf_fini(&text);
		config_unref(conf);
		conf = NULL;
	}
	return conf;
}

static void pass_time(struct bench *b, int64_t ms)
{
	b->now.mono_ms += ms;
	b->now.wall_ms += ms;
	b->w->now = b->now;
}

/* --- figures --------------------------------------------------------------------------- */

struct stretch {
	int64_t all_us, longest_us, last_us;
	uint32_t n;
};

/* What the CPU spent: what else runs on the machine is not to count. */
static int64_t spent_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void begin(struct stretch *s)
{
	s->last_us = spent_us();
}

static void end(struct stretch *s)
{
	int64_t us = spent_us() - s->last_us;

	s->all_us += us;
	s->longest_us = us > s->longest_us ? us : s->longest_us;
	s->n++;
}

static void print(const char *shape, const char *what, const struct stretch *s)
{
	printf("%-12s %-34s %8.3f ms the longest of %5u, %9.3f ms in all\n", shape, what,
	       (double)s->longest_us / 1000, s->n, (double)s->all_us / 1000);
}

static void settle(struct bench *b, struct stretch *s)
{
	begin(s);
	world_step(b->w, &b->now);
	end(s);
}

/* --- what happens ---------------------------------------------------------------------- */

static void everything(struct bench *b, const char *shape, const char *what)
{
	struct stretch s = { 0 };

	pass_time(b, 1000);
	state_dirty_all(b->w->state);
	settle(b, &s);
	print(shape, what, &s);
}

/* A turn in which one service is decided, and one asks when to look again. */
static void idle(struct bench *b, const char *shape)
{
	struct stretch s = { 0 };
	uint32_t i;

	for (i = 0; i < IDLE_TURNS; i++) {
		pass_time(b, 1);
		state_dirty(b->w->state, i % b->w->state->layout->n_services);
		begin(&s);
		world_step(b->w, &b->now);
		(void)decide_next(&b->w->decider, b->now.mono_ms);
		end(&s);
	}
	print(shape, "a turn with one service", &s);
}

/* Every hundredth realserver, or ten whole services, PER_TURN of them a turn: as many
 * outcomes as one loop takes in before it decides. As many others go on passing: they
 * are the witnesses that the way there is good. */
static void die(struct bench *b, const char *shape, const char *what, uint32_t step, bool up)
{
	struct stretch s = { 0 };
	uint64_t before = b->told[DECISION_WEIGHT];
	uint32_t i;

	for (i = 0; i < DEAD; i += PER_TURN) {
		uint32_t j;

		pass_time(b, 5);
		begin(&s);
		for (j = i; j < i + PER_TURN; j++)
			world_verdict(b->w, j * step, up ? VERDICT_UP : VERDICT_DOWN,
				      up ? PROBE_OK : PROBE_CONNECT_REFUSED);
		for (j = i; j < i + PER_TURN; j++)
			world_verdict(b->w, N - 1 - j * (N / DEAD), VERDICT_UP, PROBE_OK);
		world_step(b->w, &b->now);
		(void)decide_next(&b->w->decider, b->now.mono_ms);
		end(&s);
	}
	print(shape, what, &s);
	printf("%-12s %-34s %8llu\n", shape, "  weights changed",
	       (unsigned long long)(b->told[DECISION_WEIGHT] - before));
}

static void sample(struct bench *b, const char *shape)
{
	struct stretch s = { 0 };

	pass_time(b, 2000);
	world_sampled(b->w);
	settle(b, &s);
	print(shape, "a round of samples", &s);
}

static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static int measure(const char *shape, uint32_t n_services, const char *rules)
{
	struct bench b = { .now = { 1000, 1700000000000 } };
	struct config *conf = load(n_services, rules, false);
	struct buf why = BUF_INIT;
	size_t before = in_use();
	uint32_t i;
	int e = conf ? world_new(conf, &b.now, &why, &b.w) : -1;

	config_unref(conf);
	if (e || !b.w) {
		fprintf(stderr, "%s: %s\n", shape, buf_str(&why));
		buf_fini(&why);
		return e ? e : -1;
	}
	b.w->tell = on_decision;
	b.w->arg = &b;
	printf("%-12s %-34s %8.0f bytes a realserver\n", shape, "layout, state, rules, decided",
	       (double)(in_use() - before) / N);
	for (i = 0; i < N; i++)
		world_verdict(b.w, i, VERDICT_UP, PROBE_OK);
	everything(&b, shape, "the first decision");
	everything(&b, shape, "everything anew");
	idle(&b, shape);
	if (rules[0])
		sample(&b, shape);
	die(&b, shape, "1,000 die, one in 100", N / DEAD, false);
	everything(&b, shape, "everything anew, 1,000 held");
	die(&b, shape, "they come back", N / DEAD, true);
	pass_time(&b, 3600000);
	everything(&b, shape, "an hour later");
	die(&b, shape, "1,000 die side by side", 1, false);
	world_free(b.w);
	buf_fini(&why);
	return 0;
}

/* --- one host ---------------------------------------------------------------------------- */

/* With all that is told of it: log (to nowhere, if stderr goes there) and journal. */
struct host {
	struct bench b;
	struct agent a;
	int64_t begun_us;
};

static bool tired(void *arg)
{
	struct host *h = (struct host *)(void *)((char *)arg - offsetof(struct host, a));

	return spent_us() - h->begun_us >= TURN_US;
}

static bool tired_world(void *arg)
{
	struct bench *b = ((struct world *)arg)->arg;

	return tired(&((struct host *)(void *)((char *)b - offsetof(struct host, b)))->a);
}

static void on_told(void *arg, const struct decision *d)
{
	struct host *h = (struct host *)(void *)((char *)arg - offsetof(struct host, b));

	on_decision(arg, d);
	agent_on_decision(&h->a, d);
}

static void turn(struct host *h, struct stretch *s)
{
	begin(s);
	h->begun_us = s->last_us;
}

/* As agent_turn() does it. */
static void die_at_once(struct host *h)
{
	struct state *s = h->b.w->state;
	struct stretch found = { 0 }, told = { 0 }, decided = { 0 };
	uint32_t target = s->layout->links[s->layout->realservers[0].first_link];
	struct health *health = &s->targets[target].health;
	bool more;

	pass_time(&h->b, 60000);
	health->verdict = VERDICT_DOWN;
	health->success = false;
	health->reason = PROBE_CONNECT_REFUSED;
	begin(&found);
	agent_on_outcome(&h->a, target, true,
			 &(struct probe_report){ .reason = PROBE_CONNECT_REFUSED });
	end(&found);
	do {
		turn(h, &told);
		more = !outcome_tell(&h->a, tired);
		end(&told);
	} while (more);
	world_verdict(h->b.w, N - 1, VERDICT_UP, PROBE_OK); /* a witness */
	h->b.w->decider.tired = tired_world;
	while (s->n_dirty) {
		pass_time(&h->b, 1);
		turn(h, &decided);
		(void)decide(&h->b.w->decider, &h->b.now, NULL, NULL);
		end(&decided);
	}
	print("one host", "is down", &found);
	print("one host", "is told of", &told);
	print("one host", "is decided", &decided);
	printf("%-12s %-34s %8llu\n", "one host", "  weights changed",
	       (unsigned long long)h->b.told[DECISION_WEIGHT]);
}

static int measure_host(void)
{
	struct host h = { .b.now = { 1000, 1700000000000 } };
	char dir[] = "/tmp/decide-XXXXXX";
	struct config *conf = load(N / 10, "", true);
	struct buf why = BUF_INIT, path = BUF_INIT;
	int e = conf && mkdtemp(dir) ? world_new(conf, &h.b.now, &why, &h.b.w) : -1;
	uint32_t i;

	config_unref(conf);
	if (e || journal_new(dir, 1 << 30, &h.a.journal) || ways_new(BRAKE_INTERFACES, &h.a.ways))
		return -1;
	h.b.w->tell = on_told;
	h.b.w->arg = &h.b;
	h.a.state = h.b.w->state;
	h.a.engine = h.b.w->engine;
	for (i = 0; i < N; i++)
		world_verdict(h.b.w, i, VERDICT_UP, PROBE_OK);
	world_step(h.b.w, &h.b.now);
	die_at_once(&h);
	journal_free(h.a.journal);
	buf_printf(&path, "%s/journal", dir);
	(void)unlink(buf_str(&path));
	(void)rmdir(dir);
	ways_free(h.a.ways);
	world_free(h.b.w);
	buf_fini(&path);
	return 0;
}

int main(void)
{
	if (measure_host())
		return EXIT_FAILURE;
	if (measure("10,000x10", 10000, "") || measure("10,000x10+s", 10000, sampled_rule) ||
	    measure("1,000x100", 1000, "") || measure("1,000x100+s", 1000, sampled_rule))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
